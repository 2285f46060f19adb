"""What one member does, given what a further unit of surplus is worth to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .contract import Contract
from .ratchet import ratchet_weight
from .technology import Technology
from .transfer import Transfer, expected_transfer, marginal_share, transfer_of, transfer_variance

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """Gather contract and technology as plain arrays of n problems with n_groups groups.

    Group arrays have shape (n, n_groups), scalars shape (n,). ``claim`` is the part of the
    transfer that reaches one member's pay, kappa w; ``inducement_gain`` is
    beta (m - a (1 + phi) p); ``fund_price`` is rho p; ``offset`` is budget less baseline spending
    in scope; ``weight`` is what the ratchet leaves of r.
    """

    members: Array
    claim: Array
    saving: Array
    effort_cost: Array
    bonus: Array
    fund_price: Array
    inducement_gain: Array
    inducement_cost: Array
    baseline_inducement: Array
    risk_aversion: Array
    offset: Array
    sigma: Array
    weight: Array
    base: Array
    transfer: Transfer

    @property
    def response(self) -> Array:
        """Return A_i = kappa w (theta^2/g + (rho p)^2/h), shape (n, n_groups)."""
        return self.claim * (
            self.saving**2 / self.effort_cost + self.fund_price**2 / self.inducement_cost
        )


def problem_of(
    contract: Contract, technology: Technology, weight: Array | float | None = None
) -> Problem:
    """Put a contract before members.

    Parameters
    ----------
    contract, technology
        Scalars may have shape (n,), group arrays (n, n_groups); they are broadcast.
    weight : array or float, optional
        What the ratchet leaves of r; by default the contract's mean over its term.
    """
    t, c = technology, contract
    excluded = c.out_of_county == "excluded"
    in_scope = t.baseline_spending - (t.outflow_spending if excluded else 0.0)
    budget = in_scope if c.budget is None else c.budget
    base = budget - (t.outflow_spending if c.out_of_county == "deducted_first" else 0.0)
    if weight is None:
        weight = ratchet_weight(
            c.rebasing, c.growth, c.discount, term=int(c.term), base=c.term_base
        )
    transfer = transfer_of(c, base)
    scalars = (budget - in_scope, t.sigma, np.asarray(weight, dtype=float), base)
    leads = [np.shape(x) for x in scalars] + [transfer.knots.shape[:-1], t.fund_share.shape]
    leads += [np.shape(getattr(t, f))[:-1] for f in t._BY_GROUP if getattr(t, f) is not None]
    leads += [np.shape(x)[:-1] for x in (c.split, c.pay_share, c.performance_pay) if np.ndim(x)]
    leads += [np.shape(c.audit), np.shape(c.penalty)]
    lead = np.broadcast_shapes((1,), *leads)
    price_lost = np.asarray(c.audit * (1 + c.penalty))[..., None] * t.price
    gain = t.margin_pay * (t.margin - price_lost)
    claim = c.pay_share * np.atleast_1d(c.split) / t.members

    def by_group(x: Array) -> Array:
        return np.broadcast_to(np.asarray(x, dtype=float), (*lead, t.n_groups))

    offset, sigma, weight, base = (np.broadcast_to(x, lead) for x in scalars)
    spread = Transfer(
        *(
            np.broadcast_to(x, (*lead, x.shape[-1]))
            for x in (transfer.knots, transfer.intercepts, transfer.slopes)
        )
    )
    return Problem(
        members=by_group(t.members),
        claim=by_group(claim),
        saving=by_group(t.saving - (t.outflow_saving if excluded else 0.0)),
        effort_cost=by_group(t.effort_cost),
        bonus=by_group(c.performance_pay),
        fund_price=by_group(t.fund_share[..., None] * t.price),
        inducement_gain=by_group(gain),
        inducement_cost=by_group(t.inducement_cost),
        baseline_inducement=by_group(t.baseline_inducement),
        risk_aversion=by_group(t.risk_aversion),
        offset=offset,
        sigma=sigma,
        weight=weight,
        base=base,
        transfer=spread,
    )


def effort(problem: Problem, worth: Array) -> Array:
    """Return saving effort e* = max(0, (worth theta + b) / g).

    Parameters
    ----------
    problem : Problem
    worth : array, shape (n, n_points, n_groups)
        What one more unit of surplus is worth to a member, kappa w r.
    """
    p = problem
    value = worth * p.saving[:, None] + p.bonus[:, None]
    return np.maximum(0.0, value / p.effort_cost[:, None])


def inducement(problem: Problem, worth: Array) -> Array:
    """Return inducement v* = max(0, (beta (m - a (1 + phi) p) - worth rho p) / h)."""
    p = problem
    value = p.inducement_gain[:, None] - worth * p.fund_price[:, None]
    return np.maximum(0.0, value / p.inducement_cost[:, None])


def contribution(problem: Problem, worth: Array) -> Array:
    """Return what one member adds to the surplus, theta e - rho p (v - v0)."""
    p = problem
    extra = inducement(p, worth) - p.baseline_inducement[:, None]
    return p.saving[:, None] * effort(p, worth) - p.fund_price[:, None] * extra


def private_value(problem: Problem, worth: Array) -> Array:
    """Return a member's pay from its own acts less their cost, without the transfer."""
    p = problem
    e, v = effort(p, worth), inducement(p, worth)
    pay = p.bonus[:, None] * e + p.inducement_gain[:, None] * v
    return pay - (p.effort_cost[:, None] * e**2 + p.inducement_cost[:, None] * v**2) / 2


