"""Tests. Each process of them computes in one thread: there is a process for each core."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch are imported
