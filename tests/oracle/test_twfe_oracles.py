"""Two-way effects against published numbers (see ../shared/oracles/README.md)."""

import warnings

import numpy as np
import pandas as pd
import pytest

from medalliance import Panel, PanelWarning, twfe
from medalliance.estimators._regression import fit_two_way
from medalliance.estimators._sample import Sample


@pytest.fixture(scope="module")
def grunfeld_fit(shared):
    data = pd.read_csv(shared("oracles/grunfeld.csv"))
    grid = {name: data[name].to_numpy().reshape(10, 20) for name in ("inv", "value", "capital")}
    sample = Sample(
        outcome=grid["inv"],
        covariates=np.stack([grid["value"], grid["capital"]]),
        seen=None,
        years=np.arange(1935, 1955),
        ids=pd.Index(range(10)),
        cohort=np.zeros(10, int),
        weight=np.ones(10),
        cluster=np.arange(10),
        n_left_out=0,
    )
    none = np.empty((1, 20, 0))
    return fit_two_way(sample, np.zeros(10, int), none, ("value", "capital"))


def test_grunfeld_two_way_coefficients_equal_plm(grunfeld_fit):
    np.testing.assert_allclose(grunfeld_fit.coefficients, [0.1177159, 0.3579163], atol=5e-8)


def test_grunfeld_classical_errors_equal_plm(grunfeld_fit):
    fit = grunfeld_fit.regression
    variance = (fit.residual**2).sum() / (200 - 2 - 10 - 19) * fit.bread
    np.testing.assert_allclose(np.sqrt(np.diag(variance)), [0.01375128, 0.02271901], rtol=1e-6)


def test_castle_doctrine_equals_bacondecomp(shared):
    """Goodman-Bacon's two-way coefficient of Cheng, Hoekstra: .0818116."""
    data = pd.read_csv(shared("oracles/castle_bacondecomp.csv"))
    data["effyear"] = data["effyear"].fillna(0).astype(int)
    panel = Panel.from_frame(data, unit="state", year="year", cohort="effyear")
    effects = twfe(panel, "l_homicide")
    assert effects.estimate[0] == pytest.approx(0.0818116, abs=5e-8)


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_linearmodels(drop, weighted):
    """Coefficients agree to 1e-8; clustered errors differ by the stated convention alone."""
    from linearmodels.panel import PanelOLS

    rng = np.random.default_rng(5)
    cohort = rng.choice([0, 2003, 2005], 60)
    data = pd.DataFrame(
        {"unit": np.repeat(np.arange(60), 8), "year": np.tile(range(2000, 2008), 60)}
    )
    data["cohort"] = np.repeat(cohort, 8)
    data["weight"] = np.repeat(rng.uniform(0.5, 2, 60), 8)
    data["x"] = rng.normal(size=480)
    data["treated"] = ((data.cohort > 0) & (data.year >= data.cohort)).astype(float)
    data["y"] = data.x + data.treated + np.repeat(rng.normal(size=60), 8) + rng.normal(size=480)
    if drop:
        data = data[(rng.random(480) > 0.1) | (data.year == 2000)]
    weight = "weight" if weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        panel = Panel.from_frame(data, unit="unit", year="year", cohort="cohort", weight=weight)
    ours = twfe(panel, "y", covariates=["x"])
    table = data.set_index(["unit", "year"])
    theirs = PanelOLS(
        table.y,
        table[["treated", "x"]],
        entity_effects=True,
        time_effects=True,
        weights=table.weight if weighted else None,
    ).fit(cov_type="clustered", cluster_entity=True, debiased=True, group_debias=True)
    assert ours.estimate[0] == pytest.approx(theirs.params["treated"], abs=1e-8)
    # linearmodels counts the unit effects although they are nested in the clusters; we do not
    counted = np.sqrt((len(data) - 2 - 8) / (len(data) - 2 - 8 - 59))
    assert ours.std_error[0] * counted == pytest.approx(theirs.std_errors["treated"], rel=1e-8)
