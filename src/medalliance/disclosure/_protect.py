"""Complementary suppression: the cheapest set of cells that keeps primary cells uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, first_three
from ._attack import (
    Array,
    Mask,
    Relations,
    System,
    furthest,
    read_cells,
    shared_move,
    split_blocks,
)

ROUNDS = 60


class TooCertainError(DataError):
    """Primary cells that no set of hidden cells protects.

    Attributes
    ----------
    cells : list of int
        Their places.
    """

    def __init__(self, cells: list[int]) -> None:
        self.cells = cells
        super().__init__(
            f"cells {first_three(cells)} stay too certain even when all other cells are hidden.\n"
            "  Withhold the table, or join categories."
        )


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


@dataclass(frozen=True, eq=False)
class Protection:
    """Which cells are hidden so that the primary ones stay uncertain.

    Attributes
    ----------
    hidden, primary : ndarray of bool, shape (n_cells,)
        All hidden cells; those hidden for their own sake.
    loss : float
        Weight of the complementary cells.
    at_least : float
        No set that protects can weigh less: equal to ``loss`` if the set is proved the best.
    """

    hidden: Mask
    primary: Mask
    loss: float = 0.0
    at_least: float = 0.0

    @property
    def complementary(self) -> Mask:
        """Cells hidden for the sake of others, shape (n_cells,)."""
        return self.hidden & ~self.primary

    @property
    def method(self) -> str:
        """``"best"`` if no lighter set protects, else ``"good"``."""
        return "best" if self.loss <= self.at_least * (1 + 1e-6) + 1e-9 else "good"


@dataclass(eq=False)
class _Task:
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


def protect(
    value: ArrayLike,
    relations: Relations,
    primary: ArrayLike,
    need: Need,
    *,
    low: ArrayLike = 0.0,
    high: ArrayLike = np.inf,
    weight: ArrayLike | None = None,
    keep: ArrayLike | None = None,
    hidden: ArrayLike | None = None,
    insiders: Sequence[ArrayLike] = (),
    whole: bool = False,
    rounds: int = ROUNDS,
) -> Protection:
    """Choose the complementary cells with the least weight that protect every primary cell.

    Cells that share relations are one block; blocks are solved one by one. In a block an integer
    programme proposes a set, the attacker's programmes look for a primary cell that is too
    certain, and their multipliers become a new inequality, until none is found. A block that does
    not get there in ``rounds`` keeps the set of the heuristic, with a bound on how far it can be
    from the best.

    Parameters
    ----------
    value, relations, low, high
        As for :func:`attack`.
    primary : array_like of bool, shape (n_cells,)
        Cells hidden for their own sake.
    need : Need
        How uncertain they must stay.
    weight : array_like, shape (n_cells,), optional
        Positive loss if a cell is hidden; its absolute value (at least 1) by default.
    keep : array_like of bool, optional
        Cells that must be published. By default those that are zero, which nobody believes hidden.
    hidden : array_like of bool, optional
        Cells that are hidden already and cost nothing.
    insiders : sequence of array_like of bool
        Cells that one insider knows exactly. Primary cells must stay uncertain to each of them
        too, except the insider's own.
    whole : bool
        Whether everybody knows that cells are whole numbers.
    rounds : int
        Proposals a block before the heuristic's set is kept.

    Returns
    -------
    Protection

    Raises
    ------
    TooCertainError
        If primary cells stay too certain even when all that may be hidden is.

    References
    ----------
    Fischetti and Salazar (2001), Management Science 47(7): the integer programme with capacity
    inequalities; Salazar (2002), Inference Control in Statistical Databases: several attackers.
    """
    cells = read_cells(value, relations, low, high)
    n = len(cells.value)
    first = np.asarray(primary, dtype=bool)
    start = first | (False if hidden is None else np.asarray(hidden, dtype=bool))
    if weight is None:
        weight = np.maximum(np.abs(cells.value), 1.0)
    weights = np.broadcast_to(np.asarray(weight, dtype=np.float64), n)
    if not (weights > 0).all():
        raise DataError("weights of cells must be positive.\n  Give each cell what its loss costs.")
    kept = cells.value == 0 if keep is None else np.asarray(keep, dtype=bool)
    may = start | ~kept
    known = [np.asarray(mask, dtype=bool) for mask in insiders]
    chosen, loss, bound = start.copy(), 0.0, 0.0
    for block in split_blocks(cells.relations, may):
        if not first[block].any():
            continue
        inside = np.zeros(n, dtype=bool)
        inside[block] = True
        near = [mask & inside for mask in known if (mask & inside).any()]
        task = _Task(cells, block, first & inside, need, weights, inside & ~start, near, whole)
        picked, least = _solve(task, start, rounds)
        chosen |= picked
        loss += float(weights[picked & ~start].sum())
        bound += least
    return Protection(chosen, first, loss, bound)


def _solve(task: _Task, start: Mask, rounds: int) -> tuple[Mask, float]:
    """Return the set chosen in a block with the least weight that any set can have."""
    from ._search import Master, good_set

    if not violations(task, start, stop=True):
        return start, 0.0
    everything = start | task.free
    stuck = violations(task, everything)
    if stuck:
        raise TooCertainError(sorted({cell for cell, _ in stuck}))
    known = good_set(task, start)
    cost = float(task.weight[known & ~start].sum())
    master = Master(task, start, cost)
    least = 0.0
    for _ in range(rounds):
        found = master.propose()
        if found is None:
            break
        proposal, least = found
        if least >= cost * (1 - 1e-7):
            return known, cost
        cuts = violations(task, proposal)
        if not cuts:
            return proposal, least
        master.add([cut for _, cut in cuts], proposal)
    return known, least


def violations(
    task: _Task, hidden: Mask, *, stop: bool = False
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


def _unproved(task: _Task, part: NDArray[np.intp], cells: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the cells that no known move shows to be uncertain enough, after a few cheap ones."""
    left = cells[~_proved(task, part, cells)]
    for sign in (1.0, -1.0):
        if len(left) > 2:
            _try_together(task, part, left, sign)
            left = left[~_proved(task, part, left)]
    return left


