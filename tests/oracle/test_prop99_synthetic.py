"""California's Proposition 99 (Arkhangelsky et al. 2021; Abadie et al. 2010)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.estimators._synthetic import _ridge_corrected, penalty_grid, synthetic_fit
from medalliance.estimators.synthetic_weights import synthetic_weights


@pytest.fixture(scope="module")
def smoking(shared):
    frame = pd.read_csv(shared("oracles/california_prop99.csv"), sep=";")
    frame["cohort"] = frame["State"].eq("California") * 1989
    return ma.Panel.from_frame(frame, unit="State", year="Year", cohort="cohort")


@pytest.mark.parametrize(
    ("method", "published", "tolerance"),
    [("sdid", -15.6038, 0.02), ("sc", -19.5, 0.15), ("did", -27.349111, 1e-6)],
)
def test_overall_effect(smoking, method, published, tolerance):
    effects = ma.synthetic_did(smoking, "PacksPerCapita", method=method)
    assert effects.overall.estimate[0] == pytest.approx(published, abs=tolerance)


def test_one_treated_unit_has_no_standard_error_but_a_rank(smoking):
    effects = ma.synthetic_did(smoking, "PacksPerCapita", method="sc")
    assert np.isnan(effects.std_error).all()
    assert np.isnan(effects.overall.std_error).all()
    assert effects.design.n_draws == 38
    assert "no standard error" in effects.summary()
    assert "Placebo p-value" in effects.summary()


def test_weights_lean_on_the_published_donors(smoking):
    """Figure 1 of the paper: Nevada, New Hampshire and Connecticut weigh most; years 1986-88."""
    table = synthetic_weights(smoking, "PacksPerCapita")
    unit, time = table[table["kind"] == "unit"], table[table["kind"] == "time"]
    assert unit["name"].head(3).tolist() == ["Nevada", "New Hampshire", "Connecticut"]
    assert sorted(time.loc[time["weight"] > 1e-6, "name"]) == [1986, 1987, 1988]
    assert unit["weight"].sum() == pytest.approx(1, abs=1e-9)
    assert time["weight"].sum() == pytest.approx(1, abs=1e-9)


def test_augmented_weights_agree_with_pysyncon_at_its_penalty(smoking):
    """pysyncon 1.7.0, AugSynth on outcomes only, gives -12.374710 with a penalty near zero."""
    grid = smoking.grid(smoking.frame["PacksPerCapita"])
    treated = smoking.cohort_by_unit > 0
    donors, mean = grid[~treated], grid[treated][0]
    plain = synthetic_fit(donors, grid[treated], 19, "sc").unit_weights
    centre = donors[:, :19].mean(axis=0)
    weights = _ridge_corrected(donors[:, :19] - centre, mean[:19] - centre, plain, 1e-2)
    assert np.mean((mean - weights @ donors)[19:]) == pytest.approx(-12.374710, abs=2e-3)


def test_penalties_are_those_of_augsynth():
    """augsynth 0.2.0, create_lambda_list: 20 equal steps in logs, so 21 values."""
    step = 1e-8 ** (1 / 20)
    np.testing.assert_allclose(penalty_grid(3.0), [3.0 * step**k for k in range(21)], rtol=1e-12)


def test_fit_plot_draws_the_observed_and_the_synthetic_path(smoking):
    from medalliance.show.plots import fit_paths

    paths = synthetic_weights(smoking, "PacksPerCapita", method="sc").paths
    observed, synthetic = fit_paths(paths, unit="packs a head").lines[:2]
    np.testing.assert_array_equal(observed.get_ydata(), paths["treated"])
    before = paths["year"] < 1989
    gap = (observed.get_ydata() - synthetic.get_ydata())[before]
    assert np.sqrt(np.mean(gap**2)) < 2
