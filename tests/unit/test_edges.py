"""Designs at the edge: what cannot be known is refused or blank, never a number from rounding."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.inference.smoothness import smoothness_interval

YEARS = np.arange(2010, 2018)


def make(cohorts: list[int], n_units: int = 30) -> ma.Panel:
    rng = np.random.default_rng(1)
    cohort = np.resize(cohorts, n_units)
    y = rng.normal(size=(n_units, 1)) + rng.normal(size=(n_units, len(YEARS)))
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), len(YEARS)),
            "year": np.tile(YEARS, n_units),
            "cohort": np.repeat(cohort, len(YEARS)),
            "y": y.ravel(),
            "x": rng.normal(size=y.size),
            "constant": 1.0,
            "one": "all",
        }
    )
    frame["share"] = 1 / (1 + np.exp(-frame["y"]))
    frame["rest"] = 1 - frame["share"]
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")


@pytest.fixture(scope="module")
def panel() -> ma.Panel:
    return make([0, 2013, 2015])


def test_an_event_study_with_two_references_bounds_no_violation():
    """A straight line shows in none of its effects: adding one to the treated moves nothing."""
    panel = make([2013, 2014, 2016])
    effects = ma.twfe(panel, "y", event_study=True)
    cohort, year = panel.frame["cohort"], panel.frame["year"]
    tilted = panel.with_columns(y=panel.frame["y"] + 5.0 * (year - cohort))
    np.testing.assert_allclose(
        ma.twfe(tilted, "y", event_study=True).estimate, effects.estimate, atol=1e-8
    )
    with pytest.raises(ma.DesignError, match="two reference years"):
        ma.honest_did(effects, relative_magnitude=[1])
    with pytest.raises(ma.DesignError, match="two reference years"):
        ma.pretrend_test(effects)


def test_one_cluster_gives_no_standard_error(panel):
    one = ma.Panel.from_frame(panel.frame, unit="unit", year="year", cohort="cohort", cluster="one")
    assert np.isnan(ma.att_gt(one, "y").std_error).all()
    assert np.isnan(ma.fractional_panel(one, "share", covariates=["x"]).std_error).all()
    with pytest.raises(ma.DesignError, match="1 cluster, 240 observations"):
        ma.twfe(one, "y")


def test_a_mediated_effect_carries_no_regression_of_the_total():
    short = make([0, 2011]).keep(make([0]).frame["year"] < 2012)
    for estimator in (ma.att_gt, ma.twfe):
        effects = ma.controlled_direct_effect(short, "y", mediator="x", estimator=estimator)
        assert effects.to_frame()["std_error"].notna().all()
        assert effects.regression is None
        with pytest.raises(ma.DesignError, match="carries none"):
            ma.robust_variance(effects, "crv2")


def test_few_rows_are_refused_by_fractional_panels(panel):
    for rows in (1, 8):
        few = panel.keep(np.arange(len(panel.frame)) < rows)
        with pytest.raises(ma.DesignError, match="rows without a missing value for"):
            ma.fractional_panel(few, "share", covariates=["x"])
    with pytest.raises(ma.DesignError, match="Name a list of columns"):
        ma.fractional_panel(panel, "share", covariates=[])


def test_messages_name_what_the_caller_named(panel):
    found = ma.did_imputation(panel, "y", covariates=["constant"])
    assert "not used: constant (" in found.design.foot()
    with pytest.raises(ma.DesignError, match="nobody stays untreated"):
        ma.twfe(make([2013]), "y")
    always = (panel.frame["year"] == 2017) & (panel.frame["cohort"] == 0)
    stuck = panel.with_columns(
        share=panel.frame["share"].where(~always, 1.0), rest=panel.frame["rest"].where(~always, 0.0)
    )
    with pytest.raises(ma.DesignError) as problem:
        ma.etwfe(stuck, ["share", "rest"], family="multinomial")
    assert str(problem.value).count("year 2017") == 1


def test_inference_needs_variation(panel):
    still = panel.with_columns(y=1.0 * panel.unit_codes)
    effects = ma.att_gt(still, "y")
    with pytest.raises(ma.DesignError, match="no effect on y varies between clusters"):
        ma.wild_bootstrap(effects, n_draws=99)
    with pytest.raises(ma.DesignError, match="no standard error of the effect on y"):
        ma.romano_wolf([ma.twfe(still, "y"), ma.twfe(still, "x")], n_draws=99)
    with pytest.raises(ma.DesignError, match='statistic="estimate"'):
        ma.randomisation_test(effects, still, n_draws=9)


def test_inference_needs_clusters(panel):
    one = ma.Panel.from_frame(panel.frame, unit="unit", year="year", cohort="cohort", cluster="one")
    with pytest.raises(ma.DesignError, match="one cluster"):
        ma.minimum_detectable_effect(ma.att_gt(one, "y"), one, n_draws=9)
    single = make([0, 2013])
    with pytest.raises(ma.DesignError, match="1 group to leave out by 'cohort'"):
        ma.leave_one_out(ma.att_gt(single, "y"), single, by="cohort")


def test_a_singular_variance_bounds_nothing():
    """With two clusters effects move along one line, so that some combination has no error."""
    line = np.array([1.0, 2.0, -1.0, 0.5])
    with pytest.raises(ma.DesignError, match="too few clusters"):
        smoothness_interval(np.zeros(4), np.outer(line, line), 3, np.array([1.0]), 0.0)
