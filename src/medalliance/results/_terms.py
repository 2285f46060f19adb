"""The frame that names the terms of an estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..panel import TimeStep


def terms_frame(
    outcome: str | list[str],
    term: list[str],
    *,
    cohort: Any = None,
    year: Any = None,
    event_time: Any = None,
    n_units: Any = None,
) -> pd.DataFrame:
    """Make the frame that names the terms of an estimate.

    Parameters
    ----------
    outcome : str or list of str
        One outcome for all terms, or one a term.
    term : list of str
        Name of each term.
    cohort, year, event_time, n_units : array_like of int, optional
        Blank (missing) where they do not apply.

    Returns
    -------
    DataFrame, shape (k, 6)
    """
    columns = {"cohort": cohort, "year": year, "event_time": event_time, "n_units": n_units}
    whole = {name: _whole(values, len(term)) for name, values in columns.items()}
    return pd.DataFrame({"outcome": outcome, "term": term, **whole})


def cell_terms(
    outcome: str | list[str],
    cohort: NDArray[np.int64],
    year: NDArray[np.int64],
    step: TimeStep,
    *,
    n_units: Any,
) -> pd.DataFrame:
    """Make the frame that names cohort-by-year cells, times written as people do.

    Parameters
    ----------
    outcome : str or list of str
    cohort, year : ndarray of int, shape (k,)
        Counted in steps.
    step : TimeStep
    n_units : array_like of int, shape (k,)

    Returns
    -------
    DataFrame, shape (k, 6)
    """
    said = {int(t): step.label(t) for t in np.unique(np.concatenate([cohort, year]))}
    return terms_frame(
        outcome,
        [f"cohort {said[int(g)]} in {said[int(t)]}" for g, t in zip(cohort, year, strict=True)],
        cohort=cohort,
        year=year,
        event_time=year - cohort,
        n_units=n_units,
    )


def as_written(times: pd.Series, step: TimeStep) -> pd.Series:
    """Write a column of times as people do: whole years as numbers, others as text."""
    if step.unit == "year" and step.every == 1:
        return times
    said = [pd.NA if pd.isna(t) else step.label(t) for t in times]
    return pd.Series(said, index=times.index, dtype="Int64" if step.unit == "year" else "string")


def _whole(values: Any, size: int) -> pd.arrays.IntegerArray:
    if values is None:
        return pd.arrays.IntegerArray(np.zeros(size, np.int64), np.ones(size, bool))
    blank = np.array([value is None or value is pd.NA for value in values], dtype=bool)
    known = [0 if gap else int(value) for value, gap in zip(values, blank, strict=True)]
    return pd.arrays.IntegerArray(np.array(known, dtype=np.int64), blank)
