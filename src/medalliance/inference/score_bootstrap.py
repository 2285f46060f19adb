"""Score bootstrap: few clusters with a nonlinear or many-step estimator."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, DesignError
from ..results._cluster import check_finite, cluster_codes, cluster_sums
from ._signs import check_options, is_enumerated, share_above, sign_blocks, studentise
from .wild import WildBootstrap

Array = NDArray[np.float64]


def score_bootstrap(
    influence: Array,
    estimate: float,
    clusters: ArrayLike | None,
    *,
    null: float = 0.0,
    weights: Literal["rademacher", "webb"] = "rademacher",
    n_draws: int = 9_999,
    level: float = 0.95,
    seed: int = 0,
) -> WildBootstrap:
    """Test one number by perturbing its influence function, cluster by cluster.

    Nothing is estimated again: ``t* = sum_c v_c psi_c / (sum_c (v_c psi_c - mean)^2)^(1/2)``.
    The statistic of the sample is ``(estimate - null) / (sum_c psi_c^2)^(1/2)``.

    Parameters
    ----------
    influence : ndarray, shape (n_units,)
        Scaled so that the estimate less the truth is about its mean. Taken at the estimate that
        imposes the null, it gives Kline and Santos's restricted form.
    estimate : float
    clusters : array_like, shape (n_units,), or None
    null : float
        Tested value.
    weights, n_draws, level, seed
        As in ``wild_cluster_bootstrap``.

    Returns
    -------
    WildBootstrap
        With the percentile-t interval; ``impose_null`` is False.

    Raises
    ------
    DataError
        If the influence is not one finite number a unit.
    DesignError
        If the influence is zero in all clusters.

    References
    ----------
    Kline, Santos (2012), eq. 9-11.
    """
    check_options(weights, n_draws, level)
    influence = np.asarray(influence, float)
    if influence.ndim != 1:
        raise DataError(f"influence {influence.shape}.\n  Give one number a unit.")
    check_finite(influence=influence)
    codes = cluster_codes(clusters, len(influence))
    psi = cluster_sums(influence, codes) / len(influence)
    G = len(psi)
    std_error = float(np.sqrt((psi**2).sum()))
    if not std_error > 0:
        raise DesignError("the influence is zero in all clusters.\n  Nothing is left to bootstrap.")
    t_draws = np.concatenate([studentised(v, psi) for v in sign_blocks(G, n_draws, weights, seed)])
    size = float(np.quantile(np.abs(t_draws), level, method="inverted_cdf")) * std_error
    t = (estimate - null) / std_error
    return WildBootstrap(
        estimate=estimate,
        null=null,
        std_error=std_error,
        t_statistic=t,
        p_value=share_above(t_draws, t),
        conf_low=estimate - size,
        conf_high=estimate + size,
        t_draws=t_draws,
        n_clusters=G,
        enumerated=is_enumerated(G, n_draws, weights),
        weights=weights,
        impose_null=False,
    )


def studentised(v: Array, psi: Array) -> Array:
    """Return one t statistic a draw, the sum over its centred spread; infinite if it has none."""
    top, scale = v @ psi, v**2 @ psi**2
    return studentise(top, scale - top**2 / len(psi), scale)
