"""Checks of event-study coefficients that sensitivity analysis starts from."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, DesignError
from ..results._cluster import check_finite

Array = NDArray[np.float64]


def check_event_study(
    estimate: ArrayLike, vcov: ArrayLike, n_pre: int, contrast: ArrayLike, level: float
) -> tuple[Array, Array, Array]:
    """Return the inputs as arrays, or say which of them does not fit.

    Raises
    ------
    DataError
        If shapes differ or numbers are not finite.
    DesignError
        If there is no pre-period or post-period, the contrast is zero, a variance is not positive,
        or the level is not between 0 and 1.
    """
    coef, matrix, weights = (np.asarray(a, float) for a in (estimate, vcov, contrast))
    n_post = len(coef) - n_pre
    if n_pre < 1 or n_post < 1:
        raise DesignError(
            f"{n_pre} pre-periods, {n_post} post-periods.\n"
            "  Sensitivity analysis needs one of each beside the reference period."
        )
    if coef.ndim != 1 or matrix.shape != (len(coef), len(coef)) or weights.shape != (n_post,):
        raise DataError(
            f"estimate {coef.shape}, vcov {matrix.shape}, contrast {weights.shape} with "
            f"{n_pre} pre-periods.\n  Give one weight a post-period and a square variance."
        )
    check_finite(estimate=coef, vcov=matrix, contrast=weights)
    if not weights.any() or not 0 < level < 1 or not (np.diag(matrix) > 0).all():
        raise DesignError(
            f"contrast {weights}, level {level}, smallest variance {np.diag(matrix).min():.3g}.\n"
            "  Give a target, a level between 0 and 1 and positive variances (leave the reference "
            "period out)."
        )
    return coef, (matrix + matrix.T) / 2, weights
