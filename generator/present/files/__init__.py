"""Files of a site: manifest, build cache, settings, size reductions."""
