"""Treatments that start, stop and return: known truth, invariances, refusals."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import medalliance as ma

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from switching_panels import switching_panel


def panel_of(frame, **roles):
    return ma.Panel.from_frame(frame, unit="unit", year="year", path="d", **roles)


def test_without_noise_the_effects_are_the_truth():
    """Each year of treatment adds 1 and the year before 0.3: sums over paths, by hand."""
    frame = switching_panel(200, 7, seed=3, levels=(0.0, 1.0, 2.0), noise=0.0)
    effects = ma.switching_did(panel_of(frame), "y", n_effects=3, n_placebos=2)
    level = frame.pivot_table(index="unit", columns="year", values="d").to_numpy()
    moves = level != level[:, :1]
    first = np.where(moves.any(axis=1), moves.argmax(axis=1), 99)
    for length in (1, 2, 3):
        gaps = []
        for unit in np.flatnonzero(first + length - 1 < 7):
            at = first[unit] - 1 + length
            path = level[unit] - level[unit, 0]
            crossed = (path[: at + 1] > 0).any() and (path[: at + 1] < 0).any()
            if not crossed:
                gaps.append(np.sign(path[first[unit]]) * (path[at] + 0.3 * path[at - 1]))
        row = list(effects.terms["event_time"]).index(length - 1)
        assert effects.estimate[row] == pytest.approx(np.mean(gaps), abs=1e-10)
        assert effects.terms["n_units"][row] == len(gaps)
    before = effects.terms["event_time"].to_numpy(int) < 0
    np.testing.assert_allclose(effects.estimate[before], 0.0, atol=1e-10)


def test_covers_the_truth():
    """95 % intervals of the first year's effect, 60 draws."""
    hits, errors = 0, []
    for seed in range(60):
        frame = switching_panel(120, 6, seed=seed)
        effects = ma.switching_did(panel_of(frame), "y", n_effects=1, n_placebos=0)
        row = list(effects.terms["event_time"]).index(0)
        low, high = effects.conf_int()[row]
        hits += low <= 1 <= high
        errors.append(effects.estimate[row] - 1)
    assert 0.85 <= hits / 60 <= 1
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(60)


@pytest.mark.parametrize("estimator", ["switching_did", "lp_did"])
def test_trends_of_a_first_level_do_not_matter(estimator):
    """Controls have the same first level; with first entries it is 0."""
    frame = switching_panel(80, 8, seed=2)
    first = frame.groupby("unit")["d"].transform("first")
    other = frame.assign(y=frame["y"] + 3 * first * (frame["year"] - 2001) ** 2)
    options = {} if estimator == "switching_did" else {"nonabsorbing": "first_entry"}
    found = [getattr(ma, estimator)(panel_of(f), "y", **options) for f in (frame, other)]
    np.testing.assert_allclose(found[0].estimate, found[1].estimate, atol=1e-9)


def test_the_panel_knows_its_path():
    frame = switching_panel(40, 6, seed=1)
    panel = panel_of(frame)
    assert panel.path == "d"
    level = frame.pivot_table(index="unit", columns="year", values="d")
    changed = level.ne(level.iloc[:, 0], axis=0)
    first = np.where(changed.any(axis=1), changed.to_numpy().argmax(axis=1) + 2001, 0)
    np.testing.assert_array_equal(panel.cohort_by_unit, first)
    assert panel.keep(panel.frame["unit"] < 20).path == "d"
    with pytest.raises(ma.DesignError, match="may change more than once"):
        ma.att_gt(panel, "y")
    named = ma.Panel.from_frame(
        frame.assign(cohort=0), unit="unit", year="year", cohort="cohort", weight="weight"
    )
    same = ma.switching_did(named, "y", treatment="d")
    weighted = ma.switching_did(panel_of(frame, weight="weight"), "y")
    np.testing.assert_allclose(same.estimate, weighted.estimate)
    assert same.refit is None
    again = weighted.refit(panel)
    np.testing.assert_array_equal(again.estimate, ma.switching_did(panel, "y").estimate)


def test_a_change_hidden_by_missing_years_is_not_dated():
    frame = switching_panel(60, 6, seed=1)
    level = frame.pivot_table(index="unit", columns="year", values="d")
    unit = int(level.index[(level[2003] != level[2004]) & (level[2001] == level[2003])][0])
    lost = (frame["unit"] == unit) & frame["year"].isin([2003, 2004])
    with pytest.warns(ma.PanelWarning):
        panel = panel_of(frame[~lost])
    effects = ma.switching_did(panel, "y")
    kept = ma.switching_did(
        panel.keep(~((panel.frame["unit"] == unit) & (panel.frame["year"] > 2002))), "y"
    )
    np.testing.assert_allclose(effects.estimate, kept.estimate)
    assert f"is hidden: {unit}" in effects.design.foot()


def test_draws_clusters_again():
    panel = panel_of(switching_panel(60, 6, seed=1), cluster="cluster")
    effects = ma.switching_did(panel, "y", n_effects=1, n_placebos=0)
    drawn = ma.cluster_bootstrap(effects, panel, n_draws=40)
    assert drawn.std_error[-1] == pytest.approx(effects.std_error[-1], rel=0.5)
    assert np.isfinite(effects.conf_int(simultaneous=True)[-1]).all()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"d": lambda f: 1.0}, {}, "changes in no unit"),
        ({"d": lambda f: f["d"].where(f["unit"] > 2)}, {}, "missing for 0 in 2001"),
        ({"d": lambda f: (f["year"] > 2003) * 1.0}, {}, "no unit that changes has a unit"),
        ({}, {"switchers": "up"}, "switchers='up'"),
        ({}, {"control_group": "never_treated"}, "never_switched"),
        ({}, {"n_effects": 0}, "n_effects=0"),
        ({}, {"n_placebos": -1}, "n_placebos=-1"),
    ],
)
def test_refuses(change, options, message):
    panel = panel_of(switching_panel(30, 6, seed=1).assign(**change))
    with pytest.raises(ma.DesignError, match=message):
        ma.switching_did(panel, "y", **options)


def test_refuses_what_is_no_path():
    frame = switching_panel(30, 6, seed=1)
    plain = ma.Panel.from_frame(frame.assign(g=0), unit="unit", year="year", cohort="g")
    with pytest.raises(ma.DesignError, match="knows a cohort, not how treatment moved"):
        ma.switching_did(plain, "y")
    with pytest.raises(ma.DesignError, match="knows how treatment moved"):
        ma.lp_did(plain, "y", nonabsorbing="first_entry")
    with pytest.raises(ma.DesignError, match="years after which effects are stable"):
        ma.lp_did(panel_of(frame), "y", nonabsorbing="stabilised")
    with pytest.raises(ma.DesignError, match="0 and 1"):
        ma.lp_did(panel_of(frame.assign(d=2 * frame["d"])), "y", nonabsorbing="first_entry")
    with pytest.raises(ma.DataError, match="makes the cohort, and there is another"):
        ma.Panel.from_frame(frame, unit="unit", year="year", path="d", cohort="y")
    with pytest.raises(ma.DataError, match="no finite number: 'half'"):
        panel_of(frame.assign(d=pd.Series("half", index=frame.index)))
    moved = panel_of(frame).with_columns(cohort=np.where(frame["unit"] < 10, 2003, 0))
    with pytest.raises(ma.DesignError, match="do not agree with the path"):
        ma.switching_did(moved, "y")
