"""A table as it stands in a file, before any name or cell is understood."""

from __future__ import annotations

import gzip
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, first_three
from ._problems import Problem, Reading, problem

BIG = 256 << 20  # bytes from which columns of unknown names stay unread and progress is shown


@dataclass(frozen=True)
class Layout:
    """How a table lies in its file; what is ``None`` is found.

    Attributes
    ----------
    sheet : str, tuple of str or None
        Sheets of a workbook.
    header : int, tuple of int or None
        Numbers of the lines or rows that hold the column names, counted from 1.
    encoding, separator : str or None
        Of a text file.
    """

    sheet: str | tuple[str, ...] | None = None
    header: int | tuple[int, ...] | None = None
    encoding: str | None = None
    separator: str | None = None

    @property
    def header_rows(self) -> tuple[int, int] | None:
        """First and last row of the header; ``None`` where it is to be found."""
        if self.header is None or isinstance(self.header, int):
            return None if self.header is None else (self.header, self.header)
        return min(self.header), max(self.header)


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it stands in a file.

    Attributes
    ----------
    name : str
        Name of the file, without its folder.
    frame : DataFrame, shape (n_rows, n_columns)
        Text where the file holds text. Its columns are named as in the file.
    rows : ndarray of int, shape (n_rows,)
        Number of each row as the file counts it; counted from 1 for frames, Parquet and Stata.
    readings, problems : list
        What was found on the way.
    """

    name: str
    frame: pd.DataFrame
    rows: NDArray[np.int64]
    readings: list[Reading] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def progress(text: str) -> None:
    """Tell a person at a terminal how far a long read is; say nothing to a script."""
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


def left_out(names: list[str], read: list[str]) -> list[Reading]:
    unread = [name for name in names if name not in set(map(str, read))]
    if not unread:
        return []
    text = f"{len(unread)} columns of unknown names were left unread: {first_three(unread)}"
    return [Reading(text, count=len(unread))]


def finish(table: Table, header: list[str]) -> Table:
    """Name the columns, drop blank rows and unnamed blank columns, keep doubled names apart."""
    frame, problems = table.frame, list(table.problems)
    names: list[str] = []
    keep = []
    for k, name in enumerate(header):
        blank = not name or name.startswith("Unnamed:")
        if blank and frame.iloc[:, k].isna().all():
            continue
        keep.append(k)
        names.append(name or f"column {k + 1}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        text = f"column names appear twice: {first_three(twice)}."
        problems.append(problem("E132", text, values=twice, count=len(twice)))
        names = _kept_apart(names)
    frame = frame.iloc[:, keep]
    frame.columns = pd.Index(names)
    filled = frame.notna().any(axis=1).to_numpy(bool)
    readings = list(table.readings)
    if not filled.all():
        count = int((~filled).sum())
        readings.append(Reading(f"{count:,} blank rows were left out", count=count))
        frame = frame[filled].reset_index(drop=True)
    return Table(table.name, frame, table.rows[filled], readings, problems)


def _kept_apart(names: list[str]) -> list[str]:
    before = [names[:k].count(name) for k, name in enumerate(names)]
    return [f"{name} ({n + 1})" if n else name for name, n in zip(names, before, strict=True)]


def first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else "unreadable"


TRUNCATED = (EOFError, gzip.BadGzipFile)


def truncated_gzip(path: Path, error: BaseException) -> DataError:
    """Say that a compressed file is cut off."""
    return DataError(
        f"{path.name} is no whole compressed file: {first_line(error)}.\n"
        "  Copy it again, or unpack it first; the file was not changed."
    )
