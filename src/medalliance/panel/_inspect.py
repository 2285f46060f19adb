"""Every check of a panel's keys and numbers, run on one table before anything is raised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import _checks
from ._problems import Problem, problem

NEVER_TREATED = 0


@dataclass(frozen=True, eq=False)
class Inspection:
    """A table sorted by unit, then year, with what is wrong with it.

    Attributes
    ----------
    frame : DataFrame
        Rows whose keys can be read, sorted; the index is the caller's.
    keys : Keys
        Their keys.
    problems : tuple of Problem
    """

    frame: pd.DataFrame
    keys: _checks.Keys
    problems: tuple[Problem, ...]


def inspect(
    df: pd.DataFrame,
    roles: dict[str, str | None],
    treatment: str | None = None,
    *,
    step: str | int | None = None,
) -> Inspection:
    """Run every check that stops a panel.

    Parameters
    ----------
    df : DataFrame
        Has the columns that ``roles`` names under ``unit``, ``year``, ``cohort``, ``cluster`` or
        ``weight``.
    treatment : str, optional
        A 0/1 column to check.
    step : {"year", "quarter", "month"} or int, optional
        What time is counted in.
    """
    unit, year, cohort = (str(roles[k]) for k in ("unit", "year", "cohort"))
    named = [name for name in (*roles.values(), treatment) if name is not None]
    keys, valid, problems = _checks.read_keys(
        df, unit, year, cohort, never=NEVER_TREATED, step=step
    )
    order = _order(keys, valid)
    keys = keys if order is None else keys.take(order)
    frame = df.copy() if order is None else df.take(order)
    problems += _problems_in_order(frame, keys, roles, treatment)
    problems += _checks.check_numbers(df, skip=named)
    return Inspection(frame, keys, tuple(problems))


def _order(keys: _checks.Keys, valid: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Row order by unit, then year, without unreadable keys; None if already in order."""
    step_unit = np.diff(keys.unit_codes)
    in_order = (step_unit > 0) | ((step_unit == 0) & (np.diff(keys.years) >= 0))
    if valid.all() and in_order.all():
        return None
    rows = np.flatnonzero(valid)
    years = keys.years[rows]
    if not len(rows) or int(np.ptp(years)) > 1_000_000:
        return rows[np.lexsort((years, keys.unit_codes[rows]))]
    years = years - years.min()
    key = keys.unit_codes[rows] * (int(years.max()) + 1) + years
    return rows[np.argsort(key, kind="stable")]


def _problems_in_order(
    frame: pd.DataFrame,
    keys: _checks.Keys,
    roles: dict[str, str | None],
    treatment: str | None,
) -> list[Problem]:
    """Run the checks that need rows sorted by unit, then year."""
    unit, year, cluster, weight = (roles[k] for k in ("unit", "year", "cluster", "weight"))
    problems = _checks.duplicate_keys(keys, str(unit), str(year))
    advice = "Treatment must be absorbing. Fix the cohort column or drop these units."
    problems += _checks.changes_within(keys, keys.cohorts, "cohort", str(unit), advice)
    if cluster is not None:
        problems += _problems_of_cluster(frame[cluster], keys, str(unit))
    if weight is not None:
        problems += _checks.check_weight(keys, frame[weight])
    if treatment is not None:
        problems += _checks.check_treatment(keys, frame[treatment], str(unit))
    return problems + _checks.check_out_of_county(frame, keys)


def _problems_of_cluster(values: pd.Series, keys: _checks.Keys, unit: str) -> list[Problem]:
    problems = []
    blank = values.isna().to_numpy(bool)
    if blank.any():
        text = f"cluster {values.name!r} is missing in {blank.sum()} rows."
        problems.append(problem("E121", text, rows=keys.rows[blank], column=values.name))
    codes, labels = pd.factorize(values)
    problems += _checks.mixed_types(pd.Index(labels), "cluster", str(values.name))
    if _checks.changes_within(keys, codes, "cluster", unit, ""):
        advice = "Give each unit one cluster, e.g. that of its first year."
        listed = values.astype(object).to_numpy()
        problems += _checks.changes_within(keys, listed, "cluster", unit, advice)
    return problems
