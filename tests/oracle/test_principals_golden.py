"""Hand-solved cases of information, agencies, years with a score, the village doctor."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

import medalliance as ma
from medalliance.incentives.agencies import (
    Agency,
    agencies_apart,
    example_agencies,
    fund_aim,
    outlay_aim,
)
from medalliance.incentives.batch import solve_batch
from medalliance.incentives.village import VillageDoctor, respond_with_village, village_shares
from medalliance.incentives.years import respond_years, steady_years

ONE = ma.Technology(
    members=[1], saving=[10.0], effort_cost=[10.0], sigma=10.0, baseline_spending=100.0
)
TWO_SIDED = {"gain_share": 1.0, "loss_share": 1.0}


class TestInformation:
    def test_error_rent_risk_by_hand(self):
        """tau = 3, ten members of precision .1: V = 1/(1/9 + 10 * .1) = .9; rent sqrt(.9/2pi)."""
        t = ONE.replace(members=[10.0], budget_error=3.0, signal=[0.1])
        found = ma.information(
            ma.Contract(split=[1.0], **TWO_SIDED), t, {"nobody": [0.0], "all": [1.0]}
        )
        assert_allclose(found["budget_error"], [3.0, np.sqrt(0.9)], rtol=1e-12)
        assert_allclose(found["rent"], np.array([3.0, np.sqrt(0.9)]) / np.sqrt(2 * np.pi))
        assert_allclose(found["risk"], np.sqrt(100 + np.array([9.0, 0.9])), rtol=1e-12)

    def test_low_effort_has_a_closed_form_where_one_member_holds_all(self):
        """One-sided, mu = offset + A r with A = 10: r < 1/2 where mu < 0, so offset < -A/2 = -5.

        With an error of standard deviation 4 the probability is Phi(-5/4). A/(sigma sqrt(2 pi)) is
        below one, so that there is one equilibrium at each error.
        """
        t = ONE.replace(budget_error=4.0, signal=[1.0])
        found = ma.information(ma.Contract(split=[1.0]), t, {"nobody": [0.0], "all": [1.0]})
        sure = np.sqrt(1 / (1 / 16 + 1))
        assert_allclose(found["low_effort"], norm.cdf([-5 / 4, -5 / sure]), atol=2e-3)

    def test_taking_part_helps_through_information_and_moves_no_share(self):
        """Under a one-sided contract with mu > 0, less risk lifts r = Phi(mu/sigma)."""
        t = ONE.replace(budget_error=8.0, signal=[1.0])
        found = ma.information(ma.Contract(split=[1.0]), t, {"nobody": [0.0], "all": [1.0]})
        for error, surplus in zip(found["budget_error"], found["surplus"], strict=True):
            sigma = np.sqrt(100 + error**2)
            root = brentq(lambda m, s=sigma: 10 * norm.cdf(m / s) - m, 0, 20, xtol=1e-14)
            assert_allclose(surplus, root, rtol=1e-9)
        assert found["surplus"][1] > found["surplus"][0]

    def test_an_exact_budget_is_refused(self):
        with pytest.raises(ma.RuleError, match="budget has no error"):
            ma.information(ma.Contract(split=[1.0]), ONE, {"nobody": [0.0]})


def test_disclosure_makes_belief_fact():
    """``e = kappa ((1-d) .2 + d .5) r theta / g`` per member of two; pay follows the fact."""
    t = ONE.replace(members=[2.0], believed_share=[0.2])
    for d in (0.0, 0.5, 1.0):
        found = ma.respond(ma.Contract(split=[1.0], disclosure=d, **TWO_SIDED), t)
        assert_allclose(found.effort[0, 0], 0.2 + 0.3 * d, rtol=1e-12)
        assert_allclose(found.pay[0, 0], found.expected_transfer[0] / 2, rtol=1e-12)


class TestAgencies:
    def test_two_principals_by_hand(self):
        """Insurance sets lambda of a two-sided contract, finance a subsidy b; kappa = 1/2.

        ``e = lambda/2 + b/10``. Alone finance pays nothing, so insurance keeps
        ``(1 - lambda) 10 lambda/2``, best at lambda = 1/2: 1.25; staff's bonus costs finance
        1/2 lambda mu = .625. Sum: .625. Together ``(1 - lambda) 10 e - b e - lambda/2 10 e`` with
        y = 10 e = 5 lambda + b: y (1 - 1.5 lambda - b/10); lambda = 0, b = 5 gives 2.5;
        in general y - y (15 lambda + b)/10 = y (1 - y/10 - lambda) falls in lambda at given y.
        """
        grid = np.linspace(0, 1, 41)
        agencies = [
            Agency("insurance", [{"gain_share": x, "loss_share": x} for x in grid], fund_aim),
            Agency("finance", [{"performance_pay": 10 * x} for x in grid], outlay_aim),
        ]
        found = agencies_apart(ma.Contract(split=[1.0], pay_share=0.5), ONE, agencies)
        assert found["arrangement"].tolist() == ["apart", "together"]
        assert_allclose(found["gain_share"], [0.5, 0.0])
        assert_allclose(found["performance_pay"], [0.0, 5.0])
        assert_allclose(found["sum_of_aims"], [0.625, 2.5], rtol=1e-10)
        assert_allclose(found.worth, 1.875, rtol=1e-10)

    def test_no_agency_gains_alone_by_brute_force(self):
        t, base = ma.example_alliance(), ma.example_contract()
        agencies = example_agencies(t)
        found = agencies_apart(base, t, agencies)
        assert found.worth >= -1e-9
        for _, row in found.frame[found["arrangement"] == "apart"].iterrows():
            b = row["performance_pay"] / t.saving[0]
            at = {"gain_share": row["gain_share"], "score_weight": row["score_weight"],
                  "pay_share": row["pay_share"], "performance_pay": b * t.saving}  # fmt: skip
            for agency in agencies:
                for level in agency.levels:
                    terms = base.replace(**(at | level))
                    value = float(agency.aim(solve_batch(terms, t), terms, t)[0])
                    assert value <= row[f"aim_{agency.name}"] + 1e-6

    def test_one_term_has_one_master(self):
        twice = [Agency("a", [{"audit": 0.0}], fund_aim), Agency("b", [{"audit": 0.1}], fund_aim)]
        with pytest.raises(ma.RuleError, match="two agencies set audit"):
            agencies_apart(ma.Contract(split=[1.0]), ONE, twice)


class TestYears:
    def test_rest_with_rebasing_by_hand(self):
        """At rest spending is the budget, mu = 0: one-sided r = 1/2 times the ratchet's weight.

        ``x = .5, psi = .5: (1-x)/(1-x+psi x) = 2/3``, so e = 1/3 and the budget 100 - 10/3.
        """
        rest = steady_years(ma.Contract(split=[1.0], rebasing=0.5, discount=0.5), ONE)
        assert_allclose(rest["budget"], 100 - 10 / 3, rtol=1e-9)
        assert_allclose(rest["mean_surplus"], 0.0, atol=1e-8)

    def test_the_score_of_a_year_enters_the_next_budget(self):
        """Two-sided, weight 1, chi = .1, link .2: B_2 = 100 (1 - .2 (1 - Q_1)).

        At rest B = E / (1 - .2 (1 - Q)) does not hold without rebasing: the base stays at 100.
        """
        t = ONE.replace(withholding_saving=[4.0], withholding_cost=[4.0], score_effect=[0.1])
        terms = ma.Contract(split=[1.0], score_weight=1.0, score_budget=0.2, **TWO_SIDED)
        path = respond_years(terms, t, 4)
        assert path["score"][0] < 1
        assert_allclose(path["budget"][1:], 100 * (1 - 0.2 * (1 - path["score"].to_numpy()[:-1])))
        rest = steady_years(terms, t)
        assert_allclose(rest["budget"], 100 * (1 - 0.2 * (1 - rest["score"])), rtol=1e-9)
        # Members who count next year's budget withhold less.
        caring = respond_years(terms.replace(discount=0.9), t, 1)
        assert caring["score"][0] > path["score"][0]

    def test_a_reserve_is_laid_by_and_pays_losses_first(self):
        """Year 1: laid by .5 (1 - .6) E[S+] at mu = 6; year 2: losses reach members beyond it."""
        terms = ma.Contract(split=[1.0], pay_share=0.6, reserve_share=0.5, **TWO_SIDED)
        path = respond_years(terms, ONE, 2)
        gain = 6 * norm.cdf(0.6) + 10 * norm.pdf(0.6)
        loss = gain - 6
        laid = 0.2 * gain - 0.0
        assert_allclose(path["reserve"], [0.0, laid], rtol=1e-10)
        # r = P(S > 0) + P(S < -reserve), mu = 6 r.
        root = brentq(
            lambda m: 6 * (norm.sf(-m / 10) + norm.cdf((-laid - m) / 10)) - m, 0, 10, xtol=1e-14
        )
        assert_allclose(path["mean_surplus"][1], root, rtol=1e-10)
        assert loss > 0

    def test_what_a_reserve_pays_leaves_it(self):
        """E[min(S-, reserve)] by quadrature at the second year's mean."""
        terms = ma.Contract(split=[1.0], pay_share=0.6, reserve_share=0.5, **TWO_SIDED)
        path = respond_years(terms, ONE, 3)
        m, reserve = path["mean_surplus"][1], path["reserve"][1]
        paid, _ = quad(lambda s: min(-s, reserve) * norm.pdf((s - m) / 10) / 10, -120, 0,
                       points=[-reserve])  # fmt: skip
        gain = m * norm.cdf(m / 10) + 10 * norm.pdf(m / 10)
        assert_allclose(path["reserve"][2], reserve + 0.2 * gain - paid, rtol=1e-7)

    def test_limits_are_the_years_of_before(self):
        """Without a link of score and budget and without a reserve nothing but psi moves B."""
        path = respond_years(ma.Contract(split=[1.0], rebasing=0.3, **TWO_SIDED), ONE, 3)
        assert_allclose(path["budget"], [100.0, 100 - 3.0, 100 - 3 - 0.3 * 7], rtol=1e-12)

    def test_a_reserve_before_bands_is_refused(self):
        bands = ma.Contract(split=[1.0], reserve_share=0.1, loss_bands=((5.0, 0.5),))
        with pytest.raises(ma.RuleError, match="losses in bands"):
            respond_years(bands, ONE, 1)


