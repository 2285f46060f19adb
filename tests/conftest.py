"""Fixtures that find the data lying beside the project, or skip (in CI: fail) with the reason.

Property tests draw the same examples at every run (profile ``ci``), so that a red test has a
cause in the code. ``make explore`` draws new ones.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from missing import skip_or_fail

from medalliance.paths import PROJECT, mssp_dir, shared_dir

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("ci")

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return a function from a path under the shared folder to an existing file."""

    def find(relative: str) -> Path:
        path = shared_dir() / relative
        if not path.exists():
            skip_or_fail(f"{path} is missing; set MEDALLIANCE_SHARED to the folder that holds it")
        return path

    return find


@pytest.fixture(scope="session")
def mssp_folder() -> Path:
    """Return the folder of Shared Savings files."""
    folder = mssp_dir()
    if not any(folder.glob("*.csv")):
        skip_or_fail(f"no file in {folder}; set MEDALLIANCE_MSSP_DIR")
    return folder


@pytest.fixture(autouse=True)
def _no_reader_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDALLIANCE_PANEL", raising=False)


@pytest.fixture(scope="session")
def browser():
    """Return headless Chromium, one for the whole session."""
    program = os.environ.get("MEDALLIANCE_CHROMIUM") or shutil.which("chromium")
    if program is None:
        skip_or_fail("Chromium is missing; install the package chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, headless=True, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def built_book() -> Path:
    """Return the folder of built pages."""
    folder = PROJECT / "build" / "html"
    if not (folder / "index.html").is_file():
        skip_or_fail("the book is not built; run `make book`")
    return folder
