"""Wild cluster bootstrap of effects."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import DesignError, check_choice
from ..results import Effects, findings_of
from ..results.few_clusters import WEBB_BELOW
from ..show.findings import Findings
from ..show.plots import forest
from ._fit import headline_weights, need_two_treated_clusters, read_fit
from .score_bootstrap import score_bootstrap
from .wild import WildBootstrap, wild_cluster_bootstrap

Weights = Literal["rademacher", "webb"]


def wild_bootstrap(
    effects: Effects,
    *,
    terms: Literal["overall", "each"] = "overall",
    null: float = 0.0,
    impose_null: bool = True,
    weights: Weights | None = None,
    n_draws: int = 9_999,
    level: float = 0.95,
    seed: int = 0,
) -> Findings:
    """Test effects with few clusters.

    Effects of a regression get the wild cluster bootstrap-t, with the null imposed (WCR) or not
    (WCU), and the interval by inversion; year effects are estimated again in every draw. Other
    effects get the score bootstrap of their influence functions.

    Parameters
    ----------
    effects : Effects
    terms : {"overall", "each"}
        The average effect after treatment, or every term.
    null : float
        Tested value.
    impose_null : bool
        Only for regressions. Where WCR and WCU disagree, too few clusters are treated.
    weights : {"rademacher", "webb"}, optional
        Webb's six points below 12 clusters, signs from there on, if not given. With no more sign
        vectors than draws all of them are used.
    n_draws : int
    level : float
    seed : int
        One seed gives all terms, and all outcomes with the same clusters, the same draws.

    Returns
    -------
    Findings
        ``outcome term estimate null t_statistic p_value conf_low conf_high method weights n_draws
        n_clusters note``. The t statistic has no small-sample factor. An end of an interval is
        infinite where no value is far enough; ``note`` then says why.

    Raises
    ------
    DesignError
        If one cluster is treated, or the effects carry neither regression nor influence functions.

    References
    ----------
    See ``inference.wild`` and ``inference.score_bootstrap``.
    """
    check_choice("terms", terms, ("overall", "each"))
    need_two_treated_clusters(effects, "wild_bootstrap")
    chosen: Weights = weights or (
        "webb" if effects.design.n_clusters < WEBB_BELOW else "rademacher"
    )
    options = {
        "null": null,
        "weights": chosen,
        "n_draws": n_draws,
        "level": level,
        "seed": seed,
    }
    if effects.regression is not None:
        found = _regression(effects, terms, {**options, "impose_null": impose_null})
        method = "WCR" if impose_null else "WCU"
    else:
        found = _scores(effects, terms, options)
        method = "score bootstrap"
    rows = [
        {
            "outcome": effects.design.outcome,
            "term": name,
            "estimate": one.estimate,
            "null": null,
            "t_statistic": one.t_statistic,
            "p_value": one.p_value,
            "conf_low": one.conf_low,
            "conf_high": one.conf_high,
            "method": method,
            "weights": "every sign vector" if one.enumerated else chosen,
            "n_draws": len(one.t_draws),
            "n_clusters": one.n_clusters,
            "note": one.note,
        }
        for name, one in found.items()
    ]
    return findings_of(
        effects.design,
        pd.DataFrame(rows),
        f"Wild cluster bootstrap of the effect on {effects.design.outcome}",
        draw=partial(forest, label="term"),
    )


def _regression(effects: Effects, terms: str, options: dict) -> dict[str, WildBootstrap]:
    fit = read_fit(effects, need="wild_bootstrap", instead="")
    nuisance = fit.year_columns()
    if terms == "overall":
        targets = {"overall": headline_weights(effects)}
    else:
        kept = np.flatnonzero(fit.select.any(axis=1) & (effects.held_by > 1))
        targets = {effects.terms["term"].iloc[j]: np.eye(len(effects.estimate))[j] for j in kept}
    return {
        name: wild_cluster_bootstrap(
            fit.design,
            fit.residuals,
            fit.regression.cluster,
            weight @ fit.select,
            float(weight @ effects.estimate),
            nuisance=nuisance,
            **options,
        )
        for name, weight in targets.items()
    }


def _scores(effects: Effects, terms: str, options: dict) -> dict[str, WildBootstrap]:
    shown = effects.overall if terms == "overall" else effects
    influence = shown.project(np.eye(len(shown.estimate)))
    clusters = None if shown.units is None else shown.units.cluster
    # an average over cohorts of one cluster each still has the clusters of all of them
    several = effects.design.n_treated_clusters > 1 if terms == "overall" else shown.held_by > 1
    kept = np.flatnonzero(influence.any(axis=0) & several)
    if not len(kept):
        raise DesignError(
            f"no effect on {effects.design.outcome} varies between clusters.\n"
            "  Look whether the outcome varies, and whether two treated clusters are behind it."
        )
    return {
        shown.terms["term"].iloc[j]: score_bootstrap(
            influence[:, j], float(shown.estimate[j]), clusters, **options
        )
        for j in kept
    }
