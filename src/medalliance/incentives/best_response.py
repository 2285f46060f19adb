"""What one member does, given what a further unit of surplus is worth to it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RuleError
from .contract import Contract
from .ratchet import ratchet_weight
from .score import expected_score, largest_latent
from .technology import Technology
from .transfer import (
    Transfer,
    expected_transfer,
    marginal_share,
    transfer_of,
    transfer_variance,
    two_sides,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Care:
    """Gather what concerns patients' care: withheld, needed and exported, with the score.

    Group arrays have shape (n, n_groups), scalars shape (n,). ``score_effect`` is
    ``weight * reliability * chi``; ``carried`` is what a score of one against zero adds to the
    next budget, discounted; the rest is as in :class:`~medalliance.Technology`.
    ``needed_fund`` is rho p^u - d, ``needed_gain`` is beta m^u; ``export_gain`` is what sending
    all high-cost patients out saves the spending in scope, ``export_saving`` all spending.
    """

    withholding_saving: Array
    withholding_harm: Array
    withholding_cost: Array
    score_effect: Array
    score_noise: Array
    quality: Array
    carried: Array
    need: Array
    needed_gain: Array
    needed_fund: Array
    needed_cost: Array
    needed_value: Array
    export_gain: Array
    export_saving: Array
    export_harm: Array
    export_cost: Array

    @property
    def scored(self) -> bool:
        """Tell whether the score answers to care in some problem."""
        return bool(np.any(self.score_effect * self.withholding_saving))


@dataclass(frozen=True, eq=False)
class Problem:
    """Gather contract and technology as plain arrays of n problems with n_groups groups.

    Group arrays have shape (n, n_groups), scalars shape (n,). ``claim`` is the part of the
    transfer that reaches one member's pay, kappa w; ``belief`` is what the member believes it to
    be; ``inducement_gain`` is beta (m - a (1 + phi) p); ``fund_price`` is rho p; ``before`` is
    what the fund pays for one member's services in the status quo; ``offset`` is budget less
    baseline spending in scope; ``weight`` is what the ratchet leaves of r. ``care`` is None where
    no care is withheld, needed or exported.
    """

    members: Array
    claim: Array
    belief: Array
    saving: Array
    effort_cost: Array
    bonus: Array
    fund_price: Array
    inducement_gain: Array
    inducement_cost: Array
    before: Array
    risk_aversion: Array
    offset: Array
    sigma: Array
    weight: Array
    base: Array
    transfer: Transfer
    care: Care | None = None

    @property
    def response(self) -> Array:
        """Return A_i = kappa w (theta^2/g + (rho p)^2/h + ...), shape (n, n_groups)."""
        strength = self.saving**2 / self.effort_cost + self.fund_price**2 / self.inducement_cost
        if self.care is not None:
            c = self.care
            strength = strength + c.needed_fund**2 / c.needed_cost * (c.need > 0)
            strength = strength + c.export_gain**2 / c.export_cost
            strength = strength + c.withholding_saving**2 / c.withholding_cost
        return self.belief * strength

    def take(self, rows: NDArray[np.int64]) -> Problem:
        """Return some of the problems."""
        return _taken(self, rows)


def _taken(part: Any, rows: NDArray[np.int64]) -> Any:
    if part is None:
        return None
    if isinstance(part, np.ndarray):
        return part[rows]
    return type(part)(*(_taken(getattr(part, f.name), rows) for f in fields(part)))


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

    Raises
    ------
    RuleError
        If the contract gives weight to a score that no act can move.
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
    sigma = t.sigma
    if np.any(t.budget_error):
        sigma = np.sqrt(t.sigma**2 + budget_variance(c, t))
    scalars = (budget - in_scope, sigma, np.asarray(weight, dtype=float), base)
    by_term = [getattr(c, n) for n in c._BY_GROUP if getattr(c, n) is not None]
    leads = [np.shape(x) for x in scalars] + [transfer.knots.shape[:-1], t.fund_share.shape]
    leads += [np.shape(getattr(t, f))[:-1] for f in t._BY_GROUP if getattr(t, f) is not None]
    leads += [np.shape(x)[:-1] for x in by_term if np.ndim(x)]
    leads += [np.shape(x) for x in (c.audit, c.penalty, c.disclosure)]
    leads += [np.shape(x) for x in (c.score_weight, c.score_reliability, c.score_noise)]
    leads += [np.shape(c.score_budget)]
    lead = np.broadcast_shapes((1,), *leads)

    def by_group(x: Any) -> Array:
        return np.broadcast_to(np.asarray(x, dtype=float), (*lead, t.n_groups))

    def one(x: Any) -> Array:
        return np.broadcast_to(np.asarray(x, dtype=float), lead)

    def each(x: Array) -> Array:
        return np.asarray(x)[..., None]

    margin_pay = t.margin_pay if c.margin_pay is None else c.margin_pay
    price = t.price if c.price is None else c.price
    margin = t.margin if c.price is None else price - (t.price - t.margin)
    gain = margin_pay * (margin - each(c.audit * (1 + c.penalty)) * price)
    share = np.atleast_1d(c.split) / t.members
    claim = c.pay_share * share
    belief = claim
    if t.believed_share is not None:
        belief = c.pay_share * (
            each(1 - c.disclosure) * t.believed_share + each(c.disclosure) * share
        )
    fund_price = each(t.fund_share) * price
    before = each(t.fund_share) * t.price * t.baseline_inducement
    care = None
    if _has_care(t):
        needed_price = t.needed_price if c.needed_price is None else c.needed_price
        needed_margin = t.needed_margin
        if c.needed_price is not None:
            needed_margin = needed_price - (t.needed_price - t.needed_margin)
        before = before + (each(t.fund_share) * t.needed_price - t.needed_saving) * (
            t.baseline_needed
        )
        kept_in = t.export_spending - t.export_price
        carried = c.score_budget * base * c.discount
        care = Care(
            withholding_saving=by_group(t.withholding_saving),
            withholding_harm=by_group(t.withholding_harm),
            withholding_cost=by_group(t.withholding_cost),
            score_effect=by_group(each(c.score_weight * c.score_reliability) * t.score_effect),
            score_noise=one(c.score_noise),
            quality=one(c.quality),
            carried=one(carried),
            need=by_group(t.need),
            needed_gain=by_group(margin_pay * needed_margin),
            needed_fund=by_group(each(t.fund_share) * needed_price - t.needed_saving),
            needed_cost=by_group(t.needed_cost),
            needed_value=by_group(t.needed_value),
            export_gain=by_group(t.export_spending if excluded else kept_in),
            export_saving=by_group(kept_in),
            export_harm=by_group(t.export_harm),
            export_cost=by_group(t.export_cost),
        )
    if np.any(c.score_weight > 0) and (care is None or not care.scored):
        raise RuleError(
            "respond: the contract gives weight to a score that no act can move.\n  "
            "State withholding_saving and score_effect in the technology, a positive "
            "score_reliability, or leave score_weight at 0."
        )
    risky = np.any(t.risk_aversion)
    if care is not None and care.scored and risky:
        raise RuleError(
            "respond: members averse to risk under a score that answers to care are not held.\n"
            "  Set risk_aversion or score_weight to 0."
        )
    offset, sigma, weight, base = (one(x) for x in scalars)
    spread = Transfer(
        *(
            np.broadcast_to(x, (*lead, x.shape[-1]))
            for x in (transfer.knots, transfer.intercepts, transfer.slopes)
        )
    )
    return Problem(
        members=by_group(t.members),
        claim=by_group(claim),
        belief=by_group(belief),
        saving=by_group(t.saving - (t.outflow_saving if excluded else 0.0)),
        effort_cost=by_group(t.effort_cost),
        bonus=by_group(c.performance_pay),
        fund_price=by_group(fund_price),
        inducement_gain=by_group(gain),
        inducement_cost=by_group(t.inducement_cost),
        before=by_group(before),
        risk_aversion=by_group(t.risk_aversion),
        offset=offset,
        sigma=sigma,
        weight=weight,
        base=base,
        transfer=spread,
        care=care,
    )


def _has_care(technology: Technology) -> bool:
    t = technology
    acts = (t.withholding_saving, t.need, t.export_spending)
    return any(bool(np.any(x)) for x in acts)


def budget_variance(contract: Contract, technology: Technology) -> Array:
    """Return the variance of the budget's error, ``1 / (1/tau^2 + sum n iota a)``, shape (...)."""
    t, c = technology, contract
    known = (t.members * t.signal * c.takes_part).sum(axis=-1)
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (1 / t.budget_error**2 + known))


