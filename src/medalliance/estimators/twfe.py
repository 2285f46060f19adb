"""Two-way fixed effects: static or event study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError
from ..panel import NEVER_TREATED, Panel
from ..results import FIXEST, Effects, terms_frame
from ._influence import add_zero_term, keep_terms
from ._regression import fit_two_way
from ._sample import Sample, describe_design, draw_sample

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
    outcome : str
        Column or registered outcome.
    covariates : sequence of str
        Time-varying columns; those constant in a unit are absorbed.
    event_study : bool
        One coefficient for each year since treatment, the year before treatment (-1) being the
        reference, instead of one for all treated years.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.

    Returns
    -------
    Effects
        One term, or one for each event time. Standard errors are clustered with fixest's
        small-sample factor.

    Raises
    ------
    DesignError
        If no unit changes treatment, or columns are collinear.

    References
    ----------
    Wooldridge (2010), section 10.5. Cameron, Miller (2015) for the variance. Goodman-Bacon (2021)
    and Sun, Abraham (2021) for what the coefficients weigh.
    """
    sample = draw_sample(panel, outcome, covariates=covariates, weights=weights)
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    event = _event_times(cohorts, sample.years)
    if not (event >= 0).any():
        raise DesignError(
            f"no unit starts treatment between {sample.years[0]} and {sample.years[-1]}.\n"
            "  Check the cohort column."
        )
    slopes = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    keys, notes = _event_keys(event, group, sample) if event_study else (None, ())
    if keys is None:
        labels, columns = ["treated"], (event >= 0)[:, :, None].astype(float)
    else:
        labels = [f"event time {key}" for key in keys]
        columns = (event[:, :, None] == keys).astype(float)
    fit = fit_two_way(sample, group, columns, (*labels, *slopes))
    coefficients, influence = (
        fit.coefficients[: len(labels)],
        keep_terms(fit.influence, len(labels)),
    )
    design = describe_design(
        panel,
        sample,
        outcome,
        "twfe" if keys is None else "twfe (event study)",
        covariates=covariates,
        weights=weights,
        base_period=None if keys is None else "universal",
        std_errors=FIXEST,
        notes=notes,
    )
    member = (event >= 0)[:, :, None] if keys is None else event[:, :, None] == keys
    count = _count_units(member, group, sample)
    terms = terms_frame(outcome, labels, event_time=keys, n_units=count)
    if keys is not None:
        place = int(np.searchsorted(keys, REFERENCE))
        label = [f"event time {REFERENCE}"]
        reference = terms_frame(
            outcome,
            label,
            event_time=[REFERENCE],
            n_units=_count_units(event[:, :, None] == REFERENCE, group, sample),
        )
        parts = [terms.iloc[:place], reference, terms.iloc[place:]]
        terms = pd.concat(parts, ignore_index=True)
        coefficients = np.insert(coefficients, place, 0.0)
        influence = add_zero_term(influence, place)
    return Effects(
        estimate=coefficients,
        terms=terms,
        design=replace(design, dof=design.n_clusters - 1.0),
        units=sample.units(),
        influence_function=influence,
        variance_factor=fit.variance_factor,
        regression=fit.regression,
        refit=partial(
            twfe, outcome=outcome, covariates=covariates, event_study=event_study, weights=weights
        ),
    )


def _event_times(cohorts: NDArray[np.int64], years: NDArray[np.int64]) -> Array:
    """Years since treatment of each cohort in each year, NaN if never treated."""
    event = (years[None, :] - cohorts[:, None]).astype(float)
    event[cohorts == NEVER_TREATED] = np.nan
    return event


def _event_keys(
    event: Array, group: NDArray[np.intp], sample: Sample
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Event times with a coefficient: those seen, without the reference."""
    seen = np.ones(event.shape, bool)
    if sample.seen is not None:
        seen = np.stack([sample.seen[group == code].any(axis=0) for code in range(len(event))])
    keys = np.unique(event[seen & np.isfinite(event)]).astype(np.int64)
    keys = keys[keys != REFERENCE]
    if np.isnan(event).any():
        return keys, ()
    leads = keys[keys < REFERENCE]
    if not len(leads):
        raise DesignError(
            "an event study without never-treated units needs two years before treatment.\n"
            "  Use event_study=False, or a panel with earlier years."
        )
    note = f"No unit is never treated, so event time {leads[0]} is a second reference."
    return keys[keys != leads[0]], (note,)


def _count_units(member: NDArray[np.bool_], group: NDArray[np.intp], sample: Sample) -> list[int]:
    """Count the units behind each column."""
    if sample.seen is None:
        counts = np.bincount(group, minlength=len(member)) @ member.any(axis=1)
        return [int(count) for count in counts]
    return [
        int((sample.seen & member[group, :, column]).any(axis=1).sum())
        for column in range(member.shape[2])
    ]
