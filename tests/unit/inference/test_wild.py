"""Wild cluster bootstrap against re-estimation with all dummies, enumeration, and its size."""

import itertools

import numpy as np
import pytest

from medalliance.errors import DataError, DesignError
from medalliance.inference._signs import sign_blocks
from medalliance.inference.score_bootstrap import score_bootstrap
from medalliance.inference.wild import wild_cluster_bootstrap


def run(panel, **options):
    return wild_cluster_bootstrap(
        panel.design,
        panel.residuals,
        panel.cluster,
        np.array([1.0, 0.0]),
        panel.coef[0],
        nuisance=panel.nuisance,
        **options,
    )


def fit(panel, y):
    """Return the coefficient and its clustered error from the regression on all dummies."""
    bread = np.linalg.pinv(panel.full.T @ panel.full)
    coef = bread @ panel.full.T @ y
    scores = panel.full * (y - panel.full @ coef)[:, None]
    sums = np.array(
        [scores[panel.cluster == c].sum(axis=0) for c in range(panel.cluster.max() + 1)]
    )
    return coef[0], np.sqrt(((sums @ bread)[:, 0] ** 2).sum())


def brute_force(panel, null, impose_null):
    """Return p-value and draws from new outcomes for every sign vector."""
    d, rest = panel.full[:, 0], panel.full[:, 1:]
    coef, error = fit(panel, panel.y)
    if impose_null:
        left = panel.y - null * d
        mean = null * d + rest @ np.linalg.lstsq(rest, left, rcond=None)[0]
        centre = null
    else:
        mean, centre = panel.y - panel.residuals, coef
    draws = []
    for signs in itertools.product([-1, 1], repeat=panel.cluster.max() + 1):
        again, spread = fit(panel, mean + np.array(signs)[panel.cluster] * (panel.y - mean))
        draws.append((again - centre) / spread)
    t = abs(coef - null) / error
    return np.mean(np.abs(draws) > t * (1 + 1e-9)), np.sort(draws)


@pytest.mark.parametrize("impose_null", [True, False])
@pytest.mark.parametrize("null", [0.0, 0.9])
def test_equals_re_estimation_with_every_sign_vector(make_panel, impose_null, null):
    panel = make_panel(n_clusters=6, keep=0.85)
    result = run(panel, impose_null=impose_null, null=null)
    p_value, draws = brute_force(panel, null, impose_null)
    assert result.enumerated
    assert len(result.t_draws) == 64
    np.testing.assert_allclose(np.sort(result.t_draws), draws, atol=1e-9)
    assert result.p_value == p_value


def test_interval_ends_where_the_test_starts_to_reject(make_panel):
    panel = make_panel(n_clusters=6)
    result = run(panel, level=0.9)
    for end, inward in ((result.conf_low, 1), (result.conf_high, -1)):
        inside = brute_force(panel, end + inward * 1e-4, True)[0]
        outside = brute_force(panel, end - inward * 1e-4, True)[0]
        assert inside > 0.1 >= outside


def test_ties_do_not_count(make_panel):
    panel = make_panel(n_clusters=6)
    result = run(panel)
    ties = np.isclose(np.abs(result.t_draws), abs(result.t_statistic), rtol=1e-9)
    assert ties.sum() >= 2
    assert result.p_value == np.mean((np.abs(result.t_draws) > result.t_statistic) & ~ties)


@pytest.mark.parametrize("weights", ["rademacher", "webb"])
def test_random_draws_approach_enumeration(make_panel, weights):
    panel = make_panel(n_clusters=12)
    exact = run(panel, n_draws=4_096)
    drawn = run(panel, n_draws=4_095, weights=weights, seed=1)
    assert exact.enumerated
    assert not drawn.enumerated
    spread = 4 * np.sqrt(0.25 / 4_095)
    assert drawn.p_value == pytest.approx(exact.p_value, abs=spread + 0.02 * (weights == "webb"))


def test_moving_the_outcome_moves_the_interval(make_panel):
    panel, moved = make_panel(n_clusters=6), make_panel(n_clusters=6)
    moved.coef = moved.coef + np.array([0.4, 0])
    first, second = run(panel), run(moved, null=0.4)
    assert first.p_value == second.p_value
    assert second.conf_low == pytest.approx(first.conf_low + 0.4)
    assert second.conf_high == pytest.approx(first.conf_high + 0.4)


def test_seed_fixes_the_draws(make_panel):
    panel = make_panel(n_clusters=20, treated=6)
    np.testing.assert_array_equal(run(panel, seed=3).t_draws, run(panel, seed=3).t_draws)
    assert (run(panel, seed=3).t_draws != run(panel, seed=4).t_draws).any()


def test_size_with_five_treated_clusters():
    """True null, 5 of 20 clusters treated, errors correlated in clusters: 5 % reject 5 %."""
    rng = np.random.default_rng(2024)
    G, years, sims = 20, 6, 1_500
    cluster, year = np.repeat(np.arange(G), years), np.tile(np.arange(years), G)
    d = ((cluster < 5) & (year >= 1 + cluster % 4)).astype(float).reshape(G, years)
    nuisance = np.tile(np.eye(years)[:, 1:] - 1 / years, (G, 1))
    shocks = rng.normal(size=(sims, G, years)).cumsum(axis=2) * 0.5
    y = shocks + rng.normal(size=(sims, G, years)) + rng.normal(size=(sims, G, 1))

    def within(a):
        return (
            a
            - a.mean(axis=-1, keepdims=True)
            - a.mean(axis=-2, keepdims=True)
            + a.mean(axis=(-1, -2), keepdims=True)
        )

    x, outcome = within(d).reshape(-1, 1), within(y).reshape(sims, -1)
    coef = outcome @ x[:, 0] / (x[:, 0] @ x[:, 0])
    p_values = np.array(
        [
            wild_cluster_bootstrap(
                x,
                outcome[s] - x[:, 0] * coef[s],
                cluster,
                np.ones(1),
                coef[s],
                nuisance=nuisance,
                weights="webb",
                n_draws=399,
                seed=s,
            ).p_value
            for s in range(sims)
        ]
    )
    for size in (0.05, 0.10):
        assert np.mean(p_values <= size) == pytest.approx(size, abs=3.5 * np.sqrt(size / sims))


