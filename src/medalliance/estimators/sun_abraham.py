"""Interaction-weighted event study: cohort-specific leads and lags, then averages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED, Panel
from ..results import FIXEST, CompactInfluence, Effects, cell_terms
from ..results._cluster import small_sample_factor
from ._collinear import absorbed, independent
from ._sample import Sample, describe_design, draw_sample
from ._saturated_cells import Cells, make_cells, name_cells
from ._within import TwoWay

Array = NDArray[np.float64]


def sun_abraham(
    panel: Panel,
    outcome: str,
    *,
    covariates: Sequence[str] = (),
    anticipation: int = 0,
    weights: str | None = None,
) -> Effects:
    """Estimate leads and lags cohort by cohort in one regression with unit and year effects.

    The controls are the never treated; without them, the last cohort before its own treatment,
    and the years from then on are left out. ``aggregate("event_time")`` weights cohorts by size.

    Parameters
    ----------
    panel : Panel
    outcome : str
        Column or registered outcome.
    covariates : sequence of str
        Time-varying columns.
    anticipation : int
        Years before the cohort that may already respond; the reference is the year before them.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.

    Returns
    -------
    Effects
        One term a cohort and year. Standard errors are clustered with fixest's small-sample
        factor; cohort sizes are taken as given.

    Raises
    ------
    DesignError
        If there is no control cohort, or no effect is reached.

    References
    ----------
    Sun, Abraham (2021), section 4: equation 26 for the regression, 27 for the averages.
    """
    adjust: dict[str, Any] = {"covariates": covariates, "weights": weights}
    sample = draw_sample(panel, outcome, anticipation=anticipation, **adjust)
    sample, notes = _with_controls(sample, anticipation)
    cells = make_cells(sample, control_group="never_treated", anticipation=anticipation)
    fit = _fit(sample, cells)
    group, year = np.divmod(fit.cell, len(sample.years))
    cohort, when = cells.cohorts[group], sample.years[year]
    design = describe_design(
        panel,
        sample,
        outcome,
        "sun_abraham",
        control_group="never_treated" if not notes else "last_treated",
        anticipation=anticipation,
        base_period="universal",
        std_errors=FIXEST,
        notes=(*notes, *fit.notes),
        left_out=fit.dropped,
        **adjust,
    )
    return Effects(
        estimate=fit.estimate,
        terms=cell_terms(outcome, cohort, when, sample.step, n_units=fit.n_units),
        design=replace(design, dof=design.n_clusters - 1.0),
        units=sample.units(by_observation=True),
        influence_function=fit.influence,
        variance_factor=small_sample_factor(sample.n_obs, fit.n_params, design.n_clusters),
        mass=fit.mass,
        mass_estimated=False,
        refit=partial(sun_abraham, outcome=outcome, anticipation=anticipation, **adjust),
    )


def _with_controls(sample: Sample, anticipation: int) -> tuple[Sample, tuple[str, ...]]:
    """Use the last cohort as control where nobody is never treated."""
    if (sample.cohort == NEVER_TREATED).any():
        return sample, ()
    last = int(sample.cohort.max())
    keep = sample.years < last - anticipation
    if (sample.cohort == last).all() or keep.sum() < 2:
        raise DesignError(
            "no unit is never treated, and there is no later cohort to compare with.\n"
            "  Add never-treated or later-treated units."
        )
    seen = None if sample.seen is None else sample.seen[:, keep]
    first = last - anticipation
    note = (
        f"No unit is never treated: cohort {sample.step.label(last)} is the control, "
        f"{sample.step.unit}s from {sample.step.label(first)} left out."
    )
    trimmed = replace(
        sample,
        outcome=sample.outcome[:, keep],
        covariates=sample.covariates[:, :, keep],
        seen=seen,
        years=sample.years[keep],
        cohort=np.where(sample.cohort == last, NEVER_TREATED, sample.cohort),
    )
    return trimmed, (note,)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Leads and lags of the cells listed in ``cell``, with what ``Effects`` needs."""

    cell: NDArray[np.intp]
    estimate: Array
    influence: CompactInfluence
    mass: Array
    n_units: NDArray[np.int64]
    n_params: int
    notes: tuple[str, ...]
    dropped: tuple[str, ...]


