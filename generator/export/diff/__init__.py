"""Two galleries compared."""
