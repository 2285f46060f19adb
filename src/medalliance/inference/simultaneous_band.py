"""Simultaneous band of effects."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import stats

from ..errors import DesignError
from ..results import Effects, findings_of
from ..results.bands import critical_value
from ..results.few_clusters import has_many_clusters
from ..results.multiplier import multiplier_draws
from ..show.findings import Findings
from ._fit import need_two_treated_clusters
from .neyman_variance import held_by_cohort


def simultaneous_band(
    effects: Effects,
    *,
    level: float = 0.95,
    n_draws: int = 999,
    weights: Literal["rademacher", "mammen"] = "rademacher",
    seed: int | None = None,
) -> Findings:
    """Compute the band that covers all effects together.

    With few clusters (``choose_inference``) they are held against their cohort, where that can be
    done, with t quantiles (``neyman_variance``); the foot says so. Their number bounds how effects
    move together too badly, so the critical value is at least Sidak's.

    Parameters
    ----------
    effects : Effects
    level : float
    n_draws : int
    weights : {"rademacher", "mammen"}
        Signs, or Mammen's two points.
    seed : int, optional
        That of the design if not given, which makes the band of ``effects.to_frame()``.

    Returns
    -------
    Findings
        The tidy frame of the effects with this band; ``.critical_value``.

    Raises
    ------
    DesignError
        If one cluster is treated, or the effects carry no influence functions.

    References
    ----------
    Callaway, Sant'Anna (2021), section 4.1; Montiel Olea, Plagborg-Moller (2019).
    Sidak (1967) for few clusters.
    """
    need_two_treated_clusters(effects, "simultaneous_band")
    few = not has_many_clusters(effects.design.n_clusters, effects.design.n_treated_clusters)
    if few:
        effects = held_by_cohort(effects)
    if effects.units is None:
        raise DesignError(
            f"{effects.design.estimator} carries no influence functions.\n  Use conf_int()."
        )
    draws = multiplier_draws(
        effects.project(np.eye(len(effects.estimate))),
        clusters=effects.units.cluster,
        n_draws=n_draws,
        weights=weights,
        seed=effects.design.seed if seed is None else seed,
    )
    draws *= np.sqrt(effects.variance_factor)
    value = critical_value(draws, effects.std_error, level=level)
    frame = effects.to_frame(level, bands=False)
    if few:
        n_effects = int(np.isfinite(effects.std_error).sum())
        value = max(value, float(stats.norm.ppf((1 + level ** (1 / n_effects)) / 2)))
    # the normal critical value taken to the t distribution of each effect
    half = stats.t.isf(stats.norm.sf(value), effects.dof) * effects.std_error
    frame["band_low"] = effects.estimate - half
    frame["band_high"] = effects.estimate + half
    title = f"Effects on {effects.design.outcome} with the band that covers all of them"
    return findings_of(effects.design, frame, title, critical_value=value)
