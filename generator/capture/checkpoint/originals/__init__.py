"""Original checkpoints: how projects name their weights, and the network in a state dict."""
