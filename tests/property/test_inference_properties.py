"""What must not change the answer does not, for any panel."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import medalliance as ma

QUICK = settings(max_examples=8, deadline=None)
SEEDS = st.integers(0, 10_000)


def make(seed, gaps=0.1):
    rng = np.random.default_rng(seed)
    unit, year = np.repeat(np.arange(36), 6), np.tile(np.arange(2010, 2016), 36)
    cluster = unit % 9
    cohort = np.where(cluster < 5, 2012 + cluster % 3, 0)
    frame = pd.DataFrame(
        {"u": unit, "t": year, "g": cohort, "c": cluster, "y": rng.normal(size=216) + 0.1 * unit}
    )
    return frame[rng.random(216) > gaps]


def panel_of(frame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        return ma.Panel.from_frame(frame, unit="u", year="t", cohort="g", cluster="c")


def row(frame, **options):
    table = ma.wild_bootstrap(ma.twfe(panel_of(frame), "y"), n_draws=199, seed=1, **options)
    return table.iloc[0]


@QUICK
@given(SEEDS)
@example(158)
def test_unit_and_year_shifts_change_no_inference(seed):
    frame = make(seed)
    moved = frame.assign(y=frame["y"] + frame["u"] ** 1.5 - 3 * (frame["t"] - 2012) ** 2)
    first, second = row(frame), row(moved)
    assert second["p_value"] == pytest.approx(first["p_value"], abs=1e-12)
    assert second["conf_low"] == pytest.approx(first["conf_low"], abs=1e-7)
    for kind in ("crv2", "crv3", "two_way", "driscoll_kraay"):
        one, two = (ma.robust_variance(ma.twfe(panel_of(f), "y"), kind) for f in (frame, moved))
        assert one.design.notes == two.design.notes
        without = any("not positive" in note for note in one.design.notes)
        assert np.isnan([one.std_error[0], two.std_error[0]]).tolist() == [without, without]
        assert one.std_error[0] == pytest.approx(two.std_error[0], rel=1e-7, nan_ok=without)


def test_a_negative_two_way_variance_is_named():
    """Seed 158: units and years explain less than what they share."""
    effects = ma.twfe(panel_of(make(158)), "y")
    regression = effects.regression
    scores = regression.scores[:, 0] * regression.bread[0, 0]
    unit, year = (
        pd.Series(scores).groupby(c).sum() for c in (regression.cluster, regression.year_codes)
    )
    both = pd.Series(scores).groupby([regression.cluster, regression.year_codes]).sum()
    assert (unit**2).sum() + (year**2).sum() < (both**2).sum()
    found = ma.robust_variance(effects, "two_way")
    assert np.isnan(found.std_error[0])
    assert "two-way variance of treated is not positive" in found.design.foot()


@QUICK
@given(SEEDS, st.floats(0.01, 100))
def test_scaling_the_outcome_scales_intervals(seed, factor):
    frame = make(seed)
    first, second = row(frame), row(frame.assign(y=factor * frame["y"]))
    assert second["p_value"] == first["p_value"]
    for name in ("estimate", "conf_low", "conf_high"):
        assert second[name] == pytest.approx(factor * first[name], rel=1e-6)


@QUICK
@given(SEEDS)
def test_row_order_and_names_change_nothing(seed):
    frame = make(seed)
    named = frame.sample(frac=1, random_state=seed).assign(
        u=lambda f: [f"k{u:03d}" for u in f["u"]]
    )
    first, second = row(frame), row(named)
    assert first.to_dict() == pytest.approx(second.to_dict())


@QUICK
@given(SEEDS)
def test_a_sign_flip_mirrors_the_interval(seed):
    frame = make(seed, gaps=0.0)
    first, second = row(frame), row(frame.assign(y=-frame["y"]))
    assert second["p_value"] == first["p_value"]
    assert second["conf_low"] == pytest.approx(-first["conf_high"], rel=1e-6)


@QUICK
@given(SEEDS)
def test_bacon_and_weights_agree_with_the_coefficient(seed):
    panel = panel_of(make(seed, gaps=0.0))
    coefficient = ma.twfe(panel, "y").estimate[0]
    assert ma.bacon_decomposition(panel, "y").twfe == pytest.approx(coefficient, rel=1e-8)
    assert ma.twfe_weights(panel, "y")["weight"].sum() == pytest.approx(1)
