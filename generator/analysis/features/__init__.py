"""Patch features: principal components, similarity, object discovery and its scores."""
