"""The Chinese edition: catalogues that fit the book, pages whole or marked as not yet."""

import json
import re

import pytest
import yaml
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from medalliance.evidence import load_sources
from medalliance.paths import PROJECT
from medalliance.press import edition
from medalliance.show.translation import FOLDER, WORDS, gaps, read_messages

BOOK = PROJECT / "book"
CATALOGUES = sorted((BOOK / FOLDER).rglob("*.po"))
LATIN = re.compile(r"`[^`]*`|\$[^$]*\$|\([^()\s]*\)|\{[^}]*\}|<[^>]*>|https?://\S+")
MARKDOWN = MarkdownIt("commonmark")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def translated(path):
    return read_messages(path).items()


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda p: p.relative_to(BOOK / FOLDER).as_posix())
def test_a_translation_keeps_numbers_links_and_code(path):
    wrong = []
    for message, chinese in translated(path):
        if path.name == WORDS and gaps(message) != gaps(chinese):
            wrong.append(f"numbers: {message!r}: {chinese!r}")
        if path.name != WORDS and sorted(LINK.findall(message)) != sorted(LINK.findall(chinese)):
            wrong.append(f"links: {message!r}: {chinese!r}")
        english = edition.has_words(message) and edition.has_words(LATIN.sub("", message))
        english = english and not edition.is_reference(message)
        if english and not re.search(r"[\u3400-\u9fff]", chinese):
            wrong.append(f"not Chinese: {message!r}: {chinese!r}")
        if message != chinese and re.search(
            r"[\u3400-\u9fff][,;?!]|[\u3400-\u9fff]\.(\s|$)", LATIN.sub("", chinese)
        ):
            wrong.append(f"half-width punctuation after Chinese: {chinese!r}")
        if path.name != WORDS and "**" in MARKDOWN.renderInline(chinese):
            wrong.append(f"bold that does not close: {chinese!r}")
    assert not wrong, "\n".join(wrong[:20])


