"""The incentive model over years, with budgets rebased on spending."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import RuleError
from ._need import need_model
from .contract import Contract
from .equilibrium import Equilibrium
from .ratchet import ratchet_weight
from .respond import solve_problem
from .technology import Technology

if TYPE_CHECKING:
    import pandas as pd


def respond_years(
    contract: Contract, technology: Technology, years: int, *, start: str = "lowest"
) -> pd.DataFrame:
    """Follow members, spending and budget while each term's budget is rebased.

    Money is in the first year's budgets: growth is taken out, so that baseline spending stays
    where it is. Members weigh a saving of today by what the ratchet leaves of it, given that
    future years offer the incentive of today. Where there are several equilibria the alliance
    stays on the one nearest to last year's.

    Parameters
    ----------
    contract : Contract
        ``rebasing``, ``growth``, ``discount``, ``term`` and ``term_base`` count.
    technology : Technology
    years : int
        Years to follow.
    start : {"lowest", "highest"}
        Equilibrium of the first year.

    Returns
    -------
    DataFrame
        One row a year: ``year, term_year, weight, budget, spending, mean_surplus, marginal_share,
        perceived_share, n_equilibria`` with ``effort_`` and the group's name.

    Raises
    ------
    RuleError
        If fewer than one year is asked for.
    """
    import pandas as pd

    if years < 1:
        raise RuleError(f"respond_years: years is {years}. Ask for at least one.")
    need_model(contract, technology)
    term = int(contract.term)
    weights = [
        float(
            ratchet_weight(
                contract.rebasing,
                contract.growth,
                contract.discount,
                term=term,
                year=h + 1,
                base=contract.term_base,
            )
        )
        for h in range(term)
    ]
    psi = float(contract.rebasing)
    outside = technology.outflow_spending if contract.out_of_county == "excluded" else 0.0
    budget = (
        float(technology.baseline_spending - outside)
        if contract.budget is None
        else float(contract.budget)
    )
    rows, spent, last = [], [], None
    for t in range(years):
        found = solve_problem(contract.replace(budget=budget), technology, weights[t % term])
        found = _continue(found, last, start)
        last = float(found.mean_surplus[found.chosen])
        spent.append(budget - last)
        rows.append(_row(found, t, term, weights[t % term], budget))
        if (t + 1) % term == 0:
            past = spent[-1] if contract.term_base == "last_year" else np.mean(spent[-term:])
            budget = (1 - psi) * budget + psi * float(past)
    return pd.DataFrame(rows)


def _continue(found: Equilibrium, last: float | None, start: str) -> Equilibrium:
    if last is None:
        return found.pick(start)
    rows = np.flatnonzero(found.best_response & found.stable)
    rows = rows if rows.size else np.arange(len(found.mean_surplus))
    return found.pick(int(rows[np.argmin(np.abs(found.mean_surplus[rows] - last))]))


def _row(
    found: Equilibrium, t: int, term: int, weight: float, budget: float
) -> dict[str, float | int]:
    k = found.chosen
    row: dict[str, float | int] = {
        "year": t + 1,
        "term_year": t % term + 1,
        "weight": weight,
        "budget": budget,
        "spending": budget - float(found.mean_surplus[k]),
        "mean_surplus": float(found.mean_surplus[k]),
        "marginal_share": float(found.marginal_share[k]),
        "perceived_share": float(found.perceived_share[k]),
        "n_equilibria": found.n_equilibria,
    }
    names = found.technology.groups or ()
    row.update({f"effort_{name}": float(found.effort[k, j]) for j, name in enumerate(names)})
    return row
