"""The clauses of a contract: words apart from numbers, ranges with sources, grades by rule."""

import re
from decimal import Decimal

import pytest

from medalliance.chapters import contract_clauses as book
from medalliance.chapters import contract_example as worked
from medalliance.chapters import laboratory
from medalliance.errors import DataError
from medalliance.evidence.grade import Grade, grade, strongest
from medalliance.evidence.quoting import facts
from medalliance.press.contract_page import contract_page
from medalliance.reforms import load_rules, rule_fields

CLAUSES = book.clauses()
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
BRACES = re.compile(r"\{[^}]*\}")


def words(raw):
    """Yield every template of the content in a language."""
    for clause in raw["clauses"].values():
        for part in ("title", "wording", "note", "without", "model"):
            yield from ((clause.get(part) or {}).get(lang, "") for lang in book.LANGUAGES)
    for found in raw["findings"].values():
        yield from (found[lang] for lang in book.LANGUAGES)
        yield from (found["place"][lang] for lang in book.LANGUAGES)


def test_no_number_is_typed_into_the_words():
    typed = [
        text
        for text in words(book.content())
        if NUMBER.search(BRACES.sub("", text).replace("95 % interval", "").replace("95%区间", ""))
    ]
    assert typed == []


def test_the_clauses_are_those_of_the_official_words():
    assert [clause.name for clause in CLAUSES] == list(dict.fromkeys(facts().clauses["topic"]))


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.name)
def test_a_clause_is_whole_in_both_languages(clause):
    english, chinese = (
        set(book.FIELD.findall(clause.said("wording", lang))) for lang in book.LANGUAGES
    )
    assert english == chinese
    known = {**rule_fields(), **book.content()["free"]}
    assert english <= known.keys()
    rows = facts().clauses.set_index("row_id").index
    assert {*clause.raw["asks"], *clause.raw.get("printed", ())} <= set(rows)
    assert clause.raw["asks"]
    for lang in book.LANGUAGES:
        assert clause.said("without", lang)
        line, seen = book.seen(clause, lang)
        assert seen or line in ("No text that we read states it.", "所读文本都没有写明。")
        for one in (*seen, *book.asks(clause, lang)):
            assert one.source_id in set(facts().sources["source_id"])
            assert one.depth
    chinese_text = "".join(piece.text for piece in book.pieces(clause, "zh"))
    assert not re.search(r"[\u4e00-\u9fff][,.;:!?]", chinese_text)


@pytest.mark.parametrize("name", list(book.content()["findings"]))
def test_both_languages_of_a_finding_say_the_same_numbers(name):
    english, chinese = (book.finding(name, lang) for lang in book.LANGUAGES)
    assert sorted(NUMBER.findall(english.text)) == sorted(NUMBER.findall(chinese.text))
    assert english.grade is chinese.grade
    raw = book.content()["findings"][name]
    if raw["table"] == "effects":
        rows = facts().effects.set_index("row_id").loc[list(raw["rows"].values())]
        assert set(rows["design_family"]) == {raw["design"]}
        sizes = " ".join(rows["n_units"])
        for count in (raw.get("units"), raw.get("treated")):
            assert count is None or count in (1, 2) or str(count) in NUMBER.findall(sizes)


def test_numbers_of_findings_are_those_of_the_tables():
    row = facts().mssp_effects.set_index("row_id").loc["mf001"]
    text = book.finding("losses_too", "en").text
    assert f"{100 * row['estimate']:+.2f}".replace("-", "−") in text
    assert (
        "820 American organisations, 140 of which moved" in book.finding("losses_too", "en").place
    )
    kept = facts().mssp_rebasing.set_index("row_id")["estimate"]
    for value in kept:
        assert f"{value:.2f}" in book.finding("ratchet", "zh").text
    assert "4,795" in book.finding("settled", "en").text


def test_the_model_answers_with_the_laboratory():
    surplus = next(clause for clause in CLAUSES if clause.name == "surplus")
    found = [laboratory.solve(laboratory.defaults(gain_share=share)) for share in (0.5, 1.0)]
    said = book.model(surplus, "zh").text
    for one in found:
        assert f"{one['surplus'] * 10:.0f}万元" in said


