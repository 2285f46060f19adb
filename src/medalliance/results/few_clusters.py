"""Few clusters: which method of inference keeps its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three

MANY_CLUSTERS = 40
MANY_TREATED = 10
SOME_TREATED = 5
WEBB_BELOW = 12
THESE = "these"
NEYMAN = "neyman_variance (Welch's t)"


@dataclass(frozen=True)
class Choice:
    """Which inference to print first, what to print beside it, why.

    Attributes
    ----------
    primary : str
        Method in a phrase.
    also : tuple of str
        What to show beside it.
    has_std_error : bool
        False with one treated cluster.
    words : str
        The reason in sentences.
    """

    primary: str
    also: tuple[str, ...]
    has_std_error: bool
    words: str

    def __str__(self) -> str:
        return self.words


def choose_by_clusters(
    n_clusters: int,
    n_treated: int,
    *,
    linear: bool = True,
    regression: bool = True,
    by_cohort: bool = True,
    lone: tuple[object, ...] = (),
) -> Choice:
    """Choose the method of inference.

    The cut-offs (40 clusters, 10 and 5 treated) are this project's conventions, not theorems.

    Parameters
    ----------
    n_clusters, n_treated : int
        All clusters; clusters that hold a treated unit.
    linear : bool
        False for nonlinear estimators, which take no wild bootstrap, and with few treated
        clusters a randomisation test.
    regression : bool
        Whether the estimate is a regression that can be jackknifed by cluster.
    by_cohort : bool
        Whether clusters can be held against others of their cohort: none mixes cohorts or is
        alone in one.
    lone : tuple
        Names of treated cohorts of one cluster (``lone_cohorts``).

    Returns
    -------
    Choice

    Raises
    ------
    DesignError
        If no cluster is treated, or more than there are.

    References
    ----------
    MacKinnon, Nielsen, Webb (2023), section 8; Conley, Taber (2011); Ferman, Pinto (2019).
    """
    if not 1 <= n_treated <= n_clusters or n_clusters < 2:
        raise DesignError(
            f"{n_treated} of {n_clusters} clusters are treated.\n"
            "  There must be at least two clusters and one treated."
        )
    counted = f"{n_treated} of {n_clusters} clusters are treated."
    if n_treated == 1:
        return Choice(
            "placebo ranks (synthetic_did)",
            ("randomisation_test", "conley_taber"),
            False,
            f"{counted} One treated cluster cannot show how its own shocks vary, so no standard "
            "error is given. The estimate is ranked among placebo estimates of untreated clusters.",
        )
    if n_treated < SOME_TREATED:
        return Choice(
            "randomisation_test",
            ("conley_taber", "wild_bootstrap (WCR)", "wild_bootstrap (WCU)"),
            True,
            f"{counted} With fewer than {SOME_TREATED} treated clusters, clustered standard errors "
            "are far too small and the wild bootstrap can reject too rarely or too often. "
            "Assignment is permuted across clusters, and shocks are read off untreated clusters. "
            "A disagreement of WCR with WCU is a warning.",
        )
    neyman = (NEYMAN,) if by_cohort else ()
    if lone and not regression:
        return Choice(
            "randomisation_test",
            (),
            True,
            f"{counted} One cluster only starts in {first_three(lone)}, so nothing shows how its "
            "own shocks vary: its effects have no standard error, and errors of averages that "
            "count it are too small. Assignment is permuted across clusters.",
        )
    if n_treated < MANY_TREATED and not (linear and regression):
        return Choice(
            "randomisation_test",
            (*neyman, "wild_bootstrap (score bootstrap)"),
            True,
            f"{counted} With fewer than {MANY_TREATED} treated clusters the score bootstrap of "
            "an estimate that is no linear regression rejects too often: see the book's grades. "
            "Assignment is permuted across clusters.",
        )
    if not has_many_clusters(n_clusters, n_treated):
        weights = "Webb weights" if n_clusters < WEBB_BELOW else "random signs"
        if linear and regression:
            method = f"wild_bootstrap (WCR, {weights})"
            better = "A wild cluster bootstrap with the null imposed keeps its size better."
            beside: tuple[str, ...] = ("CRV3", *neyman, "CRV1", "t(G-1)")
        elif by_cohort:
            method = NEYMAN
            better = (
                "Errors that hold each cluster against the mean of its cohort, with Welch's t, "
                "keep their size better."
            )
            beside = (f"wild_bootstrap (score bootstrap, {weights})",)
        else:
            method = f"wild_bootstrap (score bootstrap, {weights})"
            better = "A wild cluster bootstrap of the scores keeps its size better."
            beside = ("clustered standard errors", "t(G-1)")
        return Choice(
            method,
            beside,
            True,
            f"{counted} With fewer than {MANY_CLUSTERS} clusters or {MANY_TREATED} treated ones, "
            f"normal critical values reject too often. {better}",
        )
    guard = ", and the cluster jackknife guards against influential clusters" if regression else ""
    plain = "clustered influence functions"
    primary = "CRV3 with t(G-1)" if regression else (*neyman, plain)[0]
    return Choice(
        primary,
        (*neyman, "CRV1") if regression else (plain, "multiplier bootstrap"),
        True,
        f"{counted} There are enough of both for clustered standard errors{guard}. Event studies "
        "take the simultaneous band of the multiplier bootstrap.",
    )


def has_many_clusters(n_clusters: int, n_treated: int) -> bool:
    """Tell whether normal laws serve."""
    return n_clusters >= MANY_CLUSTERS and n_treated >= MANY_TREATED


def name_interval(n_clusters: int, n_treated: int, **design: Any) -> str:
    """Name the method that keeps its size with few clusters; nothing with many.

    Parameters
    ----------
    n_clusters, n_treated : int
    design
        The rest of what ``choose_by_clusters`` takes.
    """
    enough = has_many_clusters(n_clusters, n_treated)
    alone = design.get("lone") and not design.get("regression")
    if (enough and not alone) or not 1 <= n_treated <= n_clusters or n_clusters < 2:
        return ""
    return choose_by_clusters(n_clusters, n_treated, **design).primary


def lone_cohorts(cohort: NDArray[np.int64], cluster: NDArray[np.intp]) -> tuple[int, ...]:
    """List treated cohorts of one cluster.

    Parameters
    ----------
    cohort : ndarray of int, shape (n_units,)
        0 if never treated.
    cluster : ndarray of intp, shape (n_units,)
    """
    years, size = _clusters_by_cohort(cohort, cluster)
    return tuple(int(year) for year in years[(size == 1) & (years != 0)])


def can_hold_by_cohort(cohort: NDArray[np.int64], cluster: NDArray[np.intp]) -> bool:
    """Tell whether every cluster is of one cohort, which has another cluster."""
    years, size = _clusters_by_cohort(cohort, cluster)
    return bool(
        size.sum() == np.count_nonzero(np.bincount(cluster)) and (size > 1).all() and len(years) > 0
    )


def _clusters_by_cohort(
    cohort: NDArray[np.int64], cluster: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the clusters of each cohort."""
    code, years = pd.factorize(cohort, sort=True)
    held = np.zeros((len(years), int(cluster.max(initial=-1)) + 1), bool)
    held[code, cluster] = True
    return np.asarray(years), held.sum(axis=1)


def treated_clusters(
    terms_cohort: NDArray[np.int64],
    cohort: NDArray[np.int64],
    cluster: NDArray[np.intp],
) -> NDArray[np.int64]:
    """Count the treated clusters behind each cohort-by-year effect.

    Parameters
    ----------
    terms_cohort : ndarray of int, shape (k,)
        Cohort of each effect.
    cohort : ndarray of int, shape (n_units,)
    cluster : ndarray of intp, shape (n_units,)

    Returns
    -------
    ndarray of int, shape (k,)
    """
    years, size = _clusters_by_cohort(cohort, cluster)
    place = np.minimum(np.searchsorted(years, terms_cohort), len(years) - 1)
    return np.where(years[place] == terms_cohort, size[place], 0)
