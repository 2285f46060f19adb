"""The pairs cluster bootstrap against analytic errors, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

import medalliance as ma
from medalliance.errors import DesignError

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
from bench_panels import staggered_panel


@pytest.fixture(scope="module")
def panel():
    frame = staggered_panel(240, 8, 5)
    frame["share"] = expit(frame["y"])
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", cluster="cluster")


@pytest.mark.parametrize("family", ["logit", "probit"])
def test_agrees_with_analytic_errors(panel, family):
    effects = ma.etwfe(panel, "share", family=family).aggregate("event_time")
    again = ma.cluster_bootstrap(effects, panel, n_draws=150)
    np.testing.assert_array_equal(again.estimate, effects.estimate)
    np.testing.assert_allclose(again.std_error, effects.std_error, rtol=0.2)
    assert "bootstrap, 150 draws" in again.design.foot()


def test_same_seed_same_draws(panel):
    effects = ma.etwfe(panel, "share", family="logit").aggregate("simple")
    one, two = (ma.cluster_bootstrap(effects, panel, n_draws=10, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.std_error, two.std_error)


def test_refuses_what_cannot_be_estimated_again(panel):
    effects = ma.log_ratio_did(panel.with_columns(rest=1 - panel.frame["share"]), ["share", "rest"])
    with pytest.raises(DesignError, match="does not support"):
        ma.cluster_bootstrap(effects, panel)
