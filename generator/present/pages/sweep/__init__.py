"""The page of a sweep: one model along its training."""
