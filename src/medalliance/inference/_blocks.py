"""Cluster blocks of a linear fit: all that jackknives and wild bootstraps need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError
from ..results._cluster import check_finite, cluster_codes, count_clusters

Array = NDArray[np.float64]
FULL_LEVERAGE = 1 - 1e-8


@dataclass(frozen=True, eq=False)
class ClusterBlocks:
    """Scores and Gram matrices of the clusters of one linear fit.

    Attributes
    ----------
    scores : ndarray, shape (n_clusters, p)
        ``W_g' e_g``, W being the slopes' columns followed by nuisance columns.
    grams : ndarray, shape (n_clusters, p, p)
        ``W_g' W_g``.
    root : ndarray, shape (p, rank)
        ``L`` with ``L L' = (W'W)^+``.
    n_slopes : int
        The first columns of W, whose coefficients are reported.
    """

    scores: Array
    grams: Array
    root: Array
    n_slopes: int

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.scores)

    @cached_property
    def bread(self) -> Array:
        """``(W'W)^+``, shape (p, p)."""
        return self.root @ self.root.T

    @cached_property
    def leverage(self) -> tuple[Array, Array]:
        """Eigenvalues (n_clusters, rank), eigenvectors (.., rank, rank) of ``L' W_g' W_g L``."""
        values, vectors = np.linalg.eigh(self.root.T @ self.grams @ self.root)
        return np.clip(values, 0, 1), vectors


def cluster_blocks(
    design: Array,
    residuals: Array,
    clusters: ArrayLike | None,
    nuisance: Array | None = None,
) -> ClusterBlocks:
    """Collect the cluster blocks of a linear fit.

    Parameters
    ----------
    design : ndarray, shape (n_obs, k)
        Regressors after the within transformation, times the root of the weights.
    residuals : ndarray, shape (n_obs,)
        Residuals times the root of the weights.
    clusters : array_like, shape (n_obs,), or None
    nuisance : ndarray, shape (n_obs, q), optional
        Columns of fixed effects that are not nested in clusters (year dummies), with the nested
        ones taken out. With them leave-one-out and bootstrap are exact.
    """
    columns = design if nuisance is None else np.column_stack([design, nuisance])
    if columns.ndim != 2 or len(columns) != len(residuals):
        raise DataError(
            f"design {design.shape} does not fit {len(residuals)} residuals.\n"
            "  Give one row of regressors and one residual an observation."
        )
    check_finite(design=columns, residuals=residuals)
    codes = cluster_codes(clusters, len(residuals))
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))[:-1]
    sorted_columns, sorted_residuals = columns[order], residuals[order]
    grams = np.empty((count_clusters(codes), columns.shape[1], columns.shape[1]))
    scores = np.empty(grams.shape[:2])
    pieces = zip(np.split(sorted_columns, ends), np.split(sorted_residuals, ends), strict=True)
    for g, (block, error) in enumerate(pieces):
        grams[g] = block.T @ block
        scores[g] = block.T @ error
    return ClusterBlocks(scores, grams, _inverse_root(grams.sum(axis=0)), design.shape[1])


def _inverse_root(gram: Array) -> Array:
    """Compute ``L`` with ``L L' = gram^+`` after scaling the columns to length one."""
    scale = np.sqrt(np.diag(gram))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    kept = values > 1e-10 * max(values.max(initial=0), 1e-300)
    return (vectors[:, kept] / np.sqrt(values[kept])) / scale[:, None]
