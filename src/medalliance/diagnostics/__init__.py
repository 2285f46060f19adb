"""Reasons not to believe an estimate, each a table, and inference on finished effects."""
