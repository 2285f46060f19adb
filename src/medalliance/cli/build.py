"""``medalliance build``: build the book, or a book of your own panel."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._output import IN_PART

if TYPE_CHECKING:
    from ..press.own_book import OwnBook


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
    mapping: Annotated[
        Path | None, typer.Option(help="Mapping file: your column names, units and words.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Your contract: a rule file that settles your counties.")
    ] = None,
    chapter: Annotated[
        list[str] | None, typer.Option(help="A chapter to run; may be repeated [all].")
    ] = None,
    verdict: Annotated[
        bool, typer.Option("--verdict", help="Write the page with the verdict, and no chapter.")
    ] = False,
    lang: Annotated[
        str | None, typer.Option(help="Language of the verdict: en or zh [MEDALLIANCE_LANG].")
    ] = None,
    safe: Annotated[
        bool, typer.Option("--safe", help="Write only what may leave; see medalliance release.")
    ] = False,
) -> None:
    """Build the book's pages; with --data, a book of your own panel.

    With --data the panel is checked, then a page with the verdict is written (verdict.html, .docx,
    .pdf), then the chapters are executed on it, on your machine. The output folder holds the
    pages, every table as Excel and Word, every figure as PNG and PDF, and a manifest of the run.
    An earlier book there stays whole until the new one is finished. A chapter that fails costs
    itself alone: finished ones are kept, and the same command goes on.
    With --safe it holds protected tables, their figures and a log for the person who checks them,
    and nothing else: no page of the book, no panel.

    Example: medalliance build --data mine.csv -o build/mine
    """
    from ..errors import first_three, need_extra
    from ..paths import book_dir
    from ..press.book import build_book
    from ..press.own_book import build_own_book, refuse_foreign, write_verdict

    if not (safe or verdict):
        need_extra("book")
    lang = lang or os.environ.get("MEDALLIANCE_LANG") or "en"
    if lang not in ("en", "zh"):
        raise typer.BadParameter(f"no language {lang}. Use en or zh.", param_hint="--lang")

    def report(line: str) -> None:
        typer.echo(line, err=True)

    if data is None:
        if mapping or rules or chapter or safe or verdict:
            raise typer.BadParameter("only --output goes without a panel. Name yours with --data.")
        pages = output or Path("build/html")
        work = pages.parent / f"{pages.name}-work"
        index = build_book(book_dir(), work, pages, report=report)
    elif safe:
        if rules or chapter or verdict:
            words = "--safe takes no --rules, --chapter or --verdict: its tables are fixed."
            raise typer.BadParameter(words)
        from . import release

        index = release.write(data, mapping, output or Path("build/safe"))
    else:
        pages = output or Path("build/mine")
        refuse_foreign(pages)
        own = replace(_checked(data, mapping, rules, chapter or []), lang=lang)
        if own.checked.warnings:
            count = len(own.checked.warnings)
            report(f"{count} warning{'s' * (count > 1)} on this panel: see the book's first page")
        if verdict:
            built = write_verdict(own, pages, report=report)
        else:
            built = build_own_book(own, book_dir(), pages, report=report)
        typer.echo(str(built.index))
        if built.failed:
            typer.echo(f"Not made: {first_three(built.failed)}; the front page says why.", err=True)
            raise typer.Exit(IN_PART)
        return
    typer.echo(str(index))


def _checked(data: Path, mapping: Path | None, rules: Path | None, chapters: list[str]) -> OwnBook:
    """Check everything that goes in, before anything is written."""
    from ..intake import check_panel
    from ..press.own_book import CHAPTERS, OwnBook
    from ..reforms import read_rules

    unknown = [name for name in chapters if name not in CHAPTERS]
    if unknown:
        raise typer.BadParameter(f"no chapter {unknown[0]}. Chapters: {', '.join(CHAPTERS)}.")
    if rules is not None:
        read_rules(rules, own=True)
    checked = check_panel(data, mapping)
    if not checked.ok:
        typer.echo(checked.text(), err=True)
        typer.echo("No book was built: mend what is called an error above.", err=True)
        raise typer.Exit(1)
    return OwnBook(checked, data, mapping, rules, tuple(chapters))