@dataclass(frozen=True, eq=False)
class Worth:
    """Hold what members weigh at given mean surpluses.

    ``surplus`` is what one more unit of surplus is worth to a member, ``score`` what one more unit
    of the latent score is, shape (n, n_points, n_groups); ``share`` is r, ``latent`` the score
    before clipping, ``mean_score`` its mean times the constant quality, shape (n, n_points).
    """

    surplus: Array
    score: Array | None
    share: Array
    latent: Array | None
    mean_score: Array | None


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


def needed(problem: Problem, worth: Array) -> Array:
    """Return needed services u* = clip((beta m^u - worth (rho p^u - d)) / h^u, 0, need)."""
    c = problem.care
    if c is None:
        return np.zeros_like(worth)
    value = c.needed_gain[:, None] - worth * c.needed_fund[:, None]
    return np.clip(value / c.needed_cost[:, None], 0.0, c.need[:, None])


def exported(problem: Problem, worth: Array) -> Array:
    """Return the part of high-cost patients sent out, z* = clip(worth gain / g^z, 0, 1)."""
    c = problem.care
    if c is None:
        return np.zeros_like(worth)
    return np.clip(worth * c.export_gain[:, None] / c.export_cost[:, None], 0.0, 1.0)


def withheld(problem: Problem, worth: Array, score_worth: Array | None) -> Array:
    """Return withheld care s* = max(0, (worth theta^s - score_worth effect) / g^s)."""
    c = problem.care
    if c is None:
        return np.zeros_like(worth)
    value = worth * c.withholding_saving[:, None]
    if score_worth is not None:
        value = value - score_worth * c.score_effect[:, None]
    return np.maximum(0.0, value / c.withholding_cost[:, None])


