"""Difference of two galleries."""
