"""Types of contract on the same money: what each pays, spending by spending and year by year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..provenance import Badge
from ..reforms import load_rules
from ..settlement.settle import settle
from ..settlement.settle_years import settle_years
from ..show.exhibits import Exhibit
from ..show.pictures import figure
from .settlement_example import DEFICIT_YEAR, EXAMPLE, PARTY, SURPLUS_YEAR, example

SCENARIOS = (
    "one_sided",
    "split_631",
    "primary_care_group_two_sided",
    "two_sided_corridor",
    "out_of_county_deducted",
)
_SHORT = {
    "one_sided": "no loss",
    "split_631": "6:3:1",
    "primary_care_group_two_sided": "primary-care group",
    "two_sided_corridor": "corridor",
    "out_of_county_deducted": "outside first",
}


def scenario_table() -> Exhibit:
    """Set what each party receives or owes under each type of contract, both years."""
    from ..show.tables import table

    rows = []
    for name in SCENARIOS:
        own = example(name)
        postings = own.to_frame()
        settled = postings[postings["account"].str.startswith(("retained", "owed"))]
        for year in (SURPLUS_YEAR, DEFICIT_YEAR):
            parts = settled[settled["year"] == year].groupby("party")["amount"].sum() / 100
            row = {"contract": own.rules.name.en, "year": year}
            row |= {PARTY[party]: float(parts.get(party, 0.0)) for party in PARTY}
            rows.append(row | {"alliance": float(parts.sum())})
    frame = pd.DataFrame(rows)
    return table(
        frame,
        caption=(
            f"The same ledger under five types of contract: what each party receives for "
            f"{SURPLUS_YEAR} and owes (below zero) for {DEFICIT_YEAR}, in yuan."
        ),
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
        decimals=dict.fromkeys([*PARTY.values(), "alliance"], 0),
    )


def transfer_figure() -> Exhibit:
    """Draw what the alliance receives against what it spends, for each type of contract."""
    from ..show import plots

    budget = 10_000_000_000
    points = np.arange(160, 241)  # half percents of the budget
    ledger = pd.DataFrame(
        {
            "alliance": points.astype(str),
            "year": SURPLUS_YEAR,
            "budget": budget,
            "spending": budget // 200 * points,
            "score": "0.9",
            "reserve": 0,
            "out_of_county_spending": budget // 50,
        }
    )
    curves = []
    for name in SCENARIOS:
        contract = load_rules(name)
        done = settle(contract, ledger, progress=False)
        curves.append(
            pd.DataFrame(
                {
                    "contract": _SHORT[name],
                    "spending": points / 200,
                    "settled": done.settled / budget,
                }
            )
        )
    frame = pd.concat(curves, ignore_index=True)
    ax = plots.lines(
        frame,
        x="spending",
        y="settled",
        by="contract",
        labels={"spending": "spending as a share of the budget", "settled": "received or owed"},
    )
    for place, line in enumerate(ax.lines):
        line.set(marker="", linewidth=5 if place == 0 else 2)  # the first lies under others
    ax.axhline(0, color="#8a8f98", linewidth=0.8)
    ends = frame.groupby("contract", sort=False)["settled"].agg(["first", "last"]).reset_index()
    return figure(
        plots.as_percent(ax, 1),
        caption=(
            "What the alliance receives, or owes below zero, as a share of the budget. "
            "Score 0.9, two percent of the budget spent outside the county."
        ),
        alt=(
            "Five falling lines against spending. All are at or above zero where spending is well "
            "below the budget; the two-sided contracts fall below zero beyond it and are flat "
            "where a cap binds."
        ),
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
        summary=ends.rename(columns={"first": "spending 80 %", "last": "spending 120 %"}),
    )


def rebasing_figure() -> Exhibit:
    """Draw budgets over years under three rebasing shares when spending is kept low."""
    from ..show import plots

    base, years = 10_000_000_000, range(SURPLUS_YEAR + 1, SURPLUS_YEAR + 9)
    spending = {year: pd.Series({"a": base * 95 // 100}) for year in years}
    first = pd.DataFrame(
        {"alliance": ["a"], "year": [SURPLUS_YEAR], "budget": [base],
         "spending": [base * 95 // 100], "score": ["1"], "reserve": [0]}
    )  # fmt: skip
    rows = []
    for share in ("0", "0.5", "1"):
        contract = load_rules("one_sided").replace(rebasing_share=share, budget_growth_rate="0")
        done = settle_years(contract, first, spending, progress=False)
        rows += [
            {"rebasing": f"weight {share}", "year": year,
             "retained": int(one.settled[0]) / base}
            for year, one in done.items()
        ]  # fmt: skip
    frame = pd.DataFrame(rows)
    labels = {"year": "year", "retained": "received, share of the first budget"}
    return figure(
        plots.as_percent(
            plots.lines(frame, x="year", y="retained", by="rebasing", labels=labels), 1
        ),
        caption=(
            "What an alliance receives that spends 95 % of its first budget every year, by the "
            "weight of past spending in the next budget. No growth; half of a surplus is kept."
        ),
        alt=(
            "Three lines. Without rebasing the yearly payment stays level; with rebasing it "
            "shrinks towards nothing, at once where the weight is one."
        ),
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
        summary=frame.pivot_table(
            index="rebasing", columns="year", values="retained"
        ).reset_index(),
    )
