"""Two-way effects: what is refused, what is shown, what others build on."""

import numpy as np
import pandas as pd
import pytest

from medalliance import DesignError, Panel, twfe


def make(cohorts=(0, 2003, 2004), seed=6, n=30):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"unit": np.repeat(np.arange(n), 7), "year": np.tile(range(2000, 2007), n)})
    data["cohort"] = np.repeat(np.resize(cohorts, n), 7)
    data["x"] = rng.normal(size=7 * n)
    data["fixed"] = np.repeat(rng.normal(size=n), 7)
    data["y"] = rng.normal(size=7 * n)
    return Panel.from_frame(data, unit="unit", year="year", cohort="cohort")


def test_event_study_shows_its_reference_as_zero():
    effects = twfe(make(), "y", event_study=True)
    base = (effects.terms["event_time"] == -1).to_numpy()
    assert effects.estimate[base] == 0
    assert np.isnan(effects.std_error[base]).all()
    assert effects.design.base_period == "universal"
    assert effects.aggregate("event_time") is effects


def test_event_study_averages_the_years_after():
    effects = twfe(make(), "y", event_study=True)
    post = (effects.terms["event_time"] >= 0).to_numpy()
    weights = post / post.sum()
    assert effects.overall.estimate[0] == pytest.approx(effects.estimate[post].mean())
    variance = weights @ effects.vcov @ weights
    assert effects.overall.std_error[0] == pytest.approx(np.sqrt(variance))


def test_averages_by_cohort_are_refused_with_what_is_offered():
    with pytest.raises(DesignError, match="att_gt and did_imputation offer every average"):
        twfe(make(), "y", event_study=True).aggregate("cohort")


def test_without_never_treated_units_there_are_two_references():
    effects = twfe(make(cohorts=(2003, 2004)), "y", event_study=True)
    assert "second reference" in effects.design.foot()
    assert effects.terms["event_time"].min() == -3


def test_collinear_columns_are_named():
    plain = twfe(make(), "y")
    fixed = twfe(make(), "y", covariates=["fixed"])
    np.testing.assert_allclose(fixed.std_error, plain.std_error, rtol=1e-9)
    assert "fixed (nothing is left of it beside unit and year effects" in fixed.design.foot()
    panel = make()
    twice = panel.with_columns(copy=2 * panel.frame["x"])
    found = twfe(twice, "y", covariates=["x", "copy"])
    one = twfe(twice, "y", covariates=["x"])
    np.testing.assert_allclose(found.std_error, one.std_error, rtol=1e-9)
    assert "not used: copy (collinear with x)" in found.design.foot()
    assert found.design.covariates == ("x",)
    with pytest.raises(DesignError, match="no unit starts treatment"):
        twfe(make(cohorts=(0,)), "y")


def test_units_of_a_covariate_do_not_matter():
    panel = make()
    small = panel.with_columns(x=1e-12 * panel.frame["x"])
    ours = [twfe(p, "y", covariates=["x"]) for p in (panel, small)]
    np.testing.assert_allclose(ours[0].estimate, ours[1].estimate, rtol=1e-9)


@pytest.mark.parametrize("covariates", [(), ("x",)])
def test_payload_reproduces_estimate_and_variance(covariates):
    effects = twfe(make(), "y", covariates=covariates, event_study=True)
    fit = effects.regression
    slopes = fit.bread @ fit.regressors.T @ (fit.weight * fit.outcome)
    shown = [name for name in effects.terms["term"] if name != "event time -1"]
    assert list(fit.names) == [*shown, *covariates]
    estimate = dict(zip(effects.terms["term"], effects.estimate, strict=True))
    np.testing.assert_allclose(slopes[: len(shown)], [estimate[name] for name in shown])
    scores = np.zeros((30, len(fit.bread)))
    np.add.at(scores, fit.cluster, fit.scores)
    vcov = effects.variance_factor * fit.bread @ scores.T @ scores @ fit.bread
    kept = (effects.terms["event_time"] != -1).to_numpy()
    ours = effects.vcov[np.ix_(kept, kept)]
    np.testing.assert_allclose(vcov[: len(shown), : len(shown)], ours, atol=1e-12)
