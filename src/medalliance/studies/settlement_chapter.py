"""Who gets each yuan? The figures, tables and sentences of the chapter."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from ..evidence import load_sources, source_line
from ..exhibits import Exhibit, Sentence, figure, sentence
from ..mechanism.ledger_file import read_ledger
from ..mechanism.settle import settle
from ..mechanism.settle_years import settle_years
from ..mechanism.settlement import Settlement
from ..paths import data_dir
from ..provenance import Badge
from ..reforms import Rules, load_rules, rule_fields
from .settlements import MSSP_EXCEPTIONS, load_mssp_elements, load_mssp_table

EXAMPLE = "an example ledger with numbers of our own; the contract's shares are assumed"
SCENARIOS = (
    "one_sided",
    "split_631",
    "primary_care_group_two_sided",
    "two_sided_corridor",
    "out_of_county_deducted",
)
SURPLUS_YEAR, DEFICIT_YEAR = 2024, 2025
_SHORT = {
    "one_sided": "no loss",
    "split_631": "6:3:1",
    "primary_care_group_two_sided": "primary-care group",
    "two_sided_corridor": "corridor",
    "out_of_county_deducted": "outside first",
}
_PARTY = {"lead_hospital": "lead hospital", "township": "townships", "village": "villages"}


@cache
def example(rules: str = "two_sided_corridor") -> Settlement:
    """Settle the example ledger: one alliance, a year in surplus and a year in deficit."""
    contract = load_rules(rules)
    ledger = read_ledger(data_dir() / "examples" / "ledger.csv", contract.currency)
    return settle(contract, ledger, progress=False)


def ledger_table() -> Exhibit:
    """Set the example ledger as a table."""
    from ..tables import table

    own = example()
    frame = own.summary_frame()[["year", "budget", "spending", "surplus"]]
    frame[["budget", "spending", "surplus"]] /= 100
    frame["score"] = own.columns["score"].astype(float)
    frame["reserve"] = own.columns["reserve"].astype(float) / 100
    return table(
        frame,
        caption="The example ledger: one alliance in two years, in yuan.",
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
        decimals={"budget": 0, "spending": 0, "surplus": 0, "reserve": 0, "score": 2},
        labels={"surplus": "surplus (deficit below zero)"},
    )


def steps_table(year: int) -> Exhibit:
    """Set one settlement step by step."""
    from ..tables import table

    frame = example().steps("example", year)
    frame = frame[frame["operation"] != "Rounded"]
    frame["why"] = [_in_words(why) for why in frame["why"]]
    word = "surplus" if year == SURPLUS_YEAR else "deficit"
    return table(
        frame.drop(columns=["status"]),
        caption=f"The {word} of {year} through the contract, step by step, in yuan.",
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
        decimals={"before": 2, "after": 2},
    )


def _in_words(why: str) -> str:
    """Put the fields' labels in place of their names."""
    parts = []
    for part in why.split("; "):
        name, _, rest = part.partition(" ")
        known = rule_fields().get(name)
        parts.append(f"{known.label.en.lower() if known else name} {rest}".strip())
    return "; ".join(parts)


def flow_figure(year: int) -> Exhibit:
    """Draw who receives the surplus, or who pays for the deficit."""
    from .. import plots

    flows = example().flows("example", year, result_only=True)
    surplus = year == SURPLUS_YEAR
    total = flows["source"].iloc[0]
    first = flows.loc[flows["amount"].idxmax()]
    what = "Where the surplus goes" if surplus else "Who pays for the deficit"
    return figure(
        plots.flow(flows.drop(columns="status"), total=total, unit="yuan"),
        caption=f"{what} under a two-sided contract with a corridor. All shares are assumed.",
        alt=(
            f"One bar for the {total} of {flows['amount'].sum():,.0f} yuan divides into "
            f"{len(flows)} streams. The largest is {first['target']} with "
            f"{first['amount']:,.0f} yuan."
        ),
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
        summary=flows[["target", "amount"]],
    )


def postings_sentence() -> Sentence:
    """Say that the postings of both years sum to zero."""
    table = example().to_frame()
    total = int(table["amount"].sum())
    return sentence(
        f"The two years make {len(table)} postings. They sum to {total / 100:.2f} yuan: every yuan "
        "that is paid in is paid out once.",
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
    )


