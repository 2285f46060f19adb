"""Local-projection difference-in-differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three
from ..panel import Panel, many
from ..results import FIXEST, Effects, terms_frame
from ..results._cluster import small_sample_factor
from ._collinear import independent
from ._entries import Absorbing, Entries, read_binary_path, read_entries
from ._sample import CONTROL_GROUPS, Sample, describe_design, draw_sample, last_base

Array = NDArray[np.float64]


def lp_did(
    panel: Panel,
    outcome: str,
    *,
    weighting: str = "variance",
    covariates: Sequence[str] = (),
    control_group: str = "not_yet_treated",
    anticipation: int = 0,
    weights: str | None = None,
    nonabsorbing: Literal["first_entry", "stabilised"] | None = None,
    stable_after: int | None = None,
    pooled: int | None = None,
) -> Effects:
    """Estimate each event time by a regression of long differences on clean samples.

    At horizon h the change from the year before treatment is compared between units that enter
    in a year and those untreated through h, with effects of the entry year.

    Parameters
    ----------
    panel : Panel
    outcome : str
        Column or registered outcome.
    weighting : {"variance", "equal"}
        ``"variance"`` is least squares, which weights entry years by size and balance;
        ``"equal"`` weights them by treated units, as group-time averages do.
    covariates : sequence of str
        Columns, taken in the year before treatment; with ``"variance"`` only.
    control_group : {"not_yet_treated", "never_treated"}
    anticipation : int
        Years before the cohort that may already respond; the reference is the year before them.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.
    nonabsorbing : {"first_entry", "stabilised"}, optional
        For a panel made with ``path=`` whose 0/1 treatment may end: effects of the first entry, up
        to the horizon at which a unit leaves, against units not treated so far; or of every entry
        after ``stable_after`` untreated years, against units whose treatment has not moved for as
        long, treated ones among them.
    stable_after : int, optional
        Years after which an effect no longer moves, for ``"stabilised"``.
    pooled : int, optional
        Estimate one effect, the mean over event times 0 to this one, in one regression: the
        outcome is the mean of these years less the base, units must be seen in all of them and
        controls stay untreated through the last.

    Returns
    -------
    Effects
        One term an event time. Standard errors are clustered with fixest's small-sample factor,
        regression by regression.

    Raises
    ------
    DesignError
        If a choice is unknown, or no horizon has entering and clean units.

    References
    ----------
    Dube, Girardi, Jorda, Taylor (2025), equations 7-9; section 3.4 for the weights; section 4.2,
    equations 12 and 13, for treatments that end. There years before a unit is first seen count as
    untreated.
    """
    names = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    check_choice("weighting", weighting, ("variance", "equal"))
    check_choice("control_group", control_group, CONTROL_GROUPS)
    if names and weighting == "equal":
        raise DesignError(
            "lp_did with equal weights takes no covariates.\n"
            "  Use weighting='variance', or att_gt, which averages the same way."
        )
    rule: dict[str, Any] = {"control_group": control_group, "anticipation": anticipation}
    adjust: dict[str, Any] = {"covariates": names, "weights": weights}
    entries: Entries
    if nonabsorbing is None:
        if stable_after is not None:
            raise DesignError('stable_after goes with nonabsorbing="stabilised".\n  Leave it out.')
        sample = draw_sample(panel, outcome, anticipation=anticipation, **adjust)
        # a cohort may start in a year that nobody is seen in
        starts = np.arange(sample.years[0], sample.years[-1] + 1)
        entries = Absorbing(sample.cohort, starts, control_group, anticipation)
    else:
        if rule != {"control_group": "not_yet_treated", "anticipation": 0}:
            raise DesignError(
                "with a treatment that may end, controls are not yet treated and anticipation is "
                "0.\n  Leave control_group and anticipation out."
            )
        sample, level = read_binary_path(panel, outcome, **adjust)
        starts, entries = sample.years, read_entries(level, nonabsorbing, stable_after)
    reference = _reference(sample, anticipation)
    if pooled is None:
        fits, left_out = _fit_horizons(sample, starts, entries, weighting, anticipation, reference)
        event = np.array(sorted([*fits, reference]))
        labels = [f"event time {e}" for e in event]
    else:
        fits, left_out = _fit_pooled(sample, starts, entries, weighting, anticipation, pooled), []
        event, labels = np.array([pooled]), [f"event times 0 to {pooled}"]
    estimate = np.zeros(len(event))
    influence = np.zeros((sample.n_units, len(event)))
    count = np.full(len(event), max(fit.n_treated for fit in fits.values()))
    held = np.full(len(event), max(fit.n_clusters for fit in fits.values()))
    for place, e in enumerate(event):
        if int(e) in fits:
            fit = fits[int(e)]
            estimate[place], influence[:, place] = fit.estimate, fit.influence
            count[place], held[place] = fit.n_treated, fit.n_clusters
    notes = _notes(sample, left_out, anticipation)
    unused = dict.fromkeys(name for fit in fits.values() for name in fit.unused)
    design = describe_design(
        panel,
        sample,
        outcome,
        _name(weighting, nonabsorbing, stable_after, pooled),
        base_period="universal",
        std_errors=FIXEST,
        notes=notes,
        left_out=tuple(f"{name} (nothing is left of it beside entry years)" for name in unused),
        **adjust,
        **rule,
    )
    return Effects(
        estimate=estimate,
        terms=terms_frame(
            outcome, labels, event_time=None if pooled is not None else event, n_units=count
        ),
        design=replace(design, dof=design.n_clusters - 1.0),
        units=sample.units(),
        influence_function=influence,
        treated_clusters=held,
        refit=partial(
            lp_did,
            outcome=outcome,
            weighting=weighting,
            nonabsorbing=nonabsorbing,
            stable_after=stable_after,
            pooled=pooled,
            **adjust,
            **rule,
        ),
    )


def _name(
    weighting: str, nonabsorbing: str | None, stable_after: int | None, pooled: int | None
) -> str:
    extra = "" if nonabsorbing is None else f", {nonabsorbing.replace('_', ' ')}"
    extra += "" if stable_after is None else f" after {stable_after} years"
    extra += "" if pooled is None else ", pooled"
    return f"lp_did ({weighting} weights{extra})"


@dataclass(frozen=True, eq=False)
class _Horizon:
    """Estimate of one horizon; its influence carries the horizon's own small-sample factor.

    ``n_treated`` counts treated units, ``n_clusters`` the clusters they are in; ``unused`` names
    covariates that the effects of the entry year and other covariates determine.
    """

    estimate: float
    influence: Array
    n_treated: int
    n_clusters: int
    unused: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _LongDifferences:
    """Stacked rows of one horizon: units, entry year, treatment, change, covariates.

    Years in which nobody enters have clean rows too. They count in the regression's degrees of
    freedom (``n_entries``, ``n_rows``, units in ``member``) but, without covariates, move nothing
    and are not stacked.
    """

    unit: NDArray[np.intp]
    entry: NDArray[np.intp]
    treated: Array
    change: Array
    covariates: Array
    n_entries: int
    n_rows: int
    member: NDArray[np.bool_]


def _cohorts(sample: Sample) -> NDArray[np.int64]:
    """Cohorts that have a time before treatment and one after it starts."""
    years = sample.years
    return np.unique(sample.cohort[(sample.cohort > years[0]) & (sample.cohort <= years[-1])])


def _reference(sample: Sample, anticipation: int) -> int:
    """Event time of the base: the last before anticipation that is seen for a cohort."""
    bases = [
        base - int(g)
        for g in _cohorts(sample)
        if (base := last_base(int(g), sample.years, anticipation)) is not None
    ]
    return max(bases, default=-1 - anticipation)


def _notes(sample: Sample, left_out: list[int], anticipation: int) -> tuple[str, ...]:
    """Say which horizons have no control, and how many treated units are never compared."""
    notes = [f"No clean control at event time {first_three(left_out)}."] if left_out else []
    lost = []
    for g in _cohorts(sample):
        base = last_base(int(g), sample.years, anticipation)
        place = None if base is None else int(np.searchsorted(sample.years, base))
        member = sample.cohort == g
        without = member if place is None else member & ~sample.mask[:, place]
        if without.any():
            at = "a time before it" if base is None else sample.step.label(base)
            count = many(int(without.sum()), "unit")
            lost.append(f"{count} of cohort {sample.step.label(g)} (not seen in {at})")
    if lost:
        notes.append(f"Not compared: {first_three(lost)}.")
    return tuple(notes)


def _fit_horizons(
    sample: Sample,
    starts: NDArray[np.int64],
    entries: Entries,
    weighting: str,
    anticipation: int,
    reference: int,
) -> tuple[dict[int, _Horizon], list[int]]:
    entered = [g for place, g in enumerate(starts) if place and entries.sides(place, 0)[0].any()]
    wanted = {int(t) - int(g) for g in entered for t in sample.years} - {reference}
    fits, left_out = {}, []
    for horizon in sorted(wanted):
        rows = _long_differences(sample, starts, entries, horizon, weighting, anticipation)
        if rows is None:
            if not _only_bases(sample, horizon, anticipation):
                left_out.append(horizon)
        else:
            fits[horizon] = _fit(sample, rows, weighting)
    if not any(horizon >= 0 for horizon in fits):
        raise DesignError(
            "no horizon has units that enter and units that stay untreated, both seen in it and "
            "in the last year before treatment.\n"
            "  Add never-treated or later-treated units, or look for years that are missing."
        )
    return fits, left_out


def _fit_pooled(
    sample: Sample,
    starts: NDArray[np.int64],
    entries: Entries,
    weighting: str,
    anticipation: int,
    last: int,
) -> dict[int, _Horizon]:
    """Fit the mean over event times 0 to the last."""
    if not isinstance(last, int | np.integer) or isinstance(last, bool) or last < 0:
        raise DesignError(f"pooled={last!r}.\n  Give the last event time, a whole number from 0.")
    rows = _long_differences(sample, starts, entries, last, weighting, anticipation, first=0)
    if rows is None:
        raise DesignError(
            f"no cohort is seen from event time 0 to {last} with units untreated through it.\n"
            "  Take fewer event times."
        )
    return {int(last): _fit(sample, rows, weighting)}


def _seen_in(sample: Sample, places: list[int]) -> NDArray[np.bool_]:
    mask = sample.mask
    return mask[:, places[0]] if len(places) == 1 else np.all(mask[:, places], axis=1)


def _only_bases(sample: Sample, horizon: int, anticipation: int) -> bool:
    """Return whether every cohort seen at a horizon has its base there."""
    seen = [int(g) for g in _cohorts(sample) if g + horizon in sample.years]
    return all(last_base(g, sample.years, anticipation) == g + horizon for g in seen)


def _long_differences(
    sample: Sample,
    starts: NDArray[np.int64],
    entries: Entries,
    horizon: int,
    weighting: str,
    anticipation: int,
    first: int | None = None,
) -> _LongDifferences | None:
    """Stack the clean samples of one horizon; None if no entry year has both sides.

    From a first horizon on the outcome is the mean over all times seen from it to the last.
    """
    column = {int(year): place for place, year in enumerate(sample.years)}
    parts: list[tuple[NDArray[np.intp], NDArray[np.intp], Array, Array, Array]] = []
    n_entries = n_rows = 0
    enters = False
    ever = np.zeros(sample.n_units, bool)
    for place, start in enumerate(starts):
        window = range(horizon if first is None else first, horizon + 1)
        end = [column[start + h] for h in window if start + h in column]
        base = int(np.searchsorted(sample.years, start - anticipation)) - 1
        beyond = start + horizon > sample.years[-1]
        if not end or beyond or base < 0 or end == [base]:
            continue
        both = _seen_in(sample, end) & sample.mask[:, base]
        treated, control = (side & both for side in entries.sides(place, horizon))
        contrast = bool(treated.any() and control.any())
        enters |= contrast
        if not contrast and (weighting == "equal" or not control.any()):
            continue
        member = treated | control
        n_entries, n_rows = n_entries + 1, n_rows + int(member.sum())
        ever |= member
        if not contrast and not len(sample.covariates):
            continue
        rows = np.flatnonzero(member)
        entry = np.full(len(rows), len(parts), dtype=np.intp)
        change: Array = (
            sample.outcome[np.ix_(rows, np.array(end))].mean(axis=1) - sample.outcome[rows, base]
        )
        covariates = sample.covariates[:, rows, base].T
        parts.append((rows, entry, treated[rows].astype(float), change, covariates))
    if not enters:
        return None
    unit, entry, treated, change, covariates = (np.concatenate(p) for p in zip(*parts, strict=True))  # type: ignore[assignment]
    return _LongDifferences(unit, entry, treated, change, covariates, n_entries, n_rows, ever)  # type: ignore[arg-type]


def _fit(sample: Sample, rows: _LongDifferences, weighting: str) -> _Horizon:
    """Regress changes on entering treatment, with effects of the entry year."""
    entry = rows.entry
    weight = sample.weight[rows.unit]
    if weighting == "equal":
        total = np.bincount(entry, weight)
        control = np.bincount(entry, weight * (1 - rows.treated))
        weight = weight * (total / control)[entry]
    size = np.bincount(entry, weight)

    def centre(values: Array) -> Array:
        return values - (np.bincount(entry, weight * values) / size)[entry]

    change = centre(rows.change)
    columns = np.column_stack([centre(rows.treated), *map(centre, rows.covariates.T)])
    gram = columns.T @ (weight[:, None] * columns)
    raw = np.r_[1.0, weight @ rows.covariates**2]
    keep = independent(gram, raw, 1)
    columns, gram = columns[:, keep], gram[np.ix_(keep, keep)]
    bread = np.linalg.inv(gram)
    beta = bread @ (columns.T @ (weight * change))
    residual = change - columns @ beta
    score = weight * residual * (columns @ bread[0])
    influence = sample.n_units * np.bincount(rows.unit, score, sample.n_units)
    n_clusters = int(np.count_nonzero(np.bincount(sample.cluster[rows.member])))
    factor = small_sample_factor(rows.n_rows, rows.n_entries + len(beta), n_clusters)
    treated = rows.unit[rows.treated > 0]
    held = int(np.count_nonzero(np.bincount(sample.cluster[treated])))
    unused = tuple(name for name, stays in zip(sample.names, keep[1:], strict=True) if not stays)
    return _Horizon(float(beta[0]), influence * np.sqrt(factor), len(treated), held, unused)
