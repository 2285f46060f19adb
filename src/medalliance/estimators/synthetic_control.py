"""Synthetic control that matches predictors, with what speaks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, check_level, first_three
from ..outcomes import outcome_values
from ..panel import Panel, need_panel
from ..progress import counted
from ..results import Design, Effects, terms_frame
from ..results._findings import findings_of
from ..show.findings import Findings
from ._predictors import (
    Array,
    Predictor,
    by_regression,
    conformal_interval,
    match,
    nested,
    standardised,
    summarise,
)
from ._sample import gap_notes
from ._synthetic import augment
from ._synthetic_blocks import Blocks, donors_only
from .synthetic_did import make_blocks, used_units

WAYS = ("nested", "cross_validated", "regression", "equal")
NOTICED = 1e-3


def synthetic_control(
    panel: Panel,
    outcome: str,
    *,
    predictors: Sequence[Predictor] = (),
    importance: Literal["nested", "cross_validated", "regression", "equal"]
    | Sequence[float] = "nested",
    training: Sequence[Predictor] = (),
    fit_years: Sequence[int] = (),
    donors: Sequence[Any] | None = None,
    augmented: bool = False,
    level: float = 0.95,
    seed: int = 20260101,
    progress: bool = False,
) -> Effects:
    """Estimate effects on units that adopt together by donors that match their predictors.

    Donors get weights that add up to one, none negative, so that weighted predictors are those of
    the adopters; the more important a predictor, the closer.

    Parameters
    ----------
    panel : Panel
        Balanced, with one adoption date and never-treated units. Its weight averages adopters.
    outcome : str
        A registered outcome or a numeric column.
    predictors : sequence
        Each a column (its mean over the years before adoption), a column with years, or a column
        with years and a summary: ``("gdp", range(1981, 1991), "mean")``; summaries are mean,
        median, sum, min, max, std, first, last, change. Blanks are skipped. Without any, the
        outcome of every year before adoption is one.
    importance : {"nested", "cross_validated", "regression", "equal"} or sequence of float
        How heavily predictors count: so that the outcome is followed best before adoption; so that
        predictors of ``training`` predict the outcome of ``fit_years``; by squared slopes of
        the outcome on predictors across units; alike; or as given.
    training : sequence
        With ``"cross_validated"``: the predictors as measured earlier, in the same order; without,
        their years less the number of ``fit_years``.
    fit_years : sequence of int
        Years of the outcome that importance is fitted to; all before adoption without, their later
        half with ``"cross_validated"``.
    donors : sequence, optional
        Units that may get weight; all that are never treated without.
    augmented : bool
        Whether what is left unmatched of predictors and of yearly outcomes is corrected by ridge
        regression; weights may then be negative. Placebos and intervals are those without.
    level : float
        Of the conformal intervals.
    seed : int
        Of the points from which importance is searched.
    progress : bool
        Whether to show a line of progress.

    Returns
    -------
    Effects
        One term an event time, negative ones being fit before adoption; without standard errors.
        ``.tests`` holds ``"weights"``, ``"predictors"`` (adopters, synthetic, mean of donors,
        importance), ``"placebo"`` (each donor in the adopters' place, importance kept),
        ``"leave_one_out"`` (each donor with weight left out), ``"conformal"`` (an interval a year).

    Raises
    ------
    DesignError
        If there are several dates, too few donors, a predictor that is not known for a unit or
        looks at years of treatment, or importance that does not fit the predictors.

    References
    ----------
    Abadie, Diamond, Hainmueller (2010), section 2.3, and (2015), section on cross-validation;
    Ben-Michael, Feller, Rothstein (2021) for ``augmented``, section 6 with predictors;
    Chernozhukov, Wuethrich, Zhu (2021) for the intervals.
    """
    need_panel(panel)
    check_level(level)
    panel = donors_only(panel, donors)
    blocks = make_blocks(panel, outcome)
    if len(blocks.adopters) > 1:
        raise DesignError(
            f"units adopt in {first_three(panel.say(g) for g in blocks.adopters)}.\n"
            "  Keep one date with panel.keep, or take synthetic_did."
        )
    if len(blocks.donors) < 2:
        raise DesignError("one donor has nothing to be weighted with.\n  Name two donors or more.")
    problem = _Problem(panel, outcome, blocks, augmented)
    matched = problem.read(predictors)
    found: Any = importance
    if isinstance(importance, str):
        check_choice("importance", importance, WAYS)
        found = _importance(problem, matched, importance, predictors, training, fit_years, seed)
    share = _given(found, matched)
    weights, ridge = problem.weights(matched, share)
    (cohort, side), years = next(iter(blocks.adopters.items())), blocks.years
    gap = side.mean - weights @ blocks.donors.rows
    effect = float(gap[problem.n_pre :].mean())
    placebo = _placebo(problem, matched, share, gap, progress)
    way = importance if isinstance(importance, str) else "given"
    named = f"{len(matched.names)} predictors, importance {way.replace('_', '-')}"
    kind = "augmented, " if augmented else ""
    units, kept = used_units(panel, outcome)
    design = Design(
        outcome=outcome,
        estimator=f"synthetic_control ({kind}{named if predictors else 'yearly outcomes'})",
        n_units=len(units.ids),
        n_obs=len(units.ids) * len(years),
        n_clusters=int(blocks.cluster.max()) + 1,
        clusters=panel.cluster or panel.unit,
        weights=panel.weight,
        step=panel.step,
        left_out=kept.left_out,
        provenance=panel.provenance,
        truth=None if kept.n_treated else panel.truth,
        std_errors="none",
        control_group="never_treated",
        seed=seed,
        n_left_out=kept.n_treated,
        n_treated_clusters=len(np.unique(side.cluster)),
        data_hash=panel.data_hash,
        notes=(
            f"Placebo p-value {placebo.p_value:.3f}: rank of the ratio of gaps after to gaps "
            f"before among {len(placebo)} units.",
            *gap_notes(units.cohort, years, panel.step),
        ),
    )
    made = replace(design, n_treated_clusters=2)
    tests = {
        "weights": _weights(weights, blocks, made),
        "predictors": _balance(matched, weights, share, made),
        "placebo": replace(placebo, foot=design.foot()),
        "leave_one_out": _left_out(problem, matched, share, (weights, ridge), made),
        "conformal": _conformal(problem, matched, share, gap, level, made, progress),
    }
    event = years - cohort
    shape = (len(event), len(event))
    again = partial(
        synthetic_control,
        outcome=outcome,
        predictors=predictors,
        importance=importance,
        training=training,
        fit_years=fit_years,
        augmented=augmented,
        level=level,
        seed=seed,
    )
    overall = Effects(
        estimate=np.array([effect]),
        terms=terms_frame(outcome, ["overall"], n_units=[len(side)]),
        design=design,
        units=units,
        given_vcov=np.full((1, 1), np.nan),
    )
    return Effects(
        estimate=gap,
        terms=terms_frame(outcome, [f"event time {e}" for e in event], event_time=list(event)),
        design=design,
        units=units,
        given_vcov=np.full(shape, np.nan),
        overall_effect=overall,
        refit=again,
        tests=tests,
    )


@dataclass(frozen=True, eq=False)
class _Matched:
    """Predictors by name: of the adopters, shape (k,), and of donors, shape (k, n_donors)."""

    names: tuple[str, ...]
    treated: Array
    donors: Array
    yearly: bool = False

    @property
    def scaled(self) -> tuple[Array, Array]:
        return standardised(self.treated, self.donors)


@dataclass(frozen=True, eq=False)
class _Problem:
    """Adopters of one date, their donors, and how these are weighted."""

    panel: Panel
    outcome: str
    blocks: Blocks
    augmented: bool

    @property
    def n_pre(self) -> int:
        return int((self.blocks.years < next(iter(self.blocks.adopters))).sum())

    @property
    def before(self) -> NDArray[np.int64]:
        return self.blocks.years[: self.n_pre]

    @property
    def treated(self) -> Array:
        return next(iter(self.blocks.adopters.values())).mean

    def read(self, predictors: Sequence[Predictor], shift: int = 0) -> _Matched:
        """Summarise predictors, windows moved back by ``shift`` years."""
        before = self.before
        if not predictors:
            yearly = tuple(f"{self.outcome} {self.panel.say(year)}" for year in before)
            pre = slice(None, self.n_pre)
            return _Matched(yearly, self.treated[pre], self.blocks.donors.rows[:, pre].T, True)
        panel, side = self.panel, next(iter(self.blocks.adopters.values()))
        units = used_units(panel, self.outcome)[0]
        cohort = next(iter(self.blocks.adopters))
        adopters = panel.units.get_indexer(units.ids[units.cohort == cohort])
        others = panel.units.get_indexer(self.blocks.donor_ids)
        names, mine, theirs = [], [], []
        for one in predictors:
            name, years, how = _spelled(one, before)
            years = years - shift
            wrong = np.setdiff1d(years, before)
            if len(wrong):
                raise DesignError(
                    f"predictor {name!r} looks at {first_three(wrong)}, outside {before[0]} to "
                    f"{before[-1]}, the years before adoption.\n  Name earlier years."
                )
            grid = panel.grid(outcome_values(panel, name))
            grid = grid[:, np.searchsorted(panel.years, years)]
            values = np.array([summarise(row, how) for row in grid])
            blank = ~np.isfinite(values[np.r_[adopters, others]])
            if blank.any():
                lost = panel.units[np.r_[adopters, others][blank]]
                raise DesignError(
                    f"predictor {name!r} is not known in {first_three(years)} for "
                    f"{first_three(lost)}.\n  Take other years, or leave these units out."
                )
            span = f"{years[0]}" if len(years) == 1 else f"{years[0]}-{years[-1]}"
            names.append(f"{name} {span}" + ("" if how == "mean" else f" {how}"))
            mine.append(side.share @ values[adopters])
            theirs.append(values[others])
        return _Matched(tuple(names), np.array(mine), np.array(theirs))

    def weights(
        self, matched: _Matched, share: Array, keep: Any = slice(None), ridge: float | None = None
    ) -> tuple[Array, float | None]:
        """Weight donors, some left out; return the ridge penalty too, None without."""
        treated, donors = matched.scaled
        weights = match(treated, donors[:, keep], share)
        if not self.augmented:
            return weights, None
        rows = self.blocks.donors.rows[keep, : self.n_pre]
        goal = self.treated[: self.n_pre]
        spread = rows.std(ddof=1)
        if not matched.yearly:  # predictors beside yearly outcomes, in the outcome's unit
            rows = np.column_stack([rows, spread * donors[:, keep].T])
            goal = np.append(goal, spread * treated)
        return augment(rows, goal, weights, ridge)


def _spelled(one: Predictor, before: NDArray[np.int64]) -> tuple[str, NDArray[np.int64], str]:
    if isinstance(one, str):
        return one, before, "mean"
    if len(one) not in (2, 3) or not isinstance(one[0], str):
        raise DesignError(
            f'a predictor is {one!r}.\n  Give a column, (column, years) or (column, years, "mean").'
        )
    years = np.sort(np.atleast_1d(np.asarray(one[1], dtype=np.int64)))
    return one[0], years, one[2] if len(one) == 3 else "mean"


def _importance(
    problem: _Problem,
    matched: _Matched,
    way: str,
    predictors: Sequence[Predictor],
    training: Sequence[Predictor],
    fit_years: Sequence[int],
    seed: int,
) -> Array:
    """Choose how heavily predictors count, shape (k,)."""
    before, k = problem.before, len(matched.names)
    half = way == "cross_validated"
    years = np.array(sorted(fit_years), dtype=np.int64)
    if not len(years):
        years = before[len(before) // 2 :] if half else before
    wrong = np.setdiff1d(years, before)
    if len(wrong):
        raise DesignError(
            f"fit_years name {first_three(wrong)}, outside {before[0]} to {before[-1]}, the years "
            "before adoption.\n  Name earlier years."
        )
    if half:
        early = problem.read(training) if training else problem.read(predictors, len(years))
        if len(early.names) != k:
            raise DesignError(
                f"{len(training)} predictors to train on, {k} to match.\n"
                "  Give the same ones, in the same order."
            )
        matched = early
    treated, donors = matched.scaled
    if way == "equal" or k == 1 or not predictors:
        return np.full(k, 1 / k)
    at = np.searchsorted(problem.blocks.years, years)
    outcome, others = problem.treated[at], problem.blocks.donors.rows[:, at].T
    if way == "regression":
        return by_regression(treated, donors, outcome, others)
    return nested(treated, donors, outcome, others, seed=seed).importance


def _given(importance: Any, matched: _Matched) -> Array:
    share = np.asarray(importance, dtype=float)
    if share.shape != (len(matched.names),) or (share < 0).any() or not share.sum() > 0:
        raise DesignError(
            f"importance {np.round(share, 3).tolist()} for {len(matched.names)} predictors.\n"
            "  Give one number a predictor, none negative, not all zero."
        )
    return np.asarray(share / share.sum())


def _weights(weights: Array, blocks: Blocks, design: Design) -> Findings:
    frame = pd.DataFrame({"donor": blocks.donor_ids, "weight": weights})
    frame = frame.sort_values("weight", ascending=False, kind="stable", ignore_index=True)
    return findings_of(design, frame, f"Weights of the synthetic {design.outcome}")


def _balance(matched: _Matched, weights: Array, share: Array, design: Design) -> Findings:
    frame = pd.DataFrame(
        {
            "predictor": matched.names,
            "treated": matched.treated,
            "synthetic": matched.donors @ weights,
            "donors": matched.donors.mean(axis=1),
            "importance": share,
        }
    )
    return findings_of(design, frame, "Predictors of adopters, their synthetic and all donors")


def _size(gap: Array) -> float:
    return float(np.sqrt(np.mean(gap**2)))


def _placebo(
    problem: _Problem, matched: _Matched, share: Array, gap: Array, progress: bool
) -> Findings:
    """Give each donor the adopters' place."""
    n_pre, rows = problem.n_pre, problem.blocks.donors.rows
    found = [("adopters", gap)]
    steps = counted(range(len(rows)), show=progress, title="placebo", unit="donor")
    for j in steps:
        rest = np.arange(len(rows)) != j
        own = replace(matched, treated=matched.donors[:, j], donors=matched.donors[:, rest])
        weights = match(*own.scaled, share)
        found.append((problem.blocks.donor_ids[j], rows[j] - weights @ rows[rest]))
    frame = pd.DataFrame(
        {
            "unit": [name for name, _ in found],
            "gap_before": [_size(one[:n_pre]) for _, one in found],
            "gap_after": [_size(one[n_pre:]) for _, one in found],
            "effect": [float(one[n_pre:].mean()) for _, one in found],
        }
    )
    frame["ratio"] = frame["gap_after"] / frame["gap_before"]
    p_value = float((frame["ratio"] >= frame["ratio"].iloc[0]).mean())
    title = f"{problem.outcome}: every donor in the adopters' place"
    return Findings(frame, title, "", problem.panel.provenance, {"p_value": p_value})


def _left_out(
    problem: _Problem,
    matched: _Matched,
    share: Array,
    found: tuple[Array, float | None],
    design: Design,
) -> Findings:
    """Weight donors anew without each that has weight; importance and penalty are kept."""
    weights, ridge = found
    rows, n_pre, out = problem.blocks.donors.rows, problem.n_pre, []
    for j in np.flatnonzero(np.abs(weights) > NOTICED):
        rest = np.arange(len(rows)) != j
        gap = problem.treated - problem.weights(matched, share, rest, ridge)[0] @ rows[rest]
        name = problem.blocks.donor_ids[j]
        out.append((name, weights[j], float(gap[n_pre:].mean()), _size(gap[:n_pre])))
    frame = pd.DataFrame(out, columns=["donor", "weight", "effect", "gap_before"])
    return findings_of(design, frame, f"{design.outcome} without one donor at a time")


def _conformal(
    problem: _Problem,
    matched: _Matched,
    share: Array,
    gap: Array,
    level: float,
    design: Design,
    progress: bool,
) -> Findings:
    """Find the effects of each year that a permutation of years does not reject."""
    years, n_pre, rows = problem.blocks.years, problem.n_pre, problem.blocks.donors.rows
    found = []
    own = np.append(share * n_pre, 1.0) / (n_pre + 1)
    for t in counted(range(n_pre, len(years)), show=progress, title="conformal", unit="year"):
        at = np.append(np.arange(n_pre), t)

        def gap_at(effect: float, t: int = t, at: NDArray[np.int64] = at) -> Array:
            supposed = problem.treated[t] - effect
            more = replace(
                matched,
                names=(*matched.names, "the year"),
                treated=np.append(matched.treated, supposed),
                donors=np.vstack([matched.donors, rows[:, t]]),
            )
            path = np.append(problem.treated[:n_pre], supposed)
            return np.asarray(path - match(*more.scaled, own) @ rows[:, at])

        scale = max(_size(gap[:n_pre]), 1e-9 * float(np.abs(problem.treated).max()), 1e-300)
        low, high = conformal_interval(gap_at, float(gap[t]), scale, level)
        found.append((problem.panel.say(years[t]), float(gap[t]), low, high))
    frame = pd.DataFrame(found, columns=["year", "effect", "conf_low", "conf_high"])
    title = f"{design.outcome}: conformal intervals at {level:.0%}"
    return findings_of(design, frame, title, level=level)
