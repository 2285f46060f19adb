"""Embedding: coding the cases and comparing them."""
