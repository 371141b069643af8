"""A checkpoint's files: config, processor, weights. Imports neither torch nor transformers."""
