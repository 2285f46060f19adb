"""Influence functions of many cohort-by-year cells, kept small."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CompactInfluence:
    """An influence function that is linear in a few numbers a unit, with loadings by group.

    Unit ``i`` in group ``c`` has the influence ``values[i] @ loadings[c]``, plus
    ``shared[i] @ shared_loadings`` if given. It holds n_units x p numbers instead of n_units x k,
    so that hundreds of cells of 100,000 units fit in memory.

    Attributes
    ----------
    values : ndarray, shape (n_units, p)
    group : ndarray of intp, shape (n_units,)
        Group of each unit, 0..n_groups-1.
    loadings : ndarray, shape (n_groups, p, k)
    shared : ndarray, shape (n_units, q), or None
    shared_loadings : ndarray, shape (q, k), or None
    """

    values: NDArray[np.float64]
    group: NDArray[np.intp]
    loadings: NDArray[np.float64]
    shared: NDArray[np.float64] | None = None
    shared_loadings: NDArray[np.float64] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of units and of cells."""
        return len(self.values), self.loadings.shape[2]

    def project(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute ``influence @ weights`` without forming the influence.

        Parameters
        ----------
        weights : ndarray, shape (k, m)

        Returns
        -------
        ndarray, shape (n_units, m)
        """
        result = np.empty((len(self.values), weights.shape[1]))
        for code, loading in enumerate(self.loadings):
            rows = np.flatnonzero(self.group == code)
            result[rows] = self.values[rows] @ (loading @ weights)
        if self.shared is not None and self.shared_loadings is not None and self.shared.size:
            result += self.shared @ (self.shared_loadings @ weights)
        return result

    def take(self, columns: NDArray[np.intp]) -> CompactInfluence:
        """Return the influence of some cells, in the order given."""
        shared = None if self.shared_loadings is None else self.shared_loadings[:, columns]
        return replace(self, loadings=self.loadings[:, :, columns], shared_loadings=shared)

    def dense(self) -> NDArray[np.float64]:
        """Form the influence, shape (n_units, k)."""
        return self.project(np.eye(self.shape[1]))
