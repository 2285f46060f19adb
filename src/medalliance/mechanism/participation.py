"""Who sits at the table: budgets and splits that members agree to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize

from ..errors import RuleError
from .contract import Contract
from .respond import respond
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
    """Return what each member gains by the contract over keeping nothing, shape (n_groups,)."""
    found = respond(contract, technology)
    p = found.problem
    without = p.bonus**2 / p.effort_cost + np.maximum(p.inducement_gain, 0) ** 2 / p.inducement_cost
    return found.utility[found.chosen] - without[0] / 2


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
        Gain over a contract that shares nothing, per member, in money.

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

    def loss(logits: Array) -> float:
        split = _softmax(logits)
        gain = gains(contract.replace(split=split), technology) - reservation
        if np.any(gain[say > 0] <= 0):
            return 1e6 - float(np.minimum(gain, 0).sum())
        return -float((say[say > 0] * np.log(gain[say > 0])).sum() / say.sum())

    starts = [np.atleast_1d(contract.split), say / say.sum()]
    options = {"xatol": 1e-6, "fatol": 1e-12, "maxiter": 1000}
    tries = [
        minimize(loss, np.log(np.maximum(s, 1e-4)), method="Nelder-Mead", options=options)
        for s in starts
    ]
    best = min(tries, key=lambda found: found.fun)
    if best.fun >= 1e6:
        raise RuleError("bargained split: no split found that leaves every group a gain.")
    return _softmax(best.x)


def _softmax(logits: Array) -> Array:
    weight = np.exp(logits - logits.max())
    return weight / weight.sum()
