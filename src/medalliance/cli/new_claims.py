"""``medalliance new claims``: write simulated claims whose panel is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    output: Annotated[Path, typer.Option("-o", "--output", help="New folder for the claims.")],
    rows: Annotated[int, typer.Option(help="Rows of claims, about.")] = 1_000_000,
    counties: Annotated[int, typer.Option(help="Counties, ten to a prefecture.")] = 40,
    years: Annotated[int, typer.Option(help="Years from 2012.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same claims.")] = 0,
    provider_ids: Annotated[bool, typer.Option(help="Write the column provider_id.")] = True,
    jobs: Annotated[int, typer.Option(help="Processes; -1 takes all processors.")] = 1,
) -> None:
    """Write simulated claims of any number, to try a machine or a program on.

    The folder gets year=.../prefecture=.../claims.parquet. Beside it stands a file, its name
    ending in .panel.csv: the county-year panel that `medalliance panel` must make of the claims,
    to the fen. Some rows stand twice, some claims are taken back, some a year later. Counties
    and persons are invented.

    Example: medalliance new claims --rows 2000000 -o claims
    """
    from ..simulate import simulate_claims, simulate_panel
    from ..spreadsheet import csv_of
    from ._output import need_place, write_whole

    known = output.with_name(f"{output.name}.panel.csv")
    need_place(known, hint="Remove it, or name another folder.")
    simulated = simulate_panel(counties, years, seed, channels=False)
    panel = simulate_claims(
        simulated,
        output,
        rows=rows,
        seed=seed,
        provider_ids=provider_ids,
        n_jobs=jobs,
        progress=True,
    )
    write_whole(known, csv_of(panel))
    typer.echo(f"{output}: claims of {len(panel):,} county-years.\nTheir panel: {known}")
