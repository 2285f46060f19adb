"""Small operations on influence functions, dense or compact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..results import CompactInfluence

Influence = NDArray[np.float64] | CompactInfluence


def spread_terms(influence: Influence, places: Sequence[int], count: int) -> Influence:
    """Put the first columns at their places among ``count``; the others are zero.

    Terms that are zero by definition (a reference period) have no influence; columns beyond
    ``len(places)`` belong to covariates and are dropped.

    Parameters
    ----------
    influence : ndarray, shape (n_units, k), or CompactInfluence
    places : sequence of int
    count : int
    """
    if isinstance(influence, CompactInfluence):
        shared = influence.shared_loadings
        return replace(
            influence,
            loadings=_spread(influence.loadings, places, count),
            shared_loadings=None if shared is None else _spread(shared, places, count),
        )
    return _spread(influence, places, count)


def _spread(columns: NDArray[np.float64], places: Sequence[int], count: int) -> NDArray[np.float64]:
    if list(places) == list(range(count)):
        return columns[..., :count]
    wide = np.zeros((*columns.shape[:-1], count))
    wide[..., list(places)] = columns[..., : len(places)]
    return wide
