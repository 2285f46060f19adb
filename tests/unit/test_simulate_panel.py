"""The simulator: seeded, complete, its truth the difference of two runs, its books balanced."""

import time

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DataError
from medalliance.incentives.batch import solve_batch
from medalliance.incentives.contract import Contract
from medalliance.incentives.technology import Technology
from medalliance.outcomes import OUTCOMES
from medalliance.reforms import load_rules
from medalliance.simulate import GRADED, THREATS, simulate_panel


@pytest.fixture(scope="module")
def base():
    return simulate_panel(60, 12, seed=3)


def test_same_seed_same_bytes(base):
    again = simulate_panel(60, 12, seed=3)
    pd.testing.assert_frame_equal(base.panel.frame, again.panel.frame)
    pd.testing.assert_frame_equal(base.truth, again.truth)
    assert simulate_panel(60, 12, seed=4).panel.data_hash != base.panel.data_hash


def test_every_graded_outcome_has_values_and_truth(base):
    assert set(base.truth["outcome"]) == set(GRADED) <= set(OUTCOMES)
    for name in GRADED:
        assert np.isfinite(ma.outcome_values(base.panel, name)).any(), name
    assert base.panel.badge.value == "SYNTHETIC"
    assert base.panel.frame["county_name"].str.fullmatch(r"County \d{3}").all()


def test_truth_of_all_channels_is_the_difference_of_two_runs(base):
    """Untreated years are the same in both runs, so an oracle comparison can be made by hand."""
    none = simulate_panel(60, 12, seed=3, rules=None)
    frames = [base.panel.frame, none.panel.frame]
    before = frames[0]["year"] < frames[0]["cohort"].where(frames[0]["cohort"] > 0, 9999)
    for column in ("spending", "visits_village", "pay_T_physician", "insured_n"):
        assert np.array_equal(frames[0].loc[before, column], frames[1].loc[before, column])
    values = [ma.outcome_values(p.panel, "log_spending_per_insured") for p in (base, none)]
    effect = pd.Series(values[0] - values[1])[~before].mean()
    assert base.effect("log_spending_per_insured") == pytest.approx(effect, abs=1e-12)
    assert (none.truth["att"] == 0).all()


def test_spending_identity_holds_in_the_truth(base):
    get = base.effect
    split = get("log_spending_per_insured") - get("log_budget_per_insured")
    assert get("log_spending_to_budget") == pytest.approx(split, abs=1e-12)


def test_channels_carry_what_their_name_says(base):
    share, pay, spend = (
        "primary_care_visit_share", "log_remuneration_per_fte_township",
        "log_spending_per_insured",
    )  # fmt: skip
    assert base.effect(share, "shares") == pytest.approx(base.effect(share), abs=1e-12)
    assert 0 < base.effect(share, "pay") < base.effect(share)
    assert base.effect(pay, "pay") == pytest.approx(base.effect(pay), rel=0.02)
    assert base.effect(spend, "incentive") < 0
    assert base.effect(spend, "shares") < 0


def test_effects_have_the_signs_of_the_model(base):
    assert base.effect("log_spending_per_insured") < 0
    assert base.effect("notional_surplus_rate") > 0
    assert base.effect("log_remuneration_per_fte_township") > 0
    assert base.effect("primary_care_visit_share") > 0


def test_event_times_average_to_the_headline(base):
    by_event = base.by_event("primary_care_visit_share")
    assert list(by_event.index) == list(range(8))
    head = base.effect("primary_care_visit_share", horizon=3)
    assert head == pytest.approx(by_event[:4].mean(), abs=1e-12)


def test_two_sided_rules_draw_more_effort_than_one_sided():
    effects = {
        name: simulate_panel(60, 8, seed=1, rules=name, channels=False).effect(
            "log_spending_per_insured"
        )
        for name in ("one_sided", "split_631", "primary_care_group_two_sided")
    }
    assert effects["primary_care_group_two_sided"] < effects["one_sided"] < 0
    assert effects["split_631"] < effects["one_sided"]


def test_deducting_outside_care_first_changes_no_incentive():
    """Budget and spending fall by the same sum; only caps and corridors would notice."""
    one, other = (
        simulate_panel(60, 8, seed=1, rules=name, channels=False)
        for name in ("one_sided", "out_of_county_deducted")
    )
    np.testing.assert_allclose(one.truth["att"], other.truth["att"], atol=1e-9)
    technology = Technology(
        members=[1.0], saving=[10.0], outflow_saving=[2.0], effort_cost=[50.0], sigma=3.0,
        price=[1.0], margin=[0.1], margin_pay=0.1, inducement_cost=[1.0], baseline_inducement=[0.0],
        fund_share=0.7, baseline_spending=100.0, outflow_spending=30.0, groups=("lead_hospital",),
    )  # fmt: skip
    capped = [
        Contract(split=[1.0], budget=100.0, gain_cap=0.02, edges="budget", out_of_county=how)
        for how in ("included", "deducted_first")
    ]
    shares = [solve_batch(contract, technology).marginal_share[0] for contract in capped]
    assert shares[0] > shares[1] > 0  # 2 % of a smaller budget is reached sooner


def test_rules_that_leave_outside_care_out_are_refused():
    rule = load_rules("one_sided").replace(out_of_county="excluded")
    with pytest.raises(DataError, match="one_sided leaves out-of-county care out"):
        simulate_panel(60, 8, rules=rule)


