"""Every fixed point of a map of the plane, by cutting boxes that cannot hold one.

A box is thrown away when an enclosure of the map's image over it does not meet it. What is left
after enough cuts surrounds the fixed points; Newton's steps from there find them. If some box is
left with no fixed point near it, the search says so. Enclosures are exact up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Map = Callable[[Array], Array]
# From boxes, shape (n, 2, 2) as (low, high) by coordinate, to boxes that hold their images.
Enclosure = Callable[[Array], Array]
_MOST = 60_000


@dataclass(frozen=True, eq=False)
class Found:
    """Hold fixed points, shape (n, 2), and whether every box that was left holds one."""

    points: Array
    certified: bool


def all_fixed_points_in(
    map_: Map,
    enclose: Enclosure,
    start: Array,
    scale: Array,
    *,
    seam: float | None = None,
    cuts: int = 60,
) -> Found:
    """Find every fixed point of a map inside a box.

    Parameters
    ----------
    map_ : callable
        From points, shape (n, 2), to points.
    enclose : callable
    start : array, shape (2, 2)
        The box as (low, high) by coordinate.
    scale : array, shape (2,)
        Length by coordinate over which the map bends.
    seam : float, optional
        Value of the second coordinate at which the map jumps; boxes that straddle it need hold
        no fixed point.
    cuts : int
        Times that boxes are halved along their longer side, in units of ``scale``.

    Returns
    -------
    Found
        Points in rising order of the first coordinate.
    """
    boxes = np.asarray(start, dtype=float)[None]
    fine = 2e-3
    for _ in range(cuts):
        boxes = _cut(_shrunk(boxes, enclose), scale, fine)
        if not len(boxes) or len(boxes) > _MOST:
            break
        if np.all((boxes[:, :, 1] - boxes[:, :, 0]) / scale <= fine):
            boxes = _shrunk(boxes, enclose)
            break
    if not len(boxes):
        return Found(np.empty((0, 2)), True)
    if seam is not None:
        boxes = boxes[(boxes[:, 1, 0] >= seam) | (boxes[:, 1, 1] < seam)]
    if not len(boxes):
        return Found(np.empty((0, 2)), True)
    centres = boxes.mean(axis=2)
    picked = centres if len(centres) <= 400 else centres[:: len(centres) // 400 + 1]
    points = _distinct(_newton(map_, picked, scale), scale)
    if not len(points):
        return Found(points, False)
    gap = np.abs(centres[:, None] - points[None]) / scale
    near = gap.max(axis=-1).min(axis=-1)
    return Found(points, bool(near.max() < 0.05 and len(boxes) <= _MOST))


def _shrunk(boxes: Array, enclose: Enclosure) -> Array:
    """Cut each box to where it meets its image; drop those that do not meet it."""
    image = enclose(boxes)
    low = np.maximum(boxes[:, :, 0], image[:, :, 0])
    high = np.minimum(boxes[:, :, 1], image[:, :, 1])
    slack = 1e-12 * (1 + np.abs(boxes).max(axis=2))
    kept = np.all(low <= high + slack, axis=1)
    return np.stack([np.minimum(low, high), np.maximum(low, high)], axis=2)[kept]


def _cut(boxes: Array, scale: Array, fine: float) -> Array:
    width = (boxes[:, :, 1] - boxes[:, :, 0]) / scale
    axis = width.argmax(axis=1)
    small = width.max(axis=1) <= fine
    whole, cut, side = boxes[small], boxes[~small], axis[~small]
    rows = np.arange(len(cut))
    middle = cut[rows, side].mean(axis=1)
    left, right = cut.copy(), cut.copy()
    left[rows, side, 1] = middle
    right[rows, side, 0] = middle
    return np.concatenate([whole, left, right])


def _newton(map_: Map, at: Array, scale: Array) -> Array:
    """Refine each point; keep those that end where the map leaves them."""
    at = at.copy()
    for _ in range(60):
        excess = map_(at) - at
        jacobian = jacobian_at(map_, at, scale) - np.eye(2)
        singular = np.abs(np.linalg.det(jacobian)) < 1e-14
        jacobian[singular] = -np.eye(2)
        step = np.linalg.solve(jacobian, -excess[..., None])[..., 0]
        longest = np.max(np.abs(step) / scale, axis=1, keepdims=True)
        step = step / np.maximum(1.0, longest / 0.5)
        at = at + step
        if np.all(np.abs(step) <= 1e-14 * (scale + np.abs(at))):
            break
    gap = np.abs(map_(at) - at) / (scale + np.abs(at))
    return at[gap.max(axis=1) < 1e-9]


def jacobian_at(map_: Map, at: Array, scale: Array) -> Array:
    """Return the derivatives of the map by central differences, shape (n, 2, 2)."""
    columns = []
    for k in range(2):
        step = np.zeros(2)
        step[k] = 1e-6 * scale[k]
        columns.append((map_(at + step) - map_(at - step)) / (2 * step[k]))
    return np.stack(columns, axis=2)


def _distinct(points: Array, scale: Array) -> Array:
    kept: list[Array] = []
    for point in points[np.argsort(points[:, 0], kind="stable")]:
        if all(np.max(np.abs(point - other) / scale) > 1e-6 for other in kept):
            kept.append(point)
    return np.array(kept).reshape(-1, 2)
