"""``medalliance check``: check a panel of yours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    panel: Annotated[Path, typer.Argument(help="CSV, Excel, Parquet or Stata file.")],
    mapping: Annotated[
        Path | None, typer.Option(help="Mapping file: your column names, units and words.")
    ] = None,
    strict: Annotated[bool, typer.Option(help="Exit with 1 for warnings too.")] = False,
) -> None:
    """Check a panel: every problem at once, with rows and values, and what each outcome needs.

    Exit code 0: nothing stops estimation; 1: something does.

    Example: medalliance check mine.xlsx --mapping map.yaml
    """
    from ..intake import check_panel

    report = check_panel(panel, mapping)
    typer.echo(report.text())
    if not report.ok or (strict and report.warnings):
        raise typer.Exit(1)
