"""The commands, one module each. Heavy imports are inside functions."""
