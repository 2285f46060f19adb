"""The regression behind effects, laid out for clustered variances and bootstraps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError
from ..results import Effects, Regression, need_effects
from ..results._cluster import cluster_sums

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """Weighted regressors and residuals with the map from coefficients to terms.

    Attributes
    ----------
    design : ndarray, shape (n_obs, k)
    residuals : ndarray, shape (n_obs,)
    select : ndarray, shape (n_terms, k)
        Each term's coefficient; a zero row for a reference period.
    regression : Regression
    """

    design: Array
    residuals: Array
    select: Array
    regression: Regression

    def year_columns(self) -> Array:
        """Return year dummies with unit means taken out, times the root of the weights.

        They are what is not nested in clusters: with them, leaving out a cluster or drawing signs
        estimates the year effects again.
        """
        fit = self.regression
        dummies = np.eye(fit.year_codes.max() + 1)[fit.year_codes][:, 1:]
        total = cluster_sums(fit.weight, fit.unit_codes)
        mean = cluster_sums(dummies * fit.weight[:, None], fit.unit_codes) / total[:, None]
        return (dummies - mean[fit.unit_codes]) * np.sqrt(fit.weight)[:, None]


def read_fit(effects: Effects, *, need: str, instead: str) -> Fit:
    """Return the regression behind effects, or say what these effects support instead.

    Raises
    ------
    DesignError
        If the effects carry no regression.
    """
    need_effects(effects, need)
    fit = effects.regression
    if fit is None:
        raise DesignError(
            f"{need} needs the regression behind the effects; {effects.design.estimator} carries "
            f"none.\n  {instead}"
        )
    root = np.sqrt(fit.weight)
    regressors = fit.regressors
    column = {name: j for j, name in enumerate(fit.names)}
    select = np.zeros((len(effects.estimate), regressors.shape[1]))
    for row, term in enumerate(effects.terms["term"]):
        if term in column:
            select[row, column[term]] = 1.0
    return Fit(regressors * root[:, None], fit.residual * root, select, fit)


def headline_weights(effects: Effects) -> Array:
    """Return the weights of the terms in the headline: the mean of effects after treatment starts.

    Raises
    ------
    DesignError
        If no term is after treatment starts.
    """
    if len(effects.estimate) == 1:
        return np.ones(1)
    post = effects.terms["event_time"].to_numpy(float, na_value=np.nan) >= 0
    if not post.any():
        raise DesignError(
            f"{effects.design.estimator} shows no effect after treatment starts.\n"
            '  Pass terms="each".'
        )
    return post / post.sum()


def need_two_treated_clusters(effects: Effects, need: str) -> None:
    """Refuse what needs a variance between treated clusters where there is one such cluster."""
    need_effects(effects, need)
    if effects.design.n_treated_clusters < 2:
        raise DesignError(
            f"{need}: {effects.design.n_treated_clusters} treated cluster, so nothing is known "
            "about how its shocks vary.\n  No standard error is given; use randomisation_test, "
            "conley_taber or placebo ranks of synthetic_did."
        )
