"""Group-time average treatment effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three, what_is_wrong
from ..panel import Panel, need_panel
from ..results import CompactInfluence, Effects
from ..results._cluster import cluster_sums
from ._balance import settle_balance
from ._cells import Cells, check_controls, list_cells, name_cells
from ._collinear import independent
from ._moving_weights import by_row, first_weights
from ._sample import CONTROL_GROUPS, Sample, describe_design, draw_sample, people_notes
from ._two_by_two import changing_effect, panel_effect, rows_effect

Array = NDArray[np.float64]


def att_gt(
    panel: Panel,
    outcome: str,
    *,
    control_group: Literal["not_yet_treated", "never_treated"] = "not_yet_treated",
    method: Literal["dr", "ipw", "reg"] = "dr",
    covariates: Sequence[str] = (),
    anticipation: int = 0,
    base_period: Literal["varying", "universal"] = "varying",
    weights: str | None = None,
    unbalanced: Literal["rows", "balance"] = "rows",
    fix_weights: Literal["varying", "base_period", "first_period"] | None = None,
    composition: Literal["stable", "changing"] = "stable",
) -> Effects:
    """Estimate the average effect on each cohort in each year.

    Each cell compares a cohort's change since its base year with the change of units that are
    not treated by then. Without covariates the three methods are the same.

    Parameters
    ----------
    panel : Panel
        Of units, or a repeated cross-section, whose rows of two years are compared (R ``did`` with
        ``panel=FALSE``).
    outcome : str
        Column or registered outcome.
    control_group : {"not_yet_treated", "never_treated"}
    method : {"dr", "ipw", "reg"}
        Doubly robust, inverse probability weighting, or outcome regression.
    covariates : sequence of str
        Values in the base year are used (on an unbalanced panel, those of each row).
    anticipation : int
        Years before the cohort that may already respond.
    base_period : {"varying", "universal"}
        Base of the years before treatment: the year before, or the cohort's one base year
        (as ``honest_did`` needs).
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.
    unbalanced : {"rows", "balance"}
        Where units are missing in some years (an outcome or covariate that is blank counts as
        missing), every cell compares the rows there are, so that changes are no longer taken
        within units (R ``did`` with ``allow_unbalanced_panel=TRUE``), or only the units seen in
        every year are kept (``FALSE``). The foot says which, with counts.
    fix_weights : {"varying", "base_period", "first_period"}, optional
        For weights that move over time: each row's own (both years as cross-sections), those of
        each comparison's base year, or those of a unit's first row. Cohorts are averaged by the
        weights of first rows. Without it weights must be constant in a unit.
    composition : {"stable", "changing"}
        For a repeated cross-section with covariates: whether people's covariates in a group have
        the same law in both years, or may change. ``"changing"`` fits all four means and the
        chance of each group and year, doubly robust, and averages over the treated after
        treatment; it is less precise. ``ma.composition_test`` holds one against the other.

    Returns
    -------
    Effects
        One term a cohort and year; standard errors from influence functions, without a
        small-sample factor, as in R ``did``.

    Raises
    ------
    DesignError
        If there is no clean control, or no unit is seen in every year where that is asked for; if
        ``composition="changing"`` comes without people, covariates or ``method="dr"``.

    Warns
    -----
    PanelWarning
        With ``unbalanced="rows"``, if units leave more or less often under treatment.

    References
    ----------
    Callaway, Sant'Anna (2021), equations 2.5-2.7 and Theorem 2. Sant'Anna, Zhao (2020), section
    2.2 for cross-sections. Sant'Anna, Xu (2023), "Difference-in-Differences with Compositional
    Changes", equation 2.8.
    """
    check_choice("control_group", control_group, CONTROL_GROUPS)
    check_choice("method", method, ("dr", "ipw", "reg"))
    check_choice("base_period", base_period, ("varying", "universal"))
    check_choice("composition", composition, ("stable", "changing"))
    need_panel(panel)
    if panel.area is not None and fix_weights is not None:
        raise DesignError(
            "people are seen once, so their weights do not move.\n  Leave fix_weights out."
        )
    if composition == "changing":
        _check_changing(panel, covariates, method)
    moving = None
    if fix_weights is not None:
        panel, moving = first_weights(panel, weights, fix_weights)
    sample = draw_sample(
        panel,
        outcome,
        covariates=covariates,
        weights=weights,
        anticipation=anticipation,
        people=True,
    )
    sample, said = settle_balance(sample, unbalanced)
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    rule: dict[str, Any] = {
        "control_group": control_group,
        "anticipation": anticipation,
        "base_period": base_period,
    }
    cells = list_cells(cohorts, sample.years, **rule)
    check_controls(cells, sample.years, control_group, anticipation)
    adjust: dict[str, Any] = {"covariates": covariates, "weights": weights}
    influence: CompactInfluence | Array
    if moving is not None and fix_weights in ("varying", "base_period"):
        moving = moving[panel.units.get_indexer(sample.ids)][:, np.isin(panel.years, sample.years)]
        name = f"att_gt ({method})" if len(sample.covariates) else "att_gt"
        how = method if len(sample.covariates) else "reg"
        cells, estimate, influence, notes = _adjusted(
            sample, group, cells, how, partial(by_row, moving, fix_weights)
        )
    elif len(sample.covariates):
        changes = composition == "changing"
        name = f"att_gt ({method}{', changing composition' if changes else ''})"
        cells, estimate, influence, notes = _adjusted(
            sample, group, cells, "changing" if changes else method
        )
    else:
        name = "att_gt"
        cells, estimate, influence, notes = _unadjusted(sample, group, cells)
    share = np.bincount(group, weights=sample.weight) / sample.weight.sum()
    return Effects(
        estimate=estimate,
        terms=name_cells(sample, group, cohorts, (cells.group, cells.year), outcome),
        design=describe_design(
            panel,
            sample,
            outcome,
            name,
            notes=(*notes, *said.get("notes", ()), *people_notes(panel, sample)),
            left_out=said.get("left_out", ()),
            **adjust,
            **rule,
        ),
        units=sample.units(),
        influence_function=influence,
        mass=share[cells.group],
        refit=partial(
            att_gt,
            outcome=outcome,
            method=method,
            unbalanced=unbalanced,
            fix_weights=fix_weights,
            composition=composition,
            **adjust,
            **rule,
        ),
    )


def _check_changing(panel: Panel, covariates: Sequence[str], method: str) -> None:
    if panel.area is None or not len(covariates) or method != "dr":
        raise DesignError(
            'composition="changing" compares covariates of people seen once, doubly robust.\n'
            "  Give a repeated cross-section and covariates, with method='dr'."
        )


def _unadjusted(
    sample: Sample, group: NDArray[np.intp], cells: Cells
) -> tuple[Cells, Array, CompactInfluence, tuple[str, ...]]:
    """Compare weighted means by cohort and year; the influence is linear in a unit's outcomes."""
    if sample.when is not None:
        return _of_people(sample, group, cells)
    weight, mask = sample.weight, sample.mask
    outcome = sample.outcome - sample.outcome.sum() / sample.n_obs
    if sample.seen is None:
        outcome -= outcome.mean(axis=1, keepdims=True)
    else:
        outcome *= mask
    weighted = weight[:, None] * outcome
    sums = cluster_sums(weighted, group, len(cells.cohorts))
    sizes = cluster_sums(weight[:, None] * mask, group, len(cells.cohorts))
    cells, notes = _with_rows(sample, cells, sizes)
    estimate, slopes, constant = _differences(cells, sums, sizes, sample.n_units)
    if sample.seen is None:
        values = np.column_stack([weighted, weight])
        constant = constant.sum(axis=1, keepdims=True)
    else:
        values = np.column_stack([weighted, weight[:, None] * mask])
    loadings = np.concatenate([slopes, constant], axis=1)
    return cells, estimate, CompactInfluence(values, group, loadings), notes


