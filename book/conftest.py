"""Skip a chapter that reads files which are not included, where they are missing."""

import os
from pathlib import Path

import pytest

from medalliance.paths import england_dir, mssp_dir, shared_dir
from medalliance.press.notebooks import QUIET
from medalliance.press.records import files_behind
from medalliance.show.exhibits import RECORD

BOOK = Path(__file__).parent
PLACES = {
    "MEDALLIANCE_ENGLAND_DIR": england_dir,
    "MEDALLIANCE_MSSP_DIR": mssp_dir,
    "MEDALLIANCE_SHARED": shared_dir,
}


def missing_files(names):
    """List the places that a chapter read when it was stored and that do not lie here."""
    found = []
    for name in names:
        variable, _, rest = name.partition("/")
        if variable in PLACES:
            place = PLACES[variable]() / rest
            present = any(place.glob("*.csv")) if name.endswith("/") else place.is_file()
            found += [] if present else [f"{place} is missing; set {variable}"]
    return found


def pytest_collection_modifyitems(items):
    """Compare what is printed, not the record's digits; mark the cells of such chapters.

    These run, and fail, under MEDALLIANCE_REQUIRE_ALL=1.
    """
    for notebook in {item.parent for item in items if hasattr(item.parent, "skip_compare")}:
        notebook.skip_compare = (*notebook.skip_compare, RECORD)
    if os.environ.get("MEDALLIANCE_REQUIRE_ALL") == "1":
        return
    read = files_behind(BOOK)
    for item in items:
        if item.path.suffix == ".ipynb" and item.path.is_relative_to(BOOK):
            name = item.path.relative_to(BOOK).with_suffix("").as_posix()
            reasons = missing_files(read.get(name, ()))
            if reasons:
                item.add_marker(pytest.mark.skip(reason=f"{reasons[0]} to run {item.path.name}"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Start kernels as `medalliance notebooks` does: what a panel warns of stands in the feet."""
    os.environ.update(QUIET)


def pytest_runtest_teardown(item):
    """Leave the environment to other tests as it was."""
    for name in QUIET:
        os.environ.pop(name, None)
