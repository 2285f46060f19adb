"""The rows an estimator uses, laid out as units by years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..outcomes import OUTCOMES, outcome_values
from ..panel import (
    NEVER_TREATED,
    YEARLY,
    Panel,
    TimeStep,
    cohorts_within,
    many,
    missing_steps,
    need_panel,
)
from ..results import Design, Units
from ..results._cluster import count_clusters
from ..results.few_clusters import can_hold_by_cohort, lone_cohorts, name_interval
from ._collinear import drop_collinear

Array = NDArray[np.float64]
ONCE = 1.05  # rows a unit up to which a table is taken for a repeated cross-section
CONTROL_GROUPS = ("not_yet_treated", "never_treated")


@dataclass(frozen=True, eq=False)
class Sample:
    """Outcome, covariates and roles of the units and years that an estimator uses.

    Attributes
    ----------
    outcome : ndarray, shape (n_units, n_years)
        Zero where a unit is not seen.
    covariates : ndarray, shape (n_covariates, n_units, n_years)
    seen : ndarray of bool, shape (n_units, n_years), or None
        None if every unit is seen in every year.
    years : ndarray of int, shape (n_years,)
    ids : Index, shape (n_units,)
    cohort : ndarray of int, shape (n_units,)
        Never treated if treatment starts after the last of ``years``, less the anticipation.
    weight : ndarray, shape (n_units,)
    cluster : ndarray of intp, shape (n_units,)
    n_left_out : int
        Units left out because they were treated when first seen.
    names : tuple of str
        Of the covariates.
    n_blank_rows, n_blank_units : int
        Rows without the outcome or a covariate, and units that have no other rows.
    step : TimeStep
        What time is counted in.
    dropped : tuple of str
        Covariates that are not used, with the reason.
    when : ndarray of intp, shape (n_units,), or None
        In a repeated cross-section the place in ``years`` of each person's one row; tables then
        have one column in place of ``n_years``.
    """

    outcome: Array
    covariates: Array
    seen: NDArray[np.bool_] | None
    years: NDArray[np.int64]
    ids: pd.Index
    cohort: NDArray[np.int64]
    weight: Array
    cluster: NDArray[np.intp]
    n_left_out: int
    names: tuple[str, ...] = ()
    n_blank_rows: int = 0
    n_blank_units: int = 0
    step: TimeStep = YEARLY
    dropped: tuple[str, ...] = ()
    when: NDArray[np.intp] | None = None

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.cohort)

    @property
    def n_obs(self) -> int:
        """Number of rows."""
        return self.outcome.size if self.seen is None else int(self.seen.sum())

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """Rows seen, shape (n_units, n_years)."""
        return np.ones(self.outcome.shape, bool) if self.seen is None else self.seen

    @cached_property
    def rows(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Unit and place in ``years`` of the rows seen, each of shape (n_obs,)."""
        if self.when is not None:
            return np.arange(self.n_units), self.when
        unit, year = np.nonzero(self.mask)
        return unit, year

    def take_units(self, keep: NDArray[np.bool_]) -> Sample:
        """Return the sample of some units."""
        return replace(
            self,
            outcome=self.outcome[keep],
            covariates=self.covariates[:, keep],
            seen=None if self.seen is None else self.seen[keep],
            when=None if self.when is None else self.when[keep],
            ids=self.ids[keep],
            cohort=self.cohort[keep],
            weight=self.weight[keep],
            cluster=pd.factorize(self.cluster[keep])[0].astype(np.intp),
            n_left_out=self.n_left_out + int((~keep).sum()),
        )

    def units(self, *, by_observation: bool = False) -> Units:
        """Return the units for ``Effects``."""
        by_observation = by_observation and self.when is None
        seen = self.mask if by_observation else None
        years = self.years if by_observation else None
        return Units(self.ids, self.cohort, self.weight, self.cluster, years, seen)


