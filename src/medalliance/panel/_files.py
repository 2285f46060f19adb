"""Read a table from a file of any kind, cells as they stand."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError, first_three, needed
from ..paths import reading
from ._problems import Reading
from ._table import BIG, Layout, Table, finish, first_line, left_out
from ._text_file import read_text

KINDS = ".csv, .csv.gz, .tsv, .txt, .xlsx, .parquet or .dta"
_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


def read_table(
    path: str | Path,
    layout: Layout | None = None,
    *,
    known: Callable[[str], bool] = lambda name: False,
    codes: Collection[str] = (),
    key: Collection[str] = (),
) -> Table:
    """Read a table from a file.

    Parameters
    ----------
    path : path
        CSV, tab-separated text, Excel, Parquet or Stata.
    layout : Layout, optional
        Sheet, header row, encoding and separator where they are not to be found.
    known : callable
        Whether a column name means something; finds the header and, in files above 256 MB,
        chooses what is read.
    codes : collection of str
        Columns that stay text, such as area codes.
    key : collection of str
        Columns that together name a row; a long text file that repeats them is refused early.

    Raises
    ------
    DataError
        If the file is missing, empty, truncated, locked, of an unknown kind or encoding, or far
        too long for a panel.
    """
    path, layout = reading(Path(path)), layout or Layout()
    kind = _kind(path)
    if kind == "text":
        return read_text(path, layout, known=known, codes=codes, key=key)
    if kind == "workbook":
        return _read_workbook(path, layout, known)
    return _read_parquet(path, known) if kind == "parquet" else _read_stata(path)


def _kind(path: Path) -> str:
    if path.is_dir():
        inside = sorted(item.name for item in path.iterdir() if not item.name.startswith("."))
        raise DataError(
            f"{path} is a folder{f', with {first_three(inside)}' if inside else ''}.\n"
            f"  Name one {KINDS} file."
        )
    if not path.is_file():
        raise DataError(f"{path}: no such file.\n  Give the path of a {KINDS} file.")
    suffix = "".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else path.suffix
    suffix = suffix.lower()
    if path.stat().st_size == 0:
        raise DataError(f"{path.name}: the file is empty.\n  Give a table with a header and rows.")
    if suffix in _TEXT:
        return "text"
    if suffix in (".xlsx", ".xlsm"):
        return "workbook"
    if suffix in (".parquet", ".pq"):
        return "parquet"
    if suffix == ".dta":
        return "stata"
    more = " Open it and save it as .xlsx." if suffix == ".xls" else f" Save it as {KINDS}."
    raise DataError(f"{path.name}: cannot read {suffix or 'a file without a suffix'}.\n {more}")


def _read_parquet(path: Path, known: Callable[[str], bool]) -> Table:
    with needed():
        import pyarrow as pa
        import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = list(file.schema_arrow.names)
        wanted = None if path.stat().st_size < BIG else [n for n in names if known(n)]
        frame = file.read(columns=wanted).to_pandas()
    except (pa.ArrowInvalid, pa.ArrowIOError, OSError) as error:
        if isinstance(error, PermissionError):
            raise
        size = path.stat().st_size
        raise DataError(
            f"{path.name} is no whole Parquet file ({size:,} bytes): {first_line(error)}.\n"
            "  It was probably cut off while it was copied or written. Copy or write it again; "
            "the file was not changed."
        ) from None
    if frame.index.names != [None]:
        frame = frame.reset_index()
    readings = left_out(names, list(frame.columns))
    return Table(path.name, frame, np.arange(1, len(frame) + 1), readings)


def _read_stata(path: Path) -> Table:
    try:
        frame = pd.read_stata(path, convert_categoricals=False, convert_missing=False)
    except (ValueError, OSError, KeyError, IndexError, TypeError, struct.error) as error:
        if isinstance(error, PermissionError):
            raise
        raise DataError(
            f"{path.name} is no whole Stata file: {first_line(error)}.\n"
            "  Save it again from Stata, or copy it again; the file was not changed."
        ) from None
    readings = []
    for name in frame.columns:
        if pd.api.types.is_string_dtype(frame[name].dtype) or frame[name].dtype == object:
            mended = _old_stata_text(frame[name])
            if mended is not None:
                frame[name] = mended
                readings.append(Reading(f"column {name} was read as GB 18030 text", str(name)))
    return Table(path.name, frame, np.arange(1, len(frame) + 1), readings)


def _old_stata_text(column: pd.Series) -> pd.Series | None:
    """Read text of Stata 13 or older again as GB 18030, where it is; ``None`` where it is not."""
    listed = [text for text in column.dropna().unique() if isinstance(text, str)]
    odd = [text for text in listed if not text.isascii()]
    if not odd or any(max(text) > "\xff" for text in odd):
        return None
    try:
        back = {text: text.encode("latin-1").decode("gb18030") for text in odd}
    except UnicodeDecodeError:
        return None
    return column.replace(back)


def _read_workbook(path: Path, layout: Layout, known: Callable[[str], bool]) -> Table:
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            names = [str(name) for name in book.sheet_names]
            if layout.sheet is not None and layout.sheet not in names:
                raise DataError(
                    f"{path.name} has no sheet {layout.sheet!r}.\n  It has {', '.join(names)}."
                )
            wanted = names if layout.sheet is None else [layout.sheet]
            sheets: dict[str, pd.DataFrame] = pd.read_excel(
                book,
                sheet_name=wanted,
                header=None,
                dtype=object,
                keep_default_na=False,
                na_values=[""],
            )
    except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
        if isinstance(error, PermissionError):
            raise
        with path.open("rb") as file:
            locked = file.read(4) == b"\xd0\xcf\x11\xe0"
        why = "locked with a password or an old .xls" if locked else "damaged or cut off"
        raise DataError(
            f"{path.name} is no readable workbook: it is {why}.\n"
            "  Open it, save it as .xlsx without a password, and check that copy."
        ) from None
    return _best_sheet(path, sheets, layout, known)


def _best_sheet(
    path: Path, sheets: dict[str, pd.DataFrame], layout: Layout, known: Callable[[str], bool]
) -> Table:
    """Take the sheet and the header row in which most column names are known."""
    scored: list[tuple[int, str, int]] = []
    for name, cells in sheets.items():
        rows = [layout.header] if layout.header else range(1, min(len(cells), 15) + 1)
        counts = [
            (sum(known(str(cell).strip()) for cell in cells.iloc[r - 1].dropna()), -r)
            for r in rows
            if r <= len(cells)
        ]
        if counts:
            score, row = max(counts)
            scored.append((score, name, -row if score >= 2 else _first_filled(cells)))
    filled = [item for item in scored if not sheets[item[1]].dropna(how="all").empty]
    if not filled:
        raise DataError(f"{path.name}: every sheet is empty.\n  Give a table with a header.")
    score, chosen, row = max(filled, key=lambda item: item[0])
    row = layout.header or row
    readings = []
    if len(sheets) > 1:
        readings.append(Reading(f"sheet {chosen} was read, of {first_three(sheets)}"))
    if row > 1:
        readings.append(Reading(f"row {row} was read as the header; {row - 1} above were left out"))
    cells = sheets[chosen]
    header = [str(cell).strip() if pd.notna(cell) else "" for cell in cells.iloc[row - 1]]
    body = cells.iloc[row:].reset_index(drop=True).infer_objects()
    numbers = np.arange(row + 1, row + 1 + len(body))
    return finish(Table(path.name, body, numbers, readings), header)


def _first_filled(cells: pd.DataFrame) -> int:
    filled = np.flatnonzero(cells.notna().any(axis=1).to_numpy(bool))
    return int(filled[0]) + 1 if len(filled) else 1
