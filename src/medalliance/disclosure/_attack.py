"""What a reader can work out about hidden cells from the published ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ..errors import DataError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Relations = Any  # sparse csr array, which has no stubs

DENSE = 10_000  # small programmes are solved sooner from a full matrix
TOLERANCE = 1e-9  # of the largest number in a block
_TIGHT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def attack(
    value: ArrayLike,
    relations: Relations,
    hidden: ArrayLike,
    *,
    low: ArrayLike = 0.0,
    high: ArrayLike = np.inf,
    known: ArrayLike | None = None,
    whole: bool = False,
) -> Array:
    """Find the narrowest interval in which each hidden cell must lie.

    The attacker knows every published cell, every relation between cells, and the bounds. The
    interval's ends are two linear programmes a cell.

    Parameters
    ----------
    value : array_like, shape (n_cells,)
        True values; those of hidden cells serve as a feasible point only.
    relations : sparse array, shape (n_relations, n_cells)
        ``relations @ value`` is zero: +1 for a total, -1 for each of its parts.
    hidden : array_like of bool, shape (n_cells,)
        Cells that are not published.
    low, high : array_like, shape (n_cells,) or scalar
        What everybody knows beforehand: 0 for what cannot be negative.
    known : array_like of bool, optional
        Hidden cells that this attacker knows, such as an institution its own.
    whole : bool
        Whether everybody knows that cells are whole numbers. Then the ends are exact for whole
        numbers, which can be narrower than those of the linear programme.

    Returns
    -------
    ndarray, shape (n_cells, 2)
        Lowest and highest feasible value; both the value itself where the cell is published.

    Raises
    ------
    DataError
        If shapes differ or the values break a relation or a bound.

    References
    ----------
    Fischetti and Salazar (2001), Solving the cell suppression problem on tabular data with linear
    constraints, Management Science 47(7), the attacker's programmes (3) and (4).
    """
    cells = read_cells(value, relations, low, high)
    open_cells = np.asarray(hidden, dtype=bool).copy()
    if known is not None:
        open_cells &= ~np.asarray(known, dtype=bool)
    found = np.column_stack([cells.value, cells.value])
    for block in split_blocks(cells.relations, open_cells):
        for cell in block:
            for side, sign in ((0, -1.0), (1, 1.0)):
                reach = furthest(cells, block, int(cell), sign, whole=whole).reach
                found[cell, side] = cells.value[cell] + sign * reach
    return found


@dataclass(frozen=True, eq=False)
class System:
    """Cells with their relations: values, room below and above, and who adds up to whom.

    Attributes
    ----------
    value : ndarray, shape (n_cells,)
    relations : sparse array, shape (n_relations, n_cells)
    below, above : ndarray, shape (n_cells,)
        How far a cell may lie below or above its value for all that is known beforehand.
    """

    value: Array
    relations: Relations
    below: Array
    above: Array

    @cached_property
    def by_cell(self) -> Relations:
        """The relations by column, from which those of a few cells are cut quickly."""
        return sparse.csc_array(self.relations)

    def among(self, block: NDArray[np.intp]) -> tuple[NDArray[np.intp], Any]:
        """Return the relations that bind a block, as row numbers and as a matrix of its columns."""
        part = self.by_cell[:, block]
        rows = np.unique(part.indices)
        if len(rows) * len(block) < DENSE:
            full = np.zeros((len(rows), len(block)))
            column = np.repeat(np.arange(len(block)), np.diff(part.indptr))
            full[np.searchsorted(rows, part.indices), column] = part.data
            return rows, full
        return rows, sparse.csr_array(part)[rows]


@dataclass(frozen=True, eq=False)
class Reach:
    """How far a cell can be moved, with the proof.

    Attributes
    ----------
    reach : float
        Furthest distance from the value, infinite if nothing holds the cell.
    move : ndarray, shape (n_block,) or None
        A change of the block's cells that goes so far; None if infinite.
    price : ndarray, shape (n_relations,)
        Multipliers of the relations that show that no change goes further.
    """

    reach: float
    move: Array | None
    price: Array


def read_cells(
    value: ArrayLike, relations: Relations, low: ArrayLike = 0.0, high: ArrayLike = np.inf
) -> System:
    """Check values against relations with bounds.

    Raises
    ------
    DataError
        Naming the first three cells or relations that are wrong.
    """
    numbers = np.asarray(value, dtype=np.float64)
    rows = sparse.csr_array(relations, dtype=np.float64)
    if numbers.ndim != 1 or rows.shape[1] != len(numbers):
        raise DataError(
            f"{rows.shape[1]} columns of relations for values of shape {numbers.shape}.\n"
            "  Give one value a cell."
        )
    lowest = np.broadcast_to(np.asarray(low, dtype=np.float64), numbers.shape)
    highest = np.broadcast_to(np.asarray(high, dtype=np.float64), numbers.shape)
    if not np.isfinite(numbers).all():
        places = np.flatnonzero(~np.isfinite(numbers))[:3]
        raise DataError(f"cells {places.tolist()} are blank or infinite.\n  Give every value.")
    slack = TOLERANCE * max(1.0, float(np.abs(numbers).max(initial=0.0)))
    outside = np.flatnonzero((numbers < lowest - slack) | (numbers > highest + slack))
    if len(outside):
        raise DataError(
            f"cells {outside[:3].tolist()} lie outside the bounds known beforehand.\n"
            "  Give low=-inf where values can be negative."
        )
    gap = np.abs(rows @ numbers)
    off = np.flatnonzero(gap > 0.011 + 100 * slack)
    if len(off):
        raise DataError(
            f"relations {off[:3].tolist()} do not add up, by {gap[off[:3]].tolist()}.\n"
            "  Mend the margins."
        )
    below, above = np.maximum(numbers - lowest, 0.0), np.maximum(highest - numbers, 0.0)
    return System(numbers, rows, below, above)


def split_blocks(relations: Relations, open_cells: Mask) -> list[NDArray[np.intp]]:
    """Return the groups of open cells that share relations, directly or through others."""
    chosen = np.flatnonzero(open_cells)
    if not len(chosen):
        return []
    links = abs(relations[:, chosen])
    _, group = sparse.csgraph.connected_components(links.T @ links, directed=False)
    order = np.argsort(group, kind="stable")
    return list(np.split(chosen[order], np.flatnonzero(np.diff(group[order])) + 1))


def furthest(
    cells: System, block: NDArray[np.intp], cell: int, sign: float, *, whole: bool = False
) -> Reach:
    """Move one cell of a block as far up or down as relations with bounds allow.

    Parameters
    ----------
    cells : System
    block : ndarray of int, shape (n_block,)
        Open cells connected with each other; all others are known.
    cell : int
        One of them.
    sign : float
        1 for up, -1 for down.
    whole : bool
        Whether only whole numbers are feasible.
    """
    from scipy.optimize import linprog

    rows, part = cells.among(block)
    price = np.zeros(cells.relations.shape[0])
    unit = 1.0 if whole else _unit(cells, block)
    goal = np.where(block == cell, -sign, 0.0)
    bounds = np.column_stack([-cells.below[block], cells.above[block]]) / unit
    if not len(rows):
        free = cells.above[cell] if sign > 0 else cells.below[cell]
        move = sign * np.where(block == cell, free, 0.0) if np.isfinite(free) else None
        return Reach(float(free), move, price)
    options = _TIGHT if len(block) > 1 else {}
    equal = np.zeros(len(rows))
    solved = linprog(goal, A_eq=part, b_eq=equal, bounds=bounds, options=options)
    if solved.status in (3, 4):
        return Reach(np.inf, None, price)
    if solved.status != 0:
        raise ArithmeticError(f"the attacker's programme was not solved: {solved.message}")
    price[rows] = solved.eqlin.marginals
    move = solved.x * unit
    if whole and np.abs(move - np.round(move)).max() > 1e-6:
        move = _whole_move(part, goal, bounds)
    reach = max(float(sign * move[block == cell][0]), 0.0)
    return Reach(round(reach) if whole else reach, move, price)


def shared_move(
    cells: System,
    block: NDArray[np.intp],
    chosen: NDArray[np.intp],
    way: Array,
    enough: Array,
) -> Array | None:
    """Move several cells of a block at once, each its own way and no further than enough.

    Returns
    -------
    ndarray, shape (n_block,), or None
        A feasible change of the block's cells.
    """
    from scipy.optimize import linprog

    rows, part = cells.among(block)
    if not len(rows):
        return None
    unit = _unit(cells, block)
    goal, below, above = np.zeros(len(block)), cells.below[block].copy(), cells.above[block].copy()
    place = np.searchsorted(block, chosen)
    goal[place] = -way
    above[place] = np.where(way > 0, np.minimum(above[place], enough), above[place])
    below[place] = np.where(way < 0, np.minimum(below[place], enough), below[place])
    bounds = np.column_stack([-below, above]) / unit
    solved = linprog(goal, A_eq=part, b_eq=np.zeros(len(rows)), bounds=bounds, options=_TIGHT)
    return solved.x * unit if solved.status == 0 else None


def _whole_move(part: Relations, goal: Array, bounds: Array) -> Array:
    from scipy.optimize import LinearConstraint, milp

    solved = milp(
        goal,
        constraints=LinearConstraint(part, 0.0, 0.0),
        bounds=(bounds[:, 0], bounds[:, 1]),  # type: ignore[arg-type]
        integrality=np.ones(len(goal)),
        options={"mip_rel_gap": 0.0},
    )
    if solved.status != 0:
        raise ArithmeticError(f"the attacker's whole numbers were not found: {solved.message}")
    return np.round(solved.x)


def _unit(cells: System, block: NDArray[np.intp]) -> float:
    """Return the size that numbers of a block are measured in, so that tolerances mean much."""
    room = np.minimum(cells.below[block], cells.above[block])
    finite = np.r_[room[np.isfinite(room)], np.abs(cells.value[block])]
    largest = float(finite.max(initial=0.0))
    return largest if largest > 1e4 else 1.0
