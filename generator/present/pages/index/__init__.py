"""Index page: plan, views, and controls that find images."""
