"""Equilibria where the score answers to care: two unknowns, mean surplus and latent score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import RuleError
from .best_response import Care, Problem, Worth, contribution, mean_surplus, withheld, worth_at
from .box_search import Found, all_fixed_points_in, jacobian_at
from .score import expected_score
from .transfer import steepest_rise, two_sides

Array = NDArray[np.float64]


def joint_map(problem: Problem, points: Array) -> Array:
    """Return mean surplus and latent score that follow when members expect them.

    Parameters
    ----------
    problem : Problem
        One problem.
    points : array, shape (n, 2)
        Mean surplus, latent score.
    """
    worth = worth_at_points(problem, points)
    mean = mean_surplus(problem, worth.surplus, worth.score)[0]
    s = withheld(problem, worth.surplus, worth.score)[0]
    lost = (problem.members * _care(problem).score_effect)[0] * s
    return np.stack([mean, 1 - lost.sum(axis=-1)], axis=1)


def worth_at_points(problem: Problem, points: Array) -> Worth:
    """Return what members weigh at points of mean surplus and latent score."""
    sides = two_sides(problem.transfer, points[None, :, 0], problem.sigma)
    return worth_at(problem, sides, points[None, :, 1])


def joint_fixed_points(problem: Problem) -> Found:
    """Find every pair of mean surplus and latent score that reproduces itself."""
    sigma = float(problem.sigma[0])
    return all_fixed_points_in(
        lambda points: joint_map(problem, points),
        lambda boxes: _image(problem, boxes),
        _start(problem),
        np.array([sigma, max(0.25, float(_care(problem).score_noise[0]))]),
        seam=None if _care(problem).score_noise[0] > 0 else 0.0,
    )


def stability(problem: Problem, points: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the slope of the reduced map, and whether gradual adjustment returns.

    The slope is that of the mean surplus once the score has followed; a point is stable where
    both eigenvalues of the Jacobian less one have negative real parts.
    """
    scale = np.array([float(problem.sigma[0]), 0.25])
    inner = points.copy()
    # At full care the score has a kink: derivatives are taken on the side of less care.
    inner[:, 1] = np.minimum(inner[:, 1], 1 - 1e-6)
    jacobian = jacobian_at(lambda at: joint_map(problem, at), inner, scale)
    reduced = jacobian[:, 0, 0] + jacobian[:, 0, 1] * jacobian[:, 1, 0] / (1 - jacobian[:, 1, 1])
    real = np.linalg.eigvals(jacobian - np.eye(2)).real.max(axis=1)
    return reduced, real < 0


def _care(problem: Problem) -> Care:
    if problem.care is None:
        raise RuleError("respond: no care is withheld here.\n  Ask for today's model.")
    return problem.care


def _start(problem: Problem) -> Array:
    """Return a box that holds every image of the map."""
    everywhere = np.array([[[-1e6 * float(problem.sigma[0])] * 2, [-1e9, 1.0]]])
    everywhere[0, 0, 1] *= -1
    image = _image(problem, everywhere)[0]
    pad = np.array([[-1e-9, 1e-9]]) * (1 + np.abs(image))
    return image + pad


