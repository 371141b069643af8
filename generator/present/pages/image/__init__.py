"""Image page and sequence page: plans, views and analyses."""
