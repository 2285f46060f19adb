"""Finishing of pages: names, languages, cards, links to downloads."""

import json
import re

import pytest
from bs4 import BeautifulSoup

from medalliance.press import finish

PAGE = """<html lang="en"><head>
<meta charset="utf-8" /><meta name="viewport" content="a"/><meta name="viewport" content="b"/>
<title>Who &amp; what &#8212; The book</title></head>
<body><div id="pst-primary-sidebar" class="x"></div>
<nav class="bd-links bd-docs-nav" aria-label="Main"><a class="r" href="a.html">Cases</a><details>\
<summary><span></span></summary></details><a class="r" href="../five-zh.html">五分钟</a></nav>
<button title="Search">Search</button>
<article><p>Short.</p><p>The <em>first</em> sentence is long enough. {tail}</p></article>
</body></html>"""


@pytest.fixture
def built(tmp_path):
    html, staged = tmp_path / "html", tmp_path / "source"
    for folder in (html / "cases", html / "_static", staged):
        folder.mkdir(parents=True)
    (staged / "_config.yml").write_text("title: The book\n", encoding="utf-8")
    (staged / "five.ipynb").write_text(json.dumps({"cells": []}), encoding="utf-8")
    for name in ("index", "five", "five-zh", "cases/one", "_static/macro"):
        (html / f"{name}.html").write_text(PAGE.format(tail=""), encoding="utf-8")
    return html, staged


def read(html, name):
    return BeautifulSoup((html / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


def content(page, key):
    return page.find("meta", attrs={"property": key})["content"]


def test_a_page_gets_names_card_and_description(built):
    finish.finish_pages(*built)
    page = read(built[0], "cases/one")
    assert page.summary["aria-label"] == "Pages under: Cases"
    assert page.find(id="pst-primary-sidebar")["role"] == "complementary"
    assert len(page.find_all("meta", attrs={"name": "viewport"})) == 1
    assert content(page, "og:title") == "Who & what"
    assert content(page, "og:description") == "The first sentence is long enough."
    assert content(page, "og:image") == "../_static/social-card.png"
    assert page.find("meta", attrs={"property": "og:url"}) is None


def test_the_card_has_a_full_address_where_the_site_has_one(built):
    html, staged = built
    (staged / "_config.yml").write_text("title: x\nhtml: {baseurl: 'https://a.example/b/'}\n")
    finish.finish_pages(html, staged)
    page = read(html, "cases/one")
    assert content(page, "og:image") == "https://a.example/b/_static/social-card.png"
    assert content(page, "og:url") == "https://a.example/b/cases/one.html"


def test_languages_are_marked_and_the_theme_speaks_chinese(built):
    finish.finish_pages(*built)
    chinese, english = read(built[0], "five-zh"), read(built[0], "five")
    assert chinese.html["lang"] == "zh-CN"
    assert chinese.nav["lang"] == "en"
    assert chinese.nav.find("a", string="五分钟")["lang"] == "zh-CN"
    assert (chinese.button["title"], chinese.button.get_text()) == ("搜索", "搜索")
    assert chinese.find("link", hreflang="en")["href"] == "five.html"
    assert english.html["lang"] == "en"
    assert english.find("a", string="五分钟")["lang"] == "zh-CN"
    assert english.find("link", hreflang="zh-CN")["href"] == "five-zh.html"
    assert read(built[0], "index").find("link", hreflang=True) is None


def test_a_notebook_is_offered_and_the_themes_own_files_are_left_alone(built):
    html, staged = built
    finish.finish_pages(html, staged)
    links = [link["href"] for link in read(html, "five").select(".page-downloads a")]
    assert links == ["_sources/five.ipynb"]
    assert read(html, "index").select(".page-downloads") == []
    assert (html / "_static" / "macro.html").read_text(encoding="utf-8") == PAGE.format(tail="")


SCRIPTS = """<head><script src="a/searchtools.js"></script><script src="searchindex.js"></script>
<script>const THEBE_JS_URL = "https://host.example";</script><script>window.MathJax = {}</script>
<script defer="defer" src="_static/tex-svg.js?v=1"></script>
<script src="_static/laboratory.js?v=1"></script><script src="_static/tex-svg.js?v=1"></script>
<script src="_static/doctools.js"></script></head><body>%s</body>"""


def scripts_of(page, *, searches=False):
    light = BeautifulSoup(finish.lighten(page, searches=searches), "html.parser")
    return [script.get("src") or script.get_text()[:10] for script in light.find_all("script")]


def test_a_page_loads_only_what_it_uses():
    own = '<script defer src="_static/laboratory.js"></script>'
    formula = '<span class="math notranslate">x</span>'
    assert scripts_of(SCRIPTS % own) == ["_static/doctools.js", "_static/laboratory.js"]
    assert scripts_of(SCRIPTS % formula) == [
        "window.Mat",
        "_static/doctools.js",
        "_static/tex-svg.js?v=1",
    ]
    assert scripts_of(SCRIPTS % "", searches=True)[:2] == ["a/searchtools.js", "searchindex.js"]


@pytest.mark.parametrize("tail", ["Another one. " * 40, "词" * 400])
def test_a_long_description_ends_with_a_sentence_or_an_ellipsis(tail):
    text = finish.description(PAGE.format(tail=tail))
    assert 20 < len(text) <= 200
    assert re.search(r"(\.|…)$", text)
