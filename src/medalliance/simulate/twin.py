"""A table with a reader's columns and nothing of a reader's values, to look for errors with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..codebook import Variable
from ..errors import DataError
from ..outcomes.remuneration import TYPES
from ..panel import ENUMS, YEARS, PanelMapping, is_standard, standard_columns, units_of

Array = NDArray[np.float64]
FIRST_YEAR = 2012
PLACE = "92"  # no province of GB/T 2260 begins so
PER_PREFECTURE = 10
# what a column of this unit is drawn from, evenly; the codebook's range cuts it
EVENLY: dict[str, tuple[float, float]] = {
    "yuan": (5e6, 5e8),
    "persons": (1e4, 6e5),
    "visits": (5e4, 2e6),
    "full_time_equivalents": (5.0, 300.0),
    "share": (0.05, 0.95),
    "index": (0.95, 1.3),
    "no_number": (1e3, 1e6),
}
# columns that a rule binds to another: drawn as a share of it
PART_OF: dict[str, tuple[str, float, float]] = {
    "insured_n": ("resident_n", 0.7, 0.95),
    "spending": ("notional_budget", 0.85, 1.1),
    "budget": ("notional_budget", 0.95, 1.05),
    "out_of_county_spending": ("spending", 0.2, 0.45),
    "primary_care_spending": ("spending", 0.05, 0.2),
    "inpatient_spending": ("spending", 0.3, 0.5),
    "fund_village": ("spending", 0.02, 0.1),
    "fund_township": ("spending", 0.05, 0.15),
    "fund_county": ("spending", 0.2, 0.3),
    "fund_out": ("spending", 0.2, 0.4),
    "personnel_spending": ("revenue", 0.3, 0.5),
    "inpatient_admissions_n": ("insured_n", 0.1, 0.2),
    "admissions_township": ("insured_n", 0.02, 0.05),
    "admissions_county": ("insured_n", 0.05, 0.1),
    "admissions_out": ("insured_n", 0.02, 0.05),
    "patients_n": ("insured_n", 0.4, 0.7),
    "notional_budget": ("insured_n", 500.0, 900.0),
    **{
        f"pay_{tier}_{staff}": (f"fte_{tier}_{staff}", 4e4, 1.5e5)
        for tier in "HTV"
        for staff in TYPES
    },
}


def panel_twin(
    mapping: PanelMapping | None = None,
    n_counties: int = 60,
    n_years: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    """Draw a table under a reader's column names and units, from the schema alone.

    Of the mapping only names and units are used: not its words, its codes or its crosswalk, which
    come from a table. Numbers are drawn evenly from round ranges that are the same for everybody,
    so a twin says nothing about any county. It is for looking for errors, not for results.

    Parameters
    ----------
    mapping : PanelMapping, optional
        Whose columns the table gets; every standard column without it.
    n_counties, n_years : int
        Invented counties, ten to a prefecture; years from 2012.
    seed : int

    Returns
    -------
    DataFrame
        One row a county and year.

    Raises
    ------
    DataError
        If there are fewer than four counties or years, or the mapping lacks a key.
    """
    if not (4 <= n_counties <= 990 and 4 <= n_years <= 30):
        raise DataError(
            f"{n_counties} counties, {n_years} years.\n  Give 4 to 990 counties and 4 to 30 years."
        )
    named = _columns(mapping)
    missing = {"county_code", "year", "cohort"} - {to for _, to, _ in named}
    if missing:
        raise DataError(
            f"the mapping gives no {', '.join(sorted(missing))}.\n"
            "  A panel needs county, year and cohort."
        )
    standard = _standard_frame(n_counties, n_years, np.random.default_rng(seed))
    rng = np.random.default_rng([seed, 1])
    columns: dict[str, object] = {}
    for theirs, to, unit in named:
        if to == "ignore" or to.endswith("_na"):
            columns[theirs] = ""
        elif to in standard.columns:
            columns[theirs] = _printed(standard[to], to, unit)
        else:  # a column of the reader's own
            columns[theirs] = rng.uniform(0, 1, len(standard)).round(4)
    return pd.DataFrame(columns)


def _columns(mapping: PanelMapping | None) -> list[tuple[str, str, str | None]]:
    """Return the reader's name, the standard name and the reader's unit of each column."""
    if mapping is None or not mapping.columns:
        return [(name, name, None) for name in standard_columns()]
    if mapping.wide:
        raise DataError(
            "the mapping is for a table with one column a year.\n"
            "  A twin is long: map long columns, one row a county and year."
        )
    return [(theirs, _base(column.to), column.unit) for theirs, column in mapping.columns.items()]


def _base(name: str) -> str:
    return name.removesuffix("_yuan") if is_standard(name) else name


def _printed(values: pd.Series, name: str, unit: str | None) -> pd.Series:
    """Return values in the unit of the reader's file."""
    if unit is None:
        return values
    factor = units_of(standard_columns()[name].unit).get(unit.strip().lower())
    if factor is None:
        raise DataError(f"unit {unit!r} does not fit {name}.\n  See medalliance check.")
    return (values / float(factor)).round(6)


