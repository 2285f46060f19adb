"""What a year that nobody had seen does to the registered headlines of the ledger chapter."""

from __future__ import annotations

import pandas as pd

from ..evidence.quoting import facts
from ..registered.ledger_effects import LABELS, REGISTERED
from ..registered.ledger_new_year import new_year_table
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .ledger_kept import load_ledger
from .ledger_source import FILES

LAST = 2023
_FILES = FILES.saying(FILES.source.replace(str(REGISTERED.last_year), str(LAST)))


def kept_new_year() -> pd.DataFrame:
    """Return the table that ``data/published`` keeps of the new year."""
    found = new_year_table(load_ledger().panel, load_ledger(LAST).panel)
    rounded = found.round(5).assign(outcome=found["outcome"].map(LABELS))
    rounded.insert(0, "row_id", [f"my{number:03d}" for number in range(1, len(found) + 1)])
    return rounded.assign(source_id="I09")


def load_new_year() -> pd.DataFrame:
    """Load the kept comparison of registered headlines with the cohorts of the new year."""
    return facts().mssp_new_year.drop(columns="grade")


def _side_by_side() -> pd.DataFrame:
    kept = load_new_year()
    new, old, every = (
        kept[kept["cohorts"] == name].set_index("outcome") for name in ("new", "registered", "all")
    )
    inside = (new["conf_low"] <= old["estimate"]) & (old["estimate"] <= new["conf_high"])
    return pd.DataFrame(
        {
            "registered": old["estimate"],
            "new": new["estimate"],
            "low": new["conf_low"],
            "high": new["conf_high"],
            "inside": inside,
            "all": every["estimate"],
            "moved": new["moved"],
            "wider": (new["conf_high"] - new["conf_low"]) / (old["conf_high"] - old["conf_low"]),
        }
    ).reset_index()


def new_year_exhibit() -> Exhibit:
    """Show each registered headline beside the same one for the new cohorts."""
    found = _side_by_side()
    between = [
        f"{low:+.3f} to {high:+.3f}" for low, high in zip(found["low"], found["high"], strict=True)
    ]
    shown = found[["outcome", "registered", "new"]].assign(
        between=between, inside=found["inside"].map({True: "yes", False: "no"}), both=found["all"]
    )
    return show(
        shown,
        f"Out of time: the registered headlines, fixed on the years to "
        f"{REGISTERED.last_year}, and the same headlines for the organisations that only the year "
        f"{LAST} makes complete.",
        about=_FILES,
        decimals={"registered": 4, "new": 4, "both": 4},
        labels={
            "outcome": "Outcome",
            "registered": "Registered",
            "new": "New cohort",
            "between": "95 % of the new cohort",
            "inside": "Registered inside",
            "both": "Both together",
        },
    )


def new_year_sentence() -> Sentence:
    """Say what the new year can decide."""
    found = _side_by_side()
    n, inside = len(found), int(found["inside"].sum())
    outside = "; ".join(found.loc[~found["inside"], "outcome"]) or "none"
    same = int((found["registered"] * found["new"] > 0).sum())
    times = found["wider"].median()
    power = (
        f"The new intervals are {times:.1f} times as wide, so that lying inside is weak "
        "support and no confirmation."
        if times > 2
        else "The new intervals are about as narrow as the old ones."
    )
    return say(
        "The registration knew the years to {last_year}. {new_year} came afterwards and "
        "completes one more group of {max_moved} organisations, which no registered estimate "
        "had used. {inside} of {n} registered estimates lie inside its intervals (outside: "
        "{outside}), and {same} of {n} have the same sign. {power}",
        last_year=REGISTERED.last_year,
        new_year=LAST,
        max_moved=found["moved"].max(),
        inside=inside,
        n=n,
        outside=outside,
        same=same,
        power=power,
        about=_FILES,
    )
