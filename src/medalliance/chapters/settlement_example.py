"""What the chapter on settlements feeds the engine: grids of spending, words for reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..reforms import rule_fields

YEAR = 2024
SHORT = {
    "one_sided": "no loss",
    "split_631": "6:3:1",
    "primary_care_group_two_sided": "primary-care group",
    "two_sided_corridor": "corridor",
    "out_of_county_deducted": "outside first",
}


def in_words(steps: pd.DataFrame) -> pd.DataFrame:
    """Return the steps of a settlement with the labels of fields in place of their names."""
    kept = steps[steps["operation"] != "Rounded"].drop(columns="status")
    return kept.assign(why=[_words(why) for why in kept["why"]])


def _words(why: str) -> str:
    parts = []
    for part in why.split("; "):
        name, _, rest = part.partition(" ")
        known = rule_fields().get(name)
        parts.append(f"{known.label.en.lower() if known else name} {rest}".strip())
    return "; ".join(parts)


def spending_grid() -> pd.DataFrame:
    """Return ledgers of one budget that spend 80 to 120 % of it, in half percents (fen)."""
    points, budget = np.arange(160, 241), 10_000_000_000
    return pd.DataFrame(
        {
            "alliance": points.astype(str),
            "year": YEAR,
            "budget": budget,
            "spending": budget // 200 * points,
            "score": "0.9",
            "reserve": 0,
            "out_of_county_spending": budget // 50,
        }
    )


def frugal_years() -> tuple[pd.DataFrame, dict[int, pd.Series]]:
    """Return a first ledger, and the spending of eight more years at 95 % of its budget (fen)."""
    base = 10_000_000_000
    first = pd.DataFrame(
        {"alliance": ["a"], "year": [YEAR], "budget": [base], "spending": [base * 95 // 100],
         "score": ["1"], "reserve": [0]}
    )  # fmt: skip
    later = {year: pd.Series({"a": base * 95 // 100}) for year in range(YEAR + 1, YEAR + 9)}
    return first, later
