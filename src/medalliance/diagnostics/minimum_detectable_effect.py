"""Smallest effect that a design detects, by simulation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, first_three, listed_numbers
from ..estimators._sample import draw_sample
from ..estimators._within import TwoWay
from ..inference._refit import exchangeable, need_refit, strata_of, used_panel
from ..inference.randomisation import permuted_values
from ..panel import NEVER_TREATED, Panel
from ..results import Design, Effects, findings_of
from ..show.findings import Findings

Array = NDArray[np.float64]
COLUMN = "untreated outcome"


def minimum_detectable_effect(
    effects: Effects,
    panel: Panel,
    *,
    power: Iterable[float] = (0.8,),
    level: float = 0.95,
    strata: str | None = None,
    n_draws: int = 200,
    seed: int = 0,
    n_jobs: int = 1,
) -> Findings:
    """Compute the effect that this design and estimator would detect.

    Cohorts are drawn again across clusters on untreated outcomes: those observed before treatment,
    and after it less the mean effect of the cohort in the year (imputed by unit and year effects).
    The spread of the estimates holds the serial correlation and the clusters of the data.

    Parameters
    ----------
    effects : Effects
    panel : Panel
        The panel that the effects were estimated on.
    power : iterable of float
    level : float
    strata : str, optional
        Column constant in a cluster; cohorts are drawn within it.
    n_draws, seed, n_jobs : int

    Returns
    -------
    Findings, columns ``outcome power level std_deviation minimum_detectable_effect n_draws``
        ``MDE = (t_{1 - alpha / 2} + t_{power}) std_deviation``, in the outcome's unit, for the
        headline of the effects, with its degrees of freedom: clusters less one at the most.
        ``.draws`` holds the estimates.

    Raises
    ------
    DesignError
        If the effects cannot be estimated again, a year has no untreated unit, or a tenth of the
        draws has no estimate.

    References
    ----------
    Burlig, Preonas, Woerman (2020), section 4.3; Bloom (1995).
    """
    refit = need_refit(effects, "minimum_detectable_effect")
    shares = listed_numbers("power", power)
    _check_request(shares, n_draws, effects.design.n_clusters)
    panel = used_panel(effects, panel)
    values = _untreated(panel, effects.design.outcome, effects.design.weights)
    panel = panel.with_columns(**{COLUMN: values})
    group, _ = exchangeable(panel)
    first = np.unique(group, return_index=True)[1]

    def estimate(cohorts: NDArray) -> float:
        drawn = panel.with_columns(**{panel.cohort: cohorts[group][panel.unit_codes]})
        return float(refit(drawn, outcome=COLUMN).overall.estimate[0])

    draws = permuted_values(
        estimate,
        panel.cohort_by_unit[first],
        strata=strata_of(panel, strata, group, first),
        n_draws=n_draws,
        seed=seed,
        n_jobs=n_jobs,
    )
    dof = float(np.fmin(effects.overall.dof[0], effects.design.n_clusters - 1))
    return _table(draws, effects.design, dof, shares, level)


def _check_request(shares: Sequence[float], n_draws: int, n_clusters: int) -> None:
    if not shares or not all(0.5 <= share < 1 for share in shares):
        raise DesignError(f"power {shares}.\n  Give shares from 0.5 to below 1, as (0.8,).")
    if n_draws < 2:
        raise DesignError(f"n_draws={n_draws}.\n  Give two draws or more.")
    if n_clusters < 2:
        raise DesignError(
            "one cluster: nothing is known about how estimates vary.\n"
            "  Use a finer level of clusters."
        )


def _table(
    draws: Array, design: Design, dof: float, shares: Sequence[float], level: float
) -> Findings:
    """Turn the spread of the draws into one row a power."""
    spread = float(np.nanstd(draws, ddof=1))
    rows = [
        {
            "outcome": design.outcome,
            "power": share,
            "level": level,
            "std_deviation": spread,
            "minimum_detectable_effect": spread
            * float(stats.t.ppf((1 + level) / 2, dof) + stats.t.ppf(share, dof)),
            "n_draws": len(draws),
        }
        for share in shares
    ]
    title = f"The smallest effect on {design.outcome} that this design detects"
    return findings_of(design, pd.DataFrame(rows), title, draws=draws)


def _untreated(panel: Panel, outcome: str, weights: str | None) -> Array:
    """Return outcomes with the mean effect of each treated cell taken out, shape (n_obs,)."""
    sample = draw_sample(panel, outcome, weights=weights)
    start = np.where(sample.cohort == NEVER_TREATED, sample.years[-1] + 1, sample.cohort)
    treated = sample.mask & (sample.years >= start[:, None])
    weight = sample.weight[:, None] * (sample.mask & ~treated)
    bare = weight.sum(axis=0) == 0
    if bare.any():
        raise DesignError(
            f"no untreated unit in {first_three(sample.years[bare])}.\n"
            "  End the panel before, and estimate again on it."
        )
    unit, year = TwoWay(weight).effects(np.where(weight > 0, sample.outcome, 0.0))
    gap = sample.outcome - unit[:, None] - year
    plain = sample.outcome.copy()
    for cohort in np.unique(sample.cohort[sample.cohort != NEVER_TREATED]):
        rows = (sample.cohort == cohort)[:, None] & treated
        count = np.maximum(rows.sum(axis=0), 1)
        plain -= rows * ((rows * gap).sum(axis=0) / count)
    values = np.full(len(panel.frame), np.nan)
    at_unit = sample.ids.get_indexer(panel.units)[panel.unit_codes]
    at_year = np.clip(
        np.searchsorted(sample.years, panel.years[panel.year_codes]), 0, len(sample.years) - 1
    )
    known = (at_unit >= 0) & (sample.years[at_year] == panel.years[panel.year_codes])
    known &= sample.mask[at_unit, at_year]
    values[known] = plain[at_unit[known], at_year[known]]
    return values
