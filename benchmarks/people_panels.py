"""Simulated surveys: people asked once, in areas that treatment reaches."""

from __future__ import annotations

import numpy as np
import pandas as pd


def people_frame(
    n_areas: int,
    n_years: int,
    n_people: int,
    seed: int,
    *,
    shift: float = 0.0,
    slope: float = 0.0,
) -> pd.DataFrame:
    """Make repeated cross-sections with the effect ``1 + 0.3 (years since) + slope x``.

    Parameters
    ----------
    n_areas, n_years, n_people : int
        About ``n_people`` are asked in each area and year.
    seed : int
    shift : float
        By how much the mean of ``x`` of those asked moves once treatment starts.
    slope : float
        Of the effect in ``x``.

    Returns
    -------
    DataFrame
        ``row area year cohort x d weight effect y``; the trend of ``y`` varies with ``x``.
    """
    rng = np.random.default_rng(seed)
    cohort = np.resize([0, 2003, 2004, 0, 2003], n_areas)
    level = rng.normal(size=n_areas)
    size = n_people + rng.integers(-(n_people // 3), n_people // 3 + 1, n_areas * n_years)
    cell = np.repeat(np.arange(n_areas * n_years), size)
    area, year = cell // n_years, 2001 + cell % n_years
    start, n = cohort[area], len(cell)
    treated = (start > 0) & (year >= start)
    x = rng.normal(size=n) + 0.3 * (start > 0) + shift * treated
    d = rng.integers(0, 2, n).astype(float)
    y = level[area] + 0.2 * (year - 2001) * (1 + 0.5 * x) + 0.8 * x - 0.5 * d + rng.normal(size=n)
    effect = treated * (1 + 0.3 * (year - start) + slope * x)
    return pd.DataFrame(
        {
            "row": np.arange(n),
            "area": area,
            "year": year,
            "cohort": start,
            "x": x,
            "d": d,
            "weight": rng.uniform(0.5, 2, n),
            "effect": effect,
            "y": y + effect,
        }
    )
