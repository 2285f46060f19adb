"""The saturated design of extended two-way fixed effects, for every family of quasi-likelihood.

The index is ``a + sum_g D_g (b_g + X'c_g) + sum_s f_s (d_s + X'k_s)`` plus, in each treated cell
(g, s), ``delta_gs + (X - mean_g X)' rho_gs``. A treated cell has an intercept and slopes of its
own, so its rows say nothing about the other parameters: the untreated model is fitted on untreated
cells, and each treated cell by itself. That is the pooled fit, without its large matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..results import CompactInfluence
from ._families import Family
from ._quasi import QuasiFit, Rows, cell_sums, fit_blocks, index_of
from ._sample import Sample
from ._saturated_cells import Cells, name_cells

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
SEPARATION = 1e-8


@dataclass(frozen=True, eq=False)
class SaturatedFit:
    """Effects of the cells that the untreated model reaches.

    Attributes
    ----------
    cohort, year : ndarray of int, shape (k,)
    estimate : ndarray, shape (k, r)
        Effect on each of the r means.
    untreated : ndarray, shape (k, r)
        Mean without treatment.
    influence : CompactInfluence
        Columns in the order of ``estimate.ravel()``. Covariates are held fixed.
    mass : ndarray, shape (k,)
        Share of the weighted rows.
    n_units : ndarray of int, shape (k,)
    n_obs, n_params : int
    refused : list of str
        Cells that no untreated observation reaches.
    notes : tuple of str
    """

    cohort: NDArray[np.int64]
    year: NDArray[np.int64]
    estimate: Array
    untreated: Array
    influence: CompactInfluence
    mass: Array
    n_units: NDArray[np.int64]
    n_obs: int
    n_params: int
    refused: list[str]
    notes: tuple[str, ...]


def fit_saturated(
    sample: Sample,
    outcomes: Array,
    cells: Cells,
    family: Family,
    exposure: Array | None = None,
) -> SaturatedFit:
    """Fit the saturated design.

    Parameters
    ----------
    sample : Sample
        Gives covariates, weights and rows.
    outcomes : ndarray, shape (n_units, n_years, r)
    cells : Cells
    family : Family
    exposure : ndarray, shape (n_units, n_years), optional
        The index is that of the mean by unit of exposure; effects are on the mean itself. The
        quasi-score of a count is that of its rate, weighted by exposure.

    Returns
    -------
    SaturatedFit

    Raises
    ------
    DesignError
        If the fit does not exist (separation) or does not converge, or no effect is reached.

    References
    ----------
    Wooldridge (2023), equations 3.1-3.5; Wooldridge (2025), section 5.
    """
    rows = _rows(sample, outcomes, cells, exposure)
    problem = family.check(rows.y)
    if problem:
        raise DesignError(f"the outcome {problem}, which {family.name} cannot fit.\n"
                          "  Choose another family.")  # fmt: skip
    treated = cells.treated.ravel()
    work = _collapse(rows, treated.size) if rows.z.shape[1] == 1 else rows
    untreated_work = work.take(~treated[work.cell])
    _check_margins(untreated_work, family, cells, sample.years)
    blocks = _two_way_blocks(cells)
    n_blocks = int(blocks.max()) + 1
    base = fit_blocks(family, untreated_work, blocks, n_blocks)
    if not base.converged:
        raise DesignError(
            f"the {family.name} fit of the untreated outcome did not converge.\n"
            "  Look for cohorts or years whose outcome is almost always at its limit, or drop "
            "covariates."
        )
    _check_interior(untreated_work, family, base, blocks, cells, sample.years)
    fit = _effects(sample, rows, cells, family, base, blocks)
    return fit if exposure is None else _on_means(fit, sample, cells, exposure)


def _on_means(fit: SaturatedFit, sample: Sample, cells: Cells, exposure: Array) -> SaturatedFit:
    """Carry effects on rates to means, by the mean exposure of each cell, held fixed."""
    n_years = len(sample.years)
    unit, when = sample.rows
    cell, weight = cells.group[unit] * n_years + when, sample.weight[unit]
    size = np.bincount(cell, weight, cells.treated.size)
    total = np.bincount(cell, weight * exposure[sample.mask], cells.treated.size)
    shown = np.searchsorted(cells.cohorts, fit.cohort) * n_years
    shown = shown + np.searchsorted(sample.years, fit.year)
    scale = total[shown] / size[shown]
    columns = np.repeat(scale, fit.estimate.shape[1])
    return replace(
        fit,
        estimate=fit.estimate * scale[:, None],
        untreated=fit.untreated * scale[:, None],
        influence=replace(fit.influence, loadings=fit.influence.loadings * columns),
        mass=size[shown] / (size.sum() or 1.0),
    )


def _rows(sample: Sample, outcomes: Array, cells: Cells, exposure: Array | None) -> Rows:
    """List the rows seen, covariates centred and scaled (which changes no effect)."""
    mask = sample.mask
    unit, year = sample.rows
    weight = sample.weight[unit]
    y = outcomes[mask]
    if exposure is not None:
        y, weight = y / exposure[mask][:, None], weight * exposure[mask]
    z = np.ones((len(unit), 1 + len(sample.covariates)))
    for j, covariate in enumerate(sample.covariates, start=1):
        x = covariate[mask]
        x = x - weight @ x / weight.sum()
        spread = np.sqrt(weight @ x**2 / weight.sum())
        z[:, j] = x / spread if spread > 0 else x
    cell = cells.group[unit] * len(sample.years) + year
    return Rows(y, z, weight, cell)


def _collapse(rows: Rows, n_cells: int) -> Rows:
    """Replace rows by cell means, which carry all that a fit without covariates needs."""
    weight = np.bincount(rows.cell, rows.weight, n_cells)
    cell = np.flatnonzero(weight > 0)
    y = cell_sums(rows.weight[:, None] * rows.y, rows.cell, n_cells)[cell] / weight[cell, None]
    return Rows(y, np.ones((len(cell), 1)), weight[cell], cell)  # type: ignore[arg-type]


def _two_way_blocks(cells: Cells) -> Codes:
    n_groups, n_years = cells.treated.shape
    group, year = np.divmod(np.arange(n_groups * n_years), n_years)
    return np.column_stack([group, n_groups + year])


def _check_margins(rows: Rows, family: Family, cells: Cells, years: NDArray[np.int64]) -> None:
    """Refuse cohorts or years whose untreated outcome always sits on the family's limit."""
    if not np.isfinite(family.bounds).any():
        return
    group, year = np.divmod(rows.cell, cells.treated.shape[1])
    stuck = []
    for name, codes, labels in (("cohort", group, cells.cohorts), ("year", year, years)):
        count = np.bincount(codes, minlength=len(labels))
        for bound in family.bounds:
            for at_limit in (rows.y == bound).T:
                full = (np.bincount(codes, at_limit, len(labels)) == count) & (count > 0)
                stuck += [f"{name} {labels[k]}" for k in np.flatnonzero(full)]
    stuck = list(dict.fromkeys(stuck))
    if stuck:
        raise DesignError(
            f"separation: the untreated outcome is always at its limit in {first_three(stuck)}, "
            f"so the {family.name} fit does not exist there.\n"
            "  Drop these cohorts or years, or use family='gaussian'."
        )


