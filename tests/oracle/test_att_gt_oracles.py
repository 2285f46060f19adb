"""Group-time effects on the minimum-wage panel against R did (see ../shared/oracles/README.md)."""

import numpy as np
import pandas as pd
import pytest

from medalliance import Panel, att_gt
from medalliance.estimators._two_by_two import panel_effect, rows_effect
from medalliance.results._cluster import cluster_sums

SCENARIOS = {
    "mpdta_nev_dr": {"control_group": "never_treated", "method": "dr"},
    "mpdta_nev_ipw": {"control_group": "never_treated", "method": "ipw"},
    "mpdta_nyt_dr": {"control_group": "not_yet_treated", "method": "dr"},
    "mpdta_nev_reg_cov": {
        "control_group": "never_treated",
        "method": "reg",
        "covariates": ["lpop"],
    },
}
KIND = {"simple": "simple", "group": "cohort", "dynamic": "event_time", "calendar": "year"}


@pytest.fixture(scope="module")
def mpdta(shared):
    data = pd.read_csv(shared("oracles/mpdta.csv"))
    return Panel.from_frame(data, unit="countyreal", year="year", cohort="first.treat")


@pytest.fixture(scope="module", params=list(SCENARIOS))
def scenario(request, mpdta):
    return request.param, att_gt(mpdta, "lemp", **SCENARIOS[request.param])


def test_cells_equal_r_did(scenario, shared):
    name, effects = scenario
    table = pd.read_csv(shared("oracles/ref_attgt.csv"))
    table = table[table["scenario"] == name]
    ours = effects.to_frame(bands=False).set_index(["cohort", "year"])
    assert len(ours) == len(table)
    keys = list(zip(table["group"], table["t"], strict=True))
    np.testing.assert_allclose(ours.loc[keys, "estimate"], table["att"], rtol=1e-6)
    np.testing.assert_allclose(ours.loc[keys, "std_error"], table["se"], rtol=1e-6)


@pytest.mark.parametrize("kind", list(KIND))
def test_averages_equal_r_did(scenario, shared, kind):
    name, effects = scenario
    table = pd.read_csv(shared("oracles/ref_aggte.csv"))
    table = table[(table["scenario"] == name) & (table["type"] == kind)]
    ours = effects.aggregate(KIND[kind])
    overall = ours.overall
    np.testing.assert_allclose(overall.estimate[0], table["overall_att"].iloc[0], rtol=1e-6)
    np.testing.assert_allclose(overall.std_error[0], table["overall_se"].iloc[0], rtol=1e-6)
    if kind != "simple":
        np.testing.assert_allclose(ours.estimate, table["att_egt"], rtol=1e-6)
        np.testing.assert_allclose(ours.std_error, table["se_egt"], rtol=1e-6)


def test_pretest_statistic_equals_r_did(scenario, shared):
    name, effects = scenario
    wald = pd.read_csv(shared("oracles/ref_pretest.csv")).set_index("scenario").loc[name, "W"]
    pre = (effects.terms["year"] < effects.terms["cohort"]).to_numpy()
    estimate = effects.estimate[pre]
    statistic = estimate @ np.linalg.solve(effects.vcov[np.ix_(pre, pre)], estimate)
    assert statistic == pytest.approx(wald, rel=1e-6)


@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
def test_covariate_paths_equal_the_closed_form_with_a_constant(mpdta, method):
    effects = att_gt(mpdta, "lemp", control_group="never_treated")
    lemp = mpdta.grid(mpdta.frame["lemp"])
    rows = np.isin(mpdta.cohort_by_unit, [0, 2004])
    treated, ones, count = mpdta.cohort_by_unit[rows] == 2004, np.ones((rows.sum(), 1)), rows.sum()
    at = int(np.flatnonzero((effects.terms["cohort"] == 2004) & (effects.terms["year"] == 2006))[0])
    change = lemp[rows, 3] - lemp[rows, 0]
    effect, influence = panel_effect(change, treated, ones, ones[:, 0], method)
    assert effect == pytest.approx(effects.estimate[at], rel=1e-10)
    np.testing.assert_allclose(influence / count, effects.influence[rows, at] / 500, atol=1e-12)
    effect, influence = rows_effect(
        np.concatenate([lemp[rows, 0], lemp[rows, 3]]),
        np.repeat([False, True], count),
        np.tile(treated, 2),
        np.ones((2 * count, 1)),
        np.ones(2 * count),
        method,
    )
    assert effect == pytest.approx(effects.estimate[at], rel=1e-10)
    by_unit = (influence[:count] + influence[count:]) / (2 * count)
    np.testing.assert_allclose(by_unit, effects.influence[rows, at] / 500, atol=1e-12)


def test_clustering_above_the_unit_adds_influence_by_cluster(mpdta):
    clustered = Panel.from_frame(
        mpdta.frame.assign(state=mpdta.frame["countyreal"] // 1000),
        unit="countyreal",
        year="year",
        cohort="first.treat",
        cluster="state",
    )
    effects = att_gt(clustered, "lemp").aggregate("event_time")
    sums = cluster_sums(effects.influence, effects.units.cluster) / 500
    # the first cohort is of one state: what it alone reaches has no variance
    known = np.isin(effects.terms["event_time"], [-3, -2, -1, 0, 1])
    both = np.ix_(known, known)
    np.testing.assert_allclose(effects.vcov[both], (sums.T @ sums)[both])
    assert np.isnan(effects.vcov[~known]).all()
    assert effects.design.n_clusters == clustered.frame["state"].nunique()
