"""Chapters: what a notebook cell cannot hold, one small file a chapter."""
