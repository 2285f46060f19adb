"""What a block of cells needs, and which of its primary cells are still too certain."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._attack import Array, Mask, System, furthest, shared_move, split_blocks


@dataclass(frozen=True, eq=False)
class Need:
    """How uncertain each primary cell has to stay; zero elsewhere.

    Attributes
    ----------
    below, above : ndarray, shape (n_cells,)
        The attacker's interval must go so far below and above the value.
    width : ndarray, shape (n_cells,)
        The interval must be so wide, wherever it lies.
    """

    below: Array
    above: Array
    width: Array

    @classmethod
    def of(
        cls, n_cells: int, *, below: ArrayLike = 0.0, above: ArrayLike = 0.0, width: ArrayLike = 0.0
    ) -> Need:
        """Make needs of the same shape from scalars or arrays."""
        sides = (below, above, width)
        return cls(*(np.broadcast_to(np.asarray(side, float), n_cells).copy() for side in sides))


@dataclass(eq=False)
class Task:
    """One block of cells with what the search carries along."""

    cells: System
    block: NDArray[np.intp]
    primary: Mask
    need: Need
    weight: Array
    free: Mask
    insiders: list[Mask]
    whole: bool
    moves: list[Array] = field(default_factory=list)

    @property
    def asked(self) -> Mask:
        """Primary cells that need any uncertainty at all, shape (n_cells,)."""
        some = (self.need.below > 0) | (self.need.above > 0) | (self.need.width > 0)
        return self.primary & some


def violations(
    task: Task, hidden: Mask, *, stop: bool = False
) -> list[tuple[int, tuple[Array, float]]]:
    """Return the primary cells of a block that are too certain, each with its inequality.

    An inequality ``(share, need)`` says that ``share @ hidden`` must reach ``need`` for any set
    that protects the cell.
    """
    found: list[tuple[int, tuple[Array, float]]] = []
    nobody = np.zeros(len(hidden), dtype=bool)
    for knows in [nobody, *task.insiders]:
        exposed = task.primary & ~knows
        open_cells = np.zeros(len(hidden), dtype=bool)
        open_cells[task.block] = hidden[task.block]
        for part in split_blocks(task.cells.relations, open_cells & ~knows):
            for cell in _unproved(task, part, part[exposed[part]]):
                cut = _too_certain(task, part, int(cell), knows)
                if cut is not None:
                    found.append((int(cell), cut))
                    if stop:
                        return found
    return found


def _unproved(task: Task, part: NDArray[np.intp], cells: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the cells that no known move shows to be uncertain enough, after a few cheap ones."""
    left = cells[~_proved(task, part, cells)]
    for sign in (1.0, -1.0):
        if len(left) > 2:
            _try_together(task, part, left, sign)
            left = left[~_proved(task, part, left)]
    return left


def _proved(task: Task, part: NDArray[np.intp], cells: NDArray[np.intp]) -> Mask:
    """Return which cells known moves, of open cells alone, carry as far as they must go."""
    if not task.moves or not len(cells):
        return np.zeros(len(cells), dtype=bool)
    moves = np.stack(task.moves)
    closed = np.ones(moves.shape[1], dtype=bool)
    closed[part] = False
    moves = moves[~(moves[:, closed] != 0).any(axis=1)][:, cells]
    up, down = moves.max(axis=0, initial=0.0), -moves.min(axis=0, initial=0.0)
    need = task.need
    enough = (up >= need.above[cells]) & (down >= need.below[cells])
    return enough & (up + down >= need.width[cells])


def _try_together(task: Task, part: NDArray[np.intp], cells: NDArray[np.intp], sign: float) -> None:
    """Remember moves that carry many cells at once, first one way and then back."""
    asked = np.maximum(np.maximum(task.need.above, task.need.below), task.need.width)
    ways = np.where(np.arange(len(cells)) % 2 == 0, 1.0, sign)
    for way in (ways, -ways):
        move = shared_move(task.cells, part, cells, way, asked[cells])
        if move is not None and not (task.whole and np.abs(move - np.round(move)).max() > 1e-6):
            _remember(task, part, move)


def _too_certain(
    task: Task, part: NDArray[np.intp], cell: int, knows: Mask
) -> tuple[Array, float] | None:
    """Return the inequality that a cell's interval breaks, or None if it is wide enough."""
    need = task.need
    asked = {1: float(need.above[cell]), -1: float(need.below[cell])}
    width = float(need.width[cell])
    far: dict[int, float] = {}
    shares: dict[int, Array] = {}
    for sign in (1, -1):
        reach = furthest(task.cells, part, cell, sign, whole=task.whole)
        far[sign] = reach.reach
        if reach.move is not None:
            _remember(task, part, reach.move)
        shares[sign] = _shares(task, cell, sign, reach.price, knows)
        if _short(far[sign], asked[sign]):
            return shares[sign], asked[sign]
    return (shares[1] + shares[-1], width) if _short(far[1] + far[-1], width) else None


def _short(reach: float, asked: float) -> bool:
    return reach < asked - 1e-6 * max(1.0, asked * 1e-3)


def _shares(task: Task, cell: int, sign: int, price: Array, knows: Mask) -> Array:
    """Return how much each cell, if hidden, can add to the reach: reduced costs times room."""
    reduced = -(task.cells.relations.T @ price)
    reduced[cell] -= sign
    reduced[np.abs(reduced) < 1e-9] = 0.0
    with np.errstate(invalid="ignore"):
        up = np.where(reduced < 0, -reduced * task.cells.above, 0.0)
        down = np.where(reduced > 0, reduced * task.cells.below, 0.0)
    return np.where(knows, 0.0, up + down)


def _remember(task: Task, part: NDArray[np.intp], move: Array) -> None:
    full = np.zeros(len(task.cells.value))
    full[part] = np.where(np.abs(move) > 1e-9, move, 0.0)
    task.moves.append(full)
    if len(task.moves) > 200:
        del task.moves[0]
