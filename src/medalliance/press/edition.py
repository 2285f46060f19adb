"""The Chinese edition: catalogues of messages, and the sources of its pages."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ..codebook import load_codebook
from ..errors import DataError
from ..paths import data_dir
from ..show.exhibits import RECORD
from ..show.html import exhibit_html, sentence_html
from ..show.translation import (
    FOLDER,
    PICTURE,
    WORDS,
    Catalogue,
    abstracted,
    codebook_labels,
    load_catalogue,
    messages,
    needs_translation,
    read_messages,
)
from .notebooks import find_notebooks, read_cells
from .records import records_in

TWIN = "-zh"  # how the name of a page ends that is written in Chinese by hand
PROSE = "LC_MESSAGES"
DIGEST = "X-Source-Digest"
# written from data; they have no prose of their own
GENERATED = {
    "glossary": "术语表",
    "sources": "来源",
    "data-availability": "数据可得性",
    "exhibits": "全部图表",
    "status": "状态",
}
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_CONFIG = {
    "language": "zh_CN",
    "locale_dirs": ["locale"],
    "gettext_compact": False,
    "html_title": "谁掌管预算？",
    "nb_code_prompt_show": "显示代码",
    "nb_code_prompt_hide": "隐藏代码",
}


def pages_of(source: Path) -> dict[str, Path]:
    """Return the pages of the book's sources by name, those written in Chinese left out."""
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    found = {}
    for name in _names(toc):
        for ending in (".md", ".ipynb"):
            path = source / f"{name}{ending}"
            if path.is_file() and not name.endswith(TWIN):
                found[name] = path
    return found


def _names(toc: Any) -> Iterator[str]:
    """Yield the pages of a table of contents, in its order."""
    if isinstance(toc, list):
        for part in toc:
            yield from _names(part)
    elif isinstance(toc, dict):
        yield from (toc[key] for key in ("root", "file") if key in toc)
        for key in ("parts", "chapters", "sections"):
            yield from _names(toc.get(key, []))


def prose_digest(page: Path) -> str:
    """Return a digest of a page's prose: it changes with any word, and with nothing else."""
    if page.suffix == ".ipynb":
        cells = (c for c in read_cells(page) if c["cell_type"] == "markdown")
        text = "\n".join("".join(cell["source"]) for cell in cells)
    else:
        text = page.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def lacking(source: Path, name: str, page: Path, words: Catalogue) -> list[str]:
    """List what a page still needs in Chinese; nothing for a page that is whole.

    Parameters
    ----------
    source : Path
        The book's sources, with their catalogues.
    name : str
        The page's name.
    page : Path
        Its source.
    words : Catalogue
        Of the exhibits.
    """
    if (source / f"{name}{TWIN}{page.suffix}").is_file():
        return []
    found = []
    catalogue = source / FOLDER / PROSE / f"{name}.po"
    if name in GENERATED or not catalogue.is_file():
        return [f"no catalogue of the prose of {name}"]
    head, open_messages = _state(catalogue)
    if head != prose_digest(page):
        found.append(f"the prose of {name} changed since its catalogue was written")
    found += open_messages
    if page.suffix == ".ipynb":
        for data in _outputs(page):
            for record in records_in(data):
                found += words.missing(record)
                if record["kind"] == "figure" and record["lang"] == "en" and PICTURE not in data:
                    found.append(f"a picture to draw: {record['caption']}")
    return list(dict.fromkeys(found))


def _outputs(page: Path) -> Iterator[dict[str, Any]]:
    for cell in read_cells(page):
        for output in cell.get("outputs", []):
            if "data" in output:
                yield output["data"]


def _state(catalogue: Path) -> tuple[str, list[str]]:
    """Return the digest that a catalogue was written for, and its messages without Chinese."""
    from babel.messages.pofile import read_po

    with catalogue.open("rb") as handle:
        read = read_po(handle)
    said = re.search(rf'"{DIGEST}: (\w+)', catalogue.read_text(encoding="utf-8"))
    digest = said[1] if said else ""
    waiting = [str(m.id) for m in read if m.id and (m.fuzzy or not m.string)]
    return digest, waiting


