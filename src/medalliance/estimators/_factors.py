"""Factor models of untreated outcomes, fitted from second moments.

Untreated outcomes are a unit effect, a year effect, slopes of covariates and a few factors with a
loading a unit. Given factors, everything that belongs to a unit is least squares (ridge, where the
factors are penalised), so what has to be fitted is as small as the number of years, and all that
it needs to know of units are moments of those that are seen untreated in the same years. Matrix
completion is the same fit with as many factors as years and a penalty: the nuclear norm of
loadings times factors is the least of half their squared sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError

Array = NDArray[np.float64]
Ints = NDArray[np.intp]
FIT, EFFECT, HELD = 1, 2, 3
MOST_STEPS, MEMORY = 2_000, 8
CHUNK = 2e7


@dataclass(frozen=True, eq=False)
class Rows:
    """Outcome and covariates of units, with what each row is used for.

    Attributes
    ----------
    values : ndarray, shape (n_units, 1 + n_covariates, n_years)
        Outcome, then covariates; zero where not seen.
    status : ndarray of int8, shape (n_units, n_years)
        ``FIT`` where untreated, ``EFFECT`` where treated, ``HELD`` where untreated and predicted
        all the same, 0 where not seen.
    cohort : ndarray of intp, shape (n_units,)
        Codes of cohorts.
    weight : ndarray, shape (n_units,)
    gives : ndarray of bool, shape (n_cohorts,)
        Whether factors, year effects and slopes are learned from a cohort.
    """

    values: Array
    status: NDArray[np.int8]
    cohort: Ints
    weight: Array
    gives: NDArray[np.bool_]

    def patterns(self) -> tuple[Patterns, Ints]:
        """Group units that are alike in cohort and status; return each unit's group too."""
        keys = np.column_stack([self.cohort, self.status])
        found, code = np.unique(keys, axis=0, return_inverse=True)
        return Patterns(found[:, 0].astype(np.intp), found[:, 1:]), code.reshape(-1)


@dataclass(frozen=True, eq=False)
class Patterns:
    """Groups of units: cohort, shape (n_groups,), and status, shape (n_groups, n_years)."""

    cohort: Ints
    status: NDArray[np.int_]

    @property
    def seen(self) -> Array:
        """One where a row is fitted, shape (1, n_groups, n_years)."""
        return (self.status == FIT)[None].astype(float)


@dataclass(frozen=True, eq=False)
class Moments:
    """Weighted moments of groups of units, a batch of them.

    Attributes
    ----------
    seen : ndarray, shape (1 or n_batch, n_groups, n_years)
        One where a row is fitted.
    count : ndarray, shape (n_batch, n_groups)
    first : ndarray, shape (n_batch, n_groups, n_columns, n_years)
    second : ndarray, shape (n_batch, n_groups, n_columns, n_years, n_columns, n_years)
    """

    seen: Array
    count: Array
    first: Array
    second: Array

    def take(self, rows: Ints | NDArray[np.bool_]) -> Moments:
        """Return some of the batch."""
        seen = self.seen if len(self.seen) == 1 else self.seen[rows]
        return Moments(seen, self.count[rows], self.first[rows], self.second[rows])

    def repeat(self, times: int) -> Moments:
        """Return the same moments, once a fit."""
        parts = (self.count, self.first, self.second)
        return Moments(self.seen, *(np.broadcast_to(a, (times, *a.shape[1:])) for a in parts))

    def only(self, groups: NDArray[np.bool_]) -> Moments:
        """Return the moments with other groups empty."""
        if groups.all():
            return self
        one = groups * 1.0
        second = self.second * one[:, None, None, None, None]
        return Moments(self.seen, self.count * one, self.first * one[:, None, None], second)

    def net(self, slopes: Array) -> tuple[Array, Array]:
        """Return sums and cross products of outcomes less covariates' parts."""
        if self.first.shape[2] == 1:
            return self.first[:, :, 0], self.second[:, :, 0, :, 0]
        by = np.concatenate([np.ones((len(slopes), 1)), -slopes], axis=1)
        first = np.einsum("bgct,bc->bgt", self.first, by, optimize=True)
        second = np.einsum("bgcsdt,bc,bd->bgst", self.second, by, by, optimize=True)
        return first, second


