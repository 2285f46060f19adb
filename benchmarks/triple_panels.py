"""Simulated places with eligible and ineligible units, reformed in different years."""

from __future__ import annotations

import numpy as np
import pandas as pd


def triple_panel(n_units: int, n_years: int, seed: int, covariate: bool = False) -> pd.DataFrame:
    """Make a panel in which the gap between eligible and ineligible moves with time and cohort.

    Parameters
    ----------
    n_units, n_years, seed : int
    covariate : bool
        Whether trends depend on ``x``, more so in places that reform; its mean differs by side.

    Returns
    -------
    DataFrame
        ``unit year cohort eligible x y effect``; the effect is 1 + 0.5 times the years since.
    """
    rng = np.random.default_rng(seed)
    years = 2001 + np.arange(n_years)
    cohort = rng.choice([0, 2004, 2006], n_units)
    eligible = (rng.random(n_units) < np.where(cohort == 2004, 0.7, 0.4)).astype(int)
    x = rng.normal(size=n_units) + 0.5 * eligible * (cohort == 2004) - 0.3 * (cohort == 0)
    time = years - years[0]
    event = years - cohort[:, None]
    effect = (1 + 0.5 * event) * ((cohort[:, None] > 0) & (event >= 0) & (eligible == 1)[:, None])
    y = rng.normal(size=(n_units, 1)) + effect + rng.normal(size=(n_units, n_years))
    y = y + 0.3 * time * eligible[:, None] + 0.2 * time * (cohort[:, None] / 2004)
    if covariate:
        y = y + 0.4 * time * (x * (0.5 + (cohort > 0)))[:, None]
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), n_years),
            "year": np.tile(years, n_units),
            "cohort": np.repeat(cohort, n_years),
            "eligible": np.repeat(eligible, n_years),
            "x": np.repeat(x, n_years),
            "y": y.ravel(),
            "effect": effect.ravel(),
        }
    )
