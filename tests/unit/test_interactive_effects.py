"""Interactive effects: known truth, what it nests, its three kinds of errors, tests, refusals."""

import sys
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from factor_panels import factor_panel


def panel_of(frame, **roles):
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", **roles)


def holed(frame, seed=0, share=0.05):
    return frame[np.random.default_rng(seed).random(len(frame)) >= share]


@pytest.mark.parametrize("names", [[], ["x1", "x2"]])
def test_without_factors_it_is_imputation(names):
    """Estimates, errors and every average, on a panel with holes and weights."""
    frame = holed(factor_panel(60, 10, seed=2, starts=(5, 7), covariates=bool(names)))
    frame = frame.assign(w=1.0 + frame["unit"] % 3)
    panel = panel_of(frame, weight="w")
    ours = ma.interactive_effects(panel, "y", n_factors=0, covariates=names)
    plain = ma.did_imputation(panel, "y", covariates=names)
    for average in ("cells", "simple", "event_time", "cohort", "year"):
        one, two = ours, plain
        if average != "cells":
            one, two = ours.aggregate(average), plain.aggregate(average)
        np.testing.assert_allclose(one.estimate, two.estimate, atol=1e-8)
        np.testing.assert_allclose(one.std_error, two.std_error, rtol=1e-5)


def test_with_the_largest_penalty_no_factor_is_left():
    frame = factor_panel(60, 10, seed=2, starts=(5, 7))
    ours = ma.interactive_effects(panel_of(frame), "y", method="mc", penalty=1.0)
    small = ma.interactive_effects(panel_of(frame), "y", method="mc", penalty=0.3)
    plain = ma.did_imputation(panel_of(frame), "y")
    assert abs(float(ours) - float(plain)) < 0.2 * abs(float(small) - float(plain))


@pytest.mark.parametrize(
    "options",
    [
        {"n_factors": 2},
        {"n_factors": 2, "covariates": ["x1", "x2"]},
        {"n_factors": 1, "control_group": "never_treated"},
        {"method": "mc", "penalty": 0.1},
    ],
    ids=str,
)
def test_influence_functions_agree_with_leaving_units_out(options):
    frame = factor_panel(300, 10, seed=4, starts=(6, 7))
    panel = panel_of(frame)
    fast = ma.interactive_effects(panel, "y", **options).overall
    slow = ma.interactive_effects(panel, "y", variance="jackknife", **options).overall
    assert slow.std_error[0] == pytest.approx(fast.std_error[0], rel=0.05)
    # unit by unit, not only in total
    one, two = (np.asarray(e.influence)[:, 0] for e in (fast, slow))
    assert np.corrcoef(one, two)[0, 1] > 0.99


