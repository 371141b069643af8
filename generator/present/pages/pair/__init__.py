"""The page of two models."""
