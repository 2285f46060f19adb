"""What the chapter on members' answers says is what the model gives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import medalliance as ma
from medalliance.chapters import why_members as draw
from medalliance.incentives.grid import LEVERS, contract_at

CARE, WHOLE = ma.example_alliance(), ma.example_contract(gain_share=1.0, loss_share=1.0)
HALF = ma.example_contract(gain_share=0.5)


def test_each_leg_of_the_loop_adds_something():
    weight = 1.25 * ma.threshold_weight(WHOLE, CARE)["threshold_weight"][0]
    budget, surplus, feedback = (
        ma.respond(WHOLE.replace(**terms), CARE).totals()
        for terms in ({"gain_share": 0.0}, {}, {"score_weight": weight})
    )
    assert surplus["surplus"] > budget["surplus"]
    assert surplus["harm"] > budget["harm"] > feedback["harm"]
    assert feedback["welfare"] > surplus["welfare"] > budget["welfare"]


def test_sizes_are_those_of_the_published_figures():
    facts = ma.load_evidence().statistics
    nation = facts[(facts["geography"] == "China") & (facts["year"] == 2022)]
    value = nation.set_index(["variable", "source_id"])["value"].astype(float)
    sizes = ma.magnitudes().frame.set_index("size")
    fund = value["residents_fund_spending", "NHSA_2022"]
    insured = value["residents_insured", "NHSA_2022"]
    assert_allclose(sizes.loc["fund spending per insured", "value"], fund / insured)
    wage = value["wage_health_sector", "NBS_WAGE2022"]
    assert sizes.loc["yearly pay of hospital and township staff", "value"] == wage
    visits = value.loc[
        ["visits_county_hospital", "visits_township_centre", "visits_village_clinic"]
    ].to_numpy()
    printed = [sizes.loc[f"part of the county's visits, {n}", "value"]
               for n in ("hospital", "township", "village")]  # fmt: skip
    assert_allclose(printed, 100 * visits / visits.sum())
    sourced = sizes[sizes["rests_on"] == "published"]
    assert (sourced["source_id"] != "").all()
    assert (sizes.loc[sizes["rests_on"] == "chosen", "source_id"] == "").all()


def test_a_bonus_above_the_wage_is_called_implausible():
    poor = CARE.replace(wage=0.01 * CARE.wage)
    assert "implausible" in ma.respond(WHOLE, poor).describe()
    assert "implausible" not in ma.respond(WHOLE, CARE).describe()


class TestGrid:
    def test_nine_cells_each_with_a_lever_or_none(self):
        assert len(LEVERS) == 9
        assert ma.grid_levers()["lever"].isna().sum() == 1

    @pytest.mark.parametrize("cell", [c for c, lever in LEVERS.items() if lever])
    def test_a_cell_moves_its_own_lever_alone(self, cell):
        empty, _ = contract_at({}, HALF, CARE)
        full, gate = contract_at({cell: 3}, HALF, CARE)
        moved = {
            name
            for name in ("needed_price", "score_weight", "split", "performance_pay", "takes_part",
                         "loss_share", "disclosure", "audit", "gain_share", "pay_share")
            if not np.allclose(getattr(full, name), getattr(empty, name))
        }  # fmt: skip
        assert moved or gate > 0
        none = contract_at({("value", "relations"): 3}, HALF, CARE)[0]
        assert_allclose(none.split, empty.split)

    def test_changes_are_those_of_the_contract_at_full_depth(self):
        codes = {("institution", "interests"): 2, ("institution", "resources"): 1}
        found = ma.vary_grid(codes, HALF, CARE, ma.example_patients())
        terms, _ = contract_at({**codes, ("institution", "resources"): 3}, HALF, CARE)
        start, _ = contract_at(codes, HALF, CARE)
        change = ma.respond(terms, CARE).mean_surplus[0] - ma.respond(start, CARE).mean_surplus[0]
        row = found.frame[(found["row"] == "institution") & (found["column"] == "resources")]
        assert_allclose(row["surplus"], change)
        assert found.badge.value == "ILLUSTRATIVE"

    def test_an_unknown_cell_is_refused(self):
        with pytest.raises(ma.RuleError, match="no cell"):
            contract_at({("value", "money"): 1}, HALF, CARE)
        with pytest.raises(ma.RuleError, match="no cell"):
            contract_at({("value", "resources"): 4}, HALF, CARE)


class TestSweep:
    def test_each_point_is_a_contract_solved_alone(self):
        found = ma.sweep(HALF, CARE, "audit", [0.0, 0.04], {"one": {}, "two": {"loss_share": 1.0}})
        alone = ma.respond(HALF.replace(loss_share=1.0, audit=0.04), CARE)
        row = found.frame[(found["contract"] == "two") & (found["audit"] == 0.04)].iloc[0]
        assert_allclose(row["surplus"], alone.mean_surplus[0])
        assert_allclose(row["harm"], alone.harm[0])
        assert found.plot().get_xlabel() == "audit"

    def test_an_unknown_term_is_refused(self):
        with pytest.raises(ma.RuleError, match="no term"):
            ma.sweep(HALF, CARE, "luck", [0.0])


def test_visits_stand_beside_a_rule():
    rows = {"base": {}, "bonus": {"performance_pay": 0.1 * CARE.saving}}
    card = ma.compare_rules(HALF, CARE, rows, ma.example_patients())
    visits = card.filter(like="visits_")
    assert_allclose(visits.sum(axis=1), 1.0)
    assert visits["visits_village"][1] > visits["visits_village"][0]


def test_random_alliances_turn_a_sign_rarely():
    from medalliance.incentives.statics import sign_reversals

    contract, technology = draw.random_alliances(600)
    two = sign_reversals(contract.replace(loss_share=1.0), technology)
    assert (two["reversed"] == 0).all()
    assert (two["holds_at_fixed_r"] == 1).all()
