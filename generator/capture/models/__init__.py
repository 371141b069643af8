"""Models that run: loaded from a checkpoint, with class head and test-time registers."""
