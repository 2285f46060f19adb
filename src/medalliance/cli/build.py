"""``medalliance build``: build the book, on your own panel if you name one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    data: Annotated[
        Path | None, typer.Option(help="Your panel: run every notebook on it again.")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the finished pages.")
    ] = Path("build/html"),
) -> None:
    """Build the book's pages; with --data, from notebooks executed on your panel.

    Example: medalliance build --data mine.csv -o build/mine
    """
    from ..errors import DataError
    from ..paths import book_dir
    from ..studies.book import build_book

    if data is not None and not data.is_file():
        raise DataError(f"no such panel: {data}. Name a CSV, Parquet or Excel file.")
    work = output.parent / f"{output.name}-work"
    index = build_book(
        book_dir(), work, output, panel=data, report=lambda line: typer.echo(line, err=True)
    )
    typer.echo(str(index))
