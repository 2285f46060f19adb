"""Inference: each method on arrays, and its face on ``Effects``."""
