"""The pages that were built: all there, linked, badged, described, and asking no other host."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

from medalliance.paths import PROJECT

ASKING = [("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")]
HARMLESS_RELATIONS = {"canonical", "license", "author"}


def toc_files() -> list[str]:
    """Return the files named in the table of contents, in order."""
    toc = yaml.safe_load((PROJECT / "book" / "_toc.yml").read_text(encoding="utf-8"))

    def walk(entries):
        for entry in entries:
            yield entry["file"]
            yield from walk(entry.get("sections", []))

    chapters = [name for part in toc["parts"] for name in walk(part["chapters"])]
    return [toc["root"], *chapters]


PAGES = toc_files()


@cache
def read(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def foreign_requests(page: BeautifulSoup) -> list[str]:
    """List addresses on another host that the page would fetch by itself."""
    asked = []
    for tag, attribute in ASKING:
        for element in page.find_all(tag):
            address = element.get(attribute, "")
            relation = set(element.get("rel", []))
            if re.match(r"(https?:)?//", address) and not relation & HARMLESS_RELATIONS:
                asked.append(address)
    for element in page.find_all("style"):
        asked += re.findall(r"url\(['\"]?((?:https?:)?//[^)'\"]+)", element.get_text())
    return asked


def bare_exhibits(page: BeautifulSoup, *, from_notebook: bool) -> list[str]:
    """List pictures and tables that stand outside a badge."""
    article = page.find("article") or page
    bare = []
    for element in article.find_all(["img", "table", "svg"]):
        if element.find_parent(attrs={"data-badge": True}):
            continue
        in_output = element.find_parent(class_="cell_output") is not None
        if element.name == "img" or in_output or (from_notebook and element.name == "table"):
            bare.append(str(element)[:100])
    return bare


def test_every_chapter_has_a_page_and_every_page_file_is_listed(built_book):
    missing = [name for name in PAGES if not (built_book / f"{name}.html").is_file()]
    assert not missing
    sources = {
        path.relative_to(PROJECT / "book").with_suffix("").as_posix()
        for path in (PROJECT / "book").rglob("*")
        if path.suffix in {".md", ".ipynb"} and ".ipynb_checkpoints" not in path.parts
    }
    assert sources <= set(PAGES), "files that _toc.yml does not name"


@pytest.mark.parametrize("name", PAGES)
def test_page_asks_no_other_host(built_book, name):
    assert foreign_requests(read(built_book / f"{name}.html")) == []


def test_style_sheets_ask_no_other_host(built_book):
    asked = {}
    for path in (built_book / "_static").rglob("*.css"):
        text = path.read_text(encoding="utf-8", errors="replace")
        found = re.findall(r"(?:url\(|@import )\s*['\"]?((?:https?:)?//[^)'\"\s]+)", text)
        if found:
            asked[path.name] = found
    assert asked == {}


@pytest.mark.parametrize("name", PAGES)
def test_every_exhibit_has_its_badge_and_every_picture_its_alternative_text(built_book, name):
    page = read(built_book / f"{name}.html")
    from_notebook = (PROJECT / "book" / f"{name}.ipynb").is_file()
    assert bare_exhibits(page, from_notebook=from_notebook) == []
    article = page.find("article") or page
    silent = [str(img)[:80] for img in article.find_all("img") if not img.get("alt", "").strip()]
    assert silent == []
    for exhibit in article.select("figure.exhibit"):
        assert exhibit.find("figcaption").get_text(strip=True)
        assert exhibit.select_one(".exhibit-source").get_text(strip=True) != "Source:"


@pytest.mark.parametrize("name", PAGES)
def test_internal_links_lead_somewhere(built_book, name):
    page = built_book / f"{name}.html"
    broken = []
    for link in read(page).find_all("a", href=True):
        parts = urlsplit(link["href"])
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file():
            broken.append(link["href"])
        elif parts.fragment and target.suffix == ".html":
            goal = read(target).find(id=unquote(parts.fragment))
            if goal is None and parts.fragment not in {"", "top"}:
                broken.append(link["href"])
    assert broken == []


def test_the_defaults_of_the_engine_do_not_show(built_book):
    page = read(built_book / "index.html")
    text = page.get_text(" ")
    assert "documentation" not in page.title.get_text()
    assert "the medalliance developers" in text
    assert not re.search(r"©\s*Copyright\s*20\d\d", text)
    assert "By The Jupyter Book community" not in text


def test_formulas_come_from_one_file_of_our_own(built_book):
    scripts = [path for path in built_book.rglob("*.js") if "tex-svg" in path.name]
    assert [path.name for path in scripts] == ["tex-svg.js"]
    assert b"3.2.2" in scripts[0].read_bytes()


def test_the_checks_can_fail():
    page = BeautifulSoup(
        '<article><script src="https://cdn.example/x.js"></script><img src="a.png"/>'
        '<div class="cell_output"><table></table></div></article>',
        "html.parser",
    )
    assert foreign_requests(page) == ["https://cdn.example/x.js"]
    assert len(bare_exhibits(page, from_notebook=False)) == 2
