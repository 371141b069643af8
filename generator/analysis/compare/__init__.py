"""Two models, two galleries, or the checkpoints of a training, compared."""
