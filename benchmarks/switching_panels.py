"""Simulated panels whose treatment starts, stops, returns and has levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def switching_panel(
    n_units: int,
    n_years: int,
    seed: int,
    levels: Sequence[float] = (0.0, 1.0),
    drop: float = 0.0,
    noise: float = 1.0,
) -> pd.DataFrame:
    """Make a panel in which each year of treatment adds 1, and the year before it 0.3.

    Parameters
    ----------
    n_units, n_years, seed : int
    levels : sequence of float
        Of the treatment; a quarter of the units begins at the last, the others at the first.
    drop : float
        Share of outcomes that are missing.
    noise : float
        Standard deviation of yearly shocks.

    Returns
    -------
    DataFrame
        ``unit year d (the level) y cluster weight``; trends differ by first level.
    """
    rng = np.random.default_rng(seed)
    choices = np.array(levels, float)
    base = rng.choice(choices[[0, 0, 0, -1]], n_units)
    level = np.repeat(base[:, None], n_years, axis=1)
    for unit in range(n_units):
        if rng.random() < 0.3:
            continue
        year = int(rng.integers(2, n_years))
        level[unit, year:] = rng.choice(choices[choices != base[unit]])
        while year < n_years - 2 and rng.random() < 0.5:
            year += int(rng.integers(1, 3))
            level[unit, year:] = rng.choice(choices)
    before = np.column_stack([np.zeros(n_units), level[:, :-1]])
    y = rng.normal(size=(n_units, 1)) + 0.2 * np.arange(n_years) * (1 + base[:, None])
    y = y + 1.0 * level + 0.3 * before + noise * rng.normal(size=(n_units, n_years))
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), n_years),
            "year": np.tile(2001 + np.arange(n_years), n_units),
            "d": level.ravel(),
            "y": y.ravel(),
            "cluster": np.repeat(np.arange(n_units) // 3, n_years),
            "weight": np.repeat(rng.uniform(0.5, 2.0, n_units), n_years),
        }
    )
    if drop:
        frame.loc[rng.random(len(frame)) < drop, "y"] = np.nan
    return frame
