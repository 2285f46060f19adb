"""Calibrate raw values into fuzzy-set memberships."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, DesignError, first_three

LOG_ODDS_AT_ANCHOR = 3.0


def calibrate(
    raw: ArrayLike,
    *,
    out: float,
    cross: float,
    full: float,
    log_odds: float = LOG_ODDS_AT_ANCHOR,
) -> NDArray[np.float64]:
    """Calibrate raw values by the direct method.

    Parameters
    ----------
    raw : array_like, shape (n_cases,)
        Raw values, in their own unit.
    out, cross, full : float
        Anchors of full non-membership, of the cross-over (0.5) and of full membership.
        ``out > cross > full`` calibrates a set in which small values are members.
    log_odds : float
        Log-odds of membership at the outer anchors. 3 gives 0.953 and 0.047.

    Returns
    -------
    ndarray, shape (n_cases,)
        Memberships between 0 and 1.

    Raises
    ------
    DesignError
        The anchors are not strictly ordered.
    DataError
        A raw value is missing or infinite.

    References
    ----------
    Ragin (2008), Redesigning Social Inquiry, chapter 5.
    """
    if not (out < cross < full or out > cross > full):
        raise DesignError(
            f"anchors out={out}, cross={cross}, full={full} are not strictly ordered. "
            "Give them rising for a set of large values, falling for a set of small ones."
        )
    values = np.asarray(raw, dtype=float)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DataError(
            f"raw value missing or infinite at position {first_three(bad)}. "
            "Leave these cases out before calibrating."
        )
    toward_full = (values - cross) / (full - cross) >= 0
    span = np.where(toward_full, full - cross, cross - out)
    return 1.0 / (1.0 + np.exp(-log_odds * (values - cross) / span))
