"""All analyses of one model on one image, and of one model over images."""
