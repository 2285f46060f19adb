"""Joint test of pre-period effects with its power."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, check_level, listed_numbers
from ..inference.neyman_variance import held_by_cohort
from ..results import Design, Effects, findings_of, need_effects
from ..results.few_clusters import has_many_clusters
from ..results.neyman import cohort_groups
from ..show.findings import Findings
from ._pretrend_power import detectable_slope

Array = NDArray[np.float64]
CLUSTERS_PER_EFFECT = 5


def pretrend_test(
    effects: Effects,
    *,
    power: Iterable[float] = (0.5, 0.8),
    level: float = 0.95,
    seed: int = 0,
) -> Findings:
    """Test that all pre-period effects are zero, with the trend that the test would detect.

    A test that does not reject says little if its power is low: each row gives the linear
    trend, in the outcome's unit per year, of which the usual check (any pre-period effect
    individually significant) detects the share ``power``, and the bias that such a trend causes in
    the average effect after treatment.

    With many clusters the Wald statistic is held against its chi-squared law, as in R ``did``. With
    few (``choose_inference``) clusters are held against their cohort (``neyman_variance``, where
    that can be done) and the statistic against Hotelling's law with matched degrees of freedom.

    Parameters
    ----------
    effects : Effects
        By event time, or by cohort and year. Effects with a varying base compare neighbouring
        years, so that a trend moves each of them by one slope.
    power : iterable of float
    level : float
        One less the size of the tests.
    seed : int
        Seed of the multivariate normal probabilities (more than three pre-periods).

    Returns
    -------
    Findings, columns ``statistic dof p_value power slope implied_bias``
        ``.reading`` says it in words, with a warning where clusters are few for the test;
        ``.p_value`` is not a number where effects are too many for the clusters.

    Raises
    ------
    DesignError
        If there is no pre-period effect with a standard error, or their variance is singular.

    References
    ----------
    Callaway, Sant'Anna (2021), section 4.1 (as R ``did``); Roth (2022), section 3. Krishnamoorthy,
    Yu (2004) and Pustejovsky, Tipton (2018), section 3.2, for few clusters.
    """
    need_effects(effects, "pretrend_test")
    check_level(level)
    few = not has_many_clusters(effects.design.n_clusters, effects.design.n_treated_clusters)
    tested = held_by_cohort(effects) if few else effects
    pre = _pre_period(tested)
    statistic = float(pre.estimate @ np.linalg.solve(pre.vcov, pre.estimate))
    dof = len(pre.estimate)
    p_value = _p_value_of(statistic, tested, pre) if few else float(stats.chi2.sf(statistic, dof))
    rows = []
    for share in listed_numbers("power", power):
        slope = detectable_slope(pre.trend, pre.vcov, share, level=level, seed=seed)
        rows.append((statistic, dof, p_value, share, slope, slope * pre.bias_per_slope))
    table = pd.DataFrame(
        rows, columns=["statistic", "dof", "p_value", "power", "slope", "implied_bias"]
    )
    return findings_of(
        tested.design,
        table,
        f"Pre-period effects on {effects.design.outcome}, tested together",
        p_value=p_value,
        reading=_reading(table, (dof, p_value), level, tested.design),
    )


def _p_value_of(statistic: float, effects: Effects, pre: _PrePeriod) -> float:
    """Compute the p-value of Hotelling's statistic with the degrees of freedom of its variance.

    Clusters held against their cohort give a sum of Wishart matrices, matched by one with the same
    variance; others have clusters less one. NaN if effects are more than these degrees of freedom.
    """
    q = len(pre.estimate)
    free = effects.design.n_clusters - 1.0
    if effects.by_cohort and effects.units is not None:
        group = cohort_groups(effects.units.cluster_cohort)
        sums = effects.cluster_influence[:, pre.chosen]
        inverse = np.linalg.inv(pre.vcov)
        spread = 0.0
        for code, size in enumerate(np.bincount(group)):
            part = sums[group == code].T @ sums[group == code] @ inverse
            spread += (np.trace(part @ part) + np.trace(part) ** 2) / (size - 1)
        free = q * (q + 1) / spread
    elif effects.variance_factor == 1:
        statistic *= free / (free + 1)
    left = free - q + 1
    if left <= 0:
        return float("nan")
    return float(stats.f.sf(statistic * left / (free * q), q, left))


@dataclass(frozen=True, eq=False)
class _PrePeriod:
    estimate: Array
    vcov: Array
    chosen: NDArray[np.bool_]
    trend: Array
    bias_per_slope: float


def _pre_period(effects: Effects) -> _PrePeriod:
    """Take the pre-period effects with what a unit slope would make of each."""
    terms = effects.terms
    reference = -1 - effects.design.anticipation
    if terms["event_time"].isna().any() or not (terms["event_time"] <= reference).any():
        raise DesignError(
            f"{effects.design.estimator} shows no effects before treatment.\n"
            "  Take a panel with earlier years, and an event study: att_gt, twfe with "
            "event_study=True, or did_imputation with pretrends=."
        )
    if effects.design.base_period == "two-point":
        raise DesignError(
            "pretrend_test: with two reference years a straight trend shows in no effect, so the "
            "test cannot see it.\n  Use att_gt, which compares with units treated later."
        )
    event = terms["event_time"].to_numpy(np.int64)
    variance = np.diag(effects.vcov)
    chosen = (event <= reference) & (variance > 0) & np.isfinite(effects.std_error)
    if not chosen.any():
        raise DesignError(
            "no pre-period effect has a standard error.\n"
            "  Take a panel with earlier years; with one treated cluster see choose_inference."
        )
    vcov = effects.vcov[np.ix_(chosen, chosen)]
    if np.linalg.matrix_rank(vcov / np.sqrt(np.outer(np.diag(vcov), np.diag(vcov)))) < chosen.sum():
        raise DesignError(
            f"the variance of {int(chosen.sum())} pre-period effects is singular: there are "
            f"{effects.design.n_clusters} clusters.\n  Average them first, or use fewer years."
        )
    varying = effects.design.base_period == "varying"
    trend = np.ones(chosen.sum()) if varying else (event[chosen] - reference).astype(float)
    post = np.unique(event[event >= 0])
    bias = float((post - reference).mean()) if len(post) else np.nan
    if effects.unit_trend is not None:
        trend = effects.unit_trend[chosen]
        bias = float(np.mean([effects.unit_trend[event == e].mean() for e in post]))
    return _PrePeriod(effects.estimate[chosen], vcov, chosen, trend, bias)


def _reading(table: pd.DataFrame, test: tuple[int, float], level: float, design: Design) -> str:
    """Say what the test found and could have found, and no more."""
    dof, p_value = test
    clusters = f"With {design.n_clusters} clusters a joint test of {dof} effects"
    if np.isnan(p_value):
        found = f"{clusters} cannot be made: average them first, or use fewer years."
    else:
        verdict = "rejected" if p_value <= 1 - level else "not rejected"
        found = (
            f"That all {dof} pre-period effects are zero is {verdict} at {100 * (1 - level):.3g} % "
            f"(p {_say_p_value(p_value)})."
        )
        many = has_many_clusters(design.n_clusters, design.n_treated_clusters)
        if many and design.n_clusters < CLUSTERS_PER_EFFECT * dof:
            found += f" {clusters} rejects too often."
    measure = f" {design.unit_of_measure}" if design.unit_of_measure else ""
    could = " ".join(
        f"A linear trend of {row.slope:.3g}{measure} a year would be detected with probability "
        f"{row.power:g}, and would bias the average effect by {row.implied_bias:.3g}{measure}."
        for row in table.itertuples()
    )
    return f"{found} {could}".strip()


def _say_p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
