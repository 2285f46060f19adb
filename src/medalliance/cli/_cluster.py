"""The Dask client that ``--backend dask`` needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

WAIT = "10s"


@contextmanager
def dask_client(backend: str, scheduler: str | None, jobs: int) -> Iterator[None]:
    """Open a client for the dask backend, closing it afterwards; do nothing for other backends.

    Parameters
    ----------
    backend : str
    scheduler : str or None
        Address of a running scheduler; without it a cluster of processes on this machine, without
        a dashboard, that only this machine reaches.
    jobs : int
        Processes of a local cluster; -1 takes all processors.

    Raises
    ------
    typer.BadParameter
        If an address is given for another backend, or dask is not installed.
    OSError
        If no scheduler answers.
    """
    if backend != "dask":
        if scheduler:
            raise typer.BadParameter("an address needs --backend dask.", param_hint="--scheduler")
        yield
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise typer.BadParameter(
            "dask.distributed is not installed. Run pip install distributed, "
            "or take --backend loky.",
            param_hint="--backend",
        ) from None
    if scheduler:
        with Client(scheduler, timeout=WAIT):
            yield
        return
    workers = None if jobs == -1 else jobs
    cluster = LocalCluster(
        n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    )
    with cluster, Client(cluster):
        yield
