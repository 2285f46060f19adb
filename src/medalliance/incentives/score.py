"""The score as an outcome of care: its mean, and what a unit of care moves it by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]
_ROOT_TWO_PI = np.sqrt(2 * np.pi)


def expected_score(latent: Array, noise: Array) -> tuple[Array, Array, Array]:
    """Return the mean of ``clip(latent + noise, 0, 1)`` with its first two derivatives.

    With normal noise of standard deviation s and ``z0 = -latent/s``, ``z1 = (1 - latent)/s`` the
    mean is ``latent (Phi(z1) - Phi(z0)) + s (phi(z0) - phi(z1)) + 1 - Phi(z1)``, its slope
    ``Phi(z1) - Phi(z0)``. Without noise the slope is one on (0, 1] and zero below: at full care
    the score can fall.

    Parameters
    ----------
    latent : array
        Mean score before clipping, at most one.
    noise : array
        Standard deviation, broadcast against ``latent``.
    """
    latent, noise = np.broadcast_arrays(np.asarray(latent, float), np.asarray(noise, float))
    if not noise.any():
        inside = (latent > 0).astype(float)
        return np.clip(latent, 0.0, 1.0), inside, np.zeros_like(latent)
    spread = np.where(noise > 0, noise, 1.0)
    low, high = -latent / spread, (1 - latent) / spread
    at_low, at_high = (np.exp(-0.5 * z * z) / _ROOT_TWO_PI for z in (low, high))
    slope = ndtr(high) - ndtr(low)
    mean = latent * slope + spread * (at_low - at_high) + ndtr(-high)
    bend = (at_low - at_high) / spread
    quiet = noise == 0
    inside = (latent > 0).astype(float)
    return (
        np.where(quiet, np.clip(latent, 0.0, 1.0), mean),
        np.where(quiet, inside, slope),
        np.where(quiet, 0.0, bend),
    )


def largest_latent(lost: Callable[[Array], tuple[Array, Array]], shape: tuple[int, ...]) -> Array:
    """Find the largest root of ``latent = 1 - lost(latent)`` by Newton's steps down from one.

    Without noise ``lost`` is convex and rises, so that each step stays above the root and the
    last is exact. With noise a step that leaves the bracket is halved.

    Parameters
    ----------
    lost : callable
        From the latent score to the part lost, with its slope.
    shape : tuple of int
    """
    at = np.ones(shape)
    low, high = np.full(shape, -np.inf), np.ones(shape)
    for _ in range(60):
        gone, slope = lost(at)
        excess = 1 - gone - at
        if np.all(np.abs(excess) <= 4e-16 * (1 + np.abs(at))):
            break
        high = np.where(excess <= 0, np.minimum(high, at), high)
        low = np.where(excess > 0, np.maximum(low, at), low)
        fresh = at + excess / (1 + np.maximum(slope, -0.9))
        outside = (fresh <= low) | (fresh > high)
        middle = np.where(np.isfinite(low), (low + high) / 2, fresh)
        fresh = np.where(outside, middle, fresh)
        if np.all(np.abs(fresh - at) <= 2e-16 * (1 + np.abs(at))):
            break
        at = fresh
    return at
