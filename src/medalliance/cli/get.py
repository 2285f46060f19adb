"""``medalliance get``: download the public files that two chapters run on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    collection: Annotated[str, typer.Argument(help="mssp or england.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder; default: where chapters look.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Another catalogue (mssp) or mirror (england).")
    ] = None,
) -> None:
    """Download public files, check them, say where they are and what must be fetched by hand.

    mssp: settlements of the US Shared Savings Program, compared with the checksums of the copies
    behind the book's numbers. england: payments to practices; where no address is known, the
    publisher's page and the file's name are printed. Exit code 1 if something is missing or
    differs.

    Example: medalliance get mssp -o mssp
    """
    from ..paths import england_dir, mssp_dir
    from ._fetch import COLLECTIONS

    if collection not in COLLECTIONS:
        names = ", ".join(sorted(COLLECTIONS))
        typer.echo(f"no collection {collection!r}.\n  Use one of {names}.", err=True)
        raise typer.Exit(2)
    default = {"mssp": mssp_dir, "england": england_dir}[collection]
    folder = output or default()
    more = {} if source is None else {"source": source}
    wrong = 0
    try:
        for well, line in COLLECTIONS[collection](folder, **more):
            wrong += not well
            typer.echo(line, err=not well)
    except (OSError, ValueError) as problem:
        typer.echo(f"no answer: {problem}\n  Try again later.", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{folder}\n  Set MEDALLIANCE_{collection.upper()}_DIR to this folder.")
    raise typer.Exit(int(wrong > 0))
