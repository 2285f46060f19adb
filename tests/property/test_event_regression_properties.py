"""What must not matter to etwfe, sun_abraham, stacked_did and lp_did, does not."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import medalliance as ma

ESTIMATORS = {
    "etwfe": ma.etwfe,
    "etwfe never": lambda p, y: ma.etwfe(p, y, control_group="never_treated", covariates=["x"]),
    "sun_abraham": ma.sun_abraham,
    "stacked_did": lambda p, y: ma.stacked_did(p, y, window=(1, 1)),
    "lp_did": ma.lp_did,
    "lp_did equal": lambda p, y: ma.lp_did(p, y, weighting="equal"),
}
FEW = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def draw(seed: int, drop: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n, t = 36, 6
    cohort = np.repeat(np.tile([0, 0, 2003, 2004], n // 4), t)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), t),
            "year": np.tile(np.arange(2001, 2001 + t), n),
            "cohort": cohort,
            "w": np.repeat(rng.uniform(0.5, 2, n), t),
            "x": rng.normal(size=n * t),
            "y": rng.normal(size=n * t),
        }
    )
    return frame[rng.random(len(frame)) > 0.05] if drop else frame


def make(frame: pd.DataFrame) -> ma.Panel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", weight="w")


@pytest.mark.parametrize("name", ESTIMATORS)
@FEW
@given(seed=st.integers(0, 10_000), drop=st.booleans())
def test_order_labels_shifts_scale_and_split_units_do_not_matter(name, seed, drop):
    estimate = ESTIMATORS[name]
    frame = draw(seed, drop)
    base = estimate(make(frame), "y")
    rng = np.random.default_rng(seed)

    shuffled = frame.sample(frac=1, random_state=seed % 100).reset_index(drop=True)
    labels = rng.permutation(100)
    shuffled["unit"] = [f"u{labels[u]:03d}" for u in shuffled["unit"]]
    same(base, estimate(make(shuffled), "y"))

    year_shift = rng.normal(size=10)
    moved = frame.assign(y=3 * frame["y"] + year_shift[frame["year"] - 2001] + 7)
    found = estimate(make(moved), "y")
    np.testing.assert_allclose(found.estimate, 3 * base.estimate, atol=1e-9)
    if name != "stacked_did":  # pooled over calendar years, its residuals hold their differences
        np.testing.assert_allclose(found.std_error, 3 * base.std_error, rtol=1e-6)

    level = rng.normal(size=40)
    lifted = estimate(make(frame.assign(y=frame["y"] + level[frame["unit"]])), "y")
    cohort_effects = name.startswith("etwfe")  # instead of unit effects: equal if balanced
    if not cohort_effects or (name == "etwfe" and not drop):
        np.testing.assert_allclose(lifted.estimate, base.estimate, atol=1e-9)

    halves = pd.concat([frame.assign(w=frame["w"] / 2),
                        frame.assign(w=frame["w"] / 2, unit=frame["unit"] + 100)])  # fmt: skip
    np.testing.assert_allclose(estimate(make(halves), "y").estimate, base.estimate, atol=1e-9)


def same(one, two) -> None:
    np.testing.assert_allclose(two.estimate, one.estimate, atol=1e-10)
    np.testing.assert_allclose(two.std_error, one.std_error, rtol=1e-8)


@pytest.mark.parametrize("name", ["etwfe", "sun_abraham"])
def test_aggregation_commutes_with_scaling(name):
    frame = draw(5, drop=False)
    one = ESTIMATORS[name](make(frame), "y").aggregate("event_time").overall
    two = ESTIMATORS[name](make(frame.assign(y=-2 * frame["y"])), "y")
    np.testing.assert_allclose(two.aggregate("event_time").overall.estimate, -2 * one.estimate)
