"""What a panel's dates and counties allow to be estimated: E109 to E111, E123, E131, E133."""

from __future__ import annotations

import numpy as np

from ..errors import first_three
from ..panel import NEVER_TREATED, Panel, Problem, cohorts_within, gappy_units, problem
from ..results.few_clusters import SOME_TREATED

BEFORE = 3  # years before treatment that a check of pre-trends needs


def rules_of_design(panel: Panel) -> list[Problem]:
    """Return what the years, cohorts and clusters of a panel do not allow.

    Parameters
    ----------
    panel : Panel
        Its keys need not have passed every check, but must be readable.
    """
    if panel.n_units == 0:
        return []
    cohorts = cohorts_within(panel.cohort_by_unit, panel.years[-1])
    treated = cohorts != NEVER_TREATED
    if not treated.any():
        text = (
            f"no county is treated by {panel.years[-1]}: nothing can be estimated. Check the "
            "column cohort: it holds the first treated year, 0 for never."
        )
        return [problem("E131", text, column="cohort")]
    if not (treated & ~panel.already_treated & (cohorts <= panel.years[-1])).any():
        text = (
            f"every treated county is so when first seen, or starts after {panel.years[-1]}: "
            "nothing can be estimated. Add earlier years, or correct the column cohort."
        )
        return [problem("E131", text, column="cohort")]
    return [
        *_untreated_run_out(panel, treated, cohorts),
        *_few_clusters(panel, treated),
        *_short_before(panel, treated, cohorts),
        *_treated_when_first_seen(panel),
        *_missing_years(panel),
    ]


def _untreated_run_out(panel: Panel, treated: np.ndarray, cohorts: np.ndarray) -> list[Problem]:
    if not treated.all():
        return []
    last = int(cohorts.max()) - 1
    if last < panel.years[0]:
        text = "No untreated county is seen in any year; effects are not estimated."
        return [problem("E109", text, column="cohort", severity="error")]
    text = f"No untreated county remains after {last}; later effects are not estimated."
    return [problem("E109", text, column="cohort")]


def _few_clusters(panel: Panel, treated: np.ndarray) -> list[Problem]:
    clusters = panel.cluster_by_unit
    count = len(np.unique(clusters[treated & (clusters >= 0)]))
    if count >= SOME_TREATED:
        return []
    text = (
        f"Only {count} treated clusters: randomisation inference leads; with one treated cluster "
        "no standard error is shown."
    )
    return [problem("E110", text, column=panel.cluster or panel.unit, count=count)]


def _short_before(panel: Panel, treated: np.ndarray, cohorts: np.ndarray) -> list[Problem]:
    years = panel.years[panel.year_codes]
    before = np.bincount(
        panel.unit_codes, weights=years < cohorts[panel.unit_codes], minlength=panel.n_units
    )
    short = np.flatnonzero(treated & (before < BEFORE) & ~panel.already_treated)
    if not len(short):
        return []
    named = [
        f"{panel.units[k]} has fewer than three years before cohort {cohorts[k]}" for k in short
    ]
    what = "it is" if len(short) == 1 else "they are"
    text = f"County {first_three(named)}; {what} left out of pre-trend checks."
    places = [str(panel.units[k]) for k in short]
    return [problem("E111", text, places=places, column="cohort", count=len(short))]


def _treated_when_first_seen(panel: Panel) -> list[Problem]:
    early = np.flatnonzero(panel.already_treated)
    if not len(early):
        return []
    units = [str(panel.units[k]) for k in early]
    text = (
        f"{len(early)} of {panel.n_units} counties are treated when first seen: "
        f"{first_three(units)}. They have no year before treatment and are left out of effects."
    )
    return [problem("E133", text, places=units, column="cohort", count=len(early))]


def _missing_years(panel: Panel) -> list[Problem]:
    gappy = gappy_units(panel)
    if not len(gappy):
        return []
    years = panel.years[panel.year_codes]
    shown = []
    for code in gappy[:3]:
        seen = years[panel.unit_codes == code]
        absent = sorted(
            set(panel.years[(panel.years > seen[0]) & (panel.years < seen[-1])]) - set(seen)
        )
        shown.append(f"{panel.units[code]} ({first_three(absent)})")
    named = first_three(shown + [""] * (len(gappy) - len(shown)))
    text = (
        f"{len(gappy)} of {panel.n_units} counties have a year missing between two years that are "
        f"seen: {named}. Estimators use the rows there are; add the years if you have them."
    )
    return [problem("E123", text, places=shown, column="year", count=len(gappy))]
