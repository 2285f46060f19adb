"""etwfe against R etwfe and Stata jwdid on the minimum-wage panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma


@pytest.fixture(scope="module")
def mpdta(shared) -> ma.Panel:
    frame = pd.read_csv(shared("oracles/mpdta.csv"))
    return ma.Panel.from_frame(frame, unit="countyreal", year="year", cohort="first.treat")


def test_jwdid_without_covariates(mpdta):
    found = ma.etwfe(mpdta, "lemp")
    expected = {
        (2004, 2004): -0.019372363675909551,
        (2004, 2005): -0.078319099062053255,
        (2004, 2006): -0.13607811444031598,
        (2004, 2007): -0.10470747157659592,
        (2006, 2006): 0.0025138619419130628,
        (2006, 2007): -0.039192735591725474,
        (2007, 2007): -0.043106032808698021,
    }
    keys = list(zip(found.terms["cohort"], found.terms["year"], strict=True))
    assert keys == list(expected)
    np.testing.assert_allclose(found.estimate, list(expected.values()), rtol=1e-10)


def test_jwdid_standard_errors_up_to_the_parameters_it_counts(mpdta):
    """jwdid absorbs units, so it counts 7 cells and 5 years; we count 3 cohort effects more."""
    found = ma.etwfe(mpdta, "lemp")
    ours, theirs = 2500 - (7 + 5 + 3), 2500 - (7 + 5)
    std_error = found.std_error[[0, 6]] * np.sqrt(ours / theirs)
    np.testing.assert_allclose(std_error, [0.022381770443295975, 0.018431147223806212], rtol=1e-6)


def test_r_etwfe_with_a_covariate(mpdta):
    found = ma.etwfe(mpdta, "lemp", covariates=["lpop"]).aggregate("event_time")
    np.testing.assert_allclose(found.estimate, [-0.0332, -0.0573, -0.1379, -0.1095], atol=5e-5)
    np.testing.assert_allclose(found.std_error, [0.0134, 0.0171, 0.0308, 0.0323], atol=5.1e-5)


def test_never_treated_controls_are_group_time_effects_of_r_did(mpdta, shared):
    """Without covariates, leads and lags against g-1 are R did's universal-base cells."""
    reference = pd.read_csv(shared("oracles/ref_attgt.csv"))
    reference = reference[reference["scenario"] == "mpdta_nev_dr"]
    found = ma.etwfe(mpdta, "lemp", control_group="never_treated").to_frame(bands=False)
    joined = reference.merge(found, left_on=["group", "t"], right_on=["cohort", "year"])
    post = joined[joined["year"] >= joined["cohort"]]
    assert len(post) == 7
    np.testing.assert_allclose(post["estimate"], post["att"], rtol=1e-6)
    # R did has no small-sample factor; G = 500, N = 2500, K = 4 + 5 - 1 + 12
    factor = np.sqrt(500 / 499 * 2499 / (2500 - 20))
    np.testing.assert_allclose(post["std_error"] / factor, post["se"], rtol=1e-6)
