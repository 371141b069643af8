"""Capture: attention read from a network as it runs. The only folder that imports torch.

Planning a build needs :mod:`checkpoint` alone, which imports neither torch nor transformers.
"""
