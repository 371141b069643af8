"""Drawing of maps: scales, color maps, heat maps, lettering."""
