"""Cells of a workbook or of an HTML table, sheet by sheet, as they stand."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError, needed
from ._limits import most, refuse_beyond, refuse_bomb


@dataclass(frozen=True, eq=False)
class Grid:
    """A sheet's cells.

    Attributes
    ----------
    title : str
        Name of the sheet.
    cells : list of list
        Rows that hold anything, ``None`` where a cell is blank; equally long.
    numbers : list of int
        Number of each row in the sheet.
    """

    title: str
    cells: list[list[Any]]
    numbers: list[int]


def read_workbook(path: Path) -> list[Grid]:
    """Read every sheet of an .xlsx file.

    Raises
    ------
    DataError
        If it is beyond a limit.
    """
    with needed():
        from openpyxl import load_workbook

    refuse_bomb(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions that hold no cell
        book = load_workbook(path, read_only=True, data_only=True)
    try:
        grids = []
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            grids.append(_grid(path.name, sheet.title, sheet.iter_rows(values_only=True)))
    finally:
        book.close()
    return grids


def read_old_workbook(path: Path) -> list[Grid]:
    """Read an .xls file: HTML under that name, or the old binary kind.

    Raises
    ------
    DataError
        If it is neither, or the module for the old kind is not installed.
    """
    content = path.read_bytes()[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if content.startswith(b"PK"):
        return read_workbook(path)
    if content[:1] == b"<":
        return _read_html(path)
    if not content.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(f"{path.name} is no workbook.\n  Open it and save it as .xlsx.")
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise DataError(
            f"{path.name} is a workbook of the old kind, which python-calamine reads.\n"
            "  Run pip install python-calamine, or open the file and save it as .xlsx."
        ) from None
    try:
        book = CalamineWorkbook.from_path(str(path))
        found = [(name, book.get_sheet_by_name(name).to_python()) for name in book.sheet_names]
    except Exception as error:  # the reader's own kinds of errors, all of them about the file
        raise DataError(
            f"{path.name} is no readable workbook: {error}.\n  Open it and save it as .xlsx."
        ) from None
    return [_grid(path.name, name, rows) for name, rows in found]


def _read_html(path: Path) -> list[Grid]:
    with needed():
        from lxml import etree, html

    from ._encoding import find_encoding

    refuse_beyond(path.name, "MEDALLIANCE_MOST_MB", path.stat().st_size / 2**20)
    text = path.read_bytes().decode(find_encoding(path)).lstrip("\ufeff")
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]
    try:
        tables = html.document_fromstring(text).xpath("//table[not(.//table)]")
    except (etree.ParserError, ValueError) as error:
        raise DataError(
            f"{path.name} is no readable table: {error}.\n  Open it and save it as .xlsx."
        ) from None
    if not tables:
        raise DataError(f"{path.name} holds no table.\n  Open it and save it as .xlsx.")
    return [
        _grid(path.name, f"table {k}", _html_rows(table)) for k, table in enumerate(tables, start=1)
    ]


def _html_rows(table: Any) -> list[list[Any]]:
    """Return the cells of an HTML table; one over several rows or columns stands in its first."""
    rows: list[list[Any]] = []
    taken: dict[tuple[int, int], bool] = {}
    for number, row in enumerate(table.iter("tr")):
        cells: list[Any] = []
        for cell in row.iter("td", "th"):
            while taken.get((number, len(cells))):
                cells.append(None)
            place, text = len(cells), " ".join(cell.text_content().split())
            wide, deep = (min(int(cell.get(n, "1") or 1), 200) for n in ("colspan", "rowspan"))
            cells += [text or None, *[None] * (wide - 1)]
            taken |= {
                (number + down, place + right): True
                for down in range(1, deep)
                for right in range(wide)
            }
        rows.append(cells)
    return rows


def _grid(file: str, title: str, rows: Any) -> Grid:
    """Keep the rows that hold anything, refusing a sheet beyond the limits as it is read."""
    cells: list[list[Any]] = []
    numbers: list[int] = []
    most_rows, width = most("MEDALLIANCE_MOST_ROWS"), 0
    for number, row in enumerate(rows, start=1):
        filled = [place for place, cell in enumerate(row, start=1) if not _blank(cell)]
        if not filled:
            continue
        width = max(width, filled[-1])
        refuse_beyond(f"{file}, sheet {title},", "MEDALLIANCE_MOST_COLUMNS", filled[-1])
        if len(cells) >= most_rows:
            place = f"{file}, sheet {title},"
            refuse_beyond(place, "MEDALLIANCE_MOST_ROWS", len(cells) + 1, at_least=True)
        cells.append([None if _blank(cell) else cell for cell in row[: filled[-1]]])
        numbers.append(number)
    return Grid(title, [row + [None] * (width - len(row)) for row in cells], numbers)


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
