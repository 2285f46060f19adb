"""Years as people type them: 2015, 2015年, 2015-07-01."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import first_three
from ._numbers import MISSING, NEVER
from ._problems import Problem, Reading, many, problem

_YEAR = re.compile(r"(?:fy\s*)?([12]\d{3})(?:\.0+)?\s*(?:年度|年)?$")
_DATE = re.compile(
    r"([12]\d{3})\s*[-/.年]\s*(\d{1,2})(?:\s*[-/.月]\s*(\d{1,2})?)?\s*日?(?:[t ].*)?$"
)
_NO_YEAR = 1e8  # from which a number is not even a date in one piece
_PACKED = re.compile(r"([12]\d{3})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")


@dataclass(eq=False)
class Years:
    """A column read as years; NaN where blank or unreadable."""

    numbers: NDArray[np.float64]
    readings: list[Reading] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_years(
    column: pd.Series,
    name: str,
    *,
    date: str | None = None,
    missing: frozenset[str] = frozenset(),
) -> Years:
    """Read a column of years.

    Parameters
    ----------
    column : Series
        Numbers, text or dates.
    name : str
        Standard name. In ``year`` a date counts as its year; elsewhere the reader must say
        which year a date means.
    date : str, optional
        ``"first_full_year"`` or ``"same_year"``.
    missing : frozenset of str
        Further words for missing.
    """
    codes, found = pd.factorize(column.astype(object))
    rule = date or ("same_year" if name == "year" else None)
    values, notes, wrong = [], Counter[str](), {}
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    for k, cell in enumerate(found):
        value, how = _read_cell(cell, rule, name == "cohort", missing)
        if value is not None and not abs(value) < _NO_YEAR:
            value, how = (value, how) if np.isnan(value) else (None, "is not a whole number")
        values.append(value if value is not None else np.nan)
        if value is None:
            wrong[k] = how
        elif how:
            notes[how] += int(counts[k])
    readings = [
        Reading(f"{name}: {how} in {many(count, 'cell')}", name, count)
        for how, count in notes.items()
    ]
    problems = []
    for how in dict.fromkeys(wrong.values()):
        rows = np.flatnonzero(np.isin(codes, [k for k, why in wrong.items() if why == how]))
        shown = list(dict.fromkeys(str(column.iloc[row]) for row in rows))
        text = f"{name} {how} in {{where}}: {first_three(shown)}."
        if how == _IS_DATE:
            text += (
                " Say which year is meant in the mapping: `date: first_full_year` (a contract "
                "that starts after 1 January counts from the next year) or `date: same_year`."
            )
        problems.append(problem("E115", text, rows=rows, values=shown, column=name))
    return Years(np.array([*values, np.nan])[codes], readings, problems)


_IS_DATE = "holds dates"


def _read_cell(
    cell: object, rule: str | None, cohort: bool, missing: frozenset[str]
) -> tuple[float | None, str]:
    """Return the year and how it was read; ``None`` with what is wrong."""
    if isinstance(cell, dt.datetime | dt.date | np.datetime64 | pd.Timestamp):
        stamp = pd.Timestamp(cell)
        return _of_date(stamp.year, stamp.month, stamp.day, rule)
    if isinstance(cell, bool | int | float | np.number):
        number = float(cell)
        if np.isinf(number) and cohort:
            return 0.0, "infinity read as never treated (0)"
        if not np.isfinite(number):
            return None, "is not a whole number"
        packed = _PACKED.match(f"{number:.0f}") if number == round(number) else None
        if packed:
            return _of_date(int(packed[1]), int(packed[2]), int(packed[3]), rule)
        return (number, "") if number == round(number) else (None, "is not a whole number")
    text = unicodedata.normalize("NFKC", str(cell)).strip().casefold()
    if cohort and text in NEVER:
        return 0.0, f"{str(cell).strip()!r} read as never treated (0)"
    if text in MISSING | missing:
        return np.nan, f"{str(cell).strip()!r} read as missing" if text else ""
    if re.fullmatch(r"[+-]?\d+(\.0+)?", text) and not _PACKED.match(text):
        return float(text), ""
    if match := _YEAR.match(text):
        return float(match[1]), f"texts such as {str(cell).strip()!r} read as years"
    for pattern in (_PACKED, _DATE):
        if match := pattern.match(text):
            day = int(match[3]) if match[3] else None
            return _of_date(int(match[1]), int(match[2]), day, rule)
    return None, "is not a whole number"


def _of_date(year: int, month: int, day: int | None, rule: str | None) -> tuple[float | None, str]:
    if rule is None:
        return None, _IS_DATE
    if rule == "same_year":
        return float(year), "dates read as their year"
    starts = month == 1 and day in (None, 1)
    return float(year if starts else year + 1), "dates read as the first full year"