def contribution(problem: Problem, worth: Array) -> Array:
    """Return what one member adds to the surplus by all acts but withholding.

    ``theta e - rho p v - (rho p^u - d) u + gain z`` over what the status quo pays.
    """
    p = problem
    added = p.saving[:, None] * effort(p, worth) + p.before[:, None]
    added = added - p.fund_price[:, None] * inducement(p, worth)
    if p.care is not None:
        added = added - p.care.needed_fund[:, None] * needed(p, worth)
        added = added + p.care.export_gain[:, None] * exported(p, worth)
    return added


def private_value(problem: Problem, worth: Array, score_worth: Array | None = None) -> Array:
    """Return a member's pay from its own acts less their cost, without the transfer."""
    p = problem
    e, v = effort(p, worth), inducement(p, worth)
    pay = p.bonus[:, None] * e + p.inducement_gain[:, None] * v
    own = pay - (p.effort_cost[:, None] * e**2 + p.inducement_cost[:, None] * v**2) / 2
    c = p.care
    if c is not None:
        u, z = needed(p, worth), exported(p, worth)
        s = withheld(p, worth, score_worth)
        own = own + c.needed_gain[:, None] * u
        cost = c.needed_cost[:, None] * u**2 + c.export_cost[:, None] * z**2
        own = own - (cost + c.withholding_cost[:, None] * s**2) / 2
    return own


def mean_surplus(problem: Problem, worth: Array, score_worth: Array | None = None) -> Array:
    """Return mu = B - C0 + sum of contributions, shape (n, n_points)."""
    p = problem
    each = contribution(p, worth)
    if p.care is not None:
        each = each + p.care.withholding_saving[:, None] * withheld(p, worth, score_worth)
    return p.offset[:, None] + (p.members[:, None] * each).sum(axis=-1)


