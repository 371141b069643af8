"""Single maps and animations."""
