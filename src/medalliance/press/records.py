"""Records of exhibits as notebooks store them: what pages, downloads and maps are written from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..paths import grouped
from ..show.exhibits import RECORD
from ..show.html import printed_rows
from .notebooks import find_notebooks, read_cells


@dataclass(frozen=True, eq=False)
class Stored:
    """A figure, table or sentence as a notebook stores it.

    Attributes
    ----------
    record : mapping
        As ``Exhibit`` and ``Sentence`` describe it.
    cell : int
        Place of its cell in the notebook, from 1.
    """

    record: Mapping[str, Any]
    cell: int

    @property
    def kind(self) -> str:
        """``"figure"``, ``"table"`` or ``"sentence"``."""
        return str(self.record["kind"])

    @property
    def badge(self) -> str:
        """Kind of evidence."""
        return str(self.record["badge"])

    @property
    def text(self) -> str:
        """Caption or sentence, in one line."""
        said = self.record["text"] if self.kind == "sentence" else self.record["caption"]
        return " ".join(str(said).split())

    @property
    def source(self) -> str:
        """Where the numbers come from."""
        return str(self.record["source"])

    @property
    def rows(self) -> list[list[str]]:
        """The numbers as printed, column names first; empty for a sentence."""
        return [[" ".join(cell.split()) for cell in row] for row in printed_rows(self.record)]


def stored_exhibits(cells: Iterable[Mapping[str, Any]], where: str = "notebook") -> list[Stored]:
    """Read the exhibits out of a notebook's stored outputs.

    Parameters
    ----------
    cells : iterable of mapping
        The notebook's cells, as ``notebooks.read_cells`` returns them.
    where : str
        Name of the notebook, for the error.

    Returns
    -------
    list of Stored
        In the order of the page.

    Raises
    ------
    DataError
        If something is shown with a badge and without its record.
    """
    found = []
    for number, cell in enumerate(cells, start=1):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            records = records_in(data)
            html = "".join(data.get("text/html", ""))
            if html.count("data-badge=") != len(records):
                raise DataError(f"{where}, cell {number}: an exhibit without record. Run it again.")
            found += [Stored(record, number) for record in records]
    return found


def records_in(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the records of an output: none, one, or those of results shown side by side."""
    held = data.get(RECORD, [])
    return held if isinstance(held, list) else [held]


def files_behind(book: Path) -> dict[str, tuple[str, ...]]:
    """Return the data files that each notebook had read when it made its exhibits.

    Returns
    -------
    dict
        Notebook without its ending, such as ``cases/youxi_fujian``, to files in order of name.
    """
    found = {}
    for path in find_notebooks(book):
        name = path.relative_to(book).with_suffix("").as_posix()
        exhibits = stored_exhibits(read_cells(path), f"{name}.ipynb")
        found[name] = grouped(file for one in exhibits for file in one.record["files"])
    return found
