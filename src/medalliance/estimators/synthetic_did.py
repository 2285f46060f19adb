"""Synthetic difference-in-differences, with synthetic control and its relatives."""

from __future__ import annotations

from dataclasses import dataclass
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
from ._synthetic import METHODS, Array, Method, SyntheticFit, synthetic_fit

Variance = Literal["placebo", "jackknife", "bootstrap", "cohort_bootstrap"]
VARIANCES = ("placebo", "jackknife", "bootstrap", "cohort_bootstrap")


@dataclass(frozen=True, eq=False)
class Blocks:
    """Donors and adopters of a balanced panel.

    Attributes
    ----------
    donors : ndarray, shape (n_donors, n_years)
    adopters : dict of int to ndarray, shape (n_adopters, n_years)
        By cohort.
    years : ndarray of int, shape (n_years,)
    donor_ids : Index, shape (n_donors,)
    """

    donors: Array
    adopters: dict[int, Array]
    years: NDArray[np.int64]
    donor_ids: pd.Index


def synthetic_did(
    panel: Panel,
    outcome: str,
    *,
    method: Method = "sdid",
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
        Balanced, with never-treated units.
    outcome : str
        A registered outcome or a numeric column.
    method : str
        ``"sdid"``, ``"sc"`` (synthetic control), ``"did"``, or ``"ascm"`` (ridge-augmented
        synthetic control). Without a penalty, as ``"sc"`` is, many weights may fit the years before
        adoption equally well, where donors are more than these years: one of them is taken.
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
    blocks = make_blocks(panel, outcome)
    needs = _variances(blocks)
    _fail_if_variance_cannot_be_had(needs, variance)
    possible = not all(needs.values())
    fits = fit_all(blocks, method)
    event, estimate = _stack(fits, _sizes(blocks), blocks.years)
    draws = np.empty((0, len(estimate)))
    if possible:
        draws = _draw(blocks, fits, method, variance, n_draws, seed, progress)
    vcov, notes = _spread(draws, estimate, variance, len(draws), _n_adopters(blocks))
    design = Design(
        outcome=outcome,
        estimator=f"synthetic_did ({method})",
        n_units=panel.n_units - panel.n_already_treated,
        n_obs=blocks.years.size * (len(blocks.donors) + _n_adopters(blocks)),
        n_clusters=len(blocks.donors) + _n_adopters(blocks),
        provenance=panel.provenance,
        truth=None if panel.n_already_treated else panel.truth,
        std_errors=(
            f"{variance.replace('_', ' ')}, {len(draws)} draws, units as clusters"
            if possible
            else "none"
        ),
        control_group="never_treated",
        seed=seed,
        n_draws=len(draws),
        dof=_dof(blocks, fits, variance, len(draws)),
        n_left_out=panel.n_already_treated,
        n_treated_clusters=_n_adopters(blocks),
        keeps_size=_keeps_size(blocks, needs, variance),
        data_hash=panel.data_hash,
        notes=notes,
    )
    terms = terms_frame(outcome, [f"event time {e}" for e in event], event_time=list(event))
    overall = Effects(
        estimate=estimate[-1:],
        terms=terms_frame(outcome, ["overall"], n_units=[_n_adopters(blocks)]),
        design=design,
        units=_units(panel),
        given_vcov=vcov[-1:, -1:],
    )
    return Effects(
        estimate=estimate[:-1],
        terms=terms,
        design=design,
        units=overall.units,
        given_vcov=vcov[:-1, :-1],
        overall_effect=overall,
        refit=_refit(outcome, method=method, variance=variance, n_draws=n_draws, seed=seed),
    )


def _dof(blocks: Blocks, fits: dict[int, SyntheticFit], variance: Variance, n_draws: int) -> float:
    """Count what the variance of the average effect was learned from: units, and draws.

    Units count as Welch counts them, by what each adds to the average with all weights held fixed.
    """
    if variance != "cohort_bootstrap":
        return np.inf
    weights = _event_weights(_sizes(blocks), blocks.years)[1][:, -1].reshape(len(fits), -1)
    parts = [np.zeros(len(blocks.donors))]
    for (g, fit), weight in zip(fits.items(), weights, strict=True):
        donors, adopters = (
            (grid - (grid[:, : len(fit.time_weights)] @ fit.time_weights)[:, None]) @ weight
            for grid in (blocks.donors, blocks.adopters[g])
        )
        parts[0] -= fit.unit_weights * (donors - fit.unit_weights @ donors)
        parts.append(adopters / len(adopters))
    group = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    sums = np.concatenate([part - part.mean() for part in parts])[:, None]
    free = welch_dof(neyman_factor(group)[group, None] * sums, group)[0]
    return float(1 / (1 / free + 1 / (n_draws - 1)))


def _refit(outcome: str, **options: Any) -> Any:
    return lambda panel: synthetic_did(panel, outcome, **options)


def make_blocks(panel: Panel, outcome: str) -> Blocks:
    """Cut a panel into donors and adopters.

    Raises
    ------
    DesignError
        No rows, missing cells, no never-treated unit, or no adopter.
    """
    need_panel(panel)
    if panel.frame.empty:
        raise DesignError("the panel has no rows.\n  Check the condition that chose them.")
    grid = panel.grid(outcome_values(panel, outcome))
    keep = ~panel.already_treated
    holes = np.argwhere(~np.isfinite(grid) & keep[:, None])
    if holes.size:
        where = [f"{panel.units[i]} in {panel.years[t]}" for i, t in holes]
        raise DesignError(
            f"{outcome} is missing for {first_three(where)}; synthetic methods need every year "
            "of every unit.\n  Drop these units, or end the panel earlier."
        )
    cohort = cohorts_within(panel.cohort_by_unit, int(panel.years[-1]))
    donors = keep & (cohort == NEVER_TREATED)
    dates = np.unique(cohort[keep & (cohort != NEVER_TREATED)])
    if not donors.any() or not dates.size:
        missing = "never-treated unit to draw weights from" if dates.size else "treated unit"
        raise DesignError(f"no {missing}.\n  Use att_gt with not-yet-treated controls, if any.")
    adopters = {int(g): grid[keep & (cohort == g)] for g in dates}
    return Blocks(grid[donors], adopters, panel.years, panel.units[donors])


def fit_all(blocks: Blocks, method: Method) -> dict[int, SyntheticFit]:
    """Fit every adoption date."""
    return {
        g: synthetic_fit(blocks.donors, treated, int(np.sum(blocks.years < g)), method)
        for g, treated in blocks.adopters.items()
    }


def _units(panel: Panel) -> Units:
    keep = ~panel.already_treated
    return Units(
        ids=panel.units[keep],
        cohort=cohorts_within(panel.cohort_by_unit[keep], int(panel.years[-1])),
        weight=np.ones(int(keep.sum())),
        cluster=np.arange(int(keep.sum())),
    )


def _sizes(blocks: Blocks) -> dict[int, int]:
    return {g: len(rows) for g, rows in blocks.adopters.items()}


def _n_adopters(blocks: Blocks) -> int:
    return sum(_sizes(blocks).values())


def _stack(
    fits: dict[int, SyntheticFit], sizes: dict[int, int], years: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Array]:
    """Average paths by event time; the last entry is the average over treated cells."""
    event, weights = _event_weights(sizes, years)
    return event, np.concatenate([fit.path for fit in fits.values()]) @ weights


def _event_weights(
    sizes: dict[int, int], years: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Array]:
    """Return event times and the weight of each date and year in each average."""
    event = np.concatenate([years - g for g in sizes])
    size = np.repeat(np.array(list(sizes.values()), dtype=float), len(years))
    keys, codes = np.unique(event, return_inverse=True)
    weights = np.zeros((len(event), len(keys) + 1))
    weights[np.arange(len(event)), codes] = size
    weights[:, -1] = size * (event >= 0)
    return keys, weights / weights.sum(axis=0)


def _variances(blocks: Blocks) -> dict[str, str]:
    """Say which variances can be had; with what each needs, empty where it can."""
    treated, donors = _n_adopters(blocks), len(blocks.donors)
    lone = [g for g, rows in blocks.adopters.items() if len(rows) < 2]
    two = f"two adopters at every date; {first_three(lone)} has one" if lone else ""
    if donors < 2:
        two = "two donors; there is one"
    return {
        "placebo": (
            f"more donors than adopters; there are {donors} and {treated}"
            if donors <= treated
            else ""
        ),
        "jackknife": two,
        "bootstrap": "two adopters; there is one" if treated < 2 else "",
        "cohort_bootstrap": two,
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
    treated = _n_adopters(blocks)
    enough = treated >= MANY_TREATED and len(blocks.donors) + treated >= MANY_CLUSTERS
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
    every_donor_once = variance == "placebo" and _n_adopters(blocks) == 1
    rng = np.random.default_rng(seed)
    steps = range(len(blocks.donors) if every_donor_once else n_draws)
    draws = []
    for i in counted(steps, show=progress, title=variance, unit="draw"):
        if every_donor_once:
            drawn = _placebo(blocks, np.roll(np.arange(len(blocks.donors)), -i))
        elif variance == "placebo":
            drawn = _placebo(blocks, rng.permutation(len(blocks.donors)))
        elif variance == "cohort_bootstrap":
            drawn = _resample_cohorts(blocks, rng)
        else:
            drawn = _resample(blocks, rng)
        sizes = _sizes(blocks if variance == "cohort_bootstrap" else drawn)
        draws.append(_stack(fit_all(drawn, method), sizes, blocks.years)[1])
    return np.array(draws)


def _placebo(blocks: Blocks, order: NDArray[np.intp]) -> Blocks:
    """Give the first donors in this order the adopters' dates."""
    adopters, start = {}, 0
    for g, rows in blocks.adopters.items():
        adopters[g] = blocks.donors[order[start : start + len(rows)]]
        start += len(rows)
    return Blocks(blocks.donors[order[start:]], adopters, blocks.years, blocks.donor_ids)


def _resample(blocks: Blocks, rng: np.random.Generator) -> Blocks:
    """Draw units with replacement until every date keeps an adopter and donors remain."""
    sizes = [len(blocks.donors), *_sizes(blocks).values()]
    edges = np.cumsum(sizes)
    while True:
        drawn = np.sort(rng.integers(0, edges[-1], edges[-1]))
        parts = np.split(drawn, np.searchsorted(drawn, edges[:-1]))
        if min(len(part) for part in parts) > 0:
            break
    starts = np.r_[0, edges[:-1]]
    donors = blocks.donors[parts[0]]
    adopters = {
        g: rows[part - start]
        for (g, rows), part, start in zip(
            blocks.adopters.items(), parts[1:], starts[1:], strict=True
        )
    }
    return Blocks(donors, adopters, blocks.years, blocks.donor_ids)


def _resample_cohorts(blocks: Blocks, rng: np.random.Generator) -> Blocks:
    """Draw one unit fewer than there are, with replacement, in every block by itself."""

    def some(rows: Array) -> Array:
        return rows[rng.integers(0, len(rows), len(rows) - 1)]

    adopters = {g: some(rows) for g, rows in blocks.adopters.items()}
    return Blocks(some(blocks.donors), adopters, blocks.years, blocks.donor_ids)


def _jackknife(blocks: Blocks, fits: dict[int, SyntheticFit]) -> Array:
    """Leave out one unit at a time; donors' weights are rescaled, time weights kept."""
    draws = []
    for i in range(len(blocks.donors)):
        keep = np.arange(len(blocks.donors)) != i
        left = {
            g: _repath(fit, blocks.donors[keep], fit.unit_weights[keep], blocks.adopters[g])
            for g, fit in fits.items()
        }
        draws.append(_stack(left, _sizes(blocks), blocks.years)[1])
    for g, rows in blocks.adopters.items():
        for i in range(len(rows)):
            fewer = np.delete(rows, i, axis=0)
            left = {**fits, g: _repath(fits[g], blocks.donors, fits[g].unit_weights, fewer)}
            draws.append(_stack(left, {**_sizes(blocks), g: len(fewer)}, blocks.years)[1])
    return np.array(draws)


def _repath(fit: SyntheticFit, donors: Array, weights: Array, treated: Array) -> SyntheticFit:
    total = weights.sum()
    weights = weights / total if total > 0 else np.full(len(weights), 1.0 / len(weights))
    synthetic = weights @ donors
    gap = treated.mean(axis=0) - synthetic
    path = gap - fit.time_weights @ gap[: len(fit.time_weights)]
    return SyntheticFit(weights, fit.time_weights, path, synthetic, fit.ridge)


def _spread(
    draws: Array, estimate: Array, variance: Variance, n: int, n_adopters: int
) -> tuple[Array, tuple[str, ...]]:
    if not n:
        note = "No variance can be had from so few units: no standard error."
        return np.full((len(estimate), len(estimate)), np.nan), (note,)
    centred = draws - draws.mean(axis=0)
    factor = (n - 1) / n if variance == "jackknife" else 1.0 / n
    vcov = factor * centred.T @ centred
    if n_adopters > 1:
        return vcov, ()
    beyond = int(np.sum(np.abs(draws[:, -1]) >= abs(estimate[-1])))
    note = (
        f"One unit is treated: no standard error. Placebo p-value of the overall effect "
        f"{(1 + beyond) / (1 + n):.3f}, from {n} placebo draws."
    )
    return np.full_like(vcov, np.nan), (note,)
