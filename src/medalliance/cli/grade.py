"""``medalliance grade``: draw panels with known effects and grade every estimator on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def run(
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for the draws; the package's own without it."),
    ] = None,
    draws: Annotated[int, typer.Option(help="Draws of every design.")] = 1000,
    first_seed: Annotated[
        int, typer.Option(help="First seed; recipes were settled below 20000. Synthetic: 30000 on.")
    ] = 20_000,
    counties: Annotated[int, typer.Option(help="Counties of a draw, ten to a prefecture.")] = 400,
    jobs: Annotated[int, typer.Option(help="Processes; -1 takes all processors.")] = -1,
    backend: Annotated[str, typer.Option(help="joblib backend: loky, threading, dask.")] = "loky",
    scheduler: Annotated[
        str | None,
        typer.Option(help="Dask scheduler, tcp://host:8786; a local cluster without it."),
    ] = None,
    cache: Annotated[Path, typer.Option(help="Finished draws are kept here.")] = Path(
        "build/grade"
    ),
) -> None:
    """Grade estimators, inference and threats on simulated draws.

    Every draw is kept as a file named by what it was made from. An interrupted run goes on where
    it stopped. The tables of the book read the files that this writes. The dask backend takes
    the cluster behind a scheduler's address, or starts one on this machine.

    Example: medalliance grade --draws 100 --jobs 2 -o build/graded
    """
    from ..grading import grading, pretrends, reach, threats
    from ..grading.monte_carlo import run_tasks
    from ..grading.stored_draws import STORE, write_draws
    from ..paths import ours_to_write
    from ._cluster import dask_client

    if draws < 1:
        raise typer.BadParameter("ask for at least one draw.", param_hint="--draws")
    folder = output or ours_to_write(STORE)
    shared: dict[str, Any] = {
        "cache_folder": cache,
        "n_jobs": jobs,
        "backend": backend,
        "progress": True,
    }
    with dask_client(backend, scheduler, jobs):
        studies = {"threats": threats, "grading": grading, "pretrends": pretrends, "reach": reach}
        for name, study in studies.items():
            listed = study.tasks(draws, counties, first_seed)
            write_draws(run_tasks(study.one_draw, listed, **shared), folder, name)
    typer.echo(f"Draws of every design: {draws:,}, in {folder}.")
