"""Minimise a Boolean function exactly: prime implicants and every smallest cover.

A cube over k conditions is an index into an array of shape (3,)*k: 0 absent, 1 present,
2 does not matter. The whole lattice of cubes is built by k vectorised passes, so that
8 conditions (6,561 cubes) take milliseconds and 12 (531,441) about a second.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError

ABSENT, PRESENT, ANY = 0, 1, 2
MAX_CONDITIONS = 12
MAX_MODELS = 10_000

Cube = tuple[int, ...]


def prime_implicants(n_conditions: int, on: set[Cube], do_not_care: set[Cube]) -> list[Cube]:
    """List the prime implicants that cover at least one ``on`` row.

    Parameters
    ----------
    n_conditions : int
        Number of conditions k, at most 12.
    on, do_not_care : set of tuple of int, each of length k
        Rows (0/1) that must be covered, and rows that may be.

    Returns
    -------
    list of tuple of int
        Cubes with entries 0, 1 or 2 (does not matter), in lexicographic order.

    References
    ----------
    Quine (1952); McCluskey (1956).
    """
    if n_conditions > MAX_CONDITIONS:
        raise DesignError(
            f"{n_conditions} conditions are too many for an exact minimisation "
            f"(at most {MAX_CONDITIONS}). Keep the conditions that theory needs."
        )
    shape = (3,) * n_conditions
    allowed = _lattice(shape, on | do_not_care, np.logical_and)
    useful = _lattice(shape, on, np.logical_or)
    prime = allowed & useful
    for axis in range(n_conditions):
        wider = np.take(allowed, [ANY], axis=axis)
        literal = np.arange(3) != ANY
        blocked = wider & literal.reshape([-1 if a == axis else 1 for a in range(n_conditions)])
        prime &= ~blocked
    return [tuple(int(v) for v in cube) for cube in np.argwhere(prime)]


def _lattice(shape: tuple[int, ...], rows: set[Cube], combine: np.ufunc) -> NDArray[np.bool_]:
    lattice = np.zeros(shape, dtype=bool)
    for row in rows:
        lattice[row] = True
    for axis in range(len(shape)):
        halves = np.moveaxis(lattice, axis, 0)
        halves[ANY] = combine(halves[ABSENT], halves[PRESENT])
    return lattice


def covers(cube: Cube, row: Cube) -> bool:
    """Return whether a cube contains a row (or a narrower cube)."""
    return all(c in (ANY, r) for c, r in zip(cube, row, strict=True))


def smallest_covers(primes: list[Cube], on: Iterable[Cube]) -> list[tuple[Cube, ...]]:
    """List every smallest set of prime implicants that covers all ``on`` rows.

    Branches on the uncovered row with the fewest remaining primes, deepening the size bound
    until covers appear. All ties are returned, sorted.

    Raises
    ------
    DesignError
        There are more than 10,000 tied models: the data do not decide between them.
    """
    rows = sorted(on)
    if not rows:
        return []
    masks = [sum(1 << i for i, row in enumerate(rows) if covers(cube, row)) for cube in primes]
    by_row = [[j for j, mask in enumerate(masks) if mask >> i & 1] for i in range(len(rows))]
    everything = (1 << len(rows)) - 1
    for size in range(1, len(rows) + 1):
        found: set[frozenset[int]] = set()
        _search(masks, by_row, everything, frozenset(), size, found)
        if found:
            models = [tuple(sorted((primes[j] for j in chosen), reverse=True)) for chosen in found]
            return sorted(models, reverse=True)
    return []


def _search(
    masks: list[int],
    by_row: list[list[int]],
    uncovered: int,
    chosen: frozenset[int],
    size: int,
    found: set[frozenset[int]],
) -> None:
    if not uncovered:
        found.add(chosen)
        if len(found) > MAX_MODELS:
            raise DesignError(
                f"more than {MAX_MODELS:,} models tie. Raise the cuts or use fewer conditions."
            )
        return
    left = size - len(chosen)
    widest = max((mask & uncovered).bit_count() for mask in masks)
    if left * widest < uncovered.bit_count():
        return
    open_rows = [i for i in range(len(by_row)) if uncovered >> i & 1]
    hardest = min(open_rows, key=lambda i: len(by_row[i]))
    for j in by_row[hardest]:
        _search(masks, by_row, uncovered & ~masks[j], chosen | {j}, size, found)
