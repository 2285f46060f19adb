"""Critical value of simultaneous bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, check_level


def critical_value(
    draws: NDArray[np.float64], std_error: NDArray[np.float64], *, level: float = 0.95
) -> float:
    """Compute the critical value ``c`` of the band ``estimate +- c std_error``.

    ``c`` is the ``level`` quantile of ``max_j |draw_j| / std_error_j``: all k effects are covered
    together. Effects whose standard error is zero or not a number (a normalised reference period)
    are left out. The result is never below the pointwise normal value.

    Parameters
    ----------
    draws : ndarray, shape (n_draws, k)
        Bootstrap deviations of the estimate.
    std_error : ndarray, shape (k,)
        Standard errors that the band uses.
    level : float
        Confidence level between 0 and 1.

    Returns
    -------
    float

    Raises
    ------
    DesignError
        If the level is not between 0 and 1, or no effect has a standard error.

    References
    ----------
    Callaway, Sant'Anna (2021), Corollary 1. Montiel Olea, Plagborg-Moller (2019).
    """
    check_level(level)
    std_error = np.asarray(std_error, float)
    used = np.isfinite(std_error) & (std_error > 0)
    if not used.any():
        raise DesignError("no effect has a standard error.\n  A band needs at least one.")
    largest = np.abs(draws[:, used] / std_error[used]).max(axis=1)
    value = np.quantile(largest, level, method="inverted_cdf")
    return float(max(value, stats.norm.ppf((1 + level) / 2)))
