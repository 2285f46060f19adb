"""What the two-way coefficient is made of."""

import numpy as np
import pytest

import medalliance as ma
from medalliance.errors import DesignError


@pytest.mark.parametrize("seed", range(3))
def test_bacon_adds_up_to_the_coefficient(simulated, seed):
    panel = simulated(seed=seed, by_cluster=False, treated=40)
    table = ma.bacon_decomposition(panel, "y")
    assert table["weight"].sum() == pytest.approx(1)
    assert (table["weight"] > 0).all()
    assert table.twfe == pytest.approx(ma.twfe(panel, "y").estimate[0], rel=1e-9)


def test_bacon_names_always_treated_controls(simulated):
    panel = simulated(treated=30, by_cluster=False)
    early = panel.frame["cohort"].where(panel.frame["cohort"] != 2013, 2009)
    moved = panel.with_columns(cohort=early)
    table = ma.bacon_decomposition(moved, "y", already_treated=True)
    assert "treated_vs_always" in set(table["comparison"])
    assert (table["treated_cohort"] != 2009).all()
    assert "treated when first seen kept: twfe leaves them out" in table.foot


@pytest.mark.parametrize("weights", [None, "w"])
def test_decompositions_have_the_sample_of_twfe(simulated, weights):
    panel = simulated(treated=30, by_cluster=False)
    early = panel.frame["cohort"].where(panel.frame["cohort"] != 2013, 2009)
    moved = panel.with_columns(cohort=early, w=1.0 + panel.unit_codes % 3)
    fitted = ma.twfe(moved, "y", weights=weights)
    table = ma.bacon_decomposition(moved, "y", weights=weights)
    assert fitted.design.n_left_out > 0
    assert (table["weight"] * table["estimate"]).sum() == pytest.approx(fitted.estimate[0])
    assert "treated_vs_always" not in set(table["comparison"])
    said = f"{fitted.design.n_left_out} units treated when first seen left out, as in twfe."
    assert said in table.foot
    cells = ma.twfe_weights(moved, "y", weights=weights)
    assert 2009 not in set(cells["cohort"])
    assert said in cells.foot


def test_bacon_refuses_gaps(simulated):
    with pytest.raises(DesignError, match="balanced"):
        ma.bacon_decomposition(simulated(gaps=0.1), "y")
    with pytest.raises(DesignError, match="no two cohorts"):
        ma.bacon_decomposition(simulated(treated=0), "y")


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_twfe_weights_recover_the_coefficient_from_known_effects(simulated, gaps):
    """Without noise the coefficient is the weighted sum of the effects of the cells."""
    panel = simulated(treated=60, by_cluster=False, gaps=gaps)
    frame = panel.frame
    treated = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
    effect = treated * (1 + (frame["year"] - frame["cohort"]) ** 2)
    panel = panel.with_columns(y=effect + 0.3 * frame["county"] - 0.7 * (frame["year"] - 2010))
    table = ma.twfe_weights(panel, "y")
    assert table["weight"].sum() == pytest.approx(1)
    total = (table["weight"] * (1 + table["event_time"] ** 2)).sum()
    assert total == pytest.approx(ma.twfe(panel, "y").estimate[0], rel=1e-8)
    assert table.n_negative > 0
    assert table.sum_negative == table.loc[table["weight"] < 0, "weight"].sum()


def test_pretrend_reading_never_says_that_trends_are_parallel(simulated, event_study):
    effects = ma.att_gt(simulated(), "y").aggregate("event_time")
    table = ma.pretrend_test(effects)
    assert list(table["power"]) == [0.5, 0.8]
    assert (table["slope"] > 0).all()
    assert "detected with probability 0.8" in table.reading
    far = event_study([-3, -2, 0], [5.0, 4.0, 1.0], 0.1 * np.eye(3))
    assert "is rejected" in ma.pretrend_test(far).reading


def test_pretrend_statistic_is_a_wald_test(event_study):
    sigma = 0.1 * np.eye(4) + 0.05
    effects = event_study([-3, -2, 0, 1], [0.3, -0.1, 1.0, 2.0], sigma)
    table = ma.pretrend_test(effects)
    b = np.array([0.3, -0.1])
    assert table["statistic"][0] == pytest.approx(b @ np.linalg.inv(sigma[:2, :2]) @ b)
    assert table["dof"][0] == 2
    np.testing.assert_allclose(table["implied_bias"], 1.5 * table["slope"])


def test_pretrend_refusals(simulated, event_study):
    with pytest.raises(DesignError, match="shows no effects before"):
        ma.pretrend_test(ma.twfe(simulated(), "y"))
    with pytest.raises(DesignError, match="no pre-period effect has a standard error"):
        ma.pretrend_test(event_study([0, 1], [1.0, 1.0], np.eye(2)))
    with pytest.raises(DesignError, match="shows no effects before"):
        ma.pretrend_test(ma.did_imputation(simulated(), "y"))
    with pytest.raises(DesignError, match="cannot be reached"):
        ma.pretrend_test(event_study([-2, 0], [0.1, 1.0], np.eye(2)), power=(0.01,))


def test_pretrend_test_needs_more_clusters_than_effects(simulated):
    cells = ma.att_gt(simulated(n_clusters=12, treated=8), "y")
    with pytest.raises(DesignError, match="singular: there are 12 clusters"):
        ma.pretrend_test(cells)
    few = ma.pretrend_test(
        ma.att_gt(simulated(n_clusters=9, treated=6), "y").aggregate("event_time")
    )
    assert "9 clusters a joint test of 4 effects cannot be made" in few.reading
    assert np.isnan(few.p_value)
    many = ma.att_gt(simulated(n_clusters=60, per_cluster=1, treated=20), "y")
    reading = ma.pretrend_test(many.aggregate("event_time")).reading
    assert "rejects too often" not in reading
