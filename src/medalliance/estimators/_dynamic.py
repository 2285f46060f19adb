"""Dynamic panel moments on arrays: equations, instruments and two-step GMM.

Arrays are (n_units, n_equations, ...). Equations that a unit lacks are rows of zeros, so that
every sum over units is one product.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError
from ..results._cluster import cluster_sums
from ._collinear import independent

Array = NDArray[np.float64]
RANK_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Moments:
    """Stacked equations of a dynamic panel model.

    Attributes
    ----------
    y : ndarray, shape (n_units, n_equations)
    x : ndarray, shape (n_units, n_equations, k)
    z : ndarray, shape (n_units, n_equations, q)
    h : ndarray, shape (n_equations, n_equations)
        Covariance of the stacked errors if the errors in levels were white noise.
    seen : ndarray of bool, shape (n_units, n_equations)
    n_differenced : int
        The first so many equations are in differences, in order of years.
    cluster : ndarray of intp, shape (n_units,), or None
        Cluster of each unit; units by themselves if None.
    """

    y: Array
    x: Array
    z: Array
    h: Array
    seen: NDArray[np.bool_]
    n_differenced: int
    cluster: NDArray[np.intp] | None = None

    @property
    def n_clusters(self) -> int:
        """Number of clusters with an equation."""
        used = self.seen.any(axis=1)
        return int(used.sum()) if self.cluster is None else len(np.unique(self.cluster[used]))

    def by_cluster(self, values: Array) -> Array:
        """Add what units bring, shape (n_units, ...), within clusters."""
        if self.cluster is None:
            return values
        flat = values.reshape(len(values), -1)
        sums = cluster_sums(flat, self.cluster, int(self.cluster.max()) + 1)
        return sums.reshape(-1, *values.shape[1:])

    def weighted(self, weight: Array) -> Moments:
        """Weight each unit's moments, shape (n_units,), scaled to a mean of one."""
        root = np.sqrt(weight / weight[self.seen.any(axis=1)].mean())
        return replace(
            self, y=self.y * root[:, None], x=self.x * root[:, None, None],
            z=self.z * root[:, None, None],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class GmmFit:
    """One- or two-step GMM estimate.

    Attributes
    ----------
    coefficient : ndarray, shape (k,)
    vcov : ndarray, shape (k, k)
        Robust; of a two-step fit with Windmeijer's correction.
    hansen, hansen_dof : float, int
        Over-identification statistic at the two-step weights.
    sargan : float
        The same at the one-step weights, scaled by the error variance with ``N - K`` degrees of
        freedom; not robust.
    residual : ndarray, shape (n_units, n_equations)
    slope : ndarray, shape (k, q)
        Maps moments to coefficients: ``(X'Z A Z'X)^-1 X'Z A``.
    """

    coefficient: Array
    vcov: Array
    hansen: float
    hansen_dof: int
    sargan: float
    residual: Array
    slope: Array


def well_conditioned(moments: Moments) -> Moments:
    """Replace instruments by orthonormal ones that span the same space.

    Estimates and tests depend on that space alone, so that the outcome's scale and level cost no
    digits. With more instruments than clusters the second-step weights are not unique: the
    instruments are then only brought to one length.
    """
    n_units, n_equations, n_instruments = moments.z.shape
    flat = moments.z.reshape(n_units * n_equations, n_instruments)
    length = np.linalg.norm(flat, axis=0)
    flat = flat[:, length > 0] / length[length > 0]
    if n_instruments <= moments.n_clusters:
        left, size, _ = np.linalg.svd(flat, full_matrices=False)
        flat = left[:, size > RANK_TOLERANCE * size.max(initial=0.0)]
    return replace(moments, z=flat.reshape(n_units, n_equations, flat.shape[1]))


def _sum_over_units(a: Array, b: Array) -> Array:
    return np.tensordot(a, b, axes=([0, 1], [0, 1]))


def _pseudo_inverse(matrix: Array) -> Array:
    return np.asarray(np.linalg.pinv(matrix, hermitian=True), dtype=float)


def gmm(moments: Moments, steps: int) -> GmmFit:
    """Estimate by GMM in one or two steps.

    With fewer clusters than instruments the second step's weights count units, since clusters
    cannot tell all moments apart; the variance counts clusters all the same.

    References
    ----------
    Arellano and Bond (1991), section 2; Blundell and Bond (1998); Windmeijer (2005), equation
    3.6 for the correction of two-step errors.

    Raises
    ------
    DesignError
        If the moments do not identify the coefficients.
    """
    x, y, z = moments.x, moments.y, moments.z
    zx, zy = _sum_over_units(z, x), _sum_over_units(z, y[..., None])[:, 0]
    first_weight = _pseudo_inverse(_sum_over_units(z, np.einsum("ef,nfq->neq", moments.h, z)))
    first, slope_1 = _solve(zx, zy, first_weight)
    u1 = (y - x @ first) * moments.seen
    moments_1 = moments.by_cluster(np.einsum("neq,ne->nq", z, u1))
    robust_1 = slope_1 @ (moments_1.T @ moments_1) @ slope_1.T
    few = moments.n_clusters < min(z.shape[-1], int(moments.seen.any(axis=1).sum()))
    weighed = replace(moments, cluster=None) if few else moments
    moments_1 = weighed.by_cluster(np.einsum("neq,ne->nq", z, u1))
    middle = moments_1.T @ moments_1
    total_1 = moments_1.sum(axis=0)
    free = int(moments.seen.sum()) - len(first)
    scale = float(np.sum(u1**2) / free / np.mean(np.diag(moments.h)))
    sargan = float(total_1 @ first_weight @ total_1 / scale)
    second_weight = _pseudo_inverse(middle)
    second, slope_2 = _solve(zx, zy, second_weight)
    u2 = (y - x @ second) * moments.seen
    total_2 = np.einsum("neq,ne->q", z, u2)
    dof = int(np.linalg.matrix_rank(middle, hermitian=True)) - len(first)
    hansen = float(total_2 @ second_weight @ total_2)
    if steps == 1:
        return GmmFit(first, robust_1, hansen, dof, sargan, u1, slope_1)
    plain = _inverse(zx.T @ second_weight @ zx)
    drift = _drift(weighed, moments_1, slope_2, second_weight @ total_2)
    both = plain
    if few:
        moments_2 = moments.by_cluster(np.einsum("neq,ne->nq", z, u2))
        plain, both = (slope_2 @ (moments_2.T @ moments_2) @ s.T for s in (slope_2, slope_1))
    vcov = plain + drift @ both.T + both @ drift.T + drift @ robust_1 @ drift.T
    return GmmFit(second, vcov, hansen, dof, sargan, u2, slope_2)


def _solve(zx: Array, zy: Array, weight: Array) -> tuple[Array, Array]:
    slope = _inverse(zx.T @ weight @ zx) @ (zx.T @ weight)
    return slope @ zy, slope


def _inverse(gram: Array) -> Array:
    """Invert the information of the coefficients, refusing what the moments do not identify."""
    length = np.sqrt(np.diag(gram).clip(0))
    outer = np.outer(length, length)
    values = vectors = np.zeros((0, 0))
    if (length > 0).all():
        values, vectors = np.linalg.eigh(gram / outer)
    if not (length > 0).all() or values[0] <= RANK_TOLERANCE * values[-1]:
        raise DesignError(
            "the moments do not identify the coefficients: the outcome does not vary, or there are "
            "too few units or years in a row.\n"
            "  Leave out covariates, allow longer lags, or use collapse=True with more units."
        )
    return np.asarray((vectors / values) @ vectors.T / outer, dtype=float)


def _drift(moments: Moments, moments_1: Array, slope: Array, multiplier: Array) -> Array:
    """Return the derivative of the two-step estimate with respect to the one-step one."""
    zx = moments.by_cluster(np.einsum("neq,nek->nqk", moments.z, moments.x))
    onto = zx.transpose(0, 2, 1) @ multiplier
    change = np.einsum("nqk,n->qk", zx, moments_1 @ multiplier) + moments_1.T @ onto
    return slope @ change


def serial_correlation(moments: Moments, fit: GmmFit, order: int) -> tuple[float, float]:
    """Test the differenced residuals for serial correlation of an order.

    Returns
    -------
    (float, float)
        Standard normal statistic and two-sided p-value; NaN if no unit is seen long enough.

    References
    ----------
    Arellano and Bond (1991), equation 8.
    """
    d = moments.n_differenced
    e = fit.residual[:, :d]
    lagged = np.zeros_like(e)
    if order >= d:
        return float("nan"), float("nan")
    lagged[:, order:] = e[:, : d - order]
    product = moments.by_cluster(np.sum(lagged * e, axis=1))
    wx = np.einsum("ne,nek->k", lagged, moments.x[:, :d])
    scores = moments.by_cluster(np.einsum("neq,ne->nq", moments.z, fit.residual)) @ fit.slope.T
    variance = product @ product - 2 * wx @ (scores.T @ product) + wx @ fit.vcov @ wx
    if variance <= 0:
        return float("nan"), float("nan")
    statistic = float(product.sum() / np.sqrt(variance))
    return statistic, float(2 * stats.norm.sf(abs(statistic)))


def stack(
    y: Array,
    exogenous: list[Array],
    predetermined: list[Array],
    *,
    system: bool,
    max_lag: int | None,
    collapse: bool,
) -> Moments:
    """Stack differenced (and level) equations with their instruments.

    Parameters
    ----------
    y : ndarray, shape (n_units, n_years)
        NaN where not seen.
    exogenous, predetermined : list of ndarray, shape (n_units, n_years)
        Strictly exogenous columns instrument themselves; predetermined ones are instrumented by
        their lags from the first on.
    system : bool
        Whether to add level equations, instrumented by lagged differences.
    max_lag : int, optional
        Longest lag used as an instrument.
    collapse : bool
        One instrument a lag instead of one a lag and year.
    """
    n_years = y.shape[1]
    lag = np.full_like(y, np.nan)
    lag[:, 1:] = y[:, :-1]
    columns = [lag, *exogenous, *predetermined]
    diff_years, level_years = np.arange(2, n_years), np.arange(1, n_years)
    dummies = _year_dummies([y, *columns], system)
    columns += dummies
    d_y, d_x = _difference(y)[:, diff_years], [_difference(c)[:, diff_years] for c in columns]
    blocks_y, blocks_x = [d_y], [np.stack(d_x, axis=-1)]
    longest = max_lag or n_years
    z_diff = _lag_instruments(y, diff_years, 2, longest, collapse)
    for column in predetermined:
        z_diff += _lag_instruments(column, diff_years, 1, longest, collapse)
    z_level: list[Array] = []
    if system:
        blocks_y.append(y[:, level_years])
        blocks_x.append(np.stack([c[:, level_years] for c in columns], axis=-1))
        z_level = _lag_instruments(_difference(y), level_years, 1, 1, collapse)
        for column in predetermined:
            z_level += _lag_instruments(_difference(column), level_years, 0, 0, collapse)
    own = [*exogenous, *dummies]
    z = _join(len(y), z_diff, z_level, own, diff_years, level_years if system else level_years[:0])
    stacked_y, stacked_x = np.concatenate(blocks_y, axis=1), np.concatenate(blocks_x, axis=1)
    seen = np.isfinite(stacked_y) & np.isfinite(stacked_x).all(axis=-1)
    lift = np.eye(n_years)
    transform = [lift[t] - lift[t - 1] for t in diff_years]
    transform += [lift[t] for t in level_years] if system else []
    m = np.array(transform)
    mask = seen[..., None]
    return Moments(
        y=np.where(seen, stacked_y, 0.0),
        x=np.where(mask, stacked_x, 0.0),
        z=np.where(mask, np.nan_to_num(z), 0.0),
        h=m @ m.T,
        seen=seen,
        n_differenced=len(diff_years),
    )


def told_apart(moments: Moments, n_covariates: int) -> NDArray[np.bool_]:
    """Tell which covariates the lag, year effects and the covariates before them do not determine.

    Parameters
    ----------
    moments : Moments
        Columns of ``x``: the lag, covariates, year dummies.
    n_covariates : int

    Returns
    -------
    ndarray of bool, shape (n_covariates,)
    """
    k = moments.x.shape[-1]
    order = np.r_[0, np.arange(1 + n_covariates, k), np.arange(1, 1 + n_covariates)]
    x = moments.x[moments.seen][:, order]
    gram = x.T @ x
    return independent(gram, np.diag(gram), k - n_covariates)[k - n_covariates :]


def _year_dummies(columns: list[Array], system: bool) -> list[Array]:
    """Return dummies of the years that have an equation of their own."""
    known: NDArray[np.bool_] = np.all(np.isfinite(np.stack(columns)), axis=0)
    if not system:
        known = known & np.roll(known, 1, axis=1)
    years = np.arange(known.shape[1])
    own = known.any(axis=0) & (years >= (1 if system else 2))
    return [np.tile((years == t) * 1.0, (known.shape[0], 1)) for t in years[own]]


def _difference(values: Array) -> Array:
    result = np.full_like(values, np.nan)
    result[:, 1:] = np.diff(values, axis=1)
    return result


def _lag_instruments(
    values: Array, years: NDArray[np.intp], first: int, last: int, collapse: bool
) -> list[Array]:
    """Return instrument columns, each of shape (n_units, len(years))."""
    columns: list[Array] = []
    for lag in range(first, min(last, int(years[-1])) + 1):
        source = years - lag
        usable = source >= 0
        full = np.where(usable, np.nan_to_num(values[:, np.maximum(source, 0)]), 0.0)
        if collapse:
            columns.append(full)
        else:
            columns += [full * (np.arange(len(years)) == e) for e in np.flatnonzero(usable)]
    return [c for c in columns if c.any()]


def _join(
    n: int,
    z_diff: list[Array],
    z_level: list[Array],
    own: list[Array],
    diff_years: NDArray[np.intp],
    level_years: NDArray[np.intp],
) -> Array:
    no_diff, no_level = np.zeros((n, len(diff_years))), np.zeros((n, len(level_years)))
    columns = [np.hstack([c, no_level]) for c in z_diff]
    columns += [np.hstack([no_diff, c]) for c in z_level]
    columns += [np.hstack([_difference(c)[:, diff_years], c[:, level_years]]) for c in own]
    empty = np.zeros((n, len(diff_years) + len(level_years), 0))
    return np.stack(columns, axis=-1) if columns else empty
