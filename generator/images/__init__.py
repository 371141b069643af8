"""Input pictures and clips: finding, decoding, credits, groups and annotations."""
