"""A book of a reader's own panel: its results, its files to take away, its manifest."""

from __future__ import annotations

from .build import OwnBook, build_own_book

__all__ = ["OwnBook", "build_own_book"]
