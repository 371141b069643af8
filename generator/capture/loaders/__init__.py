"""Loaders: one for each container of checkpoints.

They resolve without torch where the container allows it, and build a network when there is work.
"""