PATIENTS = ma.PatientChoice(
    visits=1000.0, appeal=[0.0, 0.0, 0.0, 0.0], attraction=[0.0, 0.0, 0.0, 0.0],
    cost=[0.2, 0.1, 0.0, 0.3], out_of_pocket=[0.0] * 4, members=[1, 10, 100], fund_share=1.0,
    price_sensitivity=1.0,
)  # fmt: skip
DOCTOR = VillageDoctor(skill=[0.3, 0.6, 0.9, 1.0], fee=0.1)


class TestVillageDoctor:
    def test_lengths_by_hand(self):
        """y = 1: treat worth .1 - (x-.3)+, township -.1 - (x-.6)+, hospital -.2 - (x-.9)+, out -.3.

        Treat up to .5, township to .7, hospital to 1 (at 1 it is worth -.3, as outside).
        """
        found = village_shares(DOCTOR, PATIENTS, 1.0)
        assert_allclose(found, [0.3, 0.2, 0.5, 0.0], atol=1e-12)

    def test_shares_are_those_of_a_fine_scan(self):
        rng = np.random.default_rng(3)
        x = (np.arange(200_000) + 0.5) / 200_000
        for _ in range(6):
            d = VillageDoctor(
                skill=np.sort(rng.uniform(0, 1, 4)), fee=rng.uniform(0, 0.5),
                charge=rng.uniform(0, 0.3, 3), capitated=rng.uniform(), burden=rng.uniform(0.3, 2),
            )  # fmt: skip
            y = rng.uniform(0, 2)
            pay = np.array([(1 - d.capitated) * d.fee, *(-d.capitated * d.charge)])
            value = pay - y * np.array([0.0, 0.1, 0.2, 0.3])
            worth = value[:, None] - d.burden * np.maximum(0, x - d.skill[:, None])
            lengths = np.bincount(worth.argmax(axis=0), minlength=4) / len(x)
            assert_allclose(village_shares(d, PATIENTS, y), lengths[[2, 1, 0, 3]], atol=2e-5)

    def test_who_does_not_follow_chooses_behind_the_gate(self):
        """Half follow. The others: shares 1/(2+2 z) and z/(2+2z), z = exp(-gate)."""
        d = DOCTOR.replace(compliance=0.5)
        z = np.exp(-1.0)
        own = np.array([z, 1, 1, z]) / (2 + 2 * z)
        expected = 0.5 * np.array([0.3, 0.2, 0.5, 0.0]) + 0.5 * own
        assert_allclose(village_shares(d, PATIENTS.replace(gate=1.0), 1.0), expected, rtol=1e-12)

    def test_without_the_right_to_refer(self):
        """Away is worth -y (.1+.2+.3)/3 = -.2 at y = 1: treat up to .6, thirds beyond."""
        found = village_shares(DOCTOR.replace(refers=False), PATIENTS, 1.0)
        assert_allclose(found, [0.4 / 3, 0.4 / 3, 0.6, 0.4 / 3], rtol=1e-12)

    def test_capitation_takes_the_fee_and_charges_referrals(self):
        """Full capitation at y = 0: treat worth -(x-.3)+, others -.1, -.2, -.3: to .4, to .7."""
        d = DOCTOR.replace(capitated=1.0, charge=[0.1, 0.2, 0.3])
        assert_allclose(village_shares(d, PATIENTS, 0.0), [0.3, 0.3, 0.4, 0.0], atol=1e-12)

    def test_equilibrium_moves_spending_with_the_shares(self):
        """Two-sided, y = kappa w = 1: treat to .4 before (y = 0), to .5 after.

        No other act saves: mu = 1000 (spending per visit before less after).
        """
        t = ma.Technology(members=[1.0], saving=[0.0], effort_cost=[1.0], sigma=10.0,
                          baseline_spending=100.0)  # fmt: skip
        found = respond_with_village(ma.Contract(split=[1.0], **TWO_SIDED), t, DOCTOR, PATIENTS)
        start, after = found["before"].to_numpy(), found["after"].to_numpy()
        assert_allclose(after, [0.3, 0.2, 0.5, 0.0], atol=1e-12)
        assert_allclose(found.mean_surplus, 1000 * (start - after) @ PATIENTS.cost, rtol=1e-9)

    def test_refusals(self):
        with pytest.raises(ma.DataError, match="burden must be positive"):
            VillageDoctor(skill=[0.3, 0.6, 0.9, 1.0], burden=0.0)
        with pytest.raises(ma.DataError, match="must not fall"):
            VillageDoctor(skill=[0.5, 0.4, 0.9, 1.0])


