"""Complementary suppression: the cheapest set of cells that keeps primary cells uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError, first_three
from ._attack import Mask, Relations, read_cells, split_blocks
from ._search import Master, good_set
from ._task import Need, Task, violations

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
    from the best. A table of 40 by 40 with 250 small cells takes about a second.

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
        task = Task(cells, block, first & inside, need, weights, inside & ~start, near, whole)
        picked, least = _solve(task, start, rounds)
        chosen |= picked
        loss += float(weights[picked & ~start].sum())
        bound += least
    return Protection(chosen, first, loss, bound)


def _solve(task: Task, start: Mask, rounds: int) -> tuple[Mask, float]:
    """Return the set chosen in a block with the least weight that any set can have."""
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
