"""``medalliance simulate``: write a simulated panel with its true effects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    output: Annotated[Path, typer.Option("-o", "--output", help="CSV file of the panel.")],
    counties: Annotated[int, typer.Option(help="Counties, ten to a prefecture.")] = 200,
    years: Annotated[int, typer.Option(help="Years from 2012.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same panel.")] = 0,
    rule: Annotated[list[str] | None, typer.Option(help="Scenario rule; may be repeated.")] = None,
    threat: Annotated[list[str] | None, typer.Option(help="Threat; may be repeated.")] = None,
    force: Annotated[bool, typer.Option(help="Replace files that exist.")] = False,
) -> None:
    """Draw invented counties under a contract, with every true effect known.

    Beside the panel stands a second file, its name ending in .truth.csv: the mean effect on each
    outcome by cohort, year and channel. Counties are invented; their names say so.

    Example: medalliance simulate --counties 100 --threat anticipation -o panel.csv
    """
    from ..simulate import simulate_panel
    from ..spreadsheet import csv_of
    from ._output import need_place, write_whole

    truth = output.with_suffix(".truth.csv")
    for path in (output, truth):
        need_place(path, replace=force)
    found = simulate_panel(counties, years, seed, rule or "split_631", threat or ())
    write_whole(truth, csv_of(found.truth))
    write_whole(output, csv_of(found.panel.frame))
    typer.echo(f"{found.panel}\nTrue effects: {truth}")
