"""Importing the package is quick and silent: heavy libraries wait until they are used."""

import subprocess
import sys

import pytest

HEAVY = (
    "duckdb",
    "great_tables",
    "ibis",
    "krippendorff",
    "linearmodels",
    "matplotlib",
    "pandas",
    "pandera",
    "pyarrow",
    "scipy",
    "seaborn",
    "statsmodels",
    "typer",
)
SECONDS = 1.5
TRIES = 5


@pytest.fixture(scope="module")
def imported():
    """Seconds of the quickest of a few imports, and what the first printed."""
    code = (
        "import sys, time; start = time.process_time(); import medalliance; "
        "spent = time.process_time() - start; "
        "print(spent, *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    seconds, said = [], None
    for _ in range(TRIES):
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        said = said or ran
        seconds.append(float(ran.stdout.split()[0]))
        if seconds[-1] < SECONDS:
            break
    return min(seconds), said


def test_import_is_quick(imported):
    assert imported[0] < SECONDS


def test_import_prints_nothing(imported):
    said = imported[1]
    assert said.stdout.count("\n") == 1
    assert said.stderr == ""


def test_import_leaves_heavy_libraries(imported):
    loaded = imported[1].stdout.split()[1:]
    assert "medalliance" in loaded
    assert [name for name in HEAVY if name in loaded] == []
