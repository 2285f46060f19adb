"""Effects from a factor model of untreated outcomes: gaps, how they vary, how much to fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..progress import counted
from ._factors import (
    CHUNK,
    EFFECT,
    FIT,
    HELD,
    Array,
    Factors,
    Ints,
    Moments,
    Patterns,
    Rows,
    _annihilator,
    _centred,
    fit_factors,
    group_gaps,
    moments,
    solvers,
    without,
)

SLACK, HOPELESS, MOST_TRIED = 0.01, 2.0, 30
STEP, BLOCK = 1e-5, 8_192


@dataclass(frozen=True, eq=False)
class FactorModel:
    """A factor model fitted to rows.

    Attributes
    ----------
    rows : Rows
    rank : int
        Number of factors.
    penalty : float
        Threshold of singular values, zero without.
    """

    rows: Rows
    rank: int
    penalty: float

    @cached_property
    def _groups(self) -> tuple[Patterns, Ints]:
        return self.rows.patterns()

    @property
    def patterns(self) -> Patterns:
        """Groups of units that are alike."""
        return self._groups[0]

    @property
    def code(self) -> Ints:
        """Group of each unit, shape (n_units,)."""
        return self._groups[1]

    @cached_property
    def data(self) -> Moments:
        """Moments of all units, a batch of one."""
        return moments(self.rows, self.patterns, self.code, np.ones((1, len(self.rows.weight))))

    @cached_property
    def fit(self) -> Factors:
        """The fit, a batch of one."""
        return fit_factors(self.data.only(self.gives), self.rank, np.array([self.penalty]))

    @property
    def gives(self) -> NDArray[np.bool_]:
        """Whether factors are learned from a group, shape (n_groups,)."""
        return self.rows.gives[self.patterns.cohort]

    @cached_property
    def members(self) -> tuple[Array, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Cells: which groups are in them, and each cell's cohort, year and status.

        The first has shape (n_cells, n_groups).
        """
        keys, rows = [], []
        for cohort in np.unique(self.patterns.cohort):
            mine = self.patterns.cohort == cohort
            for status in (FIT, EFFECT, HELD):
                here = mine[:, None] & (self.patterns.status == status)
                for year in np.flatnonzero(here.any(axis=0)):
                    keys.append((cohort, year, status))
                    rows.append(here[:, year])
        table = np.array(keys, dtype=np.int64).reshape(-1, 3)
        return np.array(rows, dtype=float), table[:, 0], table[:, 1], table[:, 2]

    def cells(self, fit: Factors, data: Moments) -> Array:
        """Average gaps by cell, shape (n_batch, n_cells); NaN where a draw leaves nobody."""
        member, _, year, _ = self.members
        gaps = group_gaps(fit, data)
        sums = np.einsum("jg,bgj->bj", member, gaps[:, :, year], optimize=True)
        size = data.count @ member.T
        known = size > 1e-9 * self.rows.weight.mean()
        return np.where(known, sums / np.where(known, size, 1.0), np.nan)

    @cached_property
    def estimate(self) -> Array:
        """Gap of each cell, shape (n_cells,)."""
        return np.asarray(self.cells(self.fit, self.data)[0])

    @cached_property
    def size(self) -> Array:
        """Weight of each cell, shape (n_cells,)."""
        return np.asarray(self.data.count[0] @ self.members[0].T)

    @cached_property
    def unit_gaps(self) -> tuple[Array, Array]:
        """Outcomes less predictions, (n_units, n_years), and loadings, (n_units, n_factors)."""
        fit, rows = self.fit, self.rows
        loadings, prediction = (a[0] for a in solvers(fit.factors, self.data.seen, fit.penalty))
        net = rows.values[:, 0] - fit.years[0]
        if rows.values.shape[1] > 1:
            net -= np.einsum("ict,c->it", rows.values[:, 1:], fit.slopes[0])
        gaps, own = np.empty_like(net), np.empty((len(net), self.rank))
        order = np.argsort(self.code, kind="stable")
        for mine in np.split(order, np.flatnonzero(np.diff(self.code[order])) + 1):
            g = self.code[mine[0]]
            gaps[mine] = net[mine] - net[mine] @ prediction[g].T
            own[mine] = net[mine] @ loadings[g].T
        return gaps, own

    @cached_property
    def _pull(self) -> Array:
        """How a unit's first derivative moves each cell, shape (p, n_cells).

        The fit minimises a sum over units, so that a unit's weight moves it by the inverse second
        derivative times the unit's own first derivative; directions that no prediction knows of
        (turning factors, moving levels between effects) are left out.
        """
        hessian, slope = self._derivatives()
        keep = _complement(_idle(self.fit), hessian.shape[0])
        return np.asarray(keep @ np.linalg.solve(keep.T @ hessian @ keep, keep.T @ slope))

    def influence(self, weights: Array) -> Array:
        """Influence of units on averages of cells, shape (n_units, n_averages).

        Parameters
        ----------
        weights : ndarray, shape (n_cells, n_averages)
        """
        (gaps, own), rows = self.unit_gaps, self.rows
        n, (member, _, year, status) = len(gaps), self.members
        pull = self._pull @ weights
        before = gaps.shape[1] + rows.values.shape[1] - 1
        found = np.empty((n, weights.shape[1]))
        used = np.flatnonzero((weights != 0).any(axis=1))
        inside = member[used].T
        for start in range(0, n, BLOCK):
            part = slice(start, start + BLOCK)
            fitted = gaps[part] * (rows.status[part] == FIT) * rows.gives[rows.cohort[part], None]
            slopes = np.einsum("ict,it->ic", rows.values[part, 1:], fitted)
            cross = (fitted[:, :, None] * own[part][:, None]).reshape(len(fitted), -1)
            move = np.hstack([fitted, slopes]) @ pull[:before] + cross @ pull[before:]
            direct = inside[self.code[part]] * (rows.status[part][:, year[used]] == status[used])
            direct *= (gaps[part][:, year[used]] - self.estimate[used]) / self.size[used]
            found[part] = move + direct @ weights[used]
        return found * (n * rows.weight[:, None])

    def _derivatives(self) -> tuple[Array, Array]:
        """Second derivative of the loss, (p, p), and derivative of cells, (p, n_cells)."""
        fit = self.fit
        centre = _pack(fit)[0]
        p = len(centre)
        scale = np.concatenate(
            [
                np.full(fit.years.shape[1] + fit.slopes.shape[1], 1.0),
                np.full(fit.factors[0].size, max(1.0, float(np.abs(fit.factors).max(initial=0)))),
            ]
        )
        hessian, slope = np.empty((p, p)), np.empty((p, len(self.estimate)))
        size = self.data.second[0].size + 4 * self.data.seen.shape[1] * fit.years.shape[1] ** 2
        chunk = max(1, int(CHUNK / size / 2))
        for start in range(0, p, chunk):
            rows = np.arange(start, min(start + chunk, p))
            move = np.zeros((len(rows), p))
            move[np.arange(len(rows)), rows] = STEP * scale[rows]
            points = np.concatenate([centre + move, centre - move])
            data = self.data.repeat(len(points))
            moved = _unpack(points, fit)
            both = (
                np.split(_gradient(moved, data.only(self.gives)), 2),
                np.split(self.cells(moved, data), 2),
            )
            width = 2 * STEP * scale[rows, None]
            hessian[rows], slope[rows] = ((up - down) / width for up, down in both)
        return (hessian + hessian.T) / 2, slope

    def bootstrap(
        self, cluster: Ints, strata: Ints, n_draws: int, seed: int, progress: bool
    ) -> Array:
        """Fit again with clusters drawn within strata, shape (n_draws, n_cells)."""
        rng = np.random.default_rng(seed)
        size = int(cluster.max()) + 1
        stratum = np.zeros(size, dtype=np.intp)
        stratum[cluster] = strata
        draws = np.zeros((n_draws, size))
        for one in np.unique(stratum):
            mine = np.flatnonzero(stratum == one)
            draws[:, mine] = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), n_draws)

        def some(chosen: Ints) -> Moments:
            return moments(self.rows, self.patterns, self.code, draws[chosen][:, cluster])

        return self._again(some, n_draws, "bootstrap", progress)

    def jackknife(self, cluster: Ints, progress: bool) -> Array:
        """Fit again without each cluster, shape (n_clusters, n_cells)."""

        def some(chosen: Ints) -> Moments:
            owner = np.where(np.isin(cluster, chosen), cluster - chosen[0], -1)
            return without(self.data, self.rows, self.code, owner, len(chosen))

        return self._again(some, int(cluster.max()) + 1, "jackknife", progress)

    def _again(
        self, some: Callable[[Ints], Moments], n_fits: int, title: str, progress: bool
    ) -> Array:
        found = np.empty((n_fits, len(self.estimate)))
        chunk = max(1, int(CHUNK / (8 * self.data.second[0].size)))
        starts = range(0, n_fits, chunk)
        for start in counted(starts, show=progress, title=title, unit="batch"):
            chosen = np.arange(start, min(start + chunk, n_fits))
            data = some(chosen)
            from_here = np.repeat(self.fit.factors, len(chosen), axis=0)
            lam = np.full(len(chosen), self.penalty)
            again = fit_factors(
                data.only(self.gives), self.rank, lam, start=from_here, tolerance=1e-6
            )
            found[chosen] = self.cells(again, data)
        return found


