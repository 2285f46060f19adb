"""Conley-Taber and Ferman-Pinto inference of a two-way fixed-effects estimate."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED
from ..results import Effects, findings_of
from ..results._cluster import cluster_sums, count_clusters
from ..show.findings import Findings
from ._fit import Fit, headline_weights, read_fit
from .few_treated import few_treated

Array = NDArray[np.float64]


def conley_taber(
    effects: Effects,
    *,
    sizes: bool = False,
    null: float = 0.0,
    n_draws: int = 9_999,
    level: float = 0.95,
    seed: int = 0,
) -> Findings:
    """Compute p-value and interval of an estimate with few treated clusters.

    The law of the error is read off the residuals of untreated clusters, each treated cluster
    keeping its own time path of treatment.

    Parameters
    ----------
    effects : Effects
        Of ``twfe``; with an event study its average after treatment.
    sizes : bool
        Whether variances depend on the number of units in a cluster (Ferman and Pinto). Use it
        where clusters differ in size.
    null : float
    n_draws : int
    level : float
    seed : int

    Returns
    -------
    Findings
        One row: ``outcome estimate p_value conf_low conf_high method n_treated_clusters
        n_control_clusters n_draws``.

    Raises
    ------
    DesignError
        If the effects carry no regression, there are no more untreated clusters than treated ones,
        or an untreated cluster misses a year.

    References
    ----------
    Conley, Taber (2011); Ferman, Pinto (2019).
    """
    fit = read_fit(
        effects,
        need="conley_taber",
        instead="Use twfe, or randomisation_test.",
    )
    weight = headline_weights(effects)
    path, residual, size, treated = _by_cluster(effects, fit, weight @ fit.select)
    if treated.sum() >= (~treated).sum():
        raise DesignError(
            f"{int(treated.sum())} treated, {int((~treated).sum())} untreated clusters: shocks are "
            "read off untreated clusters, so there must be more of them.\n  Use wild_bootstrap."
        )
    found = few_treated(
        float(weight @ effects.estimate),
        path[treated],
        residual[~treated],
        treated_size=size[treated] if sizes else None,
        control_size=size[~treated] if sizes else None,
        null=null,
        n_draws=n_draws,
        level=level,
        seed=seed,
    )
    table = pd.DataFrame(
        {
            "outcome": [effects.design.outcome],
            "estimate": [found.estimate],
            "p_value": [found.p_value],
            "conf_low": [found.conf_low],
            "conf_high": [found.conf_high],
            "method": ["Ferman-Pinto" if sizes else "Conley-Taber"],
            "n_treated_clusters": [int(treated.sum())],
            "n_control_clusters": [int((~treated).sum())],
            "n_draws": [len(found.law)],
        }
    )
    title = f"Effect on {effects.design.outcome} with few treated clusters"
    return findings_of(effects.design, table, title)


def _by_cluster(
    effects: Effects, fit: Fit, contrast: Array
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Return weights of errors, mean residuals (clusters by years), sizes, who is treated."""
    regression, units = fit.regression, effects.units
    if units is None:
        raise DesignError("these effects carry no units.\n  Use effects of twfe.")
    n_clusters = count_clusters(regression.cluster)
    n_years = int(regression.year_codes.max()) + 1
    direction = regression.regressors @ (regression.bread @ contrast)
    treated = np.zeros(n_clusters, bool)
    treated[units.cluster[units.cohort != NEVER_TREATED]] = True
    square = regression.weight * direction**2
    scale = square.sum() / square[treated[regression.cluster]].sum()
    cell = regression.cluster * n_years + regression.year_codes
    sums = cluster_sums(
        np.column_stack(
            [
                scale * regression.weight * direction,
                regression.weight * regression.residual,
                regression.weight,
            ]
        ),
        cell,
        n_clusters * n_years,
    ).reshape(n_clusters, n_years, 3)
    empty = (sums[:, :, 2] == 0).any(axis=1) & ~treated
    if empty.any():
        raise DesignError(
            f"untreated clusters {first_three(np.flatnonzero(empty))} miss a year.\n"
            "  Leave them out: their residuals cannot stand in for a treated cluster's."
        )
    residual = sums[:, :, 1] / np.where(sums[:, :, 2] > 0, sums[:, :, 2], 1.0)
    size = np.bincount(units.cluster, minlength=n_clusters).astype(float)
    return sums[:, :, 0], residual, size, treated
