"""Effects: estimates, their influence functions and the verbs on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, check_level
from ..show.findings import Findings
from ..show.front import Shown
from . import _show
from ._aggregate import count_units, mass_influence, plan_average, read_kind
from ._cluster import cluster_sums
from ._combine import average_truth, combine_effects, combine_terms, one_term
from ._design import Design, Regression, Units
from ._influence import CompactInfluence
from ._stack import split_by_outcome, stack_effects
from ._terms import as_written, terms_frame
from .bands import critical_value
from .few_clusters import treated_clusters
from .multiplier import multiplier_draws
from .neyman import cohort_groups, welch_dof

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..provenance import Provenance
    from ..show.exhibits import Content

FRAME_COLUMNS = (
    "outcome",
    "term",
    "cohort",
    "year",
    "event_time",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "band_low",
    "band_high",
    "p_value",
    "n_units",
)

ROUNDING = 1e-10

Kind = Literal["simple", "event_time", "cohort", "year"]
RKind = Literal["dynamic", "group", "calendar"]


@dataclass(frozen=True, eq=False)
class Effects(Shown):
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
    """

    estimate: NDArray[np.float64]
    terms: pd.DataFrame
    design: Design
    units: Units | None = None
    influence_function: NDArray[np.float64] | CompactInfluence | None = None
    given_vcov: NDArray[np.float64] | None = None
    variance_factor: float = 1.0
    mass: NDArray[np.float64] | None = None
    mass_estimated: bool = True
    by_cohort: bool = False
    regression: Regression | None = None
    refit: Callable[..., Any] | None = None
    overall_effect: Effects | None = None
    tests: Mapping[str, Findings] = field(default_factory=dict)
    given_truth: NDArray[np.float64] | None = None
    treated_clusters: NDArray[np.int64] | None = None

    @property
    def provenance(self) -> Provenance:
        """Kind of evidence, source and currency, as the panel has them."""
        return self.design.provenance

    @cached_property
    def truth(self) -> NDArray[np.float64] | None:
        """True effect of each term, shape (k,), NaN where unknown; None on a reader's panel.

        Averages are those of the estimates: the same cells by the same weights.
        """
        if self.given_truth is not None or self.design.truth is None:
            return self.given_truth
        found = self.design.truth.of_terms(self.terms)
        return found if np.isfinite(found).any() else None

    @cached_property
    def held_by(self) -> NDArray[np.int64]:
        """Treated clusters behind each term, shape (k,): with one it has no standard error.

        Of an average, those behind the cell that has most.
        """
        if self.treated_clusters is not None:
            return self.treated_clusters
        cohort = self.terms["cohort"]
        if self.units is None or cohort.isna().any():
            return np.full(len(cohort), self.design.n_treated_clusters)
        return treated_clusters(cohort.to_numpy(np.int64), self.units.cohort, self.units.cluster)

    @cached_property
    def influence(self) -> NDArray[np.float64] | None:
        """Influence functions, shape (n_units, k), or None."""
        if isinstance(self.influence_function, CompactInfluence):
            return self.influence_function.dense()
        return self.influence_function

    def project(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the influence of linear combinations, shape (n_units, m).

        Parameters
        ----------
        weights : ndarray, shape (k, m)

        Raises
        ------
        DesignError
            If the estimate carries no influence functions.
        """
        if self.influence_function is None:
            raise DesignError(
                f"{self.design.estimator} carries no influence functions, only its "
                f"{self.design.std_errors} variance.\n  Use its own conf_int()."
            )
        if isinstance(self.influence_function, CompactInfluence):
            return self.influence_function.project(weights)
        return self.influence_function @ weights

    @cached_property
    def vcov(self) -> NDArray[np.float64]:
        """Variance matrix, shape (k, k); NaN with one cluster, or one treated behind a term."""
        size = len(self.estimate)
        if self.given_vcov is not None:
            return self.given_vcov
        if self.units is None or min(self.design.n_treated_clusters, self.design.n_clusters) < 2:
            return np.full((size, size), np.nan)
        sums = self.cluster_influence
        known = np.where(self.held_by > 1, 1.0, np.nan)
        return self.variance_factor * (sums.T @ sums) * np.outer(known, known)

    @property
    def cluster_influence(self) -> NDArray[np.float64]:
        """What each cluster adds to the estimate's deviation, shape (n_clusters, k).

        Raises
        ------
        DesignError
            If the estimate carries no influence functions.
        """
        size = len(self.estimate)
        if self.units is None:
            self.project(np.eye(size)[:, :0])
            raise DesignError(
                f"{self.design.estimator} carries no units.\n  Use its own conf_int()."
            )
        sums = np.empty((self.design.n_clusters, size))
        for start in range(0, size, 64):
            columns = np.eye(size)[:, start : start + 64]
            sums[:, start : start + 64] = cluster_sums(
                self.project(columns), self.units.cluster, self.design.n_clusters
            )
        return sums / len(self.units.cohort)

    @cached_property
    def dof(self) -> NDArray[np.float64]:
        """Degrees of freedom of t quantiles, shape (k,); infinite for normal ones."""
        if not self.by_cohort or self.influence_function is None or self.units is None:
            return np.full(len(self.estimate), float(self.design.dof))
        return welch_dof(self.cluster_influence, cohort_groups(self.units.cluster_cohort))

    @cached_property
    def std_error(self) -> NDArray[np.float64]:
        """Standard errors, shape (k,); NaN where there is no variance but rounding.

        A reference period is zero by definition; clusters can be fitted without a residual.
        """
        variance = np.where(self.held_by > 1, np.diag(self.vcov), np.nan)
        rounding = (ROUNDING * self.estimate) ** 2
        return np.sqrt(np.where(variance > rounding, variance, np.nan))

    def aggregate(self, kind: Kind | RKind = "simple", *, balance: int | None = None) -> Effects:
        """Average cohort-by-year effects.

        ``"simple"`` weights all treated cells by size, ``"event_time"`` averages by years since
        treatment, ``"cohort"`` by cohort, ``"year"`` by calendar year, each as R ``did`` does,
        with the influence of the estimated weights.

        Parameters
        ----------
        kind : {"simple", "event_time", "cohort", "year"}
            R's words do too: ``"dynamic"``, ``"group"``, ``"calendar"``.
        balance : int, optional
            With ``"event_time"``: keep the cohorts that have effects from 0 to ``balance``.

        Returns
        -------
        Effects
            One term an average; ``.overall`` averages them.

        Raises
        ------
        DesignError
            If the estimate has no cohort-by-year cells, or none of those asked for.

        References
        ----------
        Callaway, Sant'Anna (2021), section 3.2; Corollary 2 for the estimated weights.
        """
        kind = cast(Kind, read_kind(kind))
        if len(set(self.terms["outcome"])) > 1:
            parts = split_by_outcome(self)
            return stack_effects([part.aggregate(kind, balance=balance) for part in parts])
        if self.mass is None or self.units is None:
            return self._already(kind, balance)
        plan = plan_average(kind, self.terms, self.mass, balance, self.design.step)
        estimate = plan.weights.T @ self.estimate
        influence = self.project(plan.weights)
        if plan.by_mass and self.mass_estimated:
            member = plan.weights > 0
            total = (member * self.mass[:, None]).sum(axis=0)
            slopes = member * (self.estimate[:, None] - estimate) / total
            influence += self._mass_influence(slopes, self.terms)
        overall = float(plan.overall @ estimate)
        overall_influence = influence @ plan.overall
        if kind == "cohort" and self.mass_estimated:
            size = np.array(
                [self.mass[self.terms["cohort"] == c].max() for c in plan.labels["cohort"]]
            )
            slopes = ((estimate - overall) / size.sum())[:, None]
            keys = pd.DataFrame({"cohort": plan.labels["cohort"], "year": plan.labels["cohort"]})
            overall_influence = overall_influence + self._mass_influence(slopes, keys)[:, 0]
        counts = count_units(self.terms, plan.weights)
        result = replace(
            self,
            estimate=estimate,
            terms=terms_frame(self.design.outcome, n_units=counts, **plan.labels),  # type: ignore[arg-type]
            influence_function=influence,
            given_vcov=None,
            mass=None,
            regression=None,
            refit=self._refit_average(kind, balance),
            overall_effect=None,
            given_truth=average_truth(self.truth, plan.weights),
            treated_clusters=_most(self.held_by, plan.weights),
        )
        if len(estimate) == 1:
            return result
        return replace(
            result, overall_effect=one_term(result, overall, overall_influence, plan.overall)
        )

    @property
    def overall(self) -> Effects:
        """The average of what is shown, as one term.

        Cells give R ``did``'s ``"simple"``; event times and years a plain mean of those after
        treatment starts; cohorts their mean by size.
        """
        if self.overall_effect is not None:
            return self.overall_effect
        if len(self.estimate) == 1:
            return self
        if len(set(self.terms["outcome"])) > 1:
            return stack_effects([part.overall for part in split_by_outcome(self)])
        if self.mass is not None:
            return self.aggregate("simple")
        event = self.terms["event_time"].to_numpy(float, na_value=np.nan)
        post = event >= 0
        if not post.any():
            raise DesignError(
                f"{self.design.estimator} shows no effect after treatment starts, so there is "
                "no average of them.\n  Take one term from to_frame()."
            )
        return combine_effects(self, post / post.sum())

    def combine(self, weights: NDArray[np.float64]) -> Effects:
        """Return a linear combination of the terms, in the outcome's unit, as one term.

        Parameters
        ----------
        weights : ndarray, shape (k,)
            One a term.

        Returns
        -------
        Effects
            One term, "overall". Estimated again, it takes the terms of the same names.
        """
        return combine_terms(self, weights)

    def conf_int(self, level: float = 0.95, simultaneous: bool = False) -> NDArray[np.float64]:
        """Compute confidence intervals.

        Parameters
        ----------
        level : float
        simultaneous : bool
            Whether all intervals cover together (multiplier bootstrap over clusters).

        Returns
        -------
        ndarray, shape (k, 2)

        Raises
        ------
        DesignError
            If the level is not between 0 and 1, or a band is asked for without influence functions.
        """
        check_level(level)
        quantile = stats.t.ppf((1 + level) / 2, self.dof)
        if simultaneous:
            quantile = np.maximum(quantile, self._critical_value(level))
        half = quantile * self.std_error
        return np.column_stack([self.estimate - half, self.estimate + half])

    def to_frame(self, level: float = 0.95, *, bands: bool = True) -> pd.DataFrame:
        """Return the tidy table, one row a term.

        ``conf_*`` are pointwise, ``band_*`` cover together; bands are blank where the estimate
        carries no influence functions, or with ``bands=False``.

        Returns
        -------
        DataFrame, columns ``FRAME_COLUMNS``
        """
        frame = self.terms.copy()
        pointwise = self.conf_int(level)
        band = np.full_like(pointwise, np.nan)
        if bands and self.influence_function is not None and np.isfinite(self.std_error).any():
            band = self.conf_int(level, simultaneous=True)
        frame["estimate"] = self.estimate
        frame["std_error"] = self.std_error
        frame[["conf_low", "conf_high"]] = pointwise
        frame[["band_low", "band_high"]] = band
        for times in ("cohort", "year"):
            frame[times] = as_written(frame[times], self.design.step)
        statistic = np.abs(self.estimate / self.std_error)
        frame["p_value"] = 2 * stats.t.sf(statistic, self.dof)
        return frame[list(FRAME_COLUMNS)]

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

    def _critical_value(self, level: float) -> float:
        if self.units is None or self.influence_function is None:
            raise DesignError(
                f"{self.design.estimator} carries no influence functions, so it has no "
                "simultaneous band.\n  Use simultaneous=False."
            )
        draws = multiplier_draws(
            self.project(np.eye(len(self.estimate))),
            clusters=self.units.cluster,
            n_draws=self.design.n_draws,
            seed=self.design.seed,
        )
        draws *= np.sqrt(self.variance_factor)
        return critical_value(draws, self.std_error, level=level)

    def _mass_influence(
        self, slopes: NDArray[np.float64], terms: pd.DataFrame
    ) -> NDArray[np.float64]:
        units = self.units
        if units is None:
            raise DesignError("this estimate carries no units.\n  Average it where it was made.")
        seen = None
        if units.years is not None and units.observed is not None:
            seen = (units.years, units.observed)
        weight = units.relative_weight
        if units.outcome is not None:
            weight = weight * (units.outcome == self.design.outcome)
        return mass_influence(slopes, terms, units.cohort, weight, seen)

    def _already(self, kind: str, balance: int | None) -> Effects:
        shown = self.terms["event_time"].notna().all()
        if kind == "event_time" and shown and balance is None:
            return self
        can = 'aggregate("event_time") and .overall' if shown else ".overall"
        raise DesignError(
            f'{self.design.estimator} has no cohort-by-year effects to average by "{kind}"'
            f"{'' if balance is None else f' with balance={balance}'}.\n"
            f"  It offers {can}; att_gt and did_imputation offer every average."
        )

    def _refit_average(self, kind: Kind, balance: int | None) -> Callable[..., Any] | None:
        refit = self.refit
        if refit is None:
            return None
        return partial(_average_again, refit, kind, balance)


def _average_again(
    refit: Callable[..., Effects], kind: Kind, balance: int | None, *args: Any, **options: Any
) -> Effects:
    return refit(*args, **options).aggregate(kind, balance=balance)


def _most(held_by: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count the treated clusters of the cell that has most, in each average, shape (m,)."""
    return np.where(weights != 0, held_by[:, None], 0).max(axis=0)
