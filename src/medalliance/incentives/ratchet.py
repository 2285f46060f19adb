"""The ratchet: saving this year lowers the budgets to come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RuleError

Array = NDArray[np.float64]


def ratchet_weight(
    rebasing: Any,
    growth: Any,
    discount: Any,
    *,
    term: int = 1,
    year: int | None = None,
    base: str = "last_year",
) -> Array:
    """Return the part of r that is left once lower future budgets are counted.

    A budget is rebased after each term of ``term`` years to
    ``(1 + growth) [(1 - rebasing) B + rebasing E]``. With yearly rebasing the weight is
    ``(1 - x) / (1 - x + rebasing x)``, ``x = discount (1 + growth)``: the incentive r is the same
    in every year, so that a unit saved costs ``r sum_k discount^k dB_{t+k}`` later.

    Parameters
    ----------
    rebasing : float or array
        Weight psi of past spending in the next budget, 0-1.
    growth, discount : float or array
        Yearly growth of budgets; members' discount factor. ``discount (1 + growth) < 1``.
    term : int
        Years between rebasings, H.
    year : int, optional
        Year of the term, 1 to ``term``; by default the mean over the term.
    base : {"last_year", "term_mean"}
        Whether E is the last year's spending, or the term's mean brought to the last year's level.

    Returns
    -------
    float or array
        At most one. Below zero in the measured year of a long term, when raising spending, hence
        the next budgets, pays more than saving. The formulas for terms above one year are our own
        summation, tested against the sum year by year.

    Raises
    ------
    RuleError
        If ``discount (1 + growth)`` is not below one, or ``year`` is outside the term.
    """
    psi, x = np.asarray(rebasing, float), np.asarray(discount, float) * (1 + np.asarray(growth))
    if np.any((x < 0) | (x >= 1)):
        raise RuleError("ratchet: discount * (1 + growth) must lie in [0, 1). Lower one of them.")
    if year is None:
        years = range(1, term + 1)
        parts = [ratchet_weight(psi, growth, discount, term=term, year=h, base=base) for h in years]
        return np.mean(np.broadcast_arrays(*parts), axis=0)
    if not 1 <= year <= term:
        raise RuleError(f"ratchet: year {year} lies outside a term of {term}. Count from 1.")
    # A unit saved in this year lowers each year of the m-th later term by psi (1 - psi)^m.
    later_terms = x * (1 - x**term) / (1 - x) / (1 - (1 - psi) * x**term)
    if base == "term_mean":
        return 1 - psi / term * x ** (term - year) * later_terms
    return 1 - psi * later_terms if year == term else np.ones(np.shape(psi * x))


def historical_weight(growth: Any, discount: Any, *, lags: int = 3) -> Array:
    """Return the part of r left where the budget is grown mean spending of the last years.

    ``B_t = (1 + growth) mean(E_{t-1}, ..., E_{t-lags})``: a unit saved costs
    ``(1 + growth) / lags`` in each of the next ``lags`` years.
    """
    delta = np.asarray(discount, dtype=float)
    paid_back = sum(delta**k for k in range(1, lags + 1)) / lags
    return 1 - (1 + np.asarray(growth, dtype=float)) * paid_back
