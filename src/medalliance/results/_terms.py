"""The frame that names the terms of an estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


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


def _whole(values: Any, size: int) -> pd.arrays.IntegerArray:
    if values is None:
        return pd.arrays.IntegerArray(np.zeros(size, np.int64), np.ones(size, bool))
    blank = np.array([value is None or value is pd.NA for value in values], dtype=bool)
    known = [0 if gap else int(value) for value, gap in zip(values, blank, strict=True)]
    return pd.arrays.IntegerArray(np.array(known, dtype=np.int64), blank)
