"""Errors that count how clusters vary within their cohort."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DesignError
from medalliance.inference.neyman import cohort_groups, neyman_factor, welch_dof
from medalliance.results import NEYMAN


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


def test_averaging_first_or_later_is_the_same():
    effects = ma.att_gt(panel_of(balanced()), "y")
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


def test_the_variance_is_unbiased_and_the_plain_one_is_not():
    """The variance of 250 estimates is the mean of what is stated, within chance."""
    found = []
    for seed in range(250):
        panel = panel_of(balanced(seed, n_clusters=9, per_cluster=1))
        effects = ma.did_imputation(panel, "y")
        plain = effects.aggregate("simple")
        stated = ma.neyman_variance(effects).aggregate("simple")
        found.append((plain.estimate[0], plain.std_error[0] ** 2, stated.std_error[0] ** 2))
    estimate, plain, stated = np.array(found).T
    truth = estimate.var(ddof=1)
    chance = 4 * truth * np.sqrt(2 / len(found))
    assert abs(stated.mean() - truth) < chance
    assert plain.mean() < 0.8 * stated.mean()


def test_a_lone_cohort_is_pooled_with_the_nearest_and_said():
    panel = panel_of(balanced(lone=2018))
    found = ma.neyman_variance(ma.att_gt(panel, "y"))
    assert np.isfinite(found.std_error).all()
    assert "One cluster only starts in 2018" in found.design.foot()
    assert NEYMAN in found.design.foot()


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
    found = ma.neyman_variance(ma.att_gt(panel_of(balanced()), "y", base_period="universal"))
    frame = found.aggregate("event_time").to_frame()
    shown = frame["std_error"].notna()
    inside = frame["conf_high"] <= frame["band_high"] + 1e-12
    assert inside[shown].all()
    assert frame.loc[~shown, "conf_low"].isna().all()
    assert 0 <= ma.wild_bootstrap(found, n_draws=199)["p_value"][0] <= 1
    ma.honest_did(found.aggregate("event_time"), relative_magnitude=[0.5])


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
