"""Text that a spreadsheet shows as text: a cell that begins like a formula is never one."""

from __future__ import annotations

import re

import pandas as pd

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
GUARDED = re.compile(r"'(?=[=+\-@\t\r])")


def guarded(cell: object) -> object:
    """Return a cell with an apostrophe before it if a program could take its text for a formula.

    >>> [guarded(cell) for cell in ("=1+1", "-5", -5, "@sum")]
    ["'=1+1", '-5', -5, "'@sum"]
    """
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def guarded_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose names and text cells are guarded; numbers stay as they are."""
    out = frame.rename(columns=guarded)
    for place, kind in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            column = frame.iloc[:, place].astype(object).map(guarded)
            out.isetitem(place, column)
    return out


def csv_of(frame: pd.DataFrame) -> str:
    """Write a table as CSV text without its index, guarded."""
    return guarded_frame(frame).to_csv(index=False, lineterminator="\n")
