"""What a year that nobody had seen does to the registered headlines of the ledger chapter."""

from __future__ import annotations

import pandas as pd

from ..evidence.quoting import facts
from ..registered.ledger_effects import LABELS
from ..registered.ledger_new_year import new_year_table
from .ledger_kept import load_ledger

LAST = 2023


def kept_new_year() -> pd.DataFrame:
    """Return the table that ``data/published`` keeps of the new year."""
    found = new_year_table(load_ledger().panel, load_ledger(LAST).panel)
    rounded = found.round(5).assign(outcome=found["outcome"].map(LABELS))
    rounded.insert(0, "row_id", [f"my{number:03d}" for number in range(1, len(found) + 1)])
    return rounded.assign(source_id="I09")


def load_new_year() -> pd.DataFrame:
    """Load the kept comparison of registered headlines with the cohorts of the new year."""
    return facts().mssp_new_year.drop(columns="grade")
