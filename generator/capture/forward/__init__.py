"""A forward pass, watched: attention, its statistics, vectors, the residual stream."""
