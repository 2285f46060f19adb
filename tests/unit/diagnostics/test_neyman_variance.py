"""Errors that count how clusters vary within their cohort."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DesignError
from medalliance.results import NEYMAN
from medalliance.results.neyman import cohort_groups, neyman_factor, welch_dof


def balanced(seed=0, n_clusters=18, per_cluster=5, cohorts=(2015, 2017, 0), lone=None):
    """Draw counties of prefectures that share a shock; prefectures of a cohort reform together."""
    rng = np.random.default_rng(seed)
    years = np.arange(2012, 2020)
    cohort = np.resize(cohorts, n_clusters)
    if lone is not None:
        cohort[0] = lone
    shock = rng.normal(0, 0.3, (n_clusters, len(years))).cumsum(axis=1)
    frame = pd.DataFrame(
        {
            "county": np.repeat(np.arange(n_clusters * per_cluster), len(years)),
            "year": np.tile(years, n_clusters * per_cluster),
        }
    )
    frame["prefecture"] = frame["county"] // per_cluster
    frame["cohort"] = cohort[frame["prefecture"]]
    on = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
    frame["y"] = (
        shock[frame["prefecture"], frame["year"] - 2012] + 0.5 * on + rng.normal(0, 0.2, len(frame))
    )
    return frame


def panel_of(frame):
    return ma.Panel.from_frame(
        frame, unit="county", year="year", cohort="cohort", cluster="prefecture"
    )


def test_saturated_and_imputation_are_one_estimate_with_one_error():
    panel = panel_of(balanced())
    one, other = (ma.neyman_variance(f(panel, "y")) for f in (ma.did_imputation, ma.etwfe))
    first, second = (e.to_frame(bands=False).sort_values(["cohort", "year"]) for e in (one, other))
    first = first[first["event_time"] >= 0]
    second = second[second["event_time"] >= 0]
    np.testing.assert_allclose(first["std_error"], second["std_error"], rtol=1e-8)
    np.testing.assert_allclose(first["p_value"], second["p_value"], rtol=1e-6)


def test_averaging_first_or_later_is_the_same_where_sizes_are_given():
    """Imputation counts the sizes of cohorts as given; clusters are of unequal sizes."""
    effects = ma.did_imputation(panel_of(balanced().query("county % 7 != 3")), "y")
    for kind in ("simple", "event_time", "cohort", "year"):
        later = ma.neyman_variance(effects).aggregate(kind)
        first = ma.neyman_variance(effects.aggregate(kind))
        np.testing.assert_allclose(first.std_error, later.std_error, rtol=1e-10)
        np.testing.assert_allclose(first.dof, later.dof, rtol=1e-10)
        assert first.overall.std_error[0] == pytest.approx(later.overall.std_error[0], rel=1e-10)


@pytest.mark.parametrize("estimator", [ma.att_gt, ma.did_imputation, ma.etwfe, ma.stacked_did])
def test_the_error_is_the_spread_of_clusters_within_their_cohort(estimator):
    """Against a plain loop over cohorts, from the estimator's own influence functions."""
    options = {"window": (2, 1)} if estimator is ma.stacked_did else {}
    effects = estimator(panel_of(balanced()), "y", **options)
    stated = ma.neyman_variance(effects)
    sums, cohort = effects.cluster_influence, effects.units.cluster_cohort
    for k in range(len(effects.estimate)):
        parts = [sums[cohort == g, k] for g in np.unique(cohort)]
        variance = [len(s) * s.var(ddof=1) for s in parts]
        if sum(variance) > 0:
            assert stated.std_error[k] == pytest.approx(np.sqrt(sum(variance)), rel=1e-9)
            free = [v**2 / (len(s) - 1) for v, s in zip(variance, parts, strict=True)]
            assert stated.dof[k] == pytest.approx(sum(variance) ** 2 / sum(free), rel=1e-9)


