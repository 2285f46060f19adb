"""Synthetic difference-in-differences, with synthetic control and its relatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three
from ..outcomes import outcome_values
from ..panel import NEVER_TREATED, Panel, cohorts_within, need_panel
from ..progress import counted
from ..results import Design, Effects, Units, terms_frame
from ..results.few_clusters import MANY_CLUSTERS, MANY_TREATED, THESE
from ..results.neyman import neyman_factor, welch_dof
from ._sample import (
    blank_phrases,
    count_blank,
    gap_notes,
    refuse_constant,
    treated_when_first_seen,
)
from ._synthetic import METHODS, Array, Method, SyntheticFit
from ._synthetic_blocks import (
    Blocks,
    Side,
    by_cluster,
    donors_only,
    fit_all,
    in_order,
    leave_out,
    placebo,
    repath,
    resample,
    resample_cohorts,
)
from ._within import TwoWay

Variance = Literal["placebo", "jackknife", "bootstrap", "cohort_bootstrap"]
VARIANCES = ("placebo", "jackknife", "bootstrap", "cohort_bootstrap")


def synthetic_did(
    panel: Panel,
    outcome: str,
    *,
    method: Method = "sdid",
    covariates: Sequence[str] = (),
    donors: Sequence[Any] | None = None,
    variance: Variance = "placebo",
    n_draws: int = 200,
    seed: int = 20260101,
    progress: bool = False,
) -> Effects:
    """Estimate effects by synthetic difference-in-differences.

    Each adoption date is fitted on its own against the never-treated units; event-time effects
    average over dates by the number of adopters, and ``.overall`` averages all treated cells.

    Parameters
    ----------
    panel : Panel
        Balanced, with never-treated units. Its weight averages the adopters (with
        ``method="did"`` the donors too; other weights of donors are fitted); its clusters are
        what every variance draws or leaves out whole.
    outcome : str
        A registered outcome or a numeric column.
    method : str
        ``"sdid"``, ``"sc"`` (synthetic control), ``"did"``, or ``"ascm"`` (ridge-augmented
        synthetic control). Without a penalty, as ``"sc"`` is, many weights may fit the years before
        adoption equally well, where donors are more than these years: one of them is taken.
    covariates : sequence of str
        Time-varying columns that treatment does not move. Their part, by slopes within units and
        years of untreated rows, is taken from the outcome first.
    donors : sequence, optional
        Units that may get weight; all that are never treated without.
    variance : str
        ``"placebo"`` gives never-treated units the adopters' dates; ``"jackknife"`` leaves out
        one unit with weights kept; ``"bootstrap"`` draws units anew; ``"cohort_bootstrap"``
        draws them within each date and among donors, one fewer than there are, so that the number
        that adopt each year counts as given; t quantiles count units as Welch's test does, for the
        average effect, and draws. With one adopter only placebo is valid: every donor takes the
        adopter's place once, no standard error is given, and the foot carries the rank.
    n_draws : int
        Placebo or bootstrap draws.
    seed : int
        Seed of the draws.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Effects
        One term an event time, negative ones being fit before adoption. Carries no influence
        functions.

    Raises
    ------
    DesignError
        The panel is not balanced, has no never-treated unit, or the variance asked for cannot
        be had from so few units while another one can. Where none can (one adopter, one donor) the
        estimate comes without an error.

    References
    ----------
    Arkhangelsky et al. (2021), American Economic Review 111(12), Algorithms 1 to 4; Clarke,
    Pailañir, Athey and Imbens (2024) for several adoption dates; Rao and Wu (1988) for the
    bootstrap within cohorts.
    """
    check_choice("method", method, METHODS)
    check_choice("variance", variance, VARIANCES)
    if n_draws < 2 and variance != "jackknife":
        raise DesignError(f"n_draws={n_draws}.\n  Give two draws or more.")
    panel = donors_only(panel, donors)
    blocks, kept = make_blocks(panel, outcome, covariates), _read(panel, outcome)[1]
    needs = _variances(blocks)
    _fail_if_variance_cannot_be_had(needs, variance)
    possible = not all(needs.values())
    fits = fit_all(blocks, method)
    event, estimate = _stack(fits, blocks.sizes, blocks.years)
    draws = np.empty((0, len(estimate)))
    if possible:
        draws = _draw(blocks, fits, method, variance, n_draws, seed, progress)
    who = "unit" if blocks.n_adopters == 1 else "cluster"
    vcov, notes = _spread(draws, estimate, variance, _n_treated(blocks), who)
    units = _units(panel, kept)
    notes += gap_notes(units.cohort, blocks.years, panel.step)
    design = Design(
        outcome=outcome,
        estimator=f"synthetic_did ({method})",
        n_units=int(kept.units.sum()),
        n_obs=blocks.years.size * int(kept.units.sum()),
        n_clusters=int(blocks.cluster.max()) + 1,
        clusters=panel.cluster or panel.unit,
        weights=panel.weight,
        covariates=(covariates,) if isinstance(covariates, str) else tuple(covariates),
        step=panel.step,
        left_out=kept.left_out,
        provenance=panel.provenance,
        truth=None if kept.n_treated else panel.truth,
        std_errors=(
            f"{variance.replace('_', ' ')}, {len(draws)} draws, "
            f"{panel.cluster or 'units'} as clusters"
            if possible
            else "none"
        ),
        control_group="never_treated",
        seed=seed,
        n_draws=len(draws),
        dof=_dof(blocks, fits, variance, len(draws)),
        n_left_out=kept.n_treated,
        n_treated_clusters=_n_treated(blocks),
        keeps_size=_keeps_size(blocks, needs, variance),
        data_hash=panel.data_hash,
        notes=notes,
    )
    terms = terms_frame(outcome, [f"event time {e}" for e in event], event_time=list(event))
    overall = Effects(
        estimate=estimate[-1:],
        terms=terms_frame(outcome, ["overall"], n_units=[blocks.n_adopters]),
        design=design,
        units=units,
        given_vcov=vcov[-1:, -1:],
    )
    return Effects(
        estimate=estimate[:-1],
        terms=terms,
        design=design,
        units=overall.units,
        given_vcov=vcov[:-1, :-1],
        treated_clusters=_held_by(blocks, event),
        overall_effect=overall,
        refit=partial(
            synthetic_did,
            outcome=outcome,
            method=method,
            covariates=covariates,
            variance=variance,
            n_draws=n_draws,
            seed=seed,
        ),
    )


def _dof(blocks: Blocks, fits: dict[int, SyntheticFit], variance: Variance, n_draws: int) -> float:
    """Count what the variance of the average effect was learned from: units, and draws.

    Units count as Welch counts them, by what each adds to the average with all weights held fixed.
    """
    if variance != "cohort_bootstrap":
        return np.inf
    weights = _event_weights(blocks.sizes, blocks.years)[1][:, -1].reshape(len(fits), -1)
    parts = [np.zeros(len(blocks.donors))]
    sides = [blocks.donors]
    for (g, fit), weight in zip(fits.items(), weights, strict=True):
        donors, adopters = (
            (grid - (grid[:, : len(fit.time_weights)] @ fit.time_weights)[:, None]) @ weight
            for grid in (blocks.donors.rows, blocks.adopters[g].rows)
        )
        parts[0] -= fit.unit_weights * (donors - fit.unit_weights @ donors)
        parts.append(adopters * blocks.adopters[g].share)
        sides.append(blocks.adopters[g])
    parts = [by_cluster(part, side) for part, side in zip(parts, sides, strict=True)]
    group = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    sums = np.concatenate([part - part.mean() for part in parts])[:, None]
    free = welch_dof(neyman_factor(group)[group, None] * sums, group)[0]
    return float(1 / (1 / free + 1 / (n_draws - 1)))


def make_blocks(panel: Panel, outcome: str, covariates: Sequence[str] = ()) -> Blocks:
    """Cut a panel into donors and adopters, the outcome net of covariates.

    Raises
    ------
    DesignError
        No rows, missing cells, no never-treated unit, or no adopter.
    """
    grid, kept = _read(panel, outcome)
    weight, cluster = panel.weight_by_unit, panel.cluster_by_unit
    cohort = cohorts_within(panel.cohort_by_unit, int(kept.years[-1]))
    if len(covariates):
        grid = _net_of(panel, grid, kept, cohort, covariates)
    donors = kept.units & (cohort == NEVER_TREATED)
    dates = np.unique(cohort[kept.units & (cohort != NEVER_TREATED)])
    if not donors.any() or not dates.size:
        missing = "never-treated unit to draw weights from" if dates.size else "treated unit"
        raise DesignError(f"no {missing}.\n  Use att_gt with not-yet-treated controls, if any.")

    def side(member: NDArray[np.bool_]) -> Side:
        return Side(grid[member], weight[member], cluster[member])

    adopters = {int(g): side(kept.units & (cohort == g)) for g in dates}
    return Blocks(side(donors), adopters, kept.years, panel.units[donors])


def _net_of(
    panel: Panel, grid: Array, kept: _Kept, cohort: NDArray[np.int64], covariates: Sequence[str]
) -> Array:
    """Take from the outcome what covariates explain in untreated rows, within units and years.

    Source: Arkhangelsky et al. (2021), footnote 4; slopes from untreated rows alone, so that
    effects do not enter them (Kranz 2022).
    """
    names = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    columns = np.searchsorted(panel.years, kept.years)
    x = np.stack([panel.grid(outcome_values(panel, name))[:, columns] for name in names])
    holes = np.argwhere(~np.isfinite(x).all(axis=0) & kept.units[:, None])
    if holes.size:
        where = [f"{panel.units[i]} in {panel.say(kept.years[t])}" for i, t in holes]
        raise DesignError(
            f"{', '.join(names)} is missing for {first_three(where)}.\n"
            "  Fill it, or leave these units out."
        )
    start = np.where(cohort == NEVER_TREATED, np.iinfo(np.int64).max, cohort)
    free = (kept.years < start[:, None]) & kept.units[:, None]
    two = TwoWay((free[kept.units] * panel.weight_by_unit[kept.units, None]).astype(float))
    inside = [two.residual(one[kept.units]) for one in (grid, *x)]
    y, *regressors = (one[free[kept.units]] for one in inside)
    root = np.sqrt(np.broadcast_to(panel.weight_by_unit[:, None], free.shape)[free])
    design = np.column_stack(regressors) * root[:, None]
    size = np.linalg.norm(x[:, free], axis=1) + 1e-300
    if np.linalg.matrix_rank(design / size, tol=1e-8) < len(names):
        raise DesignError(
            f"{', '.join(names)} do not move on their own within units and years.\n"
            "  Leave out those that are constant or follow from others."
        )
    slopes = np.linalg.lstsq(design, y * root, rcond=None)[0]
    return np.where(kept.units[:, None], grid - np.tensordot(slopes, x, axes=1), grid)


@dataclass(frozen=True, eq=False)
class _Kept:
    """Units, shape (n_units,), and years of a panel that are used, with what is left out."""

    units: NDArray[np.bool_]
    years: NDArray[np.int64]
    n_treated: int
    left_out: tuple[str, ...]


def _read(panel: Panel, outcome: str) -> tuple[Array, _Kept]:
    """Lay out the outcome of units with a pre-period, in years that anybody is seen in."""
    need_panel(panel)
    if panel.frame.empty:
        raise DesignError("the panel has no rows.\n  Check the condition that chose them.")
    values = outcome_values(panel, outcome)
    usable = np.isfinite(values)
    if not usable.any():
        raise DesignError(f"no row has {outcome}.\n  Check missing values.")
    refuse_constant(outcome, values, usable)
    grid = panel.grid(values)
    seen = np.isfinite(grid)
    early, empty = treated_when_first_seen(panel, usable), ~seen.any(axis=1)
    keep, columns = ~early & ~empty, seen.any(axis=0)
    grid, years = grid[:, columns], panel.years[columns]
    holes = np.argwhere(~np.isfinite(grid) & keep[:, None])
    if holes.size:
        where = [f"{panel.units[i]} in {panel.say(years[t])}" for i, t in holes]
        raise DesignError(
            f"{outcome} is missing for {first_three(where)}; synthetic methods need every "
            f"{panel.step.unit} of every unit.\n  Drop these units, or end the panel earlier."
        )
    left_out = blank_phrases((outcome,), *count_blank(panel, usable))
    return grid, _Kept(keep, years, int(early.sum()), left_out)


def used_units(panel: Panel, outcome: str) -> tuple[Units, _Kept]:
    """Return the units behind a synthetic estimate, and what was left out."""
    kept = _read(panel, outcome)[1]
    return _units(panel, kept), kept


def _units(panel: Panel, sample: _Kept) -> Units:
    return Units(
        ids=panel.units[sample.units],
        cohort=cohorts_within(panel.cohort_by_unit[sample.units], int(sample.years[-1])),
        weight=panel.weight_by_unit[sample.units],
        cluster=pd.factorize(panel.cluster_by_unit[sample.units])[0].astype(np.intp),
    )


def _stack(
    fits: dict[int, SyntheticFit], sizes: dict[int, float], years: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Array]:
    """Average paths by event time; the last entry is the average over treated cells."""
    event, weights = _event_weights(sizes, years)
    return event, np.concatenate([fit.path for fit in fits.values()]) @ weights


def _event_weights(
    sizes: dict[int, float], years: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Array]:
    """Return event times and the weight of each date and year in each average."""
    event = np.concatenate([years - g for g in sizes])
    size = np.repeat(np.array(list(sizes.values()), dtype=float), len(years))
    keys, codes = np.unique(event, return_inverse=True)
    weights = np.zeros((len(event), len(keys) + 1))
    weights[np.arange(len(event)), codes] = size
    weights[:, -1] = size * (event >= 0)
    return keys, weights / weights.sum(axis=0)


def _held_by(blocks: Blocks, event: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the clusters of adopters behind each event time, of the date that has most."""
    most = dict.fromkeys(event.tolist(), 0)
    for g, side in blocks.adopters.items():
        for time in (blocks.years - g).tolist():
            most[time] = max(most[time], side.n_clusters)
    return np.array(list(most.values()), dtype=np.int64)