def test_bootstrap_draws_clusters_and_gives_averages():
    frame = factor_panel(300, 10, seed=4, starts=(6, 7))
    panel = panel_of(frame.assign(area=frame["unit"] // 3), cluster="area")
    one = ma.interactive_effects(panel, "y", n_factors=2)
    two = ma.interactive_effects(panel, "y", n_factors=2, variance="bootstrap", n_draws=150)
    again = ma.interactive_effects(panel, "y", n_factors=2, variance="bootstrap", n_draws=150)
    np.testing.assert_array_equal(two.vcov, again.vcov)
    for kind in ("simple", "event_time", "cohort", "year"):
        mine, theirs = one.aggregate(kind), two.aggregate(kind)
        np.testing.assert_allclose(theirs.estimate, mine.estimate)
        np.testing.assert_allclose(theirs.std_error, mine.std_error, rtol=0.35)
        assert theirs.overall.estimate[0] == pytest.approx(mine.overall.estimate[0])
        assert np.isfinite(theirs.overall.std_error).all()


def test_covers_the_truth_where_differences_do_not():
    """Twelve draws with two factors; their number is cross-validated."""
    mine, plain, chosen = [], [], []
    for seed in range(12):
        frame = factor_panel(80, 12, seed=seed)
        panel = panel_of(frame)
        truth = frame.loc[frame["effect"] > 0, "effect"].mean()
        found = ma.interactive_effects(panel, "y", held_out=0)
        one, two = found.overall, ma.att_gt(panel, "y").overall
        chosen.append(found.tests["cross_validation"]["n_factors"][
            found.tests["cross_validation"]["chosen"]].iloc[0])  # fmt: skip
        low, high = one.conf_int()[0]
        mine.append((one.estimate[0] - truth, low <= truth <= high))
        low, high = two.conf_int()[0]
        plain.append(low <= truth <= high)
    error = np.array([row[0] for row in mine])
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(12)
    assert np.mean([row[1] for row in mine]) >= 0.75
    assert np.mean(plain) < 0.4
    assert np.mean(np.array(chosen) == 2) > 0.8


def test_equivalence_and_placebo_tell_the_model_that_fits():
    panel = panel_of(factor_panel(200, 15, seed=8))
    good = ma.interactive_effects(panel, "y", n_factors=2).tests
    bad = ma.interactive_effects(panel, "y", n_factors=0).tests
    assert good["placebo"]["p_value"][0] > 0.05
    assert bad["placebo"]["p_value"][0] < 0.01
    assert good["equivalence"].p_outside_bounds < 0.05
    assert bad["equivalence"].p_outside_bounds > 0.5
    assert len(good["factors"]["year"]) == 15
    assert list(good["factors"].frame.columns) == ["year", "factor_1", "factor_2"]


def ending(lasting, seed=1):
    """Treatment that ends after three years, with an effect that may last one year more."""
    frame = factor_panel(150, 14, seed=seed, shift=0.3, starts=(6, 7))
    since = (frame["year"] - frame["cohort"]).where(frame["cohort"] > 0, -99)
    on = since.between(0, 2)
    y = frame["y"] - frame["effect"] + 2.0 * on + lasting * (since == 3)
    return frame.assign(y=y, on=on.astype(float), since=since)


@pytest.mark.parametrize("lasting", [0.0, 2.0])
def test_carry_over_is_found_where_effects_outlast_treatment(lasting):
    frame = ending(lasting)
    panel = ma.Panel.from_frame(frame.drop(columns="cohort"), unit="unit", year="year", path="on")
    found = ma.interactive_effects(panel, "y", n_factors=2, held_out=1)
    other = ma.interactive_effects(panel_of(frame), "y", n_factors=2, treatment="on")
    np.testing.assert_allclose(found.estimate, other.estimate)
    test = found.tests["carry_over"]
    assert test["n_rows"][0] == 45
    assert (test["p_value"][0] < 0.01) == bool(lasting)
    assert set(found.terms["year"] - found.terms["cohort"]) == {0, 1, 2}
    if not lasting:
        low, high = found.overall.conf_int()[0]
        assert low < 2 < high


def test_anticipation_moves_what_is_fitted():
    frame = factor_panel(200, 12, seed=3)
    frame["y"] += 5 * (frame["year"] == frame["cohort"] - 1)
    wrong = ma.interactive_effects(panel_of(frame), "y", n_factors=2).overall
    right = ma.interactive_effects(panel_of(frame), "y", n_factors=2, anticipation=1)
    assert abs(wrong.estimate[0] - 2.5) > 3 * wrong.std_error[0]
    event = right.aggregate("event_time")
    assert event.estimate[0] == pytest.approx(5, abs=4 * event.std_error[0])
    low, high = right.overall.conf_int()[0]
    assert low < 2.5 < high


def test_units_and_years_that_cannot_bear_the_factors_are_named():
    frame = factor_panel(60, 10, seed=2, starts=(2, 7))
    effects = ma.interactive_effects(panel_of(frame), "y", n_factors=2)
    assert set(effects.terms["cohort"]) == {2008}
    assert "9 units are left out that have fewer than 4 untreated years" in effects.design.foot()
    assert effects.design.n_units == 51


REFUSALS = {
    "too few years for the factors": (
        {"starts": (3,)}, {"n_factors": 3}, "too few years .* for 3 factors: 5 are",
    ),
    "too few years to choose": ({"starts": (3,)}, {}, "cannot be cross-validated: 18 treated"),
    "nobody is left": ({"share": 1.0}, {"n_factors": 1}, "3 not-yet-treated units, the least"),
    "nobody is never treated": (
        {"share": 1.0, "starts": (5, 9)},
        {"n_factors": 1, "control_group": "never_treated"},
        "3 never-treated units, the least",
    ),
    "no number": ({}, {"n_factors": -1}, "n_factors=-1"),
    "a penalty of factors": ({}, {"penalty": 0.1}, 'belongs to method="mc"'),
    "a number of a penalty": ({}, {"method": "mc", "n_factors": 1}, 'belongs to method="ife"'),
    "no share": ({}, {"method": "mc", "penalty": 3}, "above 0, up to 1"),
    "one draw": ({}, {"n_factors": 1, "variance": "bootstrap", "n_draws": 1}, "two draws"),
    "levels": ({}, {"n_factors": 1, "treatment": "effect"}, "on or off"),
    "no method": ({}, {"method": "pca"}, "method"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refuses(name):
    made, options, words = REFUSALS[name]
    panel = panel_of(factor_panel(60, 12, seed=1, **made))
    with pytest.raises(ma.DesignError, match=f"(?s){words}"):
        ma.interactive_effects(panel, "y", **options)


def test_nobody_treated_is_said():
    frame = factor_panel(60, 12, seed=1).assign(cohort=0)
    with pytest.raises(ma.DesignError, match="no unit is treated"):
        ma.interactive_effects(panel_of(frame), "y", n_factors=1)