def _of_people(
    sample: Sample, group: NDArray[np.intp], cells: Cells
) -> tuple[Cells, Array, CompactInfluence, tuple[str, ...]]:
    """Compare weighted means of people by cohort and year."""
    shape = len(cells.cohorts), len(sample.years)
    cell = group * shape[1] + sample.rows[1]
    outcome = sample.outcome[:, 0] - sample.outcome.mean()
    values = np.column_stack([sample.weight * outcome, sample.weight])
    sums, sizes = cluster_sums(values, cell, shape[0] * shape[1]).T.reshape(2, *shape)
    cells, notes = _with_rows(sample, cells, sizes)
    estimate, slopes, constant = _differences(cells, sums, sizes, sample.n_units)
    loadings = np.stack([slopes, constant], axis=2).reshape(len(sizes) * shape[1], 2, -1)
    return cells, estimate, CompactInfluence(values, cell, loadings), notes


def _with_rows(sample: Sample, cells: Cells, sizes: Array) -> tuple[Cells, tuple[str, ...]]:
    """Keep the cells whose four means have rows; ``sizes`` is the weight by cohort and year."""
    there, compared = np.ones((2, len(cells.group)), bool)
    for time in (cells.year, cells.base):
        there &= sizes[cells.group, time] > 0
        compared &= (cells.control @ sizes)[np.arange(len(there)), time] > 0
    usable = there & compared
    if not (usable & (sample.years[cells.year] >= cells.cohorts[cells.group])).any():
        raise DesignError(
            "no cohort and its controls are seen both in the base year and after treatment starts."
            "\n  Look for units that come or go at treatment, and for blank outcomes."
        )
    notes = _note_left_out(sample, cells, ~there, "nobody of the cohort is seen then")
    notes += _note_left_out(sample, cells, there & ~compared)
    return cells.keep(usable), notes


