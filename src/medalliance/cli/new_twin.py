"""``medalliance new twin``: write a table with your columns and none of your values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    output: Annotated[Path, typer.Option("-o", "--output", help="A .csv, .xlsx or .parquet file.")],
    mapping: Annotated[
        Path | None, typer.Option(help="Mapping file: your column names and units.")
    ] = None,
    counties: Annotated[int, typer.Option(help="Invented counties.")] = 60,
    years: Annotated[int, typer.Option(help="Years from 2012.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same table.")] = 0,
) -> None:
    """Write a twin of your table: your column names and units, numbers drawn from the schema.

    It reads no data: of the mapping only names and units are used. Send it where your data may not
    go, to look for errors there.

    Example: medalliance new twin --mapping map.yaml -o twin.csv
    """
    from ..panel import load_mapping
    from ..simulate.twin import panel_twin
    from ..spreadsheet import guarded_frame
    from ._output import need_place, write_whole

    writers = {".csv": "to_csv", ".xlsx": "to_excel", ".parquet": "to_parquet"}
    if output.suffix.lower() not in writers:
        raise typer.BadParameter("name a .csv, .xlsx or .parquet file.", param_hint="--output")
    need_place(output, hint="Name another file; yours was left alone.", inputs=(mapping,))
    frame = panel_twin(load_mapping(mapping) if mapping else None, counties, years, seed)
    write = getattr(guarded_frame(frame), writers[output.suffix.lower()])
    typer.echo(str(write_whole(output, lambda path: write(path, index=False))))
