"""Randomisation, Conley-Taber, Ferman-Pinto, Romano-Wolf as functions of arrays."""

import itertools
import math

import numpy as np
import pytest

from medalliance.errors import DataError, DesignError
from medalliance.inference._romano_wolf import stepdown_p_values
from medalliance.inference.few_treated import few_treated
from medalliance.inference.randomisation import randomisation_inference


def test_randomisation_of_a_tiny_sample_is_exact():
    y = np.array([5.0, 1.0, 2.0, 4.0, 3.0])
    cohorts = np.array([2012, 0, 0, 2012, 0])

    def difference(c):
        return y[c > 0].mean() - y[c == 0].mean()

    found = randomisation_inference(difference, cohorts)
    by_hand = []
    for pair in itertools.combinations(range(5), 2):
        treated = np.isin(np.arange(5), pair)
        by_hand.append(y[treated].mean() - y[~treated].mean())
    assert found.enumerated
    np.testing.assert_allclose(np.sort(found.draws), np.sort(by_hand))
    assert found.p_value == np.mean(np.abs(by_hand) >= difference(cohorts) - 1e-12)


def test_randomisation_keeps_cohorts_within_strata():
    cohorts = np.array([2012, 0, 0, 2013, 2012, 0])
    strata = np.array(["a", "a", "a", "b", "b", "b"])
    seen = []
    found = randomisation_inference(
        lambda c: float(seen.append(tuple(c)) or c[0] + 1), cohorts, strata=strata
    )
    assert found.enumerated
    assert len(found.draws) == 3 * 6
    assert len(set(seen[1:])) == 18
    assert all(sorted(c[:3]) == [0, 0, 2012] for c in seen)


def test_random_assignments_count_the_sample_itself():
    rng = np.random.default_rng(0)
    y, cohorts = rng.normal(size=30), np.repeat([0, 2012, 2014], 10)
    first = randomisation_inference(lambda c: y[c > 0].mean(), cohorts, n_draws=99, seed=1)
    again = randomisation_inference(lambda c: y[c > 0].mean(), cohorts, n_draws=99, seed=1)
    assert not first.enumerated
    np.testing.assert_array_equal(first.draws, again.draws)
    extreme = (np.abs(first.draws) >= abs(first.statistic)).sum()
    assert first.p_value == (1 + extreme) / 100


def test_randomisation_is_level_under_the_null():
    rng = np.random.default_rng(3)
    cohorts = np.array([1, 1, 0, 0, 0, 0, 0])
    p_values = []
    for _ in range(400):
        y = rng.standard_t(2, size=7)
        found = randomisation_inference(lambda c, y=y: y[c > 0].sum(), cohorts)
        p_values.append(found.p_value)
    assert len(set(np.round(np.array(p_values) * math.comb(7, 2)))) > 10
    for size in (0.05, 0.2):
        exact = math.floor(size * 21) / 21
        assert np.mean(np.array(p_values) <= size + 1e-9) == pytest.approx(exact, abs=0.06)


def test_refused_assignments_count_as_extreme():
    def fussy(c):
        if not c[:5].any():
            raise DesignError("no control.\n  Take more.")
        return float(c[0] - c[1])

    cohorts = np.array([1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1])
    found = randomisation_inference(fussy, cohorts, n_draws=200, seed=0)
    assert 0 < found.n_failed < 40
    assert np.isnan(found.draws).sum() == found.n_failed
    with pytest.raises(DesignError, match="refuses"):
        randomisation_inference(
            lambda c: 1.0 if (c == cohorts).all() else np.nan, cohorts, n_draws=50
        )
    with pytest.raises(DesignError, match="1 possible assignment"):
        randomisation_inference(lambda c: 1.0, np.array([1, 1]))
    with pytest.raises(DesignError, match="statistic of the sample has no value"):
        randomisation_inference(lambda c: np.nan, cohorts)


def test_conley_taber_with_one_treated_cluster_ranks_untreated_ones():
    path = np.array([[-0.5, -0.5, 0.5, 0.5]])
    residuals = np.random.default_rng(0).normal(size=(39, 4))
    found = few_treated(1.0, path, residuals)
    moves = residuals @ path[0]
    assert found.enumerated
    np.testing.assert_allclose(np.sort(found.law), np.sort(moves))
    tail = min((moves >= 1).mean(), (moves <= 1).mean())
    assert found.p_value == min(1, 2 * tail)
    assert found.conf_low == 1.0 - np.sort(moves)[-1]
    assert found.conf_high == pytest.approx(1.0 - np.sort(moves)[0])


