"""Coefficients of the years before treatment, from a regression on untreated rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED
from ..results import UNSCALED, CompactInfluence, Effects, terms_frame
from ..results._cluster import count_clusters, small_sample_factor
from ..results.few_clusters import treated_clusters
from ._collinear import independent
from ._imputation import Cells, Imputation

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Asked = int | Sequence[int]


@dataclass(frozen=True, eq=False)
class Leads:
    """Coefficients of event times before treatment.

    Attributes
    ----------
    event_time : ndarray of int, shape (k,)
    fit : Imputation
        Of untreated rows with a covariate for each event time, before the others.
    root : float
        Root of the small-sample factor of that regression (fixest).
    size : ndarray, shape (k,)
        Weight of the rows of each.
    n_units, held_by : ndarray of int, shape (k,)
        Units with a row there; treated clusters of the cohort that has most.
    trend : ndarray, shape (k + n_cells,)
        What a trend of one a year in treated units makes of each coefficient, then each effect.
    reference : ndarray of int
        Event times from which coefficients are measured.
    """

    event_time: Ints
    fit: Imputation
    root: float
    size: Array
    n_units: Ints
    held_by: Ints
    trend: Array
    reference: Ints

    @property
    def slope(self) -> Array:
        """Coefficients, shape (k,), in the outcome's unit."""
        return self.fit.slopes[: len(self.event_time)]

    @property
    def influence(self) -> Array:
        """Influence of the coefficients, shape (n_units, k), without small-sample factor."""
        return self.fit.scores[:, : len(self.event_time)]


def fit_leads(fit: Imputation, cells: Cells, asked: Asked, anticipation: int) -> Leads:
    """Regress untreated rows on event times, beside all that the imputation takes out.

    Parameters
    ----------
    fit : Imputation
    cells : Cells
        Effects that are shown.
    asked : int, bool or sequence of int
        Number of event times before treatment, less anticipation; all of them; or these. If some
        are collinear the last ones stay.
    anticipation : int

    Raises
    ------
    DesignError
        A number or an event time that cannot be, or none with a coefficient.

    References
    ----------
    Borusyak, Jaravel, Spiess (2024), section 4.4.
    """
    sample = fit.sample
    joins = (sample.cohort != NEVER_TREATED)[:, None]
    event = sample.years - sample.cohort[:, None]
    own = joins & (fit.untreated > 0)
    weight = fit.untreated.ravel()
    event_time = _choose(asked, -1 - anticipation, np.unique(event[own])[::-1])
    dummies = own & (event == event_time[:, None, None])
    raw = np.einsum("pit,it->p", dummies, fit.untreated)
    gaps = fit.gaps_of(dummies.astype(float))
    flat = gaps.reshape(len(gaps), -1)
    keep = independent((flat * weight) @ flat.T, raw)
    if not keep.any():
        raise DesignError(
            "pretrends: no event time before treatment can be told from unit and year effects.\n"
            "  Take a panel with earlier years, or ask for fewer."
        )
    order = np.flatnonzero(keep)[np.argsort(event_time[keep])]
    event_time, dummies, raw, flat = event_time[order], dummies[order], raw[order], flat[order]
    joint = replace(
        sample,
        covariates=np.concatenate([dummies, sample.covariates]),
        names=(*(f"event time {e}" for e in event_time), *sample.names),
    )
    trend = fit.gaps_of(np.where(joins & sample.mask, event, 0.0)[None])
    bent = np.linalg.solve((flat * weight) @ flat.T, (flat * weight) @ trend.ravel())
    n_params = len(joint.names) + int((fit.untreated > 0).any(axis=0).sum())
    factor = small_sample_factor(int((weight > 0).sum()), n_params, count_clusters(sample.cluster))
    return Leads(
        event_time=event_time,
        fit=Imputation(joint, fit.group, fit.treated),
        root=float(np.sqrt(factor)),
        size=raw,
        n_units=dummies.any(axis=2).sum(axis=1),
        held_by=_held_by(dummies.any(axis=2), fit),
        trend=np.r_[bent, fit.cell_means(trend, cells)[0]],
        reference=np.setdiff1d(event[own], event_time),
    )


