"""The search for complementary cells: an integer programme, and a set that is good at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._task import Task, violations

if TYPE_CHECKING:
    from ._attack import Array, Mask

NODES = 20_000


class Master:
    """The integer programme over sets of hidden cells, grown by inequalities.

    Parameters
    ----------
    task : Task
    start : ndarray of bool, shape (n_cells,)
        Cells that are hidden anyway.
    known : float
        Weight of a set that protects: heavier cells are not looked at, and it is the unit.
    """

    def __init__(self, task: Task, start: Mask, known: float) -> None:
        self.start = start
        self.free = np.flatnonzero(task.free & (task.weight <= known * (1 + 1e-9)))
        self.scale = known
        self.cost = task.weight[self.free] / known
        self.rows: list[sparse.csr_array] = []
        self.least: list[float] = []
        self._no_bridges(task)

    def propose(self) -> tuple[Mask, float] | None:
        """Return the lightest set that keeps every inequality, with a bound on its weight.

        None if the solver gave up before it had a set.
        """
        from scipy.optimize import LinearConstraint, milp

        matrix = sparse.vstack(self.rows, format="csr") if self.rows else None
        limits = None if matrix is None else LinearConstraint(matrix, np.array(self.least), np.inf)
        solved = milp(
            self.cost,
            constraints=limits,
            bounds=(0, 1),  # type: ignore[arg-type]
            integrality=np.ones(len(self.free)),
            options={"node_limit": NODES, "mip_rel_gap": 0.0},
        )
        if solved.x is None:
            return None
        chosen = self.start.copy()
        chosen[self.free[solved.x > 0.5]] = True
        bound = solved.mip_dual_bound if solved.mip_dual_bound is not None else solved.fun
        return chosen, float(bound) * self.scale

    def add(self, cuts: list[tuple[Array, float]], proposal: Mask) -> None:
        """Add inequalities ``share @ hidden >= need``, each cut to what a single cell can give."""
        for share, need in cuts:
            rest = need - share[self.start].sum()
            gain = np.minimum(share[self.free], max(rest, 0.0))
            if not np.isfinite(rest) or rest <= 0 or gain[proposal[self.free]].sum() > rest * 0.999:
                # whole numbers, or rounding, hide the proof: one more cell is needed than these
                gain, rest = (~proposal[self.free]).astype(float), 1.0
            self._add_row(gain / rest, 1.0)

    def _no_bridges(self, task: Task) -> None:
        """Demand that no cell is hidden alone in a relation, where it would be known at once."""
        place = np.full(len(self.start), -1)
        place[self.free] = np.arange(len(self.free))
        for k in range(task.cells.relations.shape[0]):
            members = task.cells.relations[[k]].indices
            fixed = int(self.start[members].sum())
            loose = place[members][place[members] >= 0]
            if fixed > 1:
                continue
            total = np.zeros(len(self.free))
            total[loose] = 1.0
            if fixed:
                if task.asked[members].any():
                    self._add_row(total, 1.0)
                continue
            for cell in loose:
                row = total.copy()
                row[cell] = -1.0
                self._add_row(row, 0.0)

    def _add_row(self, row: Array, least: float) -> None:
        self.rows.append(sparse.csr_array(row[None, :]))
        self.least.append(least)


def good_set(task: Task, start: Mask) -> Mask:
    """Return a set that protects, found by flows cell by cell, then thinned out.

    References
    ----------
    Kelly, Golden and Assad (1992), Networks 22: the linear programme that moves a primary cell by
    its need at the least weight of cells that move with it.
    """
    hidden = start.copy()
    for _ in range(3):
        open_needs = violations(task, hidden)
        if not open_needs:
            break
        for cell in dict.fromkeys(cell for cell, _ in open_needs):
            for knows in [np.zeros(len(hidden), dtype=bool), *task.insiders]:
                if not knows[cell]:
                    hidden |= _cheapest_moves(task, hidden, cell, knows)
    if violations(task, hidden, stop=True):
        hidden = start | task.free
    extra = np.flatnonzero(hidden & ~start)
    for cell in extra[np.argsort(-task.weight[extra], kind="stable")]:
        hidden[cell] = False
        if violations(task, hidden, stop=True):
            hidden[cell] = True
    return hidden


def _cheapest_moves(task: Task, hidden: Mask, cell: int, knows: Mask) -> Mask:
    """Return the cells that move when one is moved up and down by its need at least weight."""
    above, below = task.cells.above[cell], task.cells.below[cell]
    down = min(below, max(task.need.below[cell], task.need.width[cell] / 2))
    up = min(above, max(task.need.above[cell], task.need.width[cell] - down))
    down = min(below, max(down, task.need.width[cell] - up))
    found = np.zeros(len(hidden), dtype=bool)
    for size in (up, -down):
        if size:
            found |= _cheapest_move(task, hidden | found, cell, size, knows)
    return found


def _cheapest_move(task: Task, hidden: Mask, cell: int, size: float, knows: Mask) -> Mask:
    from scipy.optimize import linprog

    usable = task.block[~knows[task.block]]
    rows, part = task.cells.among(usable)
    room = np.minimum(abs(size), np.maximum(task.cells.above, task.cells.below)[usable])
    price = np.where(hidden[usable], 0.0, task.weight[usable] / np.maximum(room, 1e-12))
    up, down = task.cells.above[usable] / abs(size), task.cells.below[usable] / abs(size)
    mine = usable == cell
    up, down = np.where(mine, size > 0, up), np.where(mine, size < 0, down)
    matrix = sparse.csr_array(np.vstack([part, mine]) if isinstance(part, np.ndarray) else
                              sparse.vstack([part, sparse.csr_array(mine[None, :])]))  # fmt: skip
    solved = linprog(
        np.concatenate([price, price]) / max(float(price.max(initial=0.0)), 1e-12),
        A_eq=sparse.hstack([matrix, -matrix], format="csr"),
        b_eq=np.r_[np.zeros(len(rows)), np.sign(size)],
        bounds=np.column_stack([np.zeros(2 * len(usable)), np.concatenate([up, down])]),
    )
    moved = np.zeros(len(hidden), dtype=bool)
    if solved.status == 0:
        change = solved.x[: len(usable)] - solved.x[len(usable) :]
        moved[usable[np.abs(change) > 1e-9]] = True
    return moved & task.free