@pytest.fixture
def twins():
    """Two clusters with the same regressors: in each one unit is treated and one is not."""
    rng = np.random.default_rng(7)
    years = 6
    treated = np.tile(np.repeat([1.0, 0.0], years), 2)
    year = np.tile(np.arange(years), 4)
    dummies = np.hstack(
        [np.repeat(np.eye(4), years, axis=0), np.tile(np.eye(years)[:, 1:], (4, 1))]
    )
    x = treated * (year >= 3)
    x = x - dummies @ np.linalg.lstsq(dummies, x, rcond=None)[0]
    y = rng.normal(size=len(x)) + 0.5 * treated * (year >= 3)
    y = y - dummies @ np.linalg.lstsq(dummies, y, rcond=None)[0]
    coef = x @ y / (x @ x)
    nuisance = np.tile(np.eye(years)[:, 1:] - 1 / years, (4, 1))

    def call(**options):
        return wild_cluster_bootstrap(
            x[:, None], y - x * coef, np.repeat([0, 1], 2 * years), np.ones(1), coef,
            nuisance=nuisance, impose_null=False, **options,
        )  # fmt: skip

    return call


def test_two_alike_clusters_give_no_end_in_place_of_a_huge_number(twins):
    """Opposite signs leave no residual: half of the draws have no standard error."""
    result = twins()
    np.testing.assert_allclose(np.sort(result.t_draws), [-np.inf, 0, 0, np.inf], atol=1e-12)
    assert (result.conf_low, result.conf_high) == (-np.inf, np.inf)
    assert result.p_value == 0.5
    assert result.note == "no end: 2 of 4 draws have no variance between the 2 clusters"


def test_two_alike_clusters_follow_their_law_under_webb_weights(twins):
    """By hand ``t* = 2^(1/2) (a - b) / |a + b|``: infinite with chance 1/6, else finite."""
    result = twins(weights="webb", level=0.8, seed=1)
    a, b = np.concatenate(list(sign_blocks(2, 9_999, "webb", 1))).T
    lost = a == -b
    assert np.mean(lost) == pytest.approx(1 / 6, abs=4 * np.sqrt(5 / 36 / 9_999))
    assert (np.isinf(result.t_draws) == lost).all()
    law = np.sqrt(2) * np.abs(a - b)[~lost] / np.abs(a + b)[~lost]
    np.testing.assert_allclose(np.abs(result.t_draws[~lost]), law, atol=1e-9)
    size = np.sort(np.concatenate([law, np.full(lost.sum(), np.inf)]))[7_999] * result.std_error
    assert result.conf_high == pytest.approx(result.estimate + size, rel=1e-9)
    assert result.conf_low == pytest.approx(result.estimate - size, rel=1e-9)
    assert result.note == ""
    wide = twins(weights="webb", level=0.95, seed=1)
    assert (wide.conf_low, wide.conf_high) == (-np.inf, np.inf)


def test_two_clusters_have_a_score_bootstrap_without_end():
    result = score_bootstrap(np.array([0.3, 0.4, -0.2, -0.5]), 0.2, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(np.sort(result.t_draws), [-np.inf, 0, 0, np.inf], atol=1e-12)
    assert (result.conf_low, result.conf_high) == (-np.inf, np.inf)
    assert "2 of 4 draws" in result.note


def test_bad_input_is_refused(make_panel):
    panel = make_panel()
    with pytest.raises(DesignError, match="weights='mammen'"):
        run(panel, weights="mammen")
    with pytest.raises(DesignError, match="level"):
        run(panel, level=95)
    with pytest.raises(DataError, match="contrast"):
        wild_cluster_bootstrap(
            panel.design, panel.residuals, panel.cluster, np.ones(3), 0.1, nuisance=panel.nuisance
        )
    with pytest.raises(DataError, match="labels"):
        wild_cluster_bootstrap(panel.design, panel.residuals, panel.cluster[1:], np.ones(2), 0.1)
    panel.residuals[2] = np.nan
    with pytest.raises(DataError, match="not finite in rows 2"):
        run(panel)


def test_score_bootstrap_of_a_mean_is_the_wild_bootstrap_about_it():
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(9), 7)
    y = 0.4 + rng.normal(size=63) + rng.normal(size=9)[cluster]
    result = score_bootstrap(y - y.mean(), y.mean(), cluster)
    assert result.enumerated
    sums = np.array([(y - y.mean())[cluster == c].sum() for c in range(9)])
    for signs, t in zip(
        np.array(list(itertools.product([-1, 1], repeat=9)))[:, ::-1], result.t_draws, strict=True
    ):
        moved = signs * sums
        expected = moved.sum() / np.sqrt(((moved - moved.mean()) ** 2).sum())
        assert t == pytest.approx(expected, abs=1e-12)
    assert result.conf_low < y.mean() < result.conf_high
    with pytest.raises(DesignError, match="zero in all clusters"):
        score_bootstrap(np.zeros(10), 0.0, None)
    with pytest.raises(DataError, match="one number a unit"):
        score_bootstrap(np.zeros((10, 2)), 0.0, None)
