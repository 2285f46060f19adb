"""Randomisation, Conley-Taber and Romano-Wolf on finished effects."""

import numpy as np
import pytest

import medalliance as ma
from medalliance.errors import DesignError


def test_randomisation_test_permutes_clusters(simulated):
    panel = simulated(n_clusters=6, treated=2, effect=3.0)
    effects = ma.twfe(panel, "y")
    table = ma.randomisation_test(effects, panel, n_draws=40, statistic="estimate")
    assert table["permuted"][0] == "every assignment of clusters"
    assert table["n_draws"][0] == 30
    assert table["p_value"][0] == pytest.approx(1 / 30)
    assert table["statistic"][0] == pytest.approx(effects.estimate[0])


def test_randomisation_test_of_mixed_clusters_permutes_units(simulated):
    panel = simulated(by_cluster=False, treated=10)
    table = ma.randomisation_test(ma.att_gt(panel, "y"), panel, n_draws=19, seed=1)
    assert table["permuted"][0] == "units"
    assert len(table.draws) == 19


def test_randomisation_test_stays_within_strata(simulated):
    panel = simulated(n_clusters=6, treated=2)
    effects = ma.twfe(panel, "y")
    table = ma.randomisation_test(
        effects, panel, strata="province", n_draws=40, statistic="estimate"
    )
    assert table["n_draws"][0] == 9
    with pytest.raises(DesignError, match="no column 'nation'"):
        ma.randomisation_test(effects, panel, strata="nation")
    with pytest.raises(DesignError, match="changes within the cluster"):
        ma.randomisation_test(effects, panel.with_columns(s=panel.unit_codes), strata="s")


def test_conley_taber_law_comes_from_untreated_clusters(simulated):
    panel = simulated(n_clusters=20, treated=2, effect=2.0)
    effects = ma.twfe(panel, "y")
    table = ma.conley_taber(effects)
    assert table["estimate"][0] == effects.estimate[0]
    assert (table["n_treated_clusters"][0], table["n_control_clusters"][0]) == (2, 18)
    assert table["n_draws"][0] == 18**2
    assert table["conf_low"][0] < 2 < table["conf_high"][0]
    assert table["p_value"][0] < 0.05
    event_study = ma.conley_taber(ma.twfe(panel, "y", event_study=True), sizes=True)
    assert event_study["method"][0] == "Ferman-Pinto"


def test_conley_taber_by_hand_with_units_as_clusters(simulated):
    """Treatment path and residuals from dummies, as in the paper."""
    panel = simulated(n_clusters=12, per_cluster=1, treated=1)
    found = ma.conley_taber(ma.twfe(panel, "y"))
    frame = panel.frame
    d = panel.grid(((frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])).astype(float))
    y = panel.grid(frame["y"])

    def within(a):
        return a - a.mean(axis=0) - a.mean(axis=1, keepdims=True) + a.mean()

    path, outcome = within(d), within(y)
    coef = (path * outcome).sum() / (path**2).sum()
    law = (outcome - coef * path)[1:] @ path[0] / (path[0] @ path[0])
    assert found["conf_low"][0] == pytest.approx(coef - law.max())
    assert found["conf_high"][0] == pytest.approx(coef - law.min())


def test_conley_taber_refusals(simulated):
    with pytest.raises(DesignError, match="needs the regression"):
        ma.conley_taber(ma.att_gt(simulated(), "y"))
    with pytest.raises(DesignError, match="10 treated, 6 untreated"):
        ma.conley_taber(ma.twfe(simulated(treated=10), "y"))
    panel = simulated(per_cluster=1, treated=2)
    gap = panel.keep(~((panel.frame["county"] == 9) & (panel.frame["year"] == 2012)))
    with pytest.raises(DesignError, match="miss a year"):
        ma.conley_taber(ma.twfe(gap, "y"))


def test_romano_wolf_over_outcomes(simulated):
    panel = simulated(n_clusters=30, treated=15, effect=1.5)
    panel = panel.with_columns(twin=2 * panel.frame["y"])
    three = [ma.att_gt(panel, name).aggregate("event_time") for name in ("y", "z", "twin")]
    table = ma.romano_wolf(three, n_draws=1_999)
    assert list(table["outcome"]) == ["y", "z", "twin"]
    assert (table["p_adjusted"] >= table["p_value"]).all()
    assert table["p_adjusted"][0] == pytest.approx(table["p_adjusted"][2])
    assert table["p_adjusted"][0] < 0.05 < table["p_adjusted"][1]
    np.testing.assert_allclose(table["estimate"], [e.overall.estimate[0] for e in three])
    alone = ma.romano_wolf(three[:1], n_draws=1_999)
    assert alone["p_adjusted"][0] == alone["p_value"][0] == table["p_value"][0]


def test_romano_wolf_matches_clusters_by_their_units(simulated):
    """An outcome that is missing for a cluster keeps the draws of the others."""
    panel = simulated(n_clusters=20, treated=10)
    lost = panel.frame["prefecture"] == "p00"
    panel = panel.with_columns(twin=panel.frame["y"].mask(lost))
    alone = ma.romano_wolf([ma.att_gt(panel.keep(~lost), "y")] * 2, n_draws=999)
    pair = ma.romano_wolf([ma.att_gt(panel, "y"), ma.att_gt(panel, "twin")], n_draws=999)
    assert "20 clusters" in pair.foot
    assert pair["t_statistic"][1] == pytest.approx(alone["t_statistic"][0])


def test_romano_wolf_refusals(simulated, event_study):
    with pytest.raises(DesignError, match="no estimates"):
        ma.romano_wolf([])
    with pytest.raises(DesignError, match="1 treated cluster"):
        ma.romano_wolf([ma.twfe(simulated(treated=1), "y")])
    with pytest.raises(DesignError, match="no influence functions"):
        ma.romano_wolf([event_study([-2, 0], [0.0, 1.0], np.eye(2))])
