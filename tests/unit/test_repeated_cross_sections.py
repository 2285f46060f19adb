"""Repeated cross-sections: the panel's door, the composition, refusals."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from people_panels import people_frame

FRAME = people_frame(40, 4, 30, 0)
ROLES = {"unit": "area", "year": "year", "cohort": "cohort", "repeated_cross_section": True}


def panel_of(frame=FRAME, **roles):
    return ma.Panel.from_frame(frame, **{**ROLES, **roles})


def test_rows_are_people_and_areas_the_clusters():
    panel = panel_of()
    assert (panel.n_units, panel.area, panel.cluster) == (len(FRAME), "area", "area")
    assert "repeated cross-section" in repr(panel)
    effects = ma.att_gt(panel, "y")
    assert effects.design.n_clusters == 40
    assert f"{len(FRAME):,} people of 40 areas (area)" in effects.design.foot()
    assert panel.keep(panel.frame["area"] < 20).area == "area"


def test_the_order_of_rows_and_blanks_do_not_matter():
    one = ma.att_gt(panel_of(), "y", covariates=["x"]).overall
    shuffled = FRAME.sample(frac=1, random_state=1)
    two = ma.att_gt(panel_of(shuffled), "y", covariates=["x"]).overall
    assert two.estimate[0] == pytest.approx(one.estimate[0], rel=1e-10)
    blank = FRAME.copy()
    blank.loc[::7, "y"] = np.nan
    for estimator in (ma.att_gt, ma.etwfe, ma.twfe):
        lacking = estimator(panel_of(blank), "y")
        kept = estimator(panel_of(blank[blank["y"].notna()]), "y")
        np.testing.assert_allclose(lacking.estimate, kept.estimate, rtol=1e-10)
        np.testing.assert_allclose(lacking.std_error, kept.std_error, rtol=1e-10)
        assert "rows without y" in lacking.design.foot()


def test_a_cohort_treated_when_first_asked_is_left_out():
    early = FRAME.assign(cohort=FRAME["cohort"].where(FRAME["area"] % 5 != 2, 2001))
    effects = ma.att_gt(panel_of(early), "y")
    rest = ma.att_gt(panel_of(early[early["cohort"] != 2001]), "y")
    np.testing.assert_allclose(effects.estimate, rest.estimate, rtol=1e-12)
    assert effects.design.n_left_out == (early["cohort"] == 2001).sum()


def test_area_means_give_the_same_without_covariates():
    """With the number of people as weight; a panel that has no gaps and equal sizes."""
    frame = FRAME.groupby(["area", "year"]).head(15)
    size = frame.groupby(["area", "year"])["y"].transform("size")
    frame = frame[frame["area"].isin(frame["area"][size.eq(15)]) & size.eq(15)]
    means = frame.groupby(["area", "year", "cohort"], as_index=False)["y"].mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        people = panel_of(frame)
        areas = ma.Panel.from_frame(means, unit="area", year="year", cohort="cohort")
    for estimator in (ma.att_gt, ma.twfe, ma.etwfe):
        one, two = estimator(people, "y"), estimator(areas, "y")
        np.testing.assert_allclose(one.estimate, two.estimate, rtol=1e-9)
        if estimator is ma.att_gt:
            np.testing.assert_allclose(one.std_error, two.std_error, rtol=1e-9)


def test_other_families_and_estimating_again():
    frame = FRAME.assign(count=np.exp(0.3 * FRAME["y"]).round(), hours=1.0 + FRAME["d"])
    panel = panel_of(frame)
    effects = ma.etwfe(panel, "count", family="poisson", exposure="hours")
    np.testing.assert_allclose(effects.refit(panel).estimate, effects.estimate, rtol=1e-12)
    boot = ma.cluster_bootstrap(ma.att_gt(panel, "y").overall, panel, n_draws=20)
    assert boot is not None
    wild = ma.wild_bootstrap(ma.twfe(panel, "y"), n_draws=99)
    assert wild is not None


def test_covers_the_truth():
    """80 draws of 95 % intervals, inside four standard errors."""
    cover = []
    for seed in range(80):
        frame = people_frame(40, 4, 24, seed)
        overall = ma.att_gt(panel_of(frame), "y").aggregate("event_time").overall
        low, high = overall.conf_int()[0]
        cover.append(low <= 1.15 <= high)
    assert abs(np.mean(cover) - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 80)


def test_a_changing_composition_biases_one_estimate_and_is_found():
    """30 draws in which treatment brings in people who gain more."""
    errors, found = {"stable": [], "changing": []}, []
    for seed in range(30):
        frame = people_frame(40, 3, 60, seed, shift=0.5, slope=1.0)
        truth = frame["effect"][frame["effect"] != 0].mean()
        for kind in errors:
            effects = ma.att_gt(panel_of(frame), "y", covariates=["x", "d"], composition=kind)
            errors[kind].append(effects.overall.estimate[0] - truth)
        table = ma.composition_test(panel_of(frame), ["x", "d"], outcome="y")
        found.append((table.p_balance, table.p_hausman))
    bias = {kind: np.mean(error) for kind, error in errors.items()}
    spread = {kind: np.std(error) / np.sqrt(30) for kind, error in errors.items()}
    assert abs(bias["changing"]) < 4 * spread["changing"]
    assert bias["stable"] < -4 * spread["stable"]
    assert (np.mean(np.array(found) < 0.05, axis=0) > 0.9).all()


def test_the_composition_test_keeps_its_size():
    """60 draws of a stable composition; rejections below 5 % and 3.3 standard errors."""
    p_values = []
    for seed in range(60):
        panel = panel_of(people_frame(60, 3, 12, 1000 + seed))
        found = ma.composition_test(panel, ["x", "d"], outcome="y")
        p_values.append((found.p_balance, found.p_hausman))
    rejected = (np.array(p_values) < 0.05).mean(axis=0)
    assert (rejected < 0.05 + 3.3 * np.sqrt(0.05 * 0.95 / 60)).all()


def test_the_composition_table():
    found = ma.composition_test(panel_of(), ["x", "d"], outcome="y")
    assert list(found["kind"]) == ["covariate"] * 2 + ["effect"] * 3
    effect = found.frame[found["kind"] == "effect"]["estimate"].to_numpy()
    assert effect[2] == pytest.approx(effect[1] - effect[0], rel=1e-10)
    assert found.p_hausman == found["p_value"].iloc[-1]
    assert [text.get_text() for text in found.plot().get_yticklabels()] == ["x", "d"]
    alone = ma.composition_test(panel_of(), "x")
    assert alone.p_balance == pytest.approx(alone["p_value"].iloc[0], rel=1e-6)
    assert alone.p_hausman is None


@pytest.mark.parametrize(
    ("change", "roles", "message"),
    [
        ({"cohort": lambda f: f["cohort"].where(f["x"] > 0, 0)}, {}, "have several cohorts: 1, 2"),
        ({"area": lambda f: f["area"].where(f["x"] > 0)}, {}, "is blank in"),
        ({"person": 1}, {}, "has a column 'person'"),
        ({}, {"cohort": None}, "needs the cohort"),
        ({}, {"cohort": None, "treatment": "d"}, "takes cohort="),
        ({}, {"unit": "region"}, "no column 'region'"),
    ],
)
def test_the_door_refuses(change, roles, message):
    with pytest.raises(ma.DataError, match=message):
        panel_of(FRAME.assign(**change), **roles)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda p: ma.did_imputation(p, "y"),
            "repeated cross-section, and this estimator compares",
        ),
        (lambda p: ma.lp_did(p, "y"), "repeated cross-section"),
        (lambda p: ma.switching_did(p, "y", treatment="d"), "repeated cross-section"),
        (lambda p: ma.att_gt(p, "y", fix_weights="varying"), "weights do not move"),
        (lambda p: ma.etwfe(p, "y", fixed_effects="unit"), "no effects of their own"),
        (lambda p: ma.att_gt(p, "y", composition="changing"), "covariates, with method"),
        (lambda p: ma.composition_test(p, []), "name covariates"),
        (lambda p: ma.composition_test(p.with_columns(z=np.ones(p.n_units)), "z"), "not vary"),
        (lambda p: ma.att_gt(p, "y", composition="other"), "composition='other'"),
    ],
)
def test_estimators_refuse(call, message):
    with pytest.raises(ma.DesignError, match=message):
        call(panel_of())


def test_people_as_units_have_no_area_effects():
    panel = panel_of(unit="row")
    cells, areas = ma.att_gt(panel, "y"), ma.att_gt(panel_of(), "y")
    np.testing.assert_allclose(cells.estimate, areas.estimate, rtol=1e-12)
    with pytest.raises(ma.DesignError, match="no row is seen in two years"):
        ma.twfe(panel, "y")


def test_a_panel_of_units_is_no_cross_section():
    units = FRAME.groupby(["area", "year", "cohort"], as_index=False)[["y", "x"]].mean()
    panel = ma.Panel.from_frame(units, unit="area", year="year", cohort="cohort")
    with pytest.raises(ma.DesignError, match="repeated_cross_section=True"):
        ma.composition_test(panel, "x")
    with pytest.raises(ma.DesignError, match="Give a repeated cross-section"):
        ma.att_gt(panel, "y", covariates=["x"], composition="changing")
