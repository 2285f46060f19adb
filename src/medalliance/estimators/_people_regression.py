"""Least squares with area and year effects on people who are seen once."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError
from ..panel import Panel
from ..results import Regression
from ..results._cluster import cluster_sums, count_clusters, small_sample_factor
from ._collinear import absorbed, independent
from ._regression import Fit, invert_gram
from ._sample import Sample
from ._within import TwoWay

Array = NDArray[np.float64]
ABSORBED = "area and year effects and other columns"


def fit_people(
    panel: Panel, sample: Sample, group: NDArray[np.intp], columns: Array, names: tuple[str, ...]
) -> Fit:
    """Regress the outcome of people on columns by cohort and year, and on covariates.

    Area and year effects depend on sums by area and year alone, so that they are solved on that
    table and taken out of each person's row.

    Parameters
    ----------
    panel : Panel
        Names the areas.
    sample : Sample
        With ``when``.
    group : ndarray of intp, shape (n_people,)
        Cohort of each person.
    columns : ndarray, shape (n_groups, n_years, p)
    names : tuple of str
        Names of the treatment columns, then of the covariates.

    Returns
    -------
    Fit
        Area effects count as parameters unless areas are nested in clusters, as in fixest.

    Raises
    ------
    DesignError
        If no area is seen in two years, or columns are collinear.

    References
    ----------
    Frisch, Waugh (1933); Cameron, Miller (2015), equations 9-11, for the variance.
    """
    when = sample.rows[1]
    labels = panel.frame[panel.area].to_numpy()[panel.units.get_indexer(sample.ids)]
    area = pd.factorize(labels)[0]
    shape = int(area.max()) + 1, len(sample.years)
    cell = area * shape[1] + when
    size = cluster_sums(sample.weight[:, None], cell, shape[0] * shape[1]).reshape(shape)
    if not ((size > 0).sum(axis=1) > 1).any():
        raise DesignError(
            f"no {panel.area} is seen in two {panel.step.unit}s, so it has no effect to take out.\n"
            "  Make the panel with the area that treatment reaches as unit, or use att_gt."
        )
    effects = TwoWay(size)
    member = np.zeros(shape[0], np.intp)
    member[area] = group
    treatment = [effects.residual(columns[member, :, j]).ravel()[cell]
                 for j in range(columns.shape[2])]  # fmt: skip

    def within(values: Array) -> Array:
        total = np.bincount(cell, sample.weight * values, size.size).reshape(shape)
        own, year = effects.effects(np.divide(total, size, out=np.zeros(shape), where=size > 0))
        return np.asarray(values - own[area] - year[when])

    outcome = within(sample.outcome[:, 0])
    covariates = [within(values) for values in sample.covariates[:, :, 0]]
    regressors = np.column_stack([*treatment, *covariates])
    weighted = sample.weight[:, None] * regressors
    gram = weighted.T @ regressors
    raw = np.r_[
        [sample.weight @ columns[group, when, j] ** 2 for j in range(columns.shape[2])],
        [sample.weight @ values**2 for values in sample.covariates[:, :, 0]],
    ]
    dropped: tuple[str, ...] = ()
    if len(covariates):
        keep = independent(gram, raw, len(treatment))
        dropped = absorbed(names, keep, ABSORBED)
        names = tuple(name for name, stays in zip(names, keep, strict=True) if stays)
        gram, raw = gram[np.ix_(keep, keep)], raw[keep]
        regressors, weighted = regressors[:, keep], weighted[:, keep]
    bread = invert_gram(gram, names, raw)
    coefficients = bread @ (weighted.T @ outcome)
    residual = outcome - regressors @ coefficients
    influence = sample.n_units * (weighted * residual[:, None]) @ bread
    held = len(np.unique(np.column_stack([area, sample.cluster]), axis=0)) == shape[0]
    n_params = len(bread) + shape[1] + (0 if held else shape[0] - 1)
    regression = Regression(
        make_regressors=partial(np.asarray, regressors),
        outcome=outcome,
        residual=residual,
        bread=bread,
        seen=sample.mask,
        unit_weight=sample.weight,
        unit_cluster=sample.cluster,
        n_params=n_params,
        names=names,
    )
    factor = small_sample_factor(sample.n_obs, n_params, count_clusters(sample.cluster))
    return Fit(coefficients, influence, factor, regression, dropped)
