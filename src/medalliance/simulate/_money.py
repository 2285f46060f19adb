"""Who gets each yuan: settle every treated county and year, then put the bonus into pay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..reforms import Rules
from ..settlement.settle import settle
from ..settlement.settlement import Settlement
from ._behaviour import Activity, Mask, budget_per_insured
from ._world import World

Array = NDArray[np.float64]
PARTIES = ("lead_hospital", "township", "village")


@dataclass(frozen=True, eq=False)
class Accounts:
    """Money of every cell in yuan, shape (n, n_years); ``bonus`` has the three tiers last."""

    budget: Array
    notional: Array
    spending: Array
    bonus: Array
    kept: Array


def settle_counties(world: World, done: Activity, rules: dict[str, Rules],
                    rule_of: NDArray[np.object_], on: Mask) -> Accounts:  # fmt: skip
    """Settle every treated cell by the steps of its rule; the rest has no alliance budget."""
    spending = np.round(done.spending * world.insured, 2)
    notional = np.round(budget_per_insured(world, reform=False) * world.insured, 2)
    pool = np.round(budget_per_insured(world, reform=True) * world.insured, 2)
    budget = np.full(world.shape, np.nan)
    bonus, kept = np.zeros((*world.shape, 3)), np.zeros(world.shape)
    for name, rule in rules.items():
        at = np.nonzero(on & (rule_of == name)[:, None])
        if not len(at[0]):
            continue
        outside = done.tier_spending[:, :, 3][at] * world.insured[at]
        ledger = pd.DataFrame(
            {
                "alliance": world.keys["county_code"].to_numpy()[at[0]],
                "year": world.years[at[1]],
                "budget": _fen(pool[at]),
                "spending": _fen(spending[at]),
                "score": [f"{value:.2f}" for value in world.score[at]],
                "reserve": 0,
                "out_of_county_spending": _fen(outside),
            }
        )
        first_out = str(rule.value("out_of_county", int(world.years[-1]), None))
        if first_out == "deducted_first":
            ledger["spending"] -= ledger["out_of_county_spending"]
        held = settle(plain_split(rule), ledger, progress=False)
        budget[at] = spending[at] + held.surplus / 100
        kept[at] = held.settled / 100
        for tier, party in enumerate(PARTIES):
            bonus[(*at, np.full(len(at[0]), tier))] = _paid(held, party, len(at[0]), rule)
    return Accounts(budget, notional, spending, bonus, kept)


def plain_split(rule: Rules) -> Rules:
    """Return rules that stop at parties: who gets what inside a party moves no tier's mean pay."""
    steps = tuple(step for step in rule.steps or () if step.op != "split" or step.within is None)
    return rule.model_copy(update={"steps": steps})


def _paid(held: Settlement, party: str, n: int, rule: Rules) -> Array:
    """Return what reaches a party's pay, less the part of its debt that pay bears, in yuan."""
    total = np.zeros(n)
    pay_share = float(rule.value("surplus_pay_share", 2023, None))
    parts = {"retained_pay": 1.0, "owed": pay_share}
    for line in held.lines:
        if line.party == party and line.account in parts:
            rows = slice(None) if line.rows is None else line.rows
            total[rows] += parts[line.account] * np.asarray(line.amounts, dtype=float) / 100
    return total


def _fen(yuan: Array) -> NDArray[np.int64]:
    return np.round(yuan * 100).astype(np.int64)
