"""Power of the usual check of pre-trends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from ..errors import DesignError
from ..results._cluster import check_finite

Array = NDArray[np.float64]


def detectable_slope(
    trend: Array, vcov: Array, power: float, *, level: float = 0.95, seed: int = 0
) -> float:
    """Find the slope of a linear trend that a check of pre-periods detects with a given power.

    The check detects a trend if any pre-period coefficient is individually significant: the power
    is one less the probability of a box under a multivariate normal.

    Parameters
    ----------
    trend : ndarray, shape (n_pre,)
        What a slope of one makes of each coefficient: event time less the reference period.
    vcov : ndarray, shape (n_pre, n_pre)
    power : float
        Between the size of the check without a trend and one.
    level : float
    seed : int
        Seed of the quasi-random integration, used from three coefficients on.

    Returns
    -------
    float
        Positive.

    Raises
    ------
    DesignError
        If the power cannot be reached.

    References
    ----------
    Roth (2022), section 3.2; R pretrends, ``slope_for_power``.
    """
    check_finite(trend=trend, vcov=vcov)
    spread = np.sqrt(np.diag(vcov))
    limit = float(stats.norm.ppf((1 + level) / 2))
    correlation = vcov / np.outer(spread, spread)

    def detects(slope: float) -> float:
        shift = slope * trend / spread
        box = stats.multivariate_normal.cdf(
            limit - shift,
            mean=np.zeros(len(trend)),
            cov=correlation,
            lower_limit=-limit - shift,
            allow_singular=True,
            maxpts=20_000 * len(trend),
            abseps=1e-7,
            releps=1e-7,
            rng=np.random.default_rng(seed),
        )
        return float(1 - box)

    base = detects(0.0)
    if not base < power < 1 or not np.any(trend):
        raise DesignError(
            f"power {power} cannot be reached: without a trend the check rejects {base:.3g}.\n"
            "  Ask for a power above that and below 1."
        )
    top = float(np.min((2 * limit + 3) * spread[trend != 0] / np.abs(trend[trend != 0])))
    while detects(top) < power:
        top *= 2
    return float(optimize.brentq(lambda slope: detects(slope) - power, 0.0, top, xtol=1e-12))
