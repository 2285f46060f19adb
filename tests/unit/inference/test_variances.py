"""Jackknife, bias-reduced, spatial and temporal variances against brute force."""

import numpy as np
import pytest
from scipy import linalg, stats

from medalliance.errors import DataError, DesignError
from medalliance.inference.clustered import clustered_variance
from medalliance.inference.conley import conley_variance
from medalliance.inference.driscoll_kraay import driscoll_kraay_variance


def test_crv3_equals_refits_without_each_cluster(panel):
    moves = []
    for c in range(panel.cluster.max() + 1):
        kept = panel.cluster != c
        moves.append(np.linalg.lstsq(panel.full[kept], panel.y[kept], rcond=None)[0][:2])
    moves = np.array(moves) - panel.coef
    G = len(moves)
    result = clustered_variance(
        panel.design,
        panel.residuals,
        panel.cluster,
        kind="crv3",
        nuisance=panel.nuisance,
        small_sample=False,
    )
    np.testing.assert_allclose(result.vcov, (G - 1) / G * moves.T @ moves, rtol=1e-8)


def test_crv2_equals_its_definition_with_all_dummies(panel):
    X, e = panel.full, panel.residuals
    bread = np.linalg.pinv(X.T @ X)
    hat = X @ bread @ X.T
    keep = np.eye(len(e)) - hat
    meat, pieces = np.zeros_like(bread), []
    for c in range(panel.cluster.max() + 1):
        rows = np.flatnonzero(panel.cluster == c)
        values, vectors = linalg.eigh(keep[np.ix_(rows, rows)])
        power = np.where(values > 1e-9, np.maximum(values, 1e-9) ** -0.5, 0)
        root = (vectors * power) @ vectors.T
        score = X[rows].T @ root @ e[rows]
        meat += np.outer(score, score)
        pieces.append(keep[:, rows] @ root @ X[rows] @ bread[:, 0])
    p = np.array(pieces) @ np.array(pieces).T
    result = clustered_variance(
        panel.design, panel.residuals, panel.cluster, kind="crv2", nuisance=panel.nuisance
    )
    np.testing.assert_allclose(result.vcov, (bread @ meat @ bread)[:2, :2], rtol=1e-7)
    assert result.dof[0] == pytest.approx(np.trace(p) ** 2 / (p**2).sum(), rel=1e-6)


def test_satterthwaite_is_welch_for_two_groups():
    """Each row a cluster, one dummy: CRV2 is HC2, its degrees of freedom are known."""
    d = np.array([0.0] * 6 + [1.0] * 4)
    y = np.random.default_rng(1).normal(size=10)
    X = np.column_stack([d, np.ones(10)])
    e = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    result = clustered_variance(X, e, None, kind="crv2")
    welch = y[d == 1].var(ddof=1) / 4 + y[d == 0].var(ddof=1) / 6
    assert result.vcov[0, 0] == pytest.approx(welch)
    equal = (1 / 4 + 1 / 6) ** 2 / (1 / (16 * 3) + 1 / (36 * 5))
    assert result.dof[0] == pytest.approx(equal)


def test_one_treated_cluster_has_no_standard_error(make_panel):
    panel = make_panel(treated=1)
    for kind in ("crv2", "crv3"):
        result = clustered_variance(
            panel.design, panel.residuals, panel.cluster, kind=kind, nuisance=panel.nuisance
        )
        assert np.isnan(result.std_error[0])
        assert result.std_error[1] > 0


def test_relabelled_clusters_and_shuffled_rows_change_nothing(panel):
    order = np.random.default_rng(0).permutation(len(panel.y))
    names = np.array([f"c{9 - c}" for c in panel.cluster])
    for kind in ("crv1", "crv2", "crv3"):
        first = clustered_variance(panel.design, panel.residuals, panel.cluster, kind=kind)
        again = clustered_variance(
            panel.design[order], panel.residuals[order], names[order], kind=kind
        )
        np.testing.assert_allclose(first.vcov, again.vcov, rtol=1e-9)


def test_two_way_is_inclusion_and_exclusion(panel):
    X, e = panel.design, panel.residuals
    bread = np.linalg.inv(X.T @ X)
    together = np.zeros((2, 2))
    same = (panel.cluster[:, None] == panel.cluster) | (panel.year[:, None] == panel.year)
    together = bread @ X.T @ (same * np.outer(e, e)) @ X @ bread
    result = clustered_variance(X, e, [panel.cluster, panel.year], small_sample=False)
    values = np.linalg.eigvalsh(together)
    if values.min() >= 0:
        np.testing.assert_allclose(result.vcov, together, rtol=1e-8)
    assert np.linalg.eigvalsh(result.vcov).min() > -1e-15


def test_driscoll_kraay_without_lags_is_clustered_by_year(panel):
    vcov = driscoll_kraay_variance(panel.design, panel.residuals, panel.year, lags=0)
    by_year = clustered_variance(panel.design, panel.residuals, panel.year)
    np.testing.assert_allclose(vcov, by_year.vcov, rtol=1e-10)
    assert stats.t.ppf(0.975, by_year.dof[0]) == pytest.approx(stats.t.ppf(0.975, 4))


