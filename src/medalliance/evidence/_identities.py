"""Accounting identities that published numbers must keep, and those that do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from ..codebook import load_codebook
from ._load import Evidence

PARTS_ADD_UP = "parts add up to the whole"
PROVINCES_ADD_UP = "provinces add up to the nation"
BALANCE_OF_YEAR = "balance of the period is revenue minus spending"
BALANCE_CHANGE = "accumulated balance changes by revenue minus spending"
RATIO = "ratio is numerator over denominator"
CLOSING = "closing balance is opening balance plus revenue minus spending"

_PARTS: Mapping[str, tuple[str, ...]] = {
    "employees_insured": ("employees_insured_workers", "employees_insured_retirees"),
    "all_schemes_insured": ("employees_insured", "residents_insured"),
    "all_schemes_fund_revenue": ("employees_fund_revenue", "residents_fund_revenue"),
    "all_schemes_fund_spending": ("employees_fund_spending", "residents_fund_spending"),
    "all_schemes_fund_cumulative_balance": (
        "employees_fund_cumulative_balance",
        "residents_fund_cumulative_balance",
    ),
    "visits_total": ("visits_hospital", "visits_primary_care", "visits_other"),
}
_RATIOS: Mapping[str, tuple[str, str]] = {
    "primary_care_share_of_visits": ("visits_primary_care", "visits_total"),
    "hospital_share_of_visits": ("visits_hospital", "visits_total"),
    "township_community_share_of_visits": ("visits_township_community", "visits_total"),
    "ncms_premium_per_capita": ("ncms_fund_raised", "ncms_enrollees"),
}
_POOLS = ("all_schemes_fund", "employees_fund", "residents_fund", "pooled_funds")
_ACCOUNTS = ("residents_account", "employees_account", "residents_fund", "employees_fund")
_NATION = (
    "counties",
    "counties_with_ncms",
    "ncms_enrollees",
    "ncms_fund_raised",
    "ncms_beneficiary_visits",
    "visits_township_centre",
)
_COUNTED = ("counties", "villages", "institutions", "organisations")  # printed without rounding
_FEWEST_PROVINCES = 29  # sources leave out Tianjin or Shanghai where they have no figure
_COLUMNS = [
    "identity",
    "geography",
    "variable",
    "year",
    "left_value",
    "right_value",
    "difference",
    "tolerance",
    "unit",
    "source_id",
]


def identity_checks(evidence: Evidence) -> pd.DataFrame:
    """Check every accounting identity that the published numbers allow.

    Two sides agree if their difference is no larger than the rounding of the printed numbers:
    half a unit of the last printed digit of each.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    DataFrame
        One row a check: ``identity``, ``geography``, ``variable``, ``year``, both sides,
        ``difference`` (left minus right), ``tolerance``, ``unit``, ``source_id``, ``holds``.
    """
    whole_years = evidence.statistics[evidence.statistics["month_start"].isna()]
    pools = _Numbers(whole_years[whole_years["vintage"] == "final"], "geography", "year")
    express = _Numbers(whole_years[whole_years["vintage"] == "express"], "geography", "year")
    part_years = evidence.statistics[evidence.statistics["month_start"].notna()]
    parts = _Numbers(part_years, "geography", "year")
    accounts = _Numbers(evidence.cases, "case", "year_start")
    rows = [
        *_sums(pools),
        *_sums(parts),
        *_ratios(pools),
        *_balances(pools, _POOLS),
        *_balances(express, _POOLS),
        *_balances(accounts, _ACCOUNTS),
        *_changes(pools),
        *_closings(accounts),
        *_provinces(whole_years),
    ]
    checks = pd.DataFrame(rows, columns=_COLUMNS)
    checks["holds"] = checks["difference"].abs() <= checks["tolerance"] * (1 + 1e-9) + 1e-9
    return checks


def failing_identities(evidence: Evidence) -> pd.DataFrame:
    """Return the identities that fail by more than rounding, largest relative gap first."""
    checks = identity_checks(evidence)
    failing = checks[~checks["holds"]].drop(columns="holds")
    return failing.sort_values(["identity", "geography", "variable", "year"], ignore_index=True)


class _Numbers:
    """Published numbers by place, year and variable, with the rounding of each."""

    def __init__(self, frame: pd.DataFrame, place: str, year: str) -> None:
        given = frame[frame["value"].notna() & frame[year].notna()]
        columns = zip(
            given[place],
            given[year].astype(int),
            given["variable"],
            given["value"],
            _rounding(given),
            given["source_id"],
            given["basis"],
            strict=True,
        )
        self.found = {
            (where, when, name): (value, half, source, basis)
            for where, when, name, value, half, source, basis in columns
        }

    def cells(self, name: str) -> Iterator[tuple[str, int]]:
        """Return place and year of every number of a variable."""
        return ((where, when) for where, when, known in self.found if known == name)

    def get(self, where: str, when: int, *names: str) -> list[tuple[float, float]] | None:
        """Return value and rounding of each variable, or None if one is not published."""
        keys = [(where, when, name) for name in names]
        if any(key not in self.found for key in keys):
            return None
        return [self.found[key][:2] for key in keys]

    def source(self, where: str, when: int, name: str) -> str:
        return self.found[where, when, name][2]

    def printed(self, where: str, when: int, name: str) -> bool:
        return self.found[where, when, name][3] == "printed"


def _rounding(frame: pd.DataFrame) -> list[float]:
    """Return half a unit of the last printed digit, in our unit."""
    units = load_codebook().units
    halves: list[float] = []
    for value, unit, printed, printed_unit in zip(
        frame["value"].tolist(),
        frame["unit"].tolist(),
        frame["printed"].tolist(),
        frame["printed_unit"].tolist(),
        strict=True,
    ):
        if isinstance(printed, str) and printed_unit in units[unit].printed:
            factor = float(units[unit].printed[printed_unit])
            digits = len(printed.partition(".")[2])
            counted = unit in _COUNTED and factor == 1
            halves.append(0.0 if counted else 0.5 * 10.0**-digits * factor)
        else:
            halves.append(_trailing_zeros(value))
    return halves


def _trailing_zeros(value: float) -> float:
    text = f"{value:.10f}".rstrip("0")
    if not text.endswith("."):
        return 0.5 * 10.0 ** -len(text.partition(".")[2])
    whole = text.rstrip(".")
    return 0.5 * 10.0 ** (len(whole) - len(whole.rstrip("0")))


def _row(
    identity: str,
    numbers: _Numbers,
    cell: tuple[str, int],
    name: str,
    sides: tuple[float, float],
    tolerance: float,
) -> tuple[object, ...]:
    left, right = sides
    unit = load_codebook().variables[name].unit
    source = numbers.source(*cell, name)
    gap = left - right
    return (identity, cell[0], name, cell[1], left, right, gap, tolerance, unit, source)


def _sums(numbers: _Numbers) -> Iterator[tuple[object, ...]]:
    for whole, parts in _PARTS.items():
        for cell in numbers.cells(whole):
            found = numbers.get(*cell, whole, *parts)
            if found:
                right = sum(value for value, _ in found[1:])
                tolerance = sum(half for _, half in found)
                yield _row(PARTS_ADD_UP, numbers, cell, whole, (found[0][0], right), tolerance)


def _ratios(numbers: _Numbers) -> Iterator[tuple[object, ...]]:
    for ratio, (part, whole) in _RATIOS.items():
        for cell in numbers.cells(ratio):
            found = numbers.get(*cell, ratio, part, whole)
            if found:
                (left, half), (top, top_half), (bottom, bottom_half) = found
                right = top / bottom
                tolerance = half + right * (top_half / top + bottom_half / bottom)
                yield _row(RATIO, numbers, cell, ratio, (left, right), tolerance)
    for cell in numbers.cells("residents_fund_surplus_rate"):
        names = ("residents_fund_surplus_rate", "residents_fund_revenue", "residents_fund_spending")
        found = numbers.get(*cell, *names)
        if found:
            (left, half), (revenue, revenue_half), (spending, spending_half) = found
            right = (revenue - spending) / revenue
            tolerance = half + (revenue_half + spending_half) / revenue
            yield _row(RATIO, numbers, cell, names[0], (left, right), tolerance)


def _balances(numbers: _Numbers, funds: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    for fund in funds:
        balance = f"{fund}_current_balance"
        for cell in numbers.cells(balance):
            found = numbers.get(*cell, balance, f"{fund}_revenue", f"{fund}_spending")
            if found and numbers.printed(*cell, balance):
                right = found[1][0] - found[2][0]
                tolerance = sum(half for _, half in found)
                yield _row(BALANCE_OF_YEAR, numbers, cell, balance, (found[0][0], right), tolerance)


def _changes(numbers: _Numbers) -> Iterator[tuple[object, ...]]:
    for fund in _POOLS:
        balance = f"{fund}_cumulative_balance"
        for where, when in numbers.cells(balance):
            before = numbers.get(where, when - 1, balance)
            found = numbers.get(where, when, balance, f"{fund}_revenue", f"{fund}_spending")
            if found and before:
                left = found[0][0] - before[0][0]
                right = found[1][0] - found[2][0]
                tolerance = before[0][1] + sum(half for _, half in found)
                cell = (where, when)
                yield _row(BALANCE_CHANGE, numbers, cell, balance, (left, right), tolerance)


def _closings(numbers: _Numbers) -> Iterator[tuple[object, ...]]:
    for account in ("residents_account", "employees_account"):
        closing = f"{account}_closing_balance"
        names = (
            closing,
            f"{account}_opening_balance",
            f"{account}_revenue",
            f"{account}_spending",
        )
        for cell in numbers.cells(closing):
            found = numbers.get(*cell, *names)
            if found:
                right = found[1][0] + found[2][0] - found[3][0]
                tolerance = sum(half for _, half in found)
                yield _row(CLOSING, numbers, cell, closing, (found[0][0], right), tolerance)


def _provinces(statistics: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    nation = _Numbers(statistics[statistics["level"] == "national"], "geography", "year")
    provinces = statistics[statistics["level"] == "province"]
    for name in _NATION:
        shown = provinces[provinces["variable"] == name]
        for year in shown["year"].unique().tolist():
            rows = shown[shown["year"] == year]
            cell = ("China", int(year))
            found = nation.get(*cell, name)
            if found and len(rows) >= _FEWEST_PROVINCES:
                right = float(rows["value"].sum())
                tolerance = found[0][1] + float(np.sum(_rounding(rows)))
                yield _row(PROVINCES_ADD_UP, nation, cell, name, (found[0][0], right), tolerance)
