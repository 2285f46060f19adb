"""Inference with few treated clusters: shocks are read off the untreated ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from ..errors import DataError, DesignError
from ..results._cluster import check_finite

Array = NDArray[np.float64]
VARIANCE_STEPS = 3


@dataclass(frozen=True, eq=False)
class FewTreated:
    """An estimate with the law of its error taken from untreated clusters.

    Attributes
    ----------
    estimate, p_value, conf_low, conf_high : float
    law : ndarray, shape (n_draws,)
        Errors of the estimate that untreated clusters would have caused.
    enumerated : bool
        Whether every choice of untreated clusters was used once.
    """

    estimate: float
    p_value: float
    conf_low: float
    conf_high: float
    law: Array
    enumerated: bool


def few_treated(
    estimate: float,
    paths: Array,
    control_residuals: Array,
    *,
    treated_size: Array | None = None,
    control_size: Array | None = None,
    null: float = 0.0,
    n_draws: int = 9_999,
    level: float = 0.95,
    seed: int = 0,
) -> FewTreated:
    """Compute p-value and interval when only a few clusters are treated.

    In every draw each treated cluster's errors are replaced by the residuals of an untreated one:
    ``sum_j sum_t d_jt e_{c(j) t}``. Without sizes this is Conley and Taber's law, which takes the
    errors of all clusters to be alike. With sizes ``M`` it is Ferman and Pinto's: the variance of
    each combination is fitted by ``A + B / M``, and residuals are rescaled to the treated
    cluster's size.

    Parameters
    ----------
    estimate : float
    paths : ndarray, shape (n_treated, n_years)
        ``d_jt``: weight of a treated cluster's error in the estimate, which is the treatment path
        with cluster and year effects taken out, divided by its sum of squares over treated ones.
    control_residuals : ndarray, shape (n_control, n_years)
        Residuals of untreated clusters.
    treated_size, control_size : ndarray, shape (n_treated,), (n_control,), optional
        Units in each cluster.
    null : float
    n_draws : int
        If there are no more choices of untreated clusters, all of them are used.
    level : float
    seed : int

    Returns
    -------
    FewTreated
        Equal-tailed. The interval is no finer than the number of untreated clusters allows.

    Raises
    ------
    DesignError
        If there are fewer than two untreated clusters or none treated, or sizes are not positive.
    DataError
        If shapes differ or numbers are not finite.

    References
    ----------
    Conley, Taber (2011), section 2; Ferman, Pinto (2019), section 3.
    """
    n_treated, n_control = len(paths), len(control_residuals)
    if n_treated < 1 or n_control < 2 or not 0 < level < 1 or n_draws < 1:
        raise DesignError(
            f"{n_treated} treated, {n_control} untreated clusters, level {level}, {n_draws} draws."
            "\n  Take one treated, two untreated clusters or more, and a level between 0 and 1."
        )
    if paths.shape[1:] != control_residuals.shape[1:]:
        raise DataError(
            f"paths {paths.shape}, residuals {control_residuals.shape}.\n"
            "  Give both for the same years."
        )
    check_finite(paths=paths, control_residuals=control_residuals)
    moves = paths @ control_residuals.T
    if treated_size is not None and control_size is not None:
        moves = moves * _size_factor(moves, treated_size, control_size)
    law, enumerated = _law(moves, n_draws, seed)
    gap = estimate - null
    tail = min(float(np.mean(law >= gap)), float(np.mean(law <= gap)))
    alpha = 1 - level
    low = np.quantile(law, alpha / 2, method="inverted_cdf")
    high = np.quantile(law, 1 - alpha / 2, method="higher")
    return FewTreated(
        estimate=estimate,
        p_value=min(1.0, 2 * tail),
        conf_low=float(estimate - high),
        conf_high=float(estimate - low),
        law=law,
        enumerated=enumerated,
    )


def _law(moves: Array, n_draws: int, seed: int) -> tuple[Array, bool]:
    """Add up one untreated cluster's move for each treated cluster, shape (n_draws,)."""
    n_treated, n_control = moves.shape
    if n_treated * np.log(n_control) <= np.log(n_draws) + 1e-9:
        law = np.zeros(1)
        for row in moves:
            law = (law[:, None] + row).ravel()
        return law, True
    rng = np.random.default_rng(seed)
    picked = rng.integers(0, n_control, (n_draws, n_treated))
    return moves[np.arange(n_treated), picked].sum(axis=1), False


def _size_factor(moves: Array, treated_size: Array, control_size: Array) -> Array:
    """Compute the ratio of fitted standard deviations, shape (n_treated, n_control).

    The fit of squares is weighted by their own variance, in three steps: small clusters would
    otherwise decide it.
    """
    if len(treated_size) != moves.shape[0] or len(control_size) != moves.shape[1]:
        raise DataError(
            f"{len(treated_size)} and {len(control_size)} sizes for {moves.shape} clusters.\n"
            "  Give one size a cluster."
        )
    if not (np.concatenate([treated_size, control_size]) > 0).all():
        raise DesignError("a cluster has no size.\n  Give positive sizes, as numbers of units.")
    features = np.column_stack([np.ones(len(control_size)), 1 / control_size])
    factor = np.ones_like(moves)
    for j, row in enumerate(moves):
        scale = float((row**2).mean())
        if scale == 0:
            continue
        fitted = np.ones(2)
        for _ in range(VARIANCE_STEPS):
            level = features @ fitted
            fitted = optimize.nnls(features / level[:, None], row**2 / scale / level)[0]
        own = fitted[0] + fitted[1] / treated_size[j]
        factor[j] = np.sqrt(own / (features @ fitted))
    return factor
