"""Treatments that may change more than once: the cohort is the year of the first change."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, first_three
from ._inspect import NEVER_TREATED


def first_changes(
    level: NDArray[np.float64], unit: NDArray[np.intp], year: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the year in which each row's unit first leaves its first known level, 0 if never.

    Parameters
    ----------
    level : ndarray, shape (n_obs,)
        Sorted by unit, then year; NaN where not known.
    unit : ndarray of intp, shape (n_obs,)
    year : ndarray of int, shape (n_obs,)

    >>> first_changes(np.array([0, 0, 1, 2.0, 2, 2]), np.array([0, 0, 0, 1, 1, 1]),
    ...               np.array([1, 2, 3, 1, 2, 3]))
    array([3, 3, 3, 0, 0, 0])
    """
    known = np.flatnonzero(np.isfinite(level))
    start = known[np.r_[True, np.diff(unit[known]) != 0]] if len(known) else known
    baseline = np.full(int(unit.max()) + 1, np.nan)
    baseline[unit[start]] = level[start]
    moved = np.isfinite(level) & (level != baseline[unit])
    first = np.full(len(baseline), np.iinfo(np.int64).max)
    np.minimum.at(first, unit[moved], year[moved])
    first[first == np.iinfo(np.int64).max] = NEVER_TREATED
    return first[unit]


def need_frame(df: object) -> None:
    """Refuse what is not a pandas table.

    Raises
    ------
    DataError
    """
    if not isinstance(df, pd.DataFrame):
        raise DataError(
            f"a panel is made from a pandas DataFrame, not from a {type(df).__name__}.\n"
            "  Convert it first, e.g. with pandas.DataFrame(...) or .to_pandas()."
        )


def read_level(df: pd.DataFrame, path: str) -> NDArray[np.float64]:
    """Read the column of a treatment's level, shape (n_obs,).

    Raises
    ------
    DataError
        If there is no such column, or it holds no numbers.
    """
    if path not in df.columns:
        raise DataError(f"panel: no column {path!r}.\n  Name the column of the treatment's level.")
    level = pd.to_numeric(df[path], errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = ~np.isfinite(level) & df[path].notna().to_numpy()
    if wrong.any():
        shown = first_three(
            f"{df[path].iloc[row]!r} (row {row + 1})" for row in np.flatnonzero(wrong)
        )
        raise DataError(
            f"panel: {path!r} is no finite number: {shown}.\n"
            "  Code the treatment's level in each year as a number."
        )
    return level
