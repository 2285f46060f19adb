"""Checks at the panel's door: every problem is found before any is raised."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import first_three

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
    """

    unit_codes: NDArray[np.intp]
    units: pd.Index
    years: NDArray[np.int64]
    cohorts: NDArray[np.int64]


def suggest(name: str, known: Iterable[object]) -> str:
    """Return ``" Did you mean ...?"`` for a name that is close to known ones, else nothing."""
    close = difflib.get_close_matches(name, [str(item) for item in known], n=3, cutoff=0.5)
    return f" Did you mean {', '.join(close)}?" if close else ""


def missing_columns(frame: pd.DataFrame, named: dict[str, str | None]) -> list[str]:
    """Return one problem for each named column that the frame lacks."""
    problems = []
    for role, column in named.items():
        if column is None or column in frame.columns:
            continue
        hint = suggest(str(column), frame.columns)
        if column in frame.index.names:
            hint = " It is in the index: call reset_index() first."
        problems.append(f"no column {column!r} for {role}.{hint}")
    return problems


def whole_numbers(
    column: pd.Series, role: str, *, infinite: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_], list[str]]:
    """Read a column as whole numbers.

    Returns
    -------
    values : ndarray of int64, shape (n_obs,)
        Zero where the cell is not a whole number.
    valid : ndarray of bool, shape (n_obs,)
    problems : list of str
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        text = f"{role} {column.name!r} holds dates; give whole years, as with .dt.year."
        return np.zeros(len(column), np.int64), np.zeros(len(column), dtype=bool), [text]
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
        problems.append(f"{role} {column.name!r} is missing in {_rows(blank)}.")
    wrong = ~valid & ~blank
    if wrong.any():
        shown = first_three(repr(v) for v in column[wrong].unique())
        problems.append(f"{role} {column.name!r} is not a whole number in {_rows(wrong)}: {shown}.")
    return np.where(valid, number, 0.0).astype(np.int64), valid, problems


def read_keys(
    frame: pd.DataFrame, unit: str, year: str, cohort: str, *, never: int
) -> tuple[Keys, NDArray[np.bool_], list[str]]:
    """Read unit, year and cohort, listing every cell that cannot be a key.

    Returns
    -------
    keys : Keys
    valid : ndarray of bool, shape (n_obs,)
        Rows whose three keys can be read; the later checks look at these only.
    problems : list of str
    """
    problems: list[str] = []
    try:
        codes, units = pd.factorize(frame[unit], sort=True)
    except TypeError:
        codes, units = pd.factorize(frame[unit].astype("string"), sort=True)
        problems.append(f"unit {unit!r} mixes text and numbers; store it as one type.")
    blank = codes < 0
    if blank.any():
        problems.append(f"unit {unit!r} is missing in {_rows(blank)}.")
    years, year_ok, found = whole_numbers(frame[year], "year")
    problems += found
    cohorts, cohort_ok, found = whole_numbers(frame[cohort], "cohort", infinite=never)
    problems += [
        text + " Use 0 for never treated; a missing cohort means unknown."
        if "missing" in text
        else text
        for text in found
    ]
    if len(frame) == 0:
        problems.append("the table has no rows.")
    negative = cohorts < 0
    if negative.any():
        shown = first_three(np.unique(cohorts[negative]))
        problems.append(f"cohort {cohort!r} is negative in {_rows(negative)}: {shown}.")
    keys = Keys(codes, pd.Index(units), years, cohorts)
    return keys, ~blank & year_ok & cohort_ok, problems


def duplicate_keys(keys: Keys, unit: str, year: str) -> list[str]:
    """Return E101: keys, sorted by unit then year, that appear more than once."""
    same = (np.diff(keys.unit_codes) == 0) & (np.diff(keys.years) == 0)
    if not same.any():
        return []
    table = pd.DataFrame({"u": keys.unit_codes, "y": keys.years})
    counts = table[np.r_[False, same] | np.r_[same, False]].value_counts(sort=False)
    shown = first_three(
        f"{unit} {keys.units[u]}, {year} {y} appears {n} times" for (u, y), n in counts.items()
    )
    return [f"E101 duplicate key: {shown}; the panel needs one row per {unit} and {year}."]


def changes_within(
    keys: Keys, values: NDArray[np.generic], role: str, unit: str, advice: str
) -> list[str]:
    """Return a problem if a column that must be constant in a unit changes.

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
    shown += [""] * (len(units) - len(shown))
    return [
        f"{role} changes within {unit} for {_many(len(units), 'unit')}: {first_three(shown)}. "
        f"{advice}"
    ]


