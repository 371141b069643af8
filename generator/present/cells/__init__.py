"""Files of one cell (one model on one image) in the site: attention maps, analyses, scores."""
