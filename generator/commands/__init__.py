"""One module for each command. Heavy imports are made inside the functions."""
