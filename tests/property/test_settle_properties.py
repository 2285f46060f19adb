"""What must hold in every settlement, whatever the contract and the ledger."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import medalliance as ma
from medalliance.reforms import Rules
from medalliance.settlement.ledger import ledger_from_claims

QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
share = st.integers(0, 100).map(lambda n: format(Decimal(n) / 100, "f"))
fen = st.integers(1, 10**13)


@st.composite
def contracts(draw, *, cliff=True):
    """A random contract: deductions, gates, shares, caps, corridor, reserve, splits."""
    parameters = {
        name: draw(share)
        for name in (
            "reserve_share",
            "surplus_retention_share",
            "savings_cap_share",
            "overspend_corridor_share",
            "overspend_sharing_share",
            "overspend_above_corridor_share",
            "loss_cap_share",
            "surplus_pay_share",
        )
    }
    lead = draw(st.integers(0, 100))
    township = draw(st.integers(0, 100 - lead))
    parameters["split_lead_share"] = format(Decimal(lead) / 100, "f")
    parameters["split_township_share"] = format(Decimal(township) / 100, "f")
    parameters["split_village_share"] = format(Decimal(100 - lead - township) / 100, "f")
    parameters["within_party_rule"] = draw(
        st.sampled_from(["headcount_score", "residents", "equal"])
    )
    parameters["minimum_savings_rate"] = draw(st.sampled_from(["0", "0.02"])) if cliff else "0"
    among = {
        "lead_hospital": "split_lead_share",
        "township": "split_township_share",
        "village": "split_village_share",
    }
    surplus = [
        {"op": "gate", "side": "surplus", "rate": "minimum_savings_rate"},
        {"op": "share", "side": "surplus", "rate": "surplus_retention_share"},
        {"op": "cap", "side": "surplus", "limits": [{"rate": "savings_cap_share"}]},
        {"op": "withhold", "side": "surplus", "account": "quality", "unearned": "ledger.score"},
    ]
    deficit = [
        {
            "op": "band",
            "side": "deficit",
            "edges": ["overspend_corridor_share"],
            "shares": ["overspend_sharing_share", "overspend_above_corridor_share"],
        },
        {"op": "deduct", "side": "deficit", "account": "reserve", "amount": "ledger.reserve"},
        {"op": "cap", "side": "deficit", "limits": [{"rate": "loss_cap_share"}]},
    ]
    steps = [{"op": "deduct", "account": "risk_reserve", "rate": "reserve_share"}]
    for side, own in (("surplus", surplus), ("deficit", deficit)):
        steps += [step for step in own if not cliff or draw(st.booleans()) or step["op"] == "cap"]
        mode = draw(st.sampled_from(["half_up", "half_even", "down"]))
        steps.append({"op": "round", "side": side, "unit": 1, "mode": mode})
        steps.append({"op": "split", "side": side, "among": among})
        steps.append({"op": "split", "side": side, "within": "within_party_rule"})
    steps.append(
        {"op": "split", "side": "surplus", "uses": {"pay": "surplus_pay_share", "fund": "rest"}}
    )
    return Rules.model_validate(
        {
            "id": "random",
            "kind": "scenario",
            "name": {"en": "Random", "zh": "随机"},
            "place": {"en": "nowhere", "zh": "无"},
            "currency": "CNY",
            "parameters": {k: [{"value": v, "status": "assumed"}] for k, v in parameters.items()},
            "steps": steps,
        }
    )


@st.composite
def ledgers(draw):
    """One to four alliances, some with members."""
    rows = []
    for number in range(draw(st.integers(1, 4))):
        budget = draw(fen)
        spending = budget * draw(st.integers(0, 200)) // 100 + draw(st.integers(0, 1))
        rows.append(
            {
                "alliance": f"a{number}",
                "member": "",
                "party": "",
                "budget": budget,
                "spending": spending,
                "score": draw(share),
                "reserve": draw(st.integers(0, 10**9)),
                "headcount": "",
                "residents": "",
            }
        )
        for member in range(draw(st.integers(0, 5))):
            rows.append(
                {
                    "alliance": f"a{number}",
                    "member": f"m{member}",
                    "party": draw(st.sampled_from(["lead_hospital", "township", "village"])),
                    "budget": 0,
                    "spending": 0,
                    "score": draw(st.sampled_from(["0.5", "0.75", "1"])),
                    "reserve": 0,
                    "headcount": format(Decimal(draw(st.integers(1, 5000))) / 10, "f"),
                    "residents": str(draw(st.integers(1, 90_000))),
                }
            )
    return pd.DataFrame(rows).assign(year=2024)


def settle(rules, ledger):
    return ma.settle(rules, ledger, progress=False)


def by_member(settlement):
    table = settlement.to_frame()
    keys = ["alliance", "party", "account", "member"]
    return table.groupby(keys)["amount"].sum().sort_index()


@QUICK
@given(contracts(), ledgers())
def test_money_is_conserved_to_the_fen(rules, ledger):
    table = settle(rules, ledger).to_frame()
    assert (table.groupby("alliance")["amount"].sum() == 0).all()


@QUICK
@given(contracts(), ledgers())
def test_budget_and_what_tops_it_up_equal_claims_and_what_is_kept(rules, ledger):
    settlement = settle(rules, ledger)
    table = settlement.to_frame()
    paid_in = -table.loc[table["amount"] < 0, "amount"].sum()
    paid_out = table.loc[table["amount"] > 0, "amount"].sum()
    assert paid_in == paid_out
    for account, sign in (("kept", 1), ("withheld", 1), ("deducted", 1), ("topped_up", -1),
                          ("drawn", -1)):  # fmt: skip
        amounts = table.loc[table["account"] == account, "amount"]
        assert (sign * amounts > 0).all(), account


@QUICK
@given(contracts(), ledgers())
def test_no_gain_in_a_deficit_and_no_loss_in_a_surplus(rules, ledger):
    settlement = settle(rules, ledger)
    assert (settlement.settled[settlement.surplus < 0] <= 0).all()
    assert (settlement.settled[settlement.surplus > 0] >= 0).all()
    assert (settlement.settled[settlement.surplus == 0] == 0).all()
    assert (np.abs(settlement.settled) <= np.abs(settlement.surplus)).all()


@QUICK
@given(contracts(), ledgers())
def test_a_loss_stays_within_its_cap_and_a_gain_within_its_own(rules, ledger):
    settlement = settle(rules, ledger)
    for field, sign in (("loss_cap_share", -1), ("savings_cap_share", 1)):
        cap = Fraction(str(rules.value(field, 2024)))
        for settled, budget in zip(settlement.settled, settlement.budget, strict=True):
            assert sign * int(settled) <= cap * int(budget) + Fraction(1, 2)


@QUICK
@given(contracts(), ledgers(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rules, ledger, random):
    order = list(range(len(ledger)))
    random.shuffle(order)
    pd.testing.assert_series_equal(
        by_member(settle(rules, ledger)), by_member(settle(rules, ledger.iloc[order]))
    )


@QUICK
@given(contracts(), ledgers())
def test_new_names_for_members_move_at_most_the_last_fen(rules, ledger):
    renamed = ledger.assign(member=ledger["member"].map(lambda m: f"z{9 - int(m[1:])}" if m else m))
    before, after = settle(rules, ledger).to_frame(), settle(rules, renamed).to_frame()
    back = after["member"].map(lambda m: f"m{9 - int(m[1:])}" if m else m)
    keys = ["alliance", "party", "member"]
    one = before.groupby(keys)["amount"].sum()
    two = after.assign(member=back).groupby(keys)["amount"].sum()
    difference = one.sub(two, fill_value=0).abs()
    assert (difference <= 2).all()
    assert (
        one.groupby(["alliance", "party"]).sum() == two.groupby(["alliance", "party"]).sum()
    ).all()


@QUICK
@given(contracts(cliff=False), fen, share, st.integers(0, 10**9))
def test_the_alliance_never_loses_by_saving_more(rules, budget, score, reserve):
    spending = np.unique(np.linspace(0, 2 * budget, 41).astype(np.int64))
    ledger = pd.DataFrame(
        {
            "alliance": np.arange(len(spending)).astype(str),
            "year": 2024,
            "budget": budget,
            "spending": spending,
            "score": score,
            "reserve": reserve,
        }
    )
    settled = settle(rules, ledger).settled
    assert (np.diff(settled) <= 0).all()  # spending rises along the ledger


@QUICK
@given(contracts(), ledgers())
def test_settling_twice_gives_the_same_and_changes_no_input(rules, ledger):
    copy = ledger.copy(deep=True)
    first, second = settle(rules, ledger), settle(rules, ledger)
    pd.testing.assert_frame_equal(ledger, copy)
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame())
    assert first.digest == second.digest


@QUICK
@given(contracts(), ledgers())
def test_parties_receive_within_a_fen_of_their_exact_share(rules, ledger):
    settlement = settle(rules, ledger)
    table = settlement.to_frame()
    own = table[table["account"].str.startswith(("retained", "owed"))]
    fields = {"lead_hospital": "split_lead_share", "township": "split_township_share",
              "village": "split_village_share"}  # fmt: skip
    for party, field in fields.items():
        weight = Fraction(str(rules.value(field, 2024)))
        sums = own[own["party"] == party].groupby("alliance")["amount"].sum()
        for name, total in zip(settlement.frame["alliance"], settlement.settled, strict=True):
            assert abs(int(sums.get(name, 0)) - weight * int(total)) < 1


@QUICK
@given(
    st.integers(0, 10**13),
    st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 10**6), min_size=1),
)
def test_allocation_sums_and_stays_within_one(amount, weights):
    if not any(weights.values()):
        with pytest.raises(ma.RuleError):
            ma.allocate(amount, weights)
        return
    parts = ma.allocate(amount, weights)
    assert sum(parts.values()) == amount
    total = sum(weights.values())
    for party, part in parts.items():
        assert abs(part - Fraction(amount * weights[party], total)) < 1
    assert parts == ma.allocate(amount, dict(reversed(weights.items())))


@QUICK
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 10**10), st.booleans()),
        min_size=1,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_claims_does_not_matter(claims, random):
    frame = pd.DataFrame(claims, columns=["alliance", "fund", "out_of_county"]).assign(year=2024)
    order = list(range(len(frame)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(ledger_from_claims(frame), ledger_from_claims(frame.iloc[order]))
