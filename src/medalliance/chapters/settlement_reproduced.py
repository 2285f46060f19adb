"""Settlements of the Shared Savings Program that the rules reproduce."""

from __future__ import annotations

import pandas as pd

from ..evidence import load_sources, source_line
from ..provenance import Badge
from ..show.exhibits import Exhibit, Sentence, sentence
from .settlements import MSSP_EXCEPTIONS, REVENUE_CAP, load_mssp_elements, load_mssp_table


def mssp_year_table() -> Exhibit:
    """Set the reproduced settlements of the American programme by year."""
    from ..show.tables import table

    frame = load_mssp_table().drop(columns=["row_id", "track", "source_id"])
    by_year = frame.groupby("year", as_index=False).sum()
    total = by_year.sum().to_frame().T.assign(year="all years")
    by_year = by_year.assign(year=by_year["year"].astype(str))
    return table(
        pd.concat([by_year, total.astype(by_year.dtypes.to_dict())])[_SHOWN_YEAR],
        caption="Settlements of accountable care organisations reproduced by rule, by year.",
        badge=Badge.REAL,
        source=source_line(load_sources(), "I09"),
        decimals=0,
        labels=_LABELS,
    )


def mssp_track_table() -> Exhibit:
    """Set the reproduced settlements of the American programme by track."""
    from ..show.tables import table

    frame = load_mssp_table().drop(columns=["row_id", "year", "source_id"])
    by_track = frame.groupby("track", as_index=False, sort=False).sum()
    return table(
        by_track[["track", *_SHOWN_YEAR[1:]]],
        caption=(
            "The same settlements by track. Tracks 1, A and B bear no loss; the others do. "
            "A to E are the levels of the BASIC track."
        ),
        badge=Badge.REAL,
        source=source_line(load_sources(), "I09"),
        decimals=0,
        labels=_LABELS,
    )


_SHOWN_YEAR = ["year", "settlements", "gains", "losses", "zeros", "to_the_dollar",
               "in_the_interval", "not_reproduced", "paid_usd", "owed_usd"]  # fmt: skip
_LABELS = {"paid_usd": "paid, dollars", "owed_usd": "owed, dollars"}


def mssp_sentence() -> Sentence:
    """Say how many settlements are reproduced and which ones are not."""
    frame = load_mssp_table()
    total = frame.select_dtypes("number").sum().astype(int)
    named = ", ".join(f"{aco} in {year}" for year, aco in MSSP_EXCEPTIONS)
    exact = total["to_the_dollar"] - total["zeros"]
    return sentence(
        f"All {total['zeros']:,} published zeros are zeros by the rules. Of the "
        f"{total['gains'] + total['losses']:,} other settlements {exact:,} come out within one "
        f"dollar, {total['in_the_interval']:,} inside the interval that the rounding of the "
        f"published quality score leaves, and {total['not_reproduced']} neither way "
        f"({named}: of each {REVENUE_CAP}).",
        badge=Badge.REAL,
        source=source_line(load_sources(), "I09"),
    )


def mssp_element_table() -> Exhibit:
    """Set how many settlements fail when one element of the rules is left out."""
    from ..show.tables import table

    frame = load_mssp_elements()[["element", "fails_without"]]
    return table(
        frame,
        caption="Settlements no longer reproduced when one element of the rules is dropped.",
        badge=Badge.REAL,
        source=source_line(load_sources(), "I09"),
        decimals=0,
        labels={"element": "element left out", "fails_without": "settlements that fail"},
    )
