"""Quantities computed from records: numpy only, pure functions, one module a family."""
