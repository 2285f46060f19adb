import inspect
import re

import pytest

import medalliance as ma
from medalliance.chapters import (
    others_found,
    public_checks,
    public_counties,
    public_figures,
    public_places,
)
from medalliance.evidence import quoting
from medalliance.provenance import Badge
from medalliance.show.exhibits import Exhibit, Sentence

EVIDENCE = ma.load_evidence()


def recipes():
    for module in (public_figures, public_places, public_counties, public_checks, others_found):
        for name, recipe in inspect.getmembers(module, inspect.isfunction):
            plain = list(inspect.signature(recipe).parameters) == ["evidence"]
            shown = recipe.__annotations__.get("return") in ("Exhibit", "Sentence")
            if recipe.__module__ == module.__name__ and plain and shown:
                yield pytest.param(recipe, id=name)


@pytest.mark.parametrize("recipe", list(recipes()))
def test_every_recipe_makes_a_badged_exhibit(recipe, recwarn):
    shown = recipe(EVIDENCE)
    assert isinstance(shown, Exhibit | Sentence)
    thought_of = recipe is public_figures.before_after_trap
    assert shown.badge is (Badge.ILLUSTRATIVE if thought_of else Badge.REAL)
    assert not re.search(r"\bnan\b|<NA>", repr(shown))
    assert not [one for one in recwarn if "constrained_layout" in str(one.message)]


def test_the_national_share_falls_until_2021():
    rows = public_figures.share_series(EVIDENCE)
    whole = rows[rows["series"] == "bulletins, full years"]
    assert list(whole["share"]) == pytest.approx([0.574, 0.564, 0.502, 0.517, 0.521])
    for _, series in rows[rows["year"] < 2022].groupby("series"):
        assert series.sort_values("year")["share"].is_monotonic_decreasing
    assert "a change of −7.2 percentage points" in public_figures.fall_sentence(EVIDENCE).text
    assert "52.1 % in 2024: the fall has ended" in public_figures.fall_sentence(EVIDENCE).text
    january = rows[rows["period"] == "2019, Jan to Oct"]["share"].item()
    assert january == pytest.approx(366054.6 / 701631.9)


def test_revenue_is_above_spending_in_every_year_shown():
    rows = quoting.national(EVIDENCE, "all_schemes_fund_revenue", "all_schemes_fund_spending")
    wide = quoting.spread(rows, "year", "variable")
    assert (wide["all_schemes_fund_revenue"] > wide["all_schemes_fund_spending"]).all()


def test_express_figures_are_not_mixed_in():
    rows = quoting.national(EVIDENCE, "all_schemes_fund_revenue")
    assert 2020 not in set(rows["year"])
    express = quoting.national(EVIDENCE, "all_schemes_fund_revenue", vintage="express")
    assert set(express["year"]) == {2020, 2022}


def test_residents_rate_is_derived_where_none_is_printed():
    rates = public_figures.residents_rate(EVIDENCE).set_index("year")
    assert rates.loc[2023, "basis"] == "derived"
    assert rates.loc[2023, "surplus_rate"] == pytest.approx(1 - 10457.65 / 10569.71)
    assert rates.loc[2021, "basis"] == "printed"


def test_sanming_moves_in_opposite_directions():
    text = public_counties.sanming_sentence(EVIDENCE).text
    assert "+5.2 percentage points" in text
    assert "−5.6 percentage points: opposite directions" in text


def test_pilot_counties_are_eight_and_anonymous():
    rows = public_counties.pilots(EVIDENCE, "primary_care_share_of_fund")
    assert len(rows) == 8
    assert rows["case"].str.contains("anonymised").all()


def test_county_accounts_leave_out_parts_of_a_year():
    accounts = public_counties.county_accounts(EVIDENCE)
    assert "Jingning" not in set(accounts["county"])
    yunlong = accounts.query("county == 'Yunlong' and year == 2021").iloc[0]
    assert yunlong["rate"] == pytest.approx(-10168 / 13266)
    assert yunlong["basis"] == "derived"


def test_no_chinese_effect_is_on_surplus_and_none_on_pay():
    text = others_found.coverage_sentence(EVIDENCE).text
    assert "None of the Chinese effects is on the surplus" in text
    assert "none of all effects is on the size of staff pay" in text


def test_effect_text_keeps_the_printed_digits():
    rows = EVIDENCE.effects.set_index("row_id")
    text = others_found.effect_text
    assert text(rows.loc["pengshui_sdid:1"]) == "+14.92 points (6.59 to 23.24)"
    assert text(rows.loc["family_doctor:1"]) == "+2 points (p < 0.001)"
    assert text(rows.loc["xiong_sanming:1"]) == "grows more slowly"
    assert text(rows.loc["capitation_hypertension:2"]) == "−0.107 points (−0.209 to −0.004)"


def test_every_effect_has_its_place_in_the_chapter():
    families = set(EVIDENCE.effects["outcome_family"])
    assert families <= set(others_found.FAMILIES)
    assert set(EVIDENCE.effects["design_family"]) <= set(others_found.DESIGNS)


def test_forests_never_mix_units_or_trends():
    drawn = others_found.forest(
        EVIDENCE, ["primary_care_share", "out_of_county_share"], "share_difference", caption="x"
    )
    assert drawn.summary is not None
    assert not drawn.summary["label"].str.contains("Funan").any()
    assert drawn.summary["label"].str.contains("Pengshui").any()


def test_maryland_hangs_on_the_assumption():
    text = others_found.maryland_sentence(EVIDENCE).text
    assert text.count("Only one of the two intervals leaves out zero.") == 2


def latest(variable):
    return quoting.national(EVIDENCE, variable).iloc[-1]["value"]


def test_what_the_prose_says_still_holds():
    rows = EVIDENCE.effects
    shares = rows[(rows["outcome_family"] == "primary_care_share") & rows["per"].isna()]
    assert quoting.at_highest(shares.dropna(subset=["estimate"]), "estimate")["study"] == (
        "Pengshui SDID"
    )
    balance = {
        scheme: latest(f"{scheme}_fund_revenue") - latest(f"{scheme}_fund_spending")
        for scheme in ("all_schemes", "residents")
    }
    assert balance["residents"] < 0.5 * balance["all_schemes"]
    assert latest("wage_health_sector_private") < 0.7 * latest("wage_health_sector")
    a1 = EVIDENCE.cases.query("case_slug == 'pilot_a1'").set_index("variable")["value"]
    assert a1["in_county_visit_share"] > 0.95
    assert a1["in_county_share_of_fund"] < 0.8