def _fit(sample: Sample, cells: Cells) -> _Fit:
    """Fit the saturated regression with unit effects.

    All years of a cohort but one have a term of their own, so the regression splits into unit and
    year effects of each cohort; a term is the change in its cohort's year effects since the
    reference year, less that of the controls.
    """
    n_groups, n_years = cells.treated.shape
    parts = [_within_cohort(sample, cells.group == code) for code in range(n_groups)]
    shown = np.flatnonzero(((cells.treated | cells.reference) & cells.seen).ravel())
    group, year = np.divmod(shown, n_years)
    base = cells.reference.argmax(axis=1)[group]
    contrast = np.zeros((n_years, len(shown)))
    contrast[year, np.arange(len(shown))] += 1.0
    contrast[base, np.arange(len(shown))] -= 1.0
    loadings, reached = _loadings(parts, cells, contrast, group)
    keep = reached & (cells.reference & cells.seen)[group, base]
    refused = name_cells(shown[~keep], cells, sample.years, sample.step)
    if not (keep & cells.treated[group, year]).any():
        raise DesignError(
            "no effect is reached: controls and treated are not seen in the same years.\n"
            "  Look at the years of the never treated."
        )
    shown, group, loadings = shown[keep], group[keep], loadings[:, :, keep]
    contrast = contrast[:, keep]
    outcome, slopes = _residuals(sample, cells.group, parts)
    stays = _independent(sample, slopes)
    dropped = absorbed(sample.names, stays, "unit effects and cohort-by-year terms")
    slopes, column = slopes[stays], np.flatnonzero(stays)
    beta, bread = _covariate_slopes(sample, outcome, slopes)
    residual = outcome - np.tensordot(beta, slopes, axes=1)
    weight = sample.weight[:, None] * residual
    effects = np.stack(
        [_effects(parts, cells, contrast, group, j) for j in (0, *(1 + column).tolist())]
    )
    estimate = effects[0] - beta @ effects[1:]
    scores = np.einsum("pit,it->ip", slopes, weight) if len(slopes) else None
    influence = CompactInfluence(
        weight,
        cells.group,
        sample.n_units * loadings,
        scores,
        None if scores is None else -sample.n_units * bread @ effects[1:],
    )
    flat = cells.group[:, None] * n_years + np.arange(n_years)
    size = np.bincount(
        flat.ravel(), (sample.weight[:, None] * sample.mask).ravel(), cells.seen.size
    )
    count = np.bincount(flat[sample.mask], minlength=cells.seen.size)
    estimate[cells.reference.ravel()[shown]] = 0.0
    notes = () if not refused else (
        f"Not identified and left out: {first_three(refused)}.",
    )  # fmt: skip
    n_slopes = int((~cells.reference.ravel()[shown]).sum()) + len(slopes)
    return _Fit(
        shown, estimate, influence, size[shown] / size.sum(), count[shown],
        n_slopes + len(sample.years), notes, dropped,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Cohort:
    """Unit and year effects of the outcome and the covariates within one cohort."""

    rows: NDArray[np.intp]
    effects: TwoWay
    year: Array
    residual: Array


def _within_cohort(sample: Sample, member: NDArray[np.bool_]) -> _Cohort:
    rows = np.flatnonzero(member)
    weight = sample.weight[rows]
    complete = sample.seen is None
    effects = TwoWay(weight if complete else weight[:, None] * sample.mask[rows])
    grids = [sample.outcome[rows], *(covariate[rows] for covariate in sample.covariates)]
    year, residual = [], []
    for grid in grids:
        unit_effect, year_effect = effects.effects(grid)
        left = grid - unit_effect[:, None] - year_effect
        residual.append(left if complete else left * sample.mask[rows])
        year.append(year_effect)
    return _Cohort(rows, effects, np.stack(year), np.stack(residual))


def _multipliers(part: _Cohort, contrast: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Weights of residuals in contrasts of a cohort's year effects; which are identified."""
    if part.effects.complete:
        return contrast / part.effects.weight.sum(), np.ones(contrast.shape[1], bool)
    return part.effects.year_multipliers(np.zeros_like(contrast), contrast)


def _loadings(
    parts: list[_Cohort], cells: Cells, contrast: Array, group: NDArray[np.intp]
) -> tuple[Array, NDArray[np.bool_]]:
    """Lay out loadings of weighted residuals by cohort, shape (n_groups, n_years, k)."""
    loadings = np.zeros((len(parts), *contrast.shape))
    control = int(np.flatnonzero(cells.cohorts == NEVER_TREATED)[0])
    multiplier, reached = _multipliers(parts[control], contrast)
    loadings[control] = -multiplier
    for code in np.unique(group):
        mine = group == code
        multiplier, found = _multipliers(parts[code], contrast[:, mine])
        loadings[code][:, mine] = multiplier
        reached[mine] &= found
    return loadings, reached


def _effects(
    parts: list[_Cohort], cells: Cells, contrast: Array, group: NDArray[np.intp], column: int
) -> Array:
    control = int(np.flatnonzero(cells.cohorts == NEVER_TREATED)[0])
    year = np.stack([part.year[column] for part in parts])
    return np.einsum("kt,tk->k", year[group] - year[control], contrast)


def _residuals(
    sample: Sample, group: NDArray[np.intp], parts: list[_Cohort]
) -> tuple[Array, Array]:
    grids = np.zeros((1 + len(sample.covariates), *sample.outcome.shape))
    for part in parts:
        grids[:, part.rows] = part.residual
    return grids[0], grids[1:]


def _independent(sample: Sample, slopes: Array) -> NDArray[np.bool_]:
    """Choose the covariates of which something is left, all else taken out."""
    if not len(slopes):
        return np.ones(0, bool)
    gram = np.einsum("pit,qit->pq", slopes * sample.weight[:, None], slopes)
    raw = np.einsum("it,pit->p", sample.weight[:, None] * sample.mask, sample.covariates**2)
    return independent(gram, raw)


def _covariate_slopes(sample: Sample, outcome: Array, slopes: Array) -> tuple[Array, Array]:
    """Regress on covariates, all else taken out."""
    if not len(slopes):
        return np.zeros(0), np.zeros((0, 0))
    weighted = slopes * sample.weight[:, None]
    bread = np.linalg.inv(np.einsum("pit,qit->pq", weighted, slopes))
    return bread @ np.einsum("pit,it->p", weighted, outcome), bread
