"""The table of quantities: name, unit, axes, definition and source of every number."""
