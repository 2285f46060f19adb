"""``medalliance release``: write what may leave of a panel, with the log for its checker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def run(
    panel: Annotated[Path, typer.Argument(help="CSV, Excel, Parquet or Stata file.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="New or empty folder, or an earlier release.")
    ],
    mapping: Annotated[
        Path | None, typer.Option(help="Mapping file: your column names, units and words.")
    ] = None,
    threshold: Annotated[int, typer.Option(help="Counts below it are hidden.")] = 10,
    contributors: Annotated[int, typer.Option(help="Fewest counties behind a number.")] = 3,
    p: Annotated[float, typer.Option("--p", help="Percent of the p % rule of dominance.")] = 10.0,
    minimum_staff: Annotated[float, typer.Option(help="Fewest posts behind a pay figure.")] = 5.0,
    counties: Annotated[int, typer.Option(help="Fewest counties behind an estimate.")] = 10,
) -> None:
    """Write protected tables of a panel, their figures, and a log for the person who checks them.

    Only tables on a whitelist are written: no row of a county, no panel, no notebook. The folder
    checker/ stays with the data; it holds no hidden number, but the limits and the reasons.

    Example: medalliance release mine.csv -o build/release
    """
    from ..disclosure import Limits
    from ..studies.release import write_release

    limits = Limits(count=threshold, contributors=contributors, dominance=p,
                    staff=minimum_staff, counties=counties)  # fmt: skip
    log = write_release(
        checked(panel, mapping), output, limits, command=said(), data=panel, report=tell
    )
    typer.echo(str(log))


def checked(panel: Path, mapping: Path | None):
    """Read a panel that the check passes.

    Raises
    ------
    DataError
        If something stops estimation; the check says what.
    """
    from ..errors import DataError
    from ..intake import check_panel
    from ..panel import load_panel

    found = check_panel(panel, mapping)
    if not found.ok:
        count = len(found.errors)
        raise DataError(
            f"{panel.name}: the check finds {count} error{'s' if count > 1 else ''}.\n"
            f"  Run medalliance check {panel} and mend them first."
        )
    return load_panel(found.frame)


def said() -> str:
    """Return the command without folders, which tell where data lie."""
    words = [Path(word).name if "/" in word or "\\" in word else word for word in sys.argv[1:]]
    return " ".join(["medalliance", *words])


def tell(line: str) -> None:
    """Print a line of progress."""
    typer.echo(line, err=True)
