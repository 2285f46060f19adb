"""Least squares with unit and year effects on treatment columns and covariates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..results import CompactInfluence, Regression
from ..results._cluster import cluster_sums, count_clusters, small_sample_factor
from ._collinear import absorbed, independent
from ._sample import Sample
from ._within import TwoWay

Array = NDArray[np.float64]
TWO_WAY = "unit and year effects and other columns"


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted regression with unit and year effects.

    Attributes
    ----------
    coefficients : ndarray, shape (k,)
        Treatment columns first, then covariates.
    influence : CompactInfluence or ndarray, shape (n_units, k)
    variance_factor : float
        fixest's small-sample factor.
    regression : Regression
    dropped : tuple of str
        Covariates that are not used, with the reason.
    """

    coefficients: Array
    influence: CompactInfluence | Array
    variance_factor: float
    regression: Regression
    dropped: tuple[str, ...] = ()


def fit_two_way(
    sample: Sample,
    group: NDArray[np.intp],
    columns: Array,
    names: tuple[str, ...],
    *,
    n_named: int = 0,
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
    n_named : int
        The first so many covariates are asked about and stay; of the others, those that unit and
        year effects and the columns before determine are dropped.

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
    weight = sample.weight[:, None] * sample.mask
    effects = TwoWay(sample.weight if sample.seen is None else weight)
    n_columns, n_units = columns.shape[2], sample.n_units
    size = _sizes(sample, group, len(columns))
    left, gram = _absorb(effects, group, columns, size)
    outcome = effects.residual(sample.outcome)
    covariates = np.empty_like(sample.covariates)
    for place, grid in enumerate(sample.covariates):
        covariates[place] = effects.residual(grid)
    normal = _normal_equations(left, gram, group, weight, outcome, covariates)
    raw = _sums_of_squares(sample, columns, size, weight)
    dropped: tuple[str, ...] = ()
    if len(covariates) > n_named:
        keep = independent(normal[0], raw, n_columns + n_named)
        dropped = absorbed(names, keep, TWO_WAY)
        normal, raw = (normal[0][np.ix_(keep, keep)], normal[1][keep]), raw[keep]
        names = tuple(name for name, stays in zip(names, keep, strict=True) if stays)
        covariates = covariates[keep[n_columns:]] if dropped else covariates
    bread = invert_gram(normal[0], names, raw)
    coefficients = bread @ normal[1]
    residual = outcome - _fitted(effects, (left @ coefficients[:n_columns])[group])
    for slope, covariate in zip(coefficients[n_columns:], covariates, strict=True):
        residual -= slope * covariate
    influence = CompactInfluence(
        values=weight * residual,
        group=group,
        loadings=n_units * left @ bread[:n_columns],
        shared=np.einsum("qit,it->iq", covariates, weight * residual, optimize=True),
        shared_loadings=n_units * bread[n_columns:],
    )

    make_regressors = partial(_regressors, effects, left, group, covariates, sample.mask)
    regression = _payload(sample, (outcome, residual), bread, make_regressors, names)
    n_clusters = count_clusters(sample.cluster)
    factor = small_sample_factor(sample.n_obs, regression.n_params, n_clusters)
    return Fit(coefficients, influence, factor, regression, dropped)


def _regressors(
    effects: TwoWay,
    left: Array,
    group: NDArray[np.intp],
    covariates: Array,
    mask: NDArray[np.bool_],
) -> Array:
    """Form the within-transformed regressors, shape (n_obs, k)."""
    treatment = [_fitted(effects, left[group, :, j]) for j in range(left.shape[2])]
    return np.stack([*treatment, *covariates])[:, mask].T


def drop_absorbed(sample: Sample) -> Sample:
    """Drop covariates of which unit and year effects and the covariates before leave nothing."""
    if not sample.names:
        return sample
    weight = sample.weight[:, None] * sample.mask
    effects = TwoWay(sample.weight if sample.seen is None else weight)
    flat = np.stack([effects.residual(grid).ravel() for grid in sample.covariates])
    raw = np.einsum("it,pit->p", weight, sample.covariates**2)
    keep = independent((flat * weight.ravel()) @ flat.T, raw)
    if keep.all():
        return sample
    return replace(
        sample,
        covariates=sample.covariates[keep],
        names=tuple(name for name, stays in zip(sample.names, keep, strict=True) if stays),
        dropped=(*sample.dropped, *absorbed(sample.names, keep, TWO_WAY)),
    )


def _normal_equations(
    left: Array,
    gram: Array,
    group: NDArray[np.intp],
    weight: Array,
    outcome: Array,
    covariates: Array,
) -> tuple[Array, Array]:
    """X'WX and X'Wy of treatment columns, by group, and of covariates, by row."""
    n_columns, n_covariates = left.shape[2], len(covariates)
    full = np.empty((n_columns + n_covariates, n_columns + n_covariates))
    full[:n_columns, :n_columns] = gram
    right = np.empty(len(full))
    right[:n_columns] = _by_group(left, group, weight * outcome)
    flat = covariates.reshape(n_covariates, outcome.size)
    for place, covariate in enumerate(covariates):
        row = n_columns + place
        weighted = weight * covariate
        full[row, :n_columns] = full[:n_columns, row] = _by_group(left, group, weighted)
        full[row, n_columns:] = flat @ weighted.ravel()
        right[row] = np.vdot(weighted, outcome)
    return full, right


def _by_group(left: Array, group: NDArray[np.intp], weighted: Array) -> Array:
    return np.einsum("ctp,ct->p", left, cluster_sums(weighted, group, len(left)))


def _fitted(effects: TwoWay, values: Array) -> Array:
    """Finish columns without year effects: zero where not seen, without unit effects."""
    if effects.complete:
        return values
    mean = np.einsum("it,it->i", effects.weight, values) / effects.unit_total
    return (values - mean[:, None]) * (effects.weight > 0)


def _sizes(sample: Sample, group: NDArray[np.intp], n_groups: int) -> Array:
    """Weight of the rows of each group and year, shape (n_groups, n_years)."""
    if sample.seen is None:
        size = np.bincount(group, weights=sample.weight, minlength=n_groups)
        return np.repeat(size[:, None], len(sample.years), axis=1)
    return cluster_sums(sample.weight[:, None] * sample.seen, group, n_groups)


def _sums_of_squares(sample: Sample, columns: Array, size: Array, weight: Array) -> Array:
    treatment = np.einsum("ct,ctp->p", size, columns**2)
    return np.r_[treatment, [np.vdot(weight, grid**2) for grid in sample.covariates]]


def _absorb(
    effects: TwoWay, group: NDArray[np.intp], columns: Array, size: Array
) -> tuple[Array, Array]:
    """Take unit and year effects out of columns by group, never forming them by row.

    Residuals sum to zero within a unit, so in scores a unit effect of a column does not count;
    only its year effect has to be taken out.

    Parameters
    ----------
    effects : TwoWay
    group : ndarray of intp, shape (n_units,)
    columns : ndarray, shape (n_groups, n_years, p)
    size : ndarray, shape (n_groups, n_years)
        Weight of the rows of each group and year.

    Returns
    -------
    left : ndarray, shape (n_groups, n_years, p)
        Columns without year effects (and, on a complete table, without unit effects).
    gram : ndarray, shape (p, p)
        X'WX of the columns without both.
    """
    if effects.complete:
        centred = columns - columns.mean(axis=1, keepdims=True)
        left = centred - np.tensordot(size[:, 0] / size[:, 0].sum(), centred, axes=1)
        return left, np.einsum("c,ctp,ctq->pq", size[:, 0], left, left, optimize=True)
    unit_sum = np.empty((len(group), columns.shape[2]))
    for code, column in enumerate(columns):
        rows = np.flatnonzero(group == code)
        unit_sum[rows] = effects.weight[rows] @ column
    unit_mean = unit_sum / effects.unit_total[:, None]
    by_year = np.einsum("ct,ctp->tp", size, columns) - effects.weight.T @ unit_mean
    year = effects.year_inverse @ by_year
    gram = np.einsum("ct,ctp,ctq->pq", size, columns, columns, optimize=True)
    return columns - year, gram - unit_sum.T @ unit_mean - by_year.T @ year


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
    if at_fault == ["treated"]:
        raise DesignError(
            "treatment does not vary once unit and year effects are taken out: nobody stays "
            "untreated beside those who join.\n  Add never-treated or later-treated units."
        )
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


def count_params(sample: Sample, n_slopes: int) -> int:
    """Count slopes and year effects; unit effects are nested in the clusters (fixest)."""
    return n_slopes + len(sample.years)
