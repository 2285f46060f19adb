"""Stacked difference-in-differences with the weights that make it an average effect."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three
from ..panel import NEVER_TREATED, Panel, common_step, many
from ..results import FIXEST, Effects, terms_frame
from ..results._cluster import small_sample_factor
from ._sample import CONTROL_GROUPS, Sample, describe_design, draw_sample

Array = NDArray[np.float64]


def stacked_did(
    panel: Panel,
    outcome: str,
    *,
    window: tuple[int, int] | None = None,
    control_group: str = "not_yet_treated",
    anticipation: int = 0,
    weights: str | None = None,
) -> Effects:
    """Estimate an event study on a stack of one sub-experiment a cohort.

    A cohort enters with the years of its window and controls that stay untreated through it, all
    seen in every year of it. Controls are weighted so that each cohort counts by its treated
    units; the same cohorts stand behind every event time.

    Parameters
    ----------
    panel : Panel
    outcome : str
        Column or registered outcome.
    window : (int, int), optional
        Years before and after the cohort's first; without it the widest that keeps every cohort
        that has a control. On a panel of every second year the years seen are counted.
    control_group : {"not_yet_treated", "never_treated"}
    anticipation : int
        Years before the cohort that may already respond; the reference is the year before them.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.

    Returns
    -------
    Effects
        One term an event time. Standard errors are clustered over the stack with fixest's
        small-sample factor.

    Raises
    ------
    DesignError
        If no cohort has a full window with clean controls.

    References
    ----------
    Wing, Freedman, Hollingsworth (2024), "Stacked difference-in-differences", equations 5-7.
    """
    check_choice("control_group", control_group, CONTROL_GROUPS)
    rule: dict[str, Any] = {
        "weights": weights,
        "control_group": control_group,
        "anticipation": anticipation,
    }
    if window is not None and (
        np.shape(window) != (2,) or np.asarray(window).dtype.kind not in "iu"
    ):
        raise DesignError(f"window={window!r}.\n  Give years before and after, as (3, 2).")
    sample = draw_sample(panel, outcome, weights=weights, anticipation=anticipation)
    counted, apart, late = _count_times(sample)
    ahead = -(-anticipation // apart)
    pre, post = _widest(counted, control_group, ahead) if window is None else _steps(
        window, apart, late
    )  # fmt: skip
    if pre < 1 + ahead or post < 0:
        raise DesignError(
            f"window={window or (pre, post)} has no reference year {-1 - anticipation} or no year "
            "of treatment.\n  Give years before and after, as (3, 2)."
        )
    names = _names(sample, counted)
    stacks, trimmed = _stack(counted, pre, post, control_group, ahead, names)
    estimate, influence, n_obs = _fit(counted, stacks, pre, ahead)
    event = np.arange(-pre, post + 1) * apart + late
    used = [names[stack.cohort] for stack in stacks]
    notes = [f"Window {event[0]} to {event[-1]}; cohorts {first_three(used)}."]
    if trimmed:
        notes.append(f"Trimmed: {first_three(trimmed)}.")
    notes += _partly_seen(counted, stacks, names)
    design = describe_design(
        panel,
        sample,
        outcome,
        "stacked_did",
        base_period="universal",
        std_errors=FIXEST,
        notes=tuple(notes),
        **rule,
    )
    treated = np.concatenate([stack.treated for stack in stacks])
    n_events, held = len(event), int(np.count_nonzero(np.bincount(sample.cluster[treated])))
    return Effects(
        estimate=estimate,
        terms=terms_frame(
            outcome,
            [f"event time {e}" for e in event],
            event_time=event,
            n_units=np.full(n_events, len(treated)),
        ),
        design=replace(design, dof=design.n_clusters - 1.0, n_obs=n_obs),
        units=sample.units(),
        influence_function=influence,
        variance_factor=small_sample_factor(n_obs, 2 * len(event), design.n_clusters),
        treated_clusters=np.full(n_events, held, dtype=np.int64),
        refit=partial(stacked_did, outcome=outcome, window=window, **rule),
    )


@dataclass(frozen=True, eq=False)
class _Stack:
    """One sub-experiment: rows of treated and control units, columns of its years."""

    cohort: int
    treated: NDArray[np.intp]
    control: NDArray[np.intp]
    years: NDArray[np.intp]


def _count_times(sample: Sample) -> tuple[Sample, int, int]:
    """Count times in the steps that they are apart, where nobody is seen between them.

    Returns
    -------
    sample : Sample
        With consecutive years; a cohort between two times starts at the second.
    apart : int
        Years in a step.
    late : int
        Years from adoption to the first time seen, if they are the same for every cohort.
    """
    apart, first = common_step(sample.years), int(sample.years[0])
    if apart == 1:
        return sample, 1, 0
    start = first - (first - sample.cohort) // apart
    treated = sample.cohort != NEVER_TREATED
    counted = replace(
        sample,
        years=first + (sample.years - first) // apart,
        cohort=np.where(treated, start, NEVER_TREATED),
    )
    late = np.unique((first + (start - first) * apart - sample.cohort)[treated])
    return counted, apart, int(late[0]) if len(late) == 1 else 0


def _steps(window: tuple[int, int], apart: int, late: int) -> tuple[int, int]:
    return (window[0] + late) // apart, (window[1] - late) // apart


def _names(sample: Sample, counted: Sample) -> dict[int, str]:
    """Name each counted cohort by the cohorts in it."""
    pairs = sorted(set(zip(counted.cohort.tolist(), sample.cohort.tolist(), strict=True)))
    names: dict[int, str] = {}
    for step, cohort in pairs:
        said = sample.step.label(cohort)
        names[step] = f"{names[step]} and {said}" if step in names else said
    return names


def _partly_seen(sample: Sample, stacks: list[_Stack], names: dict[int, str]) -> list[str]:
    """Say how many treated units of the cohorts used are not seen in the whole window."""
    lost = [
        f"{many(gone, 'unit')} of cohort {names[stack.cohort]}"
        for stack in stacks
        if (gone := int((sample.cohort == stack.cohort).sum()) - len(stack.treated))
    ]
    return [f"Not seen in the whole window: {first_three(lost)}."] if lost else []


def _clean(
    sample: Sample, cohort: int, post: int, control_group: str, anticipation: int
) -> NDArray[np.bool_]:
    never = sample.cohort == NEVER_TREATED
    if control_group == "never_treated":
        return never
    return never | (sample.cohort - anticipation > cohort + post)


def _cohorts(sample: Sample) -> list[int]:
    inside = (sample.cohort > sample.years[0]) & (sample.cohort <= sample.years[-1])
    return [int(cohort) for cohort in np.unique(sample.cohort[inside])]


def _widest(sample: Sample, control_group: str, anticipation: int) -> tuple[int, int]:
    """Choose the widest window that every cohort with a control has."""
    have = [
        cohort
        for cohort in _cohorts(sample)
        if _clean(sample, cohort, 0, control_group, anticipation).any()
    ]
    if not have:
        raise DesignError(
            "no cohort has a control that is untreated in its first year.\n"
            "  Add never-treated or later-treated units."
        )
    longest = min(int(sample.years[-1]) - cohort for cohort in have)
    after = [
        post
        for post in range(longest + 1)
        if all(_clean(sample, c, post, control_group, anticipation).any() for c in have)
    ]
    return min(have) - int(sample.years[0]), max(after)


def _stack(
    sample: Sample,
    pre: int,
    post: int,
    control_group: str,
    anticipation: int,
    names: dict[int, str],
) -> tuple[list[_Stack], list[str]]:
    stacks, trimmed = [], []
    for cohort in _cohorts(sample):
        wanted = np.arange(cohort - pre, cohort + post + 1)
        if not np.isin(wanted, sample.years).all():
            inside = wanted[0] >= sample.years[0] and wanted[-1] <= sample.years[-1]
            unseen = [sample.step.label(t) for t in np.setdiff1d(wanted, sample.years)]
            why = f"nobody seen in {first_three(unseen)}" if inside else "window outside the panel"
            trimmed.append(f"cohort {names[cohort]} ({why})")
            continue
        years = np.searchsorted(sample.years, wanted)
        full = sample.mask[:, years].all(axis=1)
        control = full & _clean(sample, cohort, post, control_group, anticipation)
        treated = full & (sample.cohort == cohort)
        if not treated.any() or not control.any():
            trimmed.append(f"cohort {names[cohort]} (no {'control' if treated.any() else 'unit'} "
                           "seen in the whole window)")  # fmt: skip
            continue
        stacks.append(_Stack(cohort, np.flatnonzero(treated), np.flatnonzero(control), years))
    if not stacks:
        raise DesignError(
            f"no cohort has clean controls from {-pre} to {post}: {first_three(trimmed)}.\n"
            "  Take a shorter window."
        )
    return stacks, trimmed


def _fit(
    sample: Sample, stacks: list[_Stack], pre: int, anticipation: int
) -> tuple[Array, Array, int]:
    """Compare pooled means by event time, treated against weighted controls."""
    weight = sample.weight
    treated_size = np.array([weight[stack.treated].sum() for stack in stacks])
    control_size = np.array([weight[stack.control].sum() for stack in stacks])
    q = (treated_size / treated_size.sum()) / (control_size / control_size.sum())
    sides = [
        [(stack.treated, stack.years, weight[stack.treated]) for stack in stacks],
        [
            (stack.control, stack.years, q[k] * weight[stack.control])
            for k, stack in enumerate(stacks)
        ],
    ]
    base = pre - 1 - anticipation
    n_events = len(stacks[0].years)
    estimate, influence = np.zeros(n_events), np.zeros((sample.n_units, n_events))
    n_obs = 0
    for sign, side in zip((1.0, -1.0), sides, strict=True):
        total = sum(w.sum() for _, _, w in side)
        mean = sum(w @ sample.outcome[np.ix_(rows, years)] for rows, years, w in side) / total
        estimate += sign * (mean - mean[base])
        for rows, years, w in side:
            residual = sample.outcome[np.ix_(rows, years)] - mean
            change = residual - residual[:, [base]]
            influence[rows] += sign * sample.n_units * w[:, None] * change / total
            n_obs += change.size
    return estimate, influence, n_obs
