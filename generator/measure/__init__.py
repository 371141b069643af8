"""The measuring half: the only folder that imports torch or transformers."""
