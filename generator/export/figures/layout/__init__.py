"""How a figure looks: venues, styles, sheets, color bars and keys."""
