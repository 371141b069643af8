"""Presenting: from a run and its records to a static site. No torch, no network, no clock."""
