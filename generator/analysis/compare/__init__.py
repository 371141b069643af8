"""Comparisons: two models, two galleries, checkpoints of a training run."""
