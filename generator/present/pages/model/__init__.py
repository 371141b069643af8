"""Model page: plan, views and sections."""
