"""Diagnostics that estimate again: placebos, leave-one-out, detectable effects."""

import numpy as np
import pytest
from scipy import stats

import medalliance as ma
from medalliance.errors import DesignError


@pytest.mark.parametrize("by", ["cluster", "cohort"])
def test_leave_one_out_estimates_on_what_is_left(simulated, by):
    panel = simulated()
    effects = ma.att_gt(panel, "y").aggregate("event_time")
    table = ma.leave_one_out(effects, panel, by=by)
    column = {"cluster": "prefecture", "cohort": "cohort"}[by]
    assert len(table) == (16 if by == "cluster" else 3)
    row = table.iloc[0]
    kept = panel.keep((panel.frame[column] != row["left_out"]).to_numpy())
    again = ma.att_gt(kept, "y").aggregate("event_time").overall
    assert row["estimate"] == pytest.approx(again.estimate[0])
    assert row["std_error"] == pytest.approx(again.std_error[0])
    assert row["change"] == pytest.approx(again.estimate[0] - effects.overall.estimate[0])
    assert table["change"].abs().is_monotonic_decreasing


def test_leave_one_out_by_cluster_is_the_jackknife(simulated):
    panel = simulated(n_clusters=9, treated=5)
    effects = ma.twfe(panel, "y")
    table = ma.leave_one_out(effects, panel)
    jackknife = ma.robust_variance(effects, "crv3", small_sample=False).std_error[0]
    assert table.jackknife_std_error == pytest.approx(jackknife, rel=1e-8)


def test_leave_one_out_says_why_there_is_no_estimate(simulated):
    panel = simulated(treated=1)
    table = ma.leave_one_out(ma.twfe(panel, "y"), panel)
    lost = table[table["left_out"] == "p00"].iloc[0]
    assert np.isnan(lost["estimate"])
    assert "no unit starts treatment" in lost["note"]
    assert np.isnan(table.jackknife_std_error)
    with pytest.raises(DesignError, match="no column 'county_type'"):
        ma.leave_one_out(ma.twfe(panel, "y"), panel, by="county_type")


def test_placebo_dates_use_untreated_years_alone(simulated):
    panel = simulated(treated=8)
    treated = (panel.frame["cohort"] > 0) & (panel.frame["year"] >= panel.frame["cohort"])
    spoiled = panel.with_columns(y=panel.frame["y"] + 1e6 * treated)
    effects = ma.att_gt(spoiled, "y")
    table = ma.placebo_dates(effects, spoiled, shifts=(1, 2))
    assert list(table["shift"]) == [1, 2]
    assert (table["estimate"].abs() < 2).all()
    assert (table["std_error"] > 0).all()
    anticipated = ma.att_gt(spoiled, "y", anticipation=1)
    assert np.isfinite(ma.placebo_dates(anticipated, spoiled, shifts=(1,))["estimate"][0])
    far = ma.placebo_dates(effects, spoiled, shifts=(9,)).iloc[0]
    assert np.isnan(far["estimate"])
    assert far["note"]
    with pytest.raises(DesignError, match="positive numbers of years"):
        ma.placebo_dates(effects, spoiled, shifts=(0,))


def test_placebo_outcomes_stand_beside_the_headline(simulated):
    panel = simulated()
    effects = ma.att_gt(panel, "y").aggregate("event_time")
    table = ma.placebo_outcomes(effects, panel, ["z"])
    assert list(table["role"]) == ["headline", "placebo"]
    assert table["estimate"][0] == pytest.approx(effects.overall.estimate[0])
    expected = ma.att_gt(panel, "z").aggregate("event_time").overall
    assert table["estimate"][1] == pytest.approx(expected.estimate[0])
    with pytest.raises(DesignError, match="no placebo outcome"):
        ma.placebo_outcomes(effects, panel, [])


