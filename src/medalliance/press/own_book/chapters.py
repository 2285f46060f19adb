"""Which chapters a reader's panel can carry, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...intake import Need
from ...registered.estimates import LINK, PAY, PREFERRED, SURPLUS, SURPLUS_PAY_VISITS, VISITS

# Chapters that are executed on the reader's panel, in the order of their book.
CHAPTERS: dict[str, tuple[str, ...]] = {
    "estimate-surplus": SURPLUS,
    "estimate-pay": PAY,
    "estimate-visits": VISITS,
    "money-and-behaviour": LINK,
    "how-wrong": SURPLUS_PAY_VISITS,
    "methods": PREFERRED,
    "how-sure": PREFERRED,
}
ONE_IS_ENOUGH = ("methods", "how-sure")  # these read the first outcome that they can
# Chapters that stand on designs of their own or on facts; they come as the book stores them.
GENERAL = ("how-to-read.md", "shares.ipynb", "trust.ipynb")


@dataclass(frozen=True)
class Readiness:
    """What a panel gives of a chapter's outcomes.

    Attributes
    ----------
    available : tuple of str
        Outcomes that can be computed.
    reasons : dict of str to str
        Outcomes that cannot, with one sentence each.
    """

    available: tuple[str, ...]
    reasons: Mapping[str, str]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons, each once."""
        return tuple(dict.fromkeys(self.reasons.values()))


def readiness(needs: Iterable[Need]) -> dict[str, Readiness]:
    """Return what a panel gives, by chapter, from what its check found."""
    said = {need.outcome: reason(need) for need in needs}
    return {
        chapter: Readiness(
            tuple(name for name in names if not said[name]),
            {name: said[name] for name in names if said[name]},
        )
        for chapter, names in CHAPTERS.items()
    }


def reason(need: Need) -> str:
    """Say why an outcome cannot be computed; blank if it can."""
    if need.missing:
        return f"“{need.label}” needs {_columns(list(need.missing))}, which your table lacks."
    if not need.available:
        return f"“{need.label}”: {' '.join(need.reason.split())}"
    if need.coverage == 0:
        return f"“{need.label}” has no row in which all of its columns have a value."
    return ""


def _columns(names: list[str]) -> str:
    """List columns, those of all types of staff in one word."""
    stems: dict[str, list[str]] = {}
    for name in names:
        stem, _, kind = name.rpartition("_")
        stems.setdefault(stem if stem[:4] in ("pay_", "fte_") else name, []).append(kind)
    listed = [stem if len(kinds) == 1 and stem in names else _staff(stem, kinds)
              for stem, kinds in stems.items()]  # fmt: skip
    return " and ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else listed[0]


def _staff(stem: str, kinds: list[str]) -> str:
    return f"{stem}_{kinds[0]}" if len(kinds) == 1 else f"{stem}_… ({', '.join(kinds)})"
