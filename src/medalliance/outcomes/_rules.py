"""Rules of what outcomes need, E103 to E108: one list, raised, warned of or reported."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import first_three
from ..panel import NEVER_TREATED, Panel, Problem, problem
from .remuneration import TIERS, TYPES
from .surplus import fund_surplus_rate, settled_budget

Array = NDArray[np.float64]

LOWEST_SURPLUS = -0.5
PAY_PER_HEAD = (5_000, 1_000_000)


def numbers_of(panel: Panel, column: str) -> Array | None:
    """Return a column as floats, ``None`` where the panel lacks it."""
    if column not in panel.frame.columns:
        return None
    numbers = pd.to_numeric(panel.frame[column], errors="coerce")
    return numbers.to_numpy(np.float64, na_value=np.nan)


def missing_budgets(panel: Panel) -> list[Problem]:
    """Return E103: rows that have neither a settled nor a notional budget."""
    budget = numbers_of(panel, "budget")
    if budget is None:
        return []
    blank = np.flatnonzero(np.isnan(settled_budget(budget, numbers_of(panel, "notional_budget"))))
    if not len(blank):
        return []
    codes = pd.unique(panel.unit_codes[blank])
    cohorts, years = panel.cohort_by_unit[panel.unit_codes], panel.years[panel.year_codes]
    treated = (cohorts != NEVER_TREATED) & (years >= cohorts)
    kind = "county" if treated[blank].all() else "untreated county"
    units = panel.units[codes]
    text = (
        f"budget_yuan is missing for {kind} {first_three(units)} and no notional_budget_yuan is "
        "given; surplus outcomes are refused, spending outcomes remain available."
    )
    raised = (
        f"budget is missing for {len(units)} units ({first_three(units)}) "
        "and no notional_budget is given there; surplus outcomes are refused, "
        "spending outcomes remain available."
    )
    places = places_of(panel, blank)
    return [
        problem(
            "E103",
            text,
            rows=blank,
            places=places,
            column="budget",
            count=len(units),
            raised=raised,
        )
    ]


def mixed_basis(panel: Panel) -> list[Problem]:
    """Return E104: counties whose accounting basis changes."""
    rows = _changes(panel, "spending_basis")
    if not len(rows):
        return []
    values = panel.frame["spending_basis"].astype(object).to_numpy()
    years = panel.years[panel.year_codes]
    moves = list(dict.fromkeys(f"from {values[k - 1]} to {values[k]} in {years[k]}" for k in rows))
    places = places_of(panel, rows)
    text = (
        f"spending_basis changes {first_three(moves)}; surplus is not comparable across the change."
    )
    raised = (
        f"spending_basis changes in {first_three(places)}; surplus is not comparable "
        "across the change."
    )
    return [problem("E104", text, rows=rows, places=places, column="spending_basis", raised=raised)]


def changed_visits(panel: Panel) -> list[Problem]:
    """Return E106: counties whose definition of a visit changes."""
    rows = _changes(panel, "visit_def")
    if not len(rows):
        return []
    years = panel.years[panel.year_codes[rows]]
    counts = [f"{year} for {(years == year).sum()}" for year in np.unique(years)]
    places = places_of(panel, rows)
    text = (
        f"visit_def changes in {first_three(counts)} counties; shares before and after are not "
        "compared."
    )
    raised = (
        f"visit_def changes for {len(rows)} counties ({first_three(places)}); "
        "shares before and after are not compared."
    )
    return [problem("E106", text, rows=rows, places=places, column="visit_def", raised=raised)]


def low_surplus(panel: Panel, values: Array | None = None) -> list[Problem]:
    """Return E107: surplus ratios below -0.5, as a slip of units makes them.

    Parameters
    ----------
    values : ndarray, shape (n_obs,), optional
        Surplus ratios; by default those of the settled or notional budget.
    """
    if values is None:
        budget, spending = (numbers_of(panel, name) for name in ("budget", "spending"))
        notional = numbers_of(panel, "notional_budget")
        budget = notional if budget is None else budget
        if budget is None or spending is None:
            return []
        values = fund_surplus_rate(budget, spending, notional)
    low = np.flatnonzero(values < LOWEST_SURPLUS)
    if not len(low):
        return []
    places = places_of(panel, low)
    shown = first_three(
        f"{values[k]:.2f} below −0.5 in {panel.units[panel.unit_codes[k]]},"
        f"{panel.years[panel.year_codes[k]]}"
        for k in low
    )
    text = f"Surplus ratio {shown}: check yuan / 万元."
    raised = f"surplus ratio below -0.5 in {first_three(places)}: check yuan / 万元."
    found = [f"{values[k]:.2f}" for k in low[:3]]
    return [problem("E107", text, rows=low, values=found, places=places, raised=raised)]


def odd_pay(panel: Panel, values: Array, column: str) -> list[Problem]:
    """Return E108: pay per head outside 5,000 to 1,000,000 yuan."""
    low, high = PAY_PER_HEAD
    odd = np.flatnonzero((values < low) | (values > high))
    if not len(odd):
        return []
    places = places_of(panel, odd)
    shown = first_three(f"¥{values[k]:,.0f} in {places[n]}" for n, k in enumerate(odd))
    text = f"Pay per head {shown} outside 5,000–1,000,000; check units, FTE."
    raised = (
        f"pay per head outside 5,000-1,000,000 yuan in {first_three(places)}: check units, FTE."
    )
    found = [f"{values[k]:,.0f}" for k in odd[:3]]
    return [
        problem("E108", text, rows=odd, values=found, places=places, column=column, raised=raised)
    ]


def odd_pay_by_type(panel: Panel) -> list[Problem]:
    """Return E108 for each tier and staff type that a panel has, in yuan of the year."""
    problems = []
    for tier in TIERS:
        for staff in TYPES:
            pay = numbers_of(panel, f"pay_{tier}_{staff}")
            heads = numbers_of(panel, f"fte_{tier}_{staff}")
            if pay is not None and heads is not None:
                each = pay / np.where(heads > 0, heads, np.nan)
                problems += odd_pay(panel, each, f"pay_{tier}_{staff}")
    return problems


def rules_of_outcomes(panel: Panel) -> list[Problem]:
    """Return every problem of E103, E104, E106, E107 and E108 in a panel."""
    return [
        *missing_budgets(panel),
        *mixed_basis(panel),
        *changed_visits(panel),
        *low_surplus(panel),
        *odd_pay_by_type(panel),
    ]


def places_of(panel: Panel, rows: NDArray[np.intp]) -> list[str]:
    """Return "unit in year" for rows of a panel."""
    return [
        f"{panel.units[panel.unit_codes[k]]} in {panel.years[panel.year_codes[k]]}" for k in rows
    ]


def _changes(panel: Panel, column: str) -> NDArray[np.intp]:
    """Return the rows in which a column differs from the unit's last row that has a value."""
    if column not in panel.frame.columns:
        return np.array([], dtype=np.intp)
    seen = np.flatnonzero(panel.frame[column].notna().to_numpy(bool))
    values = pd.factorize(panel.frame[column].iloc[seen])[0]
    same_unit = np.diff(panel.unit_codes[seen]) == 0
    return seen[1:][same_unit & (np.diff(values) != 0)]
