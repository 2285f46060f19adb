"""The manifest of a run: what went in, with which programs, what came out."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ...paths import data_dir
from ..fingerprints import commit, package_seeds, sha256
from .kernels import ChapterRun

LIBRARIES = (
    "numpy", "scipy", "pandas", "statsmodels", "linearmodels", "matplotlib", "pyarrow", "pydantic",
    "pandera", "openpyxl", "python-docx", "nbclient", "ipykernel", "jupyter-book", "sphinx",
)  # fmt: skip
DRAWING = ("diagnostics.", "estimators.", "inference.", "simulate.")  # modules that draw
VARIABLES = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TZ")


def file_facts(path: Path) -> dict[str, Any]:
    """Return name, size and hash of a file; the name without its folder."""
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256(path)}


def results_hash(runs: Sequence[ChapterRun], files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return one hash of all results, then one of each chapter and file."""
    chapters = {
        run.name: hashlib.sha256(_results(run.notebook).encode()).hexdigest() for run in runs
    }
    taken = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    whole = hashlib.sha256(json.dumps([chapters, taken], sort_keys=True).encode()).hexdigest()
    return {"results sha256": whole, "chapters": chapters, "files": taken}


def _results(notebook: Any) -> str:
    outputs = [cell.get("outputs", []) for cell in notebook.cells]
    return json.dumps(outputs, sort_keys=True, ensure_ascii=False)


def manifest(
    *,
    started: str,
    seconds: float,
    inputs: Mapping[str, Any],
    runs: Sequence[ChapterRun],
    files: Mapping[str, bytes],
    failed: Mapping[str, str],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """Gather the manifest.

    Parameters
    ----------
    started : str
        Time of the start.
    seconds : float
        Time until the pages were written.
    inputs : mapping
        Facts of every file that went in, by role.
    runs : sequence of ChapterRun
    files : mapping
        Content of every file to take away, by name.
    failed : mapping
        Chapters and files that could not be made -> why.
    environment : mapping
        Variables of the kernels.

    Returns
    -------
    dict
        Plain data, in the order in which it is read.
    """
    results = results_hash(runs, files)
    return {
        "results sha256": results["results sha256"],
        "started": started,
        "seconds": round(seconds, 1),
        "inputs": {role: _one_line(facts) for role, facts in inputs.items()},
        "program": {
            "medalliance": metadata.version("medalliance"),
            "commit": commit() or None,
            "contracts and facts sha256": _folder_hash(data_dir()),
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "platform": f"{platform.system()} {platform.release()} ({platform.machine()})",
        },
        "libraries": {name: _version(name) for name in LIBRARIES},
        "environment": {name: environment.get(name) for name in VARIABLES},
        "seeds": _seeds(),
        "chapters": [
            {
                "chapter": run.name,
                "seconds": round(run.seconds, 1),
                "memory, MB": None if run.megabytes is None else round(run.megabytes),
                "not shown": list(run.refusals),
                "warnings": list(run.warnings),
                "sha256": results["chapters"][run.name],
            }
            for run in runs
        ],
        "files": results["files"],
        "failed": dict(failed),
    }


@lru_cache(maxsize=1)
def _seeds() -> dict[str, str]:
    """Return the seeds of the recipes that chapters call, by name."""
    found = {n: str(seed) for module, n, seed in package_seeds() if module.startswith(DRAWING)}
    return dict(sorted(found.items()))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@lru_cache(maxsize=1)
def _folder_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(bytes.fromhex(sha256(path)))
    return digest.hexdigest()


def _one_line(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())
