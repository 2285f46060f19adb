"""Badges: what kind of evidence a figure, a table or a number is."""

from __future__ import annotations

from enum import StrEnum


class Badge(StrEnum):
    """Kind of evidence, from strongest to weakest.

    Attributes
    ----------
    REAL
        Published figures or public records, each with its source.
    YOURS
        Computed from the panel that the reader loaded.
    SYNTHETIC
        Simulated data whose true effect is known.
    ILLUSTRATIVE
        Numbers chosen to show how a rule works.
    """

    REAL = "REAL"
    YOURS = "YOURS"
    SYNTHETIC = "SYNTHETIC"
    ILLUSTRATIVE = "ILLUSTRATIVE"

    @classmethod
    def _missing_(cls, value: object) -> Badge:
        raise ValueError(f"badge {value!r} is not known.\n  Use one of {', '.join(cls)}.")


_ORDER = tuple(Badge)

MEANING = {
    Badge.REAL: "published figures or public records, each with its source",
    Badge.YOURS: "computed from the panel that you loaded",
    Badge.SYNTHETIC: "simulated data whose true effect is known",
    Badge.ILLUSTRATIVE: "numbers chosen to show how a rule works",
}


def weakest(*badges: Badge | str) -> Badge:
    """Combine badges: what mixes evidence carries the weakest badge of its parts.

    >>> weakest("REAL", "SYNTHETIC").value
    'SYNTHETIC'
    """
    return max((Badge(badge) for badge in badges), key=_ORDER.index)
