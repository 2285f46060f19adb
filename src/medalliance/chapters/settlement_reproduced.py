"""Settlements of the Shared Savings Program that the rules reproduce."""

from __future__ import annotations

import pandas as pd

from ..evidence.quoting import cited
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .settlements import MSSP_EXCEPTIONS, REVENUE_CAP, load_mssp_elements, load_mssp_table


def mssp_year_table() -> Exhibit:
    """Set the reproduced settlements of the American programme by year."""
    frame = load_mssp_table().drop(columns=["row_id", "track", "source_id"])
    by_year = frame.groupby("year", as_index=False).sum()
    total = by_year.sum().to_frame().T.assign(year="all years")
    by_year = by_year.assign(year=by_year["year"].astype(str))
    return show(
        pd.concat([by_year, total.astype(by_year.dtypes.to_dict())])[_SHOWN_YEAR],
        "Settlements of accountable care organisations reproduced by rule, by year.",
        about=cited(["I09"]),
        decimals=0,
        labels=_LABELS,
    )


def mssp_track_table() -> Exhibit:
    """Set the reproduced settlements of the American programme by track."""
    frame = load_mssp_table().drop(columns=["row_id", "year", "source_id"])
    by_track = frame.groupby("track", as_index=False, sort=False).sum()
    return show(
        by_track[["track", *_SHOWN_YEAR[1:]]],
        "The same settlements by track. Tracks 1, A and B bear no loss; the others do. "
        "A to E are the levels of the BASIC track.",
        about=cited(["I09"]),
        decimals=0,
        labels=_LABELS,
    )


_SHOWN_YEAR = [
    "year",
    "settlements",
    "gains",
    "losses",
    "zeros",
    "to_the_dollar",
    "in_the_interval",
    "not_reproduced",
    "paid_usd",
    "owed_usd",
]
_LABELS = {"paid_usd": "paid, dollars", "owed_usd": "owed, dollars"}


def mssp_sentence() -> Sentence:
    """Say how many settlements are reproduced and which ones are not."""
    frame = load_mssp_table()
    total = frame.select_dtypes("number").sum().astype(int)
    named = ", ".join(f"{aco} in {year}" for year, aco in MSSP_EXCEPTIONS)
    exact = total["to_the_dollar"] - total["zeros"]
    return say(
        "All {zeros:,} published zeros are zeros by the rules. Of the {gains:,} other "
        "settlements {exact:,} come out within one dollar, {in_the_interval:,} inside the "
        "interval that the rounding of the published quality score leaves, and "
        "{not_reproduced} neither way ({named}: of each {REVENUE_CAP}).",
        zeros=total["zeros"],
        gains=total["gains"] + total["losses"],
        exact=exact,
        in_the_interval=total["in_the_interval"],
        not_reproduced=total["not_reproduced"],
        named=named,
        REVENUE_CAP=REVENUE_CAP,
        about=cited(["I09"]),
    )


def mssp_element_table() -> Exhibit:
    """Set how many settlements fail when one element of the rules is left out."""
    frame = load_mssp_elements()[["element", "fails_without"]]
    return show(
        frame,
        "Settlements no longer reproduced when one element of the rules is dropped.",
        about=cited(["I09"]),
        decimals=0,
        labels={"element": "element left out", "fails_without": "settlements that fail"},
    )
