"""The frame that names the terms of an estimate."""

from __future__ import annotations

from typing import Any

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
    blank = [pd.NA] * len(term)
    columns = {"cohort": cohort, "year": year, "event_time": event_time, "n_units": n_units}
    frame = pd.DataFrame(
        {
            name: pd.array(
                blank if values is None else [pd.NA if v is None else int(v) for v in values],
                dtype="Int64",
            )
            for name, values in columns.items()
        }
    )
    frame.insert(0, "outcome", outcome)
    frame.insert(1, "term", term)
    return frame
