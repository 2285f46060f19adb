"""Simulated staggered panels, the same for us and for every peer."""

from __future__ import annotations

import numpy as np
import pandas as pd

SIZES = {"S": (2_800, 12), "L": (100_000, 20), "XL": (250_000, 20)}
FIRST_YEAR = 2001


def staggered_panel(n_units: int, n_years: int, seed: int, drop: float = 0.0) -> pd.DataFrame:
    """Make a panel whose cohorts differ in level, in trend and in effect.

    Parameters
    ----------
    n_units, n_years : int
    seed : int
    drop : float
        Share of rows left out at random; the first year of a unit is always kept.

    Returns
    -------
    DataFrame
        ``unit year cohort cluster weight x (moves) z (constant in a unit) y``.
    """
    rng = np.random.default_rng(seed)
    years = FIRST_YEAR + np.arange(n_years)
    starts = np.linspace(FIRST_YEAR + 3, FIRST_YEAR + n_years - 3, min(6, n_years - 5)).astype(int)
    cohort = rng.choice(np.r_[0, np.unique(starts)], n_units)
    z = rng.normal(size=n_units) + 0.2 * (cohort > 0)
    level = rng.normal(size=n_units) + 0.5 * z
    event = years - cohort[:, None]
    treated = (cohort[:, None] > 0) & (event >= 0)
    x = rng.normal(size=(n_units, n_years))
    trend = (0.1 + 0.03 * z[:, None]) * (years - FIRST_YEAR)
    effect = (0.3 + 0.05 * event + 0.02 * (cohort[:, None] - FIRST_YEAR)) * treated
    y = level[:, None] + trend + 0.4 * x + effect + rng.normal(size=(n_units, n_years))
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), n_years),
            "year": np.tile(years, n_units),
            "cohort": np.repeat(cohort, n_years),
            "cluster": np.repeat(np.arange(n_units) // 4, n_years),
            "weight": np.repeat(rng.uniform(0.5, 2.0, n_units), n_years),
            "x": x.ravel(),
            "z": np.repeat(z, n_years),
            "y": y.ravel(),
        }
    )
    if drop:
        kept = (rng.random(len(frame)) >= drop) | (frame["year"] == FIRST_YEAR)
        frame = frame[kept].reset_index(drop=True)
    return frame
