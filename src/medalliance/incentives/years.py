"""The incentive model over years: budget, score and reserve move on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RuleError
from ._need import need_model
from .contract import Contract
from .equilibrium import Equilibrium
from .ratchet import ratchet_weight
from .respond import one_problem, solve_problem
from .technology import Technology
from .transfer import two_sides

if TYPE_CHECKING:
    import pandas as pd


def respond_years(
    contract: Contract, technology: Technology, years: int, *, start: str = "lowest"
) -> pd.DataFrame:
    """Follow members, spending, budget, score and reserve while budgets are rebased.

    Money is in the first year's budgets: growth is taken out, so that baseline spending stays
    where it is. Members weigh a saving of today by what the ratchet leaves of it, given that
    future years offer the incentive of today. Where there are several equilibria the alliance
    stays on the one nearest to last year's.

    Three states move on. A term's base is rebased on its spending. This year's score enters
    retention now, and next year's budget: it is the base less ``score_budget (1 - score)`` of it.
    Of the institutions' part of a gain ``reserve_share`` is laid by; it pays losses first, so
    that they reach members only beyond it. The reserve moves by its mean.

    Parameters
    ----------
    contract : Contract
        ``rebasing``, ``growth``, ``discount``, ``term``, ``term_base``, ``score_budget`` and
        ``reserve_share`` count.
    technology : Technology
    years : int
        Years to follow.
    start : {"lowest", "highest"}
        Equilibrium of the first year.

    Returns
    -------
    DataFrame
        One row a year: ``year, term_year, weight, budget, spending, mean_surplus, marginal_share,
        perceived_share, score, reserve`` (at the year's start), ``harm, n_equilibria`` with
        ``effort_`` and the group's name.

    Raises
    ------
    RuleError
        If fewer than one year is asked for, or a reserve is to pay losses that come in bands.
    """
    import pandas as pd

    if years < 1:
        raise RuleError(f"respond_years: years is {years}. Ask for at least one.")
    need_model(contract, technology)
    if np.any(contract.reserve_share > 0) and contract.loss_bands:
        raise RuleError(
            "respond_years: a reserve before losses in bands is not held.\n"
            "  State loss_share alone, or no reserve_share."
        )
    return pd.DataFrame(list(_path(contract, technology, years, start)))


def _path(
    contract: Contract, technology: Technology, years: int, start: str
) -> Iterator[dict[str, float | int]]:
    c, term = contract, int(contract.term)
    weights = [
        float(
            ratchet_weight(
                c.rebasing, c.growth, c.discount, term=term, year=h + 1, base=c.term_base
            )
        )
        for h in range(term)
    ]
    psi, link = float(c.rebasing), float(c.score_budget)
    outside = technology.outflow_spending if c.out_of_county == "excluded" else 0.0
    base = float(technology.baseline_spending - outside if c.budget is None else c.budget)
    score, reserve, spent, last = 1.0, 0.0, [], None
    for t in range(years):
        budget = base * (1 - link * (1 - score))
        plain = c.replace(budget=budget)
        found = solve_problem(_after(plain, reserve), technology, weights[t % term])
        found = _continue(found, last, start)
        k = found.chosen
        last = float(found.mean_surplus[k])
        yield _row(found, t, term, weights[t % term], budget) | {"reserve": reserve}
        score = float(found.score[k])
        reserve += _laid_by(plain, technology, found, reserve)
        spent.append(budget - last)
        if (t + 1) % term == 0:
            past = spent[-1] if c.term_base == "last_year" else float(np.mean(spent[-term:]))
            base = (1 - psi) * base + psi * past


def _after(contract: Contract, reserve: float) -> Contract:
    """Return the contract under which a reserve pays the first losses."""
    share = float(contract.loss_share)
    if reserve <= 0 or share == 0:
        return contract
    unit = float(contract.budget) if contract.edges == "budget" else 1.0
    first = reserve / share / unit
    return contract.replace(loss_bands=((first, 0.0), (np.inf, share)))


def _laid_by(
    contract: Contract, technology: Technology, found: Equilibrium, reserve: float
) -> float:
    """Return what the reserve gains in the mean: laid by from gains, less losses that it pays."""
    mean, k = found.mean_surplus[None, found.chosen : found.chosen + 1], found.chosen
    p = one_problem(contract, technology)
    _, gain, _, loss = two_sides(p.transfer, mean, p.sigma)
    after = two_sides(found.problem.transfer, mean, found.problem.sigma)[3]
    kept = float((np.atleast_1d(contract.split) * (1 - contract.pay_share)).sum())
    laid = float(contract.reserve_share) * kept * float(gain[0, 0]) * float(found.score[k])
    return laid - float(after[0, 0] - loss[0, 0])


def steady_years(contract: Contract, technology: Technology, *, most: int = 2000) -> pd.DataFrame:
    """Return where the loop over years comes to rest, from the lowest and the highest start.

    With yearly rebasing a state at rest spends its budget: the mean surplus is zero but for what
    a score below one takes off the budget.

    Parameters
    ----------
    contract : Contract
        With ``rebasing`` above zero, or the budget does not move; a term of one year.
    technology : Technology
    most : int
        Years to wait.

    Returns
    -------
    DataFrame
        The last year from each start, as in :func:`respond_years`, with ``start``.

    Raises
    ------
    RuleError
        If the term is longer than a year, or no rest is reached.
    """
    import pandas as pd

    if int(contract.term) != 1:
        raise RuleError("steady years: with a longer term the years of a term differ. Use term=1.")
    rows = []
    for start in ("lowest", "highest"):
        before = None
        for row in _path(contract, technology, most, start):
            if before is not None and _rests(before, row):
                break
            before = row
        else:
            raise RuleError(f"steady years: still moving after {most} years.\n  Raise rebasing.")
        rows.append({"start": start, **row})
    return pd.DataFrame(rows)


def _rests(before: dict[str, float | int], after: dict[str, float | int]) -> bool:
    scale = 1 + abs(after["budget"])
    return all(abs(after[n] - before[n]) <= 1e-11 * scale for n in ("budget", "score", "reserve"))


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
        "score": float(found.score[k]),
        "harm": float(found.harm[k]),
        "n_equilibria": found.n_equilibria,
    }
    names = found.technology.groups or ()
    row.update({f"effort_{name}": float(found.effort[k, j]) for j, name in enumerate(names)})
    return row