def test_every_page_of_the_book_has_a_catalogue():
    named = {
        name
        for name, page in edition.pages_of(BOOK).items()
        if name not in edition.GENERATED
        and not (BOOK / f"{name}{edition.TWIN}{page.suffix}").is_file()
    }
    root = BOOK / FOLDER / edition.PROSE
    found = {path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.po")}
    assert found == named, "run `make messages`"


@pytest.fixture
def small(tmp_path):
    book = tmp_path / "book"
    (book / FOLDER / edition.PROSE).mkdir(parents=True)
    (book / "_config.yml").write_text("title: The book\n", encoding="utf-8")
    toc = {
        "root": "index",
        "parts": [{"caption": "A", "chapters": [{"file": "a"}, {"file": "b-zh"}]}],
    }
    (book / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    (book / "index.md").write_text("# Home\n\nWelcome.\n", encoding="utf-8")
    (book / "a.md").write_text(
        "# Part\n\nRead [home](index.md).\n\n:link: b-zh\n", encoding="utf-8"
    )
    (book / "b-zh.md").write_text("# 乙\n", encoding="utf-8")
    templates = tmp_path / "pot"
    templates.mkdir()
    for name, texts in {
        "index": ["Home", "Welcome."],
        "a": ["Part", "Read [home](index.md)."],
    }.items():
        body = "".join(f'msgid {json.dumps(text)}\nmsgstr ""\n\n' for text in texts)
        (templates / f"{name}.pot").write_text(f'msgid ""\nmsgstr ""\n\n{body}', encoding="utf-8")
    return book, templates


def write(path, known):
    text = path.read_text(encoding="utf-8")
    for message, chinese in known.items():
        text = text.replace(
            f'msgid "{message}"\nmsgstr ""', f'msgid "{message}"\nmsgstr "{chinese}"'
        )
    path.write_text(text, encoding="utf-8")


def test_a_page_is_chinese_once_every_message_is(small, tmp_path):
    book, templates = small
    left = edition.update_catalogues(book, templates)
    assert left == {"LC_MESSAGES/index.po": 2, "LC_MESSAGES/a.po": 2, WORDS: 0}
    waiting = edition.stage_chinese(book, tmp_path / "zh")
    assert set(waiting) == {"index", "a"}
    assert "尚无中文版" in (tmp_path / "zh" / "a.md").read_text(encoding="utf-8")
    place = book / FOLDER / edition.PROSE / "a.po"
    write(place, {"Part": "部分", "Read [home](index.md).": "见[首页](index.md)。"})
    assert set(edition.stage_chinese(book, tmp_path / "zh")) == {"index"}
    text = (tmp_path / "zh" / "a.md").read_text(encoding="utf-8")
    assert "Read [home]" in text and ":link: b\n" in text
    assert not (tmp_path / "zh" / "b-zh.md").exists()
    toc = yaml.safe_load((tmp_path / "zh" / "_toc.yml").read_text(encoding="utf-8"))
    assert toc["parts"][0]["chapters"] == [{"file": "a"}]


def test_a_changed_sentence_waits_until_its_chinese_is_looked_at(small, tmp_path):
    book, templates = small
    edition.update_catalogues(book, templates)
    place = book / FOLDER / edition.PROSE / "index.po"
    write(place, {"Home": "首页", "Welcome.": "欢迎。"})
    assert "index" not in edition.stage_chinese(book, tmp_path / "zh")
    (book / "index.md").write_text("# Home\n\nWelcome!\n", encoding="utf-8")
    found = edition.stage_chinese(book, tmp_path / "zh")["index"]
    assert any("changed since" in line for line in found)
    pot = templates / "index.pot"
    pot.write_text(
        pot.read_text(encoding="utf-8").replace("Welcome.", "Welcome!"), encoding="utf-8"
    )
    assert edition.update_catalogues(book, templates)["LC_MESSAGES/index.po"] == 1
    with place.open("rb") as handle:
        message = read_po(handle).get("Welcome!")
    assert message.fuzzy and message.string == "欢迎。"
    assert edition.stage_chinese(book, tmp_path / "zh")["index"] == ["Welcome!"]


def test_updating_twice_changes_no_byte(small):
    book, templates = small
    edition.update_catalogues(book, templates)
    before = {path: path.read_bytes() for path in (book / FOLDER).rglob("*.po")}
    edition.update_catalogues(book, templates)
    assert {path: path.read_bytes() for path in before} == before


NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
ENGLISH = re.compile(r"(?:\b[A-Za-z][a-z']+[ ,]+){7,}")


def exhibits_of(path):
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    return page.find("article").find_all(attrs={"data-badge": True})


def whole_pages(built_book):
    hidden = {"search", "genindex"}
    for path in sorted((built_book / "zh").rglob("*.html")):
        name = path.relative_to(built_book / "zh").with_suffix("").as_posix()
        text = path.read_text(encoding="utf-8")
        if name not in hidden and "尚无中文版" not in text and (BOOK / f"{name}.ipynb").is_file():
            yield name, path


def test_only_pages_written_from_data_wait_for_their_chinese(built_book):
    whole = {name for name, _ in whole_pages(built_book)}
    notebooks = {n for n, page in edition.pages_of(BOOK).items() if page.suffix == ".ipynb"}
    assert notebooks - whole == set()


def test_the_editions_hold_the_same_exhibits_badges_and_numbers(built_book):
    wrong = []
    for name, path in whole_pages(built_book):
        english, chinese = exhibits_of(built_book / f"{name}.html"), exhibits_of(path)
        if [e["data-badge"] for e in english] != [c["data-badge"] for c in chinese]:
            wrong.append(f"{name}: other exhibits or badges")
            continue
        for one, other in zip(english, chinese, strict=True):
            cells = [e.find_all("td") for e in (one, other)]
            numbers = [[NUMBER.findall(cell.get_text()) for cell in row] for row in cells]
            alone = [
                (a, b)
                for a, b, cell in zip(*numbers, cells[0], strict=True)
                if a != b and NUMBER.fullmatch(cell.get_text().strip(" -\u2212%"))
            ]
            if alone:
                wrong.append(f"{name}: {alone[:3]}")
    assert not wrong, "\n".join(wrong[:10])


def test_no_english_sentence_stands_on_a_chinese_page(built_book):
    titles, wrong = list(load_sources()["title"]), []
    for name, path in whole_pages(built_book):
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        article = page.find("article")
        for part in article.select(
            "pre, code, .exhibit-source, .math, script, style, mjx-container"
        ):
            part.decompose()
        blocks = article.select("p, li, td, th, figcaption, summary, h1, h2, h3, h4")
        texts = [" ".join(block.get_text().split()) for block in blocks]
        said = [found[0].strip() for text in texts for found in ENGLISH.finditer(text)]
        wrong += [f"{name}: {one}" for one in said if not any(one in title for title in titles)]
    assert not wrong, "\n".join(wrong[:15])
