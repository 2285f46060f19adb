"""Cluster codes, cluster sums and small-sample factors: written once, used by every method."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ..errors import DataError, DesignError, first_three

Codes = NDArray[np.intp]


def cluster_codes(labels: ArrayLike | None, n_rows: int, *, name: str = "clusters") -> Codes:
    """Code cluster labels as 0..n_clusters-1 in sorted order.

    Parameters
    ----------
    labels : array_like, shape (n_rows,), or None
        Any labels that sort; ``None`` makes every row its own cluster.
    n_rows : int
        Rows of the data that the labels belong to.
    name : str
        What the labels are called in messages.

    Returns
    -------
    ndarray of intp, shape (n_rows,)

    Raises
    ------
    DataError
        If the length differs or a label is missing.
    DesignError
        If there is one cluster only.
    """
    if labels is None:
        return np.arange(n_rows)
    array = np.asarray(labels)
    if array.ndim != 1 or len(array) != n_rows:
        raise DataError(
            f"{name}: {array.shape} labels for {n_rows} rows.\n  Give one label a row, in order."
        )
    codes = pd.factorize(array, sort=True)[0].astype(np.intp)
    if (codes < 0).any():
        raise DataError(
            f"{name}: missing label in rows {first_three(np.flatnonzero(codes < 0))}.\n"
            "  Fill the labels or drop these rows."
        )
    if n_rows > 1 and codes.max(initial=0) == 0:
        raise DesignError(
            f"{name}: one cluster only, so there is no variation between clusters to learn from.\n"
            "  Cluster at a finer level."
        )
    return codes


def count_clusters(codes: Codes) -> int:
    """Count the clusters of codes 0..n_clusters-1."""
    return int(codes.max(initial=-1)) + 1


def cluster_sums(
    values: NDArray[np.float64], codes: Codes, n_clusters: int | None = None
) -> NDArray[np.float64]:
    """Sum rows by cluster.

    Parameters
    ----------
    values : ndarray, shape (n_rows,) or (n_rows, k)
    codes : ndarray of intp, shape (n_rows,)
        Cluster of each row, from 0.
    n_clusters : int, optional
        Rows of the result; counted from the codes if not given.

    Returns
    -------
    ndarray, shape (n_clusters,) or (n_clusters, k)
    """
    n_groups = count_clusters(codes) if n_clusters is None else n_clusters
    if values.ndim == 1:
        return np.bincount(codes, weights=values, minlength=n_groups).astype(np.float64)
    n_rows = len(codes)
    if n_groups == n_rows and np.array_equal(codes, np.arange(n_rows)):
        return values
    adder = sparse.csr_array(
        (np.ones(n_rows), codes, np.arange(n_rows + 1)), shape=(n_rows, n_groups)
    )
    return np.asarray(adder.T @ values)


def cross_codes(first: Codes, second: Codes) -> Codes:
    """Code the intersection of two clusterings, shape (n_rows,)."""
    return np.unique(first * (count_clusters(second)) + second, return_inverse=True)[1].astype(
        np.intp
    )


def small_sample_factor(n_obs: int, n_params: int, n_clusters: int) -> float:
    """Compute fixest's factor ``G / (G - 1) * (N - 1) / (N - K)`` of a clustered variance.

    ``K`` counts slopes, the constant and fixed effects, less the effects nested in clusters (they
    are absorbed cluster by cluster); with several clusterings ``G`` is the smallest. Other
    conventions: linearmodels counts nested effects too; plm's HC1 is ``N / (N - K)`` alone.

    Raises
    ------
    DesignError
        If there are no degrees of freedom left.
    """
    if n_clusters < 2 or n_obs <= n_params:
        raise DesignError(
            f"{n_clusters} cluster{'' if n_clusters == 1 else 's'}, {n_obs} observations, "
            f"{n_params} parameters: no degrees of freedom are left.\n"
            "  Take fewer parameters, or a finer level of clusters."
        )
    return n_clusters / (n_clusters - 1) * (n_obs - 1) / (n_obs - n_params)


def check_finite(**arrays: NDArray[np.float64]) -> None:
    """Refuse arrays that hold NaN or infinity, naming the first three rows of each."""
    for name, array in arrays.items():
        bad = ~np.isfinite(array)
        if bad.any():
            rows = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))
            raise DataError(
                f"{name}: not finite in rows {first_three(rows)}.\n  Drop or repair these rows."
            )