def _n_treated(blocks: Blocks) -> int:
    """Count the clusters that hold an adopter."""
    return len(np.unique(np.concatenate([side.cluster for side in blocks.sides[1:]])))


def _variances(blocks: Blocks) -> dict[str, str]:
    """Say which variances can be had; with what each needs, empty where it can.

    What is counted are clusters: units, where the panel has no other.
    """
    own = blocks.n_adopters == _n_treated(blocks) and blocks.donors.n_clusters == len(blocks.donors)
    of = "" if own else "clusters of "
    treated, donors = _n_treated(blocks), blocks.donors.n_clusters
    lone = [g for g, side in blocks.adopters.items() if side.n_clusters < 2]
    two = f"two {of}adopters at every date; {first_three(lone)} has one" if lone else ""
    if donors < 2:
        two = f"two {of}donors; there is one"
    split = int(blocks.cluster.max()) + 1 < sum(side.n_clusters for side in blocks.sides)
    short = len(blocks.donors) <= blocks.n_adopters
    return {
        "placebo": (
            f"more donors than adopters; there are {len(blocks.donors)} and {blocks.n_adopters}"
            if short
            else ""
        ),
        "jackknife": two,
        "bootstrap": f"two {of}adopters; there is one" if treated < 2 else "",
        "cohort_bootstrap": two
        or ("clusters whose units start together or never do" if split else ""),
    }


