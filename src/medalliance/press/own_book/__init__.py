"""A book of a reader's own panel: its results, its files to take away, its manifest."""

from __future__ import annotations

from .build import OwnBook, build_own_book, write_verdict
from .chapters import CHAPTERS
from .folder import refuse_foreign

__all__ = ["CHAPTERS", "OwnBook", "build_own_book", "refuse_foreign", "write_verdict"]
