"""Hand-solved cases of withheld care, the score, needed services, prices, budget units."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.stats import norm

import medalliance as ma
from medalliance.incentives.batch import solve_batch
from medalliance.incentives.contract import Contract
from medalliance.incentives.example import example_alliance, example_contract
from medalliance.incentives.prices import service_income, set_prices
from medalliance.incentives.respond import respond
from medalliance.incentives.score import expected_score
from medalliance.incentives.technology import Technology
from medalliance.incentives.threshold import threshold_weight
from medalliance.incentives.units import budget_units, compare_rules, unit_steps

ONE = Technology(
    members=[1], saving=[10.0], effort_cost=[10.0], sigma=10.0, baseline_spending=100.0,
    withholding_saving=[4.0], withholding_harm=[9.0], withholding_cost=[4.0], score_effect=[0.1],
)  # fmt: skip
TWO_SIDED = {"loss_share": 1.0, "gain_share": 1.0}


def gain_of(mu, sigma):
    return mu * norm.cdf(mu / sigma) + sigma * norm.pdf(mu / sigma)


def test_without_a_score_withheld_care_is_what_it_saves():
    """One member, two-sided, no score: r = 1, so e = theta/g = 1 and s = theta^s/g^s = 1.

    The surplus is 10 + 4, harm 9, spending 100 - 14 = 86, welfare -86 - 9 = -95: worse for
    patients and fund together than effort alone, -90.
    """
    found = respond(Contract(split=[1.0], **TWO_SIDED), ONE)
    assert_allclose(
        [found.withheld[0, 0], found.mean_surplus[0], found.harm[0], found.welfare[0]],
        [1.0, 14.0, 9.0, -95.0],
    )
    alone = respond(Contract(split=[1.0], **TWO_SIDED), ONE.replace(withholding_saving=0.0))
    assert_allclose(alone.welfare, -90.0)


def test_threshold_weight_by_hand():
    """At s = 0: mu = 10, r = 1, G = 10 Phi(1) + 10 phi(1) = 10.8332.

    A unit withheld saves 4 and costs weight * .1 * G, so the weight is 4 / 1.08332 = 3.6924.
    """
    table = threshold_weight(Contract(split=[1.0], **TWO_SIDED), ONE)
    by_hand = 4 / (0.1 * gain_of(10.0, 10.0))
    assert_allclose(by_hand, 3.6924, atol=5e-5)
    assert_allclose(table["threshold_weight"], by_hand, rtol=1e-12)
    assert_allclose(table["by_solver"], by_hand, rtol=1e-9)
    for weight, withholds in ((by_hand * 0.999, True), (by_hand * 1.001, False)):
        found = respond(Contract(split=[1.0], score_weight=weight, **TWO_SIDED), ONE)
        assert bool(found.withheld[found.chosen, 0] > 0) == withholds


def test_threshold_is_the_same_for_large_shares_and_small():
    """What a share multiplies cancels: r theta^s / (chi G) holds no w."""
    crowd = ONE.replace(members=[50])
    table = threshold_weight(Contract(split=[1.0], **TWO_SIDED), crowd)
    mean = 50 * 10 * (10 / 50) / 10
    assert_allclose(table["threshold_weight"], 4 / (0.1 * gain_of(mean, 10.0)), rtol=1e-10)


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_scored_equilibrium_solves_both_equations(weight, noise):
    """Solve mu and the score by brute force: mu = 10 e + 4 s, latent = 1 - weight .1 s.

    ``e = r``, ``s = max(0, r - weight .1 G Q' / 4)``, ``r = Q Phi + 1 - Phi``.
    """
    contract = Contract(split=[1.0], score_weight=weight, score_noise=noise, **TWO_SIDED)
    found = respond(contract, ONE)
    assert found.certified

    def s_at(mu):
        def gap(s):
            score, slope, _ = expected_score(np.array(1 - weight * 0.1 * s), np.array(noise))
            r = score * norm.cdf(mu / 10) + norm.cdf(-mu / 10)
            return max(0.0, float(r - weight * 0.1 * gain_of(mu, 10) * slope / 4)) - s

        return brentq(gap, -1e-9, 2.0, xtol=1e-14)

    def excess(mu):
        s = s_at(mu)
        score, _, _ = expected_score(np.array(1 - weight * 0.1 * s), np.array(noise))
        return 10 * (score * norm.cdf(mu / 10) + norm.cdf(-mu / 10)) + 4 * s - mu

    grid = np.linspace(-5, 20, 400)
    values = [excess(x) for x in grid]
    cuts = [k for k in range(399) if values[k] * values[k + 1] < 0]
    roots = [brentq(excess, grid[k], grid[k + 1], xtol=1e-13) for k in cuts]
    assert_allclose(found.mean_surplus, roots, rtol=1e-9)
    assert_allclose(found.withheld[:, 0], [s_at(x) for x in roots], atol=1e-8)
    batch = solve_batch(contract, ONE)
    assert_allclose(batch.mean_surplus, roots[0], rtol=1e-9)


def test_scored_acts_are_best_by_an_optimiser_of_both_acts():
    """Maximise one member's payoff over effort and withheld care, the others held."""
    contract = Contract(split=[1.0], score_weight=2.0, pay_share=0.8)
    t = ONE.replace(members=[3], score_effect=[0.2])
    found = respond(contract, t)
    k = found.chosen
    e0, s0, mu0 = found.effort[k, 0], found.withheld[k, 0], found.mean_surplus[k]
    latent0 = 1 - 2 * 0.2 * 3 * s0

    def loss(x):
        e, s = x
        mu = mu0 + 10 * (e - e0) + 4 * (s - s0)
        score = np.clip(latent0 - 2 * 0.2 * (s - s0), 0, 1)
        return -(0.8 / 3 * score * gain_of(mu, 10) - 5 * e**2 - 2 * s**2)

    best = minimize(loss, [e0, s0], bounds=[(0, 3), (0, 3)], options={"ftol": 1e-15})
    assert_allclose(best.x, [e0, s0], atol=2e-4)
    assert found.best_response[k]


def test_a_score_with_nothing_left_to_lose_stops_nobody():
    """A hundred members, a heavy score, a tight budget: the score is zero, and nobody can hurt it.

    At a score of zero gains are worth nothing and losses are borne whole, r = P(S < 0). Then
    ``e = r / 1000``, ``s = .08 r``, ``mu = -20 + .1 r + 32 r``; the latent score 1 - 15 (.16 r)
    is below zero.
    """
    crowd = ONE.replace(
        members=[100], saving=[1.0], score_effect=[0.02], sigma=3.0, withholding_cost=[0.5]
    )
    heavy = Contract(split=[1.0], score_weight=15.0, budget=80.0, **TWO_SIDED)
    found = respond(heavy, crowd)
    r = brentq(lambda r: norm.cdf((20 - 32.1 * r) / 3) - r, 0, 1, xtol=1e-15)
    assert found.certified
    assert found.score[0] == 0
    assert_allclose(found.mean_surplus, -20 + 32.1 * r, rtol=1e-9)
    assert_allclose(found.withheld[0, 0], 0.08 * r, rtol=1e-9)
    assert respond(heavy.replace(budget=100.0), crowd).score[0] > 0.5


def test_the_trap_keeps_its_three_equilibria_under_a_score():
    """Scan the mean surplus for the trap with a little care that can be withheld."""
    trap = Technology(
        members=[10], saving=[10.0], effort_cost=[20.0], sigma=1.0, baseline_spending=100.0,
        withholding_saving=[1.0], withholding_cost=[20.0], score_effect=[0.5],
    )  # fmt: skip
    found = respond(Contract(split=[1.0], budget=97.5, score_weight=1.0), trap)

    def excess(mu):
        def gap(s):
            q = 1 - 5 * s
            return max(0.0, 0.1 * (q * norm.cdf(mu) - 0.5 * gain_of(mu, 1.0)) / 20) - s

        s = brentq(gap, -1e-9, 1.0, xtol=1e-15)
        return -2.5 + 10 * (10 * 0.1 * (1 - 5 * s) * norm.cdf(mu) / 20 * 10 + s) - mu

    grid = np.linspace(-5, 5, 2001)
    values = np.array([excess(x) for x in grid])
    cuts = np.flatnonzero(values[:-1] * values[1:] < 0)
    roots = [brentq(excess, grid[k], grid[k + 1], xtol=1e-14) for k in cuts]
    assert len(roots) == 3
    assert_allclose(found.mean_surplus, roots, atol=1e-8)
    assert found.stable.tolist() == [True, False, True]
    assert found.certified


def test_needed_services_by_hand():
    """``u = (beta m - y (rho p - d)) / h`` with y = kappa w = .015 for a township, .0005 a village.

    Township: (.45 - .015 * 2.5) / .9 = .458333; village: (.18 - .0005 * 1) / .36 = .498611.
    A yuan more brings (.3 - .015 * .7) / .9 = .321667.
    """
    found = respond(example_contract(**TWO_SIDED), example_alliance())
    assert_allclose(found.needed[0], [0, 0.4583333333, 0.4986111111], rtol=1e-9)
    table = service_income(found)
    assert_allclose(table["needed_response"][1], 0.3216666667, rtol=1e-9)


def test_a_price_is_right_where_welfare_rises_with_it():
    """Compare the closed form with a rise of each group's price by a small step, at r = 1."""
    t, terms = example_alliance(), example_contract(**TWO_SIDED)
    table, step = service_income(respond(terms, t)), 1e-5
    for j in range(3):
        rise = t.needed_price + step * np.eye(3)[j]
        after = respond(terms.replace(needed_price=rise), t).welfare[0]
        before = respond(terms.replace(needed_price=t.needed_price), t).welfare[0]
        slope = (after - before) / step / t.members[j]
        assert_allclose(slope, table["welfare"][j], atol=1e-4)


def test_a_price_cannot_draw_care_from_who_holds_much_of_the_surplus():
    """A price works where beta > kappa w r rho: with w = 1, kappa = .5, rho = .7 it does not."""
    alone = Technology(
        members=[1], saving=[1.0], effort_cost=[10.0], sigma=10.0, baseline_spending=100.0,
        margin_pay=0.3, fund_share=0.7, need=[1.0], needed_price=[2.0], needed_margin=[1.0],
        needed_cost=[1.0], needed_value=[5.0], needed_saving=[1.4],
    )  # fmt: skip
    for kappa, draws in ((0.5, False), (0.4, True)):
        found = respond(Contract(split=[1.0], pay_share=kappa, **TWO_SIDED), alone)
        table = service_income(found)
        assert bool(table["draws_care"][0]) == draws
        dear = respond(Contract(split=[1.0], pay_share=kappa, needed_price=2.1, **TWO_SIDED), alone)
        assert (dear.needed[0, 0] > found.needed[0, 0]) == draws


def test_high_cost_patients_leave_where_their_spending_does_not_count():
    """Excluded: ``z = kappa w r k_in / g = .5 .6 .. 20/40``; included, sending out costs more.

    Two-sided: y = .3, z = .3 * 20 / 40 = .15, harm 4 * .15 = .6; spending rises by .15 * 10.
    """
    t = example_alliance()
    out = respond(example_contract(out_of_county="excluded", **TWO_SIDED), t)
    kept = respond(example_contract(**TWO_SIDED), t)
    assert_allclose(out.exported[0, 0], 0.15, rtol=1e-9)
    assert kept.exported[0, 0] == 0
    assert_allclose(out.harm[0] - kept.harm[0], 0.6, rtol=1e-9)
    assert_allclose(out.spending[0] - kept.spending[0], 1.5, rtol=1e-6)


def test_the_insurer_alone_starves_needed_services_where_consultation_does_not():
    t, terms = example_alliance(), example_contract(gain_share=0.5)
    listed, alone, agreed = (
        set_prices(terms, t, s, value=[70, 5, 1]).equilibrium
        for s in ("list", "insurer", "consultation")
    )
    assert alone.spending[0] < listed.spending[0]
    assert alone.needed[0].max() < 1e-9
    assert agreed.welfare[0] > listed.welfare[0] > alone.welfare[0]


def test_the_nash_factors_are_the_best_of_a_plain_scan():
    """One group, one needed service: maximise log gain of member plus log gain of purchaser."""
    t = Technology(
        members=[1], saving=[5.0], effort_cost=[10.0], sigma=10.0, baseline_spending=100.0,
        margin_pay=0.5, need=[10.0], needed_price=[2.0], needed_margin=[1.0], needed_cost=[1.0],
        needed_value=[6.0],
    )  # fmt: skip
    terms = Contract(split=[1.0], pay_share=0.2, gain_share=0.5)
    found = set_prices(terms, t, "consultation", weights=[1, 1], access=False)
    quo = respond(terms.replace(gain_share=0.0), t)

    def loss(price):
        eq = respond(terms.replace(needed_price=price), t)
        one, all_ = eq.utility[0, 0] - 0.125, eq.welfare[0] - quo.welfare[0]
        return -np.log(max(one, 1e-300)) - np.log(max(all_, 1e-300))

    best = minimize_scalar(loss, bounds=(0.5, 4), method="bounded", options={"xatol": 1e-9})
    assert_allclose(float(np.atleast_1d(found.contract.needed_price)[0]), best.x, atol=2e-3)


def test_budget_units_by_hand():
    """Two-sided, no care, no audit, kappa = .5: x = .5 for whoever acts as one.

    As one the alliance saves ``sum n theta^2/g x = 840 / 2 = 420``, and stops inducing: 79.8.
    The primary-care group as one saves 800/2 = 400 and 67.2 of inducement; the hospital goes on.
    """
    rows = budget_units(example_contract(**TWO_SIDED), example_alliance(care=False))
    surplus = dict(zip(rows["unit"], rows["surplus"], strict=True))
    assert_allclose(surplus["hospital-led alliance, members apart"], 32.555, rtol=1e-10)
    assert_allclose(surplus["hospital-led alliance, acting as one"], 499.8, rtol=1e-10)
    together = "primary-care group, acting as one, hospital paid by price"
    assert_allclose(surplus[together], 467.2, rtol=1e-10)
    # Apart, by (.75, .25): y = (.0375, .00125), e = y, v = max(0, .3 - 3.5 y): .16875, .295625.
    apart = 200 * 0.0375 + 600 * 0.00125 + 0.7 * (120 * (0.3 - 0.16875) + 200 * (0.3 - 0.295625))
    group = "primary-care group, members apart, hospital paid by price"
    assert_allclose(surplus[group], apart, rtol=1e-10)
    steps = unit_steps(rows).groupby("path")["surplus"].sum()
    assert_allclose(steps, surplus[together] - 32.555, rtol=1e-10)


def test_a_scorecard_changes_one_rule_a_row_over_one_denominator():
    t, base = example_alliance(), example_contract(gain_share=0.5)
    frame = compare_rules(base, t, {"base": {}, "losses": {"loss_share": 0.5}})
    assert frame["surplus"].div(frame["part"]).nunique() == 1
    with pytest.raises(ma.RuleError, match="changes more than one rule"):
        compare_rules(base, t, {"both": {"audit": 0.1, "loss_share": 1.0}})


class TestRefusals:
    def test_no_bounded_action(self):
        with pytest.raises(ma.DataError, match="no bound"):
            ONE.replace(withholding_cost=0.0)

    def test_negative_variance(self):
        with pytest.raises(ma.DataError, match="negative variance"):
            ONE.replace(budget_error=-1.0)
        with pytest.raises(ma.RuleError, match="score_noise"):
            Contract(split=[1.0], score_noise=-0.1)

    def test_a_score_that_never_binds(self):
        with pytest.raises(ma.RuleError, match="no act can move"):
            respond(Contract(split=[1.0], score_weight=1.0), ONE.replace(score_effect=0.0))
        deaf = Contract(split=[1.0], score_weight=1.0, score_reliability=0.0)
        with pytest.raises(ma.RuleError, match="no act can move"):
            respond(deaf, ONE)

    def test_risk_under_a_score(self):
        with pytest.raises(ma.RuleError, match="averse to risk"):
            respond(Contract(split=[1.0], score_weight=1.0), ONE.replace(risk_aversion=0.1))
