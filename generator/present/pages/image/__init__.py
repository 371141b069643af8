"""The page of one image, and of a sequence."""
