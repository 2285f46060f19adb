"""Checks at the panel's door: every problem is found before any is raised."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import first_three
from ._problems import Problem, many, problem
from ._time import (
    LAST_YEAR,
    YEARLY,
    TimeStep,
    count_steps,
    is_finer,
    is_plain,
    number_month,
    read_times,
    unit_of,
)

# Columns that hold money as it was booked, in the currency's main unit with two places.
MONEY = (
    "budget",
    "spending",
    "notional_budget",
    "out_of_county_spending",
    "primary_care_spending",
    "inpatient_spending",
    "personnel_spending",
    "revenue",
    "county_account_income",
    "county_account_spending",
    "pool_income",
    "pool_spending",
)


class PanelWarning(UserWarning):
    """Something in a panel that a reader should look at, but that stops nothing."""


@dataclass(frozen=True, eq=False)
class Keys:
    """Key columns of a frame as arrays, in the caller's row order.

    Attributes
    ----------
    unit_codes : ndarray, shape (n_obs,)
        Unit as a code in sorted order, -1 where missing.
    units : Index, shape (n_units,)
    years, cohorts : ndarray of int64, shape (n_obs,)
        Counted in steps.
    rows : ndarray of int, shape (n_obs,)
        Where each row stands in the caller's frame, counted from 0.
    step : TimeStep
        What is counted.
    """

    unit_codes: NDArray[np.intp]
    units: pd.Index
    years: NDArray[np.int64]
    cohorts: NDArray[np.int64]
    rows: NDArray[np.intp]
    step: TimeStep = YEARLY

    def take(self, order: NDArray[np.intp]) -> Keys:
        """Return the keys of these rows, in this order."""
        return Keys(
            self.unit_codes[order],
            self.units,
            self.years[order],
            self.cohorts[order],
            self.rows[order],
            self.step,
        )

    def place(self, k: int | np.integer) -> str:
        """Return "county in year" for a row of these keys."""
        return f"{self.units[self.unit_codes[k]]} in {self.step.label(self.years[k])}"


def suggest(name: str, known: Iterable[object], *, cutoff: float = 0.5) -> str:
    """Return ``" Did you mean ...?"`` for a name that is close to known ones, else nothing."""
    close = difflib.get_close_matches(name, [str(item) for item in known], n=3, cutoff=cutoff)
    return f" Did you mean {', '.join(close)}?" if close else ""


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def noun(column: str) -> str:
    """Return the word for a key column: ``county_code`` is "County", other names stay."""
    return "County" if column == "county_code" else column


def mixed_types(labels: pd.Index, role: str, name: str) -> list[Problem]:
    """Return E115 if labels are text here and numbers there: 100 and "100" are two units."""
    if labels.dtype != object:
        return []
    text = np.array([isinstance(label, str) for label in labels])
    if text.all() or not text.any():
        return []
    shown = first_three([repr(labels[text.argmin()]), repr(labels[text.argmax()])])
    line = f"{role} {name!r} mixes text and numbers ({shown}); store it as one type."
    return [problem("E115", line, column=name)]


def alike(labels: pd.Index) -> list[str]:
    """List labels that differ by blanks around them or zeros before them alone, in pairs."""
    if not len(labels) or not isinstance(labels[0], str):
        return []
    trimmed = labels.str.strip().str.lstrip("0")
    if trimmed.is_unique:
        return []
    twice = trimmed.duplicated(keep=False)
    pairs = pd.Series(labels[twice]).groupby(trimmed[twice].to_numpy(), sort=False)
    return [" and ".join(map(repr, names)) for _, names in pairs]


def missing_columns(frame: pd.DataFrame, named: dict[str, str | None]) -> list[Problem]:
    """Return E114 for each named column that the frame lacks."""
    problems = []
    for role, column in named.items():
        if column is None or column in frame.columns:
            continue
        hint = suggest(str(column), frame.columns)
        if column in frame.index.names:
            hint = " It is in the index: call reset_index() first."
        problems.append(problem("E114", f"no column {column!r} for {role}.{hint}", column=column))
    return problems


def whole_numbers(
    column: pd.Series, role: str, *, infinite: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_], list[Problem]]:
    """Read a column as whole numbers.

    Returns
    -------
    values : ndarray of int64, shape (n_obs,)
        Zero where the cell is not a whole number.
    valid : ndarray of bool, shape (n_obs,)
    problems : list of Problem
    """
    name = column.name
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        text = f"{role} {name!r} holds dates; give whole years, as with .dt.year."
        found = [problem("E115", text, column=name, count=len(column))]
        return np.zeros(len(column), np.int64), np.zeros(len(column), dtype=bool), found
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        values = column.to_numpy(np.int64)
        return values, np.ones(len(values), dtype=bool), []
    number = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if infinite is not None:
        number = np.where(np.isposinf(number), infinite, number)
    valid = np.isfinite(number)
    valid &= number == np.round(np.where(valid, number, 0.0))
    problems = []
    blank = column.isna().to_numpy(bool)
    if blank.any():
        rows = np.flatnonzero(blank)
        unknown = " Use 0 for never treated; a missing cohort means unknown."
        text = f"{role} {name!r} is missing in {{where}}."
        text += unknown if role == "cohort" else ""
        problems.append(problem("E115", text, rows=rows, column=name))
    wrong = np.flatnonzero(~valid & ~blank)
    if len(wrong):
        shown = first_three(_shown(v) for v in column.iloc[wrong].unique())
        text = f"{role} {name!r} is not a whole number in {{where}}: {shown}."
        values = column.iloc[wrong].unique()
        problems.append(problem("E115", text, rows=wrong, values=values, column=name))
    return np.where(valid, number, 0.0).astype(np.int64), valid, problems


def read_keys(
    frame: pd.DataFrame,
    unit: str,
    year: str,
    cohort: str,
    *,
    never: int,
    step: str | int | None = None,
) -> tuple[Keys, NDArray[np.bool_], list[Problem]]:
    """Read unit, year and cohort, listing every cell that cannot be a key.

    Parameters
    ----------
    frame : DataFrame
    unit, year, cohort : str
        Columns.
    never : int
        What stands for never treated.
    step : {"year", "quarter", "month"} or int, optional
        What time is counted in; what the cells say without it.

    Returns
    -------
    keys : Keys
    valid : ndarray of bool, shape (n_obs,)
        Rows whose three keys can be read; the later checks look at these only.
    problems : list of Problem
    """
    problems: list[Problem] = []
    try:
        codes, units = pd.factorize(frame[unit], sort=True)
    except TypeError:
        codes, units = pd.factorize(frame[unit].astype("string"), sort=True)
        text = f"unit {unit!r} mixes text and numbers; store it as one type."
        problems.append(problem("E115", text, column=unit))
    else:
        problems += mixed_types(pd.Index(units), "unit", unit)
    blank = np.flatnonzero(codes < 0)
    if len(blank):
        text = f"unit {unit!r} is missing in {{where}}."
        problems.append(problem("E115", text, rows=blank, column=unit))
    (years, year_ok), (cohorts, cohort_ok), counted, found = _read_times(
        frame[year], frame[cohort], step, never
    )
    problems += found
    if len(frame) == 0:
        problems.append(problem("E130", "the table has no rows below its header."))
    negative = np.flatnonzero(cohorts < 0)
    if len(negative):
        shown = first_three(np.unique(cohorts[negative]))
        text = f"cohort {cohort!r} is negative in {{where}}: {shown}."
        bad = np.unique(cohorts[negative])
        problems.append(problem("E115", text, rows=negative, values=bad, column=cohort))
    keys = Keys(codes, pd.Index(units), years, cohorts, np.arange(len(frame)), counted)
    return keys, (codes >= 0) & year_ok & cohort_ok, problems


_Column = tuple[NDArray[np.int64], NDArray[np.bool_]]


def _read_times(
    year: pd.Series, cohort: pd.Series, step: str | int | None, never: int
) -> tuple[_Column, _Column, TimeStep, list[Problem]]:
    """Read time and cohort in one step: values with which of them are valid, for each."""
    if is_plain(year, step):
        years, year_ok, problems = whole_numbers(year, "year")
        cohorts, cohort_ok, found = whole_numbers(cohort, "cohort", infinite=never)
        problems += found
        odd = np.unique(cohorts[cohorts > LAST_YEAR])
        odd = odd[[number_month(c) for c in odd]]
        if len(odd) and step is None:
            text = f"cohort {cohort.name!r} is no year as {year.name!r} is: {first_three(odd)}."
            rows = np.flatnonzero(np.isin(cohorts, odd))
            problems.append(problem("E115", text, rows=rows, values=odd, column=cohort.name))
        unit = "year"
    else:
        seen, first = read_times(year, "year"), read_times(cohort, "cohort", never=True)
        problems = [*seen.problems, *first.problems]
        unit = unit_of(seen, step)
        for name, role, times in ((year.name, "year", seen), (cohort.name, "cohort", first)):
            if is_finer(times.unit, unit):
                text = f"{role} {name!r} holds {times.unit}s, and time is counted in {unit}s."
                problems.append(problem("E115", text, column=name, count=len(year)))
        years, year_ok = count_steps(seen.months, unit), seen.valid
        cohorts = np.where(first.never, never, count_steps(first.months, unit))
        cohort_ok = first.valid
    if not isinstance(step, int | np.integer) or step == 1 or not year_ok.any():
        return (years, year_ok), (cohorts, cohort_ok), TimeStep(unit), problems
    start, every = int(years[year_ok].min()), int(step)
    off = np.flatnonzero(year_ok & ((years - start) % every != 0))
    if len(off):
        shown = first_three(np.unique(years[off]))
        text = f"year {year.name!r} is not a multiple of {every} from {start} on: {shown}."
        problems.append(problem("E115", text, rows=off, column=year.name))
        year_ok = year_ok & ((years - start) % every == 0)
    years = start + (years - start) // every
    # a cohort between two times is first treated at the second
    cohorts = np.where(cohorts == never, never, start - (start - cohorts) // every)
    return (years, year_ok), (cohorts, cohort_ok), TimeStep(unit, every, start), problems


def duplicate_keys(keys: Keys, unit: str, year: str) -> list[Problem]:
    """Return E101: keys, sorted by unit then year, that appear more than once."""
    same = (np.diff(keys.unit_codes) == 0) & (np.diff(keys.years) == 0)
    if not same.any():
        return []
    twice = np.r_[False, same] | np.r_[same, False]
    table = pd.DataFrame({"u": keys.unit_codes, "y": keys.years})
    counts = table[twice].value_counts(sort=False)
    word = noun(unit)
    shown = first_three(
        f"{word} {keys.units[u]}, {year} {keys.step.label(y)} appears {n} times"
        for (u, y), n in counts.items()
    )
    text = f"{shown}; the panel needs one row per {word.lower()} and {year}."
    return [
        problem(
            "E101",
            text,
            rows=keys.rows[twice],
            places=[f"{keys.units[u]} in {keys.step.label(y)}" for u, y in counts.index[:3]],
            count=len(counts),
            raised=f"duplicate key: {text}",
        )
    ]


def changes_within(
    keys: Keys, values: NDArray[np.generic], role: str, unit: str, advice: str
) -> list[Problem]:
    """Return E121 if a column that must be constant in a unit changes.

    Rows must be sorted by unit.
    """
    moved = (np.diff(keys.unit_codes) == 0) & (values[1:] != values[:-1])
    if not moved.any():
        return []
    units = np.unique(keys.unit_codes[1:][moved])
    seen = (pd.unique(values[keys.unit_codes == code]) for code in units[:3])
    shown = [
        f"{keys.units[code]} ({', '.join(str(value) for value in found)})"
        for code, found in zip(units[:3], seen, strict=True)
    ]
    named = first_three(shown + [""] * (len(units) - len(shown)))
    text = f"{role} changes within {unit} for {many(len(units), 'unit')}: {named}. {advice}"
    rows = keys.rows[1:][moved]
    return [problem("E121", text, rows=rows, places=shown, count=len(units), column=role)]


def check_weight(keys: Keys, values: pd.Series) -> list[Problem]:
    """Return E121 if unit weights are missing, infinite, or not positive."""
    number = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero(~(np.isfinite(number) & (number > 0)))
    if not len(bad):
        return []
    shown = first_three(_shown(v) for v in values.iloc[bad].unique())
    text = f"weight {values.name!r} must be positive in every row; {{where}}: {shown}."
    rows, found = keys.rows[bad], values.iloc[bad]
    return [problem("E121", text, rows=rows, values=found, column=values.name)]


def check_treatment(keys: Keys, values: pd.Series, unit: str) -> list[Problem]:
    """Return problems of a 0/1 treatment column: other values, E102, or a contradicted cohort."""
    number = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero(~np.isin(number, (0.0, 1.0)))
    name = values.name
    if len(bad):
        shown = first_three(_shown(v) for v in values.iloc[bad].unique())
        text = f"treatment {name!r} must be 0 or 1; {{where}}: {shown}."
        found = values.iloc[bad].unique()
        return [problem("E122", text, rows=keys.rows[bad], values=found, column=name)]
    problems = []
    left = np.flatnonzero((np.diff(keys.unit_codes) == 0) & (np.diff(number) < 0)) + 1
    if len(left):
        shown = first_three(
            f"{noun(unit)} {keys.units[keys.unit_codes[k]]} leaves treatment in "
            f"{keys.step.label(keys.years[k])}"
            for k in left
        )
        text = (
            f"{shown}; these estimators need absorbing treatment. "
            "Code the exit or drop later years."
        )
        places = [keys.place(k) for k in left[:3]]
        raised = f"treatment reversal: {text}"
        problems.append(
            problem("E102", text, rows=keys.rows[left], places=places, column=name, raised=raised)
        )
    expected = (keys.cohorts > 0) & (keys.years >= keys.cohorts)
    clash = np.flatnonzero((number == 1) != expected)
    if len(clash) and not len(left):
        places = [f"{keys.place(k)} (cohort {keys.step.label(keys.cohorts[k])})" for k in clash]
        text = f"treatment {name!r} contradicts the cohort: {first_three(places)}."
        problems.append(problem("E122", text, rows=keys.rows[clash], places=places, column=name))
    return problems


def cohort_from_treatment(keys: Keys, values: pd.Series) -> NDArray[np.int64]:
    """Derive the first treated year of each row's unit from an absorbing 0/1 column."""
    treated = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=0.0) == 1
    first = np.full(len(keys.units), np.iinfo(np.int64).max)
    rows = treated & (keys.unit_codes >= 0)
    np.minimum.at(first, keys.unit_codes[rows], keys.years[rows])
    first[first == np.iinfo(np.int64).max] = 0
    return first[keys.unit_codes]


