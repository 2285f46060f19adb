"""Shared steps of the link from surplus to pay to visits: one sample, joint influence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED, Panel
from ..results import CompactInfluence
from ._regression import Fit, fit_two_way
from ._sample import Sample, draw_sample, keep_usable

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Column:
    """Coefficients of one two-way regression with their influence, shapes (k,), (n_units, k)."""

    value: Array
    influence: Array


@dataclass(frozen=True, eq=False)
class CommonSample:
    """Rows on which outcome, mediators and confounders are all seen.

    Attributes
    ----------
    panel : Panel
        The rows kept.
    sample : Sample
        With mediators, then confounders, as covariates.
    group : ndarray of intp, shape (n_units,)
    treated : ndarray, shape (n_groups, n_years, 1)
    n_mediators : int
    """

    panel: Panel
    sample: Sample
    group: NDArray[np.intp]
    treated: Array
    n_mediators: int

    def regress(self, outcome: Array | None, covariates: slice) -> tuple[Column, Fit]:
        """Regress a grid (the outcome by default) on treatment and some of the covariates."""
        chosen = replace(
            self.sample,
            outcome=self.sample.outcome if outcome is None else outcome,
            covariates=self.sample.covariates[covariates],
        )
        n_named = len(range(*covariates.indices(self.n_mediators)))
        names = ("treated", *self.sample.names[covariates])
        fit = fit_two_way(chosen, self.group, self.treated, names, n_named=n_named)
        held = fit.influence
        influence = held.dense() if isinstance(held, CompactInfluence) else held
        return Column(fit.coefficients, influence), fit


def common_sample(
    panel: Panel, outcome: str, mediators: Sequence[str], others: Sequence[str]
) -> CommonSample:
    """Keep the rows that every regression of a decomposition uses.

    Raises
    ------
    DesignError
        No mediator is named, one is named twice, or nobody starts treatment.
    """
    if isinstance(mediators, str) or not mediators:
        raise DesignError("no mediators.\n  Name a list of columns, as mediators=['pay'].")
    names = [outcome, *mediators, *others]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DesignError(f"{first_three(twice)} is named twice among outcome and mediators.")
    kept, blank = keep_usable(panel, names)
    sample = draw_sample(kept, outcome, covariates=[*mediators, *others], n_named=len(mediators))
    sample = replace(sample, **blank)  # type: ignore[arg-type]
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    start = np.where(cohorts == NEVER_TREATED, np.iinfo(np.int64).max, cohorts)[:, None]
    treated = (sample.years >= start)[:, :, None].astype(float)
    if not treated.any():
        raise DesignError("no unit starts treatment in these years.\n  Check the cohort column.")
    return CommonSample(kept, sample, group, treated, len(mediators))
