"""Provenance: what kind of evidence a value is, where it comes from, in which currency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

CARRIED = "provenance"  # key of ``DataFrame.attrs`` under which a frame carries its provenance


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


@dataclass(frozen=True)
class Provenance:
    """What a value is made of; panels, rules, evidence and every result carry one.

    Attributes
    ----------
    badge : Badge
        Kind of evidence.
    source : str
        Where the numbers come from, as it is printed below an exhibit.
    currency : str
        ``"CNY"`` or ``"USD"``; empty where there is no money, or money of both.
    files : tuple of str
        Data files that were read, as paths in the project; empty where none is known.
    rows_say : bool
        Whether each row names its own source; what names the sources of the rows takes the place
        of this source line.

    Examples
    --------
    >>> both = Provenance("REAL", "a yearbook") | Provenance("SYNTHETIC", "a simulation")
    >>> both.badge.value, both.source
    ('SYNTHETIC', 'a yearbook; a simulation')
    """

    badge: Badge
    source: str
    currency: str = ""
    files: tuple[str, ...] = ()
    rows_say: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "badge", Badge(self.badge))
        object.__setattr__(self, "files", tuple(self.files))

    def __or__(self, other: Provenance) -> Provenance:
        """Mix two: the weakest badge, both sources, the currency if it is one."""
        if self == other:
            return self
        named = [one for one in (self, other) if not one.rows_say] or [self, other]
        sources = dict.fromkeys(one.source for one in named if one.source)
        currencies = {name for name in (self.currency, other.currency) if name}
        return Provenance(
            weakest(self.badge, other.badge),
            "; ".join(sources),
            currencies.pop() if len(currencies) == 1 else "",
            tuple(dict.fromkeys((*self.files, *other.files))),
            self.rows_say and other.rows_say,
        )

    def saying(self, source: str) -> Provenance:
        """Return the same provenance with another source line."""
        return replace(self, source=source, rows_say=False)

    def noting(self, words: str) -> Provenance:
        """Return the same provenance with words after its source line."""
        return self.saying(f"{self.source}; {words}")

    def carried_by(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Write this provenance into a frame and return that frame.

        It stands in ``frame.attrs`` as plain data, which pandas hands on when rows or columns
        are chosen, and writes to Parquet.
        """
        frame.attrs[CARRIED] = asdict(self) | {"badge": self.badge.value, "files": [*self.files]}
        return frame


def provenance_of(value: Any) -> Provenance | None:
    """Return the provenance of a value, mixed where it holds several; None if it has none.

    Parameters
    ----------
    value : Provenance, anything with ``provenance``, a frame that carries one, or several of them
    """
    if isinstance(value, Provenance):
        return value
    own = getattr(value, "provenance", None)
    if isinstance(own, Provenance):
        return own
    carried = getattr(value, "attrs", None)
    if isinstance(carried, Mapping):
        stored = carried.get(CARRIED)
        return None if stored is None else Provenance(**stored)
    if isinstance(value, Mapping):
        return mixed(value.values())
    return mixed(value) if isinstance(value, list | tuple) else None


def mixed(values: Iterable[Any]) -> Provenance | None:
    """Mix the provenance of several values; those without one count for nothing."""
    found = None
    for value in values:
        one = provenance_of(value)
        if one is not None:
            found = one if found is None else found | one
    return found
