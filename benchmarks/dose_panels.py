"""Simulated panels whose treatment has a size."""

from __future__ import annotations

import numpy as np
import pandas as pd


def dose_panel(n_units: int, n_years: int, seed: int) -> pd.DataFrame:
    """Make a panel with the effect ``2 d - 0.8 d^2 + 0.1 (years since)`` of dose d.

    Returns
    -------
    DataFrame
        ``unit year cohort dose (0 if never treated) cluster y``.
    """
    rng = np.random.default_rng(seed)
    years = 2001 + np.arange(n_years)
    cohort = rng.choice([0, 0, 2003, 2005], n_units)
    dose = np.where(cohort > 0, rng.uniform(0.1, 1.5, n_units), 0.0)
    event = years - cohort[:, None]
    treated = (cohort[:, None] > 0) & (event >= 0)
    effect = ((2 * dose - 0.8 * dose**2)[:, None] + 0.1 * event) * treated
    y = rng.normal(size=(n_units, 1)) + 0.5 * dose[:, None] + 0.2 * (years - 2001)
    y = y + effect + 0.5 * rng.normal(size=(n_units, n_years))
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), n_years),
            "year": np.tile(years, n_units),
            "cohort": np.repeat(cohort, n_years),
            "dose": np.repeat(dose, n_years),
            "cluster": np.repeat(np.arange(n_units) // 4, n_years),
            "y": y.ravel(),
        }
    )
