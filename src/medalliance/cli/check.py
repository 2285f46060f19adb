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
    write_mapping: Annotated[
        Path | None, typer.Option(help="Write the mapping that the names suggest, for you to mend.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook.")] = None,
    totals: Annotated[
        Path | None, typer.Option(help="Settlement report: county_code, year, spending, budget.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page too.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings exit with 1 too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the page if it exists.")] = False,
) -> None:
    """Check a panel: every problem at once, with rows and values, and what each outcome needs.

    Your file is only read. Exit code 0: nothing stops estimation; 1: something does.
    Without --mapping, columns are recognised by their labels in English and Chinese;
    --write-mapping writes that down for you to confirm, and never replaces a file.
    `medalliance check coding SHEET` checks a coding sheet.

    Example: medalliance check mine.xlsx --mapping map.yaml --html report.html
    """
    from ..intake import check_panel, proposal_text
    from ._output import need_place, write_whole

    if write_mapping is not None:
        need_place(write_mapping, hint="Name another file.", inputs=(panel, mapping, totals))
    if html is not None:
        need_place(html, replace=force, inputs=(panel, mapping, totals))
    report = check_panel(panel, mapping, sheet=sheet, totals=totals)
    typer.echo(report.text())
    if html is not None:
        typer.echo(f"Page: {write_whole(html, report.to_html())}")
    if write_mapping is not None:
        typer.echo(f"Mapping to look at: {write_whole(write_mapping, proposal_text(report))}")
    if not report.ok or (strict and report.warnings):
        raise typer.Exit(1)
