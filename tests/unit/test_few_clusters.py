"""What rests on one cluster has no standard error; feet name the interval that keeps its size."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.results.few_clusters import NEYMAN, can_hold_by_cohort, lone_cohorts, name_interval


def panel_of(n_units=60, alone=True, cluster=None, seed=0):
    rng = np.random.default_rng(seed)
    unit, year = np.repeat(np.arange(n_units), 8), np.tile(np.arange(2010, 2018), n_units)
    cohort = np.array([0, 2013, 0, 2015])[unit % 4]
    if alone:
        cohort = np.where((cohort == 2015) & (unit != 3), 0, cohort)
    frame = pd.DataFrame({"unit": unit, "year": year, "cohort": cohort})
    frame["y"] = rng.normal(size=n_units)[unit] + rng.normal(size=len(unit))
    frame["group"] = unit // 12 * 4 + unit % 4
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", cluster=cluster)


CELLS = {
    "att_gt": ma.att_gt,
    "did_imputation": ma.did_imputation,
    "sun_abraham": ma.sun_abraham,
    "etwfe": ma.etwfe,
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cohort_of_one_unit_has_no_standard_error(name):
    effects = CELLS[name](panel_of(), "y")
    mine = effects.terms["cohort"] == 2015
    assert np.isnan(effects.std_error[mine]).all()
    # a reference year has none either
    other = ~mine & (effects.terms["event_time"] != -1)
    assert np.isfinite(effects.std_error[other]).all()
    frame = effects.aggregate("cohort").to_frame()
    assert frame["std_error"].isna().tolist() == [False, True]
    assert frame.loc[1, ["conf_low", "band_low", "p_value"]].isna().all()
    assert effects.aggregate("event_time").held_by.max() == 15
    assert np.isfinite(effects.overall.std_error).all()
    for shown in (effects, effects.overall, effects.aggregate("event_time")):
        assert "One cluster only starts in 2015" in shown.design.foot()


@pytest.mark.parametrize("name", CELLS)
def test_event_times_of_one_unit_have_no_standard_error(name):
    effects = CELLS[name](panel_of(), "y").aggregate("event_time")
    event = effects.terms["event_time"].to_numpy(int)
    assert np.isfinite(effects.std_error[(event >= 0)]).all()
    lone = event < -3  # only the later cohort has these
    assert np.isnan(effects.std_error[lone]).all()


@pytest.mark.parametrize("name", ["twfe", "lp_did"])
def test_regressions_by_event_time_say_which_rest_on_one_unit(name):
    options = {"event_study": True} if name == "twfe" else {}
    effects = getattr(ma, name)(panel_of(), "y", **options)
    event = effects.terms["event_time"].to_numpy(int)
    assert np.isnan(effects.std_error[event < -3]).all()
    assert np.isfinite(effects.std_error[(event >= -3) & (event != -1)]).all()
    assert "One cluster only" in effects.design.foot()
    each = ma.wild_bootstrap(effects, terms="each", n_draws=99)
    assert not set(each["term"]) & {f"event time {e}" for e in event[event < -3]}
    if name == "twfe":
        crv3 = ma.robust_variance(effects, "crv3")
        assert np.isnan(crv3.std_error[event < -3]).all()


def test_a_cohort_of_one_cluster_counts_like_one_unit():
    panel = panel_of(alone=False, cluster="group")
    one = panel.keep((panel.frame["cohort"] != 2015) | (panel.frame["group"] == 3))
    effects = ma.att_gt(one, "y")
    mine = effects.terms["cohort"] == 2015
    assert effects.terms.loc[mine, "n_units"].min() > 1
    assert np.isnan(effects.std_error[mine]).all()


def test_choices_agree_where_a_cohort_is_alone():
    effects = ma.att_gt(panel_of(), "y")
    with pytest.raises(ma.DesignError, match="one cluster only in cohort 2015"):
        ma.neyman_variance(effects)
    choice = ma.choose_inference(effects)
    assert choice.primary == "randomisation_test"
    assert "One cluster only starts in 2015" in choice.words
    assert effects.design.foot().endswith("too narrow: see randomisation_test.")


@pytest.mark.parametrize(
    ("n_units", "sentence"),
    [(20, "too narrow: see neyman_variance (Welch's t)."), (200, "")],
)
def test_feet_name_the_interval_that_keeps_its_size(n_units, sentence):
    effects = ma.att_gt(panel_of(n_units, alone=False), "y")
    foot = effects.overall.design.foot()
    assert ("With so few clusters" in foot) == bool(sentence)
    assert sentence in foot
    if sentence:
        assert ma.choose_inference(effects).primary == NEYMAN
        assert "these are the intervals" in ma.neyman_variance(effects).design.foot()
        assert (
            "see wild_bootstrap (WCR" in ma.twfe(panel_of(n_units, alone=False), "y").design.foot()
        )


def test_clusters_by_cohort():
    cohort, cluster = np.array([0, 0, 3, 3, 5, 5]), np.array([0, 1, 2, 3, 4, 4])
    assert lone_cohorts(cohort, cluster) == (5,)
    assert not can_hold_by_cohort(cohort, cluster)
    assert can_hold_by_cohort(cohort, np.arange(6))
    assert not can_hold_by_cohort(cohort, np.array([0, 1, 2, 0, 4, 5]))  # mixed
    assert name_interval(100, 50) == ""
    assert name_interval(100, 50, regression=False, lone=(5,)) == "randomisation_test"
    assert name_interval(39, 20, regression=False) == NEYMAN
    assert name_interval(40, 9, regression=True).startswith("wild_bootstrap")


def test_one_adopter_and_one_donor_give_an_estimate_without_an_error():
    panel = panel_of(4).keep(np.isin(panel_of(4).frame["unit"], (0, 1)))
    grid = panel.grid(panel.frame["y"])
    change = grid[:, 3:].mean(axis=1) - grid[:, :3].mean(axis=1)
    for variance in ("placebo", "bootstrap", "jackknife", "cohort_bootstrap"):
        effects = ma.synthetic_did(panel, "y", method="did", variance=variance)
        assert effects.overall.estimate[0] == pytest.approx(change[1] - change[0])
        assert np.isnan(effects.overall.std_error).all()
        assert "No variance can be had" in effects.design.foot()


@pytest.mark.parametrize(
    ("units", "variance", "advice"),
    [
        ((0, 1, 5), "placebo", '"bootstrap"'),
        ((0, 1, 5), "jackknife", '"bootstrap"'),
        ((0, 2, 1), "bootstrap", '"placebo"'),
        ((0, 2, 4, 1, 5, 3), "cohort_bootstrap", '"bootstrap"'),
    ],
)
def test_advice_on_variances_names_one_that_can_be_had(units, variance, advice):
    panel = panel_of(8, alone=False)
    few = panel.keep(np.isin(panel.frame["unit"], units))
    with pytest.raises(ma.DesignError, match=f"variance={advice}"):
        ma.synthetic_did(few, "y", method="did", variance=variance, n_draws=5)
    other = advice.strip('"')
    assert np.isfinite(
        ma.synthetic_did(few, "y", method="did", variance=other, n_draws=5).estimate
    ).all()


@pytest.mark.parametrize("variance", ["bootstrap", "placebo"])
def test_an_event_time_of_one_adopter_has_no_error_in_synthetic_did(variance):
    """Cohort 2015 is one unit: event times before -3 are its own."""
    effects = ma.synthetic_did(panel_of(), "y", variance=variance, n_draws=5)
    event = effects.terms["event_time"].to_numpy(int)
    lone = event < -3
    assert lone.any()
    assert np.isnan(effects.std_error[lone]).all()
    assert np.isfinite(effects.std_error[(event >= -3) & (event != -1)]).all()
    assert np.isfinite(effects.overall.std_error).all()
