"""The rebasing regression on budgets made by a known rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DesignError


def make(psi_plus=0.5, psi_minus=0.2, noise=0.0, seed=0, n=400, years=10):
    """Budgets follow the kinked rule exactly; noise is error in the recorded budget."""
    rng = np.random.default_rng(seed)
    log_budget = rng.normal(16, 0.5, n)
    taste = rng.normal(0, 0.05, n)
    shock = np.zeros(n)
    rows = []
    for year in range(2010, 2010 + years):
        shock = 0.7 * shock + rng.normal(0, 0.05, n)
        recorded = log_budget + noise * rng.normal(size=n)
        s = 1 - np.exp(log_budget + taste + shock - recorded)
        true_s = -(taste + shock)
        rows.append(pd.DataFrame({"unit": np.arange(n), "year": year, "s": s}))
        rows[-1]["budget"] = np.exp(recorded).round(2)
        log_budget = (
            log_budget
            + 0.04
            - psi_plus * np.maximum(true_s, 0)
            + psi_minus * np.maximum(-true_s, 0)
        )
    frame = pd.concat(rows).assign(cohort=0)
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")


def test_recovers_both_sides_of_the_kink():
    effects = ma.rebasing_regression(make(), budget="budget", surplus_rate="s")
    np.testing.assert_allclose(effects.estimate, [0.5, 0.2], atol=0.05)
    assert (effects.tests["first_stage"]["f_statistic"] > 10).all()


def test_division_bias_moves_least_squares_but_not_the_instrumented_estimate():
    """Error in this year's budget raises its surplus and lowers its growth to next year."""
    panel = make(noise=0.05, n=2000)
    own = panel.with_columns(
        plus=np.maximum(panel.frame["s"], 0), minus=np.maximum(-panel.frame["s"], 0)
    )
    least_squares = ma.rebasing_regression(
        own, budget="budget", surplus_rate="s", instruments=["plus", "minus"]
    )
    instrumented = ma.rebasing_regression(panel, budget="budget", surplus_rate="s")
    assert np.abs(least_squares.estimate - [0.5, 0.2]).max() > 0.1
    assert np.abs(instrumented.estimate - [0.5, 0.2]).max() < 0.1


def test_refusals():
    panel = make(n=20)
    bad = panel.with_columns(budget=0.0)
    with pytest.raises(DesignError, match="not positive"):
        ma.rebasing_regression(bad, budget="budget", surplus_rate="s")
    with pytest.raises(DesignError, match="at least two columns"):
        ma.rebasing_regression(panel, budget="budget", surplus_rate="s", instruments=["s"])
