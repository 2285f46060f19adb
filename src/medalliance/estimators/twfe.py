"""Two-way fixed effects: static or event study."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED, Panel
from ..results import FIXEST, Effects, terms_frame
from ..results._cluster import count_clusters
from ._influence import spread_terms
from ._people_regression import fit_people
from ._regression import fit_two_way
from ._sample import Sample, describe_design, draw_sample, people_notes

Array = NDArray[np.float64]
REFERENCE = -1


def twfe(
    panel: Panel,
    outcome: str,
    *,
    covariates: Sequence[str] = (),
    event_study: bool = False,
    weights: str | None = None,
) -> Effects:
    """Estimate a regression with unit and year effects.

    With several cohorts and effects that differ, its coefficient is a weighted sum of effects in
    which some weights can be negative; show it beside ``bacon_decomposition``.

    Parameters
    ----------
    panel : Panel
        Of units, or a repeated cross-section: then area effects take the place of unit effects.
    outcome : str
        Column or registered outcome.
    covariates : sequence of str
        Time-varying columns; those constant in a unit are absorbed.
    event_study : bool
        One coefficient for each year since treatment, the year before treatment (-1) being the
        reference, instead of one for all treated years. Where nobody is seen in that year, the
        last one seen before treatment takes its place.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.

    Returns
    -------
    Effects
        One term, or one for each event time. Standard errors are clustered with fixest's
        small-sample factor. Without never-treated units an event study has two reference years,
        so that no straight line shows in it.

    Raises
    ------
    DesignError
        If no unit changes treatment, or columns are collinear.

    References
    ----------
    Wooldridge (2010), section 10.5. Cameron, Miller (2015) for the variance. Goodman-Bacon (2021)
    and Sun, Abraham (2021) for what the coefficients weigh.
    """
    sample = draw_sample(panel, outcome, covariates=covariates, weights=weights, people=True)
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    event = _event_times(cohorts, sample.years)
    if not (event >= 0).any():
        raise DesignError(
            f"no unit starts treatment between {sample.years[0]} and {sample.years[-1]}.\n"
            "  Check the cohort column."
        )
    notes: tuple[str, ...] = ()
    name, keys, base = "twfe", None, None
    member, labels, fitted = (event >= 0)[:, :, None], ["treated"], [0]
    if event_study:
        name = "twfe (event study)"
        is_base = _bases(cohorts, sample.years)
        reference = int(event[is_base].max()) if is_base.any() else REFERENCE
        event[is_base] = reference
        keys, notes = _event_keys(event, group, sample, reference)
        base = "two-point" if notes else "universal"
        member = event[:, :, None] == keys
        labels = [f"event time {key}" for key in keys]
        fitted = list(np.flatnonzero(keys != reference))
    names = (*(labels[place] for place in fitted), *sample.names)
    columns = member[:, :, fitted].astype(float)
    if sample.when is not None:
        fit = fit_people(panel, sample, group, columns, names)
        notes = (*notes, *people_notes(panel, sample))
    else:
        fit = fit_two_way(sample, group, columns, names)
    estimate = np.zeros(len(labels))
    estimate[fitted] = fit.coefficients[: len(fitted)]
    count = _count_units(member, group, sample)
    held = _count_clusters(member, group, sample) if event_study else None
    if held is not None and keys is not None and (held == 1).any() and held.max() > 1:
        alone = first_three(keys[held == 1])
        notes = (*notes, f"One cluster only is behind event time {alone}: no standard error.")
    adjust: dict[str, Any] = {"covariates": covariates, "weights": weights}
    choices: dict[str, Any] = {
        "base_period": base,
        "notes": notes,
        "std_errors": FIXEST,
        "left_out": fit.dropped,
    }
    dof = count_clusters(sample.cluster) - 1.0
    return Effects(
        estimate=estimate,
        terms=terms_frame(outcome, labels, event_time=keys, n_units=count),
        design=describe_design(
            panel, sample, outcome, name, dof=dof, regression=True, **adjust, **choices
        ),
        units=sample.units(),
        influence_function=spread_terms(fit.influence, fitted, len(labels)),
        variance_factor=fit.variance_factor,
        regression=fit.regression,
        treated_clusters=held,
        refit=partial(twfe, outcome=outcome, event_study=event_study, **adjust),
    )


def _event_times(cohorts: NDArray[np.int64], years: NDArray[np.int64]) -> Array:
    """Years since treatment of each cohort in each year, NaN if never treated."""
    event = (years[None, :] - cohorts[:, None]).astype(float)
    event[cohorts == NEVER_TREATED] = np.nan
    return event


def _bases(cohorts: NDArray[np.int64], years: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the last time seen before each cohort, shape (n_cohorts, n_years)."""
    last = np.searchsorted(years, cohorts) - 1
    treated = (cohorts != NEVER_TREATED) & (cohorts <= years[-1])
    return treated[:, None] & (np.arange(len(years)) == last[:, None])


def _event_keys(
    event: Array, group: NDArray[np.intp], sample: Sample, reference: int
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Event times to show, the reference among them; two references if nobody is never treated."""
    seen = np.ones(event.shape, bool)
    if sample.seen is not None:
        seen = np.stack([sample.seen[group == code].any(axis=0) for code in range(len(event))])
    elif sample.when is not None:
        seen[:] = False
        seen[group, sample.when] = True
    keys = np.unique(event[seen & np.isfinite(event)]).astype(np.int64)
    keys = np.union1d(keys, reference)
    if np.isnan(event).any():
        return keys, ()
    if keys[0] == reference:
        raise DesignError(
            "an event study without never-treated units needs two years before treatment.\n"
            "  Use event_study=False, or a panel with earlier years."
        )
    note = f"No unit is never treated, so event time {keys[0]} is a second reference, not shown."
    return keys[1:], (note,)


def _count_units(member: NDArray[np.bool_], group: NDArray[np.intp], sample: Sample) -> list[int]:
    """Count the units behind each column; of people, those seen then."""
    if sample.when is not None:
        shape = member.shape[:2]
        size = np.bincount(group * shape[1] + sample.when, minlength=shape[0] * shape[1])
        return [int(count) for count in np.tensordot(size.reshape(shape), member, axes=2)]
    if sample.seen is None:
        counts = np.bincount(group, minlength=len(member)) @ member.any(axis=1)
        return [int(count) for count in counts]
    return [
        int((sample.seen & member[group, :, column]).any(axis=1).sum())
        for column in range(member.shape[2])
    ]


def _count_clusters(
    member: NDArray[np.bool_], group: NDArray[np.intp], sample: Sample
) -> NDArray[np.int64]:
    """Count the treated clusters behind each column."""
    if sample.seen is None:
        has = np.zeros((count_clusters(sample.cluster), len(member)))
        has[sample.cluster, group] = 1.0
        return np.count_nonzero(has @ member.any(axis=1), axis=0).astype(np.int64)
    behind = [
        (sample.seen & member[group, :, column]).any(axis=1) for column in range(member.shape[2])
    ]
    counts = [np.count_nonzero(np.bincount(sample.cluster[rows])) for rows in behind]
    return np.array(counts, dtype=np.int64)
