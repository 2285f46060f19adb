"""Where files live: the package's own data and the data that lies beside the project."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import DataError, need_type

PACKAGE = Path(__file__).resolve().parent
PROJECT = PACKAGE.parents[1]


def chosen_folder(folder: str | Path | None, default: str, *, holds: str) -> Path:
    """Return the folder that a reader names, or one of ``data_dir``; it must hold a file.

    Raises
    ------
    DataError
        If there is no such folder, or it lacks the file.
    """
    if folder is None:
        return data_dir() / default
    need_type("folder", folder, (str, Path), advice="Give the path of a folder.", error=DataError)
    path = Path(folder)
    if not (path / holds).is_file():
        what = f"no {holds} in this folder" if path.is_dir() else "no such folder"
        raise DataError(f"{path}: {what}.\n  Give the path of a folder that holds {holds}.")
    return path


def data_dir() -> Path:
    """Return the folder of facts, rules and codes: in the wheel if installed, else the checkout."""
    packaged = PACKAGE / "_data"
    return packaged if packaged.is_dir() else PROJECT / "data"


def book_dir() -> Path:
    """Return the folder of the book's sources: in the wheel if installed, else the checkout."""
    packaged = PACKAGE / "_book"
    return packaged if packaged.is_dir() else PROJECT / "book"


def results_dir() -> Path:
    """Return the folder of measured times: in the wheel if installed, else the checkout."""
    packaged = PACKAGE / "_results"
    return packaged if packaged.is_dir() else PROJECT / "benchmarks" / "results"


def ours_to_write(path: Path) -> Path:
    """Return a path of the checkout that a command is about to write; refuse one of an install.

    Raises
    ------
    DataError
        If the package is installed: nothing is ever written into its folder.
    """
    if (PACKAGE / "_data").is_dir():
        raise DataError(
            f"{path} belongs to the installed package, which no command changes.\n"
            "  Name another place with --output, or run this in a checkout of the project."
        )
    return path


def shared_dir() -> Path:
    """Return the folder of data that is read in place (``MEDALLIANCE_SHARED``)."""
    return Path(os.environ.get("MEDALLIANCE_SHARED") or PROJECT.parent / "shared").resolve()


def mssp_dir() -> Path:
    """Return the folder of the public Shared Savings files (``MEDALLIANCE_MSSP_DIR``)."""
    named = os.environ.get("MEDALLIANCE_MSSP_DIR")
    return Path(named).resolve() if named else shared_dir() / "mssp"


def england_dir() -> Path:
    """Return the folder of England's payments and earnings (``MEDALLIANCE_ENGLAND_DIR``)."""
    named = os.environ.get("MEDALLIANCE_ENGLAND_DIR")
    return Path(named).resolve() if named else shared_dir() / "england"