def _check_interior(
    rows: Rows,
    family: Family,
    base: QuasiFit,
    blocks: Codes,
    cells: Cells,
    years: NDArray[np.int64],
) -> None:
    """Refuse fits that ran to a limit of the mean: separation inside the table."""
    if family.linear:
        return
    mean = family.mean(index_of(rows, base.theta, blocks))
    at_end = np.zeros(mean.shape, dtype=bool)
    for bound in family.bounds:
        if np.isfinite(bound):
            at_end |= np.abs(mean - bound) < SEPARATION
    if at_end.any():
        lost = name_cells(np.unique(rows.cell[at_end.any(axis=1)]), cells, years)
        raise DesignError(
            f"separation: the {family.name} fit runs to its limit in {first_three(lost)}, "
            "so it does not exist there.\n"
            "  Drop these cohorts or years, or use family='gaussian'."
        )


def _effects(
    sample: Sample, rows: Rows, cells: Cells, family: Family, base: QuasiFit, blocks: Codes
) -> SaturatedFit:
    """Compare each treated cell with what the untreated model says of it."""
    n_groups, n_years = cells.treated.shape
    wanted = np.flatnonzero((cells.treated & cells.seen).ravel())
    n_cells = n_groups * n_years
    weight = np.bincount(rows.cell, rows.weight, n_cells)
    eta = index_of(rows, base.theta, blocks)
    slopes = _mean_slopes(rows, family.slope(eta), weight, n_cells)  # type: ignore[arg-type]
    gradient, reached = _gradients(base, slopes[wanted], blocks[wanted])
    refused = name_cells(wanted[~reached], cells, sample.years)
    if not reached.any():
        raise DesignError(
            "no effect is reached: no unit is untreated in the years after treatment.\n"
            "  Add never-treated or later-treated units, or earlier years."
        )
    wanted = wanted[reached]
    own = _own_fit(rows, family, cells, wanted)
    means = cell_sums(rows.weight[:, None] * family.mean(eta), rows.cell, n_cells)
    untreated = means[wanted] / weight[wanted, None]
    treated_mask = np.zeros(n_cells, bool)
    treated_mask[wanted] = True
    used = treated_mask[rows.cell] | ~cells.treated.ravel()[rows.cell]
    score = np.where(treated_mask[rows.cell, None], own.score, family.score(rows.y, eta))
    influence = _influence(
        sample, rows, cells, np.where(used[:, None], score, 0.0),
        base.inverse @ gradient[:, reached].reshape(len(base.inverse), -1),
        own.loading, wanted,
    )  # fmt: skip
    shown = _with_references(cells, wanted)
    place = np.searchsorted(shown, wanted)
    n_means = own.mean.shape[1]
    estimate, base_mean = np.zeros((2, len(shown), n_means))
    estimate[place], base_mean[place] = own.mean - untreated, untreated
    rank = round(float(np.trace(base.inverse @ base.information)))
    group, year = np.divmod(shown, n_years)
    return SaturatedFit(
        cohort=cells.cohorts[group],
        year=sample.years[year],
        estimate=estimate,
        untreated=np.where(np.isin(shown, wanted)[:, None], base_mean, np.nan),
        influence=_spread_columns(influence, place, len(shown), n_means),
        mass=weight[shown] / rows.weight[used].sum(),
        n_units=np.bincount(rows.cell, minlength=n_cells)[shown],
        n_obs=int(used.sum()),
        n_params=rank + own.rank,
        refused=refused,
        notes=own.notes,
    )