def draw_sample(
    panel: Panel,
    outcome: str,
    *,
    covariates: Sequence[str] = (),
    weights: str | None = None,
    anticipation: int = 0,
    keep_already_treated: bool = False,
    path: bool = False,
    people: bool = False,
    n_named: int = 0,
) -> Sample:
    """Take the rows with an outcome and covariates of units with a pre-period.

    Parameters
    ----------
    panel : Panel
    outcome : str
    covariates : sequence of str
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.
    anticipation : int
        Years before the cohort that may already respond.
    keep_already_treated : bool
        Whether to keep units that were treated when first seen.
    path : bool
        Whether the estimator knows treatments that change more than once.
    people : bool
        Whether the estimator knows repeated cross-sections.
    n_named : int
        The first so many covariates are asked about and stay; of the others, those that are
        constant or collinear are dropped.

    Returns
    -------
    Sample

    Raises
    ------
    DesignError
        If the panel's treatment is a path and the estimator knows cohorts alone, if units are seen
        once and it compares within units, if no row is left, the outcome does not vary, a column
        is named twice, or the weights are not positive constants of a unit.
    """
    check_anticipation(anticipation)
    need_panel(panel)
    if panel.path is not None and not path:
        raise DesignError(
            f"the treatment of this panel, {panel.path!r}, may change more than once, which this "
            "estimator does not know.\n  Use switching_did, or lp_did with nonabsorbing=..., or "
            "make the panel with cohort=..."
        )
    if panel.area is not None and not people:
        raise DesignError(
            "this panel is a repeated cross-section, and this estimator compares units with "
            "themselves.\n  Use att_gt, etwfe or twfe, or make a panel of area means with the "
            "number of people as weight."
        )
    if isinstance(covariates, str):
        covariates = (covariates,)
    names = [outcome, *covariates]
    columns = [outcome_values(panel, name) for name in names]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DesignError(
            f"{first_three(twice)} is named twice among outcome and covariates.\n"
            "  Name each column once."
        )
    weight = _unit_weights(panel, weights)
    usable = usable_rows(columns)
    if panel.area is None:
        refuse_cross_sections(panel, usable)
    blank = count_blank(panel, usable)
    drop = np.zeros(panel.n_units, bool)
    if not keep_already_treated and usable.any():
        drop = treated_when_first_seen(panel, usable)
    if drop.any():
        usable = usable & ~drop[panel.unit_codes]
    if not usable.any():
        raise DesignError(
            f"no row has {', '.join((outcome, *covariates))} for a unit with a pre-period.\n"
            "  Check missing values and the cohort column."
        )
    refuse_constant(outcome, columns[0], usable)
    if panel.area is not None:
        who = _people(panel, columns, usable, weight, int(drop.sum()))
        who = replace(
            _within_window(who, anticipation),
            names=tuple(covariates),
            n_blank_rows=blank[0],
            step=panel.step,
        )
        return _without_collinear(who, n_named)
    if usable.all() and panel.is_balanced:
        grids = [column.reshape(panel.n_units, -1) for column in columns]
        whole = _assemble(panel, grids, None, np.arange(panel.n_units), weight, 0)
        whole = replace(
            _within_window(whole, anticipation), names=tuple(covariates), step=panel.step
        )
        return _without_collinear(whole, n_named)
    rows = panel.grid(usable) == 1
    units = np.flatnonzero(rows.any(axis=1))
    years = rows.any(axis=0)
    seen = rows[units][:, years]
    grids = [np.where(seen, panel.grid(c)[units][:, years], 0.0) for c in columns]
    complete = None if seen.all() else seen
    part = _assemble(panel, grids, complete, units, weight, int(drop.sum()), years)
    part = replace(
        _within_window(part, anticipation),
        names=tuple(covariates),
        n_blank_rows=blank[0],
        n_blank_units=blank[1],
        step=panel.step,
    )
    return _without_collinear(part, n_named)