def stage_chinese(staged: Path, target: Path) -> dict[str, list[str]]:
    """Write the sources of the Chinese edition from those of the English one.

    A page that is not whole in Chinese becomes a line that says so, with a link to the English.

    Parameters
    ----------
    staged : Path
        Sources of the English edition, with the generated pages.
    target : Path
        Folder of the Chinese ones; replaced.

    Returns
    -------
    dict
        Page to what it lacks, for pages that are not whole.
    """
    shutil.rmtree(target, ignore_errors=True)
    hidden = shutil.ignore_patterns("_build")
    shutil.copytree(staged, target, ignore=hidden)
    words = load_catalogue(staged / FOLDER / WORDS)
    missing = {}
    for name, page in pages_of(staged).items():
        twin = staged / f"{name}{TWIN}{page.suffix}"
        place = target / page.relative_to(staged)
        found = lacking(staged, name, page, words)
        if found:
            missing[name] = found
            _point_to_english(staged, name, place)
        elif twin.is_file():
            shutil.copyfile(twin, place)
        elif page.suffix == ".ipynb":
            place.write_text(_translated(page, words), encoding="utf-8")
    twins = [path for path in target.rglob(f"*{TWIN}.*") if path.suffix in (".md", ".ipynb")]
    for path in twins:
        path.unlink()
    _lead_to_twins(target, [path.stem for path in twins])
    _write_toc(target)
    config = yaml.safe_load((target / "_config.yml").read_text(encoding="utf-8"))
    config["title"] = _CONFIG["html_title"]
    own = config.setdefault("sphinx", {}).setdefault("config", {})
    own |= _CONFIG
    own["suppress_warnings"] = [*own.get("suppress_warnings", []), "myst.xref_missing"]
    own.get("html_theme_options", {}).get("logo", {})["text"] = _CONFIG["html_title"]
    dictionary = target / "words.txt"
    dictionary.write_text("\n".join(search_words()) + "\n", encoding="utf-8")
    own["html_search_options"] = {"dict": str(dictionary.resolve())}
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    (target / "_config.yml").write_text(text, encoding="utf-8")
    return missing


def search_words() -> list[str]:
    """Return the field's terms, which the Chinese search keeps whole: *结余留用*, *医共体*."""
    book = load_codebook()
    found = {variable.zh for variable in book.variables.values()}
    for name, column in (("glossary.csv", "chinese"), ("published/terms.csv", "chinese")):
        with (data_dir() / name).open(encoding="utf-8", newline="") as handle:
            found |= {row[column] for row in csv.DictReader(handle)}
    return sorted(word for word in found if re.fullmatch(r"[\u3400-\u9fff]{2,8}", word))


def _lead_to_twins(target: Path, names: list[str]) -> None:
    """Let links to pages written in Chinese by hand lead to the names that they have here."""
    if not names:
        return
    before = r'\]\(|href=\\?"|:link: '
    linked = re.compile(rf"({before})({'|'.join(map(re.escape, names))})(?=[.#\\\n\s])")
    for path in target.rglob("*"):
        if path.suffix in (".md", ".ipynb", ".po"):
            text = path.read_text(encoding="utf-8")
            led = linked.sub(lambda found: found[1] + found[2].removesuffix(TWIN), text)
            if led != text:
                path.write_text(led, encoding="utf-8")


