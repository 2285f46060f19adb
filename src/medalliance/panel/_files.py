"""Read a table from a file of any kind, cells as they stand."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError, first_three, needed
from ..paths import reading
from ._limits import refuse_beyond
from ._problems import Reading, many
from ._shapes import table_of_sheets
from ._sheets import read_old_workbook, read_workbook
from ._table import BIG, Layout, Table, first_line, left_out
from ._text_file import read_text

KINDS = ".csv, .csv.gz, .tsv, .txt, .xlsx, .xls, .parquet or .dta"
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
    try:
        if kind == "text":
            return read_text(path, layout, known=known, codes=codes, key=key)
        if kind == "workbook":
            return _read_workbook(path, layout, known)
        return _read_parquet(path, known) if kind == "parquet" else _read_stata(path, known)
    except (DataError, PermissionError, FileNotFoundError):
        raise
    except Exception as error:  # damaged files make the libraries raise errors of every kind
        raise DataError(
            f"{path.name} is no readable {kind} file: {first_line(error)}.\n"
            "  It is damaged or was cut off. Save or copy it again; the file was not changed."
        ) from None


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
    if suffix in (".xlsx", ".xlsm", ".xls"):
        return "workbook"
    if suffix in (".parquet", ".pq"):
        return "parquet"
    if suffix == ".dta":
        return "stata"
    kind = suffix or "a file without a suffix"
    raise DataError(f"{path.name}: cannot read {kind}.\n  Save it as {KINDS}.")


def _read_parquet(path: Path, known: Callable[[str], bool]) -> Table:
    with needed():
        import pyarrow as pa
        import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = list(file.schema_arrow.names)
        refuse_beyond(path.name, "MEDALLIANCE_MOST_COLUMNS", len(names))
        nested = [
            f"{item.name} ({str(item.type).partition('<')[0]})"
            for item in file.schema_arrow
            if pa.types.is_nested(item.type)
        ]
        if nested:
            raise DataError(
                f"{path.name}: columns hold lists or records, not single values: "
                f"{first_three(nested)}.\n  Write one value a cell, or leave these columns out."
            )
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


def _read_stata(path: Path, known: Callable[[str], bool]) -> Table:
    with pd.read_stata(path, convert_categoricals=False, convert_missing=False, iterator=True) as f:
        labels, values = f.variable_labels(), f.value_labels()
        frame = f.read()
    readings = []
    for name in frame.columns:
        if pd.api.types.is_string_dtype(frame[name].dtype) or frame[name].dtype == object:
            mended = _old_stata_text(frame[name])
            if mended is not None:
                frame[name] = mended
                readings.append(Reading(f"column {name} was read as GB 18030 text", str(name)))
    for name in [name for name in frame.columns if name in values]:
        words = {code: str(word) for code, word in values[name].items()}
        frame[name] = frame[name].map(words).where(frame[name].isin(list(words)), frame[name])
        readings.append(
            Reading(f"column {name}: value labels were read: {first_three(words.values())}")
        )
    named = {n: text for n, text in labels.items() if text and not known(n) and known(text)}
    named = {n: text for n, text in named.items() if list(named.values()).count(text) == 1}
    if named:
        listed = first_three(f"{name} ({label})" for name, label in named.items())
        readings.append(Reading(f"variable labels name {many(len(named), 'column')}: {listed}"))
        frame = frame.rename(columns=named)
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
    old = path.suffix.lower() == ".xls"
    try:
        grids = read_old_workbook(path) if old else read_workbook(path)
    except zipfile.BadZipFile:
        with path.open("rb") as file:
            locked = file.read(4) == b"\xd0\xcf\x11\xe0"
        why = "locked with a password or an old .xls" if locked else "damaged or cut off"
        raise DataError(
            f"{path.name} is no readable workbook: it is {why}.\n"
            "  Open it, save it as .xlsx without a password, and check that copy."
        ) from None
    return table_of_sheets(path.name, grids, layout, known)
