"""Joint test of pre-period effects with its power."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, check_level, listed_numbers
from ..results import Design, Effects, findings_of, need_effects
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
        ``.reading`` says it in words, with a warning where clusters are few for the test.

    Raises
    ------
    DesignError
        If there is no pre-period effect with a standard error, or their variance is singular.

    References
    ----------
    Callaway, Sant'Anna (2021), section 4.1 (as R ``did``); Roth (2022), section 3.
    """
    need_effects(effects, "pretrend_test")
    check_level(level)
    pre = _pre_period(effects)
    statistic = float(pre.estimate @ np.linalg.solve(pre.vcov, pre.estimate))
    dof = len(pre.estimate)
    p_value = float(stats.chi2.sf(statistic, dof))
    rows = []
    for share in listed_numbers("power", power):
        slope = detectable_slope(pre.trend, pre.vcov, share, level=level, seed=seed)
        rows.append((statistic, dof, p_value, share, slope, slope * pre.bias_per_slope))
    table = pd.DataFrame(
        rows, columns=["statistic", "dof", "p_value", "power", "slope", "implied_bias"]
    )
    return findings_of(
        effects.design,
        table,
        f"Pre-period effects on {effects.design.outcome}, tested together",
        reading=_reading(table, level, effects.design),
    )


@dataclass(frozen=True, eq=False)
class _PrePeriod:
    estimate: Array
    vcov: Array
    trend: Array
    bias_per_slope: float


def _pre_period(effects: Effects) -> _PrePeriod:
    """Take the pre-period effects with what a unit slope would make of each."""
    terms = effects.terms
    reference = -1 - effects.design.anticipation
    if terms["event_time"].isna().any() or not (terms["event_time"] <= reference).any():
        raise DesignError(
            f"{effects.design.estimator} shows no effects before treatment.\n"
            "  Take a panel with earlier years, and an event study: att_gt, or twfe with "
            "event_study=True."
        )
    if effects.design.base_period == "two-point":
        raise DesignError(
            "pretrend_test: with two reference years a straight trend shows in no effect, so the "
            "test cannot see it.\n  Use att_gt, which compares with units treated later."
        )
    event = terms["event_time"].to_numpy(np.int64)
    variance = np.diag(effects.vcov)
    chosen = (event <= reference) & (variance > 0)
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
    return _PrePeriod(effects.estimate[chosen], vcov, trend, bias)


def _reading(table: pd.DataFrame, level: float, design: Design) -> str:
    """Say what the test found and could have found, and no more."""
    first = table.iloc[0]
    size = 100 * (1 - level)
    verdict = "rejected" if first["p_value"] <= 1 - level else "not rejected"
    found = (
        f"That all {int(first['dof'])} pre-period effects are zero is {verdict} at {size:.3g} % "
        f"(p {_p_value(first['p_value'])})."
    )
    if design.n_clusters < CLUSTERS_PER_EFFECT * first["dof"]:
        found += (
            f" With {design.n_clusters} clusters a joint test of {int(first['dof'])} effects "
            "rejects too often."
        )
    measure = f" {design.unit_of_measure}" if design.unit_of_measure else ""
    could = " ".join(
        f"A linear trend of {row.slope:.3g}{measure} a year would be detected with probability "
        f"{row.power:g}, and would bias the average effect by {row.implied_bias:.3g}{measure}."
        for row in table.itertuples()
    )
    return f"{found} {could}"


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
