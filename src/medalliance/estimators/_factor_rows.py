"""The rows that a factor model uses, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED, Panel, need_panel
from ._factors import EFFECT, FIT, Rows
from ._sample import Sample, draw_sample, gap_notes
from ._switching import path_levels

Status = NDArray[np.int8]


def read_status(
    panel: Panel,
    outcome: str,
    treatment: str | None,
    covariates: Sequence[str],
    anticipation: int,
    weights: str | None,
) -> tuple[Sample, Status]:
    """Draw the sample, and say of each row what it is used for, shape (n_units, n_years)."""
    need_panel(panel)
    column = treatment or panel.path
    sample = draw_sample(
        panel,
        outcome,
        covariates=covariates,
        weights=weights,
        anticipation=anticipation,
        keep_already_treated=column is not None,
        path=column is not None,
    )
    if column is None:
        start = np.where(
            sample.cohort == NEVER_TREATED, np.iinfo(np.int64).max, sample.cohort - anticipation
        )
        treated = sample.years >= start[:, None]
    else:
        level = path_levels(panel, sample, column)
        known = sample.mask
        if not np.isin(level[known], (0, 1)).all():
            other = np.setdiff1d(level[known], (0, 1))
            raise DesignError(
                f"{column!r} holds {first_three(f'{v:g}' for v in other)}: treatment is on or off "
                "here.\n  Give a column of 0 and 1; switching_did takes levels."
            )
        on = known & (level == 1)
        first = np.where(on.any(axis=1), sample.years[np.argmax(on, axis=1)], NEVER_TREATED)
        sample = replace(sample, cohort=first.astype(np.int64))
        treated = on
        if anticipation:
            ahead = np.arange(len(sample.years))
            starts = on & ~np.pad(on, ((0, 0), (1, 0)))[:, :-1]
            for lead in range(1, anticipation + 1):
                treated = treated | np.where(
                    ahead + lead < len(ahead), np.roll(starts, -lead, axis=1), False
                )
    return sample, np.where(sample.mask, np.where(treated, EFFECT, FIT), 0).astype(np.int8)


def _usable(
    status: Status, gives: NDArray[np.bool_], least: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Keep units and years with enough untreated rows."""
    units, years = np.ones(len(status), bool), np.ones(status.shape[1], bool)
    while True:
        fit = (status == FIT) & units[:, None] & years
        more = units & (fit.sum(axis=1) >= least)
        most = years & (fit[more & gives].sum(axis=0) >= least)
        if (more == units).all() and (most == years).all():
            return units, years
        units, years = more, most


@dataclass(frozen=True, eq=False)
class Table:
    """What is fitted.

    Attributes
    ----------
    sample : Sample
        Units and years with enough untreated rows.
    rows : Rows
        Net of unit and year means, in units of ``scale``.
    cohorts : ndarray of int
        Named by ``rows.cohort``.
    scale : float
        Size of the outcome.
    notes : tuple of str
        What was left out, and why.
    """

    sample: Sample
    rows: Rows
    cohorts: NDArray[np.int64]
    scale: float
    notes: tuple[str, ...]


def least_rows(n_factors: int | None) -> int:
    """Return how many untreated rows a unit and a year need: one more than they have parameters."""
    return 2 if n_factors is None else n_factors + 2


def lay_out(sample: Sample, status: Status, n_factors: int | None, control_group: str) -> Table:
    """Keep the units and years that a model of so many factors (None: a penalty) can use.

    Never-treated controls alone give factors, year effects and slopes; other units' untreated rows
    then give their own effect and loadings.

    Raises
    ------
    DesignError
        If no treated row is left.
    """
    need = least_rows(n_factors)
    never = sample.cohort == NEVER_TREATED
    every = control_group == "not_yet_treated"
    units, years = _usable(status, never | every, need)
    kept = status[units][:, years]
    if not (kept == EFFECT).any():
        refuse(sample, status, n_factors, control_group)
    part = sample.take_units(units)
    values = np.stack([part.outcome, *part.covariates], axis=1)[:, :, years]
    there, fit = (kept > 0)[:, None], (kept == FIT)[:, None]
    values = np.where(there, values, 0.0)
    for axis in (2, 0):  # levels change nothing but rounding
        values = values - (values * fit).sum(axis, keepdims=True) / fit.sum(axis, keepdims=True)
    values = np.where(there, values, 0.0)
    size = np.sqrt((values**2 * fit).sum(axis=(0, 2)) / fit.sum())
    size = np.where(size > 0, size, 1.0)
    part = replace(
        part,
        outcome=part.outcome[:, years],
        covariates=part.covariates[:, :, years],
        seen=None if there.all() else kept > 0,
        years=part.years[years],
    )
    cohorts, code = np.unique(part.cohort, return_inverse=True)
    gives = (cohorts == NEVER_TREATED) | every
    rows = Rows(values / size[:, None], kept, code, part.weight / part.weight.mean(), gives)
    notes = _left_out(sample, status, units, years, need)
    return Table(part, rows, cohorts, float(size[0]), notes)


def _left_out(
    sample: Sample, status: Status, units: NDArray[np.bool_], years: NDArray[np.bool_], need: int
) -> tuple[str, ...]:
    notes = []
    if not units.all():
        own = (status[~units] == FIT).sum(axis=1)
        names = first_three(
            f"{unit} ({count})" for unit, count in zip(sample.ids[~units], own, strict=True)
        )
        notes.append(
            f"{int((~units).sum())} units are left out that have fewer than {need} untreated "
            f"{sample.step.unit}s to fit: {names}."
        )
    if not years.all():
        names = first_three(sample.step.label(year) for year in sample.years[~years])
        notes.append(f"Fewer than {need} units are untreated in {names}, which is left out.")
    return tuple(notes)


def refuse(sample: Sample, status: Status, n_factors: int | None, control_group: str) -> None:
    """Say why no treated row can be predicted.

    Raises
    ------
    DesignError
    """
    need, step = least_rows(n_factors), sample.step
    treated = (status == EFFECT).any(axis=1)
    if not treated.any():
        raise DesignError(
            f"no unit is treated between {sample.years[0]} and {sample.years[-1]}.\n"
            "  Check the cohort column."
        )
    gaps = "".join(f" {note}" for note in gap_notes(sample.cohort, sample.years, step))
    some = f"{n_factors} factor{'' if n_factors == 1 else 's'}"
    model = "a penalised model" if n_factors is None else some
    own = (status == FIT).sum(axis=1)
    if own[treated].max() < need:
        rows = zip(sample.ids[treated], own[treated], strict=True)
        names = first_three(f"{unit} ({count})" for unit, count in rows)
        raise DesignError(
            f"treated units have too few {step.unit}s before treatment for {model}: {need} are "
            f"needed ({names}).{gaps}\n"
            f"  Take fewer factors, did_imputation, or earlier {step.unit}s."
        )
    raise DesignError(
        f"no treated {step.unit} has {need} {control_group.replace('_', '-')} units, the least for "
        f"{model}.{gaps}\n  Take units that join later or never, or end the panel earlier."
    )
