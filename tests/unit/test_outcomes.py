"""Outcomes: known values by hand, identities, and refusals as a user meets them."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import medalliance as ma
from medalliance.codebook import load_codebook
from medalliance.errors import DataError
from medalliance.outcomes import OUTCOMES, outcome_label, remuneration, shares, surplus
from medalliance.outcomes._registry import NOT_COMPUTED

money = st.floats(1e4, 1e9)


def tiny(**columns) -> ma.Panel:
    base = {"county": ["a", "a", "b", "b"], "year": [2019, 2020] * 2, "cohort": [2020, 2020, 0, 0]}
    return ma.Panel.from_frame(
        pd.DataFrame(base | columns), unit="county", year="year", cohort="cohort"
    )


def test_every_registered_outcome_is_complete_and_computes_on_the_teaching_panel():
    panel = ma.load_panel()
    refused = []
    for name, outcome in OUTCOMES.items():
        assert name == outcome.name
        assert outcome.label and outcome.label_zh
        assert outcome.unit
        assert outcome_label(name) == outcome.label
        try:
            values = ma.outcome_values(panel, name)
        except ma.DesignError:
            refused.append(name)
            continue
        assert values.shape == (len(panel.frame),)
        assert np.isfinite(values).any()
    assert refused == [
        "pool_balance_yuan",
        "indicator_11_inpatient_in_county",
        "indicator_12_chinese_medicine_visits",
        "indicator_13_managed_admissions",
    ]


def test_every_official_indicator_is_computed_or_says_why_not():
    book, criteria = load_codebook(), ma.load_evidence().criteria
    official = criteria[criteria["criterion_kind"] == "monitoring_2024"]["indicator"].astype(int)
    assert sorted(official) == list(range(1, 15))
    computed = {book.variables[name].indicator for name in OUTCOMES} - {None}
    assert computed == set(range(6, 14))
    assert set(NOT_COMPUTED) == set(official) - computed
    for name in OUTCOMES:
        number = book.variables[name].indicator
        if name.startswith("indicator_"):
            assert name.startswith(f"indicator_{number}_")
            assert f"our operationalisation of indicator {number}" in OUTCOMES[name].label
            assert f"本书口径,指标{number}" in OUTCOMES[name].label_zh
    assert all(why.endswith(".") for why in NOT_COMPUTED.values())


def test_indicators_11_to_13_by_hand():
    panel = tiny(
        admissions_township=[10.0, 0.0, 0.0, 5.0],
        admissions_county=[60.0, 80.0, 0.0, np.nan],
        admissions_out=[30.0, 20.0, 0.0, 5.0],
        chinese_medicine_visits=[5.0, 0.0, 1.0, 1.0],
        visits_village=[10.0, 10.0, 2.0, 0.0],
        visits_township=[10.0, 10.0, 2.0, 0.0],
        visits_county=[5.0, 5.0, 0.0, 0.0],
        chronic_managed_admissions_n=[30.0, 0.0, 9.0, 1.0],
        chronic_managed_n=[100.0, 50.0, 6.0, 0.0],
    )
    for name, wanted in (
        ("indicator_11_inpatient_in_county", [0.7, 0.8, np.nan, np.nan]),
        ("indicator_12_chinese_medicine_visits", [0.2, 0.0, 0.25, np.nan]),
        ("indicator_13_managed_admissions", [0.3, 0.0, 1.5, np.nan]),
    ):
        np.testing.assert_allclose(ma.outcome_values(panel, name), wanted)


def test_surplus_by_hand():
    panel = tiny(
        budget=[np.nan, 100.0, np.nan, np.nan],
        notional_budget=[80.0, 90.0, 50.0, 50.0],
        spending=[88.0, 75.0, 40.0, 60.0],
        insured_n=[10, 10, 5, 5],
        cpi_index=[1.0, 1.25, 1.0, 1.25],
    )
    found = ma.outcome_values(panel, "fund_surplus_rate")
    np.testing.assert_allclose(found, [-0.1, 0.25, 0.2, -0.2])
    notional = ma.outcome_values(panel, "notional_surplus_rate")
    np.testing.assert_allclose(notional, [-0.1, 15 / 90, 0.2, -0.2])
    np.testing.assert_array_equal(ma.outcome_values(panel, "deficit"), [1, 0, 0, 1])
    np.testing.assert_allclose(
        ma.outcome_values(panel, "real_surplus_per_insured_yuan"), [-0.8, 2.0, 2.0, -1.6]
    )
    split = ma.outcome_values(panel, "log_spending_per_insured") - ma.outcome_values(
        panel, "log_budget_per_insured"
    )
    np.testing.assert_allclose(np.log1p(-found), split, atol=1e-14)
    balance = ma.outcome_values(panel, "fund_surplus_yuan")
    np.testing.assert_array_equal(balance, [np.nan, 25.0, np.nan, np.nan])


def test_surplus_without_a_budget_is_refused_with_the_reason():
    panel = tiny(
        budget=[90.0, 100.0, np.nan, np.nan],
        spending=[88.0, 75.0, 40.0, 60.0],
        insured_n=[10, 10, 5, 5],
    )
    with pytest.raises(ma.DesignError, match=r"E103 budget is missing for 1 units \(b\)"):
        ma.outcome_values(panel, "fund_surplus_rate")
    assert np.isfinite(ma.outcome_values(panel, "log_spending_per_insured")).all()
    no_column = tiny(spending=[88.0, 75.0, 40.0, 60.0])
    with pytest.raises(ma.DesignError, match=r"the panel lacks budget"):
        ma.outcome_values(no_column, "fund_surplus_rate")
    only_notional = tiny(spending=[1.0] * 4, notional_budget=[2.0] * 4)
    with pytest.raises(ma.DesignError, match=r"notional_surplus_rate"):
        ma.outcome_values(only_notional, "fund_surplus_rate")


def test_a_change_of_spending_basis_is_refused():
    panel = tiny(
        budget=[100.0] * 4,
        spending=[88.0] * 4,
        spending_basis=["cash", "accrual", "cash", "cash"],
    )
    with pytest.raises(ma.DesignError, match="E104 spending_basis changes in a in 2020"):
        ma.outcome_values(panel, "fund_surplus_rate")


def test_slips_of_units_are_warned_of():
    panel = tiny(budget=[100.0] * 4, spending=[88.0, 990.0, 90.0, 90.0])
    with pytest.warns(ma.PanelWarning, match=r"E107 .* a in 2020: check yuan / 万元"):
        ma.outcome_values(panel, "fund_surplus_rate")
    pay = {f"pay_T_{k}": [8.0] * 4 for k in remuneration.TYPES}
    fte = {f"fte_T_{k}": [1.0] * 4 for k in remuneration.TYPES}
    with pytest.warns(ma.PanelWarning, match="E108"):
        ma.outcome_values(tiny(**pay, **fte), "nominal_remuneration_per_fte_yuan_township")


def test_changed_visit_definitions_are_warned_of():
    visits = {name: [1, 2, 3, 4] for name in OUTCOMES["primary_care_visit_share"].needs}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ma.outcome_values(tiny(**visits), "primary_care_visit_share")
    panel = tiny(**visits, visit_def=["old", "new", "old", "old"])
    with pytest.warns(ma.PanelWarning, match="E106 visit_def changes for 1 counties"):
        ma.outcome_values(panel, "primary_care_visit_share")


def test_a_text_or_infinite_column_is_refused():
    panel = tiny(spending=["1", "2", "3", "x"], insured_n=[1] * 4)
    with pytest.raises(ma.DesignError, match="'spending' is not numeric"):
        ma.outcome_values(panel, "log_spending_per_insured")


def test_fixed_mix_keeps_the_pre_period_weights_and_splits_off_composition():
    staff = {
        "physician": [1.0, 3.0, 1.0, 1.0],
        "nurse": [1.0, 1.0, 1.0, 1.0],
        "technical": [0.0] * 4,
        "administrative": [0.0] * 4,
    }
    fte = {f"fte_T_{k}": v for k, v in staff.items()}
    each = {"physician": 60_000.0, "nurse": 40_000.0, "technical": 0.0, "administrative": 0.0}
    pay = {f"pay_T_{k}": (np.array(v) * each[k]).tolist() for k, v in staff.items()}
    panel = tiny(**fte, **pay, cpi_index=[1.0] * 4)
    raw = ma.outcome_values(panel, "remuneration_per_fte_yuan_township")
    fixed = ma.outcome_values(panel, "fixed_mix_remuneration_per_fte_yuan_township")
    np.testing.assert_allclose(raw, [50_000, 55_000, 50_000, 50_000])
    np.testing.assert_allclose(fixed, 50_000)
    effect = ma.outcome_values(panel, "composition_effect_township")
    np.testing.assert_allclose(effect, np.log(raw / fixed), atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(b=money, e=money, n=st.floats(1, 1e6))
def test_the_surplus_identity_holds_for_any_money(b, e, n):
    one = np.array([1.0])
    rate = surplus.fund_surplus_rate(b * one, e * one)
    left = surplus.log_spending_to_budget(b * one, e * one)
    right = surplus.log_spending_per_insured(e * one, n * one) - surplus.log_budget_per_insured(
        b * one, n * one
    )
    np.testing.assert_allclose(left, right, atol=1e-10)
    if e / b > 1e-3:
        np.testing.assert_allclose(np.log1p(-rate), left, rtol=1e-9, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(money, money), min_size=2, max_size=5), st.floats(0.1, 10))
def test_theil_is_zero_for_equal_pay_never_negative_and_scale_free(pairs, factor):
    pay = np.array([[p for p, _ in pairs]])
    fte = np.array([[f for _, f in pairs]])
    theil = remuneration.between_tier_theil(pay, fte)
    assert theil[0] >= -1e-12
    np.testing.assert_allclose(
        remuneration.between_tier_theil(pay * factor, fte), theil, atol=1e-10
    )
    np.testing.assert_allclose(remuneration.between_tier_theil(fte * factor, fte), 0, atol=1e-12)


def test_growth_needs_the_year_before():
    units, years = np.array([0, 0, 0, 1, 1]), np.array([2018, 2019, 2021, 2018, 2019])
    found = shares.growth(np.array([10.0, 11, 20, 0, 5]), units, years)
    np.testing.assert_allclose(found, [np.nan, 0.1, np.nan, np.nan, np.nan])


def test_shares_by_hand():
    one = np.array([1.0])
    assert shares.primary_care_visit_share(one, 2 * one, 3 * one, 4 * one)[0] == pytest.approx(0.3)
    assert shares.in_county_visit_share(one, 2 * one, 3 * one, 4 * one)[0] == pytest.approx(0.6)
    assert shares.primary_share_of_county_visits(one, one, 2 * one)[0] == pytest.approx(0.5)
    assert np.isnan(shares.share(one, 0 * one)[0])


def test_notional_budget_is_quota_times_insured_times_factor():
    found = surplus.notional_budget_yuan(np.array([520.0]), np.array([1000.0]), 1.1)
    assert found[0] == 572_000.0


def test_an_outcome_without_an_entry_in_the_codebook_says_so():
    lone = replace(OUTCOMES["deficit"], name="unwritten")
    for look_up in (lambda: lone.label, lambda: lone.label_zh, lambda: lone.unit):
        with pytest.raises(DataError, match="no variable 'unwritten' in the codebook"):
            look_up()
