"""Numbers that no county can have: E136, an error where the plausible rules only warn."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import first_three
from ..outcomes import numbers_of
from ..panel import Panel, Problem, problem, standard_columns

HUGE = 1e13  # yuan, persons or visits of a county and year: ten times what the whole country spends
JUMP = 300.0  # times its own neighbours that no year reaches
APART = 1_000.0  # times its neighbours from which counties stand in another unit
SAME_ROWS = 10  # rows from which spending that equals the budget everywhere is no coincidence

Numbers = NDArray[np.float64]


def rules_of_nonsense(panel: Panel) -> list[Problem]:
    """Return numbers that stop estimation although each lies in its range."""
    counted = {
        name: values
        for name in map(str, panel.frame.columns)
        if (variable := standard_columns().get(name))
        and variable.unit in ("yuan", "persons", "visits")
        and (values := numbers_of(panel, name)) is not None
    }
    problems = _flags(panel)
    for name, values in counted.items():
        problems += _huge(name, values)
        problems += _jumps(panel, name, values)
        problems += _two_units(panel, name, values)
    budget, spending = counted.get("budget"), counted.get("spending")
    problems += _same(budget, spending)
    problems += _all_zero(counted)
    problems += _parts(counted)
    return problems


def _flags(panel: Panel) -> list[Problem]:
    """Return columns of money that hold true and false."""
    found = []
    for name in map(str, panel.frame.columns):
        variable = standard_columns().get(name)
        flags = pd.api.types.is_bool_dtype(panel.frame[name])
        if variable and flags and variable.unit in ("yuan", "persons", "visits", "share"):
            text = f"{name} holds true and false, not {variable.unit}. Map the right column to it."
            found.append(problem("E136", text, column=name, count=len(panel.frame)))
    return found


def _huge(name: str, values: Numbers) -> list[Problem]:
    rows = np.flatnonzero(np.isfinite(values) & (np.abs(values) > HUGE))
    if not len(rows):
        return []
    text = f"{name} is beyond anything a county can have in {{where}}. Correct the cells."
    return [problem("E136", text, rows=rows, values=values[rows], column=name)]


def _middles(panel: Panel, values: Numbers) -> Numbers:
    """Return the median of the positive values of each unit, NaN where there is none."""
    positive = pd.Series(np.where(values > 0, values, np.nan))
    middle = positive.groupby(panel.unit_codes).median()
    return middle.reindex(range(panel.n_units)).to_numpy(np.float64)


def _jumps(panel: Panel, name: str, values: Numbers) -> list[Problem]:
    middle = _middles(panel, values)[panel.unit_codes]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(values > 0, values / middle, np.nan)
    rows = np.flatnonzero((ratio > JUMP) | (ratio < 1 / JUMP))
    if not len(rows):
        return []
    k = rows[0]
    text = (
        f"{name} is {_times(ratio[k])} the county's other years in {{where}}, first in "
        f"{panel.units[panel.unit_codes[k]]} in {panel.years[panel.year_codes[k]]}. Correct the "
        "cells, or their unit."
    )
    return [problem("E136", text, rows=rows, values=values[rows], column=name)]


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio > 1 else f"1/{1 / ratio:,.0f} of"


def _two_units(panel: Panel, name: str, values: Numbers) -> list[Problem]:
    """Return counties whose numbers stand a thousand times below or above all others."""
    middle = _middles(panel, values)
    known = np.flatnonzero(np.isfinite(middle))
    if len(known) < 4:
        return []
    order = known[np.argsort(middle[known])]
    steps = middle[order][1:] / middle[order][:-1]
    k = int(np.argmax(steps))
    low, high = order[: k + 1], order[k + 1 :]
    spread = max(middle[low[-1]] / middle[low[0]], middle[high[-1]] / middle[high[0]])
    gap = np.median(middle[high]) / np.median(middle[low])
    if steps[k] < 30 or gap < APART or spread > APART:
        return []
    fewer = low if len(low) <= len(high) else high
    rows = np.flatnonzero(np.isin(panel.unit_codes, fewer))
    shown = first_three(panel.units[np.sort(fewer)])
    text = (
        f"{name} stands in two units: about {gap:,.0f} times apart, with {len(fewer)} of "
        f"{len(known)} counties on one side ({shown}). Bring all counties to one unit."
    )
    return [problem("E136", text, rows=rows, column=name, count=len(fewer))]


def _same(budget: Numbers | None, spending: Numbers | None) -> list[Problem]:
    if budget is None or spending is None:
        return []
    both = np.isfinite(budget) & np.isfinite(spending)
    if both.sum() < SAME_ROWS or not (budget[both] == spending[both]).all():
        return []
    text = (
        "spending is identical to the budget in every row: one was copied from the other, and "
        "every surplus is 0. Give the amount that was spent."
    )
    return [problem("E136", text, column="spending", count=int(both.sum()))]


def _all_zero(counted: dict[str, Numbers]) -> list[Problem]:
    found = []
    for name in ("budget", "notional_budget", "spending", "insured_n"):
        values = counted.get(name)
        if values is None or not np.isfinite(values).any():
            continue
        if (values[np.isfinite(values)] == 0).all():
            text = f"{name} is 0 in every row. Leave unknown amounts blank, or give the amounts."
            found.append(problem("E136", text, column=name, count=len(values)))
    return found


def _parts(counted: dict[str, Numbers]) -> list[Problem]:
    """Return parts of spending that together exceed the whole."""
    spending = counted.get("spending")
    names = [n for n in ("out_of_county_spending", "primary_care_spending") if n in counted]
    if spending is None or len(names) < 2:
        return []
    together = sum((counted[name] for name in names), np.zeros(len(spending)))
    rows = np.flatnonzero(together > spending * (1 + 1e-9))
    if not len(rows):
        return []
    text = f"{' and '.join(names)} together exceed spending in {{where}}. Correct one of them."
    return [problem("E136", text, rows=rows, column=names[0])]