def _translated(page: Path, words: Catalogue) -> str:
    """Return a notebook whose exhibits are in Chinese; its prose is translated by the builder."""
    content = json.loads(page.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            records = [words.record(record) for record in records_in(data)]
            if not records:
                continue
            html = [_html(record, data) for record in records]
            data["text/html"] = "\n".join(html)
            data[RECORD] = records if isinstance(data[RECORD], list) else records[0]
            data.pop(PICTURE, None)
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _html(record: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    if record["kind"] == "sentence":
        return sentence_html(record)
    picture = "".join(data.get(PICTURE, "")).replace("\n", "")
    if record["kind"] == "figure":
        import base64

        width = int.from_bytes(base64.b64decode(picture[:64])[16:20], "big") // 2
        return exhibit_html(record, f"data:image/png;base64,{picture}", width)
    return exhibit_html(record)


def _point_to_english(staged: Path, name: str, place: Path) -> None:
    known = read_messages(staged / FOLDER / PROSE / f"{name}.po")
    page = place.read_text(encoding="utf-8")
    if place.suffix == ".ipynb":
        cells = [c for c in json.loads(page)["cells"] if c["cell_type"] == "markdown"]
        page = "\n".join("".join(cell["source"]) for cell in cells)
    found = _TITLE.search(page)
    title = found[1].strip() if found else name
    address = "../" * (1 + name.count("/")) + f"{name}.html"
    said = (
        f"# {GENERATED.get(name) or known.get(title, title)}\n\n"
        f'本页尚无中文版。请看<a href="{address}" lang="en" hreflang="en">英文版</a>。\n'
    )
    if place.suffix == ".ipynb":
        cell = {"cell_type": "markdown", "id": "cell-00", "metadata": {}, "source": said}
        content = json.loads(place.read_text(encoding="utf-8"))
        said = json.dumps({**content, "cells": [cell]}, ensure_ascii=False) + "\n"
    place.write_text(said, encoding="utf-8")


def _write_toc(target: Path) -> None:
    """Take the hand-written Chinese pages out: each stands under the name of its English one."""
    path = target / "_toc.yml"
    toc = yaml.safe_load(path.read_text(encoding="utf-8"))

    def kept(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        chosen = [dict(entry) for entry in entries if not entry.get("file", "").endswith(TWIN)]
        for entry in chosen:
            for key in ("chapters", "sections"):
                if key in entry:
                    entry[key] = kept(entry[key])
        return chosen

    known = read_messages(target / FOLDER / PROSE / f"{toc['root']}.po")
    toc["parts"] = kept(toc.get("parts", []))
    for part in toc["parts"]:
        part["caption"] = known.get(part["caption"], part["caption"])
    path.write_text(yaml.safe_dump(toc, allow_unicode=True, sort_keys=False), encoding="utf-8")


def update_catalogues(source: Path, templates: Path) -> dict[str, int]:
    """Bring the catalogues up to date with the book, keeping every translation.

    A changed sentence keeps its old Chinese, marked fuzzy, until someone looks at it again.

    Parameters
    ----------
    source : Path
        The book's sources; the catalogues below them are written.
    templates : Path
        What the builder's ``gettext`` wrote: one ``.pot`` a page.

    Returns
    -------
    dict
        Catalogue, relative to the folder of all, to the messages that still lack Chinese.
    """
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    left = {}
    for name, page in pages_of(source).items():
        if name in GENERATED or (source / f"{name}{TWIN}{page.suffix}").is_file():
            continue
        pot = templates / f"{name}.pot"
        if not pot.is_file():
            raise DataError(f"the builder wrote no messages of {name}. Is it in _toc.yml?")
        with pot.open("rb") as handle:
            template = read_po(handle)
        place = source / FOLDER / PROSE / f"{name}.po"
        left[f"{PROSE}/{name}.po"] = _update(place, template, prose_digest(page))
    template = Catalog()
    for message, where in sorted(_exhibit_messages(source).items()):
        template.add(message, locations=[(name, 0) for name in sorted(where)])
    left[WORDS] = _update(source / FOLDER / WORDS, template, "")
    return left


def _exhibit_messages(source: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    known = codebook_labels()
    for page in find_notebooks(source):
        if page.stem.endswith(TWIN):
            continue
        name = page.relative_to(source).with_suffix("").as_posix()
        for data in _outputs(page):
            for record in records_in(data):
                if record["lang"] == "en":
                    for message in messages(record):
                        if message not in known:
                            found.setdefault(message, set()).add(name)
    return found


def _update(place: Path, template: Any, digest: str) -> int:
    """Write a catalogue with the messages of a template; return how many lack Chinese."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po, write_po

    made = Catalog(locale="zh_CN", fuzzy=False, project="medalliance")
    if place.is_file():
        with place.open("rb") as handle:
            made = read_po(handle, locale="zh_CN")
    for message in template:  # which page, not which line: lines move with every edit
        message.locations = [(name, None) for name in _places(message.locations)]
    made.update(template, update_creation_date=False)
    made.obsolete = {key: old for key, old in made.obsolete.items() if old.string}
    made.fuzzy = False
    for message in made:  # a formula, an address, a name of code
        text = str(message.id)
        waiting = text and (message.fuzzy or not message.string)
        if waiting and (not has_words(text) or is_reference(text)):
            message.string = text
            message.flags.discard("fuzzy")
    buffer = io.BytesIO()
    write_po(buffer, made, width=0, no_location=digest != "", sort_output=digest == "")
    text = buffer.getvalue().decode("utf-8")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(_plain_header(text, digest), encoding="utf-8")
    return sum(1 for message in made if message.id and (message.fuzzy or not message.string))


@cache
def _cited() -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the titles of the sources, and their authors and journals."""
    with (data_dir() / "published" / "sources.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    titles = tuple(abstracted(row["title"])[0] for row in rows)
    return titles, frozenset(abstracted(row[k])[0] for row in rows for k in ("authors", "venue"))


def is_reference(message: str) -> bool:
    """Return whether a message cites a source: title, authors, journal keep their language."""
    titles, short = _cited()
    return message in short or any(len(title) > 20 and title in message for title in titles)


def has_words(text: str) -> bool:
    """Return whether a message holds English outside formulas and code."""
    formula = r"\$[^$]*\$|\\[A-Za-z]+(\{[A-Za-z]\})?|[_^]\{[^}]*\}"
    if text.startswith("\n"):  # a formula set by itself
        return False
    code = r"`[^`]*`|https?://\S+|\b[a-z]+_\w+"
    return needs_translation(re.sub(rf"{code}|{formula}", "", text))


def _places(locations: Iterable[tuple[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for name, _ in locations))


def _plain_header(text: str, digest: str) -> str:
    """Replace a catalogue's head, with its clocks and versions, by what we need."""
    _, _, body = text.partition("\n\n")
    lines = ["Content-Type: text/plain; charset=utf-8", "Language: zh_CN"]
    lines += [f"{DIGEST}: {digest}"] if digest else []
    head = "".join(f'"{line}\\n"\n' for line in lines)
    return f'msgid ""\nmsgstr ""\n{head}\n{body.rstrip()}\n'
