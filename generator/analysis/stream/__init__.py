"""The residual stream: norms, outliers, massive activations, similarity of layers."""
