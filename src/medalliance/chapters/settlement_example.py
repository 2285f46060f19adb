"""The example ledger: two years settled step by step, and who gets what."""

from __future__ import annotations

from functools import cache

import pandas as pd

from ..paths import data_dir
from ..provenance import Badge
from ..reforms import load_rules, rule_fields
from ..settlement.ledger_file import read_ledger
from ..settlement.settle import settle
from ..settlement.settlement import Settlement
from ..show.exhibits import Exhibit, Sentence, sentence
from ..show.pictures import figure

EXAMPLE = "an example ledger with numbers of our own; the contract's shares are assumed"
SURPLUS_YEAR, DEFICIT_YEAR = 2024, 2025
PARTY = {"lead_hospital": "lead hospital", "township": "townships", "village": "villages"}


@cache
def example(rules: str = "two_sided_corridor") -> Settlement:
    """Settle the example ledger: one alliance, a year in surplus and a year in deficit."""
    contract = load_rules(rules)
    ledger = read_ledger(data_dir() / "examples" / "ledger.csv", contract.currency)
    return settle(contract, ledger, progress=False)


def ledger_table() -> Exhibit:
    """Set the example ledger as a table."""
    from ..show.tables import table

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
    from ..show.tables import table

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
    from ..show import plots

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
    from ..settlement.allocate import allocate

    amount = 100_000_001
    parts = allocate(amount, {"lead_hospital": 6, "township": 3, "village": 1})
    listed = ", ".join(f"{PARTY[party]} {part:,}" for party, part in parts.items())
    return sentence(
        f"{amount:,} fen divided 6:3:1 gives {listed}. The parts sum to {sum(parts.values()):,}.",
        badge=Badge.ILLUSTRATIVE,
        source="the largest-remainder rule of the book's settlement engine",
    )


def explanation_table(year: int) -> Exhibit:
    """Set the settlement's own explanation, one line a step."""
    from ..show.tables import table

    lines = example().explain("example", year).splitlines()[1:]
    told = [line.strip().split(". ", 1) for line in lines]
    return table(
        pd.DataFrame(told, columns=["line", "what happened, with the field that is the reason"]),
        caption=f"What the settlement of {year} says of itself.",
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
    )
