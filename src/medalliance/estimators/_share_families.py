"""Quasi-likelihoods for shares: fractional logit, fractional probit, fractional multinomial."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_ndtr, logit, logsumexp, ndtr, ndtri

Array = NDArray[np.float64]
_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


def _outside(y: Array) -> str:
    return "lies outside 0 and 1" if (y < 0).any() or (y > 1).any() else ""


class _Bernoulli:
    """What quasi-likelihoods of one share have in common."""

    linear, bounds = False, (0.0, 1.0)

    def n_indices(self, n_means: int) -> int:
        """Return the number of indices."""
        return n_means

    def check(self, y: Array) -> str:
        """Refuse what is not a share."""
        return _outside(y)


class Logit(_Bernoulli):
    """Bernoulli quasi-likelihood with logit link, for shares of 0-1, ends included."""

    name, canonical = "logit", True

    def start(self, y: Array) -> Array:
        """Start halfway between the share and one half."""
        return logit((y + 0.5) / 2)

    def mean(self, eta: Array) -> Array:
        """Return the logistic function."""
        return expit(eta)

    def slope(self, eta: Array) -> Array:
        """Return the logistic density."""
        return (expit(eta) * expit(-eta))[:, :, None]

    def score(self, y: Array, eta: Array) -> Array:
        """Return the residual."""
        return y - expit(eta)

    def information(self, eta: Array) -> Array:
        """Return the Bernoulli variance."""
        return (expit(eta) * expit(-eta))[:, :, None]

    def likelihood(self, y: Array, eta: Array) -> Array:
        """Return ``y ln G + (1 - y) ln (1 - G)``."""
        return (y * log_expit(eta) + (1 - y) * log_expit(-eta))[:, 0]


class Probit(_Bernoulli):
    """Bernoulli quasi-likelihood with probit link, for shares of 0-1, ends included."""

    name, canonical = "probit", False

    def start(self, y: Array) -> Array:
        """Start halfway between the share and one half."""
        return ndtri((y + 0.5) / 2)

    def mean(self, eta: Array) -> Array:
        """Return the normal distribution function."""
        return ndtr(eta)

    def slope(self, eta: Array) -> Array:
        """Return the normal density."""
        return np.exp(-0.5 * eta**2 - _HALF_LOG_2PI)[:, :, None]

    def score(self, y: Array, eta: Array) -> Array:
        """Return ``density (y - G) / (G (1 - G))``, in logs so that tails do not overflow."""
        log_density = -0.5 * eta**2 - _HALF_LOG_2PI
        up, down = np.exp(log_density - log_ndtr(eta)), np.exp(log_density - log_ndtr(-eta))
        return y * up - (1 - y) * down

    def information(self, eta: Array) -> Array:
        """Return ``density^2 / (G (1 - G))``."""
        log_density = -0.5 * eta**2 - _HALF_LOG_2PI
        return np.exp(2 * log_density - log_ndtr(eta) - log_ndtr(-eta))[:, :, None]

    def likelihood(self, y: Array, eta: Array) -> Array:
        """Return ``y ln G + (1 - y) ln (1 - G)``."""
        return (y * log_ndtr(eta) + (1 - y) * log_ndtr(-eta))[:, 0]


class Multinomial:
    """Multinomial quasi-likelihood for parts that sum to one; the last part is the reference.

    Source: Papke and Wooldridge (1996) and Mullahy (2015), equation 4.
    """

    name, canonical, linear, bounds = "multinomial", True, False, (0.0, 1.0)

    def n_indices(self, n_means: int) -> int:
        """Return one index less than parts."""
        return n_means - 1

    def check(self, y: Array) -> str:
        """Refuse what is not a composition."""
        if np.abs(y.sum(axis=1) - 1).max() > 1e-6:
            return "has parts that do not sum to one"
        return _outside(y)

    def start(self, y: Array) -> Array:
        """Start halfway between the shares and equal ones."""
        level = np.log((y + 1 / y.shape[1]) / 2)
        return level[:, :-1] - level[:, -1:]

    def mean(self, eta: Array) -> Array:
        """Return the shares of all parts."""
        full = np.column_stack([eta, np.zeros(len(eta))])
        return np.exp(full - logsumexp(full, axis=1, keepdims=True))

    def slope(self, eta: Array) -> Array:
        """Return ``s_j (1{j=k} - s_k)``."""
        share = self.mean(eta)
        own = share[:, :, None] * np.eye(share.shape[1])
        return (own - share[:, :, None] * share[:, None, :])[:, :, :-1]

    def score(self, y: Array, eta: Array) -> Array:
        """Return the residuals of all parts but the last."""
        return (y - self.mean(eta))[:, :-1]

    def information(self, eta: Array) -> Array:
        """Return the multinomial variance."""
        return self.slope(eta)[:, :-1, :]

    def likelihood(self, y: Array, eta: Array) -> Array:
        """Return ``sum_j y_j ln s_j``."""
        full = np.column_stack([eta, np.zeros(len(eta))])
        return np.sum(y * (full - logsumexp(full, axis=1, keepdims=True)), axis=1)