def check_weight(values: pd.Series) -> list[str]:
    """Return a problem if unit weights are missing, infinite, or not positive."""
    number = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = ~(np.isfinite(number) & (number > 0))
    if not bad.any():
        return []
    shown = first_three(repr(v) for v in values[bad].unique())
    return [f"weight {values.name!r} must be positive in every row; {_rows(bad)}: {shown}."]


def check_treatment(keys: Keys, values: pd.Series, unit: str) -> list[str]:
    """Return problems of a 0/1 treatment column: other values, E102, or a contradicted cohort."""
    number = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = ~np.isin(number, (0.0, 1.0))
    if bad.any():
        shown = first_three(repr(v) for v in values[bad].unique())
        return [f"treatment {values.name!r} must be 0 or 1; {_rows(bad)}: {shown}."]
    problems = []
    left = (np.diff(keys.unit_codes) == 0) & (np.diff(number) < 0)
    if left.any():
        shown = first_three(
            f"{unit} {keys.units[keys.unit_codes[1:][k]]} leaves treatment in {keys.years[1:][k]}"
            for k in np.flatnonzero(left)
        )
        problems.append(
            f"E102 treatment reversal: {shown}; these estimators need absorbing treatment. "
            "Code the exit or drop later years."
        )
    expected = (keys.cohorts > 0) & (keys.years >= keys.cohorts)
    clash = (number == 1) != expected
    if clash.any() and not left.any():
        shown = first_three(
            f"{keys.units[keys.unit_codes[k]]} in {keys.years[k]} (cohort {keys.cohorts[k]})"
            for k in np.flatnonzero(clash)
        )
        problems.append(f"treatment {values.name!r} contradicts the cohort: {shown}.")
    return problems


def cohort_from_treatment(keys: Keys, values: pd.Series) -> NDArray[np.int64]:
    """Derive the first treated year of each row's unit from an absorbing 0/1 column."""
    treated = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=0.0) == 1
    first = np.full(len(keys.units), np.iinfo(np.int64).max)
    rows = treated & (keys.unit_codes >= 0)
    np.minimum.at(first, keys.unit_codes[rows], keys.years[rows])
    first[first == np.iinfo(np.int64).max] = 0
    return first[keys.unit_codes]


def check_numbers(frame: pd.DataFrame, skip: Sequence[str]) -> list[str]:
    """Return problems of number columns: infinite values, or money finer than two places."""
    problems = []
    for name in frame.columns:
        if name in skip or not pd.api.types.is_float_dtype(frame[name].dtype):
            continue
        values = frame[name].to_numpy(np.float64, na_value=np.nan)
        infinite = np.isinf(values)
        if infinite.any():
            problems.append(f"{name!r} is infinite in {_rows(infinite)}; use a blank for missing.")
        elif name in MONEY or str(name).startswith(("pay_H_", "pay_T_", "pay_V_")):
            cents = values * 100
            fine = np.abs(cents - np.round(cents)) > 1e-4 + 1e-12 * np.abs(cents)
            if fine.any():
                problems.append(
                    f"E113 money: column {name!r} has more than two decimals in {_rows(fine)}; "
                    "money is yuan with two places."
                )
    if {"out_of_county_spending", "spending"} <= set(frame.columns):
        above = (frame["out_of_county_spending"] > frame["spending"]).to_numpy(bool)
        if above.any():
            problems.append(f"E105 out-of-county spending exceeds the total in {_rows(above)}.")
    return problems


def gaps(unit_codes: NDArray[np.intp], year_codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the codes of units with a year missing between two years that are seen."""
    jump = (np.diff(unit_codes) == 0) & (np.diff(year_codes) > 1)
    return np.unique(unit_codes[1:][jump])


def _rows(mask: NDArray[np.bool_]) -> str:
    rows = np.flatnonzero(mask)
    return f"{_many(len(rows), 'row')} ({first_three(rows + 1)})"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
