"""Confidence interval when post-period violations are bounded by the largest pre-period one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ..errors import DesignError
from ._event_study import check_event_study

Array = NDArray[np.float64]
LF_DRAWS_LOG2 = 14
GRID = 401


def relative_magnitude_interval(
    estimate: Array,
    vcov: Array,
    n_pre: int,
    contrast: Array,
    bound: float,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Compute the conditional least-favourable hybrid interval under ``Delta^RM(bound)``.

    The restriction is ``|d_{t+1} - d_t| <= bound * max_{s<0} |d_{s+1} - d_s|`` for every
    post-period step of the violation ``d`` of parallel trends (zero in the reference period). It is
    a union over the largest pre-period step and its sign; the interval covers what any of them
    accepts. In first differences each linear program has one equality, so its dual has
    ``n_post + 2`` vertices in closed form: nothing is solved by search, and the least-favourable
    critical value takes 16,384 Sobol points (R HonestDiD: 1,000 linear programs).

    Parameters
    ----------
    estimate : ndarray, shape (n_pre + n_post,)
        Event-study coefficients in time order without the reference period.
    vcov : ndarray, shape (n_pre + n_post, n_pre + n_post)
    n_pre : int
        Pre-period coefficients.
    contrast : ndarray, shape (n_post,)
        Weights of the post-period effects in the target.
    bound : float
        ``Mbar``: 0 is parallel trends in the post-periods, 1 the largest step seen before.
    level : float
    seed : int
        Seed of the draws of the least-favourable critical value, whose size is a tenth of
        ``1 - level``.

    Returns
    -------
    conf_low, conf_high : float
        Empty (NaN) if every value is rejected.

    Raises
    ------
    DesignError
        If there is no pre- or post-period, the bound is negative, or the level out of range.

    References
    ----------
    Rambachan, Roth (2023), sections 2.4.1 and 3; Andrews, Roth, Pakes (2023), sections 4-5.
    Moments are those of the post-periods, with one post-period all of them, as in R HonestDiD.
    """
    estimate, vcov, contrast = check_event_study(estimate, vcov, n_pre, contrast, level)
    if not bound >= 0:
        raise DesignError(f"relative magnitude {bound}.\n  Give a bound of 0 or more.")
    test = _HybridTest(_vertices(vcov, n_pre, contrast, bound), estimate, vcov, 1 - level, seed)
    post, pre = estimate[n_pre:], np.append(estimate[:n_pre], 0.0)
    steps = np.abs(np.cumsum(contrast[::-1])).sum()
    spread = np.sqrt(contrast @ vcov[n_pre:, n_pre:] @ contrast)
    half = bound * steps * np.abs(np.diff(pre)).max() + 20 * spread
    centre = float(contrast @ post)
    grid = np.linspace(centre - half, centre + half, GRID)
    return _ends(test, grid)


@dataclass(frozen=True, eq=False)
class _Vertices:
    """Dual vertices as functionals ``slopes @ estimate + shift * theta``, one row a polyhedron.

    Attributes
    ----------
    slopes : ndarray, shape (n_polyhedra, n_vertices, n_pre + n_post)
    shift : ndarray, shape (n_polyhedra, n_vertices)
    """

    slopes: Array
    shift: Array


def _vertices(vcov: Array, n_pre: int, contrast: Array, bound: float) -> _Vertices:
    """Write down the dual vertices of the moment inequalities of every (step, sign)."""
    n_post = len(contrast)
    pre_steps = np.zeros((n_pre, n_pre + n_post))
    pre_steps[:, :n_pre] = np.eye(n_pre, k=1) - np.eye(n_pre)
    post_steps = np.zeros((n_post, n_pre + n_post))
    post_steps[:, n_pre:] = np.eye(n_post) - np.eye(n_post, k=-1)
    weight = np.cumsum(contrast[::-1])[::-1]
    target = weight @ post_steps
    slopes, shift = [], []
    for largest in np.concatenate([pre_steps, -pre_steps]):
        up, down = (sign * post_steps - bound * largest for sign in (1, -1))
        sd_up, sd_down = (np.sqrt(np.einsum("ij,jk,ik->i", a, vcov, a)) for a in (up, down))
        slack = bound * np.abs(weight).sum() * largest
        above = np.abs(weight) @ np.where(weight > 0, sd_up, sd_down)
        below = np.abs(weight) @ np.where(weight > 0, sd_down, sd_up)
        pairs = -2 * bound * largest / (sd_up + sd_down)[:, None]
        rows = [(target - slack) / above, (-target - slack) / below, *pairs]
        if n_post == 1:
            rows += _pre_moments(pre_steps, largest, vcov)
        slopes.append(rows)
        shift.append([-1 / above, 1 / below] + [0.0] * (len(rows) - 2))
    return _Vertices(np.array(slopes), np.array(shift))