def _people(
    panel: Panel, columns: Sequence[Array], usable: NDArray[np.bool_], weight: Array, left_out: int
) -> Sample:
    """Take people who are seen once, each with the year of that row."""
    years, when = np.unique(panel.year_codes[usable], return_inverse=True)
    units = panel.unit_codes[usable]
    flat = [column[usable][:, None] for column in columns]
    return replace(
        _assemble(panel, flat, None, units, weight, left_out, years), when=when.astype(np.intp)
    )


def people_notes(panel: Panel, sample: Sample) -> tuple[str, ...]:
    """Say that rows are people seen once, in how many areas; empty for a panel of units."""
    if panel.area is None:
        return ()
    areas = panel.frame[panel.area].to_numpy()[panel.units.get_indexer(sample.ids)]
    return (
        f"A repeated cross-section: {sample.n_units:,} people of {len(pd.unique(areas)):,} areas "
        f"({panel.area}) seen once each; who is asked must not change with treatment "
        "(composition_test).",
    )


def _without_collinear(sample: Sample, n_named: int) -> Sample:
    """Drop covariates that are constant, or that the covariates before them determine."""
    if len(sample.names) == n_named:
        return sample
    columns = sample.covariates[n_named:]
    used = columns.reshape(len(columns), -1) if sample.seen is None else columns[:, sample.seen]
    kept, phrases = drop_collinear(sample.names[n_named:], used)
    if not phrases:
        return sample
    stay = [*range(n_named), *(n_named + j for j in kept)]
    return replace(
        sample,
        covariates=sample.covariates[stay],
        names=tuple(sample.names[j] for j in stay),
        dropped=phrases,
    )


def usable_rows(columns: Sequence[Array]) -> NDArray[np.bool_]:
    """Return the rows that have a number in every column, shape (n_obs,)."""
    usable = np.isfinite(columns[0])
    for column in columns[1:]:
        usable &= np.isfinite(column)
    return usable


def refuse_constant(outcome: str, values: Array, usable: NDArray[np.bool_]) -> None:
    """Refuse an outcome that does not vary: effects and errors would be rounding.

    Raises
    ------
    DesignError
    """
    first = values[usable.argmax()]
    if not (usable & (values != first)).any():
        raise DesignError(
            f"{outcome} is {first:g} in every row, so nothing moves it.\n  Check the column."
        )


