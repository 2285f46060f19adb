"""Settlement step by step: each operation, the scenarios, the words, and bad input."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.reforms import Rules, load_rules, rule_names
from medalliance.settlement.ledger import ledger_from_claims

YUAN = 100
SCENARIOS = [
    "one_sided",
    "out_of_county_deducted",
    "primary_care_group_two_sided",
    "split_631",
    "two_sided_corridor",
]


def make_rules(steps, **fields):
    return Rules.model_validate(
        {
            "id": "example",
            "kind": "scenario",
            "name": {"en": "Example", "zh": "例"},
            "place": {"en": "Example county", "zh": "示例县"},
            "currency": "CNY",
            "parameters": {
                name: value
                if isinstance(value, list) and isinstance(value[0], dict)
                else [{"value": value, "status": "assumed"}]
                for name, value in fields.items()
            },
            "steps": steps,
        }
    )


def one_row(budget, spending, **columns):
    return pd.DataFrame(
        {"alliance": ["a"], "year": [2024], "budget": [budget], "spending": [spending]}
        | {name: [value] for name, value in columns.items()}
    )


def steps(*own, side="surplus"):
    """Add the rounding that every side needs."""
    return [*own, {"op": "round", "side": side}]


def settled(rules, ledger):
    return ma.settle(rules, ledger, progress=False).settled.tolist()


@pytest.fixture
def county():
    """An alliance in surplus with six members, and one in deficit without any."""
    blank = None
    return pd.DataFrame(
        {
            "alliance": ["a"] * 7 + ["b"],
            "year": [2024] * 8,
            "member": [blank, "h", "t1", "t2", "v1", "v2", "v3", blank],
            "party": [
                blank,
                "lead_hospital",
                "township",
                "township",
                "village",
                "village",
                "village",
                blank,
            ],
            "budget_fen": pd.array([10_000_000_001] + [blank] * 6 + [5_000_000_000], dtype="Int64"),
            "spending_fen": pd.array(
                [9_000_000_000] + [blank] * 6 + [5_500_000_000], dtype="Int64"
            ),
            "score": ["0.9", "1", "0.8", "0.9", "1", "0.7", "0.85", "0.7"],
            "headcount": [blank, "300", "50", "40.5", "2", "1", "3", blank],
            "residents": [blank, "0", "12000", "9000", "1500", "900", "2100", blank],
            "reserve_fen": pd.array([0] + [blank] * 6 + [20_000_000], dtype="Int64"),
            "out_of_county_spending_fen": pd.array(
                [300_000_000] + [blank] * 6 + [0], dtype="Int64"
            ),
        }
    )


def test_share_gate_and_cap():
    own = steps(
        {"op": "gate", "side": "surplus", "rate": "minimum_savings_rate"},
        {"op": "share", "side": "surplus", "rate": "surplus_retention_share"},
        {"op": "cap", "side": "surplus", "limits": [{"rate": "savings_cap_share"}]},
    )
    rules = make_rules(
        own, minimum_savings_rate="0.02", surplus_retention_share="0.5", savings_cap_share="0.10"
    )
    assert settled(rules, one_row(10_000, 9_801)) == [0]
    assert settled(rules, one_row(10_000, 9_800)) == [100]
    assert settled(rules, one_row(10_000, 7_000)) == [1_000]
    assert settled(rules, one_row(10_000, 11_000)) == [-1_000]  # nothing said: all is owed


def test_gate_lets_only_the_excess_pass():
    own = steps({"op": "gate", "side": "surplus", "rate": "minimum_savings_rate", "excess": True})
    rules = make_rules(own, minimum_savings_rate="0.02")
    assert settled(rules, one_row(10_000, 9_000)) == [800]
    assert settled(rules, one_row(10_000, 9_850)) == [0]


def test_gate_otherwise_pays_part_to_those_who_qualify():
    own = steps(
        {
            "op": "gate",
            "side": "surplus",
            "rate": "minimum_savings_rate",
            "otherwise": "below_minimum_share",
            "otherwise_if": "ledger.small",
        },
    )
    rules = make_rules(own, minimum_savings_rate="0.02", below_minimum_share="0.5")
    assert settled(rules, one_row(10_000, 9_900, small=1)) == [50]
    assert settled(rules, one_row(10_000, 9_900, small=0)) == [0]


def test_gate_by_size_interpolates_between_sizes():
    own = steps(
        {
            "op": "gate",
            "side": "surplus",
            "rate": "minimum_savings_rate",
            "by_size": "minimum_savings_rate_by_size",
            "size": "ledger.people",
        }
    )
    table = [["5000", "0.039"], ["6000", "0.036"]]
    rules = make_rules(
        own,
        minimum_savings_rate_by_size=table,
        minimum_savings_rate=[{"elected": "chosen_rate", "status": "assumed"}],
    )
    # at 5,333 people: 3.9% less 0.3 points times 333/999 = 3.8%
    assert settled(rules, one_row(1_000_000, 962_000, people=5_333)) == [38_000]
    assert settled(rules, one_row(1_000_000, 962_001, people=5_333)) == [0]
    ledger = one_row(1_000_000, 990_000, people=5_333, chosen_rate="0.01")
    assert settled(rules, ledger) == [10_000]


def test_loss_rate_falls_as_the_gain_rate_rises_between_its_bounds():
    own = steps(
        {
            "op": "share",
            "side": "deficit",
            "one_minus": ["surplus_retention_share", "ledger.score"],
            "floor": "loss_rate_floor",
            "ceiling": "loss_rate_ceiling",
        },
        side="deficit",
    )
    rules = make_rules(
        own, surplus_retention_share="0.75", loss_rate_floor="0.40", loss_rate_ceiling="0.75"
    )
    found = [settled(rules, one_row(10_000, 11_000, score=s))[0] for s in ("1", "0.6", "0.2")]
    assert found == [-400, -550, -750]


def test_band_shares_each_part_of_a_deficit():
    own = steps(
        {
            "op": "band",
            "side": "deficit",
            "edges": ["overspend_corridor_share"],
            "shares": ["overspend_sharing_share", "overspend_above_corridor_share"],
        },
        side="deficit",
    )
    rules = make_rules(
        own,
        overspend_corridor_share="0.1",
        overspend_sharing_share="0.5",
        overspend_above_corridor_share="0.2",
    )
    assert settled(rules, one_row(10_000, 10_600)) == [-300]
    assert settled(rules, one_row(10_000, 12_000)) == [-700]


def test_scale_by_schedule_takes_the_last_step_reached():
    own = steps(
        {"op": "scale", "side": "surplus", "by": "ledger.score", "schedule": "quality_schedule"}
    )
    rules = make_rules(own, quality_schedule=[["0.6", "0.5"], ["0.8", "0.8"], ["0.9", "1"]])
    found = [
        settled(rules, one_row(10_000, 9_000, score=s))[0] for s in ("0.59", "0.6", "0.85", "1")
    ]
    assert found == [0, 500, 800, 1_000]


def test_revenue_cap_binds_only_where_revenue_is_known():
    own = steps(
        {
            "op": "cap",
            "side": "deficit",
            "limits": [
                {"rate": "loss_cap_share"},
                {"rate": "loss_cap_revenue_share", "of": "ledger.revenue"},
            ],
        },
        side="deficit",
    )
    rules = make_rules(own, loss_cap_share="0.04", loss_cap_revenue_share="0.08")
    assert settled(rules, one_row(10_000, 12_000)) == [-400]
    assert settled(rules, one_row(10_000, 12_000, revenue=1_000)) == [-80]


def test_adjust_and_sequester_and_floor():
    own = steps(
        {"op": "sequester", "side": "surplus", "rate": "sequester_rate"},
        {"op": "adjust", "side": "surplus", "amount": "ledger.correction"},
        {"op": "floor", "side": "surplus", "limits": [{"amount": "ledger.least"}]},
    )
    rules = make_rules(own, sequester_rate="0.02")
    assert settled(rules, one_row(10_000, 9_000, correction=-80, least=0)) == [900]
    assert settled(rules, one_row(10_000, 9_000, correction=-977, least=5)) == [5]
    assert settled(rules, one_row(10_000, 9_000, correction=-2_000, least=5)) == [0]
    settlement = ma.settle(rules, one_row(10_000, 9_000, correction=40, least=0), progress=False)
    assert settlement.to_frame()["amount"].sum() == 0


def test_out_of_county_scope_excluded_included_deducted():
    plain = steps({"op": "share", "side": "surplus", "rate": "surplus_retention_share"})
    row = one_row(10_000, 8_000, out_of_county_spending=1_000)
    excluded = make_rules(plain, surplus_retention_share="0.5")
    included = make_rules(
        [{"op": "adjust", "side": "spending", "amount": "ledger.out_of_county_spending"}, *plain],
        surplus_retention_share="0.5",
    )
    deducted = make_rules(
        [{"op": "deduct", "account": "outside", "amount": "ledger.out_of_county_spending"}, *plain],
        surplus_retention_share="0.5",
    )
    assert settled(excluded, row) == [1_000]
    assert settled(included, row) == [500]
    assert settled(deducted, row) == [500]


def test_steps_are_dated_and_keyed_by_track():
    own = steps(
        {"op": "sequester", "side": "surplus", "rate": "sequester_rate", "valid_from": 2024},
        {"op": "share", "side": "surplus", "rate": "surplus_retention_share", "tracks": ["x"]},
    )
    rules = make_rules(
        own,
        sequester_rate="0.1",
        surplus_retention_share=[{"value": "0.5", "track": "x", "status": "assumed"}],
    )
    ledger = pd.DataFrame(
        {
            "alliance": list("abc"),
            "year": [2023, 2024, 2024],
            "track": ["x", "x", "y"],
            "budget": [1_000] * 3,
            "spending": [0] * 3,
        }
    )
    assert settled(rules, ledger) == [500, 450, 900]


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios_conserve_money_and_say_what_is_assumed(name, county):
    settlement = ma.settle(load_rules(name), county, progress=False)
    table = settlement.to_frame()
    assert (table.groupby(["alliance", "year"])["amount"].sum() == 0).all()
    assert settlement.badge == "ILLUSTRATIVE"
    assert "surplus_retention_share" in settlement.assumed
    assert set(table.loc[table["account"] == "retained_pay", "status"]) == {"assumed"}


def test_two_sided_corridor_by_hand(county):
    settlement = ma.settle(load_rules("two_sided_corridor"), county, progress=False)
    table = settlement.to_frame()
    of_a = table[table["alliance"] == "a"]
    # surplus 1,000,000,001; half kept, rounded half up only at the end; a tenth of it withheld
    assert settlement.settled.tolist() == [450_000_000, -230_000_000]
    assert of_a.loc[of_a["party"] == "quality_account", "amount"].sum() == 50_000_001
    by_party = of_a[of_a["account"].str.startswith("retained")].groupby("party")["amount"].sum()
    assert by_party.to_dict() == {
        "lead_hospital": 270_000_000,
        "township": 135_000_000,
        "village": 45_000_000,
    }
    of_b = table[table["alliance"] == "b"].set_index("party")["amount"]
    assert of_b["alliance_reserve"] == -20_000_000
    assert of_b["lead_hospital"] == -138_000_000


def test_members_share_by_headcount_times_score(county):
    table = ma.settle(load_rules("split_631"), county, progress=False).to_frame()
    pay = table[table["account"] == "retained_pay"].set_index("member")["amount"]
    assert pay["t1"] / pay["t2"] == pytest.approx(50 * 0.8 / (40.5 * 0.9), rel=1e-6)
    assert pay["v1"] / pay["v3"] == pytest.approx(2 / (3 * 0.85), rel=1e-6)


def test_guangyuan_settles_its_printed_shares_and_refuses_the_bounded_one():
    rules = load_rules("guangyuan_sichuan")
    ledger = pd.DataFrame(
        {
            "alliance": ["h1", "h2"],
            "year": [2019] * 2,
            "track": ["employees", "residents"],
            "budget": [100_000 * YUAN] * 2,
            "spending": [90_000 * YUAN] * 2,
        }
    )
    assert settled(rules, ledger) == [3_000 * YUAN, 2_000 * YUAN]
    deficit = ledger.assign(spending=130_000 * YUAN)
    with pytest.raises(ma.RuleError, match="only bounded"):
        ma.settle(rules, deficit, progress=False)
    highest = rules.replace(fund_share_inside_corridor="0.50")
    assert settled(highest, deficit) == [-20_000 * YUAN] * 2
    assert ma.settle(highest, deficit, progress=False).badge == "ILLUSTRATIVE"


def test_guangdong_budget_is_three_years_averaged_then_last_year():
    rules = load_rules("guangdong")
    with pytest.raises(ma.RuleError, match="surplus_retention_share is not in what was read"):
        ma.settle(rules, one_row(10_000, 9_000).assign(year=2025), progress=False)
    open_rules = rules.replace(
        surplus_retention_share="0.5", overspend_sharing_share="0", budget_growth_rate="0.04"
    )
    first = one_row(1, 1, spending_1=31_000, spending_2=30_000, spending_3=29_001).assign(year=2025)
    found = ma.settle(open_rules, first, progress=False).next_budget()
    assert found["budget"].tolist() == [31_200]  # 1.04 x 30,000.33 = 31,200.35
    later = ma.settle(
        open_rules.replace(rebasing_share="0"),
        one_row(20_000, 18_000).assign(year=2025),
        progress=False,
    )
    assert later.next_budget()["budget"].tolist() == [20_800]


def test_budget_by_capitation_and_by_negotiation():
    plain = steps({"op": "share", "side": "surplus", "rate": "surplus_retention_share"})
    capitation = make_rules(
        plain,
        surplus_retention_share="0.5",
        budget_basis="capitation",
        budget_per_insured="812.50",
        budget_growth_rate="0.04",
    )
    row = one_row(10, 9, insured="1001")
    found = ma.settle(capitation, row, progress=False).next_budget()
    assert found["budget"].tolist() == [84_584_500]  # 1,001 people x 845.00 yuan, in fen
    assert found["year"].tolist() == [2025]
    negotiated = make_rules(
        plain,
        surplus_retention_share="0.5",
        budget_basis="negotiated",
        negotiation_weight="0.25",
    )
    row = one_row(10, 9, budget_low=8_000, budget_high=10_001)
    assert ma.settle(negotiated, row, progress=False).next_budget()["budget"].tolist() == [8_500]
    premium = make_rules(plain, surplus_retention_share="0.5", budget_basis="premium")
    with pytest.raises(ma.DataError, match="no formula for the budget basis premium"):
        ma.settle(premium, one_row(10, 9), progress=False).next_budget()
    silent = make_rules(plain, surplus_retention_share="0.5")
    with pytest.raises(ma.RuleError, match="budget_basis has no value"):
        ma.settle(silent, one_row(10, 9), progress=False).next_budget()


def test_explain_names_each_step_and_its_value(county):
    text = ma.settle(load_rules("two_sided_corridor"), county, progress=False).explain("a", 2024)
    assert "surplus ¥10,000,000.01" in text
    assert "surplus_retention_share 0.5, assumed" in text
    assert "township: pay receives ¥675,000.00, 2 members" in text


def test_flows_of_a_surplus_sum_to_the_budget_and_of_a_deficit_to_the_claims(county):
    settlement = ma.settle(load_rules("two_sided_corridor"), county, progress=False)
    assert settlement.flows("a", 2024)["amount"].sum() == pytest.approx(100_000_000.01)
    assert settlement.flows("b", 2024)["amount"].sum() == pytest.approx(55_000_000.00)
    assert settlement.plot(alliance="a", year=2024) is not None


def test_party_totals_sum_to_zero(county):
    totals = ma.settle(load_rules("split_631"), county, progress=False).party_totals()
    assert totals["amount"].sum() == 0


def test_settlement_says_what_it_was_made_from(county):
    rules = load_rules("split_631")
    first = ma.settle(rules, county, progress=False)
    assert first.digest == ma.settle(rules, county, progress=False).digest
    assert (
        first.digest
        != ma.settle(rules.replace(reserve_share="0.06"), county, progress=False).digest
    )
    assert first.digest != ma.settle(rules, county.assign(score="0.9"), progress=False).digest
    assert "assumed" in first.summary()
    with pytest.raises(ma.DataError, match="0 settlements fit"):
        first.explain("z", 2024)


def test_settle_years_carries_budget_and_reserve():
    rules = load_rules("two_sided_corridor").replace(
        rebasing_share="0.5", budget_growth_rate="0.02"
    )
    first = pd.DataFrame(
        {
            "alliance": ["a", "b"],
            "year": [2023] * 2,
            "budget": [100_000, 100_000],
            "spending": [90_000, 110_000],
            "score": ["1", "1"],
            "reserve": [0, 3_000],
        }
    )
    later = {2024: pd.Series({"a": 95_000, "b": 100_000}), 2025: pd.Series({"a": 95_000, "b": 1})}
    years = ma.settle_years(rules, first, later, progress=False)
    assert sorted(years) == [2023, 2024, 2025]
    assert years[2024].budget.tolist() == [96_900, 107_100]  # 1.02 x (B + E) / 2
    assert years[2024].columns["reserve"].tolist() == [0, 0]
    with pytest.raises(ma.DataError, match="lacks b"):
        ma.settle_years(rules, first, {2024: pd.Series({"a": 1})}, progress=False)


def test_settle_years_carries_the_score_into_the_next_budget():
    """102 % of (100,000 + 90,000)/2 = 96,900; a score of .8 under a tenth takes off 2 %: 94,962."""
    rules = load_rules("two_sided_corridor").replace(
        rebasing_share="0.5", budget_growth_rate="0.02", score_budget_share="0.1"
    )
    first = pd.DataFrame(
        {
            "alliance": ["a", "b"],
            "year": [2023] * 2,
            "budget": [100_000, 100_000],
            "spending": [90_000, 110_000],
            "score": ["0.8", "1"],
            "reserve": [0, 3_000],
        }
    )
    spent = pd.Series({"a": 94_962, "b": 107_100})
    scores = {2024: pd.Series({"b": "0.5", "a": "1"})}
    years = ma.settle_years(rules, first, {2024: spent, 2025: spent}, scores=scores, progress=False)
    assert years[2024].budget.tolist() == [94_962, 107_100]
    assert years[2025].budget.tolist() == [96_861, 103_780]  # x 1.02, b x 0.95 for its score of .5
    with pytest.raises(ma.DataError, match="score of 2024 lacks a"):
        ma.settle_years(
            rules, first, {2024: spent}, scores={2024: pd.Series({"b": "1"})}, progress=False
        )


def test_a_deficit_carried_forward_is_paid_by_the_next_budget():
    own = [
        {"op": "deduct", "account": "carry_forward", "amount": "ledger.carried_deficit"},
        {"op": "share", "side": "deficit", "rate": "overspend_sharing_share"},
        {
            "op": "withhold",
            "side": "deficit",
            "account": "carry_forward",
            "rate": "quality_withhold_share",
        },
        {"op": "round", "side": "deficit"},
    ]
    rules = make_rules(
        own,
        overspend_sharing_share="0.5",
        quality_withhold_share="0.6",
        budget_basis="historical",
        rebasing_share="0",
        budget_growth_rate="0",
    )
    first = one_row(10_000, 11_000, carried_deficit=0)
    years = ma.settle_years(rules, first, {2025: pd.Series({"a": 9_700})}, progress=False)
    assert years[2024].settled.tolist() == [-200]  # 500 borne, 300 of it carried
    assert years[2025].columns["carried_deficit"].tolist() == [300]
    assert years[2025].surplus.tolist() == [0]
    carried = [
        one.to_frame().query("party == 'carry_forward'")["amount"].sum() for one in years.values()
    ]
    assert carried == [-300, 300]


@pytest.mark.parametrize("surplus", [1, 7, 999_999_999_937, 10**13 - 1, 9 * 10**16])
def test_large_sums_and_long_rates_stay_exact(surplus):
    own = steps(
        {"op": "share", "side": "surplus", "rate": "surplus_retention_share"},
        {"op": "scale", "side": "surplus", "by": "ledger.score"},
        {"op": "sequester", "side": "surplus", "rate": "sequester_rate"},
    )
    rules = make_rules(own, surplus_retention_share="0.333333333", sequester_rate="0.0200001")
    found = settled(rules, one_row(surplus, 0, score="0.987654321"))[0]
    exact = Fraction("0.333333333") * Fraction("0.987654321") * (1 - Fraction("0.0200001"))
    assert found == math.floor(surplus * exact + Fraction(1, 2))


def test_settlement_answers_the_verbs_of_a_result(county):
    settlement = ma.settle(load_rules("split_631"), county, progress=False)
    assert r"\toprule" in settlement.to_latex()
    html = settlement._repr_html_()
    assert 'data-badge="ILLUSTRATIVE"' in html
    assert "assumed: " in html
    assert repr(settlement) == settlement.summary()


# --- bad input ---------------------------------------------------------------------------------
def test_floats_are_refused_by_column():
    rules = load_rules("one_sided")
    with pytest.raises(TypeError, match="column spending holds binary floats") as caught:
        ma.settle(rules, one_row(10_000, 9_000.0, score="1"), progress=False)
    assert isinstance(caught.value, ma.DataError)
    with pytest.raises(TypeError, match="column score holds binary floats"):
        ma.settle(rules, one_row(10_000, 9_000, score=0.9), progress=False)


def test_every_problem_is_reported_at_once():
    ledger = pd.DataFrame(
        {
            "alliance": ["a", "b", "c", "d", "d"],
            "year": [2024] * 5,
            "budget": [-5, 10, 10, 10, 10],
            "spending": pd.array([1, None, 1, 1, 1], dtype="Int64"),
            "score": ["1", "1", "1.2", "x", "1"],
        }
    )
    with pytest.raises(ma.DataError) as caught:
        ma.settle(load_rules("one_sided"), ledger, progress=False, first_row=2)
    text = str(caught.value)
    assert "budget is negative in row 2 (a, 2024)" in text
    assert "spending is missing in row 3 (b, 2024)" in text
    assert "score lies outside 0-1 (never percent) in row 4 (c, 2024)" in text
    assert "score is not a number in row 5 (d, 2024)" in text
    assert "alliance and year appear twice in row 6 (d, 2024)" in text


def test_unknown_party_and_lonely_member():
    ledger = pd.DataFrame(
        {
            "alliance": ["a", "a", "z"],
            "year": [2024] * 3,
            "member": ["", "x", "y"],
            "party": ["", "pharmacy", "village"],
            "budget": [10, 0, 0],
            "spending": [9, 0, 0],
            "score": ["1"] * 3,
        }
    )
    with pytest.raises(ma.DataError) as caught:
        ma.settle(load_rules("one_sided"), ledger, progress=False)
    assert "unknown party: pharmacy (row 1)" in str(caught.value)
    assert "member without an alliance row in row 2" in str(caught.value)


def test_split_that_does_not_sum_to_one(county):
    rules = load_rules("split_631").replace(split_lead_share="0.7")
    with pytest.raises(ValueError, match="do not sum to one in row 0"):
        ma.settle(rules, county, progress=False)


def test_rule_without_a_value_for_the_year():
    own = steps({"op": "share", "side": "surplus", "rate": "surplus_retention_share"})
    rules = make_rules(
        own, surplus_retention_share=[{"value": "0.5", "valid_to": 2020, "status": "assumed"}]
    )
    with pytest.raises(ma.RuleError, match="surplus_retention_share has no value for 2024"):
        ma.settle(rules, one_row(10, 9), progress=False)


def test_unpublished_shares_are_named_with_the_way_out():
    with pytest.raises(ma.RuleError, match=r"rules\.replace\(surplus_retention_share"):
        ma.settle(load_rules("qianjiang_chongqing"), one_row(10, 9), progress=False)


def test_wrong_currency_unit_and_missing_columns():
    with pytest.raises(ma.DataError, match="column spending is missing"):
        ma.settle(load_rules("one_sided"), one_row(1, 1).drop(columns="spending"), progress=False)
    yuan = one_row(10, 9, score="1").rename(columns={"budget": "budget_yuan"})
    with pytest.raises(ma.DataError, match="budget_yuan is in yuan"):
        ma.settle(load_rules("one_sided"), yuan, progress=False)


def test_deductions_larger_than_the_budget():
    rules = load_rules("out_of_county_deducted")
    with pytest.raises(
        ma.DataError, match="deductions to out_of_county_providers exceed the budget"
    ):
        ma.settle(rules, one_row(10, 9, score="1", out_of_county_spending=11), progress=False)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ([{"op": "share", "side": "surplus", "rate": "loss_rate"}], "0 round steps"),
        (
            [
                {"op": "split", "side": "surplus", "within": "within_party_rule"},
                {"op": "round", "side": "surplus"},
            ],
            "split stands before the rounding",
        ),
        (
            [
                {"op": "round", "side": "surplus"},
                {"op": "cap", "side": "surplus", "limits": [{"rate": "loss_rate"}]},
            ],
            "after the rounding",
        ),
        (
            [
                {"op": "round", "side": "surplus"},
                {"op": "deduct", "account": "x", "rate": "reserve_share"},
            ],
            "the pool comes first",
        ),
        (
            [
                {"op": "share", "side": "surplus", "rate": "no_such_field"},
                {"op": "round", "side": "surplus"},
            ],
            "no_such_field is no rule field",
        ),
        ([{"op": "share", "side": "surplus"}], "exactly one of rate or one_minus"),
        ([{"op": "tax", "side": "surplus"}], "tag"),
        ([{"op": "round", "side": "surplus", "only_if": ["score"]}], "no ledger column"),
    ],
)
def test_steps_that_make_no_sense_do_not_load(bad, text):
    with pytest.raises(ValueError, match=text):
        make_rules(bad, surplus_retention_share="0.5")


def test_claims_become_a_ledger_whatever_their_order():
    claims = pd.DataFrame(
        {
            "alliance": list("abab"),
            "year": [2024] * 4,
            "fund": [5, 7, 11, 13],
            "out_of_county": [0, 0, 1, 0],
        }
    )
    found = ledger_from_claims(claims)
    assert found["spending"].tolist() == [5, 20]
    assert found["out_of_county_spending"].tolist() == [11, 0]
    pd.testing.assert_frame_equal(found, ledger_from_claims(claims[::-1]))
    with pytest.raises(TypeError):
        ledger_from_claims(claims.assign(fund=claims["fund"] / 1))


def test_every_rule_file_with_steps_loads():
    with_steps = [name for name in rule_names() if load_rules(name).steps]
    assert {"mssp", "guangyuan_sichuan", *SCENARIOS} <= set(with_steps)


@pytest.mark.slow
def test_a_hundred_thousand_settlements_take_seconds():
    import time

    n = 100_000
    rng = np.random.default_rng(1)
    budget = rng.integers(10**9, 10**13, n)
    ledger = pd.DataFrame(
        {
            "alliance": np.arange(n).astype(str),
            "year": 2024,
            "budget": budget,
            "spending": (budget * rng.uniform(0.8, 1.2, n)).astype("int64"),
            "score": rng.integers(0, 1001, n).astype(str),
            "reserve": rng.integers(0, 10**8, n),
        }
    )
    ledger["score"] = ("0." + ledger["score"].str.zfill(3)).replace("0.1000", "1")
    start = time.perf_counter()
    settlement = ma.settle(load_rules("two_sided_corridor"), ledger, progress=False)
    assert time.perf_counter() - start < 20
    total = sum(line.amounts for line in settlement.lines)
    assert not total.any()


def test_members_without_weight_get_nothing_and_all_of_them_are_refused(county):
    rules = load_rules("split_631")
    township = county["member"].isin(["t1", "t2"])
    one = county.assign(headcount=county["headcount"].mask(county["member"] == "t1", "0"))
    table = ma.settle(rules, one, progress=False).to_frame()
    pay = table[table["account"] == "retained_pay"].set_index("member")["amount"]
    assert pay.get("t1", 0) == 0
    assert pay["t2"] > 0
    none = county.assign(headcount=county["headcount"].mask(township, "0"))
    with pytest.raises(ma.DataError, match="weights of all township members are zero in row 0"):
        ma.settle(rules, none, progress=False)


def test_nobody_asks_for_weights_where_nothing_is_divided(county):
    """Alliance b has a deficit: what its members would weigh is not read."""
    rules = load_rules("split_631")
    lone = county[county["alliance"] == "b"].iloc[[0]]
    member = lone.assign(member="t9", party="township", headcount="0", score="0", residents="0")
    for name in ("budget_fen", "spending_fen", "reserve_fen", "out_of_county_spending_fen"):
        member[name] = pd.array([pd.NA], dtype="Int64")
    more = pd.concat([county, member], ignore_index=True)
    one = ma.settle(rules, county, progress=False).to_frame()
    two = ma.settle(rules, more, progress=False).to_frame()
    assert one["amount"].sum() == two["amount"].sum()


def test_shares_are_needed_only_where_there_is_an_amount():
    """Nothing is left in 2025, so that no share of that year has to be stated."""
    own = steps({"op": "share", "side": "surplus", "rate": "surplus_retention_share"})
    among = {"lead_hospital": "split_lead_share", "township": "split_township_share"}
    own.append({"op": "split", "side": "surplus", "among": among})
    until = {"valid_to": 2024, "status": "assumed"}
    rules = make_rules(
        own,
        surplus_retention_share="0.5",
        split_lead_share=[{"value": "0.6", **until}],
        split_township_share=[{"value": "0.4", **until}],
    )
    rows = pd.concat([one_row(100, 90), one_row(100, 100).assign(year=2025)], ignore_index=True)
    table = ma.settle(rules, rows, progress=False).to_frame()
    lead = table[table["party"] == "lead_hospital"]
    assert lead["amount"].sum() == 3
    with pytest.raises(ma.RuleError, match="split_lead_share has no value for 2025"):
        ma.settle(rules, rows.assign(spending=90), progress=False)