def answer(problem: Problem, mean: Array) -> Array:
    """Return the mean surplus that members bring about who expect a mean surplus."""
    worth = worth_of(problem, mean)
    return mean_surplus(problem, worth.surplus, worth.score)


def worth_of(problem: Problem, mean: Array) -> Worth:
    """Return what members weigh at a mean surplus, shapes (n, n_points[, n_groups]).

    The worth of a unit of surplus is ``kappa w r`` times the ratchet's weight, less the slope of
    the risk term ``alpha/2 (kappa w)^2 Var R``. Where the score answers to care, the score that
    goes with the mean surplus is found first: the largest, where there are several.
    """
    p = problem
    if p.care is None or not p.care.scored:
        r = marginal_share(p.transfer, mean, p.sigma)
        worth = p.belief[:, None] * (r * p.weight[:, None])[..., None]
        if np.any(p.risk_aversion):
            _, slope = transfer_variance(p.transfer, mean, p.sigma)
            worth = worth - (p.risk_aversion * p.belief**2)[:, None] / 2 * slope[..., None]
        return Worth(worth, None, r, None, None)
    sides = two_sides(p.transfer, mean, p.sigma)
    lost = _Lost(p, sides)
    latent = largest_latent(lost, np.shape(mean))
    return worth_at(p, sides, latent)


def worth_at(problem: Problem, sides: tuple[Array, Array, Array, Array], latent: Array) -> Worth:
    """Return what members weigh at a mean surplus with a given latent score.

    Parameters
    ----------
    problem : Problem
    sides : tuple of arrays, shape (n, n_points)
        From :func:`two_sides`: marginal share and mean of the gain at a score of one, of the loss.
    latent : array, shape (n, n_points)
    """
    p, (a, gain, b, _) = problem, sides
    assert_care = p.care
    score, slope, _ = expected_score(latent, assert_care.score_noise[:, None])  # type: ignore[union-attr]
    r = a * score + b
    surplus = p.belief[:, None] * (r * p.weight[:, None])[..., None]
    at_risk = (gain + r * assert_care.carried[:, None]) * slope  # type: ignore[union-attr]
    quality = assert_care.quality[:, None]  # type: ignore[union-attr]
    return Worth(surplus, p.belief[:, None] * at_risk[..., None], r, latent, score * quality)


class _Lost:
    """Return the score that members' withheld care loses, with its slope, at given means."""

    def __init__(self, problem: Problem, sides: tuple[Array, Array, Array, Array]) -> None:
        p, c = problem, problem.care
        if c is None:
            raise RuleError("respond: no care is withheld here.\n  Ask for today's model.")
        a, gain, b, _ = sides
        self._noise = c.score_noise[:, None]
        self._a, self._b, self._gain = a, b, gain
        self._carried = c.carried[:, None]
        self._pull = (p.belief * c.withholding_saving / c.withholding_cost)[:, None]
        self._push = (p.belief * c.score_effect / c.withholding_cost)[:, None]
        self._weight = p.weight[:, None]
        self._per_unit = (p.members * c.score_effect)[:, None]

    def __call__(self, latent: Array) -> tuple[Array, Array]:
        score, slope, bend = expected_score(latent, self._noise)
        r = self._a * score + self._b
        at_risk = self._gain + r * self._carried
        pull = (r * self._weight)[..., None] * self._pull
        push = (at_risk * slope)[..., None] * self._push
        acts = pull - push
        up = (self._a * slope * self._weight)[..., None] * self._pull
        down = at_risk * bend + self._a * slope * self._carried * slope
        rate = np.where(acts > 0, up - down[..., None] * self._push, 0.0)
        gone = (self._per_unit * np.maximum(acts, 0.0)).sum(axis=-1)
        return gone, (self._per_unit * rate).sum(axis=-1)


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
    total = (p.belief * p.weight[:, None])[:, None] * gain + private_value(p, worth)
    if np.any(p.risk_aversion):
        variance, _ = transfer_variance(p.transfer, flat, p.sigma)
        total = total - (p.risk_aversion * p.belief**2)[:, None] / 2 * variance.reshape(shape)
    return total


