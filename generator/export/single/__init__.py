"""A whole site as one HTML file."""