def _differences(
    cells: Cells, sums: Array, sizes: Array, n_units: int
) -> tuple[Array, Array, Array]:
    """Difference four means a cell.

    Parameters
    ----------
    cells : Cells
    sums, sizes : ndarray, shape (n_cohorts, n_years)
        Weighted outcomes and weights.
    n_units : int

    Returns
    -------
    estimate : ndarray, shape (k,)
    slopes, constant : ndarray, shape (n_cohorts, n_years, k)
        Loadings of weighted outcomes and of weights in the influence.
    """
    row = np.arange(len(cells.group))
    own = np.zeros_like(cells.control)
    own[row, cells.group] = True
    estimate = np.zeros(len(row))
    slopes = np.zeros((*sums.shape, len(row)))
    constant = np.zeros_like(slopes)
    for time, sign in ((cells.year, 1.0), (cells.base, -1.0)):
        for member, side in ((own, sign), (cells.control, -sign)):
            size = (member @ sizes)[row, time]
            mean = (member @ sums)[row, time] / size
            estimate += side * mean
            cell, code = np.nonzero(member)
            pull = (side * n_units / size)[cell]
            slopes[code, time[cell], cell] += pull
            constant[code, time[cell], cell] -= pull * mean[cell]
    reference = cells.year == cells.base
    estimate[reference] = 0.0
    slopes[:, :, reference] = constant[:, :, reference] = 0.0
    return estimate, slopes, constant


def _adjusted(
    sample: Sample,
    group: NDArray[np.intp],
    cells: Cells,
    method: str,
    weigh: Callable[[int], Array] | None = None,
) -> tuple[Cells, Array, Array, tuple[str, ...]]:
    """Compare cell by cell with covariates; a cell that cannot be fitted is left out, said so."""
    estimates, influences = [], []
    usable = np.zeros(len(cells.group), bool)
    unused: dict[str, int] = {}
    problem = ""
    for cell in range(len(cells.group)):
        treated = group == cells.group[cell]
        control = cells.control[cell][group]
        if cells.year[cell] == cells.base[cell]:
            usable[cell] = True
            estimates.append(0.0)
            influences.append(np.zeros(sample.n_units))
            continue
        try:
            effect, influence, keep = _one_cell(
                sample,
                treated,
                control,
                int(cells.year[cell]),
                int(cells.base[cell]),
                method,
                None if weigh is None else weigh(int(cells.base[cell])),
            )
        except DesignError as error:
            problem = problem or what_is_wrong(error)
            continue
        for j in np.flatnonzero(~keep):
            unused[sample.names[j]] = unused.get(sample.names[j], 0) + 1
        usable[cell] = True
        estimates.append(effect)
        influences.append(influence)
    if not (usable & (cells.year > cells.base)).any():
        raise DesignError(
            f"no cell can be fitted with these covariates: {problem}\n"
            '  Use fewer covariates, or control_group="not_yet_treated".'
        )
    fitted = int((usable & (cells.year != cells.base)).sum())
    notes = _note_left_out(sample, cells, ~usable, problem) + tuple(
        f"{name} is not used in {count} of {fitted} cells: constant or collinear in the base year."
        for name, count in unused.items()
    )
    return cells.keep(usable), np.array(estimates), np.column_stack(influences), notes


