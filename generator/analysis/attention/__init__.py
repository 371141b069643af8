"""Attention analyses: heads, rollout, mass by key group, value norms, averages by place."""
