"""``medalliance check coding``: check a coding sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    sheet: Annotated[Path, typer.Argument(help="CSV file of one coder: one row a code.")],
) -> None:
    """Check a coding sheet: cases, indicators, codes, dates, words, sources, doubles.

    Columns: case, indicator, code (0-3), date, evidence, source_id, coder. Leave out what no
    source supports. Every problem is listed at once.

    Example: medalliance check coding data/coding/coder_a.csv
    """
    from ..embedding.coding import check_sheet

    codes = check_sheet(sheet)
    size = f"{codes['case'].nunique()} cases on {codes['indicator'].nunique()} indicators"
    typer.echo(f"{sheet}: {len(codes)} codes of {size}; no problem.")
