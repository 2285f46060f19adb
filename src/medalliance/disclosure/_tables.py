"""Tables with margins as cells and relations: crossed, nested, linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ..errors import DataError, first_three, raise_problems
from ._attack import Array, Relations

TOTAL = "Total"
Dimensions = Sequence[Sequence[str]]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one table, or of several that are linked.

    Attributes
    ----------
    labels : DataFrame, shape (n_cells, n_columns)
        Text; ``Total`` where a cell sums over a column.
    value : ndarray, shape (n_cells,)
    relations : sparse array, shape (n_relations, n_cells)
        ``relations @ value`` is zero.
    low : ndarray, shape (n_cells,)
        What everybody knows a cell cannot be below: 0, or minus infinity where it has a sign.
    dimensions : tuple of tuple of str
        Columns of each dimension from coarse to fine.
    """

    labels: pd.DataFrame
    value: Array
    relations: Relations
    low: Array
    dimensions: tuple[tuple[str, ...], ...] = ()

    def place(self, cell: int) -> str:
        """Name a cell by its labels, totals left out."""
        row = self.labels.iloc[cell]
        named = [f"{name} {text}" for name, text in row.items() if text != TOTAL]
        return ", ".join(named) or "the grand total"


def tabulate(
    micro: pd.DataFrame,
    dimensions: Dimensions,
    value: str,
    *,
    unit: str,
    no_total: Sequence[str] = (),
) -> pd.DataFrame:
    """Sum contributions to every cell with its margins, counting who contributes.

    Parameters
    ----------
    micro : DataFrame
        One or more rows a contributor; blank values are left out.
    dimensions : sequence of sequence of str
        Each the columns of one dimension from coarse to fine, as ``("province", "prefecture")``.
    value : str
        Column to sum.
    unit : str
        Column that names the contributor; its rows in a cell are one contribution.
    no_total : sequence of str
        First columns of dimensions without a total over them, such as the year.

    Returns
    -------
    DataFrame
        The columns of the dimensions as text, then ``value contributors absolute largest second
        sole top``: the total, contributors that are not zero, the sum of absolute contributions,
        the two largest of them, the one contributor where there is only one, and all absolute
        contributions in order. Sorted by label, so that the order of rows does not matter.

    Raises
    ------
    DataError
        If the table is empty, a column is missing, or a label is blank or reads ``Total``.
    """
    columns = [name for levels in dimensions for name in levels]
    _check_micro(micro, [*columns, value, unit])
    kept = micro[micro[value].notna()]
    text = kept[columns].astype(str)
    base = text.assign(_unit=kept[unit].astype(str), _value=kept[value].astype(float))
    found = []
    depths = [range(0 if levels[0] not in no_total else 1, len(levels) + 1)
              for levels in dimensions]  # fmt: skip
    for depth in product(*depths):
        part = base.copy()
        for levels, kept_levels in zip(dimensions, depth, strict=True):
            part[list(levels[kept_levels:])] = TOTAL
        found.append(_summed(part, columns))
    return pd.concat(found, ignore_index=True).sort_values(columns, ignore_index=True)


def _check_micro(micro: pd.DataFrame, columns: list[str]) -> None:
    absent = [name for name in columns if name not in micro.columns]
    if absent:
        raise DataError(f"the table has no column {first_three(absent)}.\n  Name the columns.")
    if micro.empty or micro[columns[-2]].notna().sum() == 0:
        raise DataError(f"the table is empty: no row has {columns[-2]}.\n  There is nothing to do.")
    problems = []
    for name in [*columns[:-2], columns[-1]]:
        if micro[name].isna().any():
            problems.append(f"{name} is blank in {int(micro[name].isna().sum())} rows")
        if (micro[name].astype(str) == TOTAL).any():
            problems.append(f"{name} holds {TOTAL!r}, which is kept for margins")
    infinite = ~np.isfinite(micro[columns[-2]].astype(float).dropna())
    if infinite.any():
        problems.append(f"{columns[-2]} is infinite in {int(infinite.sum())} rows")
    raise_problems(problems, where="table", advice="Mend the rows, or give them a label.")


