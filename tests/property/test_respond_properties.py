"""Signs and invariances of the incentive model over random technologies."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm

from medalliance.incentives.batch import solve_batch
from medalliance.incentives.best_response import effort, inducement, problem_of
from medalliance.incentives.contract import Contract
from medalliance.incentives.patients import PatientChoice, saving_per_effort, visit_shares
from medalliance.incentives.respond import respond
from medalliance.incentives.statics import STATICS, sign_reversals
from medalliance.incentives.technology import Technology
from medalliance.incentives.transfer import (
    expected_transfer,
    largest_share,
    marginal_share,
    steepest_rise,
    transfer_of,
    transfer_variance,
)

QUICK = settings(max_examples=25, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def draw_many(seed, n=300):
    rng = np.random.default_rng(seed)
    u = rng.uniform
    technology = Technology(
        members=rng.integers(1, 12, (n, 3)),
        saving=u(2, 40, (n, 3)),
        effort_cost=u(5, 40, (n, 3)),
        sigma=u(5, 60, n),
        price=u(2, 60, (n, 3)),
        margin=u(0.5, 12, (n, 3)),
        inducement_cost=u(1, 12, (n, 3)),
        margin_pay=u(0.1, 0.6, (n, 3)),
        fund_share=u(0.4, 0.8, n),
        baseline_spending=1000.0,
    )
    return technology, rng.dirichlet([2, 2, 2], n), u(980, 1020, n)


def draw_one(seed):
    many, split, budget = draw_many(seed, 1)
    one = many.row(0)
    return one, split[0], float(budget[0])


def acts(contract, technology, share):
    problem = problem_of(contract, technology)
    worth = (problem.claim * problem.weight[:, None])[:, None] * share
    return effort(problem, worth)[0, 0], inducement(problem, worth)[0, 0]


TERMS = st.fixed_dictionaries(
    {
        "gain_share": st.floats(0.1, 1),
        "loss_share": st.floats(0, 1),
        "quality": st.floats(0.1, 1),
        "gain_cap": st.floats(20, 80),
        "loss_cap": st.floats(20, 80),
        "minimum_savings": st.floats(0, 20),
        "minimum_losses": st.floats(0, 20),
        "first_dollar": st.booleans(),
        "gain_bands": st.sampled_from([(), ((15, 0.2), (np.inf, 0.7)), ((10, 0.5), (40, 0.1))]),
        "loss_bands": st.sampled_from([(), ((5, 0.0), (30, 0.4), (np.inf, 0.9))]),
    }
)


def plain_transfer(contract, surplus):
    """Evaluate a transfer by walking up the bands, yuan by yuan as it were."""
    c = contract

    def climb(amount, bands, share, cap, minimum):
        if amount <= 0 or amount < minimum:
            return 0.0
        bands = bands or ((np.inf, float(share)),)

        def paid(x):
            total, start = 0.0, 0.0
            for upto, rate in bands:
                total += rate * max(0.0, min(x, upto) - start)
                start = upto
            return total

        full = paid(min(amount, float(cap)))
        return full if c.first_dollar else full - paid(float(minimum))

    gain = climb(surplus, c.gain_bands, c.gain_share, c.gain_cap, c.minimum_savings)
    loss = climb(-surplus, c.loss_bands, c.loss_share, c.loss_cap, c.minimum_losses)
    return float(c.quality) * gain - loss


@QUICK
@given(TERMS, st.floats(-120, 120))
def test_transfer_is_what_the_bands_say(terms, surplus):
    contract = Contract(split=[1.0], **terms)
    got = transfer_of(contract)(np.array([surplus]))[0]
    assert_allclose(got, plain_transfer(contract, surplus), atol=1e-9)


@QUICK
@given(TERMS, st.floats(-40, 40), st.floats(3, 30))
def test_closed_forms_equal_quadrature(terms, mu, sigma):
    contract = Contract(split=[1.0], **terms)
    transfer, sd, mean = transfer_of(contract), np.array(sigma), np.array([mu])
    cuts = np.unique(transfer.knots[np.isfinite(transfer.knots)])
    edges = [mu - 12 * sigma, *cuts[np.abs(cuts - mu) < 12 * sigma], mu + 12 * sigma]

    def integral(power):
        parts = [
            quad(
                lambda s: plain_transfer(contract, s) ** power * norm.pdf(s, mu, sigma),
                a,
                b,
                epsabs=1e-11,
                limit=200,
            )[0]
            for a, b in pairwise(edges)
        ]
        return sum(parts)

    first, second = integral(1), integral(2)
    assert_allclose(expected_transfer(transfer, mean, sd)[0], first, atol=1e-7)
    variance, slope = transfer_variance(transfer, mean, sd)
    assert_allclose(variance[0], max(second - first**2, 0), atol=1e-5)
    h = 1e-4 * sigma
    ends = np.array([mu - h, mu + h])
    gain = np.diff(expected_transfer(transfer, ends, sd))[0] / (2 * h)
    assert_allclose(marginal_share(transfer, mean, sd)[0], gain, atol=1e-6)
    spread = np.diff(transfer_variance(transfer, ends, sd)[0])[0] / (2 * h)
    assert_allclose(slope[0], spread, atol=1e-4 * (1 + abs(spread)))


@QUICK
@given(TERMS, st.floats(3, 30))
def test_bounds_on_the_marginal_share_hold(terms, sigma):
    transfer, sd = transfer_of(Contract(split=[1.0], **terms)), np.array(sigma)
    means = np.linspace(-150, 150, 6001)
    r = marginal_share(transfer, means, sd)
    assert r.max() <= largest_share(transfer, sd) + 1e-9
    slope = np.diff(r) / np.diff(means)
    assert slope.max() <= steepest_rise(transfer, sd) + 1e-9
    assert (-slope).max() <= steepest_rise(transfer, sd, -1.0) + 1e-9


@QUICK
@given(SEEDS, st.floats(0.05, 1))
def test_own_share_raises_effort_at_given_r(seed, share):
    technology, split, _ = draw_one(seed)
    more = np.array([split[0] + 0.02, *(split[1:] * (0.98 - split[0]) / (1 - split[0]))])
    low, v_low = acts(Contract(split=split), technology, share)
    high, v_high = acts(Contract(split=more), technology, share)
    assert high[0] > low[0]
    assert v_high[0] <= v_low[0]


@QUICK
@given(SEEDS, st.floats(0.05, 1))
def test_effort_falls_in_the_number_of_equal_members(seed, share):
    technology, _, _ = draw_one(seed)
    efforts = []
    for n in (1, 5, 25):
        members = np.full(3, n)
        contract = Contract(split=[1 / 3] * 3)
        efforts.append(acts(contract, technology.replace(members=members), share)[0])
    assert np.all(efforts[0] > efforts[1])
    assert np.all(efforts[1] > efforts[2])


@QUICK
@given(SEEDS)
def test_two_sided_effort_is_twice_one_sided_at_zero_surplus(seed):
    technology, split, _ = draw_one(seed)
    mean = np.array([[0.0]])
    found = []
    for loss_share in (0.0, 0.7):
        contract = Contract(split=split, gain_share=0.7, loss_share=loss_share)
        problem = problem_of(contract, technology)
        r = marginal_share(problem.transfer, mean, problem.sigma)[0, 0]
        found.append(acts(contract, technology, r)[0])
    assert_allclose(found[1], 2 * found[0])


@QUICK
@given(SEEDS, st.floats(0, 0.5))
def test_margin_raises_inducement_and_audit_lowers_it(seed, share):
    technology, split, _ = draw_one(seed)
    contract = Contract(split=split, penalty=1.0)
    _, base = acts(contract, technology, share)
    _, dear = acts(contract, technology.replace(margin=technology.margin + 1), share)
    _, audited = acts(contract.replace(audit=0.05), technology, share)
    assert np.all(dear >= base)
    assert np.all(dear[base > 0] > base[base > 0])
    assert np.all(audited <= base)
    assert np.all(audited[base > 0] < base[base > 0])


@QUICK
@given(SEEDS, st.floats(0.05, 1), st.floats(0, 0.9))
def test_rebasing_lowers_effort(seed, share, psi):
    technology, split, _ = draw_one(seed)
    contract = Contract(split=split, discount=0.9, rebasing=psi)
    low, _ = acts(contract.replace(rebasing=psi + 0.05), technology, share)
    high, _ = acts(contract, technology, share)
    assert np.all(low < high)


@QUICK
@given(st.floats(-30, 30), st.floats(5, 50), st.floats(0.1, 1))
def test_risk_moves_the_one_sided_share_towards_half(mu, sigma, keep):
    transfer = transfer_of(Contract(split=[1.0], gain_share=keep))
    near, far = (
        abs(marginal_share(transfer, np.array([mu]), np.array(sd))[0] - keep / 2)
        for sd in (sigma, 2 * sigma)
    )
    assert far <= near + 1e-15


@QUICK
@given(SEEDS)
def test_tighter_budget_lowers_the_one_sided_share_alone(seed):
    technology, split, budget = draw_one(seed)
    for loss_share, moves in ((0.0, True), (1.0, False)):
        contract = Contract(split=split, pay_share=0.3, loss_share=loss_share, budget=budget)
        easy = respond(contract, technology)
        tight = respond(contract.replace(budget=budget - 5), technology)
        if moves and easy.unique and tight.unique:
            assert tight.marginal_share[0] < easy.marginal_share[0]
        if not moves:
            assert_allclose(tight.marginal_share, easy.marginal_share, rtol=1e-12)


@QUICK
@given(SEEDS, st.floats(0.05, 1))
def test_performance_pay_works_whatever_the_number_of_members(seed, share):
    technology, split, _ = draw_one(seed)
    rises = []
    for n in (1, 50):
        crowd = technology.replace(members=np.full(3, n))
        without, _ = acts(Contract(split=split), crowd, share)
        with_pay, _ = acts(Contract(split=split, performance_pay=2.0), crowd, share)
        rises.append(with_pay - without)
    assert_allclose(rises[0], rises[1])
    assert_allclose(rises[0], 2.0 / technology.effort_cost)


def draw_choice(seed):
    rng = np.random.default_rng(seed)
    return PatientChoice(
        visits=1000.0,
        appeal=rng.normal(size=4),
        attraction=[*rng.uniform(0.1, 1, 3), 0.0],
        cost=[1.2, 0.4, 0.1, 3.0],
        out_of_pocket=[0.4, 0.1, 0.02, 1.5],
        members=[1, 10, 100],
        fund_share=0.6,
        price_sensitivity=rng.uniform(0.2, 2),
    )


@QUICK
@given(SEEDS)
def test_gate_moves_visits_from_hospital_to_primary_care(seed):
    choice = draw_choice(seed)
    before, after = visit_shares(choice), visit_shares(choice.replace(gate=0.5))
    gated = visit_shares(choice.replace(gate=0.5, gated=(True, False, False, False)))
    assert gated[0] < before[0]
    assert after[1] + after[2] > before[1] + before[2]
    assert_allclose(after.sum(), 1)


@QUICK
@given(SEEDS)
def test_two_tiers_village_saving_rises_until_half_the_visits_are_there(seed):
    rng = np.random.default_rng(seed)
    lift = np.sort(rng.uniform(-3, 3, 2))
    saved, shares = [], []
    for appeal in lift:
        choice = PatientChoice(
            visits=1000.0,
            appeal=[0.0, appeal, -60.0],
            attraction=[0.0, 1.0, 0.0],
            cost=[1.2, 0.2, 1.0],
            out_of_pocket=[0.0, 0.0, 0.0],
            members=[1, 1],
            tiers=("lead_hospital", "village", "outside"),
        )
        share = visit_shares(choice)
        saved.append(saving_per_effort(choice, share)[1])
        shares.append(share[1])
    if shares[1] < 0.5:
        assert saved[1] >= saved[0]
    if shares[0] > 0.5:
        assert saved[1] <= saved[0]


@QUICK
@given(SEEDS)
def test_saving_per_effort_is_the_slope_of_spending(seed):
    choice = draw_choice(seed)
    for excluded in (False, True):
        cost = choice.cost * np.array([1, 1, 1, 0 if excluded else 1])

        def spending(e, cost=cost):
            return choice.visits * choice.fund_share * (visit_shares(choice, e) @ cost)

        theta = saving_per_effort(choice, visit_shares(choice), excluded=excluded)
        for j in range(3):
            step = np.zeros(3)
            step[j] = 1e-5
            slope = (spending(step) - spending(-step)) / 2e-5
            assert_allclose(theta[j] * choice.members[j], -slope, rtol=1e-6, atol=1e-6)


@QUICK
@given(SEEDS, st.floats(0.2, 5))
def test_a_change_of_currency_changes_no_act_share(seed, rate):
    technology, split, budget = draw_one(seed)
    contract = Contract(split=split, pay_share=0.4, budget=budget, audit=0.02, penalty=1.0)
    money = ("saving", "effort_cost", "price", "margin", "inducement_cost")
    other = technology.replace(
        **{f: getattr(technology, f) * rate for f in money},
        sigma=technology.sigma * rate,
        baseline_spending=technology.baseline_spending * rate,
    )
    one = respond(contract, technology)
    two = respond(contract.replace(budget=budget * rate), other)
    assert_allclose(two.marginal_share, one.marginal_share, rtol=1e-7)
    assert_allclose(two.effort, one.effort, rtol=1e-7)
    assert_allclose(two.mean_surplus, one.mean_surplus * rate, rtol=1e-6, atol=1e-7)


@settings(max_examples=6, deadline=None)
@given(
    SEEDS, st.sampled_from([{}, {"loss_share": 0.5}, {"minimum_savings": 8.0}, {"gain_cap": 15}])
)
def test_batch_equals_one_by_one(seed, terms):
    many, split, budget = draw_many(seed, 12)
    batch = solve_batch(Contract(split=split, pay_share=0.6, budget=budget, **terms), many)
    for k in range(12):
        one = many.row(k)
        contract = Contract(split=split[k], pay_share=0.6, budget=budget[k], **terms)
        found = respond(contract, one)
        assert_allclose(batch.mean_surplus[k], found.mean_surplus[0], rtol=1e-8, atol=1e-8)
        assert_allclose(batch.effort[k], found.effort[0], rtol=1e-7)
        assert batch.n_fixed_points[k] == len(found.mean_surplus)


@pytest.mark.parametrize("loss_share", [0.0, 1.0])
def test_report_of_signs_that_the_equilibrium_reverses(loss_share):
    # own shares turn twice in ten thousand problems: a smaller sample misses them
    technology, split, budget = draw_many(4, 20_000)
    contract = Contract(
        split=split,
        pay_share=0.5,
        penalty=1.0,
        audit=0.02,
        loss_share=loss_share,
        budget=budget,
        rebasing=0.2,
        discount=0.5,
    )
    report = sign_reversals(contract, technology)
    assert len(report) == len(STATICS)
    assert (report["problems"] > 1000).all()
    assert (report["holds_at_fixed_r"] == 1.0).all()
    turned = set(report.loc[report["reversed"] > 0, "parameter"])
    if loss_share == 1.0:
        assert not turned
    else:
        # More members bring more induced volume for the audit to find, which lifts r.
        assert turned == {"own share, others shrink in proportion", "members, equal split"}
        assert (report["reversed"] < 0.01).all()


def test_at_the_unstable_root_a_tighter_budget_raises_r():
    trap = Technology(
        members=[10], saving=[10], effort_cost=[20], sigma=1.0, baseline_spending=100.0
    )
    roots = [
        respond(Contract(split=[1.0], budget=budget), trap).marginal_share
        for budget in (97.5, 97.45)
    ]
    assert roots[1][0] < roots[0][0]
    assert roots[1][1] > roots[0][1]
    assert roots[1][2] < roots[0][2]