def test_the_grade_follows_the_rule():
    assert grade("did", 40, 10, interval=True, checks=1) is Grade.STRONG
    assert grade("did", 40, 10, interval=True) is Grade.MODERATE
    assert grade("did", 39, 10, interval=True, checks=1) is Grade.WEAK
    assert grade("synthetic_did", 38, 1, interval=True) is Grade.WEAK
    assert grade("did", 2, 1) is Grade.WEAK  # one treated county is weak, whatever the design
    assert grade("did", 40, 10, interval=True, checks=1, abroad=True) is Grade.MODERATE
    assert grade("pre_post", 500, 500, interval=True, checks=9) is Grade.DESCRIPTION
    assert grade("its", abroad=True, indirect=True) is Grade.DESCRIPTION
    assert strongest([], model=True) is Grade.MODEL
    assert strongest([]) is Grade.NONE
    with pytest.raises(DataError, match="no grade for the design 'taste'"):
        grade("taste")


def test_no_clause_is_graded_above_its_strongest_finding():
    order = list(Grade)
    for clause in CLAUSES:
        for one in book.findings(clause, "en"):
            assert order.index(book.clause_grade(clause)) <= order.index(one.grade)
    grades = {clause.name: book.clause_grade(clause) for clause in CLAUSES}
    assert grades["split"] is Grade.MODEL
    assert grades["data"] is Grade.NONE
    assert grades["surplus"] is Grade.DESCRIPTION


def test_no_alliance_text_states_the_three_ratios():
    for name in ("surplus", "overspend", "split"):
        clause = next(one for one in CLAUSES if one.name == name)
        line, seen = book.seen(clause, "en")
        shares = [one for one in seen if one.alliance]
        assert line.startswith("No text"), shares


@pytest.mark.parametrize("lang", book.LANGUAGES)
def test_the_worked_settlement_sums_to_the_fen(lang):
    settled = worked.example()
    for year in worked.years(settled):
        lines = worked.lines(settled, year, lang)
        of = {line.key: line.fen for line in lines}
        balance = of["budget"] - of["claims"]
        whole = of.get("surplus", -of.get("deficit", 0))
        assert balance == whole
        assert abs(whole) == sum(line.fen for line in lines if line.level == 1)
        shared = of.get("retained", of.get("owed"))
        assert shared == sum(line.fen for line in lines if line.level == 2)
        assert all(Decimal(line.wan.replace(",", "")) * 1_000_000 == line.fen for line in lines)
    uses = [line for line in worked.lines(settled, 2024, lang) if line.level == 4]
    assert sum(line.fen for line in uses) == 736_000_000


def test_blanks_are_filled_with_their_status_or_say_why_not():
    real = book.filled_from(load_rules("guangyuan_sichuan"), "en")
    assert real["surplus_retention_share"].text == "employees: 30 %; residents: 20 %"
    assert real["surplus_retention_share"].status == "reported"
    assert real["split_lead_share"].reason
    assumed = book.filled_from(load_rules("two_sided_corridor"), "zh")
    assert assumed["loss_cap_share"] == ("5%", "assumed", "")
    assert assumed["savings_cap_share"].reason == "规则文件没有涉及"
    us = book.filled_from(load_rules("mssp"), "en")
    assert not us["minimum_savings_rate"].text


@pytest.mark.parametrize("lang", book.LANGUAGES)
def test_the_page_holds_every_clause_with_its_parts(lang):
    page = contract_page(lang)
    for clause in CLAUSES:
        assert f'id="clause-{clause.name}"' in page
        assert f'href="#clause-{clause.name}"' in page
        assert book.clause_grade(clause).label(lang) in page
    assert page.count('class="contract-wording"') == len(CLAUSES)
    assert page.count("laboratory.html?") == sum(
        book.laboratory_setting(clause) is not None for clause in CLAUSES
    )
    assert not re.search(r"\bnan\b", page)
