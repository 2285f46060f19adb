"""Columns that others determine: which to drop, and how to say so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import first_three

Array = NDArray[np.float64]
EMPTY = 1e-10
DETERMINED = 1e-9


def independent(gram: Array, raw: Array, n_fixed: int = 0) -> NDArray[np.bool_]:
    """Choose columns, in their order, that the chosen ones before do not determine.

    Parameters
    ----------
    gram : ndarray, shape (k, k)
        Cross products of columns without what is absorbed (a constant, unit and year effects).
    raw : ndarray, shape (k,)
        Sums of squares of the columns as they were.
    n_fixed : int
        The first so many always stay.

    Returns
    -------
    ndarray of bool, shape (k,)
    """
    scale = np.sqrt(np.maximum(np.diag(gram), 0.0))
    keep = scale > EMPTY * np.sqrt(raw)
    keep[:n_fixed] = True
    length = np.where(scale > 0, scale, 1.0)
    left = gram / np.outer(length, length)
    for j in range(len(keep)):
        if j >= n_fixed and left[j, j] < DETERMINED:
            keep[j] = False
        if keep[j] and left[j, j] > DETERMINED:
            left = left - np.outer(left[:, j], left[j]) / left[j, j]
    return keep


def drop_collinear(names: Sequence[str], columns: Array) -> tuple[list[int], tuple[str, ...]]:
    """Drop columns that are constant or that the columns before determine.

    Parameters
    ----------
    names : sequence of str
    columns : ndarray, shape (k, n)
        Rows used.

    Returns
    -------
    kept : list of int
        Places of the columns that stay.
    phrases : tuple of str
        One for each column dropped, with the reason.
    """
    centred = columns - columns.mean(axis=1, keepdims=True)
    gram = centred @ centred.T
    raw = (columns**2).sum(axis=1)
    keep = independent(gram, raw)
    constant = np.diag(gram) <= EMPTY**2 * raw
    phrases = []
    for j in np.flatnonzero(~keep).tolist():
        before = np.flatnonzero(keep[:j]).tolist()
        if constant[j] or not before:
            phrases.append(f"{names[j]} (constant)")
            continue
        size = np.sqrt(np.diag(gram)[before] / gram[j, j])
        share = size * np.linalg.solve(gram[np.ix_(before, before)], gram[before, j])
        others = [names[i] for i, s in zip(before, share, strict=True) if abs(s) > 1e-6]
        phrases.append(f"{names[j]} (collinear with {first_three(others)})")
    return [int(j) for j in np.flatnonzero(keep)], tuple(phrases)


def absorbed(names: Sequence[str], keep: NDArray[np.bool_], by: str) -> tuple[str, ...]:
    """Say which columns were dropped because others absorb them."""
    lost = (name for name, stays in zip(names, keep, strict=True) if not stays)
    return tuple(f"{name} (nothing is left of it beside {by})" for name in lost)