def _one_cell(
    sample: Sample,
    treated: NDArray[np.bool_],
    control: NDArray[np.bool_],
    year: int,
    base: int,
    method: str,
    row_weight: Array | None = None,
) -> tuple[float, Array, NDArray[np.bool_]]:
    """Estimate one cell; the influence is spread over all units of the sample.

    The last value says which covariates are used: others are constant or collinear in the cell.
    """
    spread = np.zeros(sample.n_units)
    if sample.when is not None:
        return _cell_of_people(sample, treated, control, year, base, method)
    rows = np.flatnonzero(treated | control)
    if not control.any():
        raise DesignError("no control unit.")
    weight = row_weight
    if weight is None:
        weight = np.broadcast_to(sample.weight[:, None], sample.outcome.shape)
    if sample.seen is None and (weight[rows, year] == weight[rows, base]).all():
        change = sample.outcome[rows, year] - sample.outcome[rows, base]
        columns, keep = _regressors(sample.covariates[:, rows, base].T)
        effect, influence = panel_effect(change, treated[rows], columns, weight[rows, base], method)
        spread[rows] = sample.n_units / len(rows) * influence
        return effect, spread, keep
    usable = sample.mask & np.isfinite(weight)
    ends = [rows[usable[rows, time]] for time in (base, year)]
    who = np.concatenate(ends)
    post = np.repeat([False, True], [len(end) for end in ends])
    time = np.where(post, year, base)
    _check_four(post, treated[who])
    columns, keep = _regressors(sample.covariates[:, who, time].T, post)
    effect, influence = rows_effect(
        sample.outcome[who, time],
        post,
        treated[who],
        columns,
        weight[who, time],
        method,
    )
    scaled = sample.n_units / len(who) * influence
    return effect, cluster_sums(scaled, who, sample.n_units), keep


def _cell_of_people(
    sample: Sample,
    treated: NDArray[np.bool_],
    control: NDArray[np.bool_],
    year: int,
    base: int,
    method: str,
) -> tuple[float, Array, NDArray[np.bool_]]:
    """Estimate one cell from people who are seen in one of the two years."""
    when = sample.rows[1]
    who = np.flatnonzero((treated | control) & ((when == year) | (when == base)))
    post = when[who] == year
    _check_four(post, treated[who])
    columns, keep = _regressors(sample.covariates[:, who, 0].T, post)
    given = sample.outcome[who, 0], post, treated[who], columns, sample.weight[who]
    effect, influence = (
        changing_effect(*given) if method == "changing" else rows_effect(*given, method)
    )
    spread = np.zeros(sample.n_units)
    spread[who] = sample.n_units / len(who) * influence
    return effect, spread, keep


def _check_four(post: NDArray[np.bool_], treated: NDArray[np.bool_]) -> None:
    for period in (post, ~post):
        if not (period & treated).any() or not (period & ~treated).any():
            raise DesignError("no row of one side in one of the two years.")


def _regressors(
    columns: Array, post: NDArray[np.bool_] | None = None
) -> tuple[Array, NDArray[np.bool_]]:
    """Put a one before the columns that add something to it (within each of two periods)."""
    centred = columns - columns.mean(axis=0)
    if post is not None:
        for period in (post, ~post):
            centred[period] = columns[period] - columns[period].mean(axis=0)
    keep = independent(centred.T @ centred, (columns**2).sum(axis=0))
    return np.column_stack([np.ones(len(columns)), columns[:, keep]]), keep


def _note_left_out(
    sample: Sample, cells: Cells, left_out: NDArray[np.bool_], problem: str = ""
) -> tuple[str, ...]:
    if not left_out.any():
        return ()
    names = [
        f"{cells.cohorts[g]} in {sample.years[t]}"
        for g, t in zip(cells.group[left_out], cells.year[left_out], strict=True)
    ]
    why = problem.rstrip(".") or "no clean control is left"
    return (f"Cells left out because {why}: {first_three(names)}.",)
