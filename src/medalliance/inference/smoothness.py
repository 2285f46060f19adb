"""Fixed-length confidence interval when a violation of parallel trends is nearly linear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from ..errors import DesignError
from ._event_study import check_event_study

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FixedLength:
    """A fixed-length interval and the affine estimator at its centre.

    Attributes
    ----------
    centre, half_length : float
    weights : ndarray, shape (n_pre + n_post,)
        Weights of the coefficients in the centre.
    worst_bias, std_error : float
        Largest bias under the restriction, standard error of the centre.
    """

    centre: float
    half_length: float
    weights: Array
    worst_bias: float
    std_error: float


def smoothness_interval(
    estimate: Array,
    vcov: Array,
    n_pre: int,
    contrast: Array,
    bound: float,
    *,
    level: float = 0.95,
) -> FixedLength:
    """Compute the shortest fixed-length interval under ``Delta^SD(bound)``.

    The restriction is ``|d_{t+1} - 2 d_t + d_{t-1}| <= bound``: at 0 the violation is a line.
    The estimator's weights are written by their second differences ``x``, so that its worst bias is
    ``bound * (|x|_1 + constant)``; the frontier between bias and variance is a lasso path in
    ``n_pre - 1`` numbers, and the interval is the shortest on it.

    Parameters
    ----------
    estimate, vcov, n_pre, contrast, level
        As in ``relative_magnitude_interval``.
    bound : float
        ``M``, in the outcome's unit per period squared.

    Returns
    -------
    FixedLength

    Raises
    ------
    DesignError
        If there is no pre- or post-period, the bound is negative, the level out of range, or the
        variance singular.

    References
    ----------
    Rambachan, Roth (2023), sections 2.4.2 and 4; Armstrong, Kolesar (2018).
    """
    estimate, vcov, contrast = check_event_study(estimate, vcov, n_pre, contrast, level)
    if not bound >= 0:
        raise DesignError(f"smoothness {bound}.\n  Give a bound of 0 or more.")
    path = _Frontier.of(vcov, n_pre, contrast)

    def candidate(penalty: float) -> tuple[float, Array, float, float]:
        x = path.solve(penalty)
        weights = path.weights(x)
        variance = float(weights @ vcov @ weights)
        if not variance > 1e-12 * float(weights**2 @ np.diag(vcov)):
            raise DesignError(
                "the variance of the effects is singular, so that some combination of them has no "
                "error: there are too few clusters.\n"
                "  Show fewer event times (aggregate with balance=), or use a finer level of "
                "clusters."
            )
        spread = float(np.sqrt(variance))
        bias = bound * (float(np.abs(x).sum()) + path.fixed_bias)
        return spread * folded_quantile(bias / spread, level), weights, bias, spread

    best = candidate(0.0)
    if bound > 0 and n_pre > 1:
        top = path.largest_penalty
        found = optimize.minimize_scalar(
            lambda share: candidate(top * share**2)[0],
            bounds=(0, 1),
            method="bounded",
            options={"xatol": 1e-9},
        )
        best = min((best, candidate(top), candidate(top * found.x**2)), key=lambda c: c[0])
    half, weights, bias, spread = best
    return FixedLength(float(weights @ estimate), half, weights, bias, spread)


def folded_quantile(shift: float, level: float) -> float:
    """Compute the ``level`` quantile of ``|N(shift, 1)|``, ``shift >= 0``."""

    def excess(c: float) -> float:
        return float(special.ndtr(c - shift) - special.ndtr(-c - shift) - level)

    normal = float(special.ndtri((1 + level) / 2))
    return float(optimize.brentq(excess, 0.0, shift + normal + 1, xtol=1e-14, rtol=1e-14))


@dataclass(frozen=True, eq=False)
class _Frontier:
    """Variance ``|a + x'B|^2_vcov`` as a quadratic in second differences ``x``."""

    start: Array
    turn: Array
    quadratic: Array
    linear: Array
    fixed_bias: float

    @classmethod
    def of(cls, vcov: Array, n_pre: int, contrast: Array) -> _Frontier:
        """Write weights as ``start + turn @ x``; a common line gets weight zero for every x."""
        n_post = len(contrast)
        ahead = np.arange(1, n_post + 1)
        # x_i is the weight of the second difference at event time -i; x_0 = sum_t l_t t, x_n = 0
        second = np.eye(n_pre, n_pre + 1) - 2 * np.eye(n_pre, n_pre + 1, k=1)
        second += np.eye(n_pre, n_pre + 1, k=2)
        by_time = second[::-1]
        start = np.concatenate([by_time[:, 0] * (contrast @ ahead), contrast])
        turn = np.vstack([by_time[:, 1:n_pre], np.zeros((n_post, n_pre - 1))])
        later = np.maximum(ahead[None, :] - np.arange(n_post)[:, None], 0)
        return cls(
            start,
            turn,
            turn.T @ vcov @ turn,
            turn.T @ vcov @ start,
            float(np.abs(later @ contrast).sum()),
        )

    def weights(self, x: Array) -> Array:
        return self.start + self.turn @ x

    @property
    def largest_penalty(self) -> float:
        """Penalty from which on ``x`` is zero."""
        return float(np.abs(self.linear).max(initial=0))

    def solve(self, penalty: float) -> Array:
        """Minimise half the variance plus ``penalty * |x|_1`` by active sets of signs."""
        x = np.zeros(len(self.linear))
        if len(x) == 0:
            return x
        if penalty == 0:
            return _solve(self.quadratic, -self.linear)
        for _ in range(20_000):
            previous = x.copy()
            for i in range(len(x)):
                slope = self.linear[i] + self.quadratic[i] @ x - self.quadratic[i, i] * x[i]
                x[i] = -np.sign(slope) * max(abs(slope) - penalty, 0) / self.quadratic[i, i]
            if np.abs(x - previous).max() <= 1e-15 * max(np.abs(x).max(), 1e-300):
                break
        return self._polish(x, penalty)

    def _polish(self, x: Array, penalty: float) -> Array:
        """Solve the first-order conditions of the signs that coordinate descent found."""
        kept = np.flatnonzero(x)
        if len(kept) == 0:
            return x
        exact = np.zeros_like(x)
        exact[kept] = _solve(
            self.quadratic[np.ix_(kept, kept)], -self.linear[kept] - penalty * np.sign(x[kept])
        )
        return exact if (np.sign(exact) == np.sign(x)).all() else x


def _solve(matrix: Array, right: Array) -> Array:
    """Solve a symmetric system; where it is singular, take the shortest solution."""
    try:
        found = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        found = np.linalg.lstsq(matrix, right, rcond=None)[0]
    return np.asarray(found, np.float64)
