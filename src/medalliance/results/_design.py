"""What an estimate was made from: its design, its units and the regression behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..panel import YEARLY, YOURS, TimeStep, Truth
from ..provenance import Badge, Provenance
from . import few_clusters

DEFAULT_SEED = 20260101
DEFAULT_DRAWS = 999

UNSCALED = "clustered influence functions without small-sample factor (R did)"
FIXEST = "clustered (CRV1), G/(G-1) (N-1)/(N-K), effects nested in clusters not counted (fixest)"
NEYMAN = (
    "clusters about the mean of their cohort, n/(n-1) in each (Neyman), t with Welch's degrees "
    "of freedom"
)


@dataclass(frozen=True)
class Design:
    """How an estimate was made; every foot of a table or figure is printed from it.

    Attributes
    ----------
    outcome, unit_of_measure : str
        Codebook name of the outcome; its unit, empty if it is not known.
    estimator : str
        Name of the estimator with its method, as ``"att_gt (dr)"``.
    n_units, n_obs, n_clusters : int
        Units, rows and clusters that the estimate uses.
    clusters : str
        Column that names the clusters (the unit's own if there is no other).
    std_errors : str
        The one convention of standard errors of this family.
    provenance : Provenance
        Kind of evidence, source and currency, as the panel has them.
    truth : Truth or None
        True effects of the panel, where these are in the unit of the estimates.
    control_group, base_period : str or None
        Who is compared with, and when; None where the method has no such choice.
    anticipation : int
        Years before the cohort that may already respond.
    covariates : tuple of str
        Columns adjusted for.
    weights : str or None
        Column of weights; None for equal weights.
    seed, n_draws : int
        Seed and number of bootstrap draws of bands.
    dof : float
        Degrees of freedom of t-quantiles; infinite for normal ones.
    n_left_out : int
        Units left out because they were treated when first seen.
    left_out : tuple of str
        What else was left out, with counts: "12 rows without y".
    step : TimeStep
        What ``cohort``, ``year`` and ``event_time`` of the terms count.
    n_treated_clusters : int
        Clusters that hold a treated unit. With one there is no standard error.
    linear : bool
        Whether the mean is linear in the effects.
    keeps_size : str
        With few clusters the method whose intervals keep their size better, or ``"these"``; empty
        with many.
    data_hash : str
        Fingerprint of the arrays that the estimate was made from.
    notes : tuple of str
        Sentences that a reader of the numbers has to know.
    """

    outcome: str
    estimator: str
    n_units: int
    n_obs: int
    n_clusters: int
    unit_of_measure: str = ""
    clusters: str = "unit"
    std_errors: str = UNSCALED
    provenance: Provenance = YOURS
    truth: Truth | None = field(default=None, repr=False, compare=False)
    control_group: str | None = None
    base_period: str | None = None
    anticipation: int = 0
    covariates: tuple[str, ...] = ()
    weights: str | None = None
    seed: int = DEFAULT_SEED
    n_draws: int = DEFAULT_DRAWS
    dof: float = np.inf
    n_left_out: int = 0
    left_out: tuple[str, ...] = ()
    step: TimeStep = YEARLY
    n_treated_clusters: int = 2
    linear: bool = True
    keeps_size: str = ""
    data_hash: str = ""
    notes: tuple[str, ...] = ()

    @property
    def badge(self) -> Badge:
        """Kind of evidence."""
        return self.provenance.badge

    def foot(self) -> str:
        """Write the foot of a table or figure: one plain line for everything that was chosen."""
        parts = [f"{self.estimator}, {self.outcome}"]
        if self.control_group:
            parts.append(f"controls {self.control_group.replace('_', ' ')}")
        if self.base_period:
            parts.append(f"{self.base_period} base period")
        if self.anticipation:
            parts.append(f"anticipation {self.anticipation}")
        if self.covariates:
            parts.append(f"covariates {', '.join(self.covariates)}")
        parts.append(f"weights {self.weights}" if self.weights else "units weighted equally")
        parts.append(f"{self.n_units:,} units, {self.n_obs:,} observations")
        parts.append(f"{self.n_clusters:,} clusters ({self.clusters})")
        parts.append(f"standard errors {self.std_errors}")
        if self.n_left_out:
            unit = "unit" if self.n_left_out == 1 else "units"
            parts.append(f"{self.n_left_out:,} {unit} treated when first seen left out")
        if self.left_out:
            parts.append(f"not used: {', '.join(self.left_out)}")
        if self.step != YEARLY:
            parts.append(f"time in steps of one {self.step.noun}")
        parts.append(f"seed {self.seed}")
        if self.data_hash:
            parts.append(f"data {self.data_hash}")
        notes = (*self.notes, *self._few_clusters())
        return "; ".join(parts) + "." + "".join(f" {note}" for note in notes)

    def _few_clusters(self) -> tuple[str, ...]:
        """Name the intervals that keep their size with few clusters."""
        if not self.keeps_size:
            return ()
        by_cohort = self.std_errors == NEYMAN and self.keeps_size == few_clusters.NEYMAN
        if by_cohort or self.keeps_size == few_clusters.THESE:
            return ("With so few clusters these are the intervals that keep their size.",)
        return (f"With so few clusters these intervals are too narrow: see {self.keeps_size}.",)


@dataclass(frozen=True, eq=False)
class Units:
    """The units behind an estimate, in the order of the influence function's rows.

    Attributes
    ----------
    ids : Index, shape (n_units,)
        Unit labels.
    cohort : ndarray of int, shape (n_units,)
        First treated year, 0 if never.
    weight : ndarray, shape (n_units,)
        Weight of each unit as given (ones if there is none).
    cluster : ndarray of intp, shape (n_units,)
        Cluster codes 0..n_clusters-1.
    years : ndarray of int, shape (n_years,), or None
        Years of ``observed``.
    observed : ndarray of bool, shape (n_units, n_years), or None
        Which years of a unit are seen, where averages weight observations rather than units.
    outcome : ndarray of str, shape (n_units,), or None
        The one outcome that a unit answers for, where groups of units stand side by side.
    """

    ids: pd.Index
    cohort: NDArray[np.int64]
    weight: NDArray[np.float64]
    cluster: NDArray[np.intp]
    years: NDArray[np.int64] | None = None
    observed: NDArray[np.bool_] | None = None
    outcome: NDArray[np.str_] | None = None

    @cached_property
    def cluster_cohort(self) -> NDArray[np.int64]:
        """Cohort of each cluster, shape (n_clusters,), where all units of a cluster share one."""
        cohort = np.zeros(int(self.cluster.max()) + 1, dtype=np.int64)
        cohort[self.cluster] = self.cohort
        return cohort

    @cached_property
    def relative_weight(self) -> NDArray[np.float64]:
        """Weights scaled to a mean of one, shape (n_units,)."""
        return self.weight / self.weight.mean()


@dataclass(frozen=True, eq=False)
class Regression:
    """The fitted linear regression, for inference that needs more than influence functions.

    Rows are the panel's rows used, sorted by unit and year; fixed effects are taken out.

    Attributes
    ----------
    make_regressors : callable
        Returns the within-transformed regressors, shape (n_obs, k).
    outcome : ndarray, shape (n_obs,)
        Within-transformed outcome.
    residual : ndarray, shape (n_obs,)
    bread : ndarray, shape (k, k)
        Inverse of X'WX.
    seen : ndarray of bool, shape (n_units, n_years)
        Which rows there are.
    unit_weight : ndarray, shape (n_units,)
    unit_cluster : ndarray of intp, shape (n_units,)
    n_params : int
        Parameters counted in the small-sample factor.
    names : tuple of str
        Name of each regressor: treatment columns, as in ``effects.terms["term"]``, come first.
    """

    make_regressors: Callable[[], NDArray[np.float64]]
    outcome: NDArray[np.float64]
    residual: NDArray[np.float64]
    bread: NDArray[np.float64]
    seen: NDArray[np.bool_]
    unit_weight: NDArray[np.float64]
    unit_cluster: NDArray[np.intp]
    n_params: int
    names: tuple[str, ...] = field(default=())

    @cached_property
    def unit_codes(self) -> NDArray[np.intp]:
        """Unit of each row, shape (n_obs,)."""
        return np.nonzero(self.seen)[0]

    @cached_property
    def year_codes(self) -> NDArray[np.intp]:
        """Year of each row, shape (n_obs,)."""
        return np.nonzero(self.seen)[1]

    @property
    def weight(self) -> NDArray[np.float64]:
        """Weight of each row, shape (n_obs,)."""
        return self.unit_weight[self.unit_codes]

    @property
    def cluster(self) -> NDArray[np.intp]:
        """Cluster of each row, shape (n_obs,)."""
        return self.unit_cluster[self.unit_codes]

    @cached_property
    def regressors(self) -> NDArray[np.float64]:
        """Within-transformed regressors, shape (n_obs, k)."""
        return self.make_regressors()

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores: regressor times weight times residual, shape (n_obs, k)."""
        return self.regressors * (self.weight * self.residual)[:, None]
