"""Effects: the one class for estimates, with the words and pictures that show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..show.exhibits import Content
from ..show.front import Shown
from . import _show
from ._averages import Averages

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Effects(Averages, Shown):
    """Estimates with everything that inference on them needs.

    Attributes
    ----------
    estimate : ndarray, shape (k,)
        In the outcome's unit.
    terms : DataFrame, shape (k, 6)
        ``outcome term cohort year event_time n_units`` of each estimate (see ``terms_frame``).
    design : Design
        How the estimates were made.
    units : Units or None
        Units behind the rows of the influence function.
    influence_function : ndarray (n_units, k), CompactInfluence or None
        Scaled as in R ``did``: the estimate less the truth is about the mean of the influence.
    given_vcov : ndarray, shape (k, k), or None
        A variance that does not come from influence functions (placebo); then only it is offered.
    variance_factor : float
        Small-sample factor of the clustered variance.
    mass : ndarray, shape (k,), or None
        Share of the weighted units (or observations) behind each cohort-by-year cell; None where
        terms are not such cells.
    mass_estimated : bool
        Whether averages count cell sizes as estimated (R ``did``, Gardner) or as given (BJS).
    by_cohort : bool
        Whether the influence holds clusters against the mean of their cohort
        (``neyman_variance``); t quantiles then have Welch's degrees of freedom.
    regression : Regression or None
        The linear fit behind the estimates.
    refit : callable or None
        Estimates again with other weights or another panel.
    overall_effect : Effects or None
        The average of what is shown, where it is not a plain one.
    tests : mapping of str to Findings
        Tests of the fit by name, as ``"first_stage"``.
    given_truth : ndarray, shape (k,), or None
        True effects that were averaged like the estimates; None where they follow from the terms.
    treated_clusters : ndarray of int, shape (k,), or None
        Treated clusters behind each term, where cohorts do not say (see ``held_by``).
    universal : callable or None
        Returns the same effects held against the last year before treatment, where they are not.
    unit_trend : ndarray, shape (k,), or None
        What a trend of one a year makes of each term, where base years do not say.
    """

    def summary(self, level: float = 0.95) -> str:
        """Return the estimates as text, with the foot that says how they were made."""
        return _show.summary(self, level)

    def describe(self, level: float = 0.95) -> str:
        """Return one or two plain sentences with the numbers, claiming no more than they show."""
        return _show.describe(self, level)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the estimates with intervals and bands; returns the Axes."""
        return _show.plot(self, ax, **options)

    def to_latex(self, level: float = 0.95) -> str:
        """Return the estimates as a LaTeX table."""
        return _show.latex(self, level)

    def __float__(self) -> float:
        """Return the overall estimate."""
        return float(self.overall.estimate[0])

    def _exhibit_(self, kind: str | None = None, **drawing: Any) -> Content:
        return _show.content(self, kind, **drawing)

    def __repr__(self) -> str:
        return (
            f"Effects({self.design.estimator}, {self.design.outcome}, {len(self.estimate)} terms)"
        )
