"""Signs of the new acts over random alliances: needed care, score, information, village doctor."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import medalliance as ma
from medalliance.incentives.batch import solve_batch
from medalliance.incentives.best_response import budget_variance
from medalliance.incentives.contract import Contract
from medalliance.incentives.technology import Technology
from medalliance.incentives.village import VillageDoctor, village_shares

SEEDS = st.integers(0, 2**32 - 1)
N = 200


def draw_care(rng, n=N):
    u = rng.uniform
    shape = (n, 3)
    price = u(2, 20, shape)
    return Technology(
        members=rng.integers(1, 12, shape), saving=u(2, 40, shape), effort_cost=u(5, 40, shape),
        sigma=u(5, 60, n), price=u(2, 60, shape), margin=u(0.5, 12, shape),
        inducement_cost=u(1, 12, shape), margin_pay=u(0.1, 0.6, shape), fund_share=u(0.4, 0.8, n),
        baseline_spending=1000.0, withholding_saving=u(1, 8, shape),
        withholding_harm=u(1, 16, shape), withholding_cost=u(2, 8, shape),
        score_effect=u(0.005, 0.05, shape), need=u(0.5, 2, shape), needed_price=price,
        needed_margin=u(0.1, 0.5, shape) * price, needed_cost=u(0.5, 3, shape),
        needed_value=u(1, 20, shape), needed_saving=u(0, 2, shape),
        export_spending=u(1, 20, shape), export_price=u(20, 40, shape),
        export_cost=u(10, 40, shape), export_harm=u(0, 5, shape),
    )  # fmt: skip


def two_sided(rng, **terms):
    split = rng.dirichlet([2, 2, 2], N)
    return Contract(split=split, pay_share=0.5, loss_share=1.0, **terms)


@settings(max_examples=12, deadline=None)
@given(SEEDS)
def test_a_price_draws_needed_care_where_margins_outweigh_the_share(seed):
    """At r = 1 the sign of du/dp is that of beta - kappa w rho, for each member."""
    rng = np.random.default_rng(seed)
    t, c = draw_care(rng), two_sided(rng)
    dear = solve_batch(c.replace(needed_price=1.02 * t.needed_price), t).needed
    base = solve_batch(c.replace(needed_price=t.needed_price), t).needed
    pull = t.margin_pay - 0.5 * c.split / t.members * t.fund_share[:, None]
    inner = (base > 1e-9) & (base < t.need - 1e-9)
    change = (dear - base)[inner]
    assert (np.sign(change) == np.sign(pull[inner])).all()


@settings(max_examples=12, deadline=None)
@given(SEEDS)
def test_nobody_is_sent_out_where_care_outside_counts_and_costs_more(seed):
    rng = np.random.default_rng(seed)
    t, c = draw_care(rng), two_sided(rng)
    assert (solve_batch(c, t).exported == 0).all()
    assert (solve_batch(c.replace(out_of_county="excluded"), t).exported > 0).all()


@settings(max_examples=6, deadline=None)
@given(SEEDS)
def test_above_the_threshold_weight_nothing_is_withheld(seed):
    rng = np.random.default_rng(seed)
    t = draw_care(rng, 1).row(0)
    c = Contract(split=rng.dirichlet([2, 2, 2]), pay_share=0.5, gain_share=rng.uniform(0.2, 1))
    weight = float(ma.threshold_weight(c, t)["threshold_weight"].max())
    found = solve_batch(c.replace(score_weight=1.001 * weight), t)
    assert_allclose(found.withheld, 0.0, atol=1e-12)
    bare = solve_batch(c, t)
    assert (bare.withheld > 0).any()
    assert bare.harm[0] > found.harm[0]


@settings(max_examples=12, deadline=None)
@given(SEEDS)
def test_welfare_is_what_its_parts_say(seed):
    rng = np.random.default_rng(seed)
    t, c = draw_care(rng), two_sided(rng, audit=rng.uniform(0, 0.1))
    found = solve_batch(c, t)
    assert_allclose(found.welfare, found.needed_value - found.spending - found.harm, rtol=1e-12)
    # With everything in scope the surplus is budget less spending.
    assert_allclose(found.spending, 1000.0 - found.mean_surplus, rtol=1e-9, atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_more_who_know_leave_less_error(seed):
    rng = np.random.default_rng(seed)
    t = draw_care(rng).replace(budget_error=rng.uniform(1, 30, N), signal=rng.uniform(0, 1, (N, 3)))
    part = rng.uniform(0, 0.9, (N, 3))
    few, many = (budget_variance(two_sided(rng, takes_part=x), t) for x in (part, part + 0.1))
    assert (many <= few).all()
    assert (few <= t.budget_error**2).all()


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_the_village_keeps_more_patients_for_a_fee_and_a_share(seed):
    rng = np.random.default_rng(seed)
    patients = ma.example_patients()
    doctor = VillageDoctor(
        skill=np.sort(rng.uniform(0, 1, 4)), fee=rng.uniform(0, 40), charge=rng.uniform(0, 60, 3),
        capitated=rng.uniform(), burden=rng.uniform(20, 200), contracted=rng.uniform(),
        compliance=rng.uniform(), refers=bool(rng.integers(2)),
    )  # fmt: skip
    worth = np.array([0.0, 0.1, 0.5])
    shares = village_shares(doctor, patients, worth)
    assert_allclose(shares.sum(axis=-1), 1.0, rtol=1e-12)
    assert (shares >= -1e-12).all()
    assert (np.diff(shares[:, 2]) >= -1e-12).all()  # the village is the cheapest place
    paid = village_shares(doctor.replace(fee=doctor.fee + 10), patients, worth)
    assert (paid[:, 2] >= shares[:, 2] - 1e-12).all()
    charged = village_shares(doctor.replace(charge=doctor.charge + 10), patients, worth)
    assert (charged[:, 2] >= shares[:, 2] - 1e-12).all()
