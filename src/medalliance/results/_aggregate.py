"""Averages of cohort-by-year effects: which cells, with which weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, check_choice
from ..panel import YEARLY, TimeStep

NO_EFFECT = (
    "no effect after treatment starts was estimated.\n"
    "  The foot says what was left out, and why; or the panel ends before treatment."
)
ANY_COHORT = 10**9  # stands for all cohorts together
KINDS = ("simple", "event_time", "cohort", "year")
R_WORDS = {"dynamic": "event_time", "group": "cohort", "calendar": "year"}


def read_kind(kind: str) -> str:
    """Read the kind of an average in this package's words or in R ``did``'s.

    Raises
    ------
    DesignError
        Naming every word.

    >>> read_kind("dynamic")
    'event_time'
    """
    check_choice("kind", kind, (*KINDS, *R_WORDS))
    return R_WORDS.get(kind, kind)


@dataclass(frozen=True, eq=False)
class Plan:
    """Averages to take of k cells.

    Attributes
    ----------
    weights : ndarray, shape (k, m)
        Weight of each cell in each average; columns sum to one.
    labels : dict of str to list
        ``term``, ``cohort``, ``year`` and ``event_time`` of each average.
    overall : ndarray, shape (m,)
        Weight of each average in the overall effect.
    overall_by_mass : bool
        Whether those weights are cohort sizes, hence estimated.
    by_mass : bool
        Whether cells are weighted by size, hence with estimated weights.
    """

    weights: NDArray[np.float64]
    labels: dict[str, list[object]]
    overall: NDArray[np.float64]
    by_mass: bool
    overall_by_mass: bool


def plan_average(
    kind: str,
    terms: pd.DataFrame,
    mass: NDArray[np.float64],
    balance: int | None,
    step: TimeStep = YEARLY,
) -> Plan:
    """Choose cells and weights of an average.

    Parameters
    ----------
    kind : {"simple", "event_time", "cohort", "year"}
    terms : DataFrame
        ``cohort``, ``year`` and ``event_time`` of each cell.
    mass : ndarray, shape (k,)
        Share of units (or of observations) behind each cell.
    balance : int or None
        With ``"event_time"``: keep the cohorts that have effects at every event time from 0
        to ``balance``, and event times up to it. Pre-periods are those that they have.
    step : TimeStep
        What ``cohort`` and ``year`` count.

    Returns
    -------
    Plan

    References
    ----------
    Callaway, Sant'Anna (2021), section 3.2 and Table 1.
    """
    if balance is not None and kind != "event_time":
        raise DesignError(f'balance does not apply to "{kind}".\n  Use it with "event_time".')
    if balance is not None and not (isinstance(balance, int | np.integer) and balance >= 0):
        raise DesignError(f"balance={balance!r}.\n  Give a whole number of years, from 0.")
    cohort, year = cell_times(terms)
    post = year >= cohort
    if not post.any():
        raise DesignError(NO_EFFECT)
    if kind == "simple":
        weights = _by_mass(post[:, None], mass)
        return Plan(weights, _labels(["simple"]), np.ones(1), True, True)
    if kind == "event_time":
        return _event_time(cohort, year, mass, balance)
    if kind == "cohort":
        keys = np.unique(cohort[post])
        member = post[:, None] & (cohort[:, None] == keys)
        weights = member / member.sum(axis=0)
        size = np.array([mass[cohort == key].max() for key in keys])
        labels = _labels([f"cohort {step.label(key)}" for key in keys], cohort=list(keys))
        return Plan(weights, labels, size / size.sum(), False, True)
    keys = np.unique(year[post])
    weights = _by_mass(post[:, None] & (year[:, None] == keys), mass)
    labels = _labels([f"{step.unit} {step.label(key)}" for key in keys], year=list(keys))
    return Plan(weights, labels, np.full(len(keys), 1 / len(keys)), True, False)


def cell_times(terms: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return cohort and year of each term; a term of all cohorts has an event time alone."""
    cohort = terms["cohort"].to_numpy(np.int64, na_value=ANY_COHORT)
    if not (cohort == ANY_COHORT).any():
        return cohort, terms["year"].to_numpy(np.int64)
    return cohort, cohort + terms["event_time"].to_numpy(np.int64)


