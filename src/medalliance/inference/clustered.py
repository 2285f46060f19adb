"""Clustered variances of a linear fit: CRV1, CRV2, CRV3, one or several clusterings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DesignError
from ..results._cluster import (
    check_finite,
    cluster_codes,
    cluster_sums,
    count_clusters,
    cross_codes,
    small_sample_factor,
)
from ._blocks import FULL_LEVERAGE, ClusterBlocks, cluster_blocks

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClusteredVariance:
    """A variance matrix with what was done to get it.

    Attributes
    ----------
    vcov : ndarray, shape (k, k)
        NaN for a coefficient that one cluster alone identifies (CRV2, CRV3).
    dof : ndarray, shape (k,)
        Degrees of freedom of the t distribution: clusters less one, or Satterthwaite's for CRV2.
    n_clusters : int
        Clusters; the smallest number with several clusterings.
    convention : str
        A phrase for the foot of a table.
    """

    vcov: Array
    dof: Array
    n_clusters: int
    convention: str

    @property
    def std_error(self) -> Array:
        """Standard errors, shape (k,)."""
        return np.sqrt(np.diag(self.vcov))


def clustered_variance(
    design: Array,
    residuals: Array,
    clusters: ArrayLike | Sequence[ArrayLike] | None,
    *,
    kind: Literal["crv1", "crv2", "crv3"] = "crv1",
    n_params: int | None = None,
    nuisance: Array | None = None,
    small_sample: bool = True,
) -> ClusteredVariance:
    """Compute the clustered variance of least-squares coefficients.

    Parameters
    ----------
    design : ndarray, shape (n_obs, k)
        Regressors after the within transformation, times the root of the weights.
    residuals : ndarray, shape (n_obs,)
        Residuals times the root of the weights.
    clusters : array_like, shape (n_obs,), or a list of them
        Several clusterings give the multi-way CRV1: inclusion and exclusion over intersections.
    kind : {"crv1", "crv2", "crv3"}
        Liang-Zeger; Bell-McCaffrey bias-reduced; cluster jackknife about the estimate.
    n_params : int, optional
        ``K`` of the factor (``_cluster.small_sample_factor``); the design's columns by default.
    nuisance : ndarray, shape (n_obs, q), optional
        Fixed effects not nested in clusters as columns (CRV2, CRV3).
    small_sample : bool
        Whether to take fixest's factor. Without it CRV1 has none and CRV3 is the plain jackknife
        with ``(G - 1) / G``; CRV2 never has one.

    Returns
    -------
    ClusteredVariance

    Raises
    ------
    DataError
        If lengths differ or a number is not finite.
    DesignError
        If there is one cluster, or several clusterings for CRV2 or CRV3.

    References
    ----------
    Liang, Zeger (1986); Bell, McCaffrey (2002); Cameron, Gelbach, Miller (2011), eq. 2.11;
    Pustejovsky, Tipton (2018), eq. 8, 13; MacKinnon, Nielsen, Webb (2023), eq. 13.
    """
    ways = _clusterings(clusters, len(residuals))
    if kind not in ("crv1", "crv2", "crv3") or (kind != "crv1" and len(ways) > 1):
        raise DesignError(
            f"kind={kind!r} with {len(ways)} clusterings.\n"
            '  Use "crv1" with several clusterings; "crv2" or "crv3" with one.'
        )
    if kind == "crv1":
        return _multiway(design, residuals, ways, n_params, small_sample)
    blocks = cluster_blocks(design, residuals, ways[0], nuisance)
    if kind == "crv2":
        return _leverage_corrected(blocks, 0.5, 1.0, "CRV2 (Bell-McCaffrey), Satterthwaite t")
    G, K = blocks.n_clusters, design.shape[1] if n_params is None else n_params
    if small_sample:
        factor, named = small_sample_factor(len(residuals), K, G), "fixest small-sample factor"
    else:
        factor, named = (G - 1) / G, "factor (G-1)/G"
    return _leverage_corrected(blocks, 1.0, factor, f"CRV3 (cluster jackknife), {named}, t(G-1)")


def _clusterings(clusters: ArrayLike | Sequence[ArrayLike] | None, n_rows: int) -> list:
    if isinstance(clusters, (list, tuple)) and clusters and np.ndim(clusters[0]) == 1:
        return [cluster_codes(way, n_rows) for way in clusters]
    return [cluster_codes(cast("ArrayLike | None", clusters), n_rows)]


def _multiway(
    design: Array, residuals: Array, ways: list, n_params: int | None, small_sample: bool
) -> ClusteredVariance:
    check_finite(design=design, residuals=residuals)
    n_obs, k = design.shape
    n_clusters = min(count_clusters(way) for way in ways)
    bread = np.linalg.inv(design.T @ design)
    scores = (design * residuals[:, None]) @ bread
    vcov = np.zeros((k, k))
    for size in range(1, len(ways) + 1):
        for chosen in combinations(ways, size):
            codes = chosen[0]
            for other in chosen[1:]:
                codes = cross_codes(codes, other)
            sums = cluster_sums(scores, codes)
            vcov += (-1) ** (size + 1) * sums.T @ sums
    if small_sample:
        vcov *= small_sample_factor(n_obs, k if n_params is None else n_params, n_clusters)
    if len(ways) > 1:
        vcov = nearest_semidefinite(vcov)
    named = "clustered" if len(ways) == 1 else f"{len(ways)}-way clustered"
    factor = ", fixest small-sample factor" if small_sample else ", no small-sample factor"
    return ClusteredVariance(
        vcov, np.full(k, n_clusters - 1.0), n_clusters, f"CRV1, {named}{factor}"
    )


def nearest_semidefinite(matrix: Array) -> Array:
    """Raise negative eigenvalues of a symmetric matrix to zero (Cameron, Gelbach, Miller 2011)."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if values.min() >= 0:
        return matrix
    return (vectors * np.maximum(values, 0)) @ vectors.T


