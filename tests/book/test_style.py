"""The code keeps its style and its layers."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from medalliance.paths import PROJECT

BIN = Path(sys.executable).parent
TYPES_CACHE = str(Path(tempfile.gettempdir()) / "medalliance-mypy")
CHECKS = {
    "ruff": ["ruff", "check", "--no-cache", "src", "tests", "tools", "benchmarks"],
    "format": ["ruff", "format", "--check", "--no-cache", "src", "tests", "tools", "benchmarks"],
    "layers": ["lint-imports", "--no-cache"],
    "types": ["mypy", "--cache-dir", TYPES_CACHE, "src"],
}


@pytest.mark.parametrize("name", CHECKS)
def test_style(name):
    program, *arguments = CHECKS[name]
    ran = subprocess.run(
        [BIN / program, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