def _event_time(
    cohort: NDArray[np.int64],
    year: NDArray[np.int64],
    mass: NDArray[np.float64],
    balance: int | None,
) -> Plan:
    event = year - cohort
    keep = np.ones(len(event), bool)
    if balance is not None:
        full = [
            key
            for key in np.unique(cohort)
            if np.isin(np.arange(balance + 1), event[cohort == key]).all()
        ]
        if not full:
            raise DesignError(
                f"no cohort has effects at every event time from 0 to {balance}.\n"
                "  Use a smaller balance."
            )
        keep = np.isin(cohort, [*full, ANY_COHORT]) & (event <= balance)
    keys = np.unique(event[keep])
    weights = _by_mass(keep[:, None] & (event[:, None] == keys), mass)
    if not (keys >= 0).any():
        raise DesignError(NO_EFFECT)
    overall = np.where(keys >= 0, 1 / (keys >= 0).sum(), 0.0)
    labels = _labels([f"event time {key}" for key in keys], event_time=list(keys))
    return Plan(weights, labels, overall, True, False)


def _by_mass(member: NDArray[np.bool_], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = member * mass[:, None]
    return weights / weights.sum(axis=0)


def _labels(
    term: list[str],
    cohort: list[object] | None = None,
    year: list[object] | None = None,
    event_time: list[object] | None = None,
) -> dict[str, list[object]]:
    blank: list[object] = [None] * len(term)
    return {
        "term": list(term),
        "cohort": cohort or blank,
        "year": year or blank,
        "event_time": event_time or blank,
    }


def mass_influence(
    slopes: NDArray[np.float64],
    terms: pd.DataFrame,
    cohort: NDArray[np.int64],
    weight: NDArray[np.float64],
    seen: tuple[NDArray[np.int64], NDArray[np.bool_]] | None,
) -> NDArray[np.float64]:
    """Compute the influence of estimated weights on averages.

    An average ``sum_k p_k a_k / sum_k p_k`` moves with the estimated masses ``p`` by
    ``slopes_k = (a_k - average) / sum p``; unit ``i`` adds its own mass to the cells it is in.

    Parameters
    ----------
    slopes : ndarray, shape (k, m)
        Derivative of each average with respect to each cell's mass.
    terms : DataFrame
        ``cohort`` and ``year`` of each cell.
    cohort, weight : ndarray, shape (n_units,)
        Cohort and relative weight of each unit.
    seen : (years, observed) or None
        Years and mask, shape (n_units, n_years), if cells weight observations.

    Returns
    -------
    ndarray, shape (n_units, m)
    """
    result = np.zeros((len(cohort), slopes.shape[1]))
    cell_cohort, cell_year = cell_times(terms)
    for key in np.unique(cell_cohort[cell_cohort != ANY_COHORT]):
        cells = np.flatnonzero(cell_cohort == key)
        rows = np.flatnonzero(cohort == key)
        if seen is None:
            result[rows] = weight[rows, None] * slopes[cells].sum(axis=0)
        else:
            columns = np.searchsorted(seen[0], cell_year[cells])
            result[rows] = weight[rows, None] * (seen[1][np.ix_(rows, columns)] @ slopes[cells])
    return result


def count_units(terms: pd.DataFrame, weights: NDArray[np.float64]) -> list[int | None]:
    """Count the units behind each average: the largest cell of each cohort in it, added up.

    Parameters
    ----------
    terms : DataFrame
        ``cohort`` and ``n_units`` of each cell.
    weights : ndarray, shape (k, m)
    """
    n_units = terms["n_units"].to_numpy(float, na_value=np.nan)
    cohort = cell_times(terms)[0]
    counts: list[int | None] = []
    for column in weights.T:
        cells = column > 0
        total = sum(n_units[cells & (cohort == key)].max() for key in np.unique(cohort[cells]))
        counts.append(None if np.isnan(total) else int(total))
    return counts
