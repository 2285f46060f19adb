"""Staff remuneration: pay per full-time equivalent, staff mix, tier gaps, dispersion.

Pay is total pay before tax in yuan a year, without the employer's contributions. Arrays by
staff type have shape (n_obs, n_types); the others (n_obs,).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TIERS = {"H": "hospital", "T": "township", "V": "village"}
TYPES = ("physician", "nurse", "technical", "administrative")


def pay_per_fte(pay: Array, fte: Array) -> Array:
    """Compute pay per full-time equivalent by staff type; NaN where there is no staff."""
    return pay / np.where(fte > 0, fte, np.nan)


def mean_pay(pay: Array, fte: Array) -> Array:
    """Compute the raw mean over staff types, total pay by total staff."""
    return pay_per_fte(total(pay), total(fte))


def pre_period_mix(fte: Array, unit_codes: NDArray[np.intp], pre: NDArray[np.bool_]) -> Array:
    """Compute the staff mix of each unit before treatment, spread over its rows.

    Parameters
    ----------
    fte : ndarray, shape (n_obs, n_types)
    unit_codes : ndarray, shape (n_obs,)
    pre : ndarray of bool, shape (n_obs,)
        Rows before treatment.

    Returns
    -------
    ndarray, shape (n_obs, n_types)
        Shares that sum to 1 in a row; NaN for units without a pre-period.
    """
    staff = np.where(pre[:, None], np.nan_to_num(fte), 0.0)
    n_units = int(unit_codes.max()) + 1 if len(unit_codes) else 0
    sums = np.column_stack([np.bincount(unit_codes, column, n_units) for column in staff.T])
    staffed = sums.sum(axis=1, keepdims=True)
    return (sums / np.where(staffed > 0, staffed, np.nan))[unit_codes]


def fixed_composition_mean(pay: Array, fte: Array, mix: Array) -> Array:
    """Compute mean pay at the pre-period staff mix, ``sum_k w_k W_k``.

    A type that the unit never had before treatment has weight 0. A type with weight but without
    staff in a year has no pay, and the mean is NaN.
    """
    each = pay_per_fte(pay, fte)
    return np.where(mix > 0, mix * each, np.where(np.isnan(mix), np.nan, 0.0)).sum(axis=1)


def personnel_share(personnel: Array, revenue: Array) -> Array:
    """Compute personnel spending as a share of revenue, 0-1."""
    return personnel / np.where(revenue > 0, revenue, np.nan)


def log_gap(higher: Array, lower: Array) -> Array:
    """Compute the log difference of two pay levels."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.log(higher) - np.log(lower)
    return np.where(np.isfinite(gap), gap, np.nan)


def between_tier_theil(pay: Array, fte: Array) -> Array:
    """Compute Theil's index between tiers, ``sum_j y_j ln(y_j / n_j)``.

    ``y_j`` is a tier's share of pay, ``n_j`` its share of staff; 0 if all tiers pay the same.

    Parameters
    ----------
    pay, fte : ndarray, shape (n_obs, n_tiers)
    """
    share = pay / pay.sum(axis=1, keepdims=True)
    heads = fte / fte.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(share == 0, 0.0, share * np.log(share / heads))
    theil = terms.sum(axis=1)
    return np.where(np.isfinite(theil), theil, np.nan)


def total(by_type: Array) -> Array:
    """Sum over types; a blank type counts as nothing, a row of blanks as blank."""
    found = np.nansum(by_type, axis=1)
    return np.where(np.isnan(by_type).all(axis=1), np.nan, found)
