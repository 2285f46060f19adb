"""Bootstraps, bands and variances of finished effects."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DataError, DesignError


def dummies(values):
    return (np.asarray(values)[:, None] == np.unique(values)).astype(float)


def full_design(frame, treated):
    return np.column_stack([treated, dummies(frame["county"]), dummies(frame["year"])[:, 1:]])


def restricted_bootstrap(frame, signs):
    """Re-estimate with all dummies for each sign vector under a zero effect."""
    treated = ((frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])).to_numpy(float)
    X = full_design(frame, treated)
    y, cluster = frame["y"].to_numpy(), pd.factorize(frame["prefecture"], sort=True)[0]
    bread, rest = np.linalg.pinv(X), X[:, 1:]
    mean = rest @ np.linalg.lstsq(rest, y, rcond=None)[0]

    def t(outcome):
        coef = bread @ outcome
        sums = dummies(cluster).T @ (bread[0] * (outcome - X @ coef))
        return coef[0] / np.sqrt(sums @ sums)

    draws = np.array([t(mean + v[cluster] * (y - mean)) for v in signs])
    return t(y), draws


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_wild_bootstrap_of_twfe_estimates_all_effects_again(simulated, gaps):
    panel = simulated(n_clusters=7, treated=4, gaps=gaps)
    table = ma.wild_bootstrap(ma.twfe(panel, "y"), weights="rademacher")
    signs = np.array(np.meshgrid(*[[-1, 1]] * 7)).reshape(7, -1).T
    t, draws = restricted_bootstrap(panel.frame, signs)
    assert table["weights"][0] == "every sign vector"
    assert table["n_draws"][0] == 128
    assert table["t_statistic"][0] == pytest.approx(t, rel=1e-8)
    assert table["p_value"][0] == np.mean(np.abs(draws) > abs(t) * (1 + 1e-9))


def test_wild_bootstrap_of_an_event_study_takes_the_average_and_each_term(simulated):
    effects = ma.twfe(simulated(), "y", event_study=True)
    overall = ma.wild_bootstrap(effects, n_draws=199)
    assert overall["estimate"][0] == pytest.approx(effects.overall.estimate[0])
    each = ma.wild_bootstrap(effects, terms="each", n_draws=199)
    assert len(each) == len(effects.estimate) - 1
    row = list(effects.terms["term"]).index("event time 1")
    again = each.set_index("term").loc["event time 1"]
    assert again["estimate"] == effects.estimate[row]
    assert again["conf_low"] < again["estimate"] < again["conf_high"]


def test_wild_bootstrap_without_a_regression_is_the_score_bootstrap(simulated):
    effects = ma.att_gt(simulated(), "y").aggregate("event_time")
    table = ma.wild_bootstrap(effects, n_draws=499)
    assert table["method"][0] == "score bootstrap"
    assert table["estimate"][0] == pytest.approx(effects.overall.estimate[0])
    assert 0 <= table["p_value"][0] <= 1


@pytest.mark.parametrize("weights", ["rademacher", "webb"])
def test_two_clusters_alike_have_an_interval_without_end_and_the_reason(simulated, weights):
    panel = simulated(n_clusters=2)
    first = panel.frame.groupby("prefecture")["county"].transform("min")
    alike = np.where(panel.frame["county"] < first + 2, 2014, 0)
    effects = ma.twfe(panel.with_columns(cohort=alike), "y")
    row = ma.wild_bootstrap(effects, impose_null=False, weights=weights).iloc[0]
    assert (row["conf_low"], row["conf_high"]) == (-np.inf, np.inf)
    assert "draws have no variance between the 2 clusters" in row["note"]
    assert 0 < row["p_value"] < 1
    wider = ma.twfe(simulated(n_clusters=8, treated=4), "y")
    row = ma.wild_bootstrap(wider, impose_null=False, weights=weights).iloc[0]
    assert np.isfinite([row["conf_low"], row["conf_high"]]).all() and row["note"] == ""


def test_romano_wolf_counts_draws_without_a_spread(simulated):
    panel = simulated(n_clusters=2, by_cluster=False)
    effects = [ma.twfe(panel, name) for name in ("y", "z")]
    table = ma.romano_wolf(effects, n_draws=99, weights="rademacher")
    assert (table["p_value"] > 0.2).all() and (table["p_adjusted"] >= table["p_value"]).all()


def test_few_clusters_get_webb_weights(simulated):
    effects = ma.twfe(simulated(n_clusters=8, treated=4), "y")
    assert ma.wild_bootstrap(effects, n_draws=99)["weights"][0] == "webb"


def test_one_treated_cluster_is_refused(simulated):
    effects = ma.twfe(simulated(treated=1), "y")
    for call in (
        lambda: ma.wild_bootstrap(effects),
        lambda: ma.simultaneous_band(effects),
        lambda: ma.robust_variance(effects, "crv3"),
    ):
        with pytest.raises(DesignError, match="1 treated cluster"):
            call()
    choice = ma.choose_inference(effects)
    assert not choice.has_std_error
    assert "no standard error is given" in str(choice)


@pytest.mark.parametrize(
    ("clusters", "treated", "primary"),
    [(60, 20, "CRV3"), (60, 7, "wild_bootstrap"), (30, 15, "signs"), (9, 5, "Webb")],
)
def test_choice_says_why(simulated, clusters, treated, primary):
    panel = simulated(n_clusters=clusters, per_cluster=2, treated=treated)
    choice = ma.choose_inference(ma.twfe(panel, "y"))
    assert primary in choice.primary
    assert choice.words.startswith(f"{treated} of {clusters} clusters are treated.")


@pytest.mark.parametrize(("clusters", "treated"), [(60, 20), (30, 15)])
def test_estimates_that_are_no_regression_take_neymans_variance(simulated, clusters, treated):
    panel = simulated(n_clusters=clusters, per_cluster=2, treated=treated)
    for effects in (ma.att_gt(panel, "y"), ma.did_imputation(panel, "y")):
        assert ma.choose_inference(effects).primary.startswith("neyman_variance")


def test_neymans_variance_is_not_advised_where_it_refuses(simulated):
    panel = simulated(n_clusters=30, per_cluster=2, treated=15)
    lone = panel.frame["prefecture"] == panel.frame["prefecture"].max()
    late = panel.with_columns(cohort=panel.frame["cohort"].where(~lone, 2016))
    choice = ma.choose_inference(ma.att_gt(late, "y"))
    assert "neyman" not in " ".join((choice.primary, *choice.also, choice.words)).lower()
    assert choice.primary == "randomisation_test"


def test_three_treated_clusters_take_randomisation(simulated):
    choice = ma.choose_inference(ma.att_gt(simulated(treated=3), "y"))
    assert choice.primary == "randomisation_test"
    assert "conley_taber" in choice.also


def test_band_of_the_design_seed_is_the_band_of_the_frame(simulated):
    panel = simulated(n_clusters=60, per_cluster=2, treated=30)
    effects = ma.att_gt(panel, "y").aggregate("event_time")
    band, frame = ma.simultaneous_band(effects), effects.to_frame()
    np.testing.assert_allclose(band["band_high"], frame["band_high"], rtol=1e-10)
    assert band.critical_value >= 1.959
    mammen = ma.simultaneous_band(effects, weights="mammen", seed=1)
    assert (mammen["band_high"] != frame["band_high"]).any()


def test_crv1_is_the_variance_that_twfe_has(simulated):
    effects = ma.twfe(simulated(gaps=0.05), "y", event_study=True)
    again = ma.robust_variance(effects, "crv1")
    np.testing.assert_allclose(again.std_error, effects.std_error, rtol=1e-8)
    assert again.design.dof == effects.design.dof


def test_crv3_leaves_every_cluster_out(simulated):
    panel = simulated(n_clusters=9, treated=5)
    effects = ma.twfe(panel, "y")
    moves = np.array(
        [
            ma.twfe(panel.keep(panel.frame["prefecture"] != name), "y").estimate[0]
            for name in panel.frame["prefecture"].unique()
        ]
    )
    jackknife = np.sqrt(8 / 9 * ((moves - effects.estimate[0]) ** 2).sum())
    found = ma.robust_variance(effects, "crv3", small_sample=False)
    assert found.std_error[0] == pytest.approx(jackknife, rel=1e-8)
    assert "jackknife" in found.design.foot()


def test_other_variances_keep_the_estimate_and_say_what_they_are(simulated):
    panel = simulated()
    effects = ma.twfe(panel, "y", event_study=True)
    place = pd.DataFrame(
        {"lat": 30 + np.arange(64) % 8, "lon": 100 + np.arange(64) // 8}, index=np.arange(64)
    )
    for kind, options, words in (
        ("crv2", {}, "Bell-McCaffrey"),
        ("two_way", {}, "2-way"),
        ("driscoll_kraay", {"lags": 1}, "Driscoll-Kraay, 1 lags"),
        ("conley", {"coordinates": place, "cutoff_km": 300.0, "lags": 2}, "Conley, 300 km"),
    ):
        found = ma.robust_variance(effects, kind, **options)
        np.testing.assert_array_equal(found.estimate, effects.estimate)
        assert words in found.design.std_errors
        shown = effects.terms["event_time"] != -1
        assert (found.std_error[shown] > 0).all()
        assert np.isnan(found.std_error[~shown]).all()


def test_robust_variance_refusals(simulated):
    effects = ma.twfe(simulated(), "y")
    with pytest.raises(DesignError, match="kind='hc1'"):
        ma.robust_variance(effects, "hc1")
    with pytest.raises(DesignError, match="needs coordinates"):
        ma.robust_variance(effects, "conley", cutoff_km=100)
    place = pd.DataFrame({"lat": [30.0], "lon": [100.0]}, index=[0])
    with pytest.raises(DataError, match="missing for 1, 2, 3"):
        ma.robust_variance(effects, "conley", coordinates=place, cutoff_km=100)
    with pytest.raises(DesignError, match="needs the regression"):
        ma.robust_variance(ma.att_gt(simulated(), "y"), "crv3")