def mean_surplus(problem: Problem, worth: Array) -> Array:
    """Return mu = B - C0 + sum of contributions, shape (n, n_points)."""
    added = (problem.members[:, None] * contribution(problem, worth)).sum(axis=-1)
    return problem.offset[:, None] + added


def worth_of_surplus(problem: Problem, mean: Array) -> Array:
    """Return what a unit of surplus is worth to each member, shape (n, n_points, n_groups).

    ``kappa w r`` times the ratchet's weight, less the slope of the risk term
    ``alpha/2 (kappa w)^2 Var R``.
    """
    p = problem
    r = marginal_share(p.transfer, mean, p.sigma) * p.weight[:, None]
    worth = p.claim[:, None] * r[..., None]
    if np.any(p.risk_aversion):
        _, slope = transfer_variance(p.transfer, mean, p.sigma)
        worth = worth - (p.risk_aversion * p.claim**2)[:, None] / 2 * slope[..., None]
    return worth


def payoff(problem: Problem, worth: Array, mean: Array) -> Array:
    """Return what a member maximises, given the mean surplus that its acts lead to.

    Parameters
    ----------
    problem : Problem
    worth, mean : array, shape (n, n_points, n_groups)
        The acts, and the mean surplus as seen by a member of each group.
    """
    p = problem
    shape = mean.shape
    flat = mean.reshape(shape[0], -1)
    gain = expected_transfer(p.transfer, flat, p.sigma).reshape(shape)
    total = (p.claim * p.weight[:, None])[:, None] * gain + private_value(p, worth)
    if np.any(p.risk_aversion):
        variance, _ = transfer_variance(p.transfer, flat, p.sigma)
        total = total - (p.risk_aversion * p.claim**2)[:, None] / 2 * variance.reshape(shape)
    return total


def best_gain(problem: Problem, worth: Array, mean: Array, reach: tuple[Array, Array]) -> Array:
    """Search each member's own acts, over the whole line, for a better payoff.

    For a given own contribution the cheapest acts are those for some worth of surplus, so the
    search over effort with inducement is one over that worth.

    Parameters
    ----------
    problem : Problem
        One problem.
    worth : array, shape (1, 1, n_groups)
        Worth at the candidate.
    mean : array, shape (1, 1)
        Mean surplus at the candidate.
    reach : pair of arrays, shape (n_groups,)
        Lowest, highest worth that can occur.

    Returns
    -------
    array, shape (n_groups,)
        Best payoff found less the payoff at the candidate.
    """
    at = contribution(problem, worth)
    here = payoff(problem, worth, np.broadcast_to(mean[..., None], worth.shape))
    ends = contribution(problem, np.stack(reach)[None])[0]
    steps = np.max(np.abs(ends[1] - ends[0])) / problem.sigma[0]
    n_points = int(np.clip(64 * steps, 513, 20001))
    grid = np.linspace(*reach, n_points)[None]
    moved = mean[..., None] - at + contribution(problem, grid)
    return (payoff(problem, grid, moved).max(axis=1) - here[:, 0])[0]
