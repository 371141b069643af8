"""Records and statistics as files."""