def _leverage_corrected(
    blocks: ClusterBlocks, power: float, factor: float, convention: str
) -> ClusteredVariance:
    """Compute ``factor sum_g u_g u_g'``, ``u_g = L (I - M_g)^(-power) L' s_g``: CRV2 or CRV3."""
    k, G = blocks.n_slopes, blocks.n_clusters
    values, vectors = blocks.leverage
    alone = values > FULL_LEVERAGE
    shrink = np.where(alone, 0.0, 1 - np.where(alone, 0.0, values)) ** power
    inverse = np.divide(1.0, shrink, out=np.zeros_like(shrink), where=shrink > 0)
    turned = np.einsum("gab,ga->gb", vectors, blocks.scores @ blocks.root)
    moves = np.einsum("gab,gb->ga", vectors, inverse * turned) @ blocks.root[:k].T
    loads = np.einsum("ka,gab->gkb", blocks.root[:k], vectors)
    scale = np.sqrt(np.diag(blocks.bread)[:k])
    unknown = (alone[:, None, :] & (np.abs(loads) > 1e-6 * scale[:, None])).any(axis=(0, 2))
    vcov = moves.T @ moves * factor
    vcov[unknown] = np.nan
    vcov[:, unknown] = np.nan
    dof = np.full(k, G - 1.0)
    if power == 0.5:
        dof = np.array([_satterthwaite(loads[:, j], values, vectors, inverse) for j in range(k)])
    return ClusteredVariance(vcov, dof, G, convention)


def _satterthwaite(load: Array, values: Array, vectors: Array, inverse: Array) -> float:
    """Compute the degrees of freedom of one CRV2 standard error under independent errors."""
    own = (load**2 * values * inverse**2).sum(axis=1)
    q = np.einsum("gab,gb->ga", vectors, values * inverse * load)
    cross = (q**2).sum(axis=1)
    inner = q.T @ q
    return float((own - cross).sum() ** 2 / ((own**2 - 2 * own * cross).sum() + (inner**2).sum()))