def _pre_moments(pre_steps: Array, largest: Array, vcov: Array) -> list[Array]:
    """Return the standardised moments that say which pre-period step is the largest."""
    rows = np.concatenate([pre_steps, -pre_steps]) - largest
    sd = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", rows, vcov, rows), 0))
    return [row / s if s > 0 else 0 * row for row, s in zip(rows, sd, strict=True)]


class _HybridTest:
    """The hybrid test of all polyhedra, vectorised over tested values."""

    def __init__(
        self, vertices: _Vertices, estimate: Array, vcov: Array, alpha: float, seed: int
    ) -> None:
        self._constant = vertices.slopes @ estimate
        self._shift = vertices.shift
        self._cov = np.einsum("pvi,ij,pwj->pvw", vertices.slopes, vcov, vertices.slopes)
        self._kappa = alpha / 10
        self._size = (alpha - self._kappa) / (1 - self._kappa)
        self._slopes, self._vcov, self._seed = vertices.slopes, vcov, seed

    @cached_property
    def _least_favourable(self) -> Array:
        """Critical values of the first stage, shape (n_polyhedra,)."""
        values, vectors = np.linalg.eigh(self._vcov)
        root = vectors * np.sqrt(np.maximum(values, 0))
        sobol = stats.qmc.Sobol(len(root), rng=np.random.default_rng(self._seed))
        uniform = np.clip(sobol.random_base2(LF_DRAWS_LOG2), 1e-12, 1 - 1e-12)
        noise = special.ndtri(uniform) @ root.T
        return np.array(
            [np.quantile((noise @ rows.T).max(axis=1), 1 - self._kappa) for rows in self._slopes]
        )

    def accepts(self, theta: Array) -> NDArray[np.bool_]:
        """Say which tested values any polyhedron accepts, shape (n_theta,)."""
        value = self._constant[:, :, None] + self._shift[:, :, None] * theta
        best = value.argmax(axis=1)
        eta = np.take_along_axis(value, best[:, None], axis=1)[:, 0]
        polyhedron = np.arange(len(best))[:, None]
        variance = self._cov[polyhedron, best, best]
        known = variance > 1e-12 * np.abs(self._cov).max()
        safe = np.where(known, variance, 1.0)
        ratio = np.moveaxis(self._cov[polyhedron, best], 2, 1) / safe[:, None]
        room = 1 - ratio
        with np.errstate(divide="ignore", invalid="ignore"):
            edge = (value - ratio * eta[:, None]) / room
        low = np.where(room > 1e-9, edge, -np.inf).max(axis=1)
        high = np.where(room < -1e-9, edge, np.inf).min(axis=1)
        cut = self._least_favourable[:, None]
        tail = _tail_share(eta, low, np.minimum(high, cut), np.sqrt(safe))
        rejected = (eta > 0) & ((eta > cut) | ~known | (tail < self._size))
        return ~rejected.all(axis=0)


def _tail_share(eta: Array, low: Array, high: Array, sd: Array) -> Array:
    """Compute ``P(xi > eta | low <= xi <= high)`` for centred normal ``xi``, far tails too."""
    log_eta, log_low, log_high = (special.log_ndtr(-x / sd) for x in (eta, low, high))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        top = -np.expm1(np.minimum(log_high - log_eta, 0))
        bottom = -np.expm1(np.minimum(log_high - log_low, 0))
        share = np.exp(np.minimum(log_eta - log_low, 0)) * top / bottom
    return np.where(np.isfinite(share), share, 0.0)


def _ends(test: _HybridTest, grid: Array) -> tuple[float, float]:
    """Find the lowest and the highest accepted value, zooming in three times."""
    for _ in range(20):
        kept = np.flatnonzero(test.accepts(grid))
        if not len(kept):
            return float("nan"), float("nan")
        if kept[0] > 0 and kept[-1] < len(grid) - 1:
            break
        half = grid[-1] - grid[0]
        grid = np.linspace(grid[0] - half, grid[-1] + half, GRID)
    else:
        return float("-inf"), float("inf")
    low = (grid[kept[0] - 1], grid[kept[0]])
    high = (grid[kept[-1]], grid[kept[-1] + 1])
    for _ in range(3):
        fine = np.linspace(*low, GRID)
        first = int(test.accepts(fine).argmax())
        low = (fine[max(first - 1, 0)], fine[first])
        fine = np.linspace(*high, GRID)
        last = GRID - 1 - int(test.accepts(fine)[::-1].argmax())
        high = (fine[last], fine[min(last + 1, GRID - 1)])
    return float(low[1]), float(high[0])
