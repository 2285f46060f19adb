"""Intervals of etwfe, sun_abraham, stacked_did and lp_did cover the truth on 500 panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma

N_PANELS, N_UNITS, YEARS = 500, 80, np.arange(2001, 2008)
COHORT = np.tile([0, 0, 2004, 2005], N_UNITS // 4)
EFFECT = 0.5


def draw(rng: np.random.Generator, link: str) -> pd.DataFrame:
    t = len(YEARS)
    shock = rng.normal(size=(N_UNITS, t)) * 0.6
    for k in range(1, t):  # serially correlated within units
        shock[:, k] += 0.5 * shock[:, k - 1]
    level = rng.normal(size=(N_UNITS, 1)) * 0.3 + 0.2 * (COHORT[:, None] > 0)
    on = (COHORT[:, None] > 0) & (COHORT[:, None] <= YEARS)
    index = level + 0.1 * (YEARS - 2001) + EFFECT * on
    y = index + shock if link == "level" else np.exp(index + 0.5 * shock)
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(N_UNITS), t),
            "year": np.tile(YEARS, N_UNITS),
            "cohort": np.repeat(COHORT, t),
            "y": y.ravel(),
        }
    )


@pytest.mark.slow
def test_95_percent_intervals_cover():
    rng = np.random.default_rng(7)
    names = ("etwfe", "sun_abraham", "stacked_did", "lp_did")
    covered, estimates = {n: [] for n in names}, {n: [] for n in names}
    for _ in range(N_PANELS):
        panel = ma.Panel.from_frame(draw(rng, "level"), unit="unit", year="year", cohort="cohort")
        for name in names:
            effects = getattr(ma, name)(panel, "y")
            shown = (effects.aggregate("simple") if effects.mass is not None else effects).overall
            low, high = shown.conf_int()[0]
            covered[name].append(low <= EFFECT <= high)
            estimates[name].append(shown.estimate[0])
    for name in names:
        monte_carlo = np.std(estimates[name]) / np.sqrt(N_PANELS)
        assert abs(np.mean(estimates[name]) - EFFECT) < 3 * monte_carlo, name
        assert abs(np.mean(covered[name]) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / N_PANELS), name


@pytest.mark.slow
def test_poisson_intervals_cover_the_effect_on_the_treated():
    """Effects in the level: the truth is the treated mean less what it would have been."""
    rng = np.random.default_rng(8)
    covered = []
    for _ in range(N_PANELS):
        frame = draw(rng, "log")
        panel = ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
        shown = ma.etwfe(panel, "y", family="poisson").aggregate("simple")
        on = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
        k = frame["year"] - 2001
        mean = np.exp(0.2 + 0.1 * k + 0.045 + 0.125 * 0.36 * (1 - 0.25 ** (k + 1)) / 0.75)
        truth = ((np.exp(EFFECT) - 1) * mean[on]).mean()
        low, high = shown.conf_int()[0]
        covered.append(low <= truth <= high)
    assert abs(np.mean(covered) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / N_PANELS)