def _pack(fit: Factors) -> Array:
    flat = fit.factors.reshape(len(fit.factors), -1)
    return np.concatenate([fit.years, fit.slopes, flat], axis=1)


def _unpack(points: Array, like: Factors) -> Factors:
    n_years, p = like.years.shape[1], like.slopes.shape[1]
    return Factors(
        points[:, n_years + p :].reshape(len(points), *like.factors.shape[1:]),
        points[:, :n_years],
        points[:, n_years : n_years + p],
        np.repeat(like.penalty, len(points)),
    )


def _gradient(fit: Factors, data: Moments) -> Array:
    """First derivative of half the loss, ordered as ``_pack``, shape (n_batch, p)."""
    loadings, prediction = solvers(fit.factors, data.seen, fit.penalty)
    maker = _annihilator(prediction, data.seen)
    first, second = data.net(fit.slopes)
    net = first - data.count[..., None] * fit.years[:, None]
    years = -np.einsum("bgst,bgt->bs", maker, net, optimize=True)
    cross = _centred(first, second, data.count, fit.years)
    factors = -np.einsum("bgst,bgtu,bgku->bsk", maker, cross, loadings, optimize=True)
    factors = factors + fit.penalty[:, None, None] * fit.factors
    slopes = np.empty((len(years), 0))
    if fit.slopes.shape[1]:
        by = np.concatenate([np.ones((len(years), 1)), -fit.slopes], axis=1)
        mixed = np.einsum("bgcsdt,bd->bgcst", data.second[:, :, 1:], by, optimize=True)
        mixed = mixed - data.first[:, :, 1:, :, None] * fit.years[:, None, None, None, :]
        slopes = -np.einsum("bgst,bgcst->bc", maker, mixed, optimize=True)
    flat = factors.reshape(len(years), -1)
    return np.concatenate([years, slopes, flat], axis=1)


