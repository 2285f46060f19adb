"""Run every script that stores peers' numbers, one process each, and say what failed.

Run in the peers' own environment (benchmarks/peers.lock); it needs nothing of ours:
python benchmarks/refresh_all.py [FOLDER_OF_ORACLES]
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SIMULATED = ("refresh_peers.py", "refresh_peers_regressions.py")


def scripts() -> list[Path]:
    """List the scripts: those on simulated panels, then those on the oracles' data."""
    oracles = sorted((PROJECT / "tests" / "oracle" / "peers").glob("make_*.py"))
    return [*(PROJECT / "benchmarks" / name for name in SIMULATED), *oracles]


def oracle_folder(arguments: list[str]) -> Path:
    """Return the folder of the oracles' data: the one named, or that of MEDALLIANCE_SHARED."""
    if arguments:
        return Path(arguments[0])
    shared = os.environ.get("MEDALLIANCE_SHARED") or PROJECT.parent / "shared"
    return Path(shared) / "oracles"


def main(arguments: list[str]) -> int:
    """Run all scripts; return 1 if one fails."""
    folder = oracle_folder(arguments).resolve()
    if not folder.is_dir():
        print(f"{folder}: no such folder. Set MEDALLIANCE_SHARED to the folder that holds oracles.")
        return 1
    failed = []
    for script in scripts():
        print(f"{script.relative_to(PROJECT)}", flush=True)
        if subprocess.run([sys.executable, str(script), str(folder)], check=False).returncode:
            failed.append(script.name)
    if failed:
        print(f"failed: {', '.join(failed)}. Their stored numbers are as they were.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
