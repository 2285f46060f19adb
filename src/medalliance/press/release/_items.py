"""What a release is made of: tables that may leave, and those that are withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

TITLES = {
    "counties_by_prefecture": "Counties and insured residents by prefecture and year",
    "visits_by_place": "Visits by place and year, with shares",
    "money_by_cohort": "Spending, budget and surplus by cohort and year",
    "pay_by_tier": "Pay, posts and pay a post by tier, staff type and year",
    "estimates": "Estimates: headlines, event times, and cells by cohort and year",
    "settings": "Settings of the estimates",
}


@dataclass(frozen=True, eq=False)
class Item:
    """A table that may leave.

    Attributes
    ----------
    name, title : str
        Name of its file; what it is.
    frame : DataFrame
        As released: blanks where numbers are hidden, the reason in the column ending in ``_na``.
    record : DataFrame
        One row a number with ``status`` and ``reason``, and no number.
    rules : str
        The rules that were applied.
    contributors : int or None
        Fewest contributors behind a number that is shown.
    method : str
        How the complementary cells were chosen.
    decimals : mapping
        Decimals of columns, as printed and as written.
    note : str
        What a reader has to know.
    """

    name: str
    title: str
    frame: pd.DataFrame
    record: pd.DataFrame
    rules: str
    contributors: int | None = None
    method: str = "no complementary cells needed"
    decimals: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    def count(self, status: str) -> int:
        """Count the numbers of a status."""
        return int((self.record["status"] == status).sum())

    @property
    def rounded(self) -> pd.DataFrame:
        """The frame as it is written: numbers to the declared decimals, years whole."""
        frame = self.frame.copy()
        for name, places in self.decimals.items():
            if name in frame.columns:
                frame[name] = frame[name].astype(float).round(places)
                if places == 0:
                    frame[name] = frame[name].astype("Int64")
        return frame


@dataclass(frozen=True)
class Withheld:
    """A table that does not leave, with the reason."""

    name: str
    title: str
    reason: str


@dataclass(frozen=True, eq=False)
class Contents:
    """All items of a release, and what was withheld."""

    items: tuple[Item, ...]
    withheld: tuple[Withheld, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