def _with_references(cells: Cells, wanted: Codes) -> Codes:
    """Add the reference year of each cohort, zero by definition, to its other years."""
    n_years = cells.treated.shape[1]
    reference = np.flatnonzero((cells.reference & cells.seen).ravel())
    reached = np.isin(reference // n_years, wanted // n_years)
    return np.sort(np.concatenate([wanted, reference[reached]]))


def _spread_columns(
    influence: CompactInfluence, place: Codes, n_shown: int, n_means: int
) -> CompactInfluence:
    """Give the columns of an influence function their places; the others are zero."""
    n_groups, size, _ = influence.loadings.shape
    full = np.zeros((n_groups, size, n_shown, n_means))
    full[:, :, place] = influence.loadings.reshape(n_groups, size, len(place), n_means)
    return replace(influence, loadings=full.reshape(n_groups, size, n_shown * n_means))


def _mean_slopes(rows: Rows, slope: Array, weight: Array, n_cells: int) -> Array:
    """Average ``d mean_r / d theta`` over the rows of a cell, shape (n_cells, r, m, q)."""
    n, n_means, m = slope.shape
    products = (rows.weight[:, None, None] * slope)[..., None] * rows.z[:, None, None, :]
    sums = cell_sums(products.reshape(n, -1), rows.cell, n_cells)
    sums /= np.where(weight > 0, weight, 1.0)[:, None]
    return sums.reshape(n_cells, n_means, m, rows.z.shape[1])


def _gradients(base: QuasiFit, slopes: Array, blocks: Codes) -> tuple[Array, NDArray[np.bool_]]:
    """Differentiate each untreated mean, shape (K, k, r), saying whether the data reach it."""
    k, n_means, m, q = slopes.shape
    n_blocks = len(base.theta)
    gradient = np.zeros((n_blocks, m, q, k, n_means))
    values = slopes.transpose(0, 2, 3, 1)
    for load in blocks.T:
        gradient[load, :, :, np.arange(k)] += values
    flat = gradient.reshape(n_blocks * m * q, k * n_means)
    gap = np.abs(base.information @ (base.inverse @ flat) - flat).max(axis=0)
    size = np.maximum(np.abs(flat).max(axis=0), 1e-300)
    reached = (gap <= 1e-7 * size).reshape(k, n_means).all(axis=1)
    return flat.reshape(-1, k, n_means), reached


@dataclass(frozen=True, eq=False)
class _Own:
    """What treated cells say by themselves: means (k, r), scores (n, m), loadings (k, m q, r).

    ``rank`` counts the parameters that their rows determine.
    """

    mean: Array
    score: Array
    loading: Array
    rank: int
    notes: tuple[str, ...]


def _own_fit(rows: Rows, family: Family, cells: Cells, wanted: Codes) -> _Own:
    """Fit each treated cell by itself; without covariates that is its mean."""
    n_cells = cells.treated.size
    n_means, q = rows.y.shape[1], rows.z.shape[1]
    m = family.n_indices(n_means)
    place = np.full(n_cells, -1)
    place[wanted] = np.arange(len(wanted))
    inside = np.flatnonzero(place[rows.cell] >= 0)
    local = Rows(rows.y[inside], rows.z[inside], rows.weight[inside], place[rows.cell[inside]])
    k = len(wanted)
    weight = np.bincount(local.cell, local.weight, k)
    mean = cell_sums(local.weight[:, None] * local.y, local.cell, k) / weight[:, None]
    # the last of r parts is one less the others
    parts = np.vstack([np.eye(m), -np.ones((n_means - m, m))])
    loading = np.zeros((k, m, q, n_means))
    loading[:, :, 0, :] = parts.T / weight[:, None, None]
    notes: tuple[str, ...] = ()
    rank = k * m
    if q == 1:
        residual = local.y - mean[local.cell]
    else:
        own = np.arange(k)[:, None]
        fit = fit_blocks(family, local, own, k)
        eta = index_of(local, fit.theta, own)
        residual = local.y - family.mean(eta)
        rank = round(float(np.einsum("kab,kba->", fit.inverse, fit.information)))
        if not fit.converged:
            notes = ("The fit within some treated cells did not converge; they are few.",)
        if not family.canonical:
            mean = cell_sums(local.weight[:, None] * family.mean(eta), local.cell, k)
            mean /= weight[:, None]
            slopes = _mean_slopes(local, family.slope(eta), weight, k).reshape(k, n_means, m * q)  # type: ignore[arg-type]
            loading = np.einsum("kab,krb->kar", fit.inverse, slopes).reshape(k, m, q, n_means)
    score = np.zeros((len(rows.y), m))
    canonical_score = family.canonical or q == 1
    score[inside] = residual[:, :m] if canonical_score else family.score(local.y, eta)
    return _Own(mean, score, loading.reshape(k, m * q, n_means), rank, notes)


def _influence(
    sample: Sample,
    rows: Rows,
    cells: Cells,
    score: Array,
    multiplier: Array,
    own: Array,
    wanted: Codes,
) -> CompactInfluence:
    """Lay scores out by unit and year, with their loadings by cohort.

    Parameters
    ----------
    score : ndarray, shape (n, m)
    multiplier : ndarray, shape (K, k r)
        Inverse information times the gradient of the untreated means.
    own : ndarray, shape (k, m q, r)
    wanted : ndarray of intp, shape (k,)
    """
    n_groups, n_years = cells.treated.shape
    size = score.shape[1] * rows.z.shape[1]
    products = (rows.weight[:, None] * score)[:, :, None] * rows.z[:, None, :]

    k, _, n_means = own.shape
    by_block = multiplier.reshape(n_groups + n_years, size, k * n_means)
    loadings = -(by_block[:n_groups, None] + by_block[None, n_groups:])
    loadings *= ~cells.treated[:, :, None, None]
    loadings = loadings.reshape(n_groups * n_years, size, k, n_means)
    loadings[wanted, :, np.arange(k)] += own
    if sample.when is not None:
        by_cell = sample.n_units * loadings.reshape(n_groups * n_years, size, k * n_means)
        return CompactInfluence(products.reshape(len(score), size), rows.cell, by_cell)
    unit, year = sample.rows
    values = np.zeros((sample.n_units, n_years, size))
    values[unit, year] = products.reshape(len(score), size)
    flat = sample.n_units * loadings.reshape(n_groups, n_years * size, k * n_means)
    return CompactInfluence(values.reshape(sample.n_units, n_years * size), cells.group, flat)
