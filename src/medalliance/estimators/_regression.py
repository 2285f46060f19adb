"""Least squares with unit and year effects on treatment columns and covariates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..inference._cluster import cluster_sums, count_clusters, small_sample_factor
from ..results import CompactInfluence, Regression
from ._sample import Sample
from ._within import TwoWay

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted regression with unit and year effects.

    Attributes
    ----------
    coefficients : ndarray, shape (k,)
        Treatment columns first, then covariates.
    influence : ndarray, shape (n_units, k), or CompactInfluence
    variance_factor : float
        fixest's small-sample factor.
    regression : Regression
    """

    coefficients: Array
    influence: Array | CompactInfluence
    variance_factor: float
    regression: Regression


def fit_two_way(
    sample: Sample,
    group: NDArray[np.intp],
    columns: Array,
    names: tuple[str, ...],
) -> Fit:
    """Regress the outcome on columns that depend on group and year, and on covariates.

    Parameters
    ----------
    sample : Sample
    group : ndarray of intp, shape (n_units,)
        Group of each unit (its cohort).
    columns : ndarray, shape (n_groups, n_years, p)
        Value of each treatment column in each group and year.
    names : tuple of str
        Names of the treatment columns, then of the covariates.

    Returns
    -------
    Fit

    Raises
    ------
    DesignError
        If columns are collinear once unit and year effects are taken out.

    References
    ----------
    Frisch, Waugh (1933); Cameron, Miller (2015), equations 9-11, for the variance.
    """
    if sample.seen is None and not len(sample.covariates):
        return _fit_by_group(sample, group, columns, names)
    return _fit_dense(sample, group, columns, names)


def _fit_by_group(
    sample: Sample, group: NDArray[np.intp], columns: Array, names: tuple[str, ...]
) -> Fit:
    """Fit on a complete panel, where the regressors of a group's units are the same."""
    weight, n_units = sample.weight, sample.n_units
    size = np.bincount(group, weights=weight, minlength=len(columns))
    centred = columns - columns.mean(axis=1, keepdims=True)
    centred -= np.tensordot(size / size.sum(), centred, axes=1)
    outcome = TwoWay(weight).residual(sample.outcome)
    sums = cluster_sums(weight[:, None] * outcome, group, len(columns))
    gram = np.einsum("c,ctp,ctq->pq", size, centred, centred, optimize=True)
    bread = invert_gram(gram, names, np.einsum("c,ctp->p", size, columns**2))
    coefficients = bread @ np.einsum("ctp,ct->p", centred, sums)
    residual = outcome - (centred @ coefficients)[group]
    influence = CompactInfluence(weight[:, None] * residual, group, n_units * centred @ bread)

    def make_regressors() -> Array:
        return centred[group].reshape(-1, columns.shape[2])

    regression = _payload(sample, (outcome, residual), bread, make_regressors, names)
    return _fit(sample, coefficients, influence, regression)


def _fit_dense(
    sample: Sample, group: NDArray[np.intp], columns: Array, names: tuple[str, ...]
) -> Fit:
    complete = sample.seen is None
    cell_weight = sample.weight[:, None] * sample.mask
    effects = TwoWay(sample.weight if complete else cell_weight)
    mask = sample.mask
    grids = np.empty((columns.shape[2] + len(sample.covariates), *mask.shape))
    raw = np.empty(len(grids))
    for j in range(len(grids)):
        place = j - columns.shape[2]
        grid = columns[group, :, j] * mask if place < 0 else sample.covariates[place]
        raw[j] = np.vdot(cell_weight, grid**2)
        grids[j] = effects.residual(grid)
    outcome = effects.residual(sample.outcome)
    flat = grids.reshape(len(grids), -1)
    bread = invert_gram((flat * cell_weight.ravel()) @ flat.T, names, raw)
    coefficients = bread @ (flat @ (cell_weight * outcome).ravel())
    residual = outcome - np.tensordot(coefficients, grids, axes=1)
    scores = np.einsum("pit,it->ip", grids, cell_weight * residual, optimize=True)

    def make_regressors() -> Array:
        return grids[:, mask].T

    regression = _payload(sample, (outcome, residual), bread, make_regressors, names)
    return _fit(sample, coefficients, sample.n_units * scores @ bread, regression)


def invert_gram(gram: Array, names: tuple[str, ...], raw: Array) -> Array:
    """Invert X'WX, naming the columns that are collinear.

    Parameters
    ----------
    gram : ndarray, shape (k, k)
        Of columns without unit and year effects.
    names : tuple of str
    raw : ndarray, shape (k,)
        Weighted sums of squares of the columns as they were.

    Raises
    ------
    DesignError
    """
    scale = np.sqrt(np.maximum(np.diag(gram), 0.0))
    empty = scale <= 1e-10 * np.sqrt(raw)
    if empty.any():
        at_fault = [names[j] for j in np.flatnonzero(empty)]
    else:
        values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
        if not len(values) or values[0] > 1e-10:
            return np.asarray(vectors / values @ vectors.T) / np.outer(scale, scale)
        at_fault = [names[j] for j in np.flatnonzero(np.abs(vectors[:, 0]) > 1e-3)]
    raise DesignError(
        f"nothing varies in {first_three(at_fault)} once unit and year effects and the other "
        "columns are taken out.\n  Drop one of them, or take more years or units."
    )


def _payload(
    sample: Sample,
    grids: tuple[Array, Array],
    bread: Array,
    make_regressors: Callable[[], Array],
    names: tuple[str, ...],
) -> Regression:
    """Keep the fit; ``grids`` are the within-transformed outcome and the residual."""
    outcome, residual = (
        grid.ravel() if sample.seen is None else grid[sample.seen] for grid in grids
    )
    return Regression(
        make_regressors=make_regressors,
        outcome=outcome,
        residual=residual,
        bread=bread,
        seen=sample.mask,
        unit_weight=sample.weight,
        unit_cluster=sample.cluster,
        n_params=count_params(sample, len(bread)),
        names=names,
    )


def _fit(
    sample: Sample,
    coefficients: Array,
    influence: Array | CompactInfluence,
    regression: Regression,
) -> Fit:
    n_clusters = count_clusters(sample.cluster)
    factor = small_sample_factor(sample.n_obs, regression.n_params, n_clusters)
    return Fit(coefficients, influence, factor, regression)


def count_params(sample: Sample, n_slopes: int) -> int:
    """Count slopes and year effects; unit effects are nested in the clusters (fixest)."""
    return n_slopes + len(sample.years)
