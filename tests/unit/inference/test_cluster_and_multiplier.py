"""Cluster sums, multiplier draws and bands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from medalliance.errors import DataError, DesignError
from medalliance.results import bands, multiplier
from medalliance.results._cluster import (
    cluster_codes,
    cluster_sums,
    cross_codes,
    small_sample_factor,
)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.integers(2, 6), st.integers(0, 10_000))
def test_cluster_sums_equal_a_loop(n_rows, n_clusters, seed):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(n_clusters), rng.integers(0, n_clusters, n_rows)])
    values = rng.normal(size=(len(codes), 3))
    by_hand = np.array([values[codes == c].sum(axis=0) for c in range(n_clusters)])
    np.testing.assert_allclose(cluster_sums(values, codes), by_hand, atol=1e-12)
    np.testing.assert_allclose(cluster_sums(values[:, 0], codes), by_hand[:, 0], atol=1e-12)


def test_codes_refuse_what_they_cannot_use():
    with pytest.raises(DataError, match="2 rows"):
        cluster_codes([1, 2, 3], 2)
    with pytest.raises(DataError, match="rows 1"):
        cluster_codes([1.0, np.nan, 2.0], 3)
    with pytest.raises(DesignError, match="one cluster only"):
        cluster_codes(["a", "a"], 2)
    with pytest.raises(DataError, match="not finite in rows 1"):
        multiplier.multiplier_draws(np.array([[1.0], [np.nan]]))


def test_crossing_and_the_small_sample_factor():
    prefecture = np.array([0, 0, 0, 0, 1, 1])
    year = np.array([0, 1, 0, 1, 0, 1])
    assert len(np.unique(cross_codes(prefecture, year))) == 4
    assert small_sample_factor(200, 3, 10) == pytest.approx(10 / 9 * 199 / 197)
    with pytest.raises(DesignError, match="degrees of freedom"):
        small_sample_factor(3, 3, 3)


@pytest.mark.parametrize("weights", ["rademacher", "mammen"])
def test_draws_have_the_clustered_variance(weights):
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(60), 5)
    influence = rng.normal(size=(300, 2)) + rng.normal(size=60)[clusters, None]
    draws = multiplier.multiplier_draws(
        influence, clusters=clusters, n_draws=20_000, weights=weights, seed=1
    )
    sums = cluster_sums(influence, clusters) / 300
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=4 * draws.std() / np.sqrt(20_000))
    np.testing.assert_allclose(np.cov(draws.T), sums.T @ sums, rtol=0.05, atol=1e-4)


@pytest.mark.parametrize("weights", ["rademacher", "mammen"])
def test_draws_do_not_depend_on_the_block(weights, monkeypatch):
    influence = np.random.default_rng(0).normal(size=(101, 2))
    whole = multiplier.multiplier_draws(influence, n_draws=50, weights=weights, seed=5)
    monkeypatch.setattr(multiplier, "BLOCK_BYTES", 7 * 8 * 101)
    blocks = multiplier.multiplier_draws(influence, n_draws=50, weights=weights, seed=5)
    np.testing.assert_allclose(whole, blocks, rtol=1e-12, atol=1e-14)


def test_same_seed_gives_the_same_weights_to_every_estimate():
    influence = np.random.default_rng(0).normal(size=(80, 3))
    together = multiplier.multiplier_draws(influence, n_draws=20, seed=2)
    alone = multiplier.multiplier_draws(influence[:, [1]], n_draws=20, seed=2)
    np.testing.assert_allclose(together[:, [1]], alone, atol=1e-14)


def test_band_covers_independent_effects_together():
    draws = np.random.default_rng(0).normal(size=(200_000, 5))
    exact = stats.norm.ppf((1 + 0.95 ** (1 / 5)) / 2)
    assert bands.critical_value(draws, np.ones(5)) == pytest.approx(exact, abs=0.01)


def test_band_leaves_the_reference_period_out_and_is_never_narrower_than_pointwise():
    draws = np.random.default_rng(0).normal(size=(999, 2)) * [0, 1]
    with_reference = bands.critical_value(draws, np.array([0.0, 1.0]))
    assert with_reference >= stats.norm.ppf(0.975)
    with pytest.raises(DesignError, match="standard error"):
        bands.critical_value(draws, np.array([0.0, np.nan]))
    with pytest.raises(DesignError, match="level"):
        bands.critical_value(draws, np.ones(2), level=95)
