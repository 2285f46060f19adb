"""Contracts of the incentive model read from settlement rule files, against the engine itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import medalliance as ma
from medalliance.incentives.transfer import transfer_of
from medalliance.reforms import Rules

SCENARIOS = [
    "one_sided",
    "out_of_county_deducted",
    "primary_care_group_two_sided",
    "split_631",
    "two_sided_corridor",
]
BUDGET = 1_000_000_00


def engine_and_model(rules, *, score="0.85", track=None, ledger=None, **terms):
    """Settle a range of spending, and evaluate the model's transfer at the same surpluses."""
    spending = np.linspace(0.7003, 1.2997, 61) * BUDGET  # off the edges themselves
    columns = {name: [str(value)] * 61 for name, value in (ledger or {}).items()}
    for flag in [name for name in columns if name.startswith(("met_", "outside_"))]:
        columns[flag] = [int(ledger[flag])] * 61
    frame = pd.DataFrame(
        {
            "alliance": [f"a{k}" for k in range(61)],
            "year": 2024,
            "budget": BUDGET,
            "spending": spending.round().astype("int64"),
            "score": score,
            "reserve": 0,
            "out_of_county_spending": 0,
            **columns,
            **({"track": track} if track else {}),
        }
    )
    found = ma.settle(rules, frame, progress=False)
    given = {"score": float(score), **(ledger or {})}
    contract = ma.contract_from_rules(rules, 2024, track=track, ledger=given, **terms)
    model = np.array(
        [
            transfer_of(contract, float(base))(np.array([float(s)]))[0]
            for base, s in zip(found.budget, found.surplus, strict=True)
        ]
    )
    return found.settled, model


@pytest.mark.parametrize("name", SCENARIOS)
def test_transfer_of_a_scenario_is_what_the_engine_settles(name):
    settled, model = engine_and_model(ma.load_rules(name), pay_share=0.5, split=[1.0])
    assert_allclose(settled, model, atol=2)


@pytest.mark.parametrize("score", ["0.55", "1"])
def test_scores_below_the_gate_share_nothing(score):
    settled, model = engine_and_model(
        ma.load_rules("split_631"), score=score, pay_share=0.5, split=[1.0]
    )
    assert_allclose(settled, model, atol=2)
    assert (model.max() > 0) == (score == "1")


@pytest.mark.parametrize("track", ["C", "D", "ENHANCED"])
def test_transfer_of_shared_savings_tracks_is_what_the_engine_settles(track):
    ledger = {
        "minimum_savings_rate": 0.01,
        "quality_score": 0.8,
        "met_quality_standard": 1,
        "met_alternative_standard": 1,
        "outside_guardrail": 1,
        "half_rate_eligible": 0,
        "beneficiaries": 10000,
        "disaster_adjustment": 0,
        "contract_year": 1,
    }
    settled, model = engine_and_model(
        ma.load_rules("mssp"), track=track, ledger=ledger, pay_share=0.5, split=[1.0]
    )
    assert_allclose(settled, model, atol=101)  # the programme rounds to whole dollars
    assert model.max() > 0 > model.min()


def test_split_and_pay_come_from_the_file():
    contract = ma.contract_from_rules(ma.load_rules("split_631"), 2024, ledger={"score": 1})
    assert contract.split.tolist() == [0.6, 0.3, 0.1]
    assert float(contract.pay_share) == 0.5
    assert contract.name == "Split 6:3:1, one-sided"
    group = ma.contract_from_rules(
        ma.load_rules("primary_care_group_two_sided"), 2024, ledger={"score": 1}
    )
    assert group.split[0] == 0


def test_respond_takes_rules():
    technology = ma.Technology(
        members=[1, 10, 100],
        saving=[40, 20, 6],
        effort_cost=[40, 20, 6],
        sigma=40.0,
        baseline_spending=1000.0,
    )
    found = ma.respond(ma.load_rules("split_631"), technology, year=2024)
    by_hand = ma.Contract(split=[0.6, 0.3, 0.1], pay_share=0.5)
    assert_allclose(found.mean_surplus, ma.respond(by_hand, technology).mean_surplus)
    with pytest.raises(ma.RuleError, match="needs a year"):
        ma.respond(ma.load_rules("split_631"), technology)


def test_what_was_not_read_is_asked_for():
    rules = ma.load_rules("tianchang_anhui")
    with pytest.raises(
        ma.RuleError, match="surplus_retention_share is not in what was read for 2021"
    ):
        ma.contract_from_rules(rules, 2021)
    assumed = rules.replace(
        surplus_retention_share="0.5", overspend_sharing_share="0", out_of_county="included"
    )
    with pytest.raises(ma.RuleError, match="split_lead_share"):
        ma.contract_from_rules(assumed, 2021)
    contract = ma.contract_from_rules(assumed, 2021, split=[1.0], pay_share=0.5)
    assert contract.name == ""
    assert transfer_of(contract, 100.0)(np.array([10.0, -10.0])).tolist() == [5.0, 0.0]


def test_columns_of_the_ledger_are_asked_for():
    with pytest.raises(ma.RuleError, match="read score from a ledger"):
        ma.contract_from_rules(ma.load_rules("split_631"), 2024)


def test_steps_that_the_model_does_not_hold_are_refused():
    rules = Rules.model_validate(
        {
            "id": "example",
            "kind": "scenario",
            "name": {"en": "Example", "zh": "例"},
            "place": {"en": "Example county", "zh": "示例县"},
            "currency": "CNY",
            "parameters": {"savings_cap_share": [{"value": "0.1", "status": "assumed"}]},
            "steps": [
                {"op": "floor", "side": "surplus", "limits": [{"rate": "savings_cap_share"}]},
                {"op": "round", "side": "surplus"},
            ],
        }
    )
    with pytest.raises(ma.RuleError, match="holds no step 'floor'"):
        ma.contract_from_rules(rules, 2024, split=[1.0], pay_share=1.0)
