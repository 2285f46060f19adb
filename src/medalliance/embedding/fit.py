"""Fit figures of set relations: inclusion, coverage, PRI and relevance of necessity.

All functions are pure functions of membership arrays of shape (n_cases,), values in 0..1.
Source: Ragin (2008), chapters 3 and 7; Schneider and Wagemann (2012), chapter 5 for PRI
(proportional reduction in inconsistency) and equation 9.1 for the relevance of necessity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Membership = NDArray[np.float64]


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator > 0 else float("nan")


def inclusion(x: Membership, y: Membership) -> float:
    """Return the degree to which x lies inside y: sum min(x, y) / sum x."""
    return _ratio(np.minimum(x, y).sum(), x.sum())


def coverage(x: Membership, y: Membership) -> float:
    """Return the part of y that x accounts for: sum min(x, y) / sum y."""
    return _ratio(np.minimum(x, y).sum(), y.sum())


def pri(x: Membership, y: Membership) -> float:
    """Return inclusion of x in y net of what x shares with both y and not-y."""
    both = np.minimum(np.minimum(x, y), 1.0 - y).sum()
    return _ratio(np.minimum(x, y).sum() - both, x.sum() - both)


def relevance_of_necessity(x: Membership, y: Membership) -> float:
    """Return how far x is from being trivially necessary: sum(1-x) / sum(1-min(x, y))."""
    return _ratio((1.0 - x).sum(), (1.0 - np.minimum(x, y)).sum())
