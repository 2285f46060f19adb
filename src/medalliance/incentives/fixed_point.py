"""All fixed points of a scalar map that bends only near known places.

The equilibrium r = Phi_R(mu(r)) is solved for the mean surplus: mu = M(r(mu)). In mu the map
bends on the scale of sigma around the knots of the transfer, so that a grid known in advance
sees every bracket, spikes of a minimum savings rate included.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise, minimize_scalar

Array = NDArray[np.float64]
_REACH = 9.0  # standard deviations beyond which a normal tail is below 1e-18


def knot_grid(knots: Array, sigma: Array, per_sigma: int) -> Array:
    """Return points around every finite knot, shape (n, n_points), in rising order.

    Points of knots at infinity repeat the first finite knot's.
    """
    fresh = np.ones(knots.shape[-1], dtype=bool)
    fresh[1:] = (np.diff(knots, axis=-1) != 0).any(axis=0)
    knots = knots[:, fresh]
    around = np.linspace(-_REACH, _REACH, int(2 * _REACH * per_sigma) + 1)
    finite = np.isfinite(knots)
    first = np.take_along_axis(knots, np.argmax(finite, axis=-1)[:, None], -1)
    centres = np.where(finite, knots, first)
    points = centres[..., None] + sigma[:, None, None] * around
    return np.sort(points.reshape(len(knots), -1), axis=-1)


def bracket_grid(map_: Callable[[Array], Array], grid: Array, sigma: Array) -> tuple[Array, Array]:
    """Evaluate map(mu) - mu on a grid that spans every fixed point.

    Returns
    -------
    points, excess : array, shape (n, n_points)
    """
    image = map_(grid)
    low, high = image.min(axis=-1) - sigma, image.max(axis=-1) + sigma
    ends = np.stack([low, high], axis=-1)
    points = np.concatenate([grid, ends], axis=-1)
    excess = np.concatenate([image, map_(ends)], axis=-1) - points
    order = np.argsort(points, axis=-1)
    return np.take_along_axis(points, order, -1), np.take_along_axis(excess, order, -1)


def all_fixed_points(
    map_: Callable[[Array], Array], knots: Array, sigma: float, *, per_sigma: int = 64
) -> Array:
    """Find every fixed point of one map.

    Parameters
    ----------
    map_ : callable
        From means, shape (1, n_points), to means.
    knots : array, shape (n_knots,)
    sigma : float
    per_sigma : int
        Grid points per standard deviation.

    Returns
    -------
    array, shape (n_roots,)
        In rising order, each to machine precision.
    """
    spread = np.array([sigma])
    grid = knot_grid(knots[None], spread, per_sigma)
    points, excess = bracket_grid(map_, grid, spread)
    # Grids around neighbouring knots nearly share points, between which only rounding speaks.
    once = np.append(True, np.diff(points[0]) > 1e-9 * sigma)
    points, excess = _add_near_touches(map_, points[0, once], excess[0, once])
    exact = points[excess == 0]
    left = np.flatnonzero(excess[:-1] * excess[1:] < 0)
    found = [exact]
    if left.size:
        result = elementwise.find_root(
            lambda mu: map_(mu[None])[0] - mu,
            (points[left], points[left + 1]),
            tolerances={"xatol": 1e-15 * sigma, "xrtol": 4e-16, "fatol": 0.0},
        )
        found.append(result.x)
    return _distinct(np.sort(np.concatenate(found)), 1e-10 * sigma)


def _add_near_touches(
    map_: Callable[[Array], Array], points: Array, excess: Array
) -> tuple[Array, Array]:
    """Add the turning point wherever the curve bends towards zero between grid points."""
    size = np.abs(excess)
    inner = np.flatnonzero(
        (size[1:-1] < size[:-2]) & (size[1:-1] <= size[2:])
        & (np.sign(excess[:-2]) == np.sign(excess[2:]))
    )  # fmt: skip
    for i in inner:
        sign = np.sign(excess[i + 1])
        low, high = points[i], points[i + 2]
        turn = minimize_scalar(
            lambda mu, sign=sign: sign * float(map_(np.array([[mu]]))[0, 0] - mu),
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-12 * max(1.0, abs(high))},
        )
        points, excess = np.append(points, turn.x), np.append(excess, sign * turn.fun)
    order = np.argsort(points)
    return points[order], excess[order]


def _distinct(roots: Array, gap: float) -> Array:
    keep = np.ones(len(roots), dtype=bool)
    keep[1:] = np.diff(roots) > gap
    return roots[keep]


def slope_at(map_: Callable[[Array], Array], roots: Array, sigma: float) -> Array:
    """Return the slope of the map at each fixed point by central differences."""
    step = 1e-5 * sigma
    around = np.concatenate([roots - step, roots + step])[None]
    image = map_(around)[0]
    return (image[len(roots) :] - image[: len(roots)]) / (2 * step)