def test_driscoll_kraay_counts_lags_in_years():
    rng = np.random.default_rng(0)
    X, e = rng.normal(size=(40, 1)), rng.normal(size=40)
    year = np.tile([2000, 2001, 2005, 2009], 10)
    gap = driscoll_kraay_variance(X, e, year, lags=2)
    near = driscoll_kraay_variance(X[year < 2002], e[year < 2002], year[year < 2002], lags=1)
    sums = np.array([(X[year == t, 0] * e[year == t]).sum() for t in np.unique(year)])
    expected = (sums**2).sum() + 2 * (2 / 3) * sums[0] * sums[1]
    assert gap[0, 0] * (X[:, 0] @ X[:, 0]) ** 2 / (4 / 3 * 39 / 39) == pytest.approx(expected)
    assert near.shape == (1, 1)
    with pytest.raises(DesignError, match="lags"):
        driscoll_kraay_variance(X, e, year, lags=4)


def haversine(a, b):
    (p, q), (r, s) = np.radians(a), np.radians(b)
    h = np.sin((r - p) / 2) ** 2 + np.cos(p) * np.cos(r) * np.sin((s - q) / 2) ** 2
    return 2 * 6371.0088 * np.arcsin(np.sqrt(h))


@pytest.mark.parametrize("kernel", ["uniform", "bartlett"])
def test_conley_equals_a_double_loop(panel, kernel):
    rng = np.random.default_rng(4)
    place = np.column_stack([rng.uniform(28, 34, 28), rng.uniform(100, 106, 28)])[panel.unit]
    X, e = panel.design, panel.residuals
    n = len(e)
    meat = np.zeros((2, 2))
    for i in range(n):
        for j in range(n):
            lag = abs(panel.year[i] - panel.year[j])
            if lag == 0:
                far = haversine(place[i], place[j])
                weight = (far < 250) * (1.0 if kernel == "uniform" else max(0, 1 - far / 250))
            else:
                weight = (panel.unit[i] == panel.unit[j]) * max(0, 1 - lag / 3)
            meat += weight * e[i] * e[j] * np.outer(X[i], X[j])
    bread = np.linalg.inv(X.T @ X)
    expected = bread @ meat @ bread * (n - 1) / (n - 2)
    vcov = conley_variance(
        X,
        e,
        place,
        cutoff_km=250,
        units=panel.unit,
        times=panel.year,
        kernel=kernel,
        time_lags=2,
    )
    if np.linalg.eigvalsh(expected).min() > 0:
        np.testing.assert_allclose(vcov, expected, rtol=1e-8)
    assert np.linalg.eigvalsh(vcov).min() >= -1e-15


def test_conley_with_a_tiny_cutoff_is_heteroskedasticity_robust(panel):
    place = np.column_stack([panel.unit * 0.5, panel.unit * 1.0])
    vcov = conley_variance(
        panel.design, panel.residuals, place, cutoff_km=1, units=panel.unit, times=panel.year
    )
    robust = clustered_variance(panel.design, panel.residuals, None, small_sample=False)
    n = len(panel.y)
    np.testing.assert_allclose(vcov, robust.vcov * (n - 1) / (n - 2), rtol=1e-9)


def test_bad_input_is_refused(panel):
    X, e, place = panel.design, panel.residuals, np.zeros((len(panel.y), 2))
    with pytest.raises(DesignError, match="crv3"):
        clustered_variance(X, e, [panel.cluster, panel.year], kind="crv3")
    with pytest.raises(DataError, match="labels"):
        clustered_variance(X, e, panel.cluster[:-1])
    with pytest.raises(DataError, match="residuals: not finite"):
        clustered_variance(X, np.where(np.arange(len(e)) == 3, np.nan, e), panel.cluster)
    with pytest.raises(DataError, match="does not fit"):
        clustered_variance(X[:-1], e, panel.cluster, kind="crv3")
    with pytest.raises(DesignError, match="positive distance"):
        conley_variance(X, e, place, cutoff_km=0)
    with pytest.raises(DataError, match="out of range"):
        conley_variance(X, e, place + 100, cutoff_km=5, units=panel.unit)
    with pytest.raises(DataError, match="move within"):
        conley_variance(X, e, place + panel.year[:, None], cutoff_km=5, units=panel.unit)


def test_negative_eigenvalues_are_raised_to_zero_and_nothing_else():
    """Cameron, Gelbach, Miller (2011), section 2.3: the nearest matrix without them."""
    from medalliance.inference.clustered import nearest_semidefinite

    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    matrix = (turn * [2.0, 0.5, -0.25]) @ turn.T
    np.testing.assert_allclose(
        nearest_semidefinite(matrix), (turn * [2.0, 0.5, 0.0]) @ turn.T, atol=1e-14
    )
    lopsided = matrix + np.triu(np.full((3, 3), 0.1), 1) - np.tril(np.full((3, 3), 0.1), -1)
    np.testing.assert_allclose(
        nearest_semidefinite(lopsided), nearest_semidefinite(matrix), atol=1e-14
    )
    whole = (turn * [2.0, 0.5, 0.25]) @ turn.T
    np.testing.assert_allclose(nearest_semidefinite(whole), whole, rtol=0, atol=0)