def test_conley_taber_gives_each_treated_cluster_its_own_path():
    """With unequal paths, a plain average of ratios is another number."""
    paths = np.array([[1.0, 0, 0], [0, 0.1, 0.2]])
    residuals = np.random.default_rng(1).normal(size=(9, 3))
    found = few_treated(0.5, paths, residuals)
    by_hand = [paths[0] @ a + paths[1] @ b for a, b in itertools.product(residuals, residuals)]
    np.testing.assert_allclose(np.sort(found.law), np.sort(by_hand))
    drawn = few_treated(0.5, paths, residuals, n_draws=80, seed=1)
    assert not drawn.enumerated
    assert set(np.round(drawn.law, 10)) <= set(np.round(by_hand, 10))


def two_way(y):
    return (
        y
        - y.mean(axis=-1, keepdims=True)
        - y.mean(axis=-2, keepdims=True)
        + y.mean(axis=(-1, -2), keepdims=True)
    )


@pytest.mark.parametrize("sizes", [False, True])
def test_size_with_two_treated_clusters(sizes):
    """True null; skewed, serially correlated shocks; with sizes, variance falls with size."""
    rng = np.random.default_rng(7)
    sims, G, T = 600, (302 if sizes else 62), 8
    d = np.zeros((G, T))
    d[0, 3:], d[1, 5:] = 1, 1
    number = rng.integers(1, 30, G).astype(float) if sizes else np.ones(G)
    number[:2] = (2.0, 4.0) if sizes else 1.0
    path = two_way(d)
    shocks = rng.exponential(size=(sims, G, T)) - 1
    for t in range(1, T):
        shocks[:, :, t] += 0.5 * shocks[:, :, t - 1]
    y = shocks * np.sqrt(0.2 + 2 / number if sizes else number)[:, None]
    rejected = []
    for one in two_way(y):
        estimate = (path * one).sum() / (path**2).sum()
        residual = one - path * estimate
        weights = path[:2] / (path[:2] ** 2).sum()
        found = few_treated(
            estimate,
            weights,
            residual[2:],
            treated_size=number[:2] if sizes else None,
            control_size=number[2:] if sizes else None,
            level=0.9,
        )
        rejected.append(not found.conf_low <= 0 <= found.conf_high)
    assert np.mean(rejected) == pytest.approx(0.1, abs=3 * np.sqrt(0.09 / sims))


def test_ferman_pinto_rescales_by_size():
    rng = np.random.default_rng(2)
    size = np.repeat([1.0, 25.0], 400)
    residuals = rng.normal(size=(800, 2)) / np.sqrt(size)[:, None]
    path = np.array([[1.0, -1.0]])
    small = few_treated(
        0, path, residuals, treated_size=np.array([1.0]), control_size=size
    ).law.std()
    large = few_treated(
        0, path, residuals, treated_size=np.array([25.0]), control_size=size
    ).law.std()
    assert small == pytest.approx(np.sqrt(2), rel=0.1)
    assert large == pytest.approx(np.sqrt(2) / 5, rel=0.1)


def test_few_treated_refusals():
    residuals = np.ones((3, 2))
    with pytest.raises(DesignError, match="1 untreated"):
        few_treated(0, np.ones((1, 2)), residuals[:1])
    with pytest.raises(DataError, match="same years"):
        few_treated(0, np.ones((1, 3)), residuals)
    with pytest.raises(DataError, match="not finite"):
        few_treated(0, np.full((1, 2), np.nan), residuals)
    with pytest.raises(DesignError, match="no size"):
        few_treated(
            0, np.ones((1, 2)), residuals, treated_size=np.zeros(1), control_size=np.ones(3)
        )


def test_stepdown_by_hand():
    t = np.array([1.0, 3.0, 2.0])
    draws = np.array([[0.5, 0.1, 2.5], [1.5, 0.2, 0.1], [0.2, 3.5, 0.3], [0.1, 0.2, 0.3]])
    # order 3, 2, 1: maxima over all: 2.5 1.5 3.5 .3 -> one >= 3; over (2nd, 1st): 2.5 1.5 .3 .3
    np.testing.assert_allclose(stepdown_p_values(t, draws), [2 / 5, 2 / 5, 2 / 5])
    draws[2, 1] = 0.0
    np.testing.assert_allclose(stepdown_p_values(t, draws), [2 / 5, 1 / 5, 2 / 5])


def test_stepdown_of_identical_outcomes_changes_nothing():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(999, 1))
    alone = (1 + (np.abs(one) >= 1.8).sum()) / 1000
    adjusted = stepdown_p_values(np.full(4, 1.8), np.repeat(one, 4, axis=1))
    np.testing.assert_allclose(adjusted, alone)


def test_stepdown_holds_the_familywise_error():
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(1_999, 5))
    false = [(stepdown_p_values(rng.normal(size=5), draws) <= 0.1).any() for _ in range(800)]
    assert np.mean(false) == pytest.approx(0.1, abs=3 * np.sqrt(0.09 / 800))
    with pytest.raises(DataError, match="one column"):
        stepdown_p_values(np.ones(3), draws)
