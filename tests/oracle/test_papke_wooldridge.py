"""Papke and Wooldridge (2008), Tables 3 and 4: 501 Michigan districts, 1995-2001."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DataError, DesignError

YEARS = range(96, 102)
COVARIATES = ["lavgrexp", "lunch", "lenroll"]


@pytest.fixture(scope="module")
def meap(shared):
    frame = pd.read_csv(shared("oracles/meap92_01.csv"))
    frame = frame[frame["year"] > 1994].assign(cohort=0)
    return ma.Panel.from_frame(frame, unit="distid", year="year", cohort="cohort")


def spending(panel, **options):
    frame = ma.fractional_panel(panel, "math4", **options).to_frame(bands=False)
    return frame.set_index("term").loc["lavgrexp", ["estimate", "std_error"]].tolist()


def test_pooled_probit(meap):
    coefficient, error = spending(meap, covariates=COVARIATES, scale="coefficient")
    assert coefficient == pytest.approx(0.881, abs=5e-4)
    assert error == pytest.approx(0.207, abs=5e-4)
    assert spending(meap, covariates=COVARIATES)[0] == pytest.approx(0.297, abs=5e-4)


def test_gee_exchangeable(meap):
    coefficient, error = spending(meap, covariates=COVARIATES, scale="coefficient", method="gee")
    assert coefficient == pytest.approx(0.885, abs=5e-4)
    assert error == pytest.approx(0.206, abs=5e-4)
    assert spending(meap, covariates=COVARIATES, method="gee")[0] == pytest.approx(0.298, abs=5e-4)


def test_control_function(meap):
    options = {
        "covariates": ["lunch", "lenroll"],
        "controls": ["lexppp94"] + [f"le94y{y % 100:02d}" for y in YEARS],
        "endogenous": "lavgrexp",
        "instruments": ["lfound"] + [f"lfndy{y % 100:02d}" for y in YEARS],
    }
    coefficient, error = spending(meap, scale="coefficient", **options)
    assert coefficient == pytest.approx(1.731, abs=5e-4)
    assert error == pytest.approx(0.759, rel=0.10)  # the paper bootstraps 500 times
    assert spending(meap, **options)[0] == pytest.approx(0.583, abs=5e-4)


@pytest.mark.slow
def test_analytic_errors_agree_with_a_cluster_bootstrap(meap):
    """Both steps and the average over rows are drawn anew, 200 times, by district."""
    options = {
        "covariates": ["lunch", "lenroll"],
        "endogenous": "lavgrexp",
        "instruments": ["lfound", "lfndy98", "lfndy01"],
    }
    analytic = ma.fractional_panel(meap, "math4", **options)
    rng = np.random.default_rng(1)
    frame = meap.frame.set_index("distid")
    ids = frame.index.unique()
    draws = []
    for _ in range(200):
        drawn = rng.choice(ids, len(ids))
        copy = frame.loc[drawn].assign(unit=np.repeat(np.arange(len(ids)), 7))
        panel = ma.Panel.from_frame(copy, unit="unit", year="year", cohort="cohort")
        draws.append(ma.fractional_panel(panel, "math4", **options).estimate)
    np.testing.assert_allclose(np.std(draws, axis=0), analytic.std_error, rtol=0.15)


def test_bad_input_is_said(meap):
    percent = meap.with_columns(percent=100 * meap.frame["math4"].to_numpy())
    with pytest.raises(DataError, match="not a percentage"):
        ma.fractional_panel(percent, "percent", covariates=COVARIATES)
    with pytest.raises(DesignError, match="without instruments"):
        ma.fractional_panel(meap, "math4", covariates=COVARIATES, endogenous="lfound")
    with pytest.raises(DesignError, match="lexppp94 does not vary over time"):
        ma.fractional_panel(meap, "math4", covariates=["lavgrexp", "lexppp94"])
    with pytest.raises(DesignError, match="Use one of probit, logit"):
        ma.fractional_panel(meap, "math4", covariates=COVARIATES, link="cloglog")


def test_standard_errors_agree_with_statsmodels_gee(meap):
    import statsmodels.api as sm

    from medalliance.estimators.fractional_panel import _collect

    data = _collect(meap, "math4", COVARIATES, (), None, ())
    family = sm.families.Binomial(link=sm.families.links.Probit())
    model = sm.GEE(
        data.y, data.x, groups=data.unit, family=family, cov_struct=sm.cov_struct.Exchangeable()
    )
    expected = model.fit(maxiter=200, ctol=1e-10).bse[:3]
    got = ma.fractional_panel(
        meap, "math4", covariates=COVARIATES, method="gee", scale="coefficient"
    )
    np.testing.assert_allclose(got.std_error, expected, rtol=1e-4)
