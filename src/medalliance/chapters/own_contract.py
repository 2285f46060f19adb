"""A reader's contract: its terms, their panel settled by it, and what it does in the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd

from ..errors import DataError, DesignError, RuleError
from ..panel import Panel
from ..provenance import Badge, Provenance
from ..reforms import Rules, load_rules, rule_fields, shown
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from ..show.pictures import rounded
from . import example_county
from .own_rules import OwnContract, own_rules
from .rule_laboratory import COLUMNS, true_effects

SEEDS = (1, 2)
COMPARED = ("one_sided", "two_sided_corridor")
MODEL = Provenance(
    Badge.SYNTHETIC,
    "invented counties, each run with and without the contract on the same random numbers",
)
Shown = TypeVar("Shown", Exhibit, Sentence)
PARTY = {"lead_hospital": "lead hospital", "township": "townships", "village": "villages"}
_MILLION = 1e8  # fen
_LONGEST = 100


def run(panel: Panel) -> OwnContract:
    """Take the reader's contract to a panel.

    Raises
    ------
    RuleError
        If no contract is named, or its file has problems (all are listed).
    """
    rules = own_rules()
    if rules is None:
        raise RuleError(
            "no contract of your own is named.\n  Use medalliance build --rules my_rules.yaml."
        )
    return OwnContract(rules, panel)


# --- the contract -------------------------------------------------------------------------------
def terms_table(found: OwnContract) -> Exhibit:
    """Set every term of the contract with its status and source."""
    fields = rule_fields()
    rows = [
        {
            "term": fields[name].label.en,
            "value": (f"{value.track}: " if value.track else "") + (shown(value) or "–"),
            "unit": fields[name].unit,
            "from": value.valid_from or "",
            "to": value.valid_to or "",
            "status": value.status,
            "source": value.source or "",
        }
        for name, values in found.rules.parameters.items()
        for value in values
    ]
    return show(
        pd.DataFrame(rows),
        f"{found.rules.name.en}: its terms, assumed ones in grey.",
        about=Provenance(Badge.YOURS, found.rules.file),
        labels={},
        blank="",
    )


# --- the panel settled --------------------------------------------------------------------------
def settled_sentence(found: OwnContract) -> Sentence:
    """Say what the contract would have paid in all."""
    held = found.settlement
    gain, loss = held.settled[held.settled > 0].sum(), -held.settled[held.settled < 0].sum()
    return say(
        "{n_held:,} county-years are settled. {surpluses:,} end in surplus, {deficits:,} in "
        "deficit. The contract leaves {gain:,.2f} million yuan to the alliances and asks "
        "them for {loss:,.2f} million.",
        n_held=len(held),
        surpluses=int((held.surplus > 0).sum()),
        deficits=int((held.surplus < 0).sum()),
        gain=gain / _MILLION,
        loss=loss / _MILLION,
        about=found,
    )


def years_table(found: OwnContract) -> Exhibit:
    """Set budgets, spending and settlements by year."""
    return show(
        _by_year(found),
        "Your counties settled under your contract, by year, in million yuan.",
        about=found,
        decimals={"counties": 0, **dict.fromkeys(_YEAR_MONEY, 2)},
        labels={},
    )


_YEAR_MONEY = ("budget", "spending", "surplus", "left to alliances", "owed by alliances")


def _by_year(found: OwnContract) -> pd.DataFrame:
    frame = found.settlement.summary_frame()
    settled = frame["settled"]
    money = frame[["budget", "spending", "surplus"]].assign(
        **{"left to alliances": settled.clip(lower=0), "owed by alliances": -settled.clip(upper=0)}
    )
    by_year = (money / _MILLION).groupby(frame["year"]).sum()
    by_year.insert(0, "counties", frame.groupby("year").size())
    return by_year.reset_index()


def parties_table(found: OwnContract) -> Exhibit:
    """Set what each party receives in all, by account."""
    totals = found.settlement.party_totals()
    rows = pd.DataFrame(
        {
            "party": [PARTY.get(name, name.replace("_", " ")) for name in totals["party"]],
            "account": totals["account"].str.replace("_", " "),
            "million yuan": totals["amount"] / _MILLION,
            "postings": totals["n"],
            "status": totals["status"],
        }
    )
    return show(
        rows,
        "What each party receives in all, over all years (below zero: pays).",
        about=found,
        decimals={"million yuan": 2, "postings": 0},
        labels={},
        blank="",
    )


def years_figure(found: OwnContract) -> Exhibit:
    """Draw what the contract leaves to alliances and asks of them, year by year."""
    from ..show import plots

    frame = _by_year(found)
    ax = plots.new_axes()
    year = frame["year"].to_numpy(float)
    with plots.style():
        ax.bar(year, frame["left to alliances"], 0.6, color=plots.PALETTE[0], label="left to them")
        ax.bar(year, -frame["owed by alliances"], 0.6, color=plots.PALETTE[1], label="owed by them")
        ax.plot(year, frame["surplus"], "D", color=plots.INK, label="surplus before settlement")
        ax.axhline(0, color=plots.INK, linewidth=1)
        ax.set(xlabel="year", ylabel="million yuan")
        ax.set_xticks(year)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=10)
    told = "; ".join(
        f"{int(row['year'])}: left {row['left to alliances']:,.2f}, owed "
        f"{row['owed by alliances']:,.2f}"
        for row in frame.to_dict("records")
    )
    return show(
        ax,
        "What your contract leaves to your alliances and asks of them, by year.",
        about=found,
        alt=f"Bars above and below zero by year, in million yuan. {told}.",
        summary=rounded(frame),
    )


def counties_table(found: OwnContract) -> Exhibit:
    """Set the last settled year county by county."""
    frame = found.settlement.summary_frame()
    last = int(frame["year"].max())
    mine = frame[frame["year"] == last].sort_values(["budget", "alliance"], ascending=[False, True])
    left_out = max(len(mine) - _LONGEST, 0)
    mine = mine.head(_LONGEST)
    rows = pd.DataFrame({"county": mine["alliance"], "year": mine["year"]})
    for name in ("budget", "spending", "surplus", "settled"):
        rows[name] = mine[name] / _MILLION
    words = f" {left_out:,} counties with smaller budgets are not listed." if left_out else ""
    return show(
        rows,
        f"Your counties in {last} under your contract, in million yuan; the largest "
        f"budgets first.{words}",
        about=found,
        decimals=dict.fromkeys(("budget", "spending", "surplus", "settled"), 4),
        labels={"settled": "settled (below zero: owed)"},
    )


# --- the model ----------------------------------------------------------------------------------
def laboratory_table(found: OwnContract) -> Exhibit:
    """Set the true effects of the contract in the model beside those of two scenario rules.

    The contract has no name here: it may be a county's, and the numbers are invented.
    """
    scenarios = {rules.name.en: rules for rules in map(load_rules, COMPARED)}
    rows = [
        {"contract": name, **_mean_effects(rules)}
        for name, rules in {"your contract": found.rules, **scenarios}.items()
    ]
    return show(
        pd.DataFrame(rows).rename(columns=COLUMNS),
        "The rule laboratory with your contract: true effects in the model, mean over "
        "treated counties and years. The second column is what one further yuan of surplus is "
        "worth to the alliance in expectation.",
        about=MODEL,
        decimals=3,
        labels={},
    )


def _mean_effects(rules: Rules) -> dict[str, float]:
    try:
        draws = [true_effects(rules, seed) for seed in SEEDS]
    except (DataError, RuleError) as refused:
        raise DesignError(f"the model cannot settle this contract. {refused}") from refused
    return {name: float(np.mean([draw[name] for draw in draws])) for name in COLUMNS}


# --- an example county --------------------------------------------------------------------------
def example_figure(found: OwnContract) -> Exhibit:
    """Draw where a surplus of the book's example county goes under the contract."""
    return _of_example(example_county.surplus_figure, found)


def example_sentence(found: OwnContract) -> Sentence:
    """Say what the book's example county owes for a deficit under the contract."""
    return _of_example(example_county.deficit_sentence, found)


def _of_example(recipe: Callable[[Rules], Shown], found: OwnContract) -> Shown:
    try:
        return recipe(found.rules)
    except DataError as refused:
        raise DesignError(f"the example county cannot be settled. {refused}") from refused
