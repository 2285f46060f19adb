"""Downloads: the numbers behind every chapter, and the panel that it uses."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..chapters.laboratory import page_data
from ..codebook import load_codebook
from ..panel import TEACHING, TEACHING_PANEL, teaching_frame
from ..paths import data_dir
from ..show.packed import archive, csv_text
from .notebooks import find_notebooks, read_cells
from .records import Stored, stored_exhibits
from .status import checksum_file

FOLDER = "downloads"
PANEL_FILE, FACTS_FILE = f"{FOLDER}/teaching-panel.zip", f"{FOLDER}/facts.zip"
_LABORATORY, _CHECKSUMS = f"{FOLDER}/laboratory.json", f"{FOLDER}/checksums.txt"
# a page without a notebook offers the files that it is made of
_OF_PAGE = {
    "laboratory": ("laboratory", _LABORATORY),
    "glossary": ("facts", FACTS_FILE),
    "sources": ("facts", FACTS_FILE),
    "data-availability": ("facts", FACTS_FILE),
    "status": ("checksums", _CHECKSUMS),
}
_NUMBER = re.compile(r"[\u2212-]?\d{1,3}(,\d{3})*(\.\d+)?|[\u2212-]?\d+(\.\d+)?")
CONTENTS = ("file", "kind", "badge", "text", "source", "cell")


def numbers_archive(exhibits: list[Stored]) -> bytes:
    """Pack the numbers of exhibits: one CSV each, and one that lists them.

    Text is UTF-8 with a mark that spreadsheets understand; numbers are written plain. The same
    exhibits give the same bytes.
    """
    files: dict[str, list[list[str]]] = {}
    listed: list[tuple] = []
    for exhibit in exhibits:
        name = ""
        if exhibit.rows:
            name = f"{len(files) + 1:02d}-{exhibit.kind}.csv"
            files[name] = [
                exhibit.rows[0],
                *([plain(cell) for cell in row] for row in exhibit.rows[1:]),
            ]
        listed.append(
            (name, exhibit.kind, exhibit.badge, exhibit.text, exhibit.source, exhibit.cell)
        )
    texts = {"contents.csv": csv_text([CONTENTS, *listed])}
    texts |= {name: csv_text(rows) for name, rows in files.items()}
    return archive({name: text.encode("utf-8-sig") for name, text in texts.items()})


def plain(cell: str) -> str:
    """Return a printed number without thousands marks and with the keyboard's minus."""
    if not _NUMBER.fullmatch(cell):
        return cell
    return cell.replace(",", "").replace("\u2212", "-")


def write_downloads(staged: Path, html: Path) -> dict[str, list[tuple[str, str]]]:
    """Write the files that pages offer beside the finished pages.

    Parameters
    ----------
    staged : Path
        The book's sources as they were built.
    html : Path
        The finished pages.

    Returns
    -------
    dict
        Page to its (kind, address from the book's root) pairs; kinds are ``notebook``,
        ``numbers``, ``panel``, ``facts``, ``laboratory``, ``checksums``.
    """
    (html / FOLDER).mkdir(exist_ok=True)
    (html / FACTS_FILE).write_bytes(_facts())
    (html / _CHECKSUMS).write_text(checksum_file(), encoding="utf-8")
    offered: dict[str, list[tuple[str, str]]] = {}
    for path in find_notebooks(staged):
        page = path.relative_to(staged).with_suffix("").as_posix()
        if not (html / f"{page}.html").is_file():
            continue
        exhibits = stored_exhibits(read_cells(path), path.name)
        offered[page] = [("notebook", f"_sources/{page}.ipynb")]
        if exhibits:
            place = f"{FOLDER}/{page}.zip"
            (html / place).parent.mkdir(parents=True, exist_ok=True)
            (html / place).write_bytes(numbers_archive(exhibits))
            offered[page].append(("numbers", place))
        if any(TEACHING.source in exhibit.source for exhibit in exhibits):
            offered[page].append(("panel", PANEL_FILE))
    if any(("panel", PANEL_FILE) in links for links in offered.values()):
        (html / PANEL_FILE).write_bytes(_teaching())
    for page, link in _OF_PAGE.items():
        if (html / f"{page}.html").is_file():
            offered[page] = [link]
    if "laboratory" in offered:
        text = json.dumps(page_data(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        (html / _LABORATORY).write_text(text, encoding="utf-8")
    return offered


def _facts() -> bytes:
    folder = data_dir()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return archive({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})


def _teaching() -> bytes:
    """Pack the teaching panel with its true effects and the meaning of its columns."""
    frame = teaching_frame()
    book = load_codebook()
    columns = [("name", "label_en", "label_zh", "unit", "definition")]
    for name in map(str, frame.columns):
        known = book.variables.get(name)
        said = (known.en, known.zh, known.unit, known.definition) if known else ("", "", "", "")
        columns.append((name, *said))
    return archive(
        {
            "panel.csv": frame.to_csv(index=False, lineterminator="\n").encode("utf-8"),
            "truth.csv": (TEACHING_PANEL.parent / "truth.csv").read_bytes(),
            "columns.csv": csv_text(columns).encode("utf-8-sig"),
        }
    )