def test_compact_and_dense_influence_agree():
    """With covariates and without; units of unequal clusters."""
    frame = balanced().query("county % 7 != 3")
    frame["z"] = np.random.default_rng(1).normal(size=len(frame))
    for covariates in ([], ["z"]):
        effects = ma.did_imputation(panel_of(frame), "y", covariates=covariates)
        dense = replace(effects, influence_function=effects.influence)
        one, other = ma.neyman_variance(effects), ma.neyman_variance(dense)
        np.testing.assert_allclose(one.vcov, other.vcov, rtol=1e-10)
        assert not isinstance(one.influence_function, np.ndarray)
        np.testing.assert_allclose(one.influence, other.influence, rtol=1e-8, atol=1e-12)


@pytest.mark.slow
def test_the_variance_is_unbiased_and_the_plain_one_is_not():
    """Over 1,000 draws of nine prefectures; chance is three standard errors of a variance."""
    found = []
    for seed in range(1_000):
        effects = ma.did_imputation(panel_of(balanced(seed, n_clusters=9, per_cluster=1)), "y")
        plain = effects.aggregate("simple")
        stated = ma.neyman_variance(effects).aggregate("simple")
        found.append((plain.estimate[0], plain.std_error[0] ** 2, stated.std_error[0] ** 2))
    estimate, plain, stated = np.array(found).T
    truth = estimate.var(ddof=1)
    chance = 3 * truth * np.sqrt(2 / len(found))
    assert abs(stated.mean() - truth) < chance
    assert plain.mean() < truth - chance


def test_a_lone_cohort_is_refused_unless_one_coefficient_is_fitted_to_all():
    panel = panel_of(balanced(lone=2018))
    for estimator in (ma.att_gt, ma.did_imputation, ma.etwfe, ma.twfe):
        with pytest.raises(DesignError, match="one cluster only in cohort 2018"):
            ma.neyman_variance(estimator(panel, "y"))
    with pytest.raises(DesignError, match="one cluster only in cohort 2018"):
        ma.neyman_variance(ma.did_imputation(panel, "y"), pool_lone_cohorts=True)
    found = ma.neyman_variance(ma.twfe(panel, "y"), pool_lone_cohorts=True)
    assert np.isfinite(found.std_error).all()
    assert "One cluster only starts in 2018" in found.design.foot()
    assert NEYMAN in found.design.foot()


@pytest.mark.slow
def test_pooling_a_lone_cohort_of_the_static_regression_keeps_the_size():
    """Tests of the truth at 5 %, 400 draws: two cohorts of one prefecture each."""
    rejected = 0
    for seed in range(400):
        frame = balanced(seed, n_clusters=14, per_cluster=1, cohorts=[2015, 2017] + [0] * 12)
        found = ma.neyman_variance(ma.twfe(panel_of(frame), "y"), pool_lone_cohorts=True)
        low, high = found.conf_int()[0]
        rejected += not low <= 0.5 <= high
    assert rejected / 400 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize(
    ("cohort", "groups"),
    [
        ([0, 0, 2015, 2015], [0, 0, 1, 1]),
        ([0, 0, 2015, 2016, 2019, 2019], [0, 0, 1, 1, 2, 2]),
        ([0, 0, 2015, 2015, 2018, 2019, 2019], [0, 0, 1, 1, 2, 2, 2]),
        ([2015, 2017], [0, 0]),
        ([0, 0, 2014, 2016, 2018], [0, 0, 1, 1, 1]),
        ([0, 2015, 2015], [0, 1, 1]),
        ([0, 0, 2015], [0, 0, 1]),
    ],
)
def test_lone_cohorts_are_pooled_in_time(cohort, groups):
    assert cohort_groups(np.array(cohort)).tolist() == groups


def test_a_group_of_one_has_no_variance():
    factor = neyman_factor(np.array([0, 0, 1]))
    assert factor[0] == pytest.approx(np.sqrt(2))
    assert np.isnan(factor[1])
    assert np.isnan(welch_dof(np.zeros((4, 1)), np.array([0, 0, 1, 1]))).all()


def test_diagnostics_see_the_same_units_and_estimates():
    """Diagnostics that estimate again give the estimates that they give without it."""
    panel = panel_of(balanced())
    effects = ma.att_gt(panel, "y", base_period="universal")
    stated = ma.neyman_variance(effects)
    for find in (
        lambda e: ma.placebo_dates(e, panel, shifts=(1,)),
        lambda e: ma.leave_one_out(e, panel, by="cohort"),
        lambda e: ma.leave_one_out(e, panel, by="cluster"),
    ):
        one, other = find(effects), find(stated)
        np.testing.assert_allclose(one["estimate"], other["estimate"], rtol=1e-10)
        assert list(one["n_units"]) == list(other["n_units"])
        assert other["std_error"].notna().any()
        assert not np.allclose(one["std_error"], other["std_error"], equal_nan=True)


