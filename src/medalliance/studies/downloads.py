"""Downloads: the numbers behind every chapter, and the panel that it uses."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from ..codebook import load_codebook
from ..paths import data_dir
from .estimates import TEACHING
from .laboratory import page_data
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
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_NUMBER = re.compile(r"[\u2212-]?\d{1,3}(,\d{3})*(\.\d+)?|[\u2212-]?\d+(\.\d+)?")
CONTENTS = ("file", "kind", "badge", "text", "source", "cell")


@dataclass
class Stored:
    """A figure, table or sentence as a notebook stores it.

    Attributes
    ----------
    kind : str
        ``"figure"``, ``"table"`` or ``"sentence"``.
    badge, text, source : str
        Kind of evidence; caption or sentence; where the numbers come from.
    rows : list of list of str
        The numbers, column names first; empty for a sentence.
    cell : int
        Place of its cell in the notebook, from 1.
    """

    kind: str
    badge: str
    text: str
    source: str
    rows: list[list[str]] = field(default_factory=list)
    cell: int = 0


def stored_exhibits(notebook: str) -> list[Stored]:
    """Read the exhibits out of a notebook's stored outputs.

    Parameters
    ----------
    notebook : str
        The notebook as JSON.

    Returns
    -------
    list of Stored
        In the order of the page.
    """
    found = []
    for number, cell in enumerate(json.loads(notebook)["cells"], start=1):
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            for exhibit in exhibits_in(html):
                exhibit.cell = number
                found.append(exhibit)
    return found


def exhibits_in(html: str) -> list[Stored]:
    """Read the exhibits out of HTML, of one output or of a whole page."""
    reader = _Reader()
    reader.feed(re.sub(r'src="data:[^"]*"', "", html))
    return reader.found


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
    texts = {"contents.csv": _csv([CONTENTS, *listed])}
    texts |= {name: _csv(rows) for name, rows in files.items()}
    return archive({name: text.encode("utf-8-sig") for name, text in texts.items()})


def plain(cell: str) -> str:
    """Return a printed number without thousands marks and with the keyboard's minus."""
    if not _NUMBER.fullmatch(cell):
        return cell
    return cell.replace(",", "").replace("\u2212", "-")


def archive(files: dict[str, bytes]) -> bytes:
    """Pack files in the order given; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, content)
    return buffer.getvalue()


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
    for path in sorted(staged.rglob("*.ipynb")):
        page = path.relative_to(staged).with_suffix("").as_posix()
        if not (html / f"{page}.html").is_file():
            continue
        exhibits = stored_exhibits(path.read_text(encoding="utf-8"))
        offered[page] = [("notebook", f"_sources/{page}.ipynb")]
        if exhibits:
            place = f"{FOLDER}/{page}.zip"
            (html / place).parent.mkdir(parents=True, exist_ok=True)
            (html / place).write_bytes(numbers_archive(exhibits))
            offered[page].append(("numbers", place))
        if any(TEACHING in exhibit.source for exhibit in exhibits):
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
    import pandas as pd

    from ..panel._load import TEACHING_PANEL

    frame = pd.read_parquet(TEACHING_PANEL)
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
            "columns.csv": _csv(columns).encode("utf-8-sig"),
        }
    )


def _csv(rows: list) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


class _Reader(HTMLParser):
    """Follow the marks that ``exhibits`` writes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Stored] = []
        self._open: Stored | None = None
        self._into = ""
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if "exhibit" in classes and tag in {"figure", "p"}:
            kind = "sentence" if tag == "p" else "table" if "exhibit-table" in classes else "figure"
            self._open = Stored(kind, dict(attrs).get("data-badge") or "", "", "")
            self._into, self._tag = ("text" if kind == "sentence" else ""), tag
        elif self._open is None:
            return
        elif "exhibit-badge" in classes:
            self._into = "badge"
        elif "exhibit-source" in classes:
            self._into = "source"
        elif tag == "figcaption":
            self._into = "text"
        elif tag == "tr":
            self._open.rows.append([])
        elif tag in {"td", "th"}:
            self._open.rows[-1].append("")
            self._into = "cell"
        elif tag == "br" and self._into == "cell":
            self._open.rows[-1][-1] += " "

    def handle_endtag(self, tag: str) -> None:
        exhibit = self._open
        if exhibit is None:
            return
        if tag == "span" and self._into == "badge":
            self._into = "text"
        elif tag in {"td", "th", "figcaption"} or (tag == "p" and exhibit.kind != "sentence"):
            self._into = ""
        if tag == self._tag:
            exhibit.text = " ".join(exhibit.text.split())
            source = " ".join(exhibit.source.split())
            exhibit.source = re.sub(r"^(Source: |来源：)", "", source)
            exhibit.rows = [[" ".join(cell.split()) for cell in row] for row in exhibit.rows]
            self.found.append(exhibit)
            self._open, self._into = None, ""

    def handle_data(self, data: str) -> None:
        if self._open is None or self._into in {"", "badge"}:
            return
        if self._into == "cell":
            self._open.rows[-1][-1] += data
        else:
            setattr(self._open, self._into, getattr(self._open, self._into) + data)
