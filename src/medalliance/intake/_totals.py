"""A panel's money beside a settlement report: E112."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError, first_three
from ..outcomes import numbers_of
from ..panel import Panel, Problem, problem, standardise

HALF_FEN = 0.005


def compare_totals(panel: Panel, totals: str | Path | pd.DataFrame) -> list[Problem]:
    """Return E112: amounts that differ from those of a settlement report.

    Parameters
    ----------
    panel : Panel
    totals : path or DataFrame
        One row a county and year with ``spending``, ``budget`` or both. Several rows of a county
        and year are added up.

    Raises
    ------
    DataError
        If the report has no keys or no amount.
    """
    report = standardise(totals).frame
    amounts = [name for name in ("spending", "budget") if name in report.columns]
    if not {"county_code", "year"} <= set(report.columns) or not amounts:
        raise DataError(
            "the settlement report needs the columns county_code, year and spending or budget.\n"
            f"  It has {', '.join(map(str, report.columns))}."
        )
    keys = pd.MultiIndex.from_arrays(
        [panel.frame[panel.unit].astype("str"), panel.years[panel.year_codes]]
    )
    report = report.assign(county_code=report["county_code"].astype("str"))
    problems = []
    for name in amounts:
        ours = numbers_of(panel, name)
        if ours is None:
            continue
        theirs = report.groupby(["county_code", "year"])[name].sum(min_count=1)
        gap = ours - theirs.reindex(keys).to_numpy(np.float64)
        rows = np.flatnonzero(np.abs(gap) > HALF_FEN)
        if len(rows):
            problems.append(_differ(panel, name, gap, rows))
    return problems


def _differ(panel: Panel, name: str, gap: np.ndarray, rows: np.ndarray) -> Problem:
    year = panel.years[panel.year_codes]
    unit = panel.units[panel.unit_codes]
    shown = first_three(f"{gap[k]:,.2f} yuan for {unit[k]},{year[k]}" for k in rows)
    text = f"Panel totals differ from settlement report by {shown}."
    places = [f"{unit[k]} in {year[k]}" for k in rows[:3]]
    values = [f"{gap[k]:,.2f}" for k in rows[:3]]
    return problem("E112", text, rows=rows, values=values, places=places, column=name)