def _fail_if_variance_cannot_be_had(needs: dict[str, str], variance: Variance) -> None:
    possible = [name for name, need in needs.items() if not need]
    if possible and needs[variance]:
        raise DesignError(
            f"{variance} needs {needs[variance]}.\n  Use variance="
            + " or ".join(f'"{name}"' for name in possible)
            + "."
        )


def _keeps_size(blocks: Blocks, needs: dict[str, str], variance: Variance) -> str:
    """Name the variance whose intervals keep their size with few units."""
    treated = _n_treated(blocks)
    enough = treated >= MANY_TREATED and int(blocks.cluster.max()) + 1 >= MANY_CLUSTERS
    if enough or treated < 2 or all(needs.values()):
        return ""
    if needs["cohort_bootstrap"]:
        return "randomisation_test"
    return THESE if variance == "cohort_bootstrap" else 'variance="cohort_bootstrap"'


def _draw(
    blocks: Blocks,
    fits: dict[int, SyntheticFit],
    method: Method,
    variance: Variance,
    n_draws: int,
    seed: int,
    progress: bool,
) -> Array:
    """Return draws of the stacked estimate, shape (n_draws, n_event_times + 1)."""
    if variance == "jackknife":
        return _jackknife(blocks, fits)
    n_donors = blocks.donors.n_clusters
    every_donor_once = variance == "placebo" and blocks.n_adopters == 1
    rng = np.random.default_rng(seed)
    steps = range(len(blocks.donors) if every_donor_once else n_draws)
    draws = []
    for i in counted(steps, show=progress, title=variance, unit="draw"):
        if every_donor_once:
            drawn = placebo(blocks, np.roll(np.arange(len(blocks.donors)), -i))
        elif variance == "placebo":
            drawn = placebo(blocks, in_order(blocks.donors, rng.permutation(n_donors)))
        elif variance == "cohort_bootstrap":
            drawn = resample_cohorts(blocks, rng)
        else:
            drawn = resample(blocks, rng)
        sizes = (blocks if variance == "cohort_bootstrap" else drawn).sizes
        draws.append(_stack(fit_all(drawn, method), sizes, blocks.years)[1])
    return np.array(draws)


