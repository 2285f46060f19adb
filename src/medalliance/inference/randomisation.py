"""Randomisation inference: the estimate among those of permuted assignments."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, DesignError, needed
from ..progress import counted

Array = NDArray[np.float64]
TIE = 1 - 1e-9
MOST_FAILED = 0.1


@dataclass(frozen=True, eq=False)
class Randomisation:
    """A statistic among its values under other assignments.

    Attributes
    ----------
    statistic, p_value : float
    draws : ndarray, shape (n_draws,)
        NaN where the estimator could not be used.
    enumerated : bool
        Whether every assignment was used once.
    n_failed : int
        Assignments that the estimator refused; they count as extreme.
    """

    statistic: float
    p_value: float
    draws: Array
    enumerated: bool
    n_failed: int


def randomisation_inference(
    statistic: Callable[[NDArray], float],
    assignment: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    n_draws: int = 999,
    seed: int = 0,
    n_jobs: int = 1,
) -> Randomisation:
    """Test the sharp null of no effect by permuting who was treated when.

    Cohorts are permuted across clusters within strata, so the number of clusters a cohort and
    stratum stays as it was. If there are no more distinct assignments than draws, each is used once
    and the p-value ``#{|t*| >= |t|} / N`` is exact; otherwise it is ``(1 + #) / (1 + R)``.

    Parameters
    ----------
    statistic : callable
        From an assignment, shape (n_clusters,), to a number; studentised is better. A
        ``DesignError`` marks an assignment under which there is no estimate.
    assignment : array_like of int, shape (n_clusters,)
        Cohort of each cluster.
    strata : array_like, shape (n_clusters,), optional
        Province or another group within which cohorts are exchangeable.
    n_draws : int
    seed : int
    n_jobs : int
        Processes of joblib.

    Returns
    -------
    Randomisation

    Raises
    ------
    DesignError
        If nothing can be permuted, the sample has no statistic, or a tenth of the draws fail.

    References
    ----------
    Fisher (1935); Young (2019); MacKinnon, Webb (2020).
    """
    own = float(statistic(np.asarray(assignment)))
    if not np.isfinite(own):
        raise DesignError(
            "the statistic of the sample has no value.\n"
            '  With one treated cluster permute the estimate itself (statistic="estimate").'
        )
    draws, enumerated = _evaluate(statistic, assignment, strata, n_draws, seed, n_jobs)
    failed = ~np.isfinite(draws)
    extreme = int((failed | (np.abs(draws) >= abs(own) * TIE)).sum())
    p_value = extreme / len(draws) if enumerated else (1 + extreme) / (1 + len(draws))
    return Randomisation(own, p_value, draws, enumerated, int(failed.sum()))


def permuted_values(
    statistic: Callable[[NDArray], float],
    assignment: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    n_draws: int = 999,
    seed: int = 0,
    n_jobs: int = 1,
) -> Array:
    """Return a statistic under permuted assignments, shape (n_draws,), NaN where it is refused.

    Parameters and errors are those of ``randomisation_inference``.
    """
    return _evaluate(statistic, assignment, strata, n_draws, seed, n_jobs)[0]


def _evaluate(
    statistic: Callable[[NDArray], float],
    assignment: ArrayLike,
    strata: ArrayLike | None,
    n_draws: int,
    seed: int,
    n_jobs: int,
) -> tuple[Array, bool]:
    """Evaluate the statistic under permuted assignments; say whether these are all of them."""
    cohorts = np.asarray(assignment)
    groups = np.zeros(len(cohorts), np.intp)
    if strata is not None:
        labels = np.asarray(strata)
        if len(labels) != len(cohorts):
            raise DataError(f"{len(labels)} strata for {len(cohorts)} clusters.\n  Give one each.")
        groups = np.unique(labels, return_inverse=True)[1]
    total = _count_assignments(cohorts, groups)
    if total < 2 or n_draws < 1:
        raise DesignError(
            f"{total} possible assignment of cohorts within strata, {n_draws} draws.\n"
            "  Use coarser strata, and one draw or more."
        )
    enumerated = total <= n_draws
    permuted = (
        _every_assignment(cohorts, groups)
        if enumerated
        else _random_assignments(cohorts, groups, n_draws, np.random.default_rng(seed))
    )
    draws = np.array(_map(statistic, permuted, total if enumerated else n_draws, n_jobs))
    failed = ~np.isfinite(draws)
    if failed.mean() > MOST_FAILED:
        raise DesignError(
            f"the estimator refuses {int(failed.sum())} of {len(draws)} permuted assignments.\n"
            "  Use coarser strata or an estimator that needs fewer controls."
        )
    return draws, enumerated


def _map(
    statistic: Callable[[NDArray], float], permuted: Iterator[NDArray], n_draws: int, n_jobs: int
) -> list[float]:
    """Evaluate all assignments, with a progress line on a terminal."""

    def value(cohorts: NDArray) -> float:
        try:
            return float(statistic(cohorts))
        except DesignError:
            return float("nan")

    shown = counted(permuted, title="randomisation", unit="draw", total=n_draws, leave=False)
    if n_jobs == 1:
        return [value(cohorts) for cohorts in shown]
    with needed():
        from joblib import Parallel, delayed

    return Parallel(n_jobs=n_jobs)(delayed(value)(cohorts) for cohorts in shown)


def _count_assignments(cohorts: NDArray, groups: NDArray[np.intp]) -> int:
    total = 1
    for group in np.unique(groups):
        counts = Counter(cohorts[groups == group].tolist()).values()
        total *= math.factorial(sum(counts)) // math.prod(math.factorial(c) for c in counts)
    return total


def _random_assignments(
    cohorts: NDArray, groups: NDArray[np.intp], n_draws: int, rng: np.random.Generator
) -> Iterator[NDArray]:
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    for _ in range(n_draws):
        permuted = cohorts.copy()
        for rows in members:
            permuted[rows] = cohorts[rng.permutation(rows)]
        yield permuted


def _every_assignment(cohorts: NDArray, groups: NDArray[np.intp]) -> Iterator[NDArray]:
    """Yield each distinct assignment once."""
    left = {
        group: Counter(cohorts[groups == group].tolist()) for group in np.unique(groups).tolist()
    }
    chosen = cohorts.copy()

    def place(row: int) -> Iterator[NDArray]:
        if row == len(cohorts):
            yield chosen.copy()
            return
        stock = left[int(groups[row])]
        for cohort in list(stock):
            if stock[cohort]:
                stock[cohort] -= 1
                chosen[row] = cohort
                yield from place(row + 1)
                stock[cohort] += 1

    yield from place(0)
