"""Quasi-likelihoods of the saturated design: mean, score, information; nothing else differs."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Family(Protocol):
    """A linear-exponential quasi-likelihood with ``m`` indices and ``r`` means.

    One outcome has m = r = 1; r shares have m = r - 1 indices.

    Attributes
    ----------
    name : str
    canonical : bool
        Whether the score is ``outcome - mean`` times the regressors.
    linear : bool
        Whether the mean is the index, so that one step fits.
    bounds : (float, float)
        Limits of the mean. A margin that sits on one has no finite index.
    """

    name: str
    canonical: bool
    linear: bool
    bounds: tuple[float, float]

    def n_indices(self, n_means: int) -> int:
        """Return the number of indices m."""

    def check(self, y: Array) -> str:
        """Say what is wrong with an outcome, shape (n, r); nothing if all is well."""

    def start(self, y: Array) -> Array:
        """Return starting indices, shape (n, m)."""

    def mean(self, eta: Array) -> Array:
        """Return the means, shape (n, r)."""

    def slope(self, eta: Array) -> Array:
        """Return the derivative of each mean in each index, shape (n, r, m)."""

    def score(self, y: Array, eta: Array) -> Array:
        """Return the derivative of the quasi-likelihood in the indices, shape (n, m)."""

    def information(self, eta: Array) -> Array:
        """Return the expected information of the indices, shape (n, m, m)."""

    def likelihood(self, y: Array, eta: Array) -> Array:
        """Return the quasi-log-likelihood up to a constant, shape (n,)."""


class Gaussian:
    """Least squares: the mean is the index."""

    name, canonical, linear, bounds = "gaussian", True, True, (-np.inf, np.inf)

    def n_indices(self, n_means: int) -> int:
        """Return the number of indices."""
        return n_means

    def check(self, y: Array) -> str:
        """Accept any number."""
        return ""

    def start(self, y: Array) -> Array:
        """Start at zero."""
        return np.zeros_like(y)

    def mean(self, eta: Array) -> Array:
        """Return the index."""
        return eta

    def slope(self, eta: Array) -> Array:
        """Return ones."""
        return np.ones((*eta.shape, 1))

    def score(self, y: Array, eta: Array) -> Array:
        """Return the residual."""
        return y - eta

    def information(self, eta: Array) -> Array:
        """Return ones."""
        return np.ones((*eta.shape, 1))

    def likelihood(self, y: Array, eta: Array) -> Array:
        """Return minus half the squared residual."""
        return -0.5 * ((y - eta) ** 2)[:, 0]


class Poisson:
    """Poisson quasi-likelihood with log link, for outcomes that are zero or more.

    The outcome need not be a count, nor its variance equal to its mean.
    """

    name, canonical, linear, bounds = "poisson", True, False, (0.0, np.inf)

    def n_indices(self, n_means: int) -> int:
        """Return the number of indices."""
        return n_means

    def check(self, y: Array) -> str:
        """Refuse negative outcomes."""
        return "has negative values" if (y < 0).any() else ""

    def start(self, y: Array) -> Array:
        """Start halfway between the outcome and its mean."""
        return np.log((y + y.mean(axis=0)) / 2)

    def mean(self, eta: Array) -> Array:
        """Return the exponential."""
        return np.exp(eta)

    def slope(self, eta: Array) -> Array:
        """Return the exponential."""
        return np.exp(eta)[:, :, None]

    def score(self, y: Array, eta: Array) -> Array:
        """Return the residual."""
        return y - np.exp(eta)

    def information(self, eta: Array) -> Array:
        """Return the mean."""
        return np.exp(eta)[:, :, None]

    def likelihood(self, y: Array, eta: Array) -> Array:
        """Return ``y eta - exp(eta)``."""
        return (y * eta - np.exp(eta))[:, 0]