def test_rules_are_dealt_to_prefectures():
    found = simulate_panel(100, 8, seed=1, rules=["one_sided", "split_631"], channels=False)
    frame = found.panel.frame
    treated = frame[frame["cohort"] > 0]
    assert set(treated["rule_id"]) == {"one_sided", "split_631"}
    pairs = treated[["prefecture_code", "rule_id"]].drop_duplicates()
    assert pairs["prefecture_code"].is_unique
    assert set(frame[frame["cohort"] == 0]["rule_id"]) == {""}


@pytest.mark.parametrize("threat", THREATS)
def test_threats_leave_a_valid_panel(threat):
    found = simulate_panel(100, 12, seed=2, threats=[threat], channels=False)
    assert found.threats == (threat,)
    assert found.panel.n_units == 100
    assert (found.truth["att"].abs() < 1.5).all()


def test_threats_cannot_both_choose_cohorts():
    with pytest.raises(DataError, match="both choose"):
        simulate_panel(60, 12, threats=["few_treated", "covid"])
    with pytest.raises(DataError, match="no threat"):
        simulate_panel(60, 12, threats=["plague"])
    with pytest.raises(DataError, match="too few"):
        simulate_panel(10, 12)


def test_anticipation_changes_only_the_year_before():
    plain = simulate_panel(60, 12, seed=5, channels=False).panel.frame
    early = simulate_panel(60, 12, seed=5, threats=["anticipation"], channels=False).panel.frame
    moved = plain["spending"] != early["spending"]
    assert (early["year"] - early["cohort"])[moved].eq(-1).all()
    ratio = (early["spending"] / plain["spending"])[moved]
    assert np.allclose(ratio, np.exp(0.06), rtol=1e-6)


def test_a_country_of_counties_takes_seconds():
    start = time.perf_counter()
    found = simulate_panel(2800, 12, seed=1, channels=False)
    assert found.panel.n_units == 2800
    assert time.perf_counter() - start < 30


def test_command_writes_panel_and_truth(tmp_path, capsys):
    from medalliance.__main__ import main

    path = tmp_path / "panel.csv"
    asked = ["simulate", "--counties", "40", "--years", "8", "--threat", "anticipation"]
    assert main([*asked, "-o", str(path)]) == 0
    panel = ma.load_panel(path)
    direct = simulate_panel(40, 8, threats=["anticipation"])
    assert np.allclose(panel.frame["spending"], direct.panel.frame["spending"])
    truth = pd.read_csv(tmp_path / "panel.truth.csv")
    assert np.allclose(truth["att"], direct.truth["att"])
    assert main([*asked, "-o", str(path)]) == 3
    assert "--force" in capsys.readouterr().err
    assert main(["simulate", "--threat", "plague", "-o", str(tmp_path / "no.csv")]) == 1


def test_command_grades_a_little(tmp_path, monkeypatch):
    from medalliance.__main__ import main
    from medalliance.grading import grading, threats

    monkeypatch.setattr(threats, "RECIPES", {"few_treated": threats.RECIPES["few_treated"]})
    monkeypatch.setattr(grading, "DESIGNS", {"no effect": (None, ())})
    monkeypatch.setattr(grading, "FEW", {})
    folder = tmp_path / "graded"
    asked = ["grade", "--draws", "1", "--counties", "100", "--jobs", "1", "--cache",
             str(tmp_path / "cache"), "-o", str(folder)]  # fmt: skip
    assert main(asked) == 0
    assert sorted(p.name for p in folder.iterdir()) == [
        "grading_draws.parquet", "pretrends_draws.parquet", "reach_draws.parquet",
        "threats_draws.parquet",
    ]  # fmt: skip
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").iterdir()}
    assert main(asked) == 0
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").iterdir()}


def test_the_smallest_panel_is_drawn():
    drawn = simulate_panel(20, 6, seed=1)
    assert drawn.panel.n_units == 20
    assert np.isfinite(drawn.truth["att"]).all()


@pytest.mark.parametrize("wrong", [{"n_counties": 40.5}, {"n_years": "12"}, {"seed": "a"}])
def test_a_number_that_is_not_whole_is_named(wrong):
    with pytest.raises(DataError, match=next(iter(wrong))):
        simulate_panel(**{"n_counties": 40, "n_years": 8, "seed": 1} | wrong)


@pytest.fixture(scope="module")
def caring():
    return simulate_panel(40, 8, seed=3, care=True)


def test_care_moves_nothing_where_no_rule_is_in_force(caring):
    """The status quo stays: moments to which the simulator is fitted are those of before."""
    plain = simulate_panel(40, 8, seed=3, channels=False).panel.frame
    frame = caring.panel.frame
    untreated = (frame["cohort"] == 0) | (frame["year"] < frame["cohort"])
    pd.testing.assert_frame_equal(frame.loc[untreated, plain.columns], plain[untreated])
    added = frame.loc[untreated, ["harm_per_insured", "needed_services_per_insured"]]
    assert (added == 0).all(axis=None)


def test_harm_is_truth_of_its_own_channel(caring):
    harm = "harm_per_insured"
    assert caring.effect(harm) > 0
    assert caring.effect(harm, "care") == pytest.approx(caring.effect(harm))
    assert caring.effect(harm, "referral") == pytest.approx(0.0, abs=1e-12)
    # Needed services cost the budget, so that members who hold a share of it supply less of them.
    assert caring.effect("needed_services_per_insured") < 0


def test_the_village_doctors_choice_is_a_channel_of_visits(caring):
    share = "primary_care_visit_share"
    assert caring.effect(share, "care") == pytest.approx(0.0, abs=1e-12)
    assert 0 < caring.effect(share, "referral") < caring.effect(share)
    assert caring.effect("log_spending_per_insured", "referral") < 0
    assert caring.effect("log_spending_per_insured", "care") < 0
