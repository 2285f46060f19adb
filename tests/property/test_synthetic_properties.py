"""Properties of the simplex solver and of the synthetic estimators."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import medalliance as ma
from medalliance.errors import DesignError
from medalliance.estimators._simplex import project_to_simplex, simplex_least_squares
from medalliance.estimators._synthetic import METHODS
from medalliance.estimators.synthetic_did import VARIANCES, make_blocks


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9), st.sampled_from([0, 0.1, 5]))
@settings(max_examples=60, deadline=None)
def test_solver_reaches_what_a_general_optimiser_reaches(seed, rows, columns, ridge):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(rows, columns)), rng.normal(size=rows)

    def objective(w):
        return np.sum((a @ w - b) ** 2) + ridge * np.sum(w**2)

    w = simplex_least_squares(a, b, ridge)
    assert w.min() >= 0
    assert w.sum() == pytest.approx(1, abs=1e-12)
    general = minimize(
        objective,
        np.full(columns, 1 / columns),
        bounds=[(0, 1)] * columns,
        constraints={"type": "eq", "fun": lambda v: v.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert objective(w) <= general.fun + 1e-7 * (1 + general.fun)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_projection_is_nearest(values):
    v = np.array(values)
    w = project_to_simplex(v)
    assert w.sum() == pytest.approx(1, abs=1e-9)
    inner = (v - w) @ (np.eye(len(v)) - w).T
    assert inner.max() <= 1e-7


def staggered(seed=0, n=30, years=10, effect=1.0):
    rng = np.random.default_rng(seed)
    cohort = np.where(np.arange(n) < 3, 2006, np.where(np.arange(n) < 6, 2008, 0))
    time = np.arange(2000, 2000 + years)
    factor = rng.normal(size=(n, 2)) @ rng.normal(size=(2, years))
    y = 3 * rng.normal(size=(n, 1)) + factor + 0.1 * rng.normal(size=(n, years))
    y = y + effect * ((time >= cohort[:, None]) & (cohort[:, None] > 0))
    return pd.DataFrame(
        {
            "unit": np.repeat([f"u{i:02d}" for i in range(n)], years),
            "year": np.tile(time, n),
            "cohort": np.repeat(cohort, years),
            "y": y.ravel(),
        }
    )


def fit(frame, **options):
    panel = ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
    return ma.synthetic_did(panel, "y", n_draws=20, **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("variance", VARIANCES)
def test_scaling_scales_and_order_does_not_matter(method, variance):
    frame = staggered()
    base = fit(frame, method=method, variance=variance)
    shuffled = frame.sample(frac=1, random_state=1).assign(y=lambda d: -2 * d["y"])
    other = fit(shuffled, method=method, variance=variance)
    np.testing.assert_allclose(other.estimate, -2 * base.estimate, atol=2e-5)
    np.testing.assert_allclose(other.overall.std_error, 2 * base.overall.std_error, rtol=1e-3)


@pytest.mark.parametrize("method", ["sdid", "did"])
def test_unit_shifts_and_a_common_trend_change_nothing(method):
    """Bent year effects would change the noise level, hence the penalty, of the paper's rule."""
    frame = staggered()
    base = fit(frame, method=method)
    by_unit = frame["unit"].map({u: i**1.5 for i, u in enumerate(frame["unit"].unique())})
    by_year = (frame["year"] - 2000) * 0.3
    other = fit(frame.assign(y=frame["y"] + by_unit + by_year), method=method)
    np.testing.assert_allclose(other.estimate, base.estimate, atol=1e-5)


def test_did_weights_give_the_two_by_two_difference():
    frame = staggered()
    only = frame[frame["cohort"] != 2008]
    effects = fit(only, method="did")
    late = only["year"] >= 2006
    mean = only.groupby([only["cohort"] > 0, late])["y"].mean()
    expected = (mean[True, True] - mean[True, False]) - (mean[False, True] - mean[False, False])
    assert effects.overall.estimate[0] == pytest.approx(expected, abs=1e-10)


