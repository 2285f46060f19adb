"""Columns made of a safe table: ratios, and bands where a mean itself is hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._attack import Array, attack, split_blocks
from ._limits import Limits
from ._primary import band
from ._safe import SUPPRESSED, SafeTable
from ._tables import Cells


def with_ratio(
    table: SafeTable,
    name: str,
    ratio: Callable[[pd.DataFrame], pd.Series],
    of: Sequence[str],
) -> SafeTable:
    """Add a ratio, share or mean, hidden wherever a number that it is made of is hidden.

    Parameters
    ----------
    table : SafeTable
    name : str
        The new column.
    ratio : callable
        Released frame -> values; it never sees a hidden number.
    of : sequence of str
        The columns that it is made of.
    """
    frame = table.frame.copy()
    notes = frame[[f"{part}_na" for part in of]]
    frame[name] = ratio(frame)
    blank = frame[name].isna()
    absent = blank & ~(notes == SUPPRESSED).any(axis=1) & (notes != "").any(axis=1)
    frame[f"{name}_na"] = np.select([absent, blank], ["not_applicable", SUPPRESSED], "")
    keys = list(table.record.columns.drop(["variable", "status", "reason"]))
    there = ~absent
    added = frame.loc[there, keys].assign(
        variable=name,
        status=np.where(blank, "derived", "published")[there],
        reason=np.where(blank, f"made of a hidden number ({', '.join(of)})", "")[there],
    )
    record = pd.concat([table.record, added], ignore_index=True)
    return replace(table, frame=frame, record=record)


def with_bands(
    table: SafeTable, name: str, over: str, under: str, rows: pd.Series, limits: Limits
) -> SafeTable:
    """Add bands of a mean where the mean itself is hidden because few employers stand behind it.

    A band has round ends, at least twice ``dominance`` percent of the mean apart. It is offered
    where the mean is hidden, and the number below the line is not small itself. The table is
    attacked once more by someone who knows the bands with the number below the line; where a
    primary cell becomes too certain, no band is given.

    Parameters
    ----------
    table : SafeTable
    name : str
        The new column of text, as ``"100,000 to 150,000"``.
    over, under : str
        Measures whose ratio the mean is.
    rows : Series of bool
        Rows of ``table.frame`` where a band may be given.
    limits : Limits
    """
    frame = table.frame.copy()
    cells, at = table.inside.cells, table.inside.places
    keys = list(frame.columns[: list(frame.columns).index(over)])
    order, below = (_place_of(cells, at[part], keys) for part in (over, under))
    low, high = cells.low.copy(), np.full(len(cells.value), np.inf)
    said = pd.Series("", index=frame.index)
    for row in frame.index[rows & (frame[f"{over}_na"] == SUPPRESSED)]:
        key = tuple(frame.loc[row, keys])
        place, posts = order[key], float(cells.value[below[key]]) if key in below else 0.0
        if posts < limits.staff:
            continue
        mean = cells.value[place] / posts
        margin = max(table.inside.need.below[place], table.inside.need.above[place]) / posts
        ends = band(mean, 2 * limits.dominance / 100 * mean, margin)
        low[place], high[place] = ends[0] * posts, ends[1] * posts
        said[row] = f"{ends[0]:,.0f} to {ends[1]:,.0f}"
    given = [row for row in frame.index if said[row]]
    unsafe = _opened(table, low, high) if given else ()
    for row in given:
        if order[tuple(frame.loc[row, keys])] in unsafe:
            said[row] = ""
    return replace(table, frame=frame.assign(**{name: said}))


def _place_of(cells: Cells, at: NDArray[np.intp], keys: list[str]) -> dict[tuple[str, ...], int]:
    rows = cells.labels.iloc[at][keys].itertuples(index=False, name=None)
    return dict(zip(rows, (int(place) for place in at), strict=True))


def _opened(table: SafeTable, low: Array, high: Array) -> set[int]:
    """Return the cells of blocks in which these bounds make a primary cell too certain."""
    cells, need, hidden = table.inside.cells, table.inside.need, table.protection.hidden
    nobody = np.zeros(len(hidden), dtype=bool)
    thin = nobody.copy()
    for knows in [nobody, *table.inside.insiders]:
        ends = attack(cells.value, cells.relations, hidden, low=low, high=high, known=knows)
        below, above = cells.value - ends[:, 0], ends[:, 1] - cells.value
        close = (below < need.below - 0.01) | (above < need.above - 0.01)
        close |= below + above < need.width - 0.01
        thin |= close & table.protection.primary & ~knows
    blocks = split_blocks(cells.relations, hidden)
    return {int(cell) for block in blocks if thin[block].any() for cell in block}
