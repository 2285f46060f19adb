"""The files that hold claims: found, looked into, grouped into batches."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError, first_three, needed, raise_problems
from ._schema import wrong_columns

BATCH_ROWS = 4_000_000
CSV_ROW_BYTES = 120  # about; decides only how files are grouped
_CSV = (".csv", ".csv.gz", ".tsv", ".txt")
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Input:
    """One file of claims.

    Attributes
    ----------
    path : Path
    separator : str
        Of a CSV file; empty for Parquet.
    columns : tuple of (str, str)
        Name and type of each column.
    rows : int
        Counted for Parquet, guessed for CSV.
    """

    path: Path
    separator: str
    columns: tuple[tuple[str, str], ...]
    rows: int

    @property
    def identity(self) -> str:
        """Name, size and time of the last change: another text if the file changes."""
        found = self.path.stat()
        return f"{self.path.resolve()}|{found.st_size}|{found.st_mtime_ns}"


def find_files(claims: Paths, leave_out: Iterable[Path] = ()) -> list[Path]:
    """Return the files that are meant, sorted: a file, a folder of partitions, or a pattern.

    Raises
    ------
    DataError
        If nothing is there.
    """
    listed = [claims] if isinstance(claims, str | os.PathLike) else list(claims)
    left = [path.resolve() for path in leave_out]
    files: set[Path] = set()
    for item in listed:
        path = Path(item)
        if path.is_dir():
            found = [p for p in path.rglob("*") if _is_table(p) and not _hidden(p, path)]
            if not found:
                raise DataError(
                    f"{path}: no .parquet or .csv file in this folder.\n"
                    "  Give the folder that holds year=.../prefecture=.../*.parquet."
                )
        elif path.is_file():
            found = [path]
        else:
            found = [Path(name) for name in glob.glob(str(item), recursive=True)]
            found = [p for p in found if p.is_file()]
            if not found:
                raise DataError(f"{item}: no such file or folder.\n  Give the path of the claims.")
        for p in found:
            if not any(p.resolve() == skip or skip in p.resolve().parents for skip in left):
                files.add(p)
    if not files:
        raise DataError("no claims: the only files found are the output itself.")
    return sorted(files)


def _is_table(path: Path) -> bool:
    name = path.name.lower()
    return path.is_file() and name.endswith((".parquet", ".pq", *_CSV))


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.relative_to(root).parts)


def look_into(files: Sequence[Path], rename: dict[str, str]) -> list[Input]:
    """Read every file's columns; refuse all that cannot be read at once.

    Raises
    ------
    DataError
        Naming each file that is unreadable, and each column that is absent or of a wrong type.
    """
    with needed("claims"):
        import ibis

    inputs: list[Input] = []
    unreadable: list[str] = []
    columns: dict[str, list[str]] = {}
    for path in files:
        try:
            found = _look(path)
        except (DataError, OSError, ValueError) as failed:
            unreadable.append(f"{path}: {str(failed).splitlines()[0]}")
            continue
        inputs.append(found)
        types = {rename.get(name, name): ibis.dtype(kind) for name, kind in found.columns}
        for text in wrong_columns(types):
            columns.setdefault(text, []).append(str(path))
    problems = [f"cannot read {text}" for text in unreadable]
    problems += [f"{text} In {first_three(where)}." for text, where in columns.items()]
    raise_problems(
        problems,
        where="claims",
        advice="Write unreadable files again; rename columns with --rename THEIRS=OURS.",
    )
    return inputs


def _look(path: Path) -> Input:
    if path.name.lower().endswith(_CSV):
        return _look_into_csv(path)
    import ibis
    import pyarrow.parquet as pq

    if path.stat().st_size == 0:
        raise DataError("the file is empty")
    with pq.ParquetFile(path) as opened:
        schema = ibis.Schema.from_pyarrow(opened.schema_arrow)
        rows = opened.metadata.num_rows
    return Input(path, "", tuple((name, str(kind)) for name, kind in schema.items()), rows)


def _look_into_csv(path: Path) -> Input:
    import csv
    import gzip

    opener: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as text:
            head = text.readline()
    except UnicodeDecodeError as wrong:
        raise DataError("the text is not UTF-8; save it as CSV UTF-8") from wrong
    if not head.strip():
        raise DataError("the file is empty")
    separator = max((",", "\t", ";", "|"), key=head.count)
    names = next(csv.reader([head.rstrip("\r\n")], delimiter=separator))
    rows = path.stat().st_size // CSV_ROW_BYTES
    return Input(path, separator, tuple((name, "string") for name in names), rows)


def batches(inputs: Sequence[Input]) -> list[list[Input]]:
    """Group files that follow each other and share their columns, up to ``BATCH_ROWS`` rows."""
    groups: list[list[Input]] = []
    size = 0
    for one in inputs:
        like = groups and _shape(groups[-1][0]) == _shape(one)
        if like and size + one.rows <= BATCH_ROWS:
            groups[-1].append(one)
            size += one.rows
        else:
            groups.append([one])
            size = one.rows
    return groups


def _shape(one: Input) -> tuple[str, tuple[tuple[str, str], ...]]:
    return one.separator, one.columns
