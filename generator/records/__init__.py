"""Records: the measured arrays of one model on one image, and their store."""
