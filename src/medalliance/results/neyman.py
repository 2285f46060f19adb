"""Neyman's variance of cluster sums: clusters vary about the mean of their own group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._cluster import Codes, cluster_sums, count_clusters

Array = NDArray[np.float64]


def cohort_groups(cohort: NDArray[np.int64], never: int = 0) -> Codes:
    """Group clusters by cohort, pooling a treated cohort of one cluster with the nearest in time.

    Pooled cohorts vary about their common mean (collapsed strata). That is too large rather than
    too small where contributions are not centred by cohort already, as by estimators that fit each
    cohort by itself.

    Parameters
    ----------
    cohort : ndarray of int, shape (n_clusters,)
    never : int
        Value of clusters that are never treated; they stay by themselves.

    Returns
    -------
    ndarray of intp, shape (n_clusters,)
        Groups from 0. One of a single cluster is left only if there is nothing to pool it with.

    References
    ----------
    Cochran (1977), section 5A.12.
    """
    years, size = np.unique(cohort, return_counts=True)
    groups = [[int(year)] for year in years if year != never]
    count = dict(zip(years.tolist(), size.tolist(), strict=True))

    def lone() -> list[int]:
        return [k for k, members in enumerate(groups) if sum(count[y] for y in members) == 1]

    while len(groups) > 1 and lone():
        k = lone()[0]
        near = [j for j in (k - 1, k + 1) if 0 <= j < len(groups)]
        j = min(near, key=lambda j: min(abs(a - b) for a in groups[j] for b in groups[k]))
        low, high = sorted((j, k))
        groups[low : high + 1] = [groups[low] + groups[high]]
    code = {year: k for k, members in enumerate(groups, start=1) for year in members} | {never: 0}
    return np.unique([code[int(year)] for year in cohort], return_inverse=True)[1].astype(np.intp)


def neyman_factor(group: Codes) -> Array:
    """Compute the root of ``n_h / (n_h - 1)`` for each group of ``n_h`` clusters.

    Let ``s`` be the clusters' contributions to the estimate: their influence functions summed, over
    the number of units. The variance is the sum over groups of ``n_h / (n_h - 1)`` times the
    squared distances of ``s`` from the group's mean. If the number of clusters in each group is
    given and clusters are drawn independently, it is unbiased for any estimate that is linear in
    the clusters' data.

    Parameters
    ----------
    group : ndarray of intp, shape (n_clusters,)
        Group of each cluster, from 0: those that start treatment together, and those that never do.

    Returns
    -------
    ndarray, shape (n_groups,)
        NaN for a group of one cluster, where nothing shows how clusters vary.

    References
    ----------
    Neyman (1923); Roth, Sant'Anna (2023); Cochran (1977), section 5.4.
    """
    size = np.bincount(group).astype(float)
    with np.errstate(divide="ignore"):
        return np.where(size > 1, np.sqrt(size / (size - 1)), np.nan)


def welch_dof(sums: Array, group: Codes) -> Array:
    """Compute the degrees of freedom of Neyman's variance.

    Parameters
    ----------
    sums : ndarray, shape (n_clusters, k)
        Contributions of clusters less their group's mean, times the group's factor.
    group : ndarray of intp, shape (n_clusters,)

    Returns
    -------
    ndarray, shape (k,)
        NaN where nothing varies.

    References
    ----------
    Welch (1947); Satterthwaite (1946).
    """
    parts = cluster_sums(sums**2, group)
    free = np.bincount(group, minlength=count_clusters(group)) - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(parts.sum(axis=0) ** 2 / (parts**2 / free[:, None]).sum(axis=0))
