"""Pair page: plan, views and sections."""
