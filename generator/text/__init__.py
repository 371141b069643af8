"""Formatting of numbers, sizes, phrases, slugs and LaTeX text."""
