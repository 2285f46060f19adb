"""The printed numbers of the incentive model: golden table, trap, ratchet, splits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import norm

from medalliance.incentives.contract import Contract
from medalliance.incentives.ratchet import historical_weight, ratchet_weight
from medalliance.incentives.respond import respond
from medalliance.incentives.split import (
    largest_equal_alliance,
    optimal_linear_share,
    second_best_split,
    threshold_share,
)
from medalliance.incentives.technology import Technology

ALLIANCE = Technology(
    members=[1, 10, 100],
    saving=[40, 20, 6],
    effort_cost=[40, 20, 6],
    margin_pay=0.3,
    price=[60, 12, 2],
    margin=[12, 2.4, 0.4],
    inducement_cost=[12, 2.4, 0.4],
    fund_share=0.7,
    sigma=40.0,
)
TRAP = Technology(members=[10], saving=[10], effort_cost=[20], sigma=1.0, baseline_spending=100.0)


def contract(**terms):
    return Contract(split=[0.6, 0.3, 0.1], pay_share=0.5, penalty=1.0, **terms)


@pytest.mark.parametrize(
    ("terms", "r", "mu", "v"),
    [
        ({"loss_share": 1.0}, 1.0, 32.555, (0, 0.2475, 0.29825)),
        ({}, 0.755500, 27.676, (0, 0.2603, 0.2987)),
        ({"gain_share": 0.5}, 0.343305, 19.451, (0, 0.2820, 0.2994)),
        ({"loss_share": 1.0, "audit": 0.1}, 1.0, 15.300, (0, 0, 0)),
    ],
    ids=["two-sided", "one-sided", "one-sided half", "two-sided audited"],
)
def test_golden_table_to_the_printed_digits(terms, r, mu, v):
    """The printed table lets each row's baseline be audited as its contract is."""
    audited = 0.3 * (ALLIANCE.margin - 2 * terms.get("audit", 0.0) * ALLIANCE.price)
    before = np.maximum(audited, 0) / ALLIANCE.inducement_cost
    found = respond(contract(**terms), ALLIANCE.replace(baseline_inducement=before))
    assert len(found.marginal_share) == 1
    assert found.unique
    assert found.stable[0]
    assert found.best_response[0]
    assert_allclose(found.marginal_share[0], r, atol=5e-7)
    assert_allclose(found.mean_surplus[0], mu, atol=5e-4)
    assert_allclose(found.inducement[0], v, atol=5e-5 + 1e-12)
    if r == 1.0:
        assert_allclose(found.effort[0], (0.3, 0.015, 0.0005), atol=1e-12)


def test_an_audit_saves_what_the_status_quo_induced():
    """Solve the two-sided contract by hand, with the baseline of the status quo.

    Without a contract ``v0 = beta m / h = .3`` everywhere. With ``r = 1`` efforts are
    ``kappa w theta / g = (.3, .015, .0005)`` and save 12 + 3 + .3 = 15.3. An audit of a tenth with
    a penalty of one takes the whole margin, so that nobody induces; the fund then saves
    ``rho sum n p v0 = .7 (60 + 120 + 200) .3 = 79.8``, hence 95.1 in all. Without the audit the
    hospital stops (12.6), the others fall to (.2475, .29825): .7 (120 (.0525) + 200 (.00175)).
    """
    found = respond(contract(loss_share=1.0, audit=0.1), ALLIANCE)
    assert_allclose(found.mean_surplus, 95.1, rtol=1e-10)
    plain = respond(contract(loss_share=1.0), ALLIANCE)
    assert_allclose(plain.mean_surplus, 15.3 + 12.6 + 0.7 * (6.3 + 0.35), rtol=1e-10)


def test_pay_per_margin_costs_the_fund():
    """Hold the status quo while pay per margin rises from .1 to .5, two-sided contract.

    ``v = max(0, beta m - kappa w rho p) / h`` with ``m = h``, ``p = 5 h``: ``v = beta - 1.75 w``
    per member, where that is positive. Shares (.6, .03, .001): at .1 they induce
    (0, .0475, .09825), at .5 (0, .4475, .49825); the status quo has .3. So the surplus is
    15.3 + .7 (60 (.3) + 120 (.3 - v_T) + 200 (.3 - v_V)) = 77.355 and -12.245.
    """
    low, high = (
        respond(contract(loss_share=1.0), ALLIANCE.replace(margin_pay=beta)).mean_surplus[0]
        for beta in (0.1, 0.5)
    )
    assert_allclose([low, high], [77.355, -12.245], rtol=1e-10)


def test_golden_response_total_and_contraction():
    found = respond(contract(), ALLIANCE)
    total = float((found.problem.members * found.problem.response).sum())
    assert_allclose(total, 64.055, atol=5e-4)
    assert_allclose(found.contraction, 0.6389, atol=5e-5)


def test_golden_threshold_share_disciplines_the_lead_hospital_alone():
    rows = respond(contract(loss_share=1.0), ALLIANCE).members()
    assert_allclose(rows["threshold_share"], 0.171, atol=5e-4)
    assert (rows["share_of_member"] >= rows["threshold_share"]).tolist() == [True, False, False]
    assert rows["largest_equal_alliance"].tolist() == [5, 5, 5]


