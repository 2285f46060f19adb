"""What a file may cost at most: limits that are named where they bite, and can be moved."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from ..errors import DataError

# name of the variable -> (limit, what it counts)
LIMITS = {
    "MEDALLIANCE_MOST_COLUMNS": (2_000, "columns"),
    "MEDALLIANCE_MOST_ROWS": (200_000, "rows of a sheet"),
    "MEDALLIANCE_MOST_MB": (200, "MB unpacked"),
}


def most(name: str) -> int:
    """Return a limit: the package's, or the reader's from the environment.

    Raises
    ------
    DataError
        If the reader's is no whole number above 0.
    """
    said = os.environ.get(name)
    if said is None:
        return LIMITS[name][0]
    if not said.isascii() or not said.isdigit() or int(said) == 0:
        raise DataError(f"{name}={said!r} is no limit.\n  Set a whole number above 0.")
    return int(said)


def refuse_beyond(file: str, name: str, count: float, *, at_least: bool = False) -> None:
    """Refuse a file that goes beyond a limit.

    Raises
    ------
    DataError
        Naming the limit and the variable that moves it.
    """
    if count > most(name):
        more = "at least " if at_least else ""
        raise DataError(
            f"{file} has {more}{count:,.0f} {LIMITS[name][1]}; the limit is {most(name):,}.\n"
            f"  A county-year panel needs far less. Remove stray cells and save it again, or set "
            f"{name} to a higher number."
        )


def refuse_bomb(path: Path) -> None:
    """Refuse a packed file whose content would not fit, before anything is unpacked.

    Raises
    ------
    DataError
    """
    with zipfile.ZipFile(path) as packed:
        size = sum(entry.file_size for entry in packed.infolist())
    refuse_beyond(path.name, "MEDALLIANCE_MOST_MB", size / 2**20)
