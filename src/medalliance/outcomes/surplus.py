"""Insurance-fund surplus: rates, money per insured person, and the split of a surplus.

All functions take and return arrays of shape (n_obs,); money is in yuan a year.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def settled_budget(budget: Array, notional: Array | None = None) -> Array:
    """Return the settled budget, or the notional one where none was settled."""
    return budget if notional is None else np.where(np.isnan(budget), notional, budget)


def fund_surplus_rate(budget: Array, spending: Array, notional: Array | None = None) -> Array:
    """Compute the surplus rate ``(B - E) / B``, at most 1, without a lower bound."""
    base = _positive(settled_budget(budget, notional))
    return (base - spending) / base


def log_spending_to_budget(budget: Array, spending: Array, notional: Array | None = None) -> Array:
    """Compute ``ln(1 - s) = ln E - ln B``, where ``s`` is the surplus rate."""
    return _log(spending) - _log(settled_budget(budget, notional))


def log_spending_per_insured(spending: Array, insured: Array) -> Array:
    """Compute the log of fund spending per insured person, ``ln(E / n)``."""
    return _log(spending) - _log(insured)


def log_budget_per_insured(budget: Array, insured: Array, notional: Array | None = None) -> Array:
    """Compute the log of the budget per insured person, ``ln(B / n)``."""
    return _log(settled_budget(budget, notional)) - _log(insured)


def real_surplus_per_insured_yuan(
    budget: Array,
    spending: Array,
    insured: Array,
    price_index: Array,
    notional: Array | None = None,
) -> Array:
    """Compute the surplus per insured person in constant prices, ``(B - E) / (n P)``."""
    surplus = settled_budget(budget, notional) - spending
    return surplus / (_positive(insured) * _positive(price_index))


def deficit(budget: Array, spending: Array, notional: Array | None = None) -> Array:
    """Mark the years in which spending exceeded the budget, 1 or 0."""
    base = settled_budget(budget, notional)
    return np.where(np.isnan(base) | np.isnan(spending), np.nan, (spending > base) * 1.0)


def balance_yuan(income: Array, spending: Array) -> Array:
    """Compute what one account keeps in a year, ``income - spending``."""
    return income - spending


def notional_budget_yuan(quota: Array, insured: Array, adjustment: Array | float = 1.0) -> Array:
    """Build the budget of a county that has none by one fixed rule, ``B* = q n a``.

    Parameters
    ----------
    quota : ndarray, shape (n_obs,)
        Provincial capitation quota, yuan per insured person and year.
    insured : ndarray, shape (n_obs,)
    adjustment : ndarray or float
        Risk and price factor of the *pre-period*; a factor that moves with treatment would
        make the budget an outcome.
    """
    return np.round(quota * insured * adjustment, 2)


def _positive(values: Array) -> Array:
    return np.where(values > 0, values, np.nan)


def _log(values: Array) -> Array:
    return np.log(_positive(values))
