"""Make knows what is up to date."""

import os
import shutil
import subprocess

import pytest

from medalliance.paths import PROJECT

CHAPTER = "book/how-to-read.md"


def make(*arguments: str) -> subprocess.CompletedProcess:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=PROJECT, capture_output=True, text=True, env=clean, check=False
    )


@pytest.fixture(autouse=True)
def _needs_make():
    if shutil.which("make") is None:
        pytest.skip("make is missing; install the package make")


def test_make_alone_prints_help():
    ran = make()
    assert ran.returncode == 0
    for target in ("env", "data", "notebooks", "book", "pdf", "test", "bench", "lock", "clean"):
        assert f"make {target}" in ran.stdout


def test_a_second_make_book_does_nothing(built_book):
    assert "medalliance build" not in make("-n", "book").stdout


def test_a_changed_chapter_rebuilds_the_book_alone(built_book):
    planned = make("-n", "-W", CHAPTER, "book").stdout
    assert "medalliance build" in planned
    assert "bootstrap" not in planned and "notebooks" not in planned


def test_a_changed_lock_makes_the_environment_again():
    if (PROJECT / ".venv").is_symlink():
        pytest.skip("a linked environment is used as it stands; make one with `make env`")
    assert "bootstrap" in make("-n", "-W", "requirements.lock", "env").stdout
