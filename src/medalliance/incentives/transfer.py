"""The retained transfer as a piecewise-linear function of the surplus, with normal moments.

Segment k of the transfer is ``intercepts[..., k] + slopes[..., k] * S`` between knots k-1 and k.
A minimum savings rate makes it jump. Unused knots are +inf.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .contract import Contract

Array = NDArray[np.float64]
_ROOT_TWO_PI = np.sqrt(2 * np.pi)
_STEEPEST_DENSITY = np.exp(-0.5) / _ROOT_TWO_PI


@dataclass(frozen=True, eq=False)
class Transfer:
    """Hold the segments of a transfer.

    Parameters
    ----------
    knots : array, shape (..., n_knots)
        Surplus at which the slope changes or the transfer jumps, in rising order.
    intercepts, slopes : array, shape (..., n_knots + 1)
        The line of each segment.
    """

    knots: Array
    intercepts: Array
    slopes: Array

    def __call__(self, surplus: Array) -> Array:
        """Evaluate the transfer at each surplus, shape (..., n)."""
        surplus = np.asarray(surplus, dtype=float)
        segment = (surplus[..., None] >= self.knots[..., None, :]).sum(axis=-1)
        take = np.take_along_axis
        return take(self.intercepts, segment, -1) + take(self.slopes, segment, -1) * surplus

    @property
    def jumps(self) -> Array:
        """Return the jump at each knot, zero where the transfer is continuous."""
        knots = np.where(np.isfinite(self.knots), self.knots, 0.0)
        gap = np.diff(self.intercepts, axis=-1) + np.diff(self.slopes, axis=-1) * knots
        return np.where(np.isfinite(self.knots), gap, 0.0)


def transfer_of(contract: Contract, base: Array | float = 1.0) -> Transfer:
    """Build the transfer of a contract.

    Parameters
    ----------
    contract : Contract
        Terms; shares, caps and minima may be arrays of shape (n,).
    base : float or array, shape (n,)
        Budget base in money, by which edges stated in parts of the budget are multiplied.
    """
    unit = np.asarray(base, dtype=float) if contract.edges == "budget" else np.asarray(1.0)
    gain = _side(
        contract.gain_bands,
        contract.gain_share,
        contract.gain_cap,
        contract.minimum_savings,
        contract.first_dollar,
        unit,
    )
    loss = _side(
        contract.loss_bands,
        contract.loss_share,
        contract.loss_cap,
        contract.minimum_losses,
        contract.first_dollar,
        unit,
    )
    quality = np.asarray(contract.quality)[..., None]
    return _join(gain, loss, quality)


def _side(
    bands: tuple[tuple[float, float], ...],
    share: Array,
    cap: Array,
    minimum: Array,
    first_dollar: bool,
    unit: Array,
) -> tuple[Array, Array, Array]:
    """Return the knots, intercepts and slopes of one side, as a function of the distance from 0."""
    if bands:
        ends = np.array([upto for upto, _ in bands])
        shares = np.array([s for _, s in bands])
        if np.isfinite(ends[-1]):
            ends, shares = np.append(ends, np.inf), np.append(shares, 0.0)
    else:
        ends, shares = np.array([np.inf]), np.asarray(share, dtype=float)[..., None]
    with np.errstate(invalid="ignore"):  # no cap times no budget: refused by the callers
        cap, minimum = (
            np.asarray(x, dtype=float)[..., None] * unit[..., None] for x in (cap, minimum)
        )
    inner = ends[:-1] * unit[..., None]
    lead = np.broadcast_shapes(
        inner.shape[:-1], shares.shape[:-1], cap.shape[:-1], minimum.shape[:-1]
    )
    # Edges in order: the minimum, the inner band ends clipped between it and the cap, the cap.
    low, high = np.broadcast_to(minimum, (*lead, 1)), np.broadcast_to(cap, (*lead, 1))
    inner = np.clip(np.broadcast_to(inner, (*lead, inner.shape[-1])), low, high)
    knots = np.concatenate([low, inner, high], axis=-1)
    rates = np.broadcast_to(shares, (*lead, shares.shape[-1]))
    zero = np.zeros((*lead, 1))
    slopes = np.concatenate([zero, rates, zero], axis=-1)
    starts = np.concatenate([np.zeros((*lead, 1)), ends[:-1] * unit[..., None] + zero], axis=-1)
    widths = np.diff(starts, axis=-1)
    paid_before = np.concatenate(
        [zero, np.cumsum(rates[..., :-1] * widths, axis=-1)], axis=-1
    )  # at the start of each band, were there neither minimum nor cap
    lines = paid_before - rates * starts
    at_minimum = _full_pay(low, starts, paid_before, rates)
    if not first_dollar:
        lines = lines - at_minimum
    with np.errstate(invalid="ignore"):
        top = _full_pay(high, starts, paid_before, rates) - (0.0 if first_dollar else at_minimum)
    top = np.where(np.isfinite(high), top, 0.0)
    return knots, np.concatenate([zero, lines, top], axis=-1), slopes


def _full_pay(at: Array, starts: Array, paid_before: Array, rates: Array) -> Array:
    """Return what the bands pay at a distance, before minimum and cap."""
    band = (at >= starts).sum(axis=-1, keepdims=True) - 1
    take = np.take_along_axis
    start, paid, rate = (take(x, band, -1) for x in (starts, paid_before, rates))
    return paid + np.where(rate > 0, rate, 0.0) * np.where(np.isfinite(at), at - start, 0.0)


def _join(
    gain: tuple[Array, Array, Array], loss: tuple[Array, Array, Array], quality: Array
) -> Transfer:
    """Put the mirrored loss side before the gain side, dropping segments of no width."""
    lead = np.broadcast_shapes(gain[0].shape[:-1], loss[0].shape[:-1], quality.shape[:-1])

    def wide(x: Array) -> Array:
        return np.broadcast_to(x, (*lead, x.shape[-1]))

    # The middle segment, on which nothing is shared, is common to both sides.
    knots = np.concatenate([wide(-loss[0])[..., ::-1], wide(gain[0])], axis=-1)
    intercepts = np.concatenate(
        [wide(-loss[1])[..., ::-1], wide(gain[1] * quality)[..., 1:]], axis=-1
    )
    slopes = np.concatenate([wide(loss[2])[..., ::-1], wide(gain[2] * quality)[..., 1:]], axis=-1)
    useful = np.isfinite(knots).reshape(-1, knots.shape[-1]).any(axis=0)
    first = int(np.argmax(useful))
    last = len(useful) - int(np.argmax(useful[::-1]))
    return Transfer(
        knots[..., first:last], intercepts[..., first : last + 1], slopes[..., first : last + 1]
    )


def _edges(transfer: Transfer, mean: Array, sigma: Array) -> tuple[Array, Array, Array]:
    """Return knots, cdf and density at the ends of each segment, shapes (..., n, n_knots + 2)."""
    mean, sigma = np.asarray(mean, dtype=float)[..., None], np.asarray(sigma)[..., None, None]
    knots = transfer.knots[..., None, :]
    z = (knots - mean) / sigma
    cdf = ndtr(z)
    density = np.exp(-0.5 * z * z) / _ROOT_TWO_PI
    pad = [(0, 0)] * (cdf.ndim - 1) + [(1, 1)]
    cdf = np.pad(cdf, pad)
    cdf[..., -1] = 1.0
    finite = np.broadcast_to(np.where(np.isfinite(knots), knots, 0.0), z.shape)
    return np.pad(finite, pad), cdf, np.pad(density, pad)


def marginal_share(transfer: Transfer, mean: Array, sigma: Array) -> Array:
    """Return the slope r of the expected transfer in the mean surplus.

    Parameters
    ----------
    transfer : Transfer
        Leading shape (...).
    mean : array, shape (..., n)
        Mean surplus.
    sigma : array, shape (...)
        Standard deviation of the surplus.

    Returns
    -------
    array, shape (..., n)
        ``sum_k slope_k P(segment k) + sum_k jump_k density(knot k)``; a jump adds a spike.
    """
    _, cdf, density = _edges(transfer, mean, sigma)
    share = (transfer.slopes[..., None, :] * np.diff(cdf, axis=-1)).sum(axis=-1)
    jumps = transfer.jumps
    if np.any(jumps):
        spike = (jumps[..., None, :] * density[..., 1:-1]).sum(axis=-1)
        share = share + spike / np.asarray(sigma)[..., None]
    return share


def expected_transfer(transfer: Transfer, mean: Array, sigma: Array) -> Array:
    """Return the expected transfer, in closed form; shapes as :func:`marginal_share`."""
    _, cdf, density = _edges(transfer, mean, sigma)
    mass = np.diff(cdf, axis=-1)
    first = np.asarray(mean)[..., None] * mass
    first = first - np.asarray(sigma)[..., None, None] * np.diff(density, axis=-1)
    lines = transfer.intercepts[..., None, :], transfer.slopes[..., None, :]
    return (lines[0] * mass + lines[1] * first).sum(axis=-1)


def two_sides(transfer: Transfer, mean: Array, sigma: Array) -> tuple[Array, Array, Array, Array]:
    """Return marginal share and mean of the gain, then of the loss; shapes as the marginal share.

    The two shares sum to :func:`marginal_share`, the two means to :func:`expected_transfer`.
    """
    _, cdf, density = _edges(transfer, mean, sigma)
    sd = np.asarray(sigma)[..., None, None]
    mass = np.diff(cdf, axis=-1)
    first = np.asarray(mean)[..., None] * mass - sd * np.diff(density, axis=-1)
    intercepts, slopes = transfer.intercepts[..., None, :], transfer.slopes[..., None, :]
    pays = np.pad(transfer.knots >= 0, [(0, 0)] * (transfer.knots.ndim - 1) + [(1, 0)])
    pays = pays[..., None, :]
    jumps = transfer.jumps[..., None, :] * density[..., 1:-1] / sd
    share = slopes * mass
    worth = intercepts * mass + slopes * first
    at_gain = transfer.knots[..., None, :] >= 0
    return (
        np.where(pays, share, 0.0).sum(axis=-1) + np.where(at_gain, jumps, 0.0).sum(axis=-1),
        np.where(pays, worth, 0.0).sum(axis=-1),
        np.where(pays, 0.0, share).sum(axis=-1) + np.where(at_gain, 0.0, jumps).sum(axis=-1),
        np.where(pays, 0.0, worth).sum(axis=-1),
    )


def transfer_variance(transfer: Transfer, mean: Array, sigma: Array) -> tuple[Array, Array]:
    """Return the variance of the transfer with its slope in the mean surplus.

    Shapes as :func:`marginal_share`. Used by the risk term of a cautious member.
    """
    knots, cdf, density = _edges(transfer, mean, sigma)
    mu, sd = np.asarray(mean, dtype=float)[..., None], np.asarray(sigma)[..., None, None]
    mass = np.diff(cdf, axis=-1)
    first = mu * mass - sd * np.diff(density, axis=-1)
    second = (mu**2 + sd**2) * mass - sd * np.diff((knots + mu) * density, axis=-1)
    a, b = transfer.intercepts[..., None, :], transfer.slopes[..., None, :]
    level = (a * mass + b * first).sum(axis=-1)
    square = (a**2 * mass + 2 * a * b * first + b**2 * second).sum(axis=-1)
    slope = 2 * (b * (a * mass + b * first)).sum(axis=-1)
    at = knots[..., 1:-1]
    squares = (a[..., 1:] + b[..., 1:] * at) ** 2 - (a[..., :-1] + b[..., :-1] * at) ** 2
    slope = slope + (squares * density[..., 1:-1]).sum(axis=-1) / sd[..., 0]
    slope = slope - 2 * level * marginal_share(transfer, mean, sigma)
    return np.maximum(square - level**2, 0.0), slope


def steepest_rise(transfer: Transfer, sigma: Array, direction: Array | float = 1.0) -> Array:
    """Bound from above the slope of ``direction * r`` in the mean surplus, shape (...).

    ``direction`` is 1, or -1 where members gain by a lower surplus. For an uncapped rule it is
    ``(lambda+ q - lambda-)+ / (sigma sqrt(2 pi))``.
    """
    bends = np.where(np.isfinite(transfer.knots), np.diff(transfer.slopes, axis=-1), 0.0)
    # Bends at one place (two-sided rules) act together.
    bends = _merge_equal_knots(transfer.knots, bends) * np.asarray(direction)[..., None]
    sigma = np.asarray(sigma, dtype=float)
    rise = np.maximum(bends, 0.0).sum(axis=-1) / (sigma * _ROOT_TWO_PI)
    return rise + np.abs(transfer.jumps).sum(axis=-1) * _STEEPEST_DENSITY / sigma**2


def _merge_equal_knots(knots: Array, bends: Array) -> Array:
    merged = bends.copy()
    for k in range(1, knots.shape[-1]):
        same = knots[..., k] == knots[..., k - 1]
        merged[..., k] += np.where(same, merged[..., k - 1], 0.0)
        merged[..., k - 1] = np.where(same, 0.0, merged[..., k - 1])
    return merged


def largest_share(transfer: Transfer, sigma: Array) -> Array:
    """Bound r from above, shape (...)."""
    spike = np.maximum(transfer.jumps, 0.0).sum(axis=-1) / (np.asarray(sigma) * _ROOT_TWO_PI)
    return transfer.slopes.max(axis=-1) + spike
