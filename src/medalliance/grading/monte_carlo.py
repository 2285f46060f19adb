"""Run many small tasks in parallel: cached by content, resumable, on any joblib backend."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import needed
from ..paths import PACKAGE

Record = dict[str, Any]
_CODE = (
    "estimators",
    "inference",
    "diagnostics",
    "results",
    "simulate",
    "settlement",
    "incentives",
    "outcomes",
)


@dataclass(frozen=True)
class Task:
    """One draw of one study."""

    study: str
    name: str
    seed: int
    n_counties: int


def run_tasks(
    function: Callable[[Task], list[Record]],
    tasks: Sequence[Task],
    *,
    cache_folder: Path | None = None,
    n_jobs: int = 1,
    backend: str | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Run a function on tasks.

    Parameters
    ----------
    function : callable
        Task to records; importable by name, so that worker processes find it.
    cache_folder : Path, optional
        A file a task, named by a hash of the task and of the package's code. What is there is
        not run again, so that an interrupted run goes on where it stopped.
    n_jobs : int
        As joblib; -1 takes all processors.
    backend : str, optional
        ``"loky"``, ``"threading"``, or one registered with joblib: ``"dask"`` while a
        ``distributed.Client`` is open. Nothing else changes.
    progress : bool
        Show a bar.

    Returns
    -------
    DataFrame
        The records of all tasks in the tasks' order.
    """
    with needed():
        import joblib
        from tqdm import tqdm

    chosen = {"backend": backend} if backend else {}
    found: list[list[Record]] = []
    with (
        joblib.parallel_config(**chosen, n_jobs=n_jobs),
        tqdm(total=len(tasks), disable=not progress, unit="draw") as bar,
    ):
        parallel = joblib.Parallel(return_as="generator")
        work = (joblib.delayed(_once)(function, task, cache_folder) for task in tasks)
        for records in parallel(work):
            found.append(records)
            bar.update()
    return pd.DataFrame([record for records in found for record in records])


def _once(
    function: Callable[[Task], list[Record]], task: Task, folder: Path | None
) -> list[Record]:
    if folder is None:
        return _labelled(function, task)
    path = Path(folder) / f"{key(task)}.json"
    if path.is_file():
        return list(json.loads(path.read_text(encoding="utf-8")))
    records = _labelled(function, task)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(records), encoding="utf-8")
    part.replace(path)
    return records


def _labelled(function: Callable[[Task], list[Record]], task: Task) -> list[Record]:
    return [{"name": task.name, "draw": task.seed, **record} for record in function(task)]


def key(task: Task) -> str:
    """Return the name of a task's file: a hash of the task and of the code that it runs."""
    text = json.dumps(asdict(task), sort_keys=True) + code_hash(task.study)
    return f"{task.study}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


@cache
def code_hash(study: str) -> str:
    """Hash the source of the simulator, the estimators and the study itself."""
    digest = hashlib.sha256()
    files = [p for part in _CODE for p in sorted((PACKAGE / part).rglob("*.py"))]
    files += sorted((PACKAGE / "simulate").glob("*.json"))
    for path in [*files, PACKAGE / "grading" / f"{study}.py"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()
