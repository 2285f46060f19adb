"""Read the exhibits back out of stored outputs and pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_KINDS = {"exhibit-figure": "figure", "exhibit-table": "table", "exhibit-text": "sentence"}


@dataclass
class Stored:
    """A figure, table or sentence as a notebook stores it.

    Attributes
    ----------
    kind : str
        ``"figure"``, ``"table"`` or ``"sentence"``; blank where something has a badge and is none.
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


def stored_exhibits(cells: Iterable[Mapping[str, Any]]) -> list[Stored]:
    """Read the exhibits out of a notebook's stored outputs.

    Parameters
    ----------
    cells : iterable of mapping
        The notebook's cells, as ``notebooks.read_cells`` returns them.

    Returns
    -------
    list of Stored
        In the order of the page.
    """
    found = []
    for number, cell in enumerate(cells, start=1):
        for output in cell.get("outputs", []):
            for exhibit in exhibits_in("".join(output.get("data", {}).get("text/html", ""))):
                exhibit.cell = number
                found.append(exhibit)
    return found


def exhibits_in(html: str) -> list[Stored]:
    """Read the exhibits out of HTML, of one output or of a whole page."""
    reader = _Reader()
    reader.feed(re.sub(r'src="data:[^"]*"', "", html))
    return reader.found


class _Reader(HTMLParser):
    """Follow the marks that ``exhibits`` writes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Stored] = []
        self._open: Stored | None = None
        self._into = ""
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = (given.get("class") or "").split()
        if "data-badge" in given:
            kind = next((_KINDS[name] for name in classes if name in _KINDS), "")
            self._open = Stored(kind, given["data-badge"] or "", "", "")
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
