"""Files of a site: manifest, settings, reuse from the former site."""
