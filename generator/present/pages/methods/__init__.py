"""Methods page: plan, views, and the citable paragraph."""
