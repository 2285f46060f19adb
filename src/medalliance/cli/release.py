"""``medalliance release``: write what may leave of a panel, with the log for its checker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..disclosure import Limits


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
    checked_together: Annotated[
        str, typer.Option(help="Who checked it together with an earlier, overlapping release.")
    ] = "",
) -> None:
    """Write protected tables of a panel, their figures, and a log for the person who checks them.

    Only tables on a whitelist are written: no row of a county, no panel, no notebook. The folder
    checker/ stays with the data; it holds no hidden number, but the limits and the reasons.
    Two releases that differ by one county give that county away: a release of other rows or
    limits than an earlier one, in the folder or beside it, is refused without --checked-together.

    Example: medalliance release mine.csv -o build/release
    """
    from ..disclosure import Limits

    limits = Limits(count=threshold, contributors=contributors, dominance=p,
                    staff=minimum_staff, counties=counties)  # fmt: skip
    typer.echo(str(write(panel, mapping, output, limits, checked_together)))


def write(
    panel: Path,
    mapping: Path | None,
    output: Path,
    limits: Limits | None = None,
    checked_together: str = "",
) -> Path:
    """Check a panel and write its release.

    Raises
    ------
    DataError
        If the panel cannot be read, or nothing of it may leave.
    """
    from ..intake import check_panel
    from ..panel import load_panel
    from ..press.release import write_release

    found = check_panel(panel, mapping)
    if not found.ok:
        typer.echo(found.text(), err=True)
        typer.echo("Nothing was written: mend what is called an error above.", err=True)
        raise typer.Exit(1)
    return write_release(
        load_panel(found.frame),
        output,
        limits,
        command=_said(),
        data=panel,
        checked_together=checked_together,
        report=_tell,
    )


def _said() -> str:
    """Return the command without folders, which tell where data lie."""
    words = [Path(word).name if "/" in word or "\\" in word else word for word in sys.argv[1:]]
    return " ".join(["medalliance", *words])


def _tell(line: str) -> None:
    typer.echo(line, err=True)
