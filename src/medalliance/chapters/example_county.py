"""Settle an example county under a contract, its blanks filled from a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..provenance import Badge, Provenance
from ..reforms import DatedValue, Rules, load_rules, rule_fields
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show

if TYPE_CHECKING:
    import pandas as pd

YEAR = 2025
SCENARIO = "one_sided"  # whose assumptions fill the blanks
BUDGET_YUAN, SAVING_YUAN, EXCESS_YUAN = 100_000_000, 10_000_000, 4_000_000
SCORE = "0.90"
_MEMBERS = (
    ("lead hospital", "lead_hospital", 400, 0),
    ("township 1", "township", 60, 30_000),
    ("township 2", "township", 40, 18_000),
    ("township 3", "township", 30, 12_000),
    ("village 1", "village", 3, 2_400),
    ("village 2", "village", 2, 1_500),
    ("village 3", "village", 2, 1_100),
)
_SOURCE = Provenance(
    Badge.ILLUSTRATIVE,
    "an example county settled by the book's engine; grey terms are assumed",
)


def example_rules(rules: Rules) -> Rules:
    """Return rules for an example county: what the case states, the rest assumed.

    A contract with steps of its own keeps them; where its source gives only a bound, the bound is
    assumed. Every other contract takes the steps of its scenario, and of the terms those steps
    read it keeps its own where they are stated exactly and still hold. Words settle nothing, so
    only numbers and choices are kept.

    Returns
    -------
    Rules
        Named "example county", never after the case.
    """
    scenario = load_rules(SCENARIO)
    base = rules if rules.steps else scenario
    needed = {name for step in base.steps for name in step.fields}
    if not rules.steps:
        needed |= {"budget_basis", "out_of_county"} | {str(step.why) for step in base.steps}
    parameters = {}
    for name, field in rule_fields().items():
        if name not in needed:
            continue
        own = () if field.kind == "text" else _stated(rules, name)
        if rules.steps:
            own = own or _bound(rules, name)
        parameters[name] = own or scenario.parameters.get(name, ())
    return base.model_copy(
        update={
            "id": "example_county",
            "kind": "scenario",
            "name": scenario.name.model_copy(update={"en": "Example county", "zh": "示例县"}),
            "parameters": {name: values for name, values in parameters.items() if values},
        }
    )


def _stated(rules: Rules, field: str) -> tuple[DatedValue, ...]:
    values = [value for value in rules.parameters.get(field, ()) if value.value is not None]
    if not rules.steps:
        values = [
            value
            for value in values
            if value.track is None and value.starts.year <= YEAR <= value.ends.year
        ][-1:]
    return tuple(
        value.model_copy(update={"valid_from": None, "valid_to": None}) for value in values
    )


def _bound(rules: Rules, field: str) -> tuple[DatedValue, ...]:
    for value in rules.parameters.get(field, ()):
        bound = value.at_most if value.at_most is not None else value.at_least
        if bound is not None:
            return (DatedValue(value=bound, status="assumed", remark="the source's bound itself"),)
    return ()


def example_ledger(spending_yuan: int, *, track: str | None = None) -> pd.DataFrame:
    """Return the ledger of one example county and year, its members below it; money in fen."""
    import pandas as pd

    head = {"alliance": "example county", "year": YEAR, "track": track or "", "score": SCORE}
    county = head | {"budget": BUDGET_YUAN * 100, "spending": spending_yuan * 100, "member": ""}
    members = [
        head | {"member": name, "party": party, "headcount": staff, "residents": people}
        for name, party, staff, people in _MEMBERS
    ]
    frame = pd.DataFrame([county, *members], dtype=object)
    return frame.astype(object).where(frame.notna(), "")


def settle_example(rules: Rules, spending_yuan: int) -> Any:
    """Settle the example county under the rules of a case."""
    from ..settlement.settle import settle

    return settle(example_rules(rules), example_ledger(spending_yuan, track=_track(rules)))


def _track(rules: Rules) -> str | None:
    if not rules.steps:
        return None
    tracks = [v.track for values in rules.parameters.values() for v in values if v.track]
    return tracks[-1] if tracks else None


def surplus_figure(rules: Rules) -> Exhibit:
    """Draw where the money goes that the example county did not spend."""
    from ..show import plots

    settled = settle_example(rules, BUDGET_YUAN - SAVING_YUAN)
    flows = settled.flows()
    left = flows[flows["target"] != "claims paid to providers"].reset_index(drop=True)
    ax = plots.flow(left, total="left of the budget", unit="yuan")
    told = "; ".join(f"{row.target} {row.amount:,.0f}" for row in left.itertuples())
    return show(
        ax,
        f"Example county: who gets what is left of a budget of {BUDGET_YUAN:,} yuan",
        about=_SOURCE,
        alt=f"Streams from {left['amount'].sum():,.0f} yuan left after claims: {told}.",
        summary=left[["target", "amount", "status"]],
    )


def deficit_sentence(rules: Rules) -> Sentence:
    """Say what the example county owes if it overspends by a round sum."""
    settled = settle_example(rules, BUDGET_YUAN + EXCESS_YUAN)
    owed = -int(settled.settled[0]) / 100
    short = -int(settled.surplus[0]) / 100
    who = f"the budget holder bears {owed:,.0f} yuan" if owed else "the budget holder bears none"
    return say(
        "If the example county spends {spent:,} yuan instead, {short:,.0f} yuan are "
        "missing, of which {who}.",
        spent=BUDGET_YUAN + EXCESS_YUAN,
        short=short,
        who=who,
        about=_SOURCE,
    )
