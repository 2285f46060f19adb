"""The rows an estimator uses, laid out as units by years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..outcomes import OUTCOMES, outcome_values
from ..panel import NEVER_TREATED, Panel, cohorts_within
from ..results import Design, Units
from ..results._cluster import count_clusters

Array = NDArray[np.float64]
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

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.cohort)

    @property
    def n_obs(self) -> int:
        """Number of rows."""
        return self.outcome.size if self.seen is None else int(self.seen.sum())

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Rows seen, shape (n_units, n_years)."""
        return np.ones(self.outcome.shape, bool) if self.seen is None else self.seen

    def take_units(self, keep: NDArray[np.bool_]) -> Sample:
        """Return the sample of some units."""
        return replace(
            self,
            outcome=self.outcome[keep],
            covariates=self.covariates[:, keep],
            seen=None if self.seen is None else self.seen[keep],
            ids=self.ids[keep],
            cohort=self.cohort[keep],
            weight=self.weight[keep],
            cluster=pd.factorize(self.cluster[keep])[0].astype(np.intp),
            n_left_out=self.n_left_out + int((~keep).sum()),
        )

    def units(self, *, by_observation: bool = False) -> Units:
        """Return the units for ``Effects``."""
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

    Returns
    -------
    Sample

    Raises
    ------
    DesignError
        If no row is left, a column is named twice, or the weights are not positive constants of
        a unit.
    """
    check_anticipation(anticipation)
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
    usable = np.isfinite(columns[0])
    for column in columns[1:]:
        usable &= np.isfinite(column)
    kept = keep_already_treated or not usable.any()
    drop = np.zeros(panel.n_units, bool) if kept else panel.already_treated
    if drop.any():
        usable &= ~drop[panel.unit_codes]
    if not usable.any():
        raise DesignError(
            f"no row has {', '.join((outcome, *covariates))} for a unit with a pre-period.\n"
            "  Check missing values and the cohort column."
        )
    if usable.all() and panel.is_balanced:
        grids = [column.reshape(panel.n_units, -1) for column in columns]
        whole = _assemble(panel, grids, None, np.arange(panel.n_units), weight, 0)
        return replace(_within_window(whole, anticipation), names=tuple(covariates))
    rows = panel.grid(usable) == 1
    units = np.flatnonzero(rows.any(axis=1))
    years = rows.any(axis=0)
    seen = rows[units][:, years]
    grids = [np.where(seen, panel.grid(c)[units][:, years], 0.0) for c in columns]
    complete = None if seen.all() else seen
    part = _assemble(panel, grids, complete, units, weight, int(drop.sum()), years)
    return replace(_within_window(part, anticipation), names=tuple(covariates))


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
    **choices: Any,
) -> Design:
    """Fill the ``Design`` of an estimate from its sample and its choices."""
    started = (sample.cohort != NEVER_TREATED) & (sample.cohort <= sample.years[-1])
    treated = sample.cluster[started]
    known = OUTCOMES.get(outcome)
    return Design(
        outcome=outcome,
        estimator=estimator,
        n_units=sample.n_units,
        n_obs=sample.n_obs,
        n_clusters=count_clusters(sample.cluster),
        unit_of_measure=known.unit if known else "",
        clusters=panel.cluster or panel.unit,
        badge=panel.badge,
        covariates=tuple([covariates] if isinstance(covariates, str) else covariates),
        weights=weights or panel.weight,
        n_left_out=sample.n_left_out,
        n_treated_clusters=int(np.count_nonzero(np.bincount(treated))),
        data_hash=panel.data_hash,
        **choices,
    )