def _jackknife(blocks: Blocks, fits: dict[int, SyntheticFit]) -> Array:
    """Leave out one cluster at a time; donors' weights are rescaled, time weights kept."""
    draws = []
    for cluster in range(int(blocks.cluster.max()) + 1):
        rest, donors = leave_out(blocks, cluster)
        left = {
            g: repath(fit, rest.donors, fit.unit_weights[donors], rest.adopters[g])
            for g, fit in fits.items()
        }
        draws.append(_stack(left, rest.sizes, blocks.years)[1])
    return np.array(draws)


def _spread(
    draws: Array, estimate: Array, variance: Variance, n_treated: int, who: str
) -> tuple[Array, tuple[str, ...]]:
    n = len(draws)
    if not n:
        note = "No variance can be had from so few units: no standard error."
        return np.full((len(estimate), len(estimate)), np.nan), (note,)
    centred = draws - draws.mean(axis=0)
    factor = (n - 1) / n if variance == "jackknife" else 1.0 / n
    vcov = factor * centred.T @ centred
    if n_treated > 1:
        return vcov, ()
    beyond = int(np.sum(np.abs(draws[:, -1]) >= abs(estimate[-1])))
    note = (
        f"One {who} is treated: no standard error. Placebo p-value of the overall effect "
        f"{(1 + beyond) / (1 + n):.3f}, from {n} placebo draws."
    )
    return np.full_like(vcov, np.nan), (note,)
