"""What a reader meets first: one click to advice, laboratory and case; no number unbadged."""

import json
import re

import pytest
from bs4 import BeautifulSoup
from test_built_pages import PAGES, read

import medalliance as ma
from medalliance.chapters import five_minutes
from medalliance.paths import PROJECT

FRONT = ("five-minutes", "five-minutes-zh")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def linked(page: BeautifulSoup) -> set[str]:
    article = page.find("article")
    return {link["href"].split("#")[0].split("?")[0] for link in article.find_all("a", href=True)}


def markdown(name: str) -> list[str]:
    cells = json.loads((PROJECT / "book" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def test_home_leads_to_advice_laboratory_and_every_case_in_one_click(built_book):
    cases = {f"{name}.html" for name in PAGES if name.startswith("cases/")}
    wanted = {"five-minutes.html", "five-minutes-zh.html", "laboratory.html", *cases}
    assert wanted <= linked(read(built_book / "index.html"))


@pytest.mark.parametrize("name", FRONT)
def test_every_number_of_the_advice_comes_with_a_badge(built_book, name):
    article = BeautifulSoup(str(read(built_book / f"{name}.html").find("article")), "html.parser")
    exhibits = article.select("[data-badge]")
    assert len(exhibits) == 8
    for exhibit in exhibits:
        exhibit.extract()
    for code in article.select("script, style, pre, .prev-next-footer"):
        code.extract()
    assert NUMBER.findall(article.get_text(" ")) == []


@pytest.mark.parametrize(
    ("name", "grade", "doubt"),
    [("five-minutes", "Confidence:", "How wrong"), ("five-minutes-zh", "把握：", "会错到什么程度")],
)
def test_each_of_six_sentences_has_grade_evidence_and_doubt(name, grade, doubt):
    text = "\n".join(markdown(name))
    assert text.count(grade) == 6
    assert text.count(doubt) == 6
    assert text.count("(how-wrong.ipynb)") == 6


def test_both_languages_state_the_same_numbers():
    evidence = ma.load_evidence()
    from_facts = (
        five_minutes.coverage,
        five_minutes.primary_care,
        five_minutes.patients,
        five_minutes.printed,
    )
    pairs = [(say(evidence), say(evidence, "zh")) for say in from_facts]
    pairs += [(say(), say("zh")) for say in (five_minutes.one_share, five_minutes.next_budget)]
    for english, chinese in pairs:
        assert english.badge == chinese.badge
        assert sorted(NUMBER.findall(english.text)) == sorted(NUMBER.findall(chinese.text))
        assert not re.search(r"[\u4e00-\u9fff][,.;:!?]", chinese.text)


def test_the_sentences_hold_what_their_sources_hold():
    evidence = ma.load_evidence()
    rows = evidence.effects.set_index("row_id")
    text = five_minutes.patients(evidence).text
    assert f"{rows.loc['global_budget_yc:3', 'estimate']:.0f} yuan more" in text
    assert "14.9 points" in five_minutes.primary_care(evidence).text
    assert "4,795 settlements all but 4" in five_minutes.printed(evidence).text


def test_the_scorecard_agrees_with_the_laboratory():
    from medalliance.chapters import laboratory

    card = five_minutes.scorecard().summary
    assert len(card) == len(laboratory.PRESETS)
    first = laboratory.solve(laboratory.defaults())
    assert card.iloc[0, 1] == f"{first['surplus'] / 10:.2f}"


def test_pages_keep_to_their_weight(built_book):
    heavy = {
        name: size
        for name in PAGES
        if (size := (built_book / f"{name}.html").stat().st_size) > 2_500_000
    }
    assert heavy == {}
    assert (built_book / "_static" / "laboratory.js").stat().st_size < 80_000


def test_search_finds_the_advice_in_both_languages(built_book):
    index = (built_book / "searchindex.js").read_text(encoding="utf-8")
    titles = json.loads(index[index.index("(") + 1 : index.rindex(")")])["titles"]
    assert any("what to write in a contract" in title for title in titles)
    assert any("五分钟读懂" in title for title in titles)


def test_the_printed_book_holds_every_chapter_and_links_within_itself(built_book):
    import importlib.util

    place = PROJECT / "tools" / "print_book.py"
    spec = importlib.util.spec_from_file_location("print_book", place)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    names = tool.chapters()
    assert names == PAGES
    article = tool.article_of(built_book, "five-minutes", set(names))
    inside = [link["href"] for link in article.find_all("a", href=True)]
    assert "#page-how-wrong" in inside
    assert "#page-laboratory" in inside
    assert not any(address.endswith(".html") for address in inside)


def test_the_book_is_cited_as_the_citation_file_says():
    import yaml

    cited = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    text = (PROJECT / "book" / "how-to-read.md").read_text(encoding="utf-8")
    assert cited["title"] in text
    assert f"version {cited['version']}" in text
