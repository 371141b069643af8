"""Patch features: components, similarity, objects found without labels, and their scores."""
