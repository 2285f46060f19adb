"""Small operations on influence functions, dense or compact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..results import CompactInfluence

Influence = NDArray[np.float64] | CompactInfluence


def keep_terms(influence: Influence, count: int) -> Influence:
    """Keep the first columns of an influence function."""
    if isinstance(influence, CompactInfluence):
        return replace(influence, loadings=influence.loadings[:, :, :count])
    return influence[:, :count]


def add_zero_term(influence: Influence, place: int) -> Influence:
    """Insert a term that is zero by definition, as a reference period."""
    if isinstance(influence, CompactInfluence):
        return replace(influence, loadings=np.insert(influence.loadings, place, 0.0, axis=2))
    return np.insert(influence, place, 0.0, axis=1)
