"""Counties that merged or changed their code, brought under one code."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import first_three
from ._checks import is_money
from ._names import standard_columns
from ._problems import Problem, Reading, many, problem

_ADDED = ("persons", "visits", "full_time_equivalents", "yuan")
_WEIGHT = "insured_n"


def merge_counties(
    frame: pd.DataFrame, rows: NDArray[np.int64], crosswalk: dict[str, str]
) -> tuple[pd.DataFrame, NDArray[np.int64], list[Reading], list[Problem]]:
    """Give old area codes their new ones, adding up counties that became one.

    Money, persons, visits and staff are added; a blank part leaves the sum blank. Shares and
    indices are means weighted by insured residents. Words and years must agree.

    Parameters
    ----------
    frame : DataFrame
        With ``county_code`` and ``year``.
    rows : ndarray of int
        Number of each row in its file.
    crosswalk : dict
        Old code -> code that its rows count to.

    Returns
    -------
    frame, rows, readings, problems
    """
    old = frame["county_code"].astype(object)
    new = old.map(lambda code: crosswalk.get(code, code))
    moved = (old != new).to_numpy(bool) & old.notna().to_numpy(bool)
    unused = sorted(set(crosswalk) - set(old))
    readings = []
    if unused:
        text = f"the crosswalk names codes that the table lacks: {first_three(unused)}"
        readings.append(Reading(text, "county_code", len(unused)))
    if not moved.any():
        return frame, rows, readings, []
    shown = first_three(f"{a} as {crosswalk[a]}" for a in dict.fromkeys(old[moved]))
    text = f"county_code: {shown} in {many(int(moved.sum()), 'row')}, as the crosswalk says"
    readings.append(Reading(text, "county_code", int(moved.sum())))
    frame = frame.assign(county_code=pd.Series(new, index=frame.index).astype("str"))
    group = frame.groupby(["county_code", "year"], sort=False, dropna=False).ngroup().to_numpy()
    parts = pd.Series(old.to_numpy()).groupby(group).nunique()
    merged = np.isin(group, parts.index[parts > 1])
    if not merged.any():
        return frame, rows, readings, []
    return _added_up(frame, rows, group, merged, readings)


def _added_up(
    frame: pd.DataFrame,
    rows: NDArray[np.int64],
    group: NDArray[np.int64],
    merged: NDArray[np.bool_],
    readings: list[Reading],
) -> tuple[pd.DataFrame, NDArray[np.int64], list[Reading], list[Problem]]:
    problems: list[Problem] = []
    part, places = frame[merged], group[merged]
    first = np.unique(places, return_index=True)[1]
    out = part.iloc[first].copy()
    grouped = part.groupby(places, sort=True)
    weight = pd.to_numeric(part.get(_WEIGHT, pd.Series(1.0, part.index)), errors="coerce")
    for name in part.columns:
        if name in ("county_code", "year"):
            continue
        variable = standard_columns().get(str(name))
        numeric = pd.api.types.is_numeric_dtype(part[name].dtype)
        if numeric and (is_money(str(name)) or (variable and variable.unit in _ADDED)):
            whole_group = grouped[name].count() == grouped.size()
            out[name] = grouped[name].sum().where(whole_group).to_numpy()
        elif numeric and variable and variable.unit in ("share", "index"):
            top = (part[name] * weight).groupby(places).sum(min_count=1)
            out[name] = (top / weight.groupby(places).sum()).to_numpy()
        elif variable and name not in ("county_name", "prefecture_code", "province_code"):
            differ = grouped[name].nunique(dropna=False).gt(1).to_numpy()
            if differ.any():
                problems.append(_clash(str(name), part, places, np.unique(places)[differ]))
    count = int(merged.sum())
    text = f"{many(count, 'row')} of merged counties were added up to {len(out)}"
    readings.append(Reading(text, "county_code", count))
    keep = np.r_[np.flatnonzero(~merged), np.flatnonzero(merged)[first]]
    whole = pd.concat([frame[~merged], out]).reset_index(drop=True)
    return whole, rows[keep], readings, problems


def _clash(
    name: str, part: pd.DataFrame, places: NDArray[np.int64], groups: NDArray[np.int64]
) -> Problem:
    hit = part[np.isin(places, groups)]
    shown = [
        f"{c} in {y}" for c, y in dict.fromkeys(zip(hit["county_code"], hit["year"], strict=True))
    ]
    text = (
        f"counties that the crosswalk merges differ in {name}: {first_three(shown)}; the first "
        "row's was taken. Give the merged county one value, or leave one of them out."
    )
    return problem("E120", text, places=shown, column=name, count=len(shown), severity="error")
