"""Every chapter can be taken away: its notebook, its numbers, the panel that it uses."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from test_built_pages import PAGES, read

from medalliance.paths import PROJECT

CHAPTERS = [name for name in PAGES if (PROJECT / "book" / f"{name}.ipynb").is_file()]
FILES = {"glossary": "facts.zip", "sources": "facts.zip", "data-availability": "facts.zip",
         "laboratory": "laboratory.json"}  # fmt: skip
TAUGHT = {"estimate-surplus", "estimate-pay", "estimate-visits", "how-wrong", "methods", "how-sure"}


def offered(built_book: Path, name: str) -> dict[str, Path]:
    page = built_book / f"{name}.html"
    links = read(page).select("article .page-downloads a")
    paths = [(page.parent / link["href"]).resolve() for link in links]
    return {path.name: path for path in paths}


def packed(path: Path) -> dict[str, list[list[str]]]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    return {name: list(csv.reader(io.StringIO(text))) for name, text in texts.items()}


def same(printed: str, stored: str) -> bool:
    words = " ".join(printed.split())
    if stored.startswith("'") and words[:1] in "=+-@":  # a spreadsheet shows it as text
        stored = stored[1:]
    return words == stored or words.replace(",", "").replace("\u2212", "-") == stored


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_numbers_of_a_chapter_are_those_on_its_page(built_book, name):
    files = offered(built_book, name)
    stem = name.split("/")[-1]
    notebook = json.loads(files[f"{stem}.ipynb"].read_text(encoding="utf-8"))
    source = json.loads((PROJECT / "book" / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert [cell["source"] for cell in notebook["cells"]] == [
        cell["source"] for cell in source["cells"]
    ]

    exhibits = read(built_book / f"{name}.html").select("article .exhibit[data-badge]")
    numbers = packed(files[f"{stem}.zip"])
    head, *listed = numbers.pop("contents.csv")
    assert [row[head.index("badge")] for row in listed] == [e["data-badge"] for e in exhibits]
    with_numbers = [exhibit for exhibit in exhibits if exhibit.find("table")]
    assert list(numbers) == [row[0] for row in listed if row[0]]
    assert len(numbers) == len(with_numbers)
    for exhibit, rows in zip(with_numbers, numbers.values(), strict=True):
        printed = [
            [cell.get_text() for cell in row.find_all(["td", "th"])]
            for row in exhibit.find_all("tr")
        ]
        assert len(printed) == len(rows)
        assert all(
            same(shown, kept)
            for line, row in zip(printed, rows, strict=True)
            for shown, kept in zip(line, row, strict=True)
        )


def test_the_teaching_panel_is_offered_where_it_is_used(built_book):
    using = {name for name in CHAPTERS if "teaching-panel.zip" in offered(built_book, name)}
    assert using >= TAUGHT
    assert not {name for name in using if name.startswith("cases/")}
    with zipfile.ZipFile(built_book / "downloads" / "teaching-panel.zip") as archive:
        assert set(archive.namelist()) == {"panel.csv", "truth.csv", "columns.csv"}


@pytest.mark.parametrize(("name", "file"), FILES.items())
def test_a_page_without_notebook_offers_what_it_is_made_of(built_book, name, file):
    assert set(offered(built_book, name)) == {file}


def test_the_facts_are_those_of_the_project(built_book):
    with zipfile.ZipFile(built_book / "downloads" / "facts.zip") as archive:
        for name in archive.namelist():
            assert archive.read(name) == (PROJECT / "data" / name).read_bytes()
        assert {"codebook.yaml", "published/sources.csv"} <= set(archive.namelist())


@pytest.mark.parametrize("name", PAGES)
def test_a_link_to_the_page_shows_title_words_and_card(built_book, name):
    page = read(built_book / f"{name}.html")
    tags = {
        tag.get("property") or tag.get("name"): tag["content"]
        for tag in page.select("meta[content]")
    }
    assert tags["og:title"] and tags["og:title"] in page.title.get_text()
    assert 20 < len(tags["description"]) <= 200
    card = (built_book / f"{name}.html").parent / tags["og:image"]
    assert card.resolve().read_bytes()[16:24] == (1200).to_bytes(4, "big") + (630).to_bytes(
        4, "big"
    )