def check_numbers(frame: pd.DataFrame, skip: Sequence[str]) -> list[Problem]:
    """Return problems of number columns: infinite values (E129), money finer than fen (E113)."""
    problems = []
    for name in frame.columns:
        if name in skip or not pd.api.types.is_float_dtype(frame[name].dtype):
            continue
        values = frame[name].to_numpy(np.float64, na_value=np.nan)
        infinite = np.flatnonzero(np.isinf(values))
        if len(infinite):
            text = f"{name!r} is infinite in {{where}}; use a blank for missing."
            problems.append(problem("E129", text, rows=infinite, column=name))
        elif is_money(str(name)):
            problems += _finer_than_fen(str(name), values)
    return problems


def two_places(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether amounts have at most two decimals; blanks have."""
    cents = values * 100
    return ~(np.abs(cents - np.round(cents)) > 1e-4 + 1e-12 * np.abs(cents))


def _finer_than_fen(name: str, values: NDArray[np.float64]) -> list[Problem]:
    fine = np.flatnonzero(~two_places(values))
    if not len(fine):
        return []
    text = (
        f"Column {name} has more than two decimals; money is yuan with two places "
        "(the settlement engine works in whole fen)."
    )
    raised = (
        f"money: column {name!r} has more than two decimals in {{where}}; "
        "money is yuan with two places."
    )
    return [problem("E113", text, rows=fine, values=values[fine[:3]], column=name, raised=raised)]


def is_money(name: str) -> bool:
    """Return whether a standard column holds money."""
    return name in MONEY or name.startswith(("pay_H_", "pay_T_", "pay_V_"))


def check_out_of_county(frame: pd.DataFrame, keys: Keys) -> list[Problem]:
    """Return E105: rows whose spending outside the county exceeds the total."""
    if not {"out_of_county_spending", "spending"} <= set(frame.columns):
        return []
    pair = frame[["out_of_county_spending", "spending"]].apply(pd.to_numeric, errors="coerce")
    outside, total = pair.to_numpy(np.float64, na_value=np.nan).T
    above = np.flatnonzero(outside > total)
    if not len(above):
        return []
    shown = first_three(
        f"{outside[k]:,.2f} exceeds total {total[k]:,.2f} in "
        f"{keys.units[keys.unit_codes[k]]},{keys.years[k]}"
        for k in above
    )
    text = f"Out-of-county spending {shown}."
    return [
        problem(
            "E105",
            text,
            rows=keys.rows[above],
            values=outside[above[:3]],
            places=[keys.place(k) for k in above[:3]],
            column="out_of_county_spending",
        )
    ]


def gaps(unit_codes: NDArray[np.intp], year_codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the codes of units with a year missing between two years that are seen."""
    jump = (np.diff(unit_codes) == 0) & (np.diff(year_codes) > 1)
    return np.unique(unit_codes[1:][jump])
