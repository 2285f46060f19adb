"""What must not change group-time, imputed and two-way estimates; test_every_estimator has more."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medalliance import Panel, PanelWarning, att_gt, did_imputation, twfe

ESTIMATORS = {
    "twfe": lambda p: twfe(p, "y"),
    "twfe_x": lambda p: twfe(p, "y", covariates=["x"]),
    "event_study": lambda p: twfe(p, "y", event_study=True),
    "att_gt": lambda p: att_gt(p, "y"),
    "att_gt_dr": lambda p: att_gt(p, "y", covariates=["z"], method="reg"),
    "did_imputation": lambda p: did_imputation(p, "y"),
    "did_imputation_x": lambda p: did_imputation(p, "y", covariates=["x"]),
}
FEW = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
seeds = st.integers(0, 10_000)


def frame_of(seed, drop=0.0, n_units=24, n_years=6):
    rng = np.random.default_rng(seed)
    cohort = np.resize([0, 2003, 2004, 0, 2005], n_units)
    data = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), n_years),
            "year": np.tile(2000 + np.arange(n_years), n_units),
            "cohort": np.repeat(cohort, n_years),
            "weight": np.repeat(rng.uniform(0.5, 2, n_units), n_years),
            "z": np.repeat(rng.normal(size=n_units), n_years),
            "x": rng.normal(size=n_units * n_years),
            "y": rng.normal(size=n_units * n_years),
        }
    )
    data["group"] = data["unit"]
    if drop:
        data = data[(rng.random(len(data)) >= drop) | (data["year"] == 2000)]
    return data


def panel_of(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return Panel.from_frame(
            data, unit="unit", year="year", cohort="cohort", cluster="group", weight="weight"
        )


def both(name, one, two):
    first, second = (ESTIMATORS[name](panel_of(data)) for data in (one, two))
    return first, second


def same(first, second, scale=1.0, rtol=1e-7):
    np.testing.assert_allclose(second.estimate, scale * first.estimate, rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(second.std_error, abs(scale) * first.std_error, rtol=rtol, atol=1e-9)


@pytest.mark.parametrize("name", ["twfe", "twfe_x", "did_imputation", "did_imputation_x"])
@FEW
@given(seed=seeds)
def test_shifts_change_nothing_where_rows_are_missing(name, seed):
    """Group-time effects on unbalanced panels compare rows, and so are not in this list."""
    data = frame_of(seed, drop=0.1)
    rng = np.random.default_rng(seed + 1)
    shift = 5 * rng.normal(size=24)[data["unit"]] + 5 * rng.normal(size=6)[data["year"] - 2000]
    same(*both(name, data, data.assign(y=data["y"] + shift)))


@pytest.mark.parametrize("name", ["att_gt", "att_gt_dr", "did_imputation"])
@FEW
@given(seed=seeds)
def test_averages_commute_with_sums_of_outcomes(name, seed):
    """Linear estimators: the effect on a sum is the sum of effects, cell by cell and averaged."""
    data = frame_of(seed)
    parts = [ESTIMATORS[name](panel_of(data.assign(y=data[c]))) for c in ("y", "x")]
    total = ESTIMATORS[name](panel_of(data.assign(y=data["y"] + data["x"])))
    for kind in ("simple", "event_time", "cohort", "year"):
        one, two, both_ = (e.aggregate(kind) for e in (*parts, total))
        np.testing.assert_allclose(one.estimate + two.estimate, both_.estimate, atol=1e-9)
        np.testing.assert_allclose(one.influence + two.influence, both_.influence, atol=1e-8)
        np.testing.assert_allclose(
            one.overall.estimate + two.overall.estimate, both_.overall.estimate, atol=1e-9
        )


@FEW
@given(seed=seeds)
def test_averages_commute_with_averages(seed):
    """The simple average is the size-weighted mean of event times, and of calendar years."""
    effects = att_gt(panel_of(frame_of(seed)), "y")
    simple = effects.aggregate("simple").estimate[0]
    terms, mass = effects.terms, effects.mass
    post = (terms["year"] >= terms["cohort"]).to_numpy()
    for kind, column in (("event_time", "event_time"), ("year", "year")):
        shown = effects.aggregate(kind)
        size = [mass[post & (terms[column] == key).to_numpy()].sum() for key in shown.terms[column]]
        assert np.average(shown.estimate, weights=size) == pytest.approx(simple, rel=1e-9)


@FEW
@given(seed=seeds)
def test_one_cohort_makes_all_estimators_agree(seed):
    """With one cohort, no covariates and a universal base, they differ in their base alone."""
    data = frame_of(seed)
    data = data[data["cohort"].isin([0, 2003])]
    panel = panel_of(data)
    event = twfe(panel, "y", event_study=True)
    cells = att_gt(panel, "y", base_period="universal").aggregate("event_time")
    np.testing.assert_allclose(event.estimate, cells.estimate, atol=1e-9)
    overall = twfe(panel, "y").estimate[0]
    imputed = did_imputation(panel, "y").aggregate("simple").estimate[0]
    assert overall == pytest.approx(imputed, rel=1e-8)
