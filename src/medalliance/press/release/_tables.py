"""The whitelisted tables of counts and sums, each with its cells declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ...disclosure import TOTAL, Limits, Measure, SafeTable, safe_table, with_bands, with_ratio
from ...errors import DataError
from ...outcomes.remuneration import TIERS, TYPES
from ...panel import Panel
from ._items import TITLES, Item

PLACES = {
    "visits_village": "village",
    "visits_township": "township",
    "visits_county": "county",
    "visits_out": "out of county",
}
OTHER = "other prefectures"


def described(panel: Panel, limits: Limits) -> Item:
    """Return counties and insured residents by prefecture and year."""
    frame = _standard(panel, [])
    places: list[str] = []
    if "prefecture_code" in frame.columns:
        frame = pool_prefectures(frame, limits)
        nested = ["province_code"] if "province_code" in frame.columns else []
        places = [*nested, "prefecture_code"]
    else:
        frame["place"] = "all counties"
        places = ["place"]
    frame["counties"] = 1.0
    measures = [Measure("counties", "units")]
    if "insured_n" in frame.columns:
        measures.append(Measure("insured_n", "count"))
    table = safe_table(
        frame, [places, ["year"]], measures, limits, unit="county_code", no_total=["year"]
    )
    decimals = {"counties": 0, "insured_n": 0}
    return _item("counties_by_prefecture", table, limits, decimals)


def pool_prefectures(frame: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Join prefectures with too few counties in any year, so that no label stands for one."""
    counted = frame.groupby(["prefecture_code", "year"])["county_code"].nunique()
    least = counted.groupby("prefecture_code").min()
    small = set(least[least < limits.contributors].index)
    province = frame.get("province_code", pd.Series("", index=frame.index)).astype(str)
    label = (province + " " + OTHER).str.strip()
    names = frame["prefecture_code"].astype(str)
    return frame.assign(prefecture_code=names.where(~names.isin({str(s) for s in small}), label))


def visits(panel: Panel, limits: Limits) -> Item:
    """Return visits by place and year with the share of each place."""
    frame = _standard(panel, list(PLACES))
    long = frame.melt(["county_code", "year"], list(PLACES), "place", "visits")
    long["place"] = long["place"].map(PLACES)
    whole = frame[list(PLACES)].notna().all(axis=1)
    long = long[long.set_index(["county_code", "year"]).index.isin(
        frame[whole].set_index(["county_code", "year"]).index)]  # fmt: skip
    table = safe_table(
        long, [["place"], ["year"]], [Measure("visits", "count")], limits,
        unit="county_code", no_total=["year"],
    )  # fmt: skip

    def share(shown: pd.DataFrame) -> pd.Series:
        total = shown[shown["place"] == TOTAL].set_index("year")["visits"]
        return shown["visits"] / shown["year"].map(total)

    table = with_ratio(table, "share", share, ["visits"])
    note = "Counties that lack visits of one of the four places in a year are left out of it."
    return _item("visits_by_place", table, limits, {"visits": 0, "share": 4}, note)


def money(panel: Panel, limits: Limits) -> Item:
    """Return spending, budget and surplus by cohort and year."""
    frame = _standard(panel, ["spending"])
    columns = ["spending"]
    measures = [Measure("spending")]
    identities: list[dict[str, float]] = []
    if "budget" in frame.columns and (frame["budget"] * frame["spending"]).notna().any():
        known = frame["budget"].notna() & frame["spending"].notna()
        frame["budget"] = frame["budget"].where(known)
        frame["surplus"] = frame["budget"] - frame["spending"]
        frame["spending_with_budget"] = frame["spending"].where(known)
        measures += [Measure("spending_with_budget"), Measure("budget"),
                     Measure("surplus", signed=True)]  # fmt: skip
        identities.append({"budget": 1.0, "spending_with_budget": -1.0, "surplus": -1.0})
        frame["spending_without_budget"] = frame["spending"].where(~known)
        split = {"spending": 1.0, "spending_with_budget": -1.0}
        if frame["spending_without_budget"].notna().any():
            measures.append(Measure("spending_without_budget"))
            split["spending_without_budget"] = -1.0
        identities.append(split)
        columns = [measure.name for measure in measures]
    frame["cohort"] = frame["cohort"].map(lambda year: "never treated" if year == 0 else str(year))
    table = safe_table(
        frame, [["cohort"], ["year"]], measures, limits,
        unit="county_code", no_total=["year"], identities=identities,
    )  # fmt: skip
    if "surplus" in columns:
        table = with_ratio(
            table, "surplus_rate", lambda f: f["surplus"] / f["budget"], ["surplus", "budget"]
        )
    decimals = dict.fromkeys(columns, 0) | {"surplus_rate": 4}
    note = "Budget and surplus sum over the counties that have a budget in the year."
    return _item("money_by_cohort", table, limits, decimals, note)


