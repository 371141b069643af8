"""The version of the program, and the name that its modules were imported under."""

__version__ = "0.1.0"

PACKAGE = __name__.partition(".")[0]
"""``generator`` or ``attention_gallery``, the second for the command: loggers are below it."""