def rounding_sentence() -> Sentence:
    """Say how one fen too many is given away."""
    from ..mechanism.allocate import allocate

    amount = 100_000_001
    parts = allocate(amount, {"lead_hospital": 6, "township": 3, "village": 1})
    listed = ", ".join(f"{_PARTY[party]} {part:,}" for party, part in parts.items())
    return sentence(
        f"{amount:,} fen divided 6:3:1 gives {listed}. The parts sum to {sum(parts.values()):,}.",
        badge=Badge.ILLUSTRATIVE,
        source="the largest-remainder rule of the book's settlement engine",
    )


def explanation_table(year: int) -> Exhibit:
    """Set the settlement's own explanation, one line a step."""
    from ..tables import table

    lines = example().explain("example", year).splitlines()[1:]
    told = [line.strip().split(". ", 1) for line in lines]
    return table(
        pd.DataFrame(told, columns=["line", "what happened, with the field that is the reason"]),
        caption=f"What the settlement of {year} says of itself.",
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
    )


def scenario_table() -> Exhibit:
    """Set what each party receives or owes under each type of contract, both years."""
    from ..tables import table

    rows = []
    for name in SCENARIOS:
        own = example(name)
        postings = own.to_frame()
        settled = postings[postings["account"].str.startswith(("retained", "owed"))]
        for year in (SURPLUS_YEAR, DEFICIT_YEAR):
            parts = settled[settled["year"] == year].groupby("party")["amount"].sum() / 100
            row = {"contract": own.rules.name.en, "year": year}
            row |= {_PARTY[party]: float(parts.get(party, 0.0)) for party in _PARTY}
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
        decimals=dict.fromkeys([*_PARTY.values(), "alliance"], 0),
    )


def transfer_figure() -> Exhibit:
    """Draw what the alliance receives against what it spends, for each type of contract."""
    from .. import plots

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
    from .. import plots

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


