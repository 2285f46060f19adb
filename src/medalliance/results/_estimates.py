"""Estimates: numbers with their influence functions and variances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, check_level
from ..provenance import Provenance
from ..show.findings import Findings
from ._cluster import cluster_sums
from ._design import Design, Regression, Units
from ._influence import CompactInfluence
from ._terms import as_written
from .bands import critical_value
from .few_clusters import treated_clusters
from .multiplier import multiplier_draws
from .neyman import cohort_groups, welch_dof

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


@dataclass(frozen=True, eq=False)
class Estimates:
    """Numbers with all that inference on them needs; ``Effects`` says what each field holds."""

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
    overall_effect: Self | None = None
    tests: Mapping[str, Findings] = field(default_factory=dict)
    given_truth: NDArray[np.float64] | None = None
    treated_clusters: NDArray[np.int64] | None = None
    universal: Callable[[], Self] | None = None
    unit_trend: NDArray[np.float64] | None = None

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