def pay(panel: Panel, limits: Limits) -> Item:
    """Return pay, posts and pay a post by tier, staff type and year."""
    rows = []
    for letter, tier in TIERS.items():
        for staff in TYPES:
            given = [f"pay_{letter}_{staff}", f"fte_{letter}_{staff}"]
            if set(given) <= set(panel.frame.columns):
                part = _standard(panel, given).rename(columns=dict(zip(given, ["pay", "posts"],
                                                                        strict=True)))  # fmt: skip
                part = part[part["pay"].notna() & part["posts"].notna()]
                rows.append(part[["county_code", "year", "pay", "posts"]].assign(
                    tier=tier, staff=staff))  # fmt: skip
    if not rows:
        raise DataError("no columns of pay with posts by tier and type.")
    measures = [
        Measure("pay", posts="posts"),
        Measure("posts", "count", threshold=limits.staff),
    ]
    table = safe_table(
        pd.concat(rows), [["tier"], ["staff"], ["year"]], measures, limits,
        unit="county_code", no_total=["year"],
    )  # fmt: skip
    table = with_ratio(table, "pay_per_post", lambda f: f["pay"] / f["posts"], ["pay", "posts"])
    hospital = table.frame["tier"] == TIERS["H"]
    table = with_bands(table, "pay_per_post_band", "pay", "posts", hospital, limits)
    if not (table.frame["pay_per_post_band"] != "").any():
        table = _without(table, "pay_per_post_band")
    decimals = {"pay": 0, "posts": 1, "pay_per_post": 0}
    note = (
        "A county has one lead hospital: where few counties stand behind a hospital's figure it "
        "is one employer's, and a band is given at most."
    )
    return _item("pay_by_tier", table, limits, decimals, note)


def _without(table: SafeTable, column: str) -> SafeTable:
    return replace(table, frame=table.frame.drop(columns=column))


def _standard(panel: Panel, needed: Sequence[str]) -> pd.DataFrame:
    """Return the panel's frame with text keys under standard names.

    Raises
    ------
    DataError
        If columns are missing.
    """
    missing = [name for name in needed if name not in panel.frame.columns]
    if missing:
        raise DataError(f"the panel has no {', '.join(missing)}.")
    names = {panel.unit: "county_code", panel.year: "year", panel.cohort: "cohort"}
    frame = panel.frame.rename(columns=names).copy()
    frame["county_code"] = frame["county_code"].astype(str)
    for name in ("prefecture_code", "province_code"):
        if name in frame.columns and frame[name].isna().any():
            frame = frame.drop(columns=name)
    return frame


def _item(
    name: str, table: SafeTable, limits: Limits, decimals: dict[str, Any], note: str = ""
) -> Item:
    found = table.protection
    method = "no complementary cells needed"
    if table.n_complementary:
        gap = 0.0 if not found.loss else 1 - found.at_least / found.loss
        method = (
            "complementary cells proved the lightest set"
            if found.method == "best"
            else f"complementary cells at most {100 * gap:.1f} % heavier than the lightest set"
        )
    rules = (
        f"at least {limits.contributors} contributors; p % rule; counts from 1 to "
        f"{limits.count - 1} hidden"
    )
    return Item(
        name, TITLES[name], table.frame, table.record, rules, table.least_contributors, method,
        decimals, note,
    )  # fmt: skip
