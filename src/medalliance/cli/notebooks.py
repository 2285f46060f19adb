"""``medalliance notebooks``: re-execute notebooks in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Notebooks; all of the book by default.")
    ] = None,
) -> None:
    """Execute the book's notebooks again and write them back where their outputs changed.

    Example: medalliance notebooks book/public-figures.ipynb
    """
    from ..errors import DataError
    from ..paths import book_dir
    from ..studies.notebooks import execute, find_notebooks
    from ._output import write_whole

    chosen = paths or find_notebooks(book_dir())
    missing = [str(path) for path in chosen if not path.is_file()]
    if missing:
        raise DataError(f"no such notebook: {', '.join(missing)}. Name a file under book/.")
    for number, path in enumerate(chosen, start=1):
        typer.echo(f"[{number}/{len(chosen)}] {path} ... ", nl=False, err=True)
        text, seconds = execute(path)
        changed = text != path.read_text(encoding="utf-8")
        if changed:
            write_whole(path, text)
        typer.echo(f"{seconds:.1f} s, {'written' if changed else 'unchanged'}", err=True)
