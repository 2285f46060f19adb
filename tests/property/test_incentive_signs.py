"""Signs that hold over random technologies and contracts, at the equilibrium that is reported.

A lever that lifts the map from the mean surplus to itself lifts its lowest fixed point, whether or
not there are others. So every comparison is one of lowest fixed points.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from medalliance.incentives.batch import solve_batch
from medalliance.incentives.contract import Contract
from medalliance.incentives.respond import respond
from medalliance.incentives.technology import Technology

QUICK = settings(max_examples=8, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
N = 40


def draw_technology(rng, n=N):
    u = rng.uniform
    return Technology(
        members=rng.integers(1, 30, (n, 3)),
        saving=u(0, 40, (n, 3)),
        effort_cost=u(5, 40, (n, 3)),
        sigma=u(3, 60, n),
        price=u(2, 60, (n, 3)),
        margin=u(0.5, 12, (n, 3)),
        inducement_cost=u(1, 12, (n, 3)),
        margin_pay=u(0.1, 0.6, (n, 1)) * np.ones(3),
        fund_share=u(0.4, 0.8, n),
        baseline_spending=1000.0,
    )


def draw_contract(rng, n=N, **terms):
    """Draw shares, caps, corridor, score, bonus, ratchet; some one-sided, some capped."""
    u = rng.uniform
    drawn = {
        "split": rng.dirichlet([2, 2, 2], n),
        "gain_share": u(0.1, 1, n),
        "loss_share": u(0, 1, n) * (rng.random(n) < 0.6),
        "quality": u(0.4, 1, n),
        "pay_share": u(0.2, 1, (n, 1)) * np.ones(3),
        "performance_pay": u(0, 4, (n, 1)) * np.ones(3),
        "audit": u(0, 0.1, n),
        "penalty": u(0, 2, n),
        "budget": u(960, 1040, n),
        "gain_cap": np.where(rng.random(n) < 0.5, np.inf, u(30, 90, n)),
        "loss_cap": np.where(rng.random(n) < 0.5, np.inf, u(30, 90, n)),
        "rebasing": u(0, 0.5, n),
        "discount": 0.5,
    }
    return Contract(**{**drawn, **terms})


def surplus(contract, technology):
    return solve_batch(contract, technology).mean_surplus


def rises(before, after):
    assert np.all(after >= before - 1e-7 * (1 + np.abs(before)))


@QUICK
@given(SEEDS)
def test_surplus_rises_in_audit_probability_with_its_penalty(seed):
    rng = np.random.default_rng(seed)
    technology, contract = draw_technology(rng), draw_contract(rng)
    base = surplus(contract, technology)
    rises(base, surplus(contract.replace(audit=contract.audit + 0.03), technology))
    rises(base, surplus(contract.replace(penalty=contract.penalty + 0.5), technology))


@QUICK
@given(SEEDS)
def test_surplus_falls_in_pay_per_margin_with_the_margin(seed):
    rng = np.random.default_rng(seed)
    technology, contract = draw_technology(rng), draw_contract(rng)
    base = surplus(contract, technology)
    paid = technology.replace(margin_pay=technology.margin_pay * 1.5)
    dear = technology.replace(margin=technology.margin + 1)
    rises(surplus(contract, paid), base)
    rises(surplus(contract, dear), base)


@QUICK
@given(SEEDS)
def test_a_lever_that_is_pulled_moves_the_surplus_for_somebody(seed):
    """Guard the two tests above: they must not hold because nothing happens."""
    rng = np.random.default_rng(seed)
    technology, contract = draw_technology(rng), draw_contract(rng)
    base = surplus(contract, technology)
    audited = surplus(contract.replace(audit=contract.audit + 0.03), technology)
    assert (audited > base + 1e-6).any()


@QUICK
@given(SEEDS)
def test_two_sided_is_never_below_one_sided(seed):
    rng = np.random.default_rng(seed)
    technology = draw_technology(rng)
    contract = draw_contract(rng, budget=rng.uniform(960, 1000, N))
    one = solve_batch(contract.replace(loss_share=0.0), technology)
    two = solve_batch(contract, technology)
    rises(one.mean_surplus, two.mean_surplus)
    uncapped = contract.replace(gain_cap=np.inf, loss_cap=np.inf)
    one = solve_batch(uncapped.replace(loss_share=0.0), technology)
    two = solve_batch(uncapped, technology)
    rises(one.effort, two.effort)
    rises(-one.inducement, -two.inducement)


@QUICK
@given(SEEDS, st.floats(1, 30))
def test_a_corridor_never_raises_effort(seed, width):
    """Within the corridor nothing is shared; beyond it the excess is."""
    rng = np.random.default_rng(seed)
    technology, contract = draw_technology(rng), draw_contract(rng, gain_cap=np.inf)
    contract = contract.replace(loss_cap=np.inf)
    plain = solve_batch(contract, technology)
    corridor = contract.replace(minimum_savings=width, minimum_losses=width, first_dollar=False)
    held = solve_batch(corridor, technology)
    rises(held.effort, plain.effort)
    rises(held.mean_surplus, plain.mean_surplus)


@QUICK
@given(SEEDS, st.floats(0.01, 1000))
def test_the_unit_of_money_changes_nothing(seed, unit):
    rng = np.random.default_rng(seed)
    t, c = draw_technology(rng), draw_contract(rng)
    scaled = Technology(
        members=t.members,
        fund_share=t.fund_share,
        margin_pay=t.margin_pay,
        **{
            name: getattr(t, name) * unit
            for name in (
                "saving", "effort_cost", "sigma", "price", "margin", "inducement_cost",
                "baseline_spending",
            )
        },
    )  # fmt: skip
    money = ("performance_pay", "budget", "gain_cap", "loss_cap")
    terms = c.replace(**{name: getattr(c, name) * unit for name in money})
    before, after = solve_batch(c, t), solve_batch(terms, scaled)
    assert_allclose(after.mean_surplus, before.mean_surplus * unit, rtol=1e-8, atol=1e-8 * unit)
    assert_allclose(after.effort, before.effort, rtol=1e-8, atol=1e-10)
    assert_allclose(after.inducement, before.inducement, rtol=1e-8, atol=1e-10)


@QUICK
@given(SEEDS)
def test_the_order_of_members_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    t, c, order = draw_technology(rng), draw_contract(rng), rng.permutation(3)
    by_group = {n: getattr(t, n)[..., order] for n in t._BY_GROUP if np.ndim(getattr(t, n)) > 1}
    shuffled = c.replace(split=c.split[:, order])
    before, after = solve_batch(c, t), solve_batch(shuffled, t.replace(**by_group))
    assert_allclose(after.mean_surplus, before.mean_surplus, rtol=1e-9, atol=1e-9)
    assert_allclose(after.effort, before.effort[:, order], rtol=1e-9, atol=1e-12)


@QUICK
@given(SEEDS)
def test_no_lever_of_the_contract_moves_the_baseline(seed):
    """The status quo is one: two contracts that share nothing, bar an audit, meet the same C0."""
    rng = np.random.default_rng(seed)
    one = draw_technology(rng, 1).row(0)
    nothing = {"split": [0.5, 0.3, 0.2], "gain_share": 0.0, "budget": 1000.0}
    quiet = respond(Contract(**nothing), one)
    assert_allclose(quiet.mean_surplus, 0.0, atol=1e-9)
    audited = respond(Contract(**nothing, audit=1.0, penalty=9.0), one)
    found = float((one.members * one.fund_share * one.price * one.baseline_inducement).sum())
    assert_allclose(audited.mean_surplus, found, rtol=1e-12)
