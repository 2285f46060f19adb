"""Where files live: the package's own data and the data that lies beside the project."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
PROJECT = PACKAGE.parents[1]


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


def shared_dir() -> Path:
    """Return the folder of data that is read in place (``MEDALLIANCE_SHARED``)."""
    return Path(os.environ.get("MEDALLIANCE_SHARED") or PROJECT.parent / "shared").resolve()


def mssp_dir() -> Path:
    """Return the folder of the public Shared Savings files (``MEDALLIANCE_MSSP_DIR``)."""
    named = os.environ.get("MEDALLIANCE_MSSP_DIR")
    return Path(named).resolve() if named else shared_dir() / "mssp"