def corridor_table() -> Exhibit:
    """Settle an example hospital under the one printed Chinese corridor, its bound at both ends."""
    from ..tables import table

    printed = load_rules("guangyuan_sichuan")
    budget = 100_000_000
    rows = []
    for spent in (90, 100, 110, 130):
        ledger = pd.DataFrame(
            {"alliance": ["employees", "residents"], "year": [2019] * 2,
             "track": ["employees", "residents"], "budget": [budget] * 2,
             "spending": [budget * spent // 100] * 2}
        )  # fmt: skip
        ends = [_at_bound(printed, ledger, share) for share in ("0", "0.5")]
        rows.append(
            {
                "spending": spent / 100 * budget / 100,
                "employees": ends[0][0] / 100,
                "residents": ends[0][1] / 100,
                "employees_most": ends[1][0] / 100,
                "residents_most": ends[1][1] / 100,
            }
        )
    labels = {
        "employees": "employees, fund pays none",
        "residents": "residents, fund pays none",
        "employees_most": "employees, fund pays half",
        "residents_most": "residents, fund pays half",
    }
    frame = pd.DataFrame(rows)
    deficit = frame["spending"] > budget / 100
    grey = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    grey.loc[deficit, list(labels)] = True
    frame.attrs["assumed"] = grey
    return table(
        frame,
        caption=(
            "An example hospital with a budget of one million yuan under the 2019 corridor of a "
            "city scheme for hospitals, not an alliance. Overspend inside the corridor is paid by "
            "the fund up to a half; the text prints no share, so both ends are shown, in grey."
        ),
        badge=Badge.ILLUSTRATIVE,
        source=_sources("R28"),
        decimals=0,
        labels=labels,
    )


def _at_bound(rules: Rules, ledger: pd.DataFrame, share: str) -> np.ndarray:
    return settle(rules.replace(fund_share_inside_corridor=share), ledger, progress=False).settled


def first_budget_table() -> Exhibit:
    """Work the Guangdong budget formula on example spending."""
    from ..tables import table

    printed = load_rules("guangdong")
    past = (310_000_000_00, 300_000_000_00, 287_000_000_00)
    rows = []
    for growth in ("0", "0.03", "0.05"):
        contract = printed.replace(
            budget_growth_rate=growth, surplus_retention_share="1", overspend_sharing_share="0"
        )
        ledger = pd.DataFrame(
            {"alliance": ["example"], "year": [2025], "budget": [past[0]], "spending": [past[0]]}
            | {f"spending_{k}": [value] for k, value in enumerate(past, start=1)}
        )
        done = settle(contract, ledger, progress=False)
        first = int(done.next_budget()["budget"].iloc[0])
        rows.append({"growth": float(growth), "mean of three years": sum(past) / 300,
                     "first budget": first / 100, "status": "assumed"})  # fmt: skip
    return table(
        pd.DataFrame(rows),
        caption=(
            "The budget formula of Guangdong on example spending of three years, in yuan. The "
            "growth rate is not published; the rows assume one."
        ),
        badge=Badge.ILLUSTRATIVE,
        source=_sources("R07"),
        decimals={"growth": 2, "mean of three years": 2, "first budget": 2},
    )


def cases_table() -> Exhibit:
    """Set the settlement rules of the cases side by side."""
    from .contract_anatomy import anatomy_table

    return anatomy_table(
        ["surplus_retention_share", "overspend_sharing_share", "internal_split_rule",
         "performance_link", "surplus_pay_share"],
        caption="How Chinese contracts divide a surplus and an overspend, as far as published.",
        kinds=("case", "city_scheme", "province", "national"),
    )  # fmt: skip


# --- real settlements ---------------------------------------------------------------------------
def mssp_year_table() -> Exhibit:
    """Set the reproduced settlements of the American programme by year."""
    from ..tables import table

    frame = load_mssp_table().drop(columns=["row_id", "track", "source_id"])
    by_year = frame.groupby("year", as_index=False).sum()
    total = by_year.sum().to_frame().T.assign(year="all years")
    by_year = by_year.assign(year=by_year["year"].astype(str))
    return table(
        pd.concat([by_year, total.astype(by_year.dtypes.to_dict())])[_SHOWN_YEAR],
        caption="Settlements of accountable care organisations reproduced by rule, by year.",
        badge=Badge.REAL,
        source=_sources("I09"),
        decimals=0,
        labels=_LABELS,
    )


def mssp_track_table() -> Exhibit:
    """Set the reproduced settlements of the American programme by track."""
    from ..tables import table

    frame = load_mssp_table().drop(columns=["row_id", "year", "source_id"])
    by_track = frame.groupby("track", as_index=False, sort=False).sum()
    return table(
        by_track[["track", *_SHOWN_YEAR[1:]]],
        caption=(
            "The same settlements by track. Tracks 1, A and B bear no loss; the others do. "
            "A to E are the levels of the BASIC track."
        ),
        badge=Badge.REAL,
        source=_sources("I09"),
        decimals=0,
        labels=_LABELS,
    )


_SHOWN_YEAR = ["year", "settlements", "gains", "losses", "zeros", "to_the_dollar",
               "in_the_interval", "not_reproduced", "paid_usd", "owed_usd"]  # fmt: skip
_LABELS = {"paid_usd": "paid, dollars", "owed_usd": "owed, dollars"}


def mssp_sentence() -> Sentence:
    """Say how many settlements are reproduced and which one is not."""
    frame = load_mssp_table()
    total = frame.select_dtypes("number").sum().astype(int)
    exceptions = "; ".join(
        f"organisation {aco} in {year}: {why}" for (year, aco), why in MSSP_EXCEPTIONS.items()
    )
    exact = total["to_the_dollar"] - total["zeros"]
    return sentence(
        f"All {total['zeros']:,} published zeros are zeros by the rules. Of the "
        f"{total['gains'] + total['losses']:,} other settlements {exact:,} come out within one "
        f"dollar, {total['in_the_interval']:,} inside the interval that the rounding of the "
        f"published quality score leaves, and {total['not_reproduced']} neither way "
        f"({exceptions}).",
        badge=Badge.REAL,
        source=_sources("I09"),
    )


def mssp_element_table() -> Exhibit:
    """Set how many settlements fail when one element of the rules is left out."""
    from ..tables import table

    frame = load_mssp_elements()[["element", "fails_without"]]
    return table(
        frame,
        caption="Settlements no longer reproduced when one element of the rules is dropped.",
        badge=Badge.REAL,
        source=_sources("I09"),
        decimals=0,
        labels={"element": "element left out", "fails_without": "settlements that fail"},
    )


def _sources(*ids: str) -> str:
    return source_line(load_sources(), *ids)
