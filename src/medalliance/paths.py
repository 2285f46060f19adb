"""Where files live: the package's own data and the data that lies beside the project."""

from __future__ import annotations

import os
from collections.abc import Iterable
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


_MANY = 5  # so many files of one folder are named by the folder
_READ: dict[str, None] = {}  # names of the data files that this process read, in order


def reading(path: Path) -> Path:
    """Note that a data file is read, returning its path; exhibits list what was read so far."""
    name = data_name(path)
    if name:
        _READ[name] = None
    return path


def data_name(path: Path) -> str:
    """Return the name of a data file as the map of exhibits prints it; blank for any other file.

    Files of the project keep their path in the repository. Files that are read where they lie
    begin with the name of their environment variable.
    """
    path = Path(os.path.abspath(path))
    places = (
        (data_dir(), "data"),
        (PACKAGE, "src/medalliance"),
        (mssp_dir(), "MEDALLIANCE_MSSP_DIR"),
        (england_dir(), "MEDALLIANCE_ENGLAND_DIR"),
        (shared_dir(), "MEDALLIANCE_SHARED"),
    )
    for folder, name in places:
        if path.is_relative_to(folder):
            return f"{name}/{path.relative_to(folder).as_posix()}"
    return ""


def files_read() -> tuple[str, ...]:
    """Return the data files read so far in order of name; five of a folder become the folder."""
    return grouped(_READ)


def grouped(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of files in order; five or more of one folder become the folder."""
    folders: dict[str, set[str]] = {}
    for name in names:
        folder = name if name.endswith("/") else f"{name.rpartition('/')[0]}/"
        folders.setdefault(folder, set()).add(name)
    kept: set[str] = set()
    for folder, inside in folders.items():
        kept |= {folder} if folder in inside or len(inside) >= _MANY else inside
    return tuple(sorted(kept))
