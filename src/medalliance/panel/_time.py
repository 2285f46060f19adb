"""Time counted in steps: years, quarters or months, read from numbers, text or dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ._numbers import NEVER
from ._problems import Problem, problem

PER_YEAR = {"year": 1, "quarter": 4, "month": 12}
LAST_YEAR = 9999
_MONTH = r"(0?[1-9]|1[0-2])"
_TEXTS = tuple(
    (unit, re.compile(pattern))
    for unit, pattern in (
        ("year", r"(?P<y>\d{4})\s*年?(\.0)?"),
        ("quarter", r"(?P<y>\d{4})\s*[-/年]?\s*(Q|第)?\s*(?P<q>[1-4一二三四])\s*季度?"),
        ("quarter", r"(?P<y>\d{4})\s*[-/.]?\s*Q\s*(?P<q>[1-4])"),
        ("quarter", r"Q(?P<q>[1-4])\s*[-/]?\s*(?P<y>\d{4})"),
        ("month", rf"(?P<y>\d{{4}})\s*[-/.M年]\s*(?P<m>{_MONTH})\s*(月份?)?"),
        ("month", r"(?P<y>\d{4})(?P<m>0[1-9]|1[0-2])(\.0)?"),
        ("date", rf"(?P<y>\d{{4}})[-/.](?P<m>{_MONTH})[-/.]\d{{1,2}}([T ].*)?"),
        ("date", rf"(?P<y>\d{{4}})\s*年\s*(?P<m>{_MONTH})\s*月\s*\d{{1,2}}\s*[日号]?"),
        ("date", r"(?P<y>\d{4})(?P<m>0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(\.0)?"),
    )
)
_QUARTERS = {**{str(k): k for k in range(1, 5)}, **dict(zip("一二三四", range(1, 5), strict=True))}


@dataclass(frozen=True)
class TimeStep:
    """What one step of a panel's time is.

    Attributes
    ----------
    unit : {"year", "quarter", "month"}
    every : int
        Units in a step: 2 for a panel of every second year.
    start : int
        With ``every`` above 1 the first time of the panel, in units; steps are counted from it.
    """

    unit: str = "year"
    every: int = 1
    start: int = 0

    def label(self, time: int | np.integer[Any]) -> str:
        """Return a time as people write it: 2015, 2015Q3, 2015-07.

        >>> TimeStep("quarter").label(4 * 2015 + 2)
        '2015Q3'
        """
        at = self.start + (int(time) - self.start) * self.every
        if self.unit == "year":
            return str(at)
        year, part = divmod(at, PER_YEAR[self.unit])
        return f"{year}Q{part + 1}" if self.unit == "quarter" else f"{year}-{part + 1:02d}"

    @property
    def noun(self) -> str:
        """A step in words: "year", "quarter", "2 years"."""
        return self.unit if self.every == 1 else f"{self.every} {self.unit}s"


YEARLY = TimeStep()


@dataclass(frozen=True, eq=False)
class Times:
    """A column of times as read: years and months (quarters stand at their first month).

    Attributes
    ----------
    months : ndarray of int64, shape (n_obs,)
        Months since year 0; zero where never treated or not read.
    never, valid : ndarray of bool, shape (n_obs,)
    unit : str
        The finest unit that the cells name: "year", "quarter", "month" or "date".
    problems : list of Problem
    """

    months: NDArray[np.int64]
    never: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    unit: str
    problems: list[Problem]


def check_step(step: object) -> None:
    """Refuse a step that is neither a unit of time nor a whole number of years.

    Raises
    ------
    DesignError
    """
    whole = isinstance(step, int | np.integer) and not isinstance(step, bool) and step >= 1
    if not (step is None or step in tuple(PER_YEAR) or whole):
        raise DesignError(
            f'step={step!r}.\n  Give "year", "quarter" or "month", or the whole number of years '
            "between two times (1 counts whole numbers as they are)."
        )


def is_plain(column: pd.Series, step: object) -> bool:
    """Return whether a column holds whole numbers that count as they stand."""
    if isinstance(step, int | np.integer):
        return _is_number(column, last=np.inf)
    if step in ("quarter", "month") or not _is_number(column):
        return False
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        return not len(column) or bool(column.to_numpy().max() <= LAST_YEAR)
    values = column.to_numpy(np.float64, na_value=np.nan)
    finite = values[np.isfinite(values)]
    return not len(finite) or finite.max() <= LAST_YEAR or bool((finite != np.round(finite)).any())


def number_month(number: int | np.integer[Any]) -> bool:
    """Return whether a number can only be a quarter or a month, as 20153 or 201507."""
    return bool(re.fullmatch(r"(1[89]|2[01])\d\d([1-4]|0[1-9]|1[0-2])", str(int(number))))


def _is_number(column: pd.Series, *, last: float = LAST_YEAR) -> bool:
    kind = column.dtype
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
        return True
    if pd.api.types.is_datetime64_any_dtype(kind) or isinstance(kind, pd.PeriodDtype):
        return False
    number = pd.to_numeric(column, errors="coerce")
    return bool((number.notna() | column.isna()).all() and not (number > last).any())


def read_times(column: pd.Series, role: str, *, never: bool = False) -> Times:
    """Read a column as years, quarters, months or dates.

    Parameters
    ----------
    column : Series, shape (n_obs,)
        Dates, periods, text as ``2012Q1``, ``2012-03``, ``2012年3月``, ``2012-03-31``, or numbers
        as 201203.
    role : str
        For messages.
    never : bool
        Whether 0, infinity and words such as "never" stand for units that are never treated.
    """
    n = len(column)
    blank = column.isna().to_numpy(bool)
    problems: list[Problem] = []
    if blank.any():
        unknown = " Write 0 for never treated; a missing cohort means unknown." if never else ""
        text = f"{role} {column.name!r} is missing in {{where}}.{unknown}"
        problems.append(problem("E115", text, rows=np.flatnonzero(blank), column=column.name))
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        year = column.dt.year.to_numpy(np.float64, na_value=np.nan)
        month = column.dt.month.to_numpy(np.float64, na_value=np.nan)
        months = np.where(blank, 0, 12 * np.nan_to_num(year) + np.nan_to_num(month) - 1)
        return Times(months.astype(np.int64), np.zeros(n, bool), ~blank, "date", problems)
    codes, cells = pd.factorize(column.astype(object), use_na_sentinel=True)
    read = [_cell(cell, never) for cell in cells]
    month = np.array([cell[0] for cell in read] + [0], dtype=np.int64)[codes]
    units = [cell[1] for cell in read]
    bad = np.array([unit == "" for unit in units] + [False])[codes] & ~blank
    if bad.any():
        unread = [cell for cell, unit in zip(cells, units, strict=True) if unit == ""]
        shown = first_three(repr(c) if isinstance(c, str) else str(c) for c in unread)
        text = (
            f"{role} {column.name!r} is no year, quarter, month or date in {{where}}: {shown}. "
            "Write 2012, 2012Q1, 2012-03 or 2012-03-31; step=1 counts whole numbers as they are."
        )
        problems.append(problem("E115", text, rows=np.flatnonzero(bad), column=column.name))
    named = dict.fromkeys(unit for unit in units if unit not in ("", "never"))
    if len(named) > 1:
        text = f"{role} {column.name!r} mixes {' and '.join(f'{unit}s' for unit in named)}."
        problems.append(problem("E115", text, column=column.name))
    is_never = np.array([unit == "never" for unit in units] + [False])[codes] & ~blank
    return Times(month, is_never, ~blank & ~bad, next(iter(named), ""), problems)


def _cell(cell: object, never: bool) -> tuple[int, str]:
    """Read one cell as months since year 0, with its unit; ``""`` if it cannot be read."""
    if isinstance(cell, pd.Period):
        named = {"Y": "year", "A": "year", "Q": "quarter", "M": "month"}
        return 12 * cell.year + cell.month - 1, named.get(cell.freqstr[0], "date")
    if isinstance(cell, date):
        return 12 * cell.year + cell.month - 1, "date"
    if isinstance(cell, bool | np.bool_):
        return 0, ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell).strip().upper()
    if never and (text.casefold() in NEVER or text in ("0", "0.0")):
        return 0, "never"
    if re.fullmatch(r"\d{4}[1-4]", text) and isinstance(cell, int | np.integer):
        return 12 * int(text[:4]) + 3 * (int(text[4]) - 1), "quarter"
    for unit, pattern in _TEXTS:
        found = pattern.fullmatch(text)
        if found:
            part = found.groupdict()
            month = 3 * (_QUARTERS[part["q"]] - 1) if "q" in part else int(part.get("m") or 1) - 1
            return 12 * int(part["y"]) + month, unit
    return 0, ""


def unit_of(times: Times, step: object) -> str:
    """Choose the unit that times are counted in: the one asked for, or the coarsest that fits.

    Dates all in one month of the year are years; three, six or nine months apart, quarters.
    """
    if step in PER_YEAR:
        return str(step)
    if times.unit != "date":
        return times.unit or "year"
    parts = np.unique(times.months[times.valid] % 12)
    if len(parts) <= 1:
        return "year"
    return "quarter" if not (np.diff(parts) % 3).any() else "month"


def count_steps(months: NDArray[np.int64], unit: str) -> NDArray[np.int64]:
    """Count months since year 0 in whole units."""
    return months // (12 // PER_YEAR[unit])


def is_finer(unit: str, than: str) -> bool:
    """Return whether a unit of cells is too coarse to be counted in another."""
    return unit in PER_YEAR and PER_YEAR[than] > PER_YEAR[unit]


def missing_steps(years: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the steps between the first and the last that nobody is seen in.

    >>> missing_steps(np.array([2012, 2013, 2015]))
    array([2014])
    """
    if not len(years) or years[-1] - years[0] == len(years) - 1:
        return np.empty(0, np.int64)
    return np.setdiff1d(np.arange(years[0], years[-1] + 1), years)


def common_step(years: NDArray[np.int64]) -> int:
    """Return how far apart times are that are seen: 2 for a panel of every second year.

    >>> common_step(np.array([2012, 2014, 2018]))
    2
    """
    return int(np.gcd.reduce(np.diff(years))) if len(years) > 1 else 1


def gap_line(years: NDArray[np.int64], step: TimeStep) -> str:
    """Say which steps nobody is seen in; empty if there are none."""
    gaps = missing_steps(years)
    if not len(gaps):
        return ""
    apart = common_step(years)
    advice = ""
    if apart > 1 and step.every == 1 and step.unit == "year":
        advice = f" With step={apart} event time counts steps of {apart} years."
    return (
        f"No unit is seen in {first_three(step.label(t) for t in gaps)}. Effects are compared "
        f"with the last {step.unit} seen before treatment; event time counts {step.noun}s."
        f"{advice}"
    )
