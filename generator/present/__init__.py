"""Rendering of a run and its records as a static site, without torch, network or clock."""
