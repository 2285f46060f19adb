"""Driscoll-Kraay variance of a linear fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DesignError
from ..results._cluster import check_finite, cluster_codes, cluster_sums, small_sample_factor

Array = NDArray[np.float64]


def driscoll_kraay_variance(
    design: Array,
    residuals: Array,
    times: ArrayLike,
    *,
    lags: int | None = None,
    n_params: int | None = None,
    small_sample: bool = True,
) -> Array:
    """Compute the variance that allows correlation across all units in nearby periods.

    Scores are summed by period, then their autocovariances get Bartlett weights
    ``1 - l / (lags + 1)``. Lags are counted in time, so a gap in the years stays a gap.

    Parameters
    ----------
    design : ndarray, shape (n_obs, k)
        Regressors after the within transformation.
    residuals : ndarray, shape (n_obs,)
    times : array_like of int, shape (n_obs,)
        Year of each observation.
    lags : int, optional
        Lags with positive weight; ``floor(n_periods ** 0.25)`` if not given (fixest).
    n_params : int, optional
        ``K`` of the factor; columns of the design if not given.
    small_sample : bool
        Whether to take ``T / (T - 1) * (N - 1) / (N - K)`` (fixest); without it plm's HC0.

    Returns
    -------
    ndarray, shape (k, k)

    Raises
    ------
    DesignError
        If there is one period only, or lags are negative or as many as periods.

    References
    ----------
    Driscoll, Kraay (1998), eq. 11; Newey, West (1987).
    """
    check_finite(design=design, residuals=residuals)
    codes = cluster_codes(times, len(residuals), name="times")
    years = np.unique(np.asarray(times))
    n_lags = int(len(years) ** 0.25) if lags is None else lags
    if not 0 <= n_lags < len(years):
        raise DesignError(
            f"{n_lags} lags with {len(years)} periods.\n  Take 0 to {len(years) - 1} lags."
        )
    bread = np.linalg.inv(design.T @ design)
    sums = cluster_sums((design * residuals[:, None]) @ bread, codes)
    distance = np.abs(years[:, None].astype(float) - years[None, :])
    vcov = sums.T @ np.maximum(0, 1 - distance / (n_lags + 1)) @ sums
    if small_sample:
        k = design.shape[1] if n_params is None else n_params
        vcov *= small_sample_factor(len(residuals), k, len(years))
    return vcov
