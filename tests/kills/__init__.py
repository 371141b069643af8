"""Commands killed at random places."""
