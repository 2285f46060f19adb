"""Make knows what is up to date."""

import os
import shutil
import subprocess
import sys

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
    for target in (
        "env",
        "data",
        "notebooks",
        "readme",
        "measure",
        "book",
        "pdf",
        "test",
        "bench",
        "lock",
        "clean",
    ):
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


def test_refresh_peers_runs_every_script_that_stores_peer_numbers(tmp_path):
    """Each script is run once, with the oracles' folder; one that fails is named at the end."""
    assert "refresh_all.py" in make("-n", "-o", "build/peers/.stamp", "refresh-peers").stdout
    source = PROJECT / "benchmarks" / "refresh_all.py"
    names = {path.name for path in PROJECT.glob("tests/oracle/peers/make_*.py")}
    names |= {path.name for path in (PROJECT / "benchmarks").glob("refresh_peers*.py")}
    assert len(names) >= 6
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "tests" / "oracle" / "peers").mkdir(parents=True)
    shutil.copy(source, tmp_path / "benchmarks")
    for name in names:
        place = "tests/oracle/peers" if name.startswith("make_") else "benchmarks"
        fails = "sys.exit(3)" if name == "make_wildboottest.py" else ""
        (tmp_path / place / name).write_text(
            f"import sys\nprint('ran', {name!r}, sys.argv[1])\n{fails}\n"
        )
    command = [sys.executable, str(tmp_path / "benchmarks" / "refresh_all.py"), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    for name in names:
        assert ran.stdout.count(f"ran {name} {tmp_path}") == 1
    assert ran.returncode == 1
    assert "failed: make_wildboottest.py" in ran.stdout
    absent = subprocess.run([*command[:-1], str(tmp_path / "no")], capture_output=True, text=True)
    assert absent.returncode == 1 and "no such folder" in absent.stdout
