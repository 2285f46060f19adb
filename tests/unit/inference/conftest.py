"""Small panels whose fits can be written out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest


def dummies(codes):
    return np.eye(codes.max() + 1)[codes]


def build(seed=0, n_clusters=7, units_per_cluster=4, n_years=5, treated=3, keep=1.0):
    """Return a panel with a treatment by cluster, unit and year effects, one covariate."""
    rng = np.random.default_rng(seed)
    n_units = n_clusters * units_per_cluster
    unit = np.repeat(np.arange(n_units), n_years)
    year = np.tile(np.arange(n_years), n_units)
    cluster = unit // units_per_cluster
    start = np.where(cluster < treated, 1 + cluster % (n_years - 1), n_years)
    d = (year >= start).astype(float)
    x = rng.normal(size=len(unit))
    shock = rng.normal(size=(n_clusters, n_years)).cumsum(axis=1)[cluster, year]
    y = 0.3 * d + 0.5 * x + unit * 0.1 + year * 0.2 + shock + rng.normal(size=len(unit))
    kept = rng.random(len(unit)) < keep
    unit, year, cluster, d, x, y = (a[kept] for a in (unit, year, cluster, d, x, y))
    effects = np.column_stack([dummies(unit), dummies(year)[:, 1:]])
    full = np.column_stack([d, x, effects])
    coef = np.linalg.lstsq(full, y, rcond=None)[0]
    project = np.eye(len(y)) - effects @ np.linalg.pinv(effects)
    by_unit = dummies(unit)
    nuisance = dummies(year)[:, 1:]
    nuisance = nuisance - by_unit @ np.linalg.lstsq(by_unit, nuisance, rcond=None)[0]
    return SimpleNamespace(
        y=y,
        unit=unit,
        year=year,
        cluster=cluster,
        full=full,
        design=project @ full[:, :2],
        outcome=project @ y,
        nuisance=nuisance,
        residuals=y - full @ coef,
        coef=coef[:2],
    )


@pytest.fixture(params=[1.0, 0.85], ids=["balanced", "gaps"])
def panel(request):
    return build(keep=request.param)


@pytest.fixture
def make_panel():
    return build
