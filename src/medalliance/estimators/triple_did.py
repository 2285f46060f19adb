"""Triple differences with several dates and covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three, what_is_wrong
from ..panel import NEVER_TREATED, Panel, need_panel
from ..results import Effects
from ..results._cluster import cluster_sums
from ._cells import Cells, check_controls, list_cells, name_cells
from ._sample import CONTROL_GROUPS, Sample, describe_design, draw_sample
from ._traits import fixed_trait
from ._two_by_two import panel_effect

Array = NDArray[np.float64]


def triple_did(
    panel: Panel,
    outcome: str,
    *,
    subgroup: str,
    control_group: Literal["not_yet_treated", "never_treated"] = "not_yet_treated",
    method: Literal["dr", "ipw", "reg"] = "dr",
    covariates: Sequence[str] = (),
    anticipation: int = 0,
    base_period: Literal["varying", "universal"] = "varying",
    weights: str | None = None,
) -> Effects:
    """Estimate effects on the eligible where a reform leaves others in the same place alone.

    The gap between eligible and ineligible units may move, as long as it would have moved alike in
    places that reform and in places that do not yet. Each cell adds three comparisons of the
    eligible of a cohort: with its ineligible, with the eligible of a control cohort, less with the
    ineligible of the control cohort; each is balanced to the covariates of the eligible, which the
    difference of two estimates does not do. Several control cohorts are compared with one by one
    and averaged with the weights of least variance: pooled they would mix trends.

    Parameters
    ----------
    panel : Panel
        A unit is a place's eligible or ineligible part. Its cohort is the year of the place's
        reform, for both parts alike. On an unbalanced panel each cell takes units seen in both
        of its years.
    outcome : str
        Column or registered outcome.
    subgroup : str
        Column of 0 and 1 (or False and True), constant in a unit: 1 if the reform applies to it.
    control_group : {"not_yet_treated", "never_treated"}
    method : {"dr", "ipw", "reg"}
        Doubly robust, inverse probability weighting, or outcome regression.
    covariates : sequence of str
        Values in the base year are used.
    anticipation : int
        Years before the cohort that may already respond.
    base_period : {"varying", "universal"}
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.

    Returns
    -------
    Effects
        One term a cohort and year, for the eligible; averages weight cohorts by their eligible
        units.

    Raises
    ------
    DesignError
        If the subgroup is not of two kinds fixed in a unit, or no cell has all four sides.

    References
    ----------
    Ortiz-Villavicencio, Sant'Anna (2025), "Better Understanding Triple Differences Estimators",
    equations 4.4-4.6 (three comparisons), 4.10-4.12 (several control cohorts).
    """
    check_choice("control_group", control_group, CONTROL_GROUPS)
    check_choice("method", method, ("dr", "ipw", "reg"))
    check_choice("base_period", base_period, ("varying", "universal"))
    need_panel(panel)
    eligible = _eligible(panel, subgroup)
    sample = draw_sample(
        panel, outcome, covariates=covariates, weights=weights, anticipation=anticipation
    )
    side = eligible[panel.units.get_indexer(sample.ids)]
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    rule: dict[str, Any] = {
        "control_group": control_group,
        "anticipation": anticipation,
        "base_period": base_period,
    }
    cells = list_cells(cohorts, sample.years, **rule)
    check_controls(cells, sample.years, control_group, anticipation)
    found = _fit_cells(_Sides(sample, group, side, method), cells)
    kept = cells.keep(found.usable)
    reformed = replace(sample, cohort=np.where(side, sample.cohort, NEVER_TREATED))
    share = np.bincount(group, weights=sample.weight * side, minlength=len(cohorts))
    adjust: dict[str, Any] = {"covariates": covariates, "weights": weights}
    return Effects(
        estimate=found.estimate,
        terms=name_cells(
            reformed,
            np.where(side, group, len(cohorts)),
            np.r_[cohorts, NEVER_TREATED],
            (kept.group, kept.year),
            outcome,
        ),
        design=describe_design(
            panel,
            reformed,
            outcome,
            f"triple_did ({method}, {subgroup})" if len(covariates) else f"triple_did ({subgroup})",
            notes=found.notes,
            **adjust,
            **rule,
        ),
        units=reformed.units(),
        influence_function=found.influence,
        mass=(share / sample.weight.sum())[kept.group],
        refit=partial(
            triple_did, outcome=outcome, subgroup=subgroup, method=method, **adjust, **rule
        ),
    )


def _eligible(panel: Panel, subgroup: str) -> NDArray[np.bool_]:
    """Return whether each unit is eligible, shape (n_units,)."""
    code, labels = fixed_trait(panel, subgroup)
    numbers = {"0": 0, "0.0": 0, "False": 0, "1": 1, "1.0": 1, "True": 1}
    if sorted(numbers.get(label, -1) for label in labels) != [0, 1]:
        raise DesignError(
            f"{subgroup!r} takes {first_three(labels)}.\n"
            "  Give a column of 0 and 1: 1 for units that the reform applies to."
        )
    return np.array([numbers[label] == 1 for label in labels])[code]


@dataclass(frozen=True, eq=False)
class _Found:
    """Cells that could be estimated, with the influence of each, shape (n_units, k)."""

    usable: NDArray[np.bool_]
    estimate: Array
    influence: Array
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Sides:
    """Who stands on which side of a comparison."""

    sample: Sample
    group: NDArray[np.intp]
    eligible: NDArray[np.bool_]
    method: str

    def against(self, own: int, other: int, year: int, base: int) -> tuple[float, Array]:
        """Compare a cohort's eligible with one control cohort: three balanced differences.

        Raises
        ------
        DesignError
            If a side is empty, or cannot be fitted.
        """
        sample = self.sample
        seen = sample.mask[:, year] & sample.mask[:, base]
        change = sample.outcome[:, year] - sample.outcome[:, base]
        treated = (self.group == own) & self.eligible & seen
        sides = (
            ((self.group == own) & ~self.eligible & seen, 1.0),
            ((self.group == other) & self.eligible & seen, 1.0),
            ((self.group == other) & ~self.eligible & seen, -1.0),
        )
        if not treated.any() or not all(side.any() for side, _ in sides):
            raise DesignError("one of the four sides is empty.")
        total, influence = 0.0, np.zeros(sample.n_units)
        for control, sign in sides:
            rows = np.flatnonzero(treated | control)
            columns = np.column_stack([np.ones(len(rows)), sample.covariates[:, rows, base].T])
            effect, part = panel_effect(
                change[rows], treated[rows], columns, sample.weight[rows], self.method
            )
            total += sign * effect
            influence[rows] += sign * sample.n_units / len(rows) * part
        return total, influence


def _fit_cells(sides: _Sides, cells: Cells) -> _Found:
    """Estimate every cell, joining its control cohorts with the weights of least variance."""
    usable = np.ones(len(cells.group), bool)
    estimates, influences, problem = [], [], ""
    for cell in range(len(usable)):
        own, year, base = (int(part[cell]) for part in (cells.group, cells.year, cells.base))
        if year == base:
            estimates.append(0.0)
            influences.append(np.zeros(sides.sample.n_units))
            continue
        parts = []
        for other in np.flatnonzero(cells.control[cell]):
            try:
                parts.append(sides.against(own, int(other), year, base))
            except DesignError as error:
                problem = problem or what_is_wrong(error)
        if not parts:
            usable[cell] = False
            continue
        effect, influence = _least_variance(parts, sides.sample.cluster)
        estimates.append(effect)
        influences.append(influence)
    if not (usable & (cells.year > cells.base)).any():
        raise DesignError(
            f"no cell can be estimated: {problem or 'no control cohort is left.'}\n"
            "  Each cohort and a control cohort need eligible and ineligible units; use fewer "
            "covariates."
        )
    left = [
        f"{cells.cohorts[cells.group[cell]]} in {sides.sample.years[cells.year[cell]]}"
        for cell in np.flatnonzero(~usable)
    ]
    why = problem.rstrip(".") or "no control cohort is left"
    notes = (f"Cells left out because {why}: {first_three(left)}.",) if left else ()
    return _Found(usable, np.array(estimates), np.column_stack(influences), notes)


def _least_variance(
    parts: list[tuple[float, Array]], cluster: NDArray[np.intp]
) -> tuple[float, Array]:
    """Average estimates of the same effect with the weights of least clustered variance."""
    effects = np.array([effect for effect, _ in parts])
    influence = np.column_stack([part for _, part in parts])
    sums = cluster_sums(influence, cluster)
    inverse = np.linalg.pinv(sums.T @ sums, hermitian=True)
    weight = inverse.sum(axis=1) / inverse.sum()
    return float(weight @ effects), influence @ weight