def test_placebo_outcomes_refuse_a_name_that_nobody_knows(simulated):
    panel = simulated().with_columns(visits_out=1.0)
    effects = ma.att_gt(panel, "y")
    for names in ("visits_ot", ["z", "visits_ot"]):
        with pytest.raises(DesignError, match=r"'visits_ot' is neither a column") as refusal:
            ma.placebo_outcomes(effects, panel, names)
        advice = str(refusal.value).splitlines()[1]
        assert advice.startswith("  Did you mean visits_out, ")
        assert advice.count(", ") == 2
    with pytest.raises(DesignError, match="named by one text"):
        ma.placebo_outcomes(effects, panel, [None])
    own = ma.att_gt(panel.with_columns(elsewhere=panel.frame["y"]), "elsewhere")
    with pytest.raises(DesignError, match="'elsewhere' is neither"):
        ma.placebo_outcomes(own, panel, ["z"])


def test_placebo_outcomes_note_what_the_panel_cannot_give(simulated):
    panel = simulated()
    late = panel.frame["year"] >= panel.frame["cohort"].where(panel.frame["cohort"] > 0, 9999)
    panel = panel.with_columns(only_before=panel.frame["z"].mask(late), words="a")
    reasons = {
        "only_before": "both in the base year and after treatment starts",
        "words": "'words' is not numeric",
        "fund_surplus_rate": "the panel lacks budget, spending",
    }
    table = ma.placebo_outcomes(ma.att_gt(panel, "y"), panel, [*reasons, "z"]).set_index("outcome")
    for name, reason in reasons.items():
        assert np.isnan(table["estimate"][name]) and reason in table["note"][name]
    assert table["note"]["z"] == "" and np.isfinite(table["estimate"]["z"])


def test_detectable_effect_is_a_multiple_of_the_spread(simulated):
    panel = simulated(treated=8)
    effects = ma.twfe(panel, "y")
    table = ma.minimum_detectable_effect(effects, panel, power=(0.8, 0.9), n_draws=60, seed=1)
    assert (table["std_deviation"] == table["std_deviation"][0]).all()
    factor = stats.t.ppf(0.975, 15) + stats.t.ppf(0.8, 15)
    found = table["minimum_detectable_effect"]
    assert found[0] == pytest.approx(factor * table["std_deviation"][0])
    assert found[1] > found[0]


def test_detectable_effect_does_not_depend_on_the_true_effect(simulated):
    """Effects are taken out cell by cell before cohorts are drawn again."""
    tables = [
        ma.minimum_detectable_effect(ma.twfe(panel, "y"), panel, n_draws=20, seed=1)
        for panel in (simulated(treated=8, effect=0.0), simulated(treated=8, effect=50.0))
    ]
    assert tables[0]["std_deviation"][0] == pytest.approx(tables[1]["std_deviation"][0], rel=1e-8)


def test_detectable_effect_is_detected_with_its_power():
    """Independent units: the known standard deviation of a difference in changes."""
    rng = np.random.default_rng(0)
    import pandas as pd

    unit, year = np.repeat(np.arange(200), 2), np.tile([2010, 2011], 200)
    frame = pd.DataFrame(
        {"u": unit, "t": year, "g": np.where(unit < 100, 2011, 0), "y": rng.normal(size=400)}
    )
    panel = ma.Panel.from_frame(frame, unit="u", year="t", cohort="g")
    table = ma.minimum_detectable_effect(ma.att_gt(panel, "y"), panel, n_draws=300, seed=0)
    assert table["std_deviation"][0] == pytest.approx(0.2, rel=0.15)
    assert table["minimum_detectable_effect"][0] == pytest.approx(2.8 * 0.2, rel=0.17)


def test_refusals(simulated, event_study):
    hand = event_study([-2, 0], [0.0, 1.0], np.eye(2))
    panel = simulated()
    for call in (
        lambda: ma.leave_one_out(hand, panel),
        lambda: ma.placebo_dates(hand, panel),
        lambda: ma.placebo_outcomes(hand, panel, ["z"]),
        lambda: ma.minimum_detectable_effect(hand, panel),
        lambda: ma.randomisation_test(hand, panel),
    ):
        with pytest.raises(DesignError, match="estimates again"):
            call()
    with pytest.raises(DesignError, match="power"):
        ma.minimum_detectable_effect(ma.twfe(panel, "y"), panel, power=(80,))
    everyone = simulated(treated=16)
    with pytest.raises(DesignError, match="no untreated unit in 2015"):
        ma.minimum_detectable_effect(ma.twfe(everyone, "y"), everyone)