def _choose(asked: Asked, last: int, there: Ints) -> Ints:
    """Choose the event times that get a coefficient, from the last to the first."""
    if asked is True:
        return there
    if isinstance(asked, int | np.integer):
        if asked < 0:
            raise DesignError(f"pretrends={asked}.\n  Give how many years before, or list them.")
        return there[there > last - asked]
    listed = np.unique(np.asarray(list(asked)))
    wrong = [e for e in listed.tolist() if not float(e).is_integer() or e > last]
    lost = np.setdiff1d(listed, there).tolist()
    if wrong or lost:
        what = "no event time before treatment" if wrong else "an event time without untreated row"
        raise DesignError(
            f"pretrends: {first_three(wrong or lost)} is {what}.\n"
            f"  Give some of {there[-1]} to {last}."
        )
    return there[np.isin(there, listed)]


def with_leads(effects: Effects, leads: Leads) -> Effects:
    """Put the coefficients before treatment in front of the effects."""
    design, sample = effects.design, leads.fit.sample
    influence = _in_front(leads.root * leads.influence, effects.influence_function)
    terms = terms_frame(
        design.outcome,
        [f"event time {e}" for e in leads.event_time],
        event_time=leads.event_time,
        n_units=leads.n_units,
    )
    held = treated_clusters(
        effects.terms["cohort"].to_numpy(np.int64), sample.cohort, sample.cluster
    )
    base = ", ".join(map(str, leads.reference))
    note = f"Effects before treatment are measured from event time {base} in untreated rows alone."
    errors = f"{design.std_errors}; before treatment with G/(G-1) (N-1)/(N-K) (fixest)"
    found = replace(
        effects,
        estimate=np.r_[leads.slope, effects.estimate],
        terms=pd.concat([terms, effects.terms], ignore_index=True),
        design=replace(design, std_errors=errors, notes=(*design.notes, note)),
        influence_function=influence,
        mass=np.r_[leads.size / sample.weight.sum(), effects.mass],
        treated_clusters=np.r_[leads.held_by, held],
        unit_trend=leads.trend,
    )
    last = -1 - design.anticipation
    if not {last} & {*leads.event_time, *(leads.reference if len(leads.reference) == 1 else ())}:
        return found
    return replace(found, universal=partial(_against_last, found, leads, last))


def _in_front(first: Array, influence: Any) -> CompactInfluence:
    """Put k terms, shape (n_units, k), in front of those of a compact influence."""
    k = first.shape[1]
    if influence.shared is None:
        shared, own = first, np.empty((0, influence.shape[1]))
    else:
        shared, own = np.hstack([first, influence.shared]), influence.shared_loadings
    rest = np.pad(own, ((0, 0), (k, 0)))
    return CompactInfluence(
        influence.values,
        influence.group,
        np.pad(influence.loadings, ((0, 0), (0, 0), (k, 0))),
        shared,
        np.vstack([np.eye(k, rest.shape[1]), rest]),
    )


def _against_last(found: Effects, leads: Leads, last: int) -> Effects:
    """Hold coefficients and effects against the last year before treatment.

    Effects are those of the fit that has the coefficients, less the coefficient of the last year.
    The map is linear, so that nothing is lost of what is known of parallel trends.
    """
    cells = leads.fit.cells()
    cells = cells.keep(cells.identified)
    k, n = len(leads.slope), len(found.estimate)
    weights = np.eye(n)
    terms, first = found.terms, len(leads.reference) == 1
    if first:
        event = [int(leads.reference[0])]
        name = [f"event time {event[0]}"]
        own = terms_frame(found.design.outcome, name, event_time=event)
        terms = pd.concat([own, terms], ignore_index=True)
        weights = np.hstack([np.zeros((n, 1)), weights])
    weights[np.flatnonzero(leads.event_time == last)] -= 1
    influence = _in_front(leads.influence, leads.fit.influence(cells))

    def widened(values: Any) -> Any:
        return None if values is None else np.r_[[values[:k].max()] * first, values]

    return replace(
        found,
        estimate=np.r_[leads.slope, cells.means[0]] @ weights,
        terms=terms,
        design=replace(found.design, base_period="universal", std_errors=UNSCALED),
        influence_function=influence.project(weights),
        mass=widened(found.mass),
        treated_clusters=widened(found.held_by).astype(np.int64),
        universal=None,
        unit_trend=None,
        refit=None,
    )


def _held_by(member: NDArray[np.bool_], fit: Imputation) -> Ints:
    """Count the clusters of each lead in the cohort that has most."""
    pairs = fit.group * count_clusters(fit.sample.cluster) + fit.sample.cluster
    n_clusters = count_clusters(fit.sample.cluster)
    return np.array(
        [np.bincount(np.unique(pairs[units]) // n_clusters).max(initial=0) for units in member],
        dtype=np.int64,
    )
