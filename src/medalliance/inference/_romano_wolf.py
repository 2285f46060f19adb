"""Stepdown p-values for several hypotheses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..results._cluster import check_finite

Array = NDArray[np.float64]


def stepdown_p_values(t_statistics: Array, t_draws: Array) -> Array:
    """Adjust p-values for testing several hypotheses with the same draws.

    With ``|t|`` in falling order, ``p_(m) = max(p_(m-1), (1 + #{max_{l >= m} |t*_l| >= |t_(m)|}) /
    (1 + R))``: the chance of one false rejection or more stays below the level, whatever the
    dependence between outcomes.

    Parameters
    ----------
    t_statistics : ndarray, shape (m,)
    t_draws : ndarray, shape (n_draws, m)
        Centred bootstrap t statistics; a row uses the same draw for all hypotheses. Infinite
        where a draw has no spread.

    Returns
    -------
    ndarray, shape (m,)

    Raises
    ------
    DataError
        If shapes differ, a statistic is not finite, or a draw is missing.

    References
    ----------
    Romano, Wolf (2005), Algorithm 3.1; (2016), eq. 3.3.
    """
    size = np.abs(np.asarray(t_statistics, float))
    if t_draws.ndim != 2 or t_draws.shape[1] != len(size) or not len(t_draws):
        raise DataError(
            f"{len(size)} statistics, draws {t_draws.shape}.\n  Give one column a statistic."
        )
    check_finite(t_statistics=size, t_draws=np.where(np.isinf(t_draws), 0.0, t_draws))
    order = np.argsort(-size, kind="stable")
    largest = np.maximum.accumulate(np.abs(t_draws)[:, order[::-1]], axis=1)[:, ::-1]
    above = (largest >= size[order]).sum(axis=0)
    adjusted = np.empty(len(size))
    adjusted[order] = np.maximum.accumulate((1 + above) / (1 + len(t_draws)))
    return adjusted
