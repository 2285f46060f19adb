"""What a chapter shows, as files to take away, with links beside each exhibit."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ...show.documents import excel, word
from ..records import records_in
from .kernels import ChapterRun

FOLDER = "exports"
_PICTURES = {"application/pdf": "pdf", "image/png": "png"}
_WORDS = {"xlsx": "Excel", "docx": "Word", "png": "PNG", "pdf": "PDF"}


@dataclass(frozen=True, eq=False)
class Shown:
    """One exhibit or sentence of a chapter.

    Attributes
    ----------
    chapter : str
        ``"surplus"``.
    record : mapping
        What is shown, as data.
    number : int
        Its place among the tables and figures of the chapter, 0 for a sentence.
    output : NotebookNode
        The notebook's output; what it holds is what the page shows.
    told : str
        Its caption or text.
    """

    chapter: str
    record: Mapping[str, Any]
    number: int
    output: Any
    told: str

    @property
    def name(self) -> str:
        """Stem of its files."""
        call = self.record["made_by"].rpartition(".")[2].replace("_", "-")
        return f"{self.chapter}-{self.number:02d}-{call}"


def shown_in(run: ChapterRun) -> list[Shown]:
    """List what a chapter shows, in order."""
    found: list[Shown] = []
    count = 0
    for cell in run.notebook.cells:
        for output in cell.get("outputs", ()):
            for record in records_in(output.get("data", {})):
                exported = record["kind"] in ("table", "figure")
                count += exported
                number = count if exported else 0
                told = record.get("caption") or record.get("text", "")
                found.append(Shown(run.name, record, number, output, told))
    return found


def files_of(shown: Shown) -> dict[str, bytes]:
    """Return the files of a table or a figure, by name; none of a sentence."""
    record, data = shown.record, shown.output["data"]
    if record["kind"] == "table":
        return {
            f"{shown.name}.xlsx": excel([record], [shown.name]),
            f"{shown.name}.docx": word([record], title=record["caption"]),
        }
    return {
        f"{shown.name}.{suffix}": base64.b64decode(data[kind])
        for kind, suffix in _PICTURES.items()
        if kind in data
    }


def collected(shown: Sequence[Shown]) -> dict[str, bytes]:
    """Return one workbook and one document of all tables; nothing where there are none."""
    tables = [item for item in shown if item.record["kind"] == "table"]
    if not tables:
        return {}
    records = [item.record for item in tables]
    return {
        "all-tables.xlsx": excel(records, [item.name for item in tables]),
        "all-tables.docx": word(records, title="All tables"),
    }


def link(shown: Shown, names: Sequence[str]) -> None:
    """Add links to its files to what the page shows; take pictures for files out of the page."""
    data = shown.output["data"]
    for kind in _PICTURES:
        data.pop(kind, None)
    if names:
        links = " · ".join(link_to(name) for name in names)
        line = f'<p class="exhibit-files">Files: {links}</p></figure>'
        head, mark, tail = data["text/html"].rpartition("</figure>")
        data["text/html"] = f"{head}{line}{tail}" if mark else data["text/html"]


def link_to(name: str) -> str:
    """Return the link to a file of the export folder."""
    word_for = _WORDS[name.rpartition(".")[2]]
    return f'<a href="{FOLDER}/{escape(name, quote=True)}" download>{word_for}</a>'