def best_gain(problem: Problem, worth: Array, mean: Array, reach: tuple[Array, Array]) -> Array:
    """Search each member's own acts, over the whole line, for a better payoff.

    For a given own contribution the cheapest acts are those for some worth of surplus, so the
    search over all acts is one over that worth. A score that answers to care adds a second
    search; see :func:`best_scored_gain`.

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
    at = _own(problem, worth)
    here = payoff(problem, worth, np.broadcast_to(mean[..., None], worth.shape))
    ends = _own(problem, np.stack(reach)[None])[0]
    steps = np.max(np.abs(ends[1] - ends[0])) / problem.sigma[0]
    n_points = int(np.clip(64 * steps, 513, 20001))
    grid = np.linspace(*reach, n_points)[None]
    moved = mean[..., None] - at + _own(problem, grid)
    return (payoff(problem, grid, moved).max(axis=1) - here[:, 0])[0]


def _own(problem: Problem, worth: Array) -> Array:
    """Return what a member's own acts add to the surplus where no score answers to them."""
    own = contribution(problem, worth)
    if problem.care is not None:
        saved = problem.care.withholding_saving[:, None]
        own = own + saved * withheld(problem, worth, None)
    return own


def best_scored_gain(
    problem: Problem, at: Worth, mean: float, reach: tuple[Array, Array], n_points: int = 201
) -> Array:
    """Search each member's own acts for a better payoff where the score answers to care.

    Withheld care is searched over a line of its own, up to twice what an unscored contract would
    draw; the other acts over the worth of surplus, as in :func:`best_gain`.

    Returns
    -------
    array, shape (n_groups,)
    """
    p, c = problem, problem.care
    if c is None or at.score is None or at.latent is None:
        raise RuleError("respond: no score answers to care here.\n  Use the search without one.")
    s0 = withheld(p, at.surplus, at.score)[0, 0]
    top = 2 * (np.maximum(np.abs(reach[0]), np.abs(reach[1])) * c.withholding_saving[0])
    most = np.maximum(top / c.withholding_cost[0], 2 * s0)
    worths = np.concatenate([np.linspace(*reach, n_points), at.surplus[0]])[None]
    acts = np.concatenate([np.linspace(0, 1, n_points)[:, None] * most, s0[None]])
    own = contribution(p, worths)[0]
    plain = private_value(p, worths, None)[0] + _withheld_cost(p, worths)
    here = contribution(p, at.surplus)[0, 0]
    _, gain_here, _, _ = two_sides(p.transfer, np.array([[mean]]), p.sigma)
    r, weight = float(at.share[0, 0]), float(p.weight[0])
    out = np.empty(len(s0))
    for j in range(len(s0)):
        means = mean + (own[:, None, j] - here[j])
        means = means + c.withholding_saving[0, j] * (acts[None, :, j] - s0[j])
        latent = at.latent[0, 0] - c.score_effect[0, j] * (acts[:, j] - s0[j])
        score, _, _ = expected_score(latent, c.score_noise[0])
        _, gain, _, loss = two_sides(p.transfer, means.reshape(1, -1), p.sigma)
        gain, loss = gain.reshape(means.shape), loss.reshape(means.shape)
        value = weight * (gain * score[None] + loss)
        value = value + ((1 - weight) * gain_here[0, 0] + r * c.carried[0]) * score[None]
        total = p.belief[0, j] * value + plain[:, None, j]
        total = total - c.withholding_cost[0, j] * acts[None, :, j] ** 2 / 2
        out[j] = total.max() - total[-1, -1]
    return out


def _withheld_cost(problem: Problem, worth: Array) -> Array:
    """Return the cost of withheld care that :func:`private_value` takes off at a worth."""
    c = problem.care
    if c is None:
        return np.zeros(worth.shape[1:])
    s = withheld(problem, worth, None)[0]
    return c.withholding_cost[0] * s**2 / 2
