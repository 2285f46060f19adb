"""Bacon weights, pre-test and power: published and R numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import medalliance as ma
from medalliance.diagnostics._pretrend_power import detectable_slope


@pytest.fixture(scope="module")
def castle(shared):
    frame = pd.read_csv(shared("oracles/castle_bacondecomp.csv"))
    frame["effyear"] = frame["effyear"].fillna(0).astype(int)
    return ma.Panel.from_frame(frame, unit="sid", year="year", cohort="effyear")


def test_bacon_weights_of_the_castle_doctrine_laws(castle):
    table = ma.bacon_decomposition(castle, "l_homicide")
    assert table.twfe == pytest.approx(0.0818116, abs=5e-8)
    found = table.by_comparison.set_index("comparison")
    for comparison, weight, estimate in (
        ("earlier_vs_later", 0.059763, -0.005542),
        ("later_vs_earlier", 0.031898, 0.070321),
        ("treated_vs_never", 0.908339, 0.087962),
    ):
        assert found.loc[comparison, "weight"] == pytest.approx(weight, abs=6e-7)
        assert found.loc[comparison, "estimate"] == pytest.approx(estimate, abs=6e-7)
    fitted = ma.twfe(castle, "l_homicide").estimate[0]
    assert table.twfe == pytest.approx(fitted, rel=1e-10)


def test_pretest_of_r_did(shared):
    frame = pd.read_csv(shared("oracles/mpdta.csv"))
    panel = ma.Panel.from_frame(frame, unit="countyreal", year="year", cohort="first.treat")
    printed = pd.read_csv(shared("oracles/ref_pretest.csv")).set_index("scenario")
    for scenario, control in (
        ("mpdta_nev_dr", "never_treated"),
        ("mpdta_nyt_dr", "not_yet_treated"),
    ):
        effects = ma.att_gt(panel, "lemp", control_group=control)
        table = ma.pretrend_test(effects)
        assert table["statistic"][0] == pytest.approx(printed.loc[scenario, "W"], rel=1e-6)
        assert table["p_value"][0] == pytest.approx(printed.loc[scenario, "Wpval"], abs=1e-5)


def exact_power(slope):
    """Power with equal correlations .3, by integrating over the common factor."""
    shift, limit = slope * np.array([-3, -2, -1]) / 0.2, stats.norm.ppf(0.975)

    def inside(common):
        ends = [(np.sqrt(0.3) * common + shift + side * limit) / np.sqrt(0.7) for side in (1, -1)]
        return np.prod(stats.norm.cdf(ends[0]) - stats.norm.cdf(ends[1])) * stats.norm.pdf(common)

    return 1 - integrate.quad(inside, -9, 9, epsabs=1e-12)[0]


# R's root finder stops within .Machine$double.eps^0.25 = 1.2e-4 of the root.
@pytest.mark.parametrize(("power", "printed"), [(0.5, 0.11085490751343), (0.8, 0.168538720656777)])
def test_slope_detected_as_in_r_pretrends(power, printed):
    slope = detectable_slope(np.array([-3.0, -2, -1]), 0.028 * np.eye(3) + 0.012, power)
    assert slope == pytest.approx(printed, abs=1.2e-4)
    assert exact_power(slope) == pytest.approx(power, abs=1e-5)
