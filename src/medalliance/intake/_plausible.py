"""Values that are allowed, but look like a slip: E119, E120, E125, E127, years."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import first_three
from ..outcomes import numbers_of
from ..panel import FIRST_YEAR, LAST_YEAR, SENTINELS, Panel, Problem, problem, standard_columns

PER_PERSON = (50.0, 50_000.0)  # yuan of fund money a resident and year, far beyond what is seen
TENTH = 0.9  # surplus ratio from which spending is under a tenth of the budget
HARDLY = 0.002  # share of spending below which a part of it is hardly right
REPEATED = 3


def rules_of_values(panel: Panel) -> list[Problem]:
    """Return values that are allowed and hardly right."""
    return [
        *_per_person(panel),
        *_tiny_spending(panel),
        *_tiny_parts(panel),
        *_price_index(panel),
        *_stand_ins(panel),
        *_years(panel),
        *_missing_codes(panel),
        *changed_codes(panel),
    ]


def _per_person(panel: Panel) -> list[Problem]:
    insured = numbers_of(panel, "insured_n")
    problems: list[Problem] = []
    if insured is None:
        return problems
    for name in ("budget", "spending", "notional_budget"):
        money = numbers_of(panel, name)
        if money is None:
            continue
        each = money / np.where(insured > 0, insured, np.nan)
        odd = np.flatnonzero((each < PER_PERSON[0]) | (each > PER_PERSON[1]))
        if not len(odd):
            continue
        k = odd[0]
        text = (
            f"{name} per insured resident is implausible in {{where}}: ¥{each[k]:,.2f} in "
            f"{_place(panel, k)}. Check yuan / 万元 of {name} and persons / 万人 of insured_n."
        )
        problems.append(problem("E125", text, rows=odd, column=name))
    return problems


def _tiny_spending(panel: Panel) -> list[Problem]:
    budget, spending = numbers_of(panel, "budget"), numbers_of(panel, "spending")
    if budget is None or spending is None:
        return []
    tiny = np.flatnonzero((spending > 0) & (spending < (1 - TENTH) * budget))
    if not len(tiny):
        return []
    text = (
        f"spending is under a tenth of the budget in {{where}}, first in "
        f"{_place(panel, tiny[0])}: check yuan / 万元."
    )
    return [problem("E125", text, rows=tiny, column="spending")]


def _tiny_parts(panel: Panel) -> list[Problem]:
    """Return parts of spending that are hardly parts: in 万元, it seems, beside yuan."""
    spending = numbers_of(panel, "spending")
    problems: list[Problem] = []
    for name in ("out_of_county_spending", "primary_care_spending"):
        part = numbers_of(panel, name)
        if spending is None or part is None:
            continue
        tiny = np.flatnonzero((part > 0) & (part < HARDLY * spending))
        if len(tiny):
            text = (
                f"{name} is under {100 * HARDLY:g}% of spending in {{where}}, first in "
                f"{_place(panel, tiny[0])}: check yuan / 万元 of {name}."
            )
            problems.append(problem("E125", text, rows=tiny, column=name))
    return problems


def _price_index(panel: Panel) -> list[Problem]:
    index = numbers_of(panel, "cpi_index")
    if index is None or np.isnan(index).all():
        return []
    if np.nanmedian(index) > 10:
        text = (
            "cpi_index has base 100: amounts at constant prices come out a hundred times too "
            "small. Give `unit: base 100` in the mapping."
        )
        return [problem("E125", text, column="cpi_index", count=len(index))]
    return []


def _stand_ins(panel: Panel) -> list[Problem]:
    problems = []
    for name in map(str, panel.frame.columns):
        variable = standard_columns().get(name)
        values = numbers_of(panel, name) if variable and variable.kind == "panel" else None
        if values is None or name == "cohort":
            continue
        top = np.nanmax(values) if np.isfinite(values).any() else np.nan
        if top not in [v for v in SENTINELS if v > 0]:
            continue
        rows = np.flatnonzero(values == top)
        if len(rows) >= REPEATED:
            text = (
                f"{name} is {top:,.0f} in {{where}} and never above: does it stand for missing? "
                "Then list it under `missing` in the mapping."
            )
            problems.append(problem("E127", text, rows=rows, values=[f"{top:.0f}"], column=name))
    return problems


def _years(panel: Panel) -> list[Problem]:
    years = panel.years[panel.year_codes]
    odd = np.flatnonzero((years < FIRST_YEAR) | (years > LAST_YEAR))
    if not len(odd):
        return []
    shown = first_three(np.unique(years[odd]))
    text = f"year is outside {FIRST_YEAR} to {LAST_YEAR} in {{where}}: {shown}."
    return [problem("E117", text, rows=odd, column="year", severity="warning")]


def _missing_codes(panel: Panel) -> list[Problem]:
    """Return E126: a reason for missing stands beside a value."""
    problems = []
    for name in map(str, panel.frame.columns):
        base = name.removesuffix("_na")
        if base == name or base not in panel.frame.columns:
            continue
        both = np.flatnonzero(
            (panel.frame[name].notna() & panel.frame[base].notna()).to_numpy(bool)
        )
        if len(both):
            text = (
                f"{name} gives a reason for missing where {base} has a value in {{where}}. Blank "
                "one of the two."
            )
            problems.append(problem("E126", text, rows=both, column=name))
    return problems


def changed_codes(panel: Panel) -> list[Problem]:
    """Return E120: counties that seem to change their area code or to merge.

    A county name of one province with two codes whose years do not overlap has changed its code.
    Without names, a code that ends where another of the same prefecture begins may have; so may
    one that ends where the insured of a neighbour jump.
    """
    spans = _spans(panel)
    if spans is None:
        return []
    ended = spans[spans["last"] < panel.years[-1]]
    begun = spans[spans["first"] > panel.years[0]]
    moves = ended.merge(begun, on="area", suffixes=("_old", "_new"))
    moves = moves[
        (moves["last_old"] < moves["first_new"]) & (moves["code_old"] != moves["code_new"])
    ]
    if "name_old" in moves:
        named = moves["name_old"].notna() & (moves["name_old"] == moves["name_new"])
        sure, rest = moves[named], moves[~named & (moves["last_old"] + 1 == moves["first_new"])]
        rest = rest[~rest["code_old"].isin(sure["code_old"])]
    else:
        sure, rest = moves.iloc[:0], moves[moves["last_old"] + 1 == moves["first_new"]]
    grown = _jumps(panel, ended[~ended["code"].isin([*sure["code_old"], *rest["code_old"]])])
    problems = []
    advice = (
        "Add `crosswalk: {'old code': 'code that its rows count to'}` to the mapping; counties "
        "that merged are then added up."
    )
    for found, words in ((sure, "changes its code"), (rest, "may have changed its code")):
        if len(found):
            shown = first_three(
                f"{row.code_old} (to {row.last_old}) and {row.code_new} (from {row.first_new})"
                for row in found.itertuples()
            )
            text = f"A county {words}: {shown}; its series breaks there. {advice}"
            places = [f"{row.code_old} to {row.code_new}" for row in found.itertuples()]
            problems.append(
                problem("E120", text, places=places, column="county_code", count=len(found))
            )
    if grown:
        text = f"A county may have merged into another: {first_three(grown)}. {advice}"
        problems.append(problem("E120", text, places=grown, column="county_code", count=len(grown)))
    return problems


def _spans(panel: Panel) -> pd.DataFrame | None:
    """Return code, area (prefecture digits), name, first and last year of each unit."""
    codes = panel.units.astype(str)
    if not codes.str.fullmatch(r"\d{6}").all():
        return None
    years = panel.years[panel.year_codes]
    last_rows = np.r_[panel.first_rows[1:], len(panel.frame)] - 1
    spans = pd.DataFrame(
        {
            "code": codes,
            "area": codes.str[:4],
            "first": years[panel.first_rows],
            "last": years[last_rows],
        }
    )
    if "county_name" in panel.frame.columns:
        spans["name"] = panel.frame["county_name"].to_numpy()[last_rows]
    return spans


def _jumps(panel: Panel, ended: pd.DataFrame) -> list[str]:
    insured = numbers_of(panel, "insured_n")
    if insured is None or ended.empty:
        return []
    years = panel.years[panel.year_codes]
    codes = panel.units.astype(str)[panel.unit_codes]
    growth = np.r_[np.nan, insured[1:] / insured[:-1] - 1]
    growth[panel.first_rows] = np.nan
    shown = []
    for row in ended.itertuples():
        here = (years == row.last + 1) & (pd.Series(codes).str[:4] == row.area).to_numpy()
        for k in np.flatnonzero(here & (growth > 0.4)):
            shown.append(
                f"{row.code} ends in {row.last} and insured_n of {codes[k]} grows by "
                f"{100 * growth[k]:.0f}% in {row.last + 1}"
            )
    return shown


def _place(panel: Panel, k: int) -> str:
    return f"{panel.units[panel.unit_codes[k]]} in {panel.years[panel.year_codes[k]]}"
