"""``medalliance readme``: write what the project's documents take from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    project: Annotated[
        Path | None, typer.Option("--project", help="The checkout; this package's own without it.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; refuse files that are not current.")
    ] = False,
) -> None:
    """Write the generated parts of README.md, REPLICATION.md, data/README.md, and EXHIBITS.md.

    Example: medalliance readme --check
    """
    from ..errors import DataError
    from ..paths import PROJECT
    from ..press.readme import project_texts
    from ._output import write_whole

    stale = {
        path: text
        for path, text in project_texts(project or PROJECT).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    if check and stale:
        names = ", ".join(path.name for path in stale)
        raise DataError(f"not current: {names}. Run `make readme` and commit what it writes.")
    for path, text in stale.items():
        write_whole(path, text)
        typer.echo(str(path))
