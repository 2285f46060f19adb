"""What a reader meets first: one click to advice, laboratory and case; no number unbadged."""

import json
import re

import pytest
from bs4 import BeautifulSoup
from test_built_pages import PAGES, read

from medalliance.chapters import contract_clauses
from medalliance.paths import PROJECT

FRONT = ("contract", "contract-zh")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def linked(page: BeautifulSoup) -> set[str]:
    article = page.find("article")
    return {link["href"].split("#")[0].split("?")[0] for link in article.find_all("a", href=True)}


def test_home_leads_to_advice_laboratory_and_every_case_in_one_click(built_book):
    cases = {f"{name}.html" for name in PAGES if name.startswith("cases/")}
    wanted = {"contract.html", "contract-zh.html", "laboratory.html", *cases}
    assert wanted <= linked(read(built_book / "index.html"))


@pytest.mark.parametrize("name", FRONT)
def test_every_number_of_the_advice_comes_with_a_badge(built_book, name):
    article = BeautifulSoup(str(read(built_book / f"{name}.html").find("article")), "html.parser")
    exhibits = article.select("[data-badge]")
    assert len(exhibits) > 40
    for part in (
        *exhibits,
        *article.select("script, style, pre, .prev-next-footer, .contract-rule"),
    ):
        part.extract()
    assert NUMBER.findall(article.get_text(" ")) == []


@pytest.mark.parametrize("name", FRONT)
def test_each_clause_has_wording_range_evidence_grade_and_words_that_ask(built_book, name):
    page = read(built_book / f"{name}.html")
    for clause in contract_clauses.clauses():
        start = page.find(id=f"clause-{clause.name}")
        section = start.find_next("section")
        lang = "zh" if name.endswith("zh") else "en"
        assert clause.said("title", lang) in section.find("h2").get_text()
        grade = contract_clauses.clause_grade(clause).label(lang)
        assert section.select_one(".contract-grade").get_text().endswith(grade)
        assert section.select_one(".contract-wording .contract-blank") or not clause.blanks
        assert section.select(".contract-values[data-badge=REAL] .exhibit-source")
        assert len(section.select("p.exhibit-text")) >= len(clause.raw["findings"])


def test_pages_keep_to_their_weight(built_book):
    heavy = {
        name: size
        for name in PAGES
        if (size := (built_book / f"{name}.html").stat().st_size) > 2_500_000
    }
    assert heavy == {}
    assert (built_book / "_static" / "laboratory.js").stat().st_size < 100_000


def test_search_finds_the_advice_in_both_languages(built_book):
    index = (built_book / "searchindex.js").read_text(encoding="utf-8")
    titles = json.loads(index[index.index("(") + 1 : index.rindex(")")])["alltitles"]
    assert any("What to write in a contract" in title for title in titles)
    assert any("合同条款" in title for title in titles)
    assert any("结余留用" in title for title in titles)


def test_the_printed_book_holds_every_chapter_and_links_within_itself(built_book):
    import importlib.util

    place = PROJECT / "tools" / "print_book.py"
    spec = importlib.util.spec_from_file_location("print_book", place)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    names = tool.chapters()
    assert names == PAGES
    article = tool.article_of(built_book, "contract", set(names))
    inside = [link["href"] for link in article.find_all("a", href=True)]
    assert "#page-laboratory" in inside
    assert not any(address.endswith(".html") for address in inside)


def test_the_book_is_cited_as_the_citation_file_says():
    import yaml

    cited = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    text = (PROJECT / "book" / "how-to-read.md").read_text(encoding="utf-8")
    assert cited["title"] in text
    assert f"version {cited['version']}" in text
