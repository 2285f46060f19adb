"""Skip a chapter that reads files which are not included, where they are missing."""

import os
from pathlib import Path

import pytest

from medalliance.paths import mssp_dir, shared_dir
from medalliance.press.files_read import load_files_read

BOOK = Path(__file__).parent
PLACES = {"MEDALLIANCE_MSSP_DIR": mssp_dir, "MEDALLIANCE_SHARED": shared_dir}


def missing_files(names):
    """List the places that a chapter read when it was stored and that do not lie here."""
    found = []
    for name in names:
        variable, _, rest = name.partition("/")
        if variable in PLACES:
            place = PLACES[variable]() / rest
            present = any(place.glob("20*.csv")) if name.endswith("/") else place.is_file()
            found += [] if present else [f"{place} is missing; set {variable}"]
    return found


def pytest_collection_modifyitems(items):
    """Mark the cells of such chapters; they run, and fail, under MEDALLIANCE_REQUIRE_ALL=1."""
    if os.environ.get("MEDALLIANCE_REQUIRE_ALL") == "1":
        return
    read = load_files_read(BOOK)
    for item in items:
        if item.path.suffix == ".ipynb" and item.path.is_relative_to(BOOK):
            name = item.path.relative_to(BOOK).with_suffix("").as_posix()
            reasons = missing_files(read.get(name, ()))
            if reasons:
                item.add_marker(pytest.mark.skip(reason=f"{reasons[0]} to run {item.path.name}"))