def treated_when_first_seen(panel: Panel, usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the units treated in the first row that can be used: they have no pre-period.

    Parameters
    ----------
    panel : Panel
    usable : ndarray of bool, shape (n_obs,)
        A row with a blank is no row.

    Returns
    -------
    ndarray of bool, shape (n_units,)
        False where a unit has no row to use.
    """
    if usable.all():
        return panel.already_treated
    if panel.area is not None:
        found = np.zeros(panel.n_units, bool)
        part = panel.keep(usable)
        found[panel.units.get_indexer(part.units)] = part.already_treated
        return found
    rows = np.flatnonzero(usable)
    units, first = np.unique(panel.unit_codes[rows], return_index=True)
    cohort = panel.cohort_by_unit[units]
    drop = np.zeros(panel.n_units, bool)
    start = panel.years[panel.year_codes[rows[first]]]
    drop[units] = (cohort != NEVER_TREATED) & (cohort <= start)
    return drop


def refuse_cross_sections(panel: Panel, usable: NDArray[np.bool_]) -> None:
    """Refuse units that are seen once each: people of several surveys, not a panel.

    Raises
    ------
    DesignError
    """
    if len(panel.years) < 2 or len(panel.frame) > ONCE * panel.n_units or not usable.any():
        return
    seen = np.bincount(panel.unit_codes[usable], minlength=panel.n_units)
    years = np.unique(panel.year_codes[usable])
    again, units = int((seen > 1).sum()), int((seen > 0).sum())
    if len(years) < 2 or again > (ONCE - 1) * units:
        return
    raise DesignError(
        f"{units - again:,} of {units:,} units are seen in one {panel.step.unit} only: a repeated "
        "cross-section, in which nobody is seen before and after treatment.\n"
        "  Make it with repeated_cross_section=True and the area that treatment reaches as unit "
        "(the county, not the person), for att_gt, etwfe and twfe; or give area means, and the "
        "number of people as weight."
    )


def count_blank(panel: Panel, usable: NDArray[np.bool_]) -> tuple[int, int]:
    """Count the rows that cannot be used, and the units that have no other."""
    if usable.all():
        return 0, 0
    seen = np.bincount(panel.unit_codes[usable], minlength=panel.n_units)
    return int((~usable).sum()), int((seen == 0).sum())


def keep_usable(panel: Panel, names: Sequence[str]) -> tuple[Panel, dict[str, Any]]:
    """Keep the rows that have every column.

    Returns
    -------
    panel : Panel
    counts : dict
        ``n_blank_rows`` and ``n_blank_units``, for the sample drawn from it.
    """
    usable = usable_rows([outcome_values(panel, name) for name in names])
    n_rows, n_units = count_blank(panel, usable)
    return panel.keep(usable), {"n_blank_rows": n_rows, "n_blank_units": n_units}


def blank_phrases(names: Sequence[str], n_rows: int, n_units: int) -> tuple[str, ...]:
    """Say how many rows have a blank, and how many units nothing else."""
    if not n_rows:
        return ()
    phrase = f"{many(n_rows, 'row')} without {' or '.join(names)}"
    return (phrase + (f" ({many(n_units, 'unit')} without any other row)" if n_units else ""),)


def gap_notes(
    cohort: NDArray[np.int64], years: NDArray[np.int64], step: TimeStep, anticipation: int = 0
) -> tuple[str, ...]:
    """Say which times nobody is seen in, and whose base they move.

    Parameters
    ----------
    cohort : ndarray of int, shape (n_units,)
    years : ndarray of int, shape (n_years,)
        Times seen, in order.
    step : TimeStep
    anticipation : int

    Returns
    -------
    tuple of str
        Empty without gaps.
    """
    gaps = missing_steps(years)
    if not len(gaps):
        return ()
    said = f"No unit is seen in {first_three(step.label(t) for t in gaps)}"
    moved = []
    for g in np.unique(cohort[cohort != NEVER_TREATED]):
        base = last_base(int(g), years, anticipation)
        if base is not None and base < g - 1 - anticipation:
            moved.append(f"{step.label(g)} is {step.label(base)}")
    return (f"{said}; the last time seen before cohort {first_three(moved)}." if moved
            else f"{said}.",)  # fmt: skip


def last_base(cohort: int, years: NDArray[np.int64], anticipation: int) -> int | None:
    """Return the last time seen before a cohort may respond; None if there is none."""
    before = years[years < cohort - anticipation]
    return int(before[-1]) if len(before) else None


def _assemble(
    panel: Panel,
    grids: list[Array],
    seen: NDArray[np.bool_] | None,
    units: NDArray[np.intp],
    weight: Array,
    n_left_out: int,
    years: Any = slice(None),
) -> Sample:
    shape = (len(grids) - 1, *grids[0].shape)
    cluster = pd.factorize(panel.cluster_by_unit[units])[0].astype(np.intp)
    return Sample(
        outcome=grids[0],
        covariates=np.stack(grids[1:]) if len(grids) > 1 else np.empty(shape),
        seen=seen,
        years=panel.years[years],
        ids=panel.units[units],
        cohort=panel.cohort_by_unit[units],
        weight=weight[units],
        cluster=cluster,
        n_left_out=n_left_out,
    )


def _within_window(sample: Sample, anticipation: int) -> Sample:
    last = int(sample.years[-1])
    return replace(sample, cohort=cohorts_within(sample.cohort, last, anticipation=anticipation))


def check_anticipation(anticipation: int) -> None:
    """Refuse years of anticipation that are negative or not whole.

    Raises
    ------
    DesignError
    """
    whole = isinstance(anticipation, Real) and float(anticipation).is_integer()
    if not whole or anticipation < 0:
        raise DesignError(
            f"anticipation={anticipation!r}.\n  Give a whole number of years, from 0."
        )


def _unit_weights(panel: Panel, weights: str | None) -> Array:
    if weights is None or weights == panel.weight:
        return panel.weight_by_unit
    values = outcome_values(panel, weights)
    first = values[panel.first_rows]
    wrong = (values != first[panel.unit_codes]) | ~(values > 0) | ~np.isfinite(values)
    if wrong.any():
        names = panel.units[np.unique(panel.unit_codes[wrong])]
        raise DesignError(
            f"weights {weights!r} are not positive constants of a unit for {first_three(names)}.\n"
            "  Weights that move are outcomes; freeze the pre-period mean."
        )
    return first


def describe_design(
    panel: Panel,
    sample: Sample,
    outcome: str,
    estimator: str,
    *,
    covariates: Sequence[str] = (),
    weights: str | None = None,
    notes: tuple[str, ...] = (),
    regression: bool = False,
    linear: bool = True,
    **choices: Any,
) -> Design:
    """Fill the ``Design`` of an estimate from its sample and its choices.

    ``regression`` says whether one regression fits all cohorts together; others fit each cohort by
    itself, so that one of a single cluster has no standard error.
    """
    started = (sample.cohort != NEVER_TREATED) & (sample.cohort <= sample.years[-1])
    n_clusters = count_clusters(sample.cluster)
    n_treated = int(np.count_nonzero(np.bincount(sample.cluster[started])))
    lone = lone_cohorts(np.where(started, sample.cohort, NEVER_TREATED), sample.cluster)
    known = OUTCOMES.get(outcome)
    listed = tuple([covariates] if isinstance(covariates, str) else covariates)
    anticipation = choices.get("anticipation", 0)
    gaps = gap_notes(sample.cohort, sample.years, sample.step, anticipation)
    dropped = blank_phrases((outcome, *listed), sample.n_blank_rows, sample.n_blank_units)
    alone = () if regression or n_treated < 2 else lone_notes(lone, sample.step)
    choices["left_out"] = (*dropped, *sample.dropped, *choices.get("left_out", ()))
    unused = {phrase.partition(" (")[0] for phrase in choices["left_out"]}
    return Design(
        outcome=outcome,
        estimator=estimator,
        n_units=sample.n_units,
        n_obs=sample.n_obs,
        n_clusters=n_clusters,
        unit_of_measure=known.unit if known else "",
        clusters=panel.cluster or panel.unit,
        provenance=panel.provenance,
        truth=None if weights or panel.weight or sample.n_left_out else panel.truth,
        covariates=tuple(name for name in listed if name not in unused),
        weights=weights or panel.weight,
        step=panel.step,
        n_left_out=sample.n_left_out,
        n_treated_clusters=n_treated,
        linear=linear,
        keeps_size=name_interval(
            n_clusters,
            n_treated,
            linear=linear,
            regression=regression,
            by_cohort=can_hold_by_cohort(sample.cohort, sample.cluster),
            lone=lone,
        ),
        notes=(*notes, *gaps, *alone),
        data_hash=panel.data_hash,
        **choices,
    )


def lone_notes(lone: tuple[int, ...], step: TimeStep) -> tuple[str, ...]:
    """Say which cohorts are one cluster, and what that does to errors."""
    if not lone:
        return ()
    names = first_three(step.label(g) for g in lone)
    return (
        f"One cluster only starts in {names}: its effects, and averages of such effects alone, "
        "have no standard error; errors of averages that count it are too small.",
    )
