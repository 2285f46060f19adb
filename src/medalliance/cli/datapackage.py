"""``medalliance datapackage``: write the description of the published tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where; by default beside the tables.")
    ] = None,
) -> None:
    """Write datapackage.json, the Frictionless description that follows from the codebook.

    Example: medalliance datapackage -o datapackage.json
    """
    from ..codebook import datapackage_text
    from ..paths import data_dir, ours_to_write
    from ._output import write_whole

    place = output or ours_to_write(data_dir() / "datapackage.json")
    typer.echo(str(write_whole(place, datapackage_text())))
