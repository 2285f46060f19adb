"""Neyman's variance against textbook definitions and an exact t test."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import medalliance as ma
from medalliance.panel import Panel


@pytest.fixture(scope="module")
def mpdta(shared):
    data = pd.read_csv(shared("oracles/mpdta.csv"))
    return Panel.from_frame(data, unit="countyreal", year="year", cohort="first.treat")


def definition(frame, cells, weights):
    """Sum ``A_g' S_g A_g / N_g`` over cohorts, S_g the covariance of yearly outcomes (N_g - 1).

    The cells are group-time contrasts with controls not yet treated and the year before as base.
    """
    wide = frame.pivot_table(index="countyreal", columns="year", values="lemp")
    cohort = frame.groupby("countyreal")["first.treat"].first().loc[wide.index]
    total, estimate = 0.0, 0.0
    loads = {g: pd.Series(0.0, index=wide.columns) for g in cohort.unique()}
    for (g, year), weight in zip(cells, weights, strict=True):
        base = g - 1
        controls = [h for h in loads if h == 0 or h > year]
        count = sum((cohort == h).sum() for h in controls)
        loads[g][year] += weight
        loads[g][base] -= weight
        for h in controls:
            part = weight * (cohort == h).sum() / count
            loads[h][year] -= part
            loads[h][base] += part
    for g, load in loads.items():
        mine = wide[cohort == g].to_numpy()
        estimate += mine.mean(axis=0) @ load.to_numpy()
        total += load.to_numpy() @ np.cov(mine.T) @ load.to_numpy() / len(mine)
    return estimate, np.sqrt(total)


def test_group_time_errors_equal_the_definition_of_staggered_roll_outs(mpdta):
    effects = ma.neyman_variance(
        ma.att_gt(mpdta, "lemp", control_group="not_yet_treated", method="reg")
    )
    frame = effects.to_frame(bands=False)
    late = frame[frame["year"] >= frame["cohort"]]
    cells = list(zip(late["cohort"], late["year"], strict=True))
    for k, cell in zip(late.index, cells, strict=True):
        estimate, error = definition(mpdta.frame, [cell], [1.0])
        assert effects.estimate[k] == pytest.approx(estimate, rel=1e-9)
        assert effects.std_error[k] == pytest.approx(error, rel=1e-9)
    size = mpdta.frame.groupby("first.treat")["countyreal"].nunique()
    weights = np.array([size[g] for g, _ in cells], float)
    estimate, error = definition(mpdta.frame, cells, weights / weights.sum())
    simple = effects.aggregate("simple")
    assert simple.estimate[0] == pytest.approx(estimate, rel=1e-9)
    assert simple.std_error[0] == pytest.approx(error, rel=1e-9)


def two_periods(n_treated, n_controls, seed=0):
    rng = np.random.default_rng(seed)
    n = n_treated + n_controls
    treated = np.arange(n) < n_treated
    change = rng.normal(0.3 * treated, np.where(treated, 2.0, 0.7))
    level = rng.normal(5, 1, n)
    frame = pd.DataFrame(
        {
            "unit": np.tile(np.arange(n), 2),
            "year": np.repeat([2019, 2020], n),
            "cohort": np.tile(np.where(treated, 2020, 0), 2),
            "y": np.concatenate([level, level + change]),
        }
    )
    panel = Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
    return panel, stats.ttest_ind(change[treated], change[~treated], equal_var=False)


@pytest.mark.parametrize("n_treated", [2, 5, 30])
@pytest.mark.parametrize(
    "estimator", [ma.twfe, ma.att_gt, ma.did_imputation, ma.etwfe, ma.stacked_did, ma.sun_abraham]
)
def test_two_groups_and_two_years_are_welchs_t_test(estimator, n_treated):
    panel, welch = two_periods(n_treated, 35)
    options = {"window": (1, 0)} if estimator is ma.stacked_did else {}
    one = ma.neyman_variance(estimator(panel, "y", **options)).overall
    row = one.to_frame(bands=False).iloc[0]
    assert one.dof[0] == pytest.approx(welch.df, rel=1e-8)
    assert row["estimate"] / row["std_error"] == pytest.approx(welch.statistic, rel=1e-8)
    assert row["p_value"] == pytest.approx(welch.pvalue, rel=1e-8)
    low, high = welch.confidence_interval()
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high), rel=1e-8)