def moments(rows: Rows, patterns: Patterns, code: Ints, draws: Array) -> Moments:
    """Add up moments by group, for each draw of the units.

    Parameters
    ----------
    rows : Rows
    patterns : Patterns
    code : ndarray of intp, shape (n_units,)
        Group of each unit.
    draws : ndarray, shape (n_batch, n_units)
        How often each unit is drawn.
    """
    n_batch, n_groups = len(draws), len(patterns.cohort)
    columns, years = rows.values.shape[1:]
    size = columns * years
    first = np.zeros((n_batch, n_groups, size))
    second = np.zeros((n_batch, n_groups, size, size))
    count = np.zeros((n_batch, n_groups))
    weight = draws * rows.weight
    step = max(1, int(CHUNK / size**2))
    order = np.argsort(code, kind="stable")
    edges = np.searchsorted(code[order], np.arange(n_groups + 1))
    for g in range(n_groups):
        for start in range(edges[g], edges[g + 1], step):
            mine = order[start : min(start + step, edges[g + 1])]
            flat, w = rows.values[mine].reshape(len(mine), size), weight[:, mine]
            count[:, g] += w.sum(axis=1)
            first[:, g] += w @ flat
            if n_batch == 1:
                second[0, g] += (flat * w[0][:, None]).T @ flat
            else:
                outer = (flat[:, :, None] * flat[:, None, :]).reshape(len(mine), -1)
                second[:, g] += (w @ outer).reshape(n_batch, size, size)
    shape = (n_batch, n_groups, columns, years)
    return Moments(
        patterns.seen, count, first.reshape(shape), second.reshape(*shape, columns, years)
    )


def without(total: Moments, rows: Rows, code: Ints, owner: Ints, n_batch: int) -> Moments:
    """Take units away from moments: unit i from fit ``owner[i]``, or from none if it is -1."""
    parts = [np.repeat(a, n_batch, axis=0) for a in (total.count, total.first, total.second)]
    mine = np.flatnonzero(owner >= 0)
    at, w, values = (owner[mine], code[mine]), rows.weight[mine], rows.values[mine]
    np.subtract.at(parts[0], at, w)
    np.subtract.at(parts[1], at, w[:, None, None] * values)
    outer = np.einsum("i,ics,idt->icsdt", w, values, values, optimize=True)
    np.subtract.at(parts[2], at, outer)
    return Moments(total.seen, *parts)


@dataclass(frozen=True, eq=False)
class Factors:
    """A batch of fits.

    Attributes
    ----------
    factors : ndarray, shape (n_batch, n_years, n_factors)
    years : ndarray, shape (n_batch, n_years)
        Year effects.
    slopes : ndarray, shape (n_batch, n_covariates)
    penalty : ndarray, shape (n_batch,)
        Zero where factors are not penalised.
    steps : int
        Steps that the slowest fit took.
    """

    factors: Array
    years: Array
    slopes: Array
    penalty: Array
    steps: int = 0

    def take(self, row: int) -> Factors:
        """Return one fit of the batch."""
        at = slice(row, row + 1)
        return Factors(self.factors[at], self.years[at], self.slopes[at], self.penalty[at])


