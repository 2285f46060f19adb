"""What an unbalanced sample leaves open: who is kept, and whether leaving goes with treatment."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, check_choice
from ..panel import NEVER_TREATED, PanelWarning, many
from ._sample import Sample

UNBALANCED = ("rows", "balance")
RELATED = 0.05  # p-value below which leaving is said to go with treatment


def settle_balance(sample: Sample, unbalanced: str) -> tuple[Sample, dict[str, tuple[str, ...]]]:
    """Keep every row, or the units seen in every year; say which, with counts.

    Parameters
    ----------
    sample : Sample
    unbalanced : {"rows", "balance"}

    Returns
    -------
    sample : Sample
    said : dict
        ``notes`` and ``left_out`` of the design.

    Warns
    -----
    PanelWarning
        With ``"rows"``, if leaving is related to treatment.

    Raises
    ------
    DesignError
        If the choice is unknown, or no unit is seen in every year.
    """
    check_choice("unbalanced", unbalanced, UNBALANCED)
    if sample.seen is None:
        return sample, {}
    whole: NDArray[np.bool_] = np.all(sample.seen, axis=1)
    gone = many(int((~whole).sum()), "unit")
    span = f"every {sample.step.unit}"
    leaving = leaving_note(sample)
    if unbalanced == "rows":
        if leaving:
            warnings.warn(
                f"{leaving} Compare with unbalanced='balance'.", PanelWarning, stacklevel=3
            )
        n_gone = f"{int((~whole).sum()):,} of {many(sample.n_units, 'unit')}"
        note = f"Unbalanced, by rows: {n_gone} not seen in {span} stay in."
        return sample, {"notes": (note, *((leaving,) if leaving else ()))}
    if not whole.any():
        raise DesignError(
            f"no unit is seen in {span}, so nothing is left to balance.\n"
            "  Use unbalanced='rows', or fewer years."
        )
    kept = replace(sample.take_units(whole), seen=None, n_left_out=sample.n_left_out)
    said = {"left_out": (f"{gone} not seen in {span} (unbalanced='balance')",)}
    return kept, {**said, "notes": (leaving,) if leaving else ()}  # type: ignore[dict-item]


def leaving_note(sample: Sample) -> str:
    """Say that units leave for good under treatment more, or less, often than others.

    Returns
    -------
    str
        Empty if the log-rank test does not tell them apart, or nobody leaves.

    References
    ----------
    Mantel (1966), "Evaluation of survival data", for the test.
    """
    if sample.seen is None:
        return ""
    statistic, treated, others = leaving(sample.seen, sample.cohort, sample.years)
    p_value = float(stats.chi2.sf(statistic, 1))
    if not p_value < RELATED:
        return ""
    return (
        f"Leaving goes with treatment: {treated[0]:,} of {many(treated[1], 'unit')} leave for good "
        f"after it starts, {others[0]:,} of {many(others[1], 'unit')} without it "
        f"(log-rank p = {p_value:.2g})."
    )


def leaving(
    seen: NDArray[np.bool_], cohort: NDArray[np.int64], years: NDArray[np.int64]
) -> tuple[float, tuple[int, int], tuple[int, int]]:
    """Test whether treated units leave the panel for good as often as others in the same years.

    Parameters
    ----------
    seen : ndarray of bool, shape (n_units, n_years)
    cohort : ndarray of int, shape (n_units,)
    years : ndarray of int, shape (n_years,)

    Returns
    -------
    statistic : float
        Log-rank, chi-squared with one degree of freedom; 0 if it cannot be had.
    treated, others : (int, int)
        Who leaves, of how many, after treatment starts and without treatment.
    """
    n_years = len(years)
    last = n_years - 1 - seen[:, ::-1].argmax(axis=1)
    first = seen.argmax(axis=1)
    places = np.arange(n_years - 1)
    at_risk = (first[:, None] <= places) & (places <= last[:, None])
    treated = (cohort != NEVER_TREATED)[:, None] & (years[:-1] >= cohort[:, None])
    leaves = last[:, None] == places
    n, n_treated = at_risk.sum(axis=0), (at_risk & treated).sum(axis=0)
    out, out_treated = leaves.sum(axis=0), (leaves & treated).sum(axis=0)
    counted = n > 1
    share = np.divide(n_treated, n, out=np.zeros(len(n)), where=counted)
    excess = float((out_treated - out * share)[counted].sum())
    spread = out * share * (1 - share) * np.divide(
        n - out, n - 1, out=np.zeros(len(n)), where=counted
    )  # fmt: skip
    variance = float(spread[counted].sum())
    statistic = excess**2 / variance if variance > 0 else 0.0
    ever = int((at_risk & treated).any(axis=1).sum()), int((at_risk & ~treated).any(axis=1).sum())
    return (
        statistic,
        (int(out_treated.sum()), ever[0]),
        (int((out - out_treated).sum()), ever[1]),
    )