def _proved(task: _Task, part: NDArray[np.intp], cells: NDArray[np.intp]) -> Mask:
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


def _try_together(
    task: _Task, part: NDArray[np.intp], cells: NDArray[np.intp], sign: float
) -> None:
    """Remember moves that carry many cells at once, first one way and then back."""
    asked = np.maximum(np.maximum(task.need.above, task.need.below), task.need.width)
    ways = np.where(np.arange(len(cells)) % 2 == 0, 1.0, sign)
    for way in (ways, -ways):
        move = shared_move(task.cells, part, cells, way, asked[cells])
        if move is not None and not (task.whole and np.abs(move - np.round(move)).max() > 1e-6):
            _remember(task, part, move)


def _too_certain(
    task: _Task, part: NDArray[np.intp], cell: int, knows: Mask
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


def _shares(task: _Task, cell: int, sign: int, price: Array, knows: Mask) -> Array:
    """Return how much each cell, if hidden, can add to the reach: reduced costs times room."""
    reduced = -(task.cells.relations.T @ price)
    reduced[cell] -= sign
    reduced[np.abs(reduced) < 1e-9] = 0.0
    with np.errstate(invalid="ignore"):
        up = np.where(reduced < 0, -reduced * task.cells.above, 0.0)
        down = np.where(reduced > 0, reduced * task.cells.below, 0.0)
    return np.where(knows, 0.0, up + down)


def _remember(task: _Task, part: NDArray[np.intp], move: Array) -> None:
    full = np.zeros(len(task.cells.value))
    full[part] = np.where(np.abs(move) > 1e-9, move, 0.0)
    task.moves.append(full)
    if len(task.moves) > 200:
        del task.moves[0]