def test_bands_and_bootstraps_keep_the_variance():
    plain = ma.att_gt(panel_of(balanced()), "y", base_period="universal")
    found = ma.neyman_variance(plain)
    by_event = found.aggregate("event_time")
    frame = by_event.to_frame()
    shown = frame["std_error"].notna()
    assert (frame["conf_high"] <= frame["band_high"] + 1e-12)[shown].all()
    assert frame.loc[~shown, "conf_low"].isna().all()
    band = ma.simultaneous_band(by_event)
    # with few clusters the band is as wide as their freedom asks for
    assert (band["band_high"] >= frame["band_high"] - 1e-12)[shown.to_numpy()].all()
    tested = ma.wild_bootstrap(found, n_draws=199).iloc[0]
    assert tested["t_statistic"] == pytest.approx(
        found.overall.estimate[0] / found.overall.std_error[0], rel=1e-9
    )
    wide, narrow = (
        ma.honest_did(e.aggregate("event_time"), relative_magnitude=[0.5]).iloc[0]
        for e in (found, plain)
    )
    assert wide["conf_high"] - wide["conf_low"] > narrow["conf_high"] - narrow["conf_low"]


def test_another_variance_of_stated_effects_is_not_taken_for_it():
    stated = ma.neyman_variance(ma.twfe(panel_of(balanced()), "y"))
    with pytest.raises(DesignError, match="carries no influence functions"):
        ma.neyman_variance(ma.robust_variance(stated, "crv3"))


def test_effects_that_count_errors_differently_do_not_stack():
    plain = ma.twfe(panel_of(balanced()), "y")
    for pair in ([plain, ma.neyman_variance(plain)], [ma.neyman_variance(plain), plain]):
        with pytest.raises(DesignError, match="count their errors in different ways"):
            ma.stack_effects(pair)
    both = ma.stack_effects([ma.neyman_variance(plain)] * 2)
    assert both.std_error == pytest.approx(ma.neyman_variance(plain).std_error[0])


def test_a_combination_is_estimated_again_as_the_same_combination():
    panel = panel_of(balanced())
    by_event = ma.att_gt(panel, "y").aggregate("event_time")
    first = (by_event.terms["event_time"] == 0).to_numpy(float)
    one = by_event.combine(first)
    assert one.estimate[0] == pytest.approx(by_event.estimate[first.argmax()])
    assert one.std_error[0] == pytest.approx(by_event.std_error[first.argmax()])
    assert one.refit(panel).estimate[0] == pytest.approx(one.estimate[0], rel=1e-12)
    short = panel.keep(panel.frame["year"] < 2015)
    with pytest.raises(DesignError):
        one.refit(short)


def test_doing_it_twice_changes_nothing():
    once = ma.neyman_variance(ma.twfe(panel_of(balanced()), "y"))
    assert ma.neyman_variance(once) is once


def test_refusals():
    frame = balanced()
    with pytest.raises(DesignError, match="carries no influence functions"):
        ma.neyman_variance(ma.robust_variance(ma.twfe(panel_of(frame), "y"), "crv3"))
    mixed = frame.assign(cohort=frame["cohort"].where(frame["county"] != 0, 2018))
    with pytest.raises(DesignError, match="unit 0 starts in another year"):
        ma.neyman_variance(ma.att_gt(panel_of(mixed), "y"))
    treated = [2015] * 17 + [0]
    few = balanced(cohorts=treated)
    with pytest.raises(DesignError, match="one cluster only is never treated"):
        ma.neyman_variance(ma.att_gt(panel_of(few), "y"))
    one = balanced(cohorts=[2015] + [0] * 17)
    with pytest.raises(DesignError, match="1 treated cluster"):
        ma.neyman_variance(ma.att_gt(panel_of(one), "y"))
