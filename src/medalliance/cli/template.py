"""``medalliance template``: write an empty workbook for a panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Where; an existing file is not replaced.")
    ] = Path("panel_template.xlsx"),
) -> None:
    """Write an empty, documented workbook: the columns of a panel, the codebook, a mapping.

    Fill in the sheet "panel", then run `medalliance check` on the workbook.

    Example: medalliance template -o county_panel.xlsx
    """
    from ..intake import template_workbook
    from ._output import need_place, write_whole

    if output.suffix.lower() != ".xlsx":
        raise typer.BadParameter("name an .xlsx file.", param_hint="--output")
    need_place(output, hint="Name another file; yours was left alone.")
    typer.echo(str(write_whole(output, template_workbook())))
