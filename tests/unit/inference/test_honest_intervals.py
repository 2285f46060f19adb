"""Relative magnitudes and smoothness against linear programs, brute force and known violations."""

import numpy as np
import pytest
from scipy import optimize, stats

from medalliance.errors import DataError, DesignError
from medalliance.inference.relative_magnitude import _vertices, relative_magnitude_interval
from medalliance.inference.smoothness import folded_quantile, smoothness_interval


def random_study(seed, n_pre=3, n_post=3):
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(n_pre + n_post, n_pre + n_post))
    return rng.normal(size=n_pre + n_post), half @ half.T / 10 + 0.1 * np.eye(n_pre + n_post)


@pytest.mark.parametrize("contrast", [[1, 0, 0], [1, 1, 1], [0.5, -1, 2], [0, 0, 1]])
def test_closed_form_vertices_solve_the_linear_program(contrast):
    n_pre, n_post, bound = 3, 3, 0.7
    contrast = np.array(contrast, float)
    pre = np.hstack([np.eye(3, k=1) - np.eye(3), np.zeros((3, 3))])
    post = np.hstack([np.zeros((3, 3)), np.eye(3) - np.eye(3, k=-1)])
    for seed in range(5):
        beta, sigma = random_study(seed)
        vertices = _vertices(sigma, n_pre, contrast, bound)
        theta = np.random.default_rng(seed).normal()
        for p, largest in enumerate(np.concatenate([pre, -pre])):
            rows = np.concatenate([post, -post]) - bound * largest
            sd = np.sqrt(np.diag(rows @ sigma @ rows.T))
            # unknown: eta, tau; rows @ (beta - tau) <= sd * eta, contrast @ tau = theta
            result = optimize.linprog(
                np.r_[1.0, np.zeros(n_post)],
                A_ub=np.column_stack([-sd, -rows[:, n_pre:]]),
                b_ub=-rows @ beta,
                A_eq=np.r_[0.0, contrast][None],
                b_eq=[theta],
                bounds=[(None, None)] * (n_post + 1),
            )
            ours = vertices.slopes[p] @ beta + vertices.shift[p] * theta
            assert ours.max() == pytest.approx(result.fun, abs=1e-8)


def test_wider_bounds_give_wider_intervals():
    beta, sigma = random_study(3)
    ends = [
        relative_magnitude_interval(beta, sigma, 3, np.ones(3) / 3, m) for m in (0, 0.5, 1, 2, 4)
    ]
    assert (np.diff([e[0] for e in ends]) < 0).all()
    assert (np.diff([e[1] for e in ends]) > 0).all()
    halves = [
        smoothness_interval(beta, sigma, 3, np.ones(3) / 3, m).half_length for m in (0, 0.1, 1)
    ]
    assert (np.diff(halves) > 0).all()


def test_intervals_follow_the_scale_of_the_outcome():
    beta, sigma = random_study(4)
    for contrast in (np.eye(3)[1], -np.eye(3)[1]):
        low, high = relative_magnitude_interval(beta, sigma, 3, contrast, 1.0)
        np.testing.assert_allclose(
            relative_magnitude_interval(10 * beta, 100 * sigma, 3, contrast, 1.0),
            (10 * low, 10 * high),
            rtol=1e-6,
        )
    up = relative_magnitude_interval(beta, sigma, 3, np.eye(3)[1], 1.0)
    down = relative_magnitude_interval(beta, sigma, 3, -np.eye(3)[1], 1.0)
    np.testing.assert_allclose(up, (-down[1], -down[0]), rtol=1e-6)


def test_relative_magnitude_covers_under_the_largest_violation_allowed():
    rng = np.random.default_rng(1)
    n_pre, n_post, bound = 3, 2, 1.0
    steps = np.array([0.3, -1.0, 0.4])
    pre = -np.cumsum(steps[::-1])[::-1]
    violation = np.r_[pre, np.cumsum([1.0, 1.0])]
    sigma = 0.05 * (0.3 + 0.7 * np.eye(n_pre + n_post))
    contrast = np.full(n_post, 0.5)
    truth = 0.0
    draws = rng.multivariate_normal(violation, sigma, size=400)
    inside = [
        low <= truth <= high
        for low, high in (
            relative_magnitude_interval(beta, sigma, n_pre, contrast, bound) for beta in draws
        )
    ]
    assert np.mean(inside) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("seed", range(3))
def test_fixed_length_is_shorter_than_any_other_affine_interval(seed):
    beta, sigma = random_study(seed, 4, 2)
    contrast, bound = np.array([0.5, 0.5]), 0.05
    found = smoothness_interval(beta, sigma, 4, contrast, bound)
    times = np.array([-4, -3, -2, -1, 1, 2])
    kinks = np.maximum(times[:, None] - np.arange(-3, 2), 0) - np.where(
        np.arange(-3, 2) < 0, -np.arange(-3, 2), 0
    )

    def length(pre):
        weights = np.r_[pre, contrast]
        spread = np.sqrt(weights @ sigma @ weights)
        bias = bound * np.abs(weights @ kinks).sum()
        return spread * folded_quantile(bias / spread, 0.95)

    assert found.weights @ times == pytest.approx(0, abs=1e-9)
    assert length(found.weights[:4]) == pytest.approx(found.half_length, rel=1e-9)
    rng = np.random.default_rng(seed)
    for size in (1e-4, 1e-2, 1):
        for _ in range(50):
            move = rng.normal(size=4) * size
            move -= times[:4] * (move @ times[:4]) / (times[:4] @ times[:4])
            assert length(found.weights[:4] + move) >= found.half_length - 1e-10


def test_folded_normal_quantile():
    assert folded_quantile(0, 0.95) == pytest.approx(stats.norm.ppf(0.975))
    assert folded_quantile(1.3, 0.9) == pytest.approx(stats.foldnorm.ppf(0.9, 1.3))
    assert folded_quantile(50, 0.95) == pytest.approx(50 + stats.norm.ppf(0.95))


def test_one_pre_period_and_one_post_period_are_enough():
    sigma = np.array([[0.04, 0.01], [0.01, 0.04]])
    low, high = relative_magnitude_interval(np.array([0.1, 1.0]), sigma, 1, np.ones(1), 1.0)
    assert low < 1.0 < high
    found = smoothness_interval(np.array([0.1, 1.0]), sigma, 1, np.ones(1), 0.0)
    assert found.centre == pytest.approx(1.1)


def test_bad_input_is_refused():
    beta, sigma = random_study(0)
    with pytest.raises(DesignError, match="0 pre-periods"):
        relative_magnitude_interval(beta, sigma, 0, np.ones(6), 1.0)
    with pytest.raises(DataError, match="contrast"):
        smoothness_interval(beta, sigma, 3, np.ones(2), 1.0)
    with pytest.raises(DesignError, match="bound of 0 or more"):
        relative_magnitude_interval(beta, sigma, 3, np.ones(3), -1.0)
    with pytest.raises(DesignError, match="bound of 0 or more"):
        smoothness_interval(beta, sigma, 3, np.ones(3), np.nan)
    with pytest.raises(DataError, match="not finite"):
        smoothness_interval(np.where(beta == beta[1], np.nan, beta), sigma, 3, np.ones(3), 1.0)
    with pytest.raises(DesignError, match="positive variances"):
        smoothness_interval(beta, 0 * sigma, 3, np.ones(3), 1.0)
