"""Multiplier bootstrap of influence functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DesignError
from ._cluster import check_finite, cluster_codes, cluster_sums

BLOCK_BYTES = 32_000_000
_ROOT5 = np.sqrt(5.0)
_MAMMEN = ((1 - _ROOT5) / 2, (1 + _ROOT5) / 2)
_MAMMEN_LOW = (_ROOT5 + 1) / (2 * _ROOT5)


def multiplier_draws(
    influence: NDArray[np.float64],
    *,
    clusters: ArrayLike | None = None,
    n_draws: int = 999,
    weights: Literal["rademacher", "mammen"] = "rademacher",
    seed: int = 0,
) -> NDArray[np.float64]:
    """Draw deviations of the estimate by multiplying influence functions, cluster by cluster.

    Draw ``r`` is ``sum_c v_rc sum_{i in c} influence_i / n_units`` with mean-zero, unit-variance
    weights ``v``. The weights are made in blocks, so memory stays below about 50 MB; the draws do
    not depend on the block size, and one seed with the same clusters gives the same weights to
    every estimate.

    Parameters
    ----------
    influence : ndarray, shape (n_units, k)
        Scaled as in R ``did``: the estimate less the truth is about the mean of the influence.
    clusters : array_like, shape (n_units,), optional
        Cluster of each unit; without it every unit is a cluster.
    n_draws : int
        Number of draws R.
    weights : {"rademacher", "mammen"}
        Signs, or Mammen's two points with third moment one.
    seed : int
        Seed of the generator.

    Returns
    -------
    ndarray, shape (n_draws, k)
        Deviations ``estimate* - estimate``.

    Raises
    ------
    DesignError
        If the weights are not known, or there are no draws.
    DataError
        If the influence is not finite.

    References
    ----------
    Callaway, Sant'Anna (2021), Algorithm 1. Mammen (1993).
    """
    if weights not in ("rademacher", "mammen") or n_draws < 1:
        raise DesignError(
            f"weights={weights!r}, n_draws={n_draws}.\n"
            '  Use "rademacher" or "mammen" with one draw or more.'
        )
    influence = np.atleast_2d(np.asarray(influence, float).T).T
    check_finite(influence=influence)
    n_units = len(influence)
    sums = cluster_sums(influence, cluster_codes(clusters, n_units)) / n_units
    low, high = (-1.0, 1.0) if weights == "rademacher" else _MAMMEN
    base = low * sums.sum(axis=0)
    draws = np.empty((n_draws, sums.shape[1]))
    at = 0
    for bits in _bits(len(sums), n_draws, weights == "mammen", np.random.default_rng(seed)):
        draws[at : at + len(bits)] = base + (high - low) * _add_picked(bits, sums)
        at += len(bits)
    return draws


def _bits(
    n_clusters: int, n_draws: int, mammen: bool, rng: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    """Yield blocks of draws, one bit a cluster: whether it gets the high weight."""
    n_words = -(-n_clusters // 64)
    size = max(1, BLOCK_BYTES // (8 * n_words))
    piece = max(1, BLOCK_BYTES // (8 * n_clusters))
    for start in range(0, n_draws, size):
        rows = min(size, n_draws - start)
        if mammen:
            shapes = [(min(piece, rows - at), n_clusters) for at in range(0, rows, piece)]
            packed = [np.packbits(rng.random(shape) >= _MAMMEN_LOW, axis=1) for shape in shapes]
            yield np.concatenate(packed)
        else:
            yield rng.integers(0, 2**64, (rows, n_words), dtype=np.uint64).view(np.uint8)


def _add_picked(bits: NDArray[np.uint8], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add the picked clusters in each draw, a slice of clusters at a time so that it stays near."""
    total = np.zeros((len(bits), sums.shape[1]))
    width = 8 * max(1, BLOCK_BYTES // (64 * len(bits)))
    for start in range(0, len(sums), width):
        part = sums[start : start + width]
        picked = np.unpackbits(bits[:, start // 8 : (start + width) // 8], axis=1, count=len(part))
        total += picked.astype(np.float64) @ part
    return total
