"""A chunk: the maps of one query as a page loads them, written and read."""