def _standard_frame(n_counties: int, n_years: int, rng: np.random.Generator) -> pd.DataFrame:
    county = np.repeat(np.arange(n_counties), n_years)
    year = np.tile(FIRST_YEAR + np.arange(n_years), n_counties)
    prefecture = county // PER_PREFECTURE
    cohorts = np.append(FIRST_YEAR + np.arange(3, max(4, n_years - 1)), [0] * max(2, n_years // 2))
    chosen = rng.choice(cohorts, n_counties)
    chosen[:2] = [0, FIRST_YEAR + 3]
    frame = pd.DataFrame(
        {
            "county_code": [f"{PLACE}{p % 100:02d}{c % PER_PREFECTURE + 1:02d}"
                            for p, c in zip(prefecture, county, strict=True)],
            "prefecture_code": [f"{PLACE}{p % 100:02d}00" for p in prefecture],
            "province_code": f"{PLACE}0000",
            "year": year,
            "cohort": chosen[county],
        }
    )  # fmt: skip
    known = standard_columns()
    pending = [name for name in known if name not in frame.columns]
    while pending:
        ready = [n for n in pending if n not in PART_OF or PART_OF[n][0] in frame.columns]
        for name in ready:
            frame[name] = _drawn(name, known[name], frame, rng)
        pending = [name for name in pending if name not in ready]
    return frame


def _drawn(
    name: str, variable: Variable, frame: pd.DataFrame, rng: np.random.Generator
) -> pd.Series | list[str] | Array:
    """Draw one column from its type and range, or as a part of the column it is bound to."""
    n = len(frame)
    if name == "treated":
        return ((frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])).astype(int)
    if name in YEARS:
        start = rng.integers(FIRST_YEAR, FIRST_YEAR + 4, frame["county_code"].nunique())
        return pd.Series(start[pd.factorize(frame["county_code"])[0]], index=frame.index)
    if variable.unit == "text":
        word = ENUMS[name][0] if name in ENUMS else "twin"
        return [word] * n if name != "county_name" else "Twin " + frame["county_code"]
    finish = _finish(variable)
    if name in PART_OF:
        whole, low, high = PART_OF[name]
        return finish(frame[whole].to_numpy(float) * rng.uniform(low, high, n))
    low, high = EVENLY.get(variable.unit, (0.0, 1.0))
    low = low if variable.low is None else max(low, variable.low)
    high = high if variable.high is None else min(high, variable.high)
    level = rng.uniform(low, high, frame["county_code"].nunique())
    level = level[pd.factorize(frame["county_code"])[0]]
    return finish(np.clip(level * rng.uniform(0.97, 1.03, n), low, high))


def _finish(variable: Variable) -> Callable[[Array], Array]:
    """Return how numbers of a unit are rounded: money to fen, persons whole."""
    if variable.unit in ("persons", "visits", "no_number"):
        return lambda values: np.round(values).astype(np.int64)
    return lambda values: np.round(values, 2 if variable.unit == "yuan" else 4)
