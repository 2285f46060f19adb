"""Spillovers: exposure by hand, rings, donuts, and effects that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DataError, DesignError
from medalliance.outcomes.exposure import donut, exposure, nearest_ring


def on_a_line(n=90, years=8, direct=1.0, spill=(0.5, 0.2), seed=0, noise=0.1):
    """Units stand a kilometre apart; blocks of three adopt; neighbours feel it."""
    rng = np.random.default_rng(seed)
    place = np.arange(n, dtype=float)
    cohort = np.zeros(n, int)
    for start, year in ((10, 2013), (40, 2015), (70, 2014)):
        cohort[start : start + 3] = year
    time = np.arange(2010, 2010 + years)
    gap = np.abs(place[:, None] - place)
    i, j = np.nonzero((gap > 0) & (gap <= 12))
    pairs = pd.DataFrame({"from": i, "to": j, "distance": gap[i, j]})
    treated = (time >= cohort[:, None]) & (cohort[:, None] > 0)
    nearest = np.array(
        [[np.min(gap[u][treated[:, t]], initial=np.inf) for t in range(years)] for u in range(n)]
    )
    y = rng.normal(size=(n, 1)) + 0.2 * np.arange(years) + noise * rng.normal(size=(n, years))
    y = y + direct * treated
    y = y + ~treated * (spill[0] * (nearest <= 2) + spill[1] * ((nearest > 2) & (nearest <= 5)))
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), years),
            "year": np.tile(time, n),
            "cohort": np.repeat(cohort, years),
            "y": y.ravel(),
        }
    )
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort"), pairs


def test_known_direct_and_spillover_effects():
    panel, pairs = on_a_line()
    effects = ma.spillover_did(panel, "y", distance=pairs, edges=[2, 5])
    truth = np.array([1.0, 0.5, 0.2])
    assert effects.terms["term"].tolist() == ["direct", "spillover 0 to 2", "spillover 2 to 5"]
    assert np.all(np.abs(effects.estimate - truth) < 4 * effects.std_error)
    naive = ma.did_imputation(panel, "y").overall.estimate[0]
    assert naive < 1 - 0.02


def test_without_spillovers_it_is_imputation():
    panel, pairs = on_a_line(spill=(0, 0))
    none = pairs[pairs["distance"] < 0]
    effects = ma.spillover_did(panel, "y", distance=none, edges=[1])
    plain = ma.did_imputation(panel, "y").aggregate("simple")
    np.testing.assert_allclose(effects.estimate, plain.estimate, atol=1e-10)


def test_errors_agree_with_the_spread_over_samples():
    draws = [
        ma.spillover_did(panel, "y", distance=pairs, edges=[2, 5])
        for panel, pairs in (on_a_line(seed=s, noise=0.5) for s in range(150))
    ]
    spread = np.std([d.estimate for d in draws], axis=0)
    ratio = np.mean([d.std_error for d in draws], axis=0) / spread
    assert np.all((ratio > 0.75) & (ratio < 1.25))


def test_exposure_rings_and_donut_by_hand():
    frame = pd.DataFrame(
        {
            "unit": ["a", "a", "b", "b", "c", "c"],
            "year": [1, 2] * 3,
            "cohort": [2, 2, 0, 0, 0, 0],
            "y": 0.0,
        }
    )
    panel = ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
    pairs = pd.DataFrame(
        {"from": ["b", "c", "c"], "to": ["a", "a", "b"], "weight": [0.6, 0.1, 0.9]}
    )
    assert exposure(panel, pairs).tolist() == [0, 0, 0, 0.6, 0, 0.1]
    far = pairs.rename(columns={"weight": "distance"}).assign(distance=[3.0, 8.0, 1.0])
    assert nearest_ring(panel, far, [5, 10]).tolist() == [0, 0, 0, 1, 0, 2]
    assert donut(panel, far, 5).units.tolist() == ["a", "c"]
    with pytest.raises(DesignError, match="smaller radius"):
        donut(panel, far, 9)


def test_bad_input_is_said():
    panel, pairs = on_a_line()
    with pytest.raises(DataError, match="no column distance"):
        nearest_ring(panel, pairs.drop(columns="distance"), [1])
    with pytest.raises(DataError, match="lacks: 500"):
        donut(panel, pairs.assign(to=500), 1)
    with pytest.raises(DataError, match="negative or of a unit to itself: 0 to 1"):
        donut(panel, pairs.assign(distance=-1.0), 1)
    with pytest.raises(DesignError, match="do not rise"):
        nearest_ring(panel, pairs, [5, 2])
    every = pd.DataFrame(
        [(i, j, 1.0) for i in range(90) for j in range(90) if i != j],
        columns=["from", "to", "distance"],
    )
    with pytest.raises(DesignError, match="smaller rings"):
        ma.spillover_did(panel, "y", distance=every, edges=[2])
