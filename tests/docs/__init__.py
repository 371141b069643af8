"""The documents: what they say runs, and what is generated in them is up to date."""
