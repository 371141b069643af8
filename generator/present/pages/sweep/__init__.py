"""Sweep page: one model along its training."""
