"""Clustered and Driscoll-Kraay errors on Grunfeld's data: fixest, plm and sandwich."""

import numpy as np
import pandas as pd
import pytest

from medalliance.inference.clustered import clustered_variance
from medalliance.inference.driscoll_kraay import driscoll_kraay_variance


@pytest.fixture(scope="module")
def fit(shared):
    frame = pd.read_csv(shared("oracles/grunfeld.csv"))
    names = ["inv", "value", "capital"]
    within = (frame[names] - frame.groupby("firm")[names].transform("mean")).to_numpy()
    design = within[:, 1:]
    slopes = np.linalg.lstsq(design, within[:, 0], rcond=None)[0]
    np.testing.assert_allclose(slopes, [0.1101238, 0.3100653], atol=5e-8)
    return design, within[:, 0] - design @ slopes, frame["firm"].to_numpy(), frame["year"]


# K = 2 slopes and the constant; the firm effects are nested in firms. Printed to 6 decimals.
def test_fixest_crv1_by_firm(fit):
    design, residuals, firm, _ = fit
    result = clustered_variance(design, residuals, firm, n_params=3)
    np.testing.assert_allclose(result.std_error, [0.015194, 0.052752], atol=6e-7)
    assert result.n_clusters == 10


def test_fixest_crv1_by_firm_and_year(fit):
    design, residuals, firm, year = fit
    result = clustered_variance(design, residuals, [firm, year], n_params=3)
    np.testing.assert_allclose(result.std_error, [0.011711, 0.043590], atol=6e-7)


def test_fixest_crv3_by_firm(fit):
    design, residuals, firm, _ = fit
    result = clustered_variance(design, residuals, firm, kind="crv3", n_params=3)
    np.testing.assert_allclose(result.std_error, [0.038073, 0.155251], atol=6e-7)


# plm's HC1 is N / (N - K) with K = 2: our variance without a factor times 200 / 198.
def test_plm_hc1_by_group_and_two_way(fit):
    design, residuals, firm, year = fit
    for clusters, printed in (
        (firm, [0.01441440, 0.05004345]),
        ([firm, year], [0.01110992, 0.04135205]),
    ):
        plain = clustered_variance(design, residuals, clusters, small_sample=False).std_error
        np.testing.assert_allclose(plain * np.sqrt(200 / 198), printed, atol=6e-9)


def test_plm_driscoll_kraay_two_lags(fit):
    design, residuals, _, year = fit
    vcov = driscoll_kraay_variance(design, residuals, year, lags=2, small_sample=False)
    np.testing.assert_allclose(np.sqrt(np.diag(vcov)), [0.01768603, 0.03482015], atol=6e-9)
