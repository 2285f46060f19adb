"""Tables with one column a year, turned into one row a year."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from ..errors import DataError, first_three
from ._mapping import ColumnMap
from ._problems import Reading, many
from ._table import Table

YEAR = "year"


def lengthen(table: Table, wide: dict[str, ColumnMap]) -> Table:
    """Turn columns such as 预算2015, 预算2016 into rows.

    Parameters
    ----------
    wide : dict
        Standard name -> its column name with ``{year}`` in it.

    Raises
    ------
    DataError
        If a pattern fits no column, or the table has a column ``year`` already.
    """
    names = [str(name) for name in table.frame.columns]
    if YEAR in names:
        raise DataError(
            "the table has a column year and the mapping has `wide`.\n  Keep one: `wide` is for "
            "tables with one column a year."
        )
    found = {target: _columns(names, column.to) for target, column in wide.items()}
    empty = [wide[target].to for target, columns in found.items() if not columns]
    if empty:
        raise DataError(
            f"wide: no column is named like {first_three(empty)}.\n"
            f"  The table has: {', '.join(names[:40])}."
        )
    years = sorted({year for columns in found.values() for year in columns})
    used = {name for columns in found.values() for name in columns.values()}
    kept = table.frame[[name for name in table.frame.columns if str(name) not in used]]
    blocks = []
    for year in years:
        block = kept.assign(**{YEAR: year})
        for target, columns in found.items():
            values = table.frame[columns[year]] if year in columns else None
            block[wide[target].to] = values if values is not None else np.nan
        blocks.append(block)
    frame = pd.concat(blocks, ignore_index=True)
    rows = np.tile(table.rows, len(years))
    text = f"{many(len(used), 'column')} of {years[0]} to {years[-1]} were turned into rows"
    readings = [*table.readings, Reading(text, count=len(used))]
    return Table(table.name, frame, rows, readings, table.problems)


def _columns(names: list[str], pattern: str) -> dict[int, str]:
    front, _, back = pattern.partition("{year}")
    match = re.compile(rf"{re.escape(front)}([12]\d{{3}}){re.escape(back)}")
    return {int(hit[1]): name for name in names if (hit := match.fullmatch(name))}
