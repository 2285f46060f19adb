"""What the chapter on members' answers says is what the model gives."""

from __future__ import annotations

import re

import pytest

from medalliance.chapters import incentive_years, incentives

FIGURES = [
    incentives.share_figure,
    incentives.audit_figure,
    incentives.trap_figure,
    incentive_years.ratchet_figure,
]
TABLES = [
    incentives.alliance_table,
    incentives.rules_table,
    incentives.gap_table,
    incentive_years.ratchet_table,
    incentive_years.unit_table,
    incentive_years.referral_table,
    incentive_years.gate_table,
]


@pytest.mark.parametrize("recipe", [*FIGURES, *TABLES], ids=lambda f: f.__name__)
def test_exhibits_are_illustrative_and_described(recipe):
    exhibit = recipe()
    assert exhibit.badge == "ILLUSTRATIVE"
    assert len(exhibit.alt) > 20
    assert exhibit.summary is not None
    assert 'data-badge="ILLUSTRATIVE"' in exhibit._repr_html_()


def test_sentences_hold_the_numbers_of_the_model():
    assert "0.171" in incentives.threshold_sentence().text
    assert "at most 5 equal members" in incentives.threshold_sentence().text
    numbers = [float(x) for x in re.findall(r"\d+\.\d+", incentives.gap_sentence().text)]
    assert numbers[0] == pytest.approx(499.8)
    assert numbers[1] == pytest.approx(32.6)
    assert "0.0497" in incentives.trap_sentence().text
    assert "0.0994" in incentives.audit_sentence().text


def test_audit_sentence_is_where_inducement_stops():
    for audit, stops in ((0.082, False), (0.083, True)):
        terms = incentives.example_contract(loss_share=1.0, audit=audit)
        found = incentives.respond(terms, incentives.example_alliance())
        assert (found.inducement[0, 1] == 0) == stops
        assert found.inducement[0, 2] > 0


def test_prose_about_splits_holds():
    printed = incentive_years.split_table().summary.set_index("split")
    surplus = printed["expected surplus"].astype(float)
    best = surplus["most saving, no inducement counted"]
    assert best - surplus["6:3:1"] < 0.1
    hospital = printed["lead hospital"].astype(float)
    assert hospital["bargained, hospital ten times the weight"] > hospital["6:3:1"]
    assert hospital["bargained, equal weights"] < hospital["6:3:1"]
    units = incentive_years.unit_table().summary
    assert units["primary care"].astype(float).tolist() == [0.0, 1.0]


def test_prose_about_demands_holds():
    printed = incentive_years.demands_table().summary
    before, after = printed["before"].astype(float), printed["after"].astype(float)
    assert (after[[0, 1, 4]] > before[[0, 1, 4]]).all()
    assert (after[[2, 3]] < before[[2, 3]]).all()


def test_prose_about_signs_holds():
    printed = incentive_years.signs_table().summary
    one = printed["turned, one-sided, %"].astype(float)
    assert 0 < one.max() < 1
    assert (printed["turned, two-sided, %"].astype(float) == 0).all()
    assert (printed["holds at given r, %"].astype(float) == 100).all()
