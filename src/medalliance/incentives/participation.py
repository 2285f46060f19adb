"""Who sits at the table: budgets and splits that members agree to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ..errors import RuleError
from .batch import solve_batch
from .contract import Contract
from .technology import Technology

Array = NDArray[np.float64]


def negotiated_budget(lowest: float, highest: float, weight: float) -> float:
    """Return the budget between what members accept and what the insurer can afford.

    ``(1 - weight) * lowest + weight * highest``: the generalised Nash split of the range, where
    ``weight`` is the members' bargaining weight, 0-1.

    Raises
    ------
    RuleError
        If the range is empty or the weight is not a share.
    """
    if not 0 <= weight <= 1:
        raise RuleError(f"negotiated budget: weight {weight} is not in [0, 1].")
    if lowest > highest:
        raise RuleError(
            f"negotiated budget: members need {lowest:.6g}, the insurer affords {highest:.6g}. "
            "No budget suits both."
        )
    return (1 - weight) * lowest + weight * highest


def gains(contract: Contract, technology: Technology) -> Array:
    """Return what each member gains by the contract over the status quo, shape (n_groups,).

    At the equilibrium with the lowest surplus, as in :func:`solve_batch`.
    """
    return _gains(contract, technology)[0]


def _gains(contract: Contract, technology: Technology) -> Array:
    return solve_batch(contract, technology).utility - status_quo_utility(technology)


def status_quo_utility(technology: Technology) -> Array:
    """Return what a member has without a contract, beta m v0 - h v0^2 / 2, per member."""
    t = technology
    v = t.baseline_inducement
    return np.asarray(t.margin_pay * t.margin * v - t.inducement_cost * v**2 / 2)


def participation_budget(
    contract: Contract, technology: Technology, reservation: Any = 0.0
) -> float:
    """Return the smallest budget at which every member gains at least its reservation.

    Parameters
    ----------
    contract : Contract
        Its budget is ignored.
    technology : Technology
    reservation : float or array, shape (n_groups,)
        Gain over the status quo, per member, in money.

    Returns
    -------
    float
        Zero where no budget is too small.

    Raises
    ------
    RuleError
        If no budget is large enough, as with a cap below what members ask for.
    """
    sigma, spent = float(technology.sigma), float(technology.baseline_spending)

    def shortfall(budget: float) -> float:
        offer = contract.replace(budget=budget)
        return float((gains(offer, technology) - reservation).min())

    low = 0.0
    if shortfall(low) >= -1e-9 * sigma:
        return low
    step, high = sigma, spent
    while shortfall(high) < 0:
        high, step = high + step, 2 * step
        if step > 1e9 * sigma:
            raise RuleError(
                "participation budget: no budget satisfies every member. "
                "Lower the reservation, raise a cap or give each group a share."
            )
    return float(brentq(shortfall, low, high, xtol=1e-10 * sigma, rtol=1e-14))


def bargained_split(
    contract: Contract, technology: Technology, weights: Any, reservation: Any = 0.0
) -> Array:
    """Return the split that maximises the product of groups' gains to their bargaining weights.

    ``argmax_w prod_j (U_j - U0_j)^weight_j`` over shares that sum to one, with members' answers
    to each split worked out anew.

    Parameters
    ----------
    contract : Contract
        Its split is where the search starts.
    technology : Technology
    weights : array, shape (n_groups,)
        Bargaining weights, zero or more. A group with none gets no say, not no share.
    reservation : float or array, shape (n_groups,)

    Returns
    -------
    array, shape (n_groups,)

    Raises
    ------
    RuleError
        If the weights do not fit, or no split gives every group with a say a gain.
    """
    say = np.asarray(weights, dtype=float)
    if say.shape != (technology.n_groups,) or np.any(say < 0) or not say.sum() > 0:
        raise RuleError("bargained split: give one weight a group, zero or more, not all zero.")

    def value(logits: Array) -> Array:
        gain = _gains(contract.replace(split=_softmax(logits)), technology) - reservation
        heard = gain[:, say > 0]
        agreed = np.log(np.maximum(heard, 1e-300)) @ say[say > 0] / say.sum()
        return np.where((heard > 0).all(axis=1), agreed, -1e6 + np.minimum(heard, 0).sum(axis=1))

    starts = np.stack([np.atleast_1d(contract.split), say / say.sum()])
    start = np.log(np.maximum(starts, 1e-4))
    at, best = _climb(value, start[value(start).argmax()])
    if best <= -1e5:
        raise RuleError("bargained split: no split found that leaves every group a gain.")
    return _softmax(at)


def _climb(value: Any, at: Array) -> tuple[Array, float]:
    """Climb by trying steps in all directions at once, halving them where none is better."""
    n = at.size
    directions = np.array([d for d in np.ndindex(*(3,) * n) if any(k != 1 for k in d)]) - 1.0
    best, step = float(value(at[None])[0]), 0.5
    while step > 1e-6:
        tried = at + step * directions
        found = value(tried)
        if found.max() > best + 1e-15 * abs(best):
            at, best = tried[found.argmax()], float(found.max())
        else:
            step /= 2
    return at, best


def _softmax(logits: Array) -> Array:
    weight = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)
