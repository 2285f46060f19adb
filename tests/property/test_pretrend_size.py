"""With 20 clusters the joint test of pre-trends and the band reject about as often as they say."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import medalliance as ma

DRAWS = 120
N_CLUSTERS, PER, N_YEARS = 20, 3, 7
CALLS = {
    "att_gt": lambda p: ma.att_gt(p, "y").aggregate("event_time"),
    "did_imputation": lambda p: ma.did_imputation(p, "y", pretrends=3).aggregate("event_time"),
    "twfe": lambda p: ma.twfe(p, "y", event_study=True),
}


def draw_panel(rng):
    """Twelve of 20 clusters start in three years; shocks of clusters persist; no effect at all."""
    cluster = np.repeat(np.arange(N_CLUSTERS), PER)
    cohort = np.r_[np.repeat([2004, 2005, 2006], 4), np.zeros(8, int)][cluster]
    shock = rng.normal(size=(N_CLUSTERS, N_YEARS))
    for t in range(1, N_YEARS):
        shock[:, t] += 0.5 * shock[:, t - 1]
    y = rng.normal(size=(len(cluster), 1)) + rng.normal(size=(len(cluster), N_YEARS))
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(len(cluster)), N_YEARS),
            "year": np.tile(np.arange(2000, 2000 + N_YEARS), len(cluster)),
            "cohort": np.repeat(cohort, N_YEARS),
            "cluster": np.repeat(cluster, N_YEARS),
            "y": (y + shock[cluster]).ravel(),
        }
    )
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", cluster="cluster")


@pytest.mark.parametrize("name", CALLS)
def test_joint_test_and_band_keep_their_size(name):
    rng = np.random.default_rng(20261130)
    joint, outside, chi2 = [], [], []
    for _ in range(DRAWS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            effects = CALLS[name](draw_panel(rng))
            found = ma.pretrend_test(effects, power=[])
            band = ma.simultaneous_band(effects, n_draws=199)
        joint.append(found.p_value < 0.05)
        outside.append(bool(((band["band_low"] > 0) | (band["band_high"] < 0)).any()))
        pre = (effects.terms["event_time"] < 0).to_numpy(bool) & np.isfinite(effects.std_error)
        part = effects.vcov[np.ix_(pre, pre)]
        wald = effects.estimate[pre] @ np.linalg.solve(part, effects.estimate[pre])
        chi2.append(stats.chi2.sf(wald, pre.sum()) < 0.05)
    high = stats.binom.ppf(0.995, DRAWS, 0.05) / DRAWS
    assert np.mean(joint) <= high
    assert np.mean(outside) <= high
    assert np.mean(chi2) > high  # the law for many clusters does not


def test_many_clusters_keep_the_chi_squared_law():
    rng = np.random.default_rng(3)
    unit, year = np.repeat(np.arange(200), 6), np.tile(np.arange(2000, 2006), 200)
    frame = pd.DataFrame({"unit": unit, "year": year, "cohort": np.where(unit % 2, 2004, 0)})
    frame["y"] = rng.normal(size=len(frame))
    panel = ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
    effects = ma.att_gt(panel, "y").aggregate("event_time")
    found = ma.pretrend_test(effects)
    first = found.frame.iloc[0]
    assert first["p_value"] == pytest.approx(stats.chi2.sf(first["statistic"], first["dof"]))
    band = ma.simultaneous_band(effects)
    own = effects.to_frame()
    np.testing.assert_allclose(band["band_low"], own["band_low"], rtol=1e-9)


def test_two_groups_of_one_effect_have_welchs_test():
    """With one pre-period the joint test is the squared t test of Neyman's variance."""
    rng = np.random.default_rng(5)
    unit, year = np.repeat(np.arange(16), 3), np.tile(np.arange(2000, 2003), 16)
    frame = pd.DataFrame({"unit": unit, "year": year, "cohort": np.where(unit < 6, 2002, 0)})
    frame["y"] = rng.normal(size=len(frame)) * np.where(unit < 6, 3, 1)
    panel = ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
    found = ma.pretrend_test(ma.att_gt(panel, "y"))
    change = np.diff(panel.grid(panel.frame["y"])[:, :2], axis=1)[:, 0]
    welch = stats.ttest_ind(change[:6], change[6:], equal_var=False)
    assert found.frame["p_value"].iloc[0] == pytest.approx(welch.pvalue, rel=1e-9)