def test_limits_return_the_plain_model():
    """No withheld care, no needed services, an exact budget, known shares, one principal."""
    plain = ma.example_alliance(care=False)
    bare = ma.example_alliance().replace(
        withholding_saving=0.0, need=0.0, export_spending=0.0, baseline_needed=0.0,
        budget_error=0.0, believed_share=np.array([0.6, 0.3, 0.1]) / plain.members,
    )  # fmt: skip
    for terms in ({}, {"loss_share": 1.0}, {"gain_share": 0.5, "audit": 0.02}):
        c = ma.example_contract(**terms)
        ours, theirs = ma.respond(c, bare), ma.respond(c, plain)
        assert_allclose(ours.mean_surplus, theirs.mean_surplus, rtol=1e-10)
        assert_allclose(ours.effort, theirs.effort, rtol=1e-10)
        assert_allclose(ours.inducement, theirs.inducement, rtol=1e-10, atol=1e-12)


def test_new_actions_cost_at_most_five_times_todays_model():
    """Processor time of 1,500 problems: with care, and with a score that answers to it."""
    rng, n = np.random.default_rng(0), 1500

    def draw(low, high):
        return rng.uniform(low, high, (n, 3))

    plain = ma.Technology(
        members=rng.integers(1, 12, (n, 3)), saving=draw(2, 40), effort_cost=draw(5, 40),
        sigma=rng.uniform(5, 60, n), price=draw(2, 60), margin=draw(0.5, 12),
        inducement_cost=draw(1, 12), margin_pay=draw(0.1, 0.6), fund_share=0.6,
        baseline_spending=1000.0,
    )  # fmt: skip
    care = plain.replace(
        withholding_saving=draw(1, 8), withholding_cost=draw(1, 8), score_effect=draw(0.01, 0.1),
        need=1.0, needed_price=draw(1, 9), needed_margin=draw(0.1, 1), needed_cost=draw(1, 3),
        export_spending=draw(5, 20), export_price=10.0, export_cost=20.0, baseline_needed=None,
    )  # fmt: skip
    contract = ma.Contract(
        split=rng.dirichlet([2, 2, 2], n), pay_share=0.5, budget=rng.uniform(980, 1020, n)
    )

    def seconds(terms, technology):
        taken = []
        for _ in range(3):
            start = time.process_time()
            solve_batch(terms, technology)
            taken.append(time.process_time() - start)
        return min(taken)

    base = seconds(contract, plain)
    assert seconds(contract, care) < 5 * base
    assert seconds(contract.replace(score_weight=1.0), care) < 5 * base
