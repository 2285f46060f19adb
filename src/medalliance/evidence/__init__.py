"""Published facts: statistics, case figures, rules and effects, each with its source."""

from __future__ import annotations

from ._identities import failing_identities, identity_checks
from ._load import (
    PUBLISHED,
    STRONG_GRADES,
    Evidence,
    load_evidence,
    load_sources,
    read_published,
    source_line,
)

__all__ = [
    "PUBLISHED",
    "STRONG_GRADES",
    "Evidence",
    "failing_identities",
    "identity_checks",
    "load_evidence",
    "load_sources",
    "read_published",
    "source_line",
]
