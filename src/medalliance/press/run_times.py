"""Run times of notebooks: measured when a notebook is run, kept beside the notebooks."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from ..show.packed import csv_text

FILE = "run-times.csv"
COLUMNS = ("notebook", "seconds", "machine")


def read_times(book: Path) -> dict[str, tuple[str, str]]:
    """Read what was measured: notebook to seconds as text, machine."""
    path = book / FILE
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["notebook"]: (row["seconds"], row["machine"]) for row in csv.DictReader(lines)}


def updated_times(book: Path, runs: Mapping[Path, tuple[float, bool]]) -> str | None:
    """Return the file of run times with new runs in it, or None if nothing is new.

    A row belongs to the run that wrote the notebook's outputs. A run that changes no output
    leaves its row as it is, so that running again changes no byte.

    Parameters
    ----------
    book : Path
        Folder of the notebooks.
    runs : mapping
        Notebook to (seconds, whether its outputs changed). Notebooks elsewhere are passed over.
    """
    known = read_times(book)
    names = {path.resolve(): name for name, path in _notebooks(book).items()}
    rows = {name: known[name] for name in names.values() if name in known}
    for path, (seconds, changed) in runs.items():
        name = names.get(path.resolve())
        if name is not None and (changed or name not in rows):
            rows[name] = (f"{seconds:.1f}", machine())
    if rows == known:
        return None
    return csv_text([COLUMNS, *((name, *rows[name]) for name in sorted(rows))])


def machine() -> str:
    """Return the processor, its cores and the version of Python in one line."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"{_processor()}, {os.cpu_count()} cores, Python {python}"


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _notebooks(book: Path) -> dict[str, Path]:
    from .notebooks import find_notebooks

    return {path.relative_to(book).as_posix(): path for path in find_notebooks(book)}
