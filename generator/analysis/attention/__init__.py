"""Attention itself: heads, rollout, the budget of keys, values, means by place."""
