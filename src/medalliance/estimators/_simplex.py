"""Least squares over the unit simplex: the one weight solver of the synthetic methods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError

Array = NDArray[np.float64]

_NEWTON_STEPS = 60
_PROXIMAL_STEPS = 400
_ALIKE = 1e6


def project_to_simplex(v: Array) -> Array:
    """Project a vector onto the unit simplex, shape (n,).

    Source: Held, Wolfe and Crowder (1974); the threshold is found by one sort.
    """
    ordered = np.sort(v)[::-1]
    excess = np.cumsum(ordered) - 1.0
    size = np.arange(1, len(v) + 1)
    last = np.flatnonzero(ordered * size > excess)[-1]
    return np.maximum(v - excess[last] / (last + 1.0), 0.0)


def simplex_least_squares(
    design: Array, target: Array, ridge: float = 0.0, start: Array | None = None
) -> Array:
    """Solve min ||A w - b||^2 + ridge ||w||^2 over w >= 0, sum w = 1.

    A proximal-point outer loop makes every inner problem strongly convex; the inner problem is
    solved in its dual, whose dimension is min(rows, columns), by a semismooth Newton method; the
    support found is then polished by one linear solve. The optimality conditions are checked
    before the answer is given.

    Parameters
    ----------
    design : ndarray, shape (m, n)
        Rows are what is matched, columns are donors.
    target : ndarray, shape (m,)
        What the weighted donors shall match.
    ridge : float
        Penalty on the squared weights, at least 0.
    start : ndarray, shape (n,), optional
        Weights to start from.

    Returns
    -------
    ndarray, shape (n,)
        Weights.

    Raises
    ------
    DesignError
        The iteration stopped before the optimality conditions held.

    References
    ----------
    Li, Sun and Toh (2018), SIAM J. Optimization 28(1), for the algorithm.
    """
    m, n = design.shape
    if n == 1:
        return np.ones(1)
    a, b = design, target
    if m > n:
        q, a = np.linalg.qr(design)
        b = q.T @ target
    scale = float(np.abs(a).max()) or 1.0
    if np.sqrt(ridge) > _ALIKE * scale:  # donors alike up to rounding: only the penalty is left
        return np.full(n, 1.0 / n)
    a, b, eta = a / scale, b / scale, ridge / scale**2
    w = np.full(n, 1.0 / n) if start is None else project_to_simplex(start)
    u = b - a @ w
    sigma = 0.0 if eta > 1e-3 else 1e-2
    gap = np.inf
    for _ in range(_PROXIMAL_STEPS):
        centre = sigma * w / (eta + sigma)
        w, u = _dual_newton(a, b, eta + sigma, centre, u)
        w, gap = _polish(a, b, eta, w)
        if gap < 1e-9:
            return w
        sigma = max(sigma * 0.5, 1e-9) if sigma else 1e-2
    raise DesignError(
        f"the weight solver stopped with an optimality gap of {gap:.1e} for {n} donors and {m} "
        "matched rows. Rescale the outcome, or add a ridge penalty."
    )


def _dual_newton(a: Array, b: Array, rho: float, centre: Array, u: Array) -> tuple[Array, Array]:
    """Minimise 0.5||Aw-b||^2 + rho/2 ||w-centre||^2 over the simplex; dual variable is b - Aw."""

    def evaluate(point: Array) -> tuple[Array, Array, float]:
        w = project_to_simplex(centre + a.T @ point / rho)
        gradient = point - b + a @ w
        inner = 0.5 * rho * np.sum((w - centre) ** 2) - point @ (a @ w)
        return w, gradient, float(0.5 * point @ point - point @ b - inner)

    w, gradient, value = evaluate(u)
    tolerance = 1e-13 * (1.0 + float(np.linalg.norm(b)))
    for _ in range(_NEWTON_STEPS):
        if np.linalg.norm(gradient) <= tolerance:
            break
        active = a[:, w > 0]
        centred = active - active.mean(axis=1, keepdims=True)
        step = np.linalg.solve(np.eye(len(b)) + centred @ centred.T / rho, -gradient)
        slope, size = float(gradient @ step), 1.0
        w_new, g_new, v_new = evaluate(u + step)
        while v_new > value + 1e-4 * size * slope and size > 1e-8:
            size *= 0.5
            w_new, g_new, v_new = evaluate(u + size * step)
        u, w, gradient, value = u + size * step, w_new, g_new, v_new
    return w, u


def _polish(a: Array, b: Array, eta: float, w: Array) -> tuple[Array, float]:
    """Solve exactly on the support of w; return the better point with its optimality gap."""
    gap = _optimality_gap(a, b, eta, w)
    support = np.flatnonzero(w > 1e-10)
    k = len(support)
    if gap < 1e-9 or k > 4 * len(b) + 4:
        return w, gap
    sub = a[:, support]
    system = np.zeros((k + 1, k + 1))
    system[:k, :k] = sub.T @ sub + eta * np.eye(k)
    system[:k, k] = system[k, :k] = 1.0
    solution = np.linalg.lstsq(system, np.r_[sub.T @ b, 1.0], rcond=1e-13)[0][:k]
    if solution.min() < 0:
        return w, gap
    exact = np.zeros_like(w)
    exact[support] = solution / solution.sum()
    exact_gap = _optimality_gap(a, b, eta, exact)
    return (exact, exact_gap) if exact_gap < gap else (w, gap)


def _optimality_gap(a: Array, b: Array, eta: float, w: Array) -> float:
    """Return the Frank-Wolfe gap, an upper bound on how far the objective is from its minimum."""
    gradient = a.T @ (a @ w - b) + eta * w
    gap = float(gradient @ w - gradient.min())
    return gap / (1.0 + float(b @ b))
