"""``medalliance build``: build the book, or a book of your own panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    data: Annotated[
        Path | None, typer.Option(help="Your panel: make a book of its own from it.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder of the pages [build/html; with --data build/mine]."
        ),
    ] = None,
) -> None:
    """Build the book's pages; with --data, a book of your own panel.

    With --data the chapters are executed on your panel, on your machine. The output folder holds
    the pages, every table as Excel and Word, every figure as PNG and PDF, and a manifest of the
    run. An earlier book there stays whole until the new one is finished.

    Example: medalliance build --data mine.csv -o build/mine
    """
    from ..paths import book_dir
    from ..studies.book import build_book
    from ..studies.own_book import build_own_book

    def report(line: str) -> None:
        typer.echo(line, err=True)

    if data is None:
        pages = output or Path("build/html")
        work = pages.parent / f"{pages.name}-work"
        index = build_book(book_dir(), work, pages, report=report)
    else:
        pages = output or Path("build/mine")
        index = build_own_book(_own(data), book_dir(), pages, report=report)
    typer.echo(str(index))


def _own(data: Path):
    from ..errors import DataError
    from ..panel import load_panel
    from ..studies.own_book import OwnBook

    if not data.is_file():
        raise DataError(f"no such panel: {data}. Name a CSV, Parquet or Excel file.")
    return OwnBook(load_panel(data).frame, data)
