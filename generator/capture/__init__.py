"""Capture: attention read from a network as it runs. The only folder that imports torch.

Planning needs some of it without torch: :mod:`hub`, :mod:`layouts`, :mod:`preprocess`,
:mod:`processors` and :mod:`resolve` import neither torch nor transformers.
"""
