"""Sensitivity intervals: R HonestDiD, moderndid and the event study of Benzarti and Carloni."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medalliance.inference.relative_magnitude import relative_magnitude_interval
from medalliance.inference.smoothness import smoothness_interval

STORED = json.loads((Path(__file__).parent / "peers" / "moderndid_honest.json").read_text())
CONTRAST = {"first": np.eye(4)[0], "average": np.full(4, 0.25)}


@pytest.fixture(scope="module")
def event_study(shared):
    beta = pd.read_csv(shared("oracles/bc_eventstudy_beta.csv"))["beta"].to_numpy()
    return beta, pd.read_csv(shared("oracles/bc_eventstudy_sigma.csv")).to_numpy()


# R's half-lengths agree to 1e-6. Its centre is where a conic solver stopped on a flat optimum: at
# M = 0 the exact weights are (3, 2, 1)/14, so the centre is 1.2 + 4/14, 4e-5 from R's.
@pytest.mark.parametrize(
    ("bound", "centre", "half"),
    [(0.0, 1.48575528987607, 0.202875546401568), (0.1, 1.67452641, 0.313458657958823)],
)
def test_fixed_length_of_r_honestdid(bound, centre, half):
    found = smoothness_interval(np.array([1, 0, 1, 1.2]), 0.01 * np.eye(4), 3, np.ones(1), bound)
    assert found.half_length == pytest.approx(half, rel=1e-6)
    assert found.centre == pytest.approx(centre, abs=5e-5)


def test_fixed_length_without_curvature_is_exact():
    found = smoothness_interval(np.array([1, 0, 1, 1.2]), 0.01 * np.eye(4), 3, np.ones(1), 0.0)
    assert found.centre == pytest.approx(1.2 + 4 / 14, abs=1e-12)
    np.testing.assert_allclose(found.weights[:3], np.array([3, 2, 1]) / 14, atol=1e-12)


# moderndid searches a grid of 2,000 values and draws its least-favourable critical value from 1,000
# linear programs: two grid steps, and half a percent of the interval for that critical value.
@pytest.mark.parametrize("row", STORED["rows"], ids=lambda r: f"{r['contrast']} {r['bound']}")
def test_relative_magnitude_of_moderndid(event_study, row):
    low, high = relative_magnitude_interval(
        *event_study, 4, CONTRAST[row["contrast"]], row["bound"]
    )
    slack = 2 * row["grid_step"] + 0.005 * (row["conf_high"] - row["conf_low"])
    assert low == pytest.approx(row["conf_low"], abs=slack)
    assert high == pytest.approx(row["conf_high"], abs=slack)


def test_bound_zero_is_the_ordinary_interval(event_study):
    """With Mbar = 0 the hybrid of a single equality is the two-sided normal test, exactly."""
    beta, sigma = event_study
    low, high = relative_magnitude_interval(beta, sigma, 4, CONTRAST["first"], 0.0)
    half = 1.959963985 * np.sqrt(sigma[4, 4])
    np.testing.assert_allclose([low, high], [beta[4] - half, beta[4] + half], atol=0.01 * half)
