"""From numbers to pixels: scales, color maps, heat maps."""
