"""What must not matter to etwfe, sun_abraham, stacked_did and lp_did where rows are missing."""

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
@given(seed=st.integers(0, 10_000))
def test_levels_do_not_matter_where_rows_are_missing(name, seed):
    frame = draw(seed, drop=True)
    base = ESTIMATORS[name](make(frame), "y")
    rng = np.random.default_rng(seed)
    level, shift = rng.normal(size=40), rng.normal(size=10)
    if name.startswith("etwfe"):  # cohort effects instead of unit effects
        level[:] = 7.0
    moved = frame.assign(y=frame["y"] + level[frame["unit"]] + shift[frame["year"] - 2001])
    found = ESTIMATORS[name](make(moved), "y")
    np.testing.assert_allclose(found.estimate, base.estimate, atol=1e-9)
    if name != "stacked_did":  # pooled over calendar years, its residuals hold their differences
        np.testing.assert_allclose(found.std_error, base.std_error, rtol=1e-6)


@pytest.mark.parametrize("name", ["etwfe", "sun_abraham"])
def test_aggregation_commutes_with_scaling(name):
    frame = draw(5, drop=False)
    one = ESTIMATORS[name](make(frame), "y").aggregate("event_time").overall
    two = ESTIMATORS[name](make(frame.assign(y=-2 * frame["y"])), "y")
    np.testing.assert_allclose(two.aggregate("event_time").overall.estimate, -2 * one.estimate)
