"""The incentive model's verbs, refusals, patients, bargaining, years."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

import medalliance as ma
from medalliance.incentives.collective import collective_optimum
from medalliance.incentives.frozen import draw_cases, load_frozen_cases, solve_case
from medalliance.incentives.participation import (
    bargained_split,
    gains,
    negotiated_budget,
    participation_budget,
)
from medalliance.incentives.patients import (
    PatientChoice,
    respond_with_patients,
    technology_from_patients,
    visit_shares,
)
from medalliance.incentives.split import corrective_pay, referral_conditions, second_best_split
from medalliance.incentives.years import respond_years

ALLIANCE = ma.Technology(
    members=[1, 10, 100],
    saving=[40, 20, 6],
    effort_cost=[40, 20, 6],
    margin_pay=0.3,
    price=[60, 12, 2],
    margin=[12, 2.4, 0.4],
    inducement_cost=[12, 2.4, 0.4],
    fund_share=0.7,
    sigma=40.0,
    baseline_spending=1000.0,
)


def contract(**terms):
    return ma.Contract(**{"split": [0.6, 0.3, 0.1], "pay_share": 0.5, "penalty": 1.0, **terms})


def choice(**changes):
    fields = {
        "visits": 1000.0,
        "appeal": [1.0, 0.5, 0.6, 0.2],
        "attraction": [0.3, 0.5, 0.5, 0.0],
        "cost": [1.2, 0.4, 0.1, 3.0],
        "out_of_pocket": [0.4, 0.1, 0.02, 1.5],
        "members": [1, 10, 100],
        "fund_share": 0.6,
        "price_sensitivity": 0.5,
    }
    return PatientChoice(**{**fields, **changes})


class TestRefusals:
    def test_contract_lists_every_problem_at_once(self):
        with pytest.raises(ma.RuleError) as error:
            ma.Contract(
                split=[0.6, 0.3, 0.2],
                quality=1.2,
                gain_share=-0.1,
                out_of_county="sometimes",
                gain_bands=((5, 0.5), (3, 0.2)),
            )
        text = str(error.value)
        assert "5 problems" in text
        for part in ("split must sum to 1", "quality must lie", "gain_share", "sometimes", "rise"):
            assert part in text

    def test_technology_lists_every_problem_at_once(self):
        with pytest.raises(ma.DataError) as error:
            ma.Technology(
                members=[1, 0], saving=[1, 2, 3], effort_cost=[-1, 2], sigma=0.0, fund_share=1.5
            )
        text = str(error.value)
        assert "5 problems" in text
        for part in ("saving has 3 groups where members has 2", "effort_cost must be positive"):
            assert part in text
        assert "sigma must be positive, found 0.0" in text

    def test_groups_must_agree(self):
        with pytest.raises(ma.RuleError, match="splits among 2 groups, the technology has 3"):
            ma.respond(ma.Contract(split=[0.5, 0.5]), ALLIANCE)
        with pytest.raises(ma.RuleError, match="splits among 2 groups"):
            ma.solve_batch(ma.Contract(split=[0.5, 0.5]), ALLIANCE)

    def test_many_problems_belong_to_the_batch(self):
        with pytest.raises(ma.RuleError, match="use solve_batch"):
            ma.respond(contract(), ALLIANCE.replace(sigma=[10.0, 20.0]))
        with pytest.raises(ma.RuleError, match="use solve_batch"):
            ma.respond(contract(budget=[1000.0, 1010.0]), ALLIANCE)

    def test_edges_in_parts_of_a_budget_need_one(self):
        free = ALLIANCE.replace(baseline_spending=0.0)
        with pytest.raises(ma.RuleError, match="budget base is not positive"):
            ma.respond(contract(edges="budget", gain_cap=0.1), free)

    @pytest.mark.parametrize(
        "terms",
        [
            {"term": 0},
            {"discount": 0.99, "growth": 0.05},
            {"minimum_savings": 5.0, "gain_cap": 4.0},
            {"budget": -1.0},
            {"pay_share": [0.5, 0.5]},
            {"audit": 1.2},
            {"loss_bands": ((5.0, 1.5),)},
        ],
    )
    def test_terms_out_of_range(self, terms):
        with pytest.raises(ma.RuleError):
            contract(**terms)

    def test_patients_are_checked(self):
        with pytest.raises(ma.DataError) as error:
            choice(visits=0.0, cost=[1.0, 2.0], fund_share=2.0)
        assert "3 problems" in str(error.value)
        with pytest.raises(ma.DataError, match="attraction outside"):
            choice(attraction=[0.1, 0.1, 0.1, 0.1])


class TestVerbs:
    found = ma.respond(contract(name="6:3:1"), ALLIANCE)

    def test_frame(self):
        frame = self.found.to_frame()
        assert frame["group"].tolist() == ["lead_hospital", "township", "village"]
        assert_allclose(frame["effort_ratio"], frame["share_of_member"])
        assert_allclose(frame["collective_effort"], 0.5 * 0.7555, atol=1e-5)

    def test_words(self):
        assert "0.755 yuan" in self.found.describe() or "0.756 yuan" in self.found.describe()
        assert "ILLUSTRATIVE" in self.found.summary()
        assert 'data-badge="ILLUSTRATIVE"' in self.found._repr_html_()
        assert "0x" not in repr(self.found)

    def test_picture(self):
        axes = self.found.plot()
        assert axes.get_xlabel()
        assert len(axes.collections) == 1

    def test_curve_meets_the_diagonal_at_the_root(self):
        curve = self.found.curve(20001)
        at = np.abs(curve["image"] - curve["r"]).argmin()
        assert_allclose(curve["r"][at], self.found.marginal_share[0], atol=1e-4)

    def test_pick(self):
        trap = ma.Technology(
            members=[10], saving=[10], effort_cost=[20], sigma=1.0, baseline_spending=100.0
        )
        found = ma.respond(ma.Contract(split=[1.0], budget=97.5), trap)
        assert found.chosen == 0
        assert found.pick("highest").chosen == 2
        assert found.pick(1).chosen == 1
        assert found.n_equilibria == 3
        assert "Further equilibria: 2, stable: 1." in found.describe()


class TestRules:
    def test_excluded_spending_leaves_theta_and_offset(self):
        moved = ALLIANCE.replace(outflow_saving=[10, 5, 1], outflow_spending=200.0)
        outside = ma.respond(contract(out_of_county="excluded", loss_share=1.0), moved)
        inside = ma.respond(contract(loss_share=1.0), moved)
        assert_allclose(outside.effort[0] / inside.effort[0], [30 / 40, 15 / 20, 5 / 6])

    def test_deducted_first_changes_the_base_of_the_edges_alone(self):
        moved = ALLIANCE.replace(outflow_saving=[10, 5, 1], outflow_spending=200.0)
        plain = ma.respond(contract(), moved)
        same = ma.respond(contract(out_of_county="deducted_first"), moved)
        assert_allclose(same.mean_surplus, plain.mean_surplus)
        edges = {"edges": "budget", "gain_cap": 0.05}
        capped = ma.respond(contract(out_of_county="deducted_first", **edges), moved)
        assert_allclose(capped.problem.transfer.knots.max(), 0.05 * 800)
        money = ma.respond(contract(gain_cap=40.0), moved)
        assert_allclose(capped.mean_surplus, money.mean_surplus)

    def test_cap_root_solves_its_equation(self):
        found = ma.respond(contract(gain_cap=30.0, loss_share=0.4, loss_cap=20.0), ALLIANCE)
        mu = found.mean_surplus[0]
        mass = norm.cdf([-20, 0, 30], mu, 40)
        assert_allclose(
            found.marginal_share[0], mass[2] - mass[1] + 0.4 * (mass[1] - mass[0]), rtol=1e-10
        )

    def test_minimum_savings_rate_adds_a_spike(self):
        terms = {"minimum_savings": 20.0}
        tight = ALLIANCE.replace(sigma=4.0)
        found = ma.respond(contract(**terms), tight)
        assert found.curve()["image"].max() > 1.0
        r = found.marginal_share
        mu = found.mean_surplus
        assert_allclose(r, norm.sf(20, mu, 4) + 20 * norm.pdf(20, mu, 4), rtol=1e-8)

    def test_a_member_may_leave_a_fixed_point_near_the_spike(self):
        cases = [c["expected"] for c in load_frozen_cases()]
        left = [c for c in cases if not all(c["best_response"])]
        assert left
        kept = [c for c in left if any(c["best_response"])]
        assert all(c["best_response"][c["chosen"]] for c in kept)

    def test_roots_equal_a_plain_scan_with_brent(self):
        trap = ma.Technology(
            members=[10], saving=[10], effort_cost=[20], sigma=1.0, baseline_spending=100.0
        )
        found = ma.respond(ma.Contract(split=[1.0], budget=97.5), trap)

        def gap(r):
            return norm.cdf(-2.5 + 5 * r) - r

        grid = np.linspace(0, 1, 4002)
        signs = np.flatnonzero(np.diff(np.sign([gap(r) for r in grid])))
        roots = [brentq(gap, grid[i], grid[i + 1], xtol=1e-14) for i in signs]
        assert_allclose(found.marginal_share, roots, atol=1e-12)

    def test_risk_aversion_weakens_effort_and_own_acts_stay_best(self):
        bold = ma.respond(contract(), ALLIANCE)
        shy = ma.respond(contract(), ALLIANCE.replace(risk_aversion=0.02))
        assert np.isnan(shy.contraction)
        assert not shy.unique
        assert shy.best_response.all()
        assert shy.effort[0, 0] < bold.effort[0, 0]

    def test_risk_does_not_matter_where_it_cannot_be_changed(self):
        terms = contract(loss_share=1.0)
        bold = ma.respond(terms, ALLIANCE)
        shy = ma.respond(terms, ALLIANCE.replace(risk_aversion=0.5))
        assert_allclose(shy.effort, bold.effort, rtol=1e-8)


class TestBenchmarks:
    def test_collective_optimum_is_the_joint_maximum(self):
        one = ma.Technology(members=[4], saving=[5.0], effort_cost=[10.0], sigma=8.0)
        found = ma.respond(ma.Contract(split=[1.0]), one)
        frame = collective_optimum(found)

        def loss(e):
            mu = 4 * 5 * e
            return -(mu * norm.cdf(mu / 8) + 8 * norm.pdf(mu / 8)) + 4 * 10 * e**2 / 2

        best = minimize_scalar(loss, bounds=(0, 5), method="bounded", options={"xatol": 1e-10}).x
        assert_allclose(frame["collective_effort"][0], best, atol=1e-6)
        assert (frame["effort_gap"] > 0).all()
        assert frame.surplus_gap > 0

    def test_corrective_pay_reaches_full_effort(self):
        base = ma.respond(contract(loss_share=1.0), ALLIANCE)
        pay = corrective_pay(ALLIANCE.saving, 0.5, base.members()["share_of_member"], 1.0)
        mended = ma.respond(contract(loss_share=1.0, performance_pay=pay), ALLIANCE)
        assert_allclose(mended.effort[0], ALLIANCE.saving / ALLIANCE.effort_cost)

    def test_second_best_split_saves_more_than_six_three_one(self):
        power = ALLIANCE.saving**2 / ALLIANCE.effort_cost
        best = second_best_split(power, 0.5, ALLIANCE.members)
        assert_allclose(best["split"].sum(), 1)

        def worth(split):
            x = 0.5 * np.asarray(split) / ALLIANCE.members
            return float((ALLIANCE.members * power * (x - x**2 / 2)).sum())

        assert worth(best["split"]) > worth([0.6, 0.3, 0.1])

    def test_referral_signs(self):
        found = ma.respond(contract(loss_share=1.0), ALLIANCE)
        inside = found.referral(outside_price=90.0)
        assert_allclose(inside["down_referral"], 0.3 * 0.7 * (60 - 12) - 0.3 * 12)
        assert_allclose(inside["retention"], 0.3 * 0.7 * (90 - 60) + 0.3 * 12)
        out = referral_conditions(0.3, 1.0, 0.7, (60.0, 12.0, 90.0), 3.6, out_of_county="excluded")
        assert out["export"] > 0 > inside["export"]


class TestBargaining:
    def test_negotiated_budget(self):
        assert negotiated_budget(90.0, 110.0, 0.25) == 95.0
        with pytest.raises(ma.RuleError, match="No budget suits both"):
            negotiated_budget(110.0, 90.0, 0.5)
        with pytest.raises(ma.RuleError, match="not in"):
            negotiated_budget(90.0, 110.0, 1.5)

    def test_participation_budget_leaves_the_worst_member_its_reservation(self):
        terms = contract(loss_share=1.0)
        budget = participation_budget(terms, ALLIANCE)
        left = gains(terms.replace(budget=budget), ALLIANCE)
        assert_allclose(left.min(), 0.0, atol=1e-7)
        assert participation_budget(contract(), ALLIANCE) == 0.0

    def test_participation_can_be_out_of_reach(self):
        with pytest.raises(ma.RuleError, match="no budget satisfies"):
            participation_budget(contract(gain_cap=1.0), ALLIANCE, reservation=5.0)

    def test_bargaining_weight_raises_the_own_share(self):
        terms = contract(loss_share=1.0)
        even = bargained_split(terms, ALLIANCE, [1.0, 1.0, 1.0])
        hospital = bargained_split(terms, ALLIANCE, [3.0, 1.0, 1.0])
        assert_allclose(even.sum(), 1)
        assert hospital[0] > even[0]
        assert hospital[1] < even[1]
        with pytest.raises(ma.RuleError, match="one weight a group"):
            bargained_split(terms, ALLIANCE, [1.0, 1.0])


class TestPatients:
    def test_softmax_stays_near_the_linear_version_and_closes_in(self):
        gaps = []
        for visits in (1000.0, 100000.0):
            patients = choice(visits=visits)
            technology = technology_from_patients(
                patients, effort_cost=[40, 20, 6], sigma=0.04 * visits
            )
            for scope in ("included", "excluded", "deducted_first"):
                both = respond_with_patients(contract(out_of_county=scope), patients, technology)
                assert_allclose(both.shares.sum(axis=-1), 1)
                gaps.append(both.distance["effort"])
        assert max(gaps[:3]) < min(1e-5, max(gaps[3:]))

    def test_one_point_of_the_softmax_version_by_brute_force(self):
        patients = choice(visits=20000.0)
        technology = technology_from_patients(patients, effort_cost=[40, 20, 6], sigma=800.0)
        terms = contract(loss_share=1.0)
        both = respond_with_patients(terms, patients, technology)
        e = both.effort[0]
        for j, w in enumerate([0.6, 0.03, 0.001]):

            def loss(own, j=j, w=w):
                moved = e.copy()
                moved[j] += (own - e[j]) / patients.members[j]
                spend = 20000 * 0.6 * (visit_shares(patients, moved) @ patients.cost)
                return 0.5 * w * spend + technology.effort_cost[j] * own**2 / 2

            best = minimize_scalar(loss, bounds=(0, 2), method="bounded", options={"xatol": 1e-9})
            assert_allclose(e[j], best.x, atol=2e-6)

    def test_attraction_effort_at_the_hospital_loses_money(self):
        technology = technology_from_patients(choice(), effort_cost=[40, 20, 6], sigma=40.0)
        assert technology.saving[0] < 0 < technology.saving[1]
        found = ma.respond(contract(), technology)
        assert found.effort[0, 0] == 0


class TestYears:
    def test_yearly_rebasing_wears_effort_and_surplus_down(self):
        terms = contract(loss_share=1.0, rebasing=0.5, discount=0.95)
        path = respond_years(terms, ALLIANCE, 6)
        assert (np.diff(path["mean_surplus"]) < 0).all()
        assert_allclose(path["perceived_share"], 0.0952, atol=5e-5)
        fixed = respond_years(terms.replace(rebasing=0.0), ALLIANCE, 3)
        assert_allclose(fixed["effort_lead_hospital"], 0.3)
        with pytest.raises(ma.RuleError):
            respond_years(terms, ALLIANCE, 0)

    def test_a_long_term_saves_until_its_measured_year(self):
        terms = contract(loss_share=1.0, rebasing=0.5, discount=0.95, term=3)
        path = respond_years(terms, ALLIANCE, 6)
        assert (path["effort_lead_hospital"][[0, 1]] > 0.29).all()
        assert path["weight"][2] < 0
        assert path["effort_lead_hospital"][2] == 0
        assert path["spending"][2] > 1000
        even = respond_years(terms.replace(term_base="term_mean"), ALLIANCE, 6)
        assert (even["weight"] > 0).all()

    def test_the_trap_keeps_an_alliance_where_it_starts(self):
        trap = ma.Technology(
            members=[10], saving=[10], effort_cost=[20], sigma=1.0, baseline_spending=100.0
        )
        terms = ma.Contract(split=[1.0], budget=97.5)
        low = respond_years(terms, trap, 3)
        high = respond_years(terms, trap, 3, start="highest")
        assert low["marginal_share"].max() < 0.01
        assert high["marginal_share"].min() > 0.99


def test_frozen_table_is_what_the_model_says():
    cases = load_frozen_cases()
    drawn = draw_cases()
    assert len(cases) == len(drawn) == 200
    for case, fresh in zip(cases, drawn, strict=True):
        assert case["contract"] == fresh["contract"]
        assert case["technology"] == fresh["technology"]
        got = solve_case(case["contract"], case["technology"])
        for name, expected in case["expected"].items():
            assert_allclose(got[name], expected, rtol=1e-8, atol=1e-9, err_msg=name)


def test_batch_of_the_simulator_takes_seconds():
    rng = np.random.default_rng(0)
    n = 2800 * 12
    many = ALLIANCE.replace(
        saving=ALLIANCE.saving * rng.uniform(0.5, 1.5, (n, 3)), sigma=rng.uniform(5, 80, n)
    )
    start = time.process_time()
    found = ma.solve_batch(contract(gain_cap=0.03, minimum_savings=0.01, edges="budget"), many)
    assert time.process_time() - start < 15
    assert np.isfinite(found.effort).all()