def _transpose(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


def solvers(factors: Array, seen: Array, penalty: Array) -> tuple[Array, Array]:
    """Return what gives a unit's loadings, and its predictions, from its net outcomes.

    Returns
    -------
    loadings : ndarray, shape (n_batch, n_groups, n_factors, n_years)
    predictions : ndarray, shape (n_batch, n_groups, n_years, n_years)
        Both have zero columns where a row is not fitted.
    """
    mean = seen / np.maximum(seen.sum(axis=-1, keepdims=True), 1)
    centred = seen[..., None] * (factors[:, None] - (mean @ factors)[:, :, None])
    k = factors.shape[-1]
    gram = _transpose(centred) @ centred
    trace = np.trace(gram, axis1=-2, axis2=-1)[..., None, None]
    gram = gram + (penalty[:, None, None, None] + 1e-13 * trace + 1e-300) * np.eye(k)
    loadings = np.linalg.solve(gram, _transpose(centred))
    common = factors[:, None] @ loadings
    unit = mean[:, :, None] - mean[:, :, None] @ common
    return loadings, common + unit


def _annihilator(prediction: Array, seen: Array) -> Array:
    """Return the residual maker on fitted rows, shape (n_batch, n_groups, n_years, n_years)."""
    return seen[..., None] * (np.eye(seen.shape[-1]) - prediction) * seen[:, :, None]


def _centred(first: Array, second: Array, count: Array, years: Array) -> Array:
    """Cross products of outcomes net of year effects, shape (n_batch, n_groups, T, T)."""
    cross = first[..., None] * years[:, None, None]
    size = count[..., None, None] * (years[:, :, None] * years[:, None])[:, None]
    return second - cross - _transpose(cross) + size


def _levels(data: Moments, factors: Array, penalty: Array, maker: Array) -> tuple[Array, Array]:
    """Solve for year effects and slopes, factors given, shapes (n_batch, n_years), (n_batch, p)."""
    batch, n_years = len(factors), factors.shape[1]
    p = data.first.shape[2] - 1
    system = np.zeros((batch, n_years + p, n_years + p))
    right = np.zeros((batch, n_years + p))
    system[:, :n_years, :n_years] = np.einsum("bgst,bg->bst", maker, data.count, optimize=True)
    sums = np.einsum("bgst,bgct->bcs", maker, data.first, optimize=True)
    right[:, :n_years] = sums[:, 0]
    if p:
        system[:, :n_years, n_years:] = _transpose(sums[:, 1:])
        system[:, n_years:, :n_years] = sums[:, 1:]
        cross = np.einsum("bgst,bgcsdt->bcd", maker, data.second[:, :, 1:], optimize=True)
        system[:, n_years:, n_years:] = cross[:, :, 1:]
        right[:, n_years:] = cross[:, :, 0]
    # what unit effects and loadings can absorb of year effects is set to zero
    ones = np.ones((batch, n_years, 1))
    absorbed = ones if penalty.any() else np.concatenate([ones, factors], axis=2)
    basis = np.linalg.qr(absorbed)[0]
    scale = np.trace(system[:, :n_years, :n_years], axis1=1, axis2=2) / n_years
    system[:, :n_years, :n_years] += scale[:, None, None] * (basis @ _transpose(basis))
    solved = np.linalg.solve(system, right[..., None])[..., 0]
    return solved[:, :n_years], solved[:, n_years:]


def _step(
    data: Moments, factors: Array, penalty: Array, rank: int
) -> tuple[Array, Array, Array, Array]:
    """Improve factors once; return them with levels and loss of those that came in.

    Rows not fitted are filled in as predicted, then factors are those of the filled table (EM).
    """
    loadings, prediction = solvers(factors, data.seen, penalty)
    maker = _annihilator(prediction, data.seen)
    years, slopes = _levels(data, factors, penalty, maker)
    first, second = data.net(slopes)
    if not penalty.any():  # of equal fits take that whose loadings average zero
        left = np.einsum(
            "bgkt,bgt->bk", loadings, first - data.count[..., None] * years[:, None], optimize=True
        )
        years = years + (factors @ (left / data.count.sum(axis=1)[:, None])[..., None])[..., 0]
    cross = _centred(first, second, data.count, years)
    loss = np.einsum("bgst,bgst->b", maker, cross, optimize=True)
    loss = loss + penalty * (factors**2).sum(axis=(1, 2))
    seen = data.seen[..., None]
    fill = seen * np.eye(data.seen.shape[-1]) + (1 - seen) * prediction
    whole = (fill @ cross @ _transpose(fill)).sum(axis=1)
    whole = whole - whole.mean(axis=1, keepdims=True)
    whole = whole - whole.mean(axis=2, keepdims=True)
    values, vectors = np.linalg.eigh(whole)
    values, vectors = values[:, ::-1][:, :rank], vectors[:, :, ::-1][:, :, :rank]
    if penalty.any():
        size = np.sqrt(np.maximum(values, 0)) - penalty[:, None]
        better = vectors * np.sqrt(np.maximum(size, 0))[:, None]
    else:
        better = vectors * np.sqrt(factors.shape[1])
    return _turned(better, factors), years, slopes, loss


def _turned(factors: Array, like: Array) -> Array:
    """Turn factors so that they are nearest to others: a rotation changes no prediction."""
    if like.shape[-1] != factors.shape[-1]:
        return factors
    left, _, right = np.linalg.svd(_transpose(factors) @ like)
    return factors @ (left @ right)


def fit_factors(
    data: Moments,
    rank: int,
    penalty: Array,
    *,
    start: Array | None = None,
    tolerance: float = 1e-9,
    most_steps: int = 0,
) -> Factors:
    """Fit a batch of factor models by EM, each step mixed with those before it.

    Parameters
    ----------
    data : Moments
    rank : int
        Number of factors.
    penalty : ndarray, shape (n_batch,)
        Threshold of singular values; all zero for a model without penalty.
    start : ndarray, shape (n_batch, n_years, rank), optional
        Factors to start from; without, the model of unit and year effects.
    tolerance : float
        Largest change of factors, relative to their size, that counts as none.
    most_steps : int
        Steps after which to stop without a word; zero for many, and an error.

    Raises
    ------
    DesignError
        If factors still move after the last step.

    References
    ----------
    Walker, Ni (2011), for the mixing (Anderson's), started again where the loss would rise.
    """
    batch, n_years = len(data.count), data.seen.shape[-1]
    now = np.zeros((batch, n_years, 0)) if start is None else start
    now, years, slopes, _ = _step(data, now, penalty, rank)
    if rank == 0:
        return Factors(now, years, slopes, penalty)
    size = n_years * rank
    moves, turns = np.zeros((2, batch, size, MEMORY))
    last = np.zeros((2, batch, size))  # where the last good step began, and how far it went
    lowest, safe = np.full(batch, np.inf), now.copy()
    active, steps = np.arange(batch), 0
    while len(active):
        here = now[active]
        step, *_, loss = _step(data.take(active), here, penalty[active], rank)
        good = loss <= lowest[active] * (1 + 1e-10)
        bad = active[~good]
        moves[bad], turns[bad], now[bad] = 0.0, 0.0, safe[bad]
        fine, point = active[good], here[good].reshape(-1, size)
        far = step[good].reshape(-1, size) - point
        if steps:
            seen = np.isfinite(lowest[fine])[:, None]
            moves[fine, :, steps % MEMORY] = np.where(seen, point - last[0, fine], 0.0)
            turns[fine, :, steps % MEMORY] = np.where(seen, far - last[1, fine], 0.0)
        last[0, fine], last[1, fine], lowest[fine], safe[fine] = point, far, loss[good], step[good]
        now[fine] = (point + far - _mixed(moves[fine], turns[fine], far)).reshape(step[good].shape)
        length = np.sqrt((far**2).sum(axis=1))
        done = length <= tolerance * (np.sqrt((point**2).sum(axis=1)) + 1e-12)
        now[fine[done]] = step[good][done]
        active, steps = np.setdiff1d(active, fine[done]), steps + 1
        if most_steps and steps == most_steps:
            now[active] = safe[active]
            break
        if steps > MOST_STEPS:
            raise DesignError(
                f"the factors still move after {MOST_STEPS:,} steps: units with few untreated rows "
                "hardly tell them apart.\n"
                '  Take fewer factors, a larger penalty, or control_group="never_treated".'
            )
    _, years, slopes, _ = _step(data, now, penalty, rank)
    return Factors(now, years, slopes, penalty, steps)


def _mixed(moves: Array, turns: Array, far: Array) -> Array:
    """Return what past steps say is left of this one, shape (n_batch, size)."""
    cross = _transpose(turns) @ turns
    ridge = 1e-12 * np.trace(cross, axis1=1, axis2=2) + 1e-300
    cross = cross + ridge[:, None, None] * np.eye(cross.shape[-1])
    weights = np.linalg.solve(cross, _transpose(turns) @ far[..., None])
    return np.asarray(((moves + turns) @ weights)[..., 0])


def group_gaps(fit: Factors, data: Moments) -> Array:
    """Return summed outcomes less predictions, shape (n_batch, n_groups, n_years)."""
    prediction = solvers(fit.factors, data.seen, fit.penalty)[1]
    first = data.net(fit.slopes)[0] if data.second.size else _net_first(data.first, fit.slopes)
    net = first - data.count[..., None] * fit.years[:, None]
    return net - (prediction @ net[..., None])[..., 0]


def _net_first(first: Array, slopes: Array) -> Array:
    if first.shape[2] == 1:
        return first[:, :, 0]
    return first[:, :, 0] - np.einsum("bgct,bc->bgt", first[:, :, 1:], slopes, optimize=True)


def largest_singular_value(data: Moments) -> Array:
    """Return that of fitted rows net of unit and year effects, zero elsewhere, shape (n_batch,)."""
    empty = np.zeros((len(data.count), data.seen.shape[-1], 0))
    none = np.zeros(len(data.count))
    maker = _annihilator(solvers(empty, data.seen, none)[1], data.seen)
    years, slopes = _levels(data, empty, none, maker)
    first, second = data.net(slopes)
    cross = _centred(first, second, data.count, years)
    whole = (maker @ cross @ _transpose(maker)).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(np.linalg.eigvalsh(whole)[:, -1], 0)))