def _idle(fit: Factors) -> Array:
    """Directions of ``_pack`` that change no prediction, one a row."""
    factors = fit.factors[0]
    n_years, k = factors.shape
    before = n_years + fit.slopes.shape[1]
    rows = []

    def add(years: Array | None = None, change: Array | None = None) -> None:
        row = np.zeros(before + n_years * k)
        if years is not None:
            row[:n_years] = years
        if change is not None:
            row[before:] = change.ravel()
        rows.append(row)

    add(years=np.ones(n_years))
    penalised = bool(fit.penalty[0])
    for a in range(k):
        for b in range(k):
            change = np.zeros((n_years, k))
            change[:, b] = factors[:, a]
            if penalised:
                if a >= b:
                    continue
                change[:, a] = -factors[:, b]
            add(change=change)
        if not penalised:
            shift = np.zeros((n_years, k))
            shift[:, a] = 1.0
            add(change=shift)
            add(years=factors[:, a])
    return np.array(rows)


def _complement(rows: Array, size: int) -> Array:
    """Return an orthonormal basis of what is orthogonal to rows, shape (size, size - rank)."""
    left, values, _ = np.linalg.svd(rows.T, full_matrices=True)
    rank = int((values > 1e-10 * values.max()).sum())
    return np.asarray(left[:, rank:size])