def test_low_effort_trap_has_three_roots_with_the_middle_one_unstable():
    found = respond(Contract(split=[1.0], budget=97.5), TRAP)
    assert_allclose(found.marginal_share, (0.006835, 0.5, 0.993165), atol=5e-7)
    assert found.stable.tolist() == [True, False, True]
    assert found.best_response[[0, 2]].all()
    assert not found.unique
    assert_allclose(found.contraction, 5 / np.sqrt(2 * np.pi), rtol=1e-12)
    own = float(found.problem.response[0, 0]) / np.sqrt(2 * np.pi)
    assert own < 0.2  # each member's own payoff is concave, yet there are three equilibria


def test_trap_roots_are_best_responses_by_brute_force():
    found = respond(Contract(split=[1.0], budget=97.5), TRAP)
    grid = np.linspace(0, 3, 300001)
    for k in (0, 2):
        e = found.effort[k, 0]
        mu = found.mean_surplus[k] + 10 * (grid - e)
        gain = mu * norm.cdf(mu) + norm.pdf(mu)
        payoff = 0.1 * gain - 10 * grid**2
        assert_allclose(grid[payoff.argmax()], e, atol=1e-5)


@pytest.mark.parametrize(
    ("psi", "weight"), [(0.1, 0.3448), (0.3, 0.1493), (0.5, 0.0952), (1.0, 0.05)]
)
def test_ratchet_values(psi, weight):
    assert_allclose(ratchet_weight(psi, 0.0, 0.95), weight, atol=5e-5)


def _brute_weight(psi, growth, discount, term, year, base, horizon=4000):
    """Follow the budgets after one unit saved in one year of the first term."""
    budget, spending = np.zeros(horizon), np.zeros(horizon)
    spending[year - 1] = -1.0
    for t in range(1, horizon):
        if t % term:
            budget[t] = (1 + growth) * budget[t - 1]
            continue
        past = spending[t - 1]
        if base == "term_mean":
            lift = (1 + growth) ** np.arange(term - 1, -1, -1.0)
            past = float(np.mean(lift * spending[t - term : t]))
        budget[t] = (1 + growth) * ((1 - psi) * budget[t - 1] + psi * past)
    later = np.arange(horizon) - (year - 1)
    return 1 + float((discount**later * budget)[year:].sum())


@pytest.mark.parametrize("base", ["last_year", "term_mean"])
@pytest.mark.parametrize(("term", "year"), [(1, 1), (3, 1), (3, 2), (3, 3), (5, 4)])
def test_ratchet_of_fixed_terms_equals_the_sum_year_by_year(term, year, base):
    got = ratchet_weight(0.4, 0.03, 0.9, term=term, year=year, base=base)
    assert_allclose(got, _brute_weight(0.4, 0.03, 0.9, term, year, base), rtol=1e-9)


def test_longer_terms_delay_the_loss():
    weights = [float(ratchet_weight(0.5, 0.0, 0.95, term=h)) for h in (1, 2, 3, 5)]
    assert weights == sorted(weights)
    assert_allclose(weights[0], 0.0952, atol=5e-5)


def test_historical_budget_weight_is_the_discounted_sum():
    assert_allclose(historical_weight(0.05, 0.9), 1 - 1.05 * (0.9 + 0.81 + 0.729) / 3)


def test_second_best_split_drops_the_weakest():
    found = second_best_split([3, 2, 0.4], 0.9)
    assert_allclose(found["incentive"], (0.56, 0.34, 0.0), atol=1e-12)
    assert_allclose(found["shadow_price"], 1.32, atol=1e-12)
    assert_allclose(found["split"].sum(), 1.0)


@pytest.mark.parametrize("seed", range(6))
def test_second_best_split_equals_a_numerical_optimiser(seed):
    rng = np.random.default_rng(seed)
    k, n = rng.uniform(0.2, 4, 4), rng.integers(1, 6, 4).astype(float)
    strength = rng.uniform(0.2, 1.0)
    found = second_best_split(k, strength, n)

    def loss(x):
        return -float((n * k * (x - x**2 / 2)).sum())

    best = minimize(
        loss,
        np.full(4, strength / n.sum()),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda x: (n * x).sum() - strength},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert loss(found["incentive"]) <= best.fun + 1e-9
    assert_allclose(found["incentive"], best.x, atol=2e-4)


@pytest.mark.parametrize("seed", range(4))
def test_optimal_linear_share_maximises_the_certain_equivalent(seed):
    rng = np.random.default_rng(seed)
    alpha, g, sd, theta = rng.uniform(0.2, 3, 4)

    def loss(share):
        e = share[0] * theta / g
        return -(theta * e - g * e**2 / 2 - alpha * share[0] ** 2 * sd**2 / 2)

    best = minimize(loss, [0.5], method="BFGS", options={"gtol": 1e-12}).x[0]
    assert_allclose(optimal_linear_share(alpha, g, sd, theta), best, atol=1e-6)


def test_audit_drives_the_threshold_share_to_zero():
    gain = 0.3 * (12 - 0.1 * 2 * 60)
    assert threshold_share(gain, 0.7 * 60, 0.5, 1.0) == 0
    assert largest_equal_alliance(0.0) == np.inf


def test_one_sided_root_solves_the_printed_equation():
    found = respond(contract(), ALLIANCE)
    mu = found.mean_surplus[0]
    assert_allclose(found.marginal_share[0], norm.cdf(mu / 40), rtol=1e-12)
    area, _ = quad(lambda s: max(s, 0) * norm.pdf(s, mu, 40), 0, mu + 400)
    assert_allclose(found.expected_transfer[0], area, rtol=1e-8)
