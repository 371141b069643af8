"""Layout of figures: venues, styles, sheets, color bars and legends."""