@dataclass(frozen=True, eq=False)
class Validation:
    """Error of held-out rows of treated units before treatment, shapes (n_candidates,)."""

    candidates: Array
    error: Array
    chosen: int


def cross_validate(
    rows: Rows,
    treated: NDArray[np.bool_],
    ranks: NDArray[np.intp],
    penalties: Array,
    seed: int,
    n_folds: int = 10,
) -> Validation:
    """Choose a number of factors, or a penalty, by how held-out years are predicted.

    The years before treatment of treated units are cut into blocks of consecutive years; each
    fold leaves out one block of each unit, not the same of all. One more factor is taken if it
    lowers the error by more than one in a hundred; numbers after one that doubles it are not tried.
    Of penalties that of the least error is chosen.

    Parameters
    ----------
    rows : Rows
    treated : ndarray of bool, shape (n_units,)
        Units with a treated row.
    ranks : ndarray of intp
        Candidates, in increasing order; one where penalties are tried.
    penalties : ndarray
        Candidates, in decreasing order; a zero where ranks are tried.
    """
    rng = np.random.default_rng(seed)
    fit = rows.status == FIT
    before = fit & treated[:, None]
    place = np.cumsum(before, axis=1) - 1
    length = before.sum(axis=1)
    n_folds = int(min(n_folds, length[treated].min()))
    block = np.where(before, place * n_folds // np.maximum(length, 1)[:, None], -1)
    turn = rng.permutation(len(fit)) % n_folds
    fold = np.where(before, (block + turn[:, None]) % n_folds, -1)
    errors = np.full((len(ranks), len(penalties)), np.inf)
    coded = replace(rows, status=np.where(before, 10 + fold, rows.status).astype(np.int8))
    patterns, code = coded.patterns()
    data = moments(coded, patterns, code, np.ones((1, len(fit))))
    status = patterns.status[None]
    out = status == 10 + np.arange(n_folds)[:, None, None]
    seen = ((status == FIT) | ((status >= 10) & ~out)).astype(float)
    folds = replace(data.repeat(n_folds), seen=seen)
    giving = folds.only(rows.gives[patterns.cohort])
    for r, rank in enumerate(ranks):
        if r and errors[r - 1, 0] > HOPELESS * errors.min():
            break
        start = None
        for c, penalty in enumerate(penalties):
            lam = np.full(n_folds, penalty)
            found = fit_factors(
                giving, int(rank), lam, start=start, tolerance=1e-4, most_steps=MOST_TRIED
            )
            start = found.factors if penalty else None
            errors[r, c] = _held_out_error(found, folds, out)
    error = errors.ravel() / max(float((rows.weight[:, None] * before).sum()), 1e-300)
    chosen = int(np.argmin(error))
    if len(ranks) > 1:
        chosen = 0
        for r in range(1, len(ranks)):
            if error[r] < (1 - SLACK) * error[chosen]:
                chosen = r
    tried = ranks.astype(float) if len(ranks) > 1 else penalties
    return Validation(tried, error, chosen)


def _held_out_error(fit: Factors, data: Moments, out: NDArray[np.bool_]) -> float:
    """Sum squared gaps of rows left out, over folds."""
    prediction = solvers(fit.factors, data.seen, fit.penalty)[1]
    first, second = data.net(fit.slopes)
    cross = _centred(first, second, data.count, fit.years)
    gap = np.eye(out.shape[-1]) - prediction
    squares = np.einsum("bgst,bgtu,bgsu->bgs", gap, cross, gap, optimize=True)
    return float((squares * out).sum())
