"""Simulated panels whose units answer differently to two unseen shocks."""

from __future__ import annotations

import numpy as np
import pandas as pd


def factor_panel(
    n_units: int,
    n_years: int,
    seed: int,
    *,
    share: float = 0.3,
    shift: float = 0.8,
    covariates: bool = False,
    starts: tuple[int, ...] = (),
) -> pd.DataFrame:
    """Make a panel of Xu (2017), section 4: two factors whose loadings differ by treatment.

    Parameters
    ----------
    n_units, n_years, seed : int
    share : float
        Share of units that are treated.
    shift : float
        How far loadings of treated units lie above those of others (his 1 - w); with 0 they are
        alike and differences-in-differences is right.
    covariates : bool
        Whether two covariates, which the factors move, enter with slopes 1 and 3.
    starts : tuple of int
        Years of treatment, counted from 0; two thirds of the panel without.

    Returns
    -------
    DataFrame
        ``unit year cohort x1 x2 y effect``; years from 2001, effects are years since treatment
        began, from 1.
    """
    rng = np.random.default_rng(seed)
    root = np.sqrt(3)
    treated = np.arange(n_units) < round(share * n_units)
    begin = np.array(starts or (2 * n_years // 3,))
    cohort = np.where(treated, 2001 + begin[np.arange(n_units) % len(begin)], 0)
    loading = rng.uniform(-root, root, (n_units, 2)) + 2 * root * shift * treated[:, None]
    factor = rng.normal(size=(n_years, 2))
    level = rng.uniform(-root, root, n_units) + 2 * root * shift * treated
    common = rng.normal(size=n_years)
    years = 2001 + np.arange(n_years)
    since = years - cohort[:, None] + 1
    effect = np.where(treated[:, None] & (since > 0), since, 0).astype(float)
    moved = loading @ factor.T
    x = 1 + moved + loading.sum(axis=1)[:, None] + factor.sum(axis=1)
    x = x + rng.normal(size=(2, n_units, n_years))
    y = effect + moved + level[:, None] + common + 5 + rng.normal(size=(n_units, n_years))
    if covariates:
        y = y + x[0] + 3 * x[1]
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), n_years),
            "year": np.tile(years, n_units),
            "cohort": np.repeat(cohort, n_years),
            "x1": x[0].ravel(),
            "x2": x[1].ravel(),
            "y": y.ravel(),
            "effect": effect.ravel(),
        }
    )
