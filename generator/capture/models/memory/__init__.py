"""Modules in memory: what can be seen of them, and how they are run."""