def _image(problem: Problem, boxes: Array) -> Array:
    """Enclose the map's image over boxes, shape (n, 2, 2).

    The gain at a score of one rises in the mean surplus. Marginal shares are enclosed by their
    value at the middle and a bound on their slope. Acts are monotone in the two worths.
    """
    p, c = problem, _care(problem)
    mean, latent = boxes[:, 0], boxes[:, 1]
    sigma = float(p.sigma[0])
    middle, half = mean.mean(axis=1), (mean[:, 1] - mean[:, 0]) / 2
    at = two_sides(p.transfer, np.stack([mean[:, 0], middle, mean[:, 1]])[None].reshape(1, -1),
                   p.sigma)  # fmt: skip
    a, gain, b, _ = (x[0].reshape(3, -1) for x in at)
    share_gain = _around(a, half, _steepness(p, gain=True), _most(p, gain=True, sigma=sigma))
    share_loss = _around(b, half, _steepness(p, gain=False), _most(p, gain=False, sigma=sigma))
    gains = gain[0], gain[2]
    noise = c.score_noise[0]
    low, high = (expected_score(latent[:, k], noise) for k in (0, 1))
    scores = low[0], high[0]
    slopes = _slope_range(latent, float(noise), low[1], high[1])
    r = (
        share_gain[0] * np.where(share_gain[0] >= 0, scores[0], scores[1]) + share_loss[0],
        share_gain[1] * np.where(share_gain[1] >= 0, scores[1], scores[0]) + share_loss[1],
    )
    carried = float(c.carried[0])
    risk = [np.maximum(g + x * carried, 0) for g, x in zip(gains, r, strict=True)]
    at_risk = risk[0] * slopes[0], risk[1] * slopes[1]
    weight = float(p.weight[0])
    ends = [x * weight for x in r]
    worth = [
        (p.belief[0] * np.minimum(*ends)[:, None])[None],
        (p.belief[0] * np.maximum(*ends)[:, None])[None],
    ]
    score = [(p.belief[0] * x[:, None])[None] for x in at_risk]
    s = withheld(p, worth[0], score[1])[0], withheld(p, worth[1], score[0])[0]
    lost = [((p.members * c.score_effect)[0] * x).sum(axis=-1) for x in s]
    own = _monotone_parts(p, worth[0], worth[1])
    saved = [((p.members * c.withholding_saving)[0] * x).sum(axis=-1) for x in s]
    surplus = [float(p.offset[0]) + x + y for x, y in zip(own, saved, strict=True)]
    return np.stack(
        [np.stack(surplus, axis=1), np.stack([1 - lost[1], 1 - lost[0]], axis=1)], axis=1
    )


def _monotone_parts(problem: Problem, low: Array, high: Array) -> tuple[Array, Array]:
    """Enclose the sum of contributions; each member's rises in the worth of surplus."""
    ends = [
        (problem.members[:, None] * contribution(problem, x)).sum(axis=-1)[0] for x in (low, high)
    ]
    return ends[0], ends[1]


def _around(values: Array, half: Array, steepness: float, most: float) -> tuple[Array, Array]:
    reach = steepness * half
    low = np.maximum(values.min(axis=0) * 0 + values[1] - reach, 0.0)
    high = np.minimum(values[1] + reach, most)
    return np.minimum(low, high), np.maximum(low, high)


def _slope_range(latent: Array, noise: float, at_low: Array, at_high: Array) -> tuple[Array, Array]:
    """Enclose the slope of the mean score, which rises up to one half and falls after."""
    if noise == 0:
        low = np.where(latent[:, 0] > 0, 1.0, 0.0)
        return low, np.where(latent[:, 1] > 0, 1.0, 0.0)
    peak = expected_score(np.array(0.5), np.array(noise))[1]
    inside = (latent[:, 0] < 0.5) & (latent[:, 1] > 0.5)
    return np.minimum(at_low, at_high), np.where(inside, peak, np.maximum(at_low, at_high))


def _steepness(problem: Problem, *, gain: bool) -> float:
    part = _side(problem, gain=gain)
    rises = [float(steepest_rise(part, problem.sigma, d)[0]) for d in (1.0, -1.0)]
    return max(rises)


def _most(problem: Problem, *, gain: bool, sigma: float) -> float:
    part = _side(problem, gain=gain)
    jumps = np.maximum(part.jumps, 0.0).sum() / (sigma * np.sqrt(2 * np.pi))
    return float(part.slopes.max() + jumps)


def _side(problem: Problem, *, gain: bool):  # type: ignore[no-untyped-def]
    """Return the transfer with the other side's payments taken out."""
    t = problem.transfer
    pays = np.pad(t.knots >= 0, [(0, 0), (1, 0)])
    kept = pays if gain else ~pays
    return type(t)(t.knots, np.where(kept, t.intercepts, 0.0), np.where(kept, t.slopes, 0.0))