def test_cohort_bootstrap_of_a_two_by_two_difference_has_neymans_error():
    """With equal weights the draws' variance is Neyman's, within the chance of 4,000 draws."""
    frame = staggered()
    frame = frame[(frame["cohort"] != 2008) & frame["year"].isin([2005, 2006])]
    panel = ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
    drawn = ma.synthetic_did(
        panel, "y", method="did", variance="cohort_bootstrap", n_draws=4_000, seed=1
    )
    exact = ma.neyman_variance(ma.twfe(panel, "y"))
    assert drawn.overall.estimate[0] == pytest.approx(exact.estimate[0], abs=1e-10)
    assert drawn.overall.std_error[0] == pytest.approx(exact.std_error[0], rel=0.05)
    assert 1 / drawn.overall.dof[0] == pytest.approx(1 / exact.dof[0] + 1 / 3_999, rel=1e-9)


def test_cohort_bootstrap_needs_two_of_each():
    frame = staggered()
    early = frame.groupby("unit")["cohort"].transform("first") == 2006
    one = frame[~early | (frame["unit"] == "u00")]
    with pytest.raises(DesignError, match="2006 has one"):
        fit(one, variance="cohort_bootstrap")
    alone = frame[(frame["cohort"] > 0) | (frame["unit"] == "u29")]
    with pytest.raises(DesignError, match="needs two donors"):
        fit(alone, variance="cohort_bootstrap")


def test_known_effect_is_recovered_under_factors():
    estimates = [fit(staggered(seed), method="sdid").overall.estimate[0] for seed in range(10)]
    naive = [fit(staggered(seed), method="did").overall.estimate[0] for seed in range(10)]
    assert abs(np.mean(estimates) - 1) < 0.25
    assert np.std(estimates) < np.std(naive)


def test_weighted_overall_over_dates():
    """Clarke et al. (2024), equation 4: dates weigh by their treated cells."""
    frame = staggered()
    both = fit(frame).overall.estimate[0]
    early = fit(frame[frame["cohort"] != 2008]).overall.estimate[0]
    late = fit(frame[frame["cohort"] != 2006]).overall.estimate[0]
    assert both == pytest.approx((3 * 4 * early + 3 * 2 * late) / 18, abs=1e-8)


def test_what_cannot_be_had_is_refused():
    frame = staggered()
    hole = (frame["unit"] == "u04") & (frame["year"] == 2003)
    with pytest.raises(DesignError, match="missing for u04 in 2003"):
        fit(frame.assign(y=frame["y"].mask(hole)))
    with pytest.raises(DesignError, match="no never-treated unit"):
        fit(frame[frame["cohort"] > 0])
    with pytest.raises(DesignError, match="no treated unit"):
        fit(frame[frame["cohort"] == 0])
    lone = frame[~frame["unit"].isin(["u00", "u01"])]
    with pytest.raises(DesignError, match="2006 has one"):
        fit(lone, variance="jackknife")
    few = frame[frame["unit"].isin([f"u{i:02d}" for i in range(9)])]
    with pytest.raises(DesignError, match="more donors than adopters"):
        fit(few)
    with pytest.raises(DesignError, match="not known"):
        fit(frame, method="magic")


def test_units_already_treated_are_left_out_and_counted():
    frame = staggered()
    frame.loc[frame["unit"] == "u29", "cohort"] = 1999
    panel = ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
    assert "u29" not in make_blocks(panel, "y").donor_ids
    assert fit(frame).design.n_left_out == 1


def test_donors_alike_up_to_rounding_share_the_weight():
    """A bootstrap draw may hold one donor several times: nothing is left to match."""
    rounding = 1.1e-16 * np.eye(3, 8)
    weights = simplex_least_squares(rounding, np.zeros(3), ridge=1.3e-16)
    np.testing.assert_allclose(weights, 1 / 8)
