"""Separation: whether a likelihood of shares, counts or choices has no maximum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bool = NDArray[np.bool_]
RANK_TOLERANCE = 1e-10


def separating_direction(x: Array, low: Bool, high: Bool) -> Array | None:
    """Find coefficients along which the likelihood rises without end.

    Rows inside the limits must not move along them, rows at a limit must move towards it or stay,
    one of them must move. Without such a direction the maximum exists.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        Regressors.
    low, high : ndarray of bool, shape (n,)
        Rows whose outcome is at the lower or the upper limit of the mean.

    Returns
    -------
    ndarray, shape (k,), or None
        In units of columns scaled to length one.

    References
    ----------
    Albert, Anderson (1984); Correia, Guimaraes, Zylkin (2021), Proposition 1.
    """
    from scipy.optimize import linprog

    ends = low | high
    if not ends.any():
        return None
    length = np.linalg.norm(x, axis=0)
    scaled = x / np.where(length > 0, length, 1.0)
    inside = scaled[~ends]
    values, vectors = np.linalg.eigh(inside.T @ inside)
    free = vectors[:, values <= RANK_TOLERANCE * max(values[-1], 1.0)]
    if not free.shape[1]:
        return None
    moves = np.where(high, 1.0, -1.0)[ends, None] * (scaled[ends] @ free)
    size = np.abs(moves).max(axis=1)
    moves = np.unique(np.round(moves[size > 1e-9] / size[size > 1e-9, None], 12), axis=0)
    if not len(moves):
        return None
    found = linprog(
        -moves.sum(axis=0),
        A_ub=np.vstack([-moves, moves]),
        b_ub=np.r_[np.zeros(len(moves)), np.ones(len(moves))],
        bounds=(None, None),
        method="highs",
    )
    if not found.success or -found.fun < 1e-6:
        return None
    return np.asarray(free @ found.x)


def at_fault(direction: Array, names: tuple[str, ...]) -> list[str]:
    """Name the columns that a direction moves, shape (k,)."""
    return [names[j] for j in np.flatnonzero(np.abs(direction) > 1e-6 * np.abs(direction).max())]