def _summed(part: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    each = part.groupby([*columns, "_unit"], sort=True)["_value"].sum().reset_index()
    each["_absolute"] = each["_value"].abs()
    each = each.sort_values([*columns, "_absolute", "_unit"], ascending=False, kind="stable")
    rows = []
    for key, cell in each.groupby(columns, sort=False):
        sizes = cell["_absolute"].to_numpy(float)
        active = int((sizes > 0).sum())
        rows.append(
            (
                *(key if isinstance(key, tuple) else (key,)),
                cell["_value"].sum(),
                active,
                sizes.sum(),
                sizes[0],
                sizes[1] if len(sizes) > 1 else 0.0,
                cell["_unit"].iloc[0] if active == 1 else "",
                sizes,
            )
        )
    names = ["value", "contributors", "absolute", "largest", "second", "sole", "top"]
    return pd.DataFrame(rows, columns=[*columns, *names])


def as_cells(
    table: pd.DataFrame, dimensions: Dimensions, value: str = "value", *, signed: bool = False
) -> Cells:
    """Read a table with its margins as cells, relations found from the labels.

    A row whose finer columns read ``Total`` is the sum of the rows below it. A margin that is not
    in the table binds nobody; a part that is not there counts as zero.

    Parameters
    ----------
    table : DataFrame
        One row a cell.
    dimensions : sequence of sequence of str
        As for :func:`tabulate`.
    value : str
    signed : bool
        Whether values can be negative, and everybody knows it.

    Raises
    ------
    DataError
        If the table is empty or has blanks, a cell twice, a negative count, or margins that do
        not add up; each with its place.
    """
    columns = [name for levels in dimensions for name in levels]
    absent = [name for name in [*columns, value] if name not in table.columns]
    if absent:
        raise DataError(f"the table has no column {first_three(absent)}.\n  Name the columns.")
    if table.empty:
        raise DataError("the table has no rows.\n  There is nothing to release.")
    ordered = table.sort_values(columns, ignore_index=True, key=lambda column: column.astype(str))
    labels = ordered[columns].astype(str)
    numbers = pd.to_numeric(ordered[value], errors="coerce").to_numpy(float)
    low = np.full(len(labels), -np.inf if signed else 0.0)
    nested = tuple(tuple(levels) for levels in dimensions)
    draft = Cells(labels, numbers, sparse.csr_array((0, len(labels))), low, nested)
    _check_cells(draft, value)
    cells = replace(draft, relations=_relations(labels, dimensions))
    _check_sums(cells, value)
    return cells


def _check_cells(cells: Cells, value: str) -> None:
    problems = []
    bad = np.flatnonzero(~np.isfinite(cells.value))
    twice = np.flatnonzero(cells.labels.duplicated().to_numpy())
    negative = np.flatnonzero(cells.value < cells.low)
    for where, what in ((bad, "is blank or infinite"), (twice, "stands twice"),
                        (negative, "is negative")):  # fmt: skip
        if len(where):
            places = first_three(cells.place(int(cell)) for cell in where)
            problems.append(f"{value} {what} at {places}")
    raise_problems(
        problems, where="table", advice="Give one number a cell; say signed=True if it has a sign."
    )


def _check_sums(cells: Cells, value: str) -> None:
    off = cells.relations @ cells.value
    size = abs(cells.relations) @ np.abs(cells.value)
    wrong = np.flatnonzero(np.abs(off) > 0.005 + 1e-9 * size)
    if len(wrong):
        totals = [cells.relations[[k]] for k in wrong]
        places = [int(row.indices[np.argmax(row.data)]) for row in totals]
        shown = [f"{cells.place(p)} is off by {off[k]:,.2f}"
                 for p, k in zip(places, wrong, strict=True)]  # fmt: skip
        raise DataError(
            f"{value}: margins do not add up at {first_three(shown)}.\n"
            "  Mend the table; protection that rests on wrong sums protects nothing."
        )


def _relations(labels: pd.DataFrame, dimensions: Dimensions) -> Relations:
    index = pd.MultiIndex.from_frame(labels)
    rows: list[NDArray[np.intp]] = []
    signs: list[Array] = []
    for levels in dimensions:
        fine = labels[list(levels)].to_numpy() != TOTAL
        depth = fine.sum(axis=1)
        for level in range(1, len(levels) + 1):
            members = np.flatnonzero(depth == level)
            above = labels.iloc[members].copy()
            above[levels[level - 1]] = TOTAL
            parent = index.get_indexer(pd.MultiIndex.from_frame(above))
            for whole in np.unique(parent[parent >= 0]):
                parts = members[parent == whole]
                rows.append(np.r_[whole, parts])
                signs.append(np.r_[1.0, np.full(len(parts), -1.0)])
    return _sparse(rows, signs, len(labels))


def _sparse(rows: list[NDArray[np.intp]], data: list[Array], width: int) -> Relations:
    if not rows:
        return sparse.csr_array((0, width))
    starts = np.cumsum([0, *(len(row) for row in rows)])
    shape = (len(rows), width)
    return sparse.csr_array((np.concatenate(data), np.concatenate(rows), starts), shape=shape)


def link(
    tables: Mapping[str, Cells], identities: Sequence[Mapping[str, float]] = ()
) -> tuple[Cells, dict[str, NDArray[np.intp]]]:
    """Join tables whose cells bind each other.

    Tables of the same variable (named alike before a colon, as ``visits:region`` with
    ``visits:age``) share the cells that have the same labels; in a nested dimension the finest
    label counts. Identities bind variables cell by
    cell: ``{"budget": 1, "spending": -1, "surplus": -1}`` says that this sum is zero; a variable
    without the cell counts as zero there.

    Parameters
    ----------
    tables : mapping of str to Cells
    identities : sequence of mapping
        Variable -> coefficient.

    Returns
    -------
    cells : Cells
        With a column ``variable`` before the labels.
    places : dict of str to ndarray of int
        For each table, where its cells stand.

    Raises
    ------
    DataError
        If two tables give different numbers for one cell, or an identity does not hold.
    """
    keys = [_keys(name, cells) for name, cells in tables.items()]
    stacked = pd.concat(keys, ignore_index=True).fillna(TOTAL)
    columns = sorted(stacked.columns.drop(["variable", "_value", "_low", "_table"]))
    codes = stacked.groupby(["variable", *columns], sort=True).ngroup().to_numpy()
    first = stacked.assign(_code=codes).groupby("_code").first()
    value, low = first["_value"].to_numpy(), first["_low"].to_numpy()
    places = {name: codes[(stacked["_table"] == name).to_numpy()] for name in tables}
    parts = [_moved(cells.relations, places[name], len(value)) for name, cells in tables.items()]
    labels = first[["variable", *columns]].reset_index(drop=True)
    linked = Cells(labels, value, sparse.vstack(parts, format="csr"), low)
    spread = np.abs(stacked["_value"].to_numpy() - value[codes])
    apart = np.flatnonzero(spread > 0.005 + 1e-9 * np.abs(value[codes]))
    if len(apart):
        shown = first_three(linked.place(int(code)) for code in np.unique(codes[apart]))
        raise DataError(f"linked tables give different numbers for {shown}.\n  Mend one of them.")
    rows = [linked.relations, _identities(linked, identities)]
    together = replace(linked, relations=sparse.vstack(rows, format="csr"))
    _check_sums(together, "linked tables")
    return together, places


def _keys(name: str, cells: Cells) -> pd.DataFrame:
    """Return what identifies the cells of a table: of each dimension only the finest label."""
    keys = cells.labels.copy()
    for levels in cells.dimensions:
        for coarse, fine in pairwise(levels):
            keys[coarse] = keys[coarse].where(keys[fine] == TOTAL, TOTAL)
    twice = np.flatnonzero(keys.duplicated(keep=False).to_numpy())
    if len(twice):
        shown = first_three(cells.place(int(cell)) for cell in twice)
        raise DataError(
            f"{name}: the same label stands under several parents: {shown}.\n"
            "  Make the labels of the finest level unique."
        )
    return keys.assign(variable=name.split(":")[0], _value=cells.value, _low=cells.low, _table=name)


def _moved(relations: Relations, places: NDArray[np.intp], width: int) -> Relations:
    rows = sparse.coo_array(relations)
    shape = (relations.shape[0], width)
    return sparse.csr_array((rows.data, (rows.row, places[rows.col])), shape=shape)


def _identities(cells: Cells, identities: Sequence[Mapping[str, float]]) -> Relations:
    """Return one relation a cell and identity; a variable without that cell counts as zero."""
    keys = cells.labels.drop(columns="variable")
    place = keys.groupby(list(keys.columns), sort=True).ngroup().to_numpy()
    rows: list[NDArray[np.intp]] = []
    data: list[Array] = []
    for identity in identities:
        grid = np.full((place.max() + 1, len(identity)), -1, dtype=np.intp)
        for column, name in enumerate(identity):
            at = np.flatnonzero((cells.labels["variable"] == name).to_numpy())
            grid[place[at], column] = at
        factors = np.array(list(identity.values()), dtype=float)
        for row in grid[(grid >= 0).any(axis=1)]:
            rows.append(row[row >= 0])
            data.append(factors[row >= 0])
    return _sparse(rows, data, len(cells.value))
