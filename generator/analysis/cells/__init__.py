"""Results of all analyses for one model on one image, and for one model over images."""
