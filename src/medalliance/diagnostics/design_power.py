"""Power of a study before it is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, check_level, first_three, listed_numbers
from ..estimators.att_gt import att_gt
from ..outcomes import outcome_values
from ..panel import NEVER_TREATED, Panel, need_panel
from ..progress import counted
from ..results import Effects, findings_of
from ..show.findings import Findings
from ..show.plots import lines

Array = NDArray[np.float64]
Estimators = Mapping[str, Callable[..., Effects]]
COLUMN, CLUSTER = "placebo cohort", "placebo cluster"
MOST_LOST = 0.1  # share of draws without an estimate from which nothing is said


def design_power(
    panel: Panel | Callable[[int], Panel],
    outcome: str,
    *,
    estimators: Estimators | None = None,
    n_clusters: Sequence[int] | None = None,
    treated: float = 0.5,
    starts: Sequence[int] | None = None,
    effects: Sequence[float] = (),
    power: float = 0.8,
    level: float = 0.95,
    n_draws: int = 200,
    seed: int = 0,
    kept: str | Path | None = None,
    progress: bool | None = None,
) -> Findings:
    """Simulate how often a planned study would find effects of several sizes.

    Each draw takes clusters of the panel with replacement, as they were before anybody was
    treated, lets some of them start at placebo dates, and estimates. What is added to treated rows
    moves a linear estimate by as much, so that one draw serves every effect.

    Parameters
    ----------
    panel : Panel or callable
        The reader's own: years from the first cohort on are left out. Or from a seed to a panel
        without effects, as ``lambda seed: ma.simulate_panel(400, seed=seed, rules=None).panel``,
        drawn anew each time, of which all years are used.
    outcome : str
        Column or registered outcome.
    estimators : mapping of str to callable, optional
        From a panel and an outcome to Effects; ``att_gt`` alone without it.
    n_clusters : sequence of int, optional
        Sizes of the study; that of the panel without it.
    treated : float
        Share of clusters that start.
    starts : sequence of int, optional
        Placebo dates, which treated clusters are dealt to; the middle of the years without it.
    effects : sequence of float
        Effects whose power is shown, in the outcome's unit; zero is always among them.
    power : float
        For the minimum detectable effect.
    level : float
        Of the estimators' own intervals.
    n_draws, seed : int
    kept : path, optional
        File to which each draw is added, and from which a run that was cut off goes on.
    progress : bool, optional
        Whether a line counts the draws; by default at a terminal.

    Returns
    -------
    Findings, columns ``estimator n_clusters effect power power_low power_high n_draws``
        Shares of draws whose interval leaves out zero, with Wilson's 95 % interval for the number
        of draws. At effect zero it is the size, which should be one less the level: where it is
        not, power is no merit. ``.detectable`` is the table of minimum detectable effects with the
        standard deviation of estimates; ``.draws`` holds the draws. The picture is a power curve.

    Raises
    ------
    DesignError
        If fewer than two years or four clusters are untreated, a placebo date lies outside, an
        estimator is not linear in the outcome, or a tenth of the draws has no estimate.

    References
    ----------
    Burlig, Preonas, Woerman (2020), section 4.3; Black, Hollingsworth, Nunes, Simon (2022) for
    placebo reforms on real data.
    """
    check_level(level)
    chosen: Estimators = estimators or {"att_gt": att_gt}
    shown = sorted({0.0, *map(float, listed_numbers("effects", effects))})
    first = panel(seed) if callable(panel) else panel
    need_panel(first)
    base = first if callable(panel) else _before(first)
    dates = _dates(base, starts)
    sizes = list(n_clusters) if n_clusters is not None else [len(np.unique(base.cluster_by_unit))]
    _check(sizes, treated, dates, power, n_draws)
    plan = {
        "data": first.data_hash, "outcome": outcome, "treated": treated, "starts": dates,
        "seed": seed, "level": level, "estimators": [*chosen], "drawn": callable(panel),
    }  # fmt: skip
    key = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:16]
    draws = _read(kept, key)
    tasks = [(size, draw) for size in sizes for draw in range(n_draws)]
    design = None
    for size, draw in counted(tasks, show=progress, title="power", unit="draw"):
        if all((size, draw, name) in draws for name in chosen):
            continue
        rng = np.random.default_rng([seed, size, draw])
        source = panel(int(rng.integers(2**31))) if callable(panel) else base
        placebo = _placebo(source, size, treated, dates, rng)
        for name, estimator in chosen.items():
            record, used = _estimate(estimator, placebo, outcome, level)
            design = design or used
            draws[size, draw, name] = record
            _keep(kept, key, size, draw, name, record)
    if design is None:
        rng = np.random.default_rng([seed, sizes[0], 0])
        design = _estimate(
            next(iter(chosen.values())),
            _placebo(base, sizes[0], treated, dates, rng),
            outcome,
            level,
        )[1]
    table = pd.DataFrame(
        [(name, size, draw, *draws[size, draw, name])
         for name in chosen for size, draw in tasks],
        columns=["estimator", "n_clusters", "draw", "estimate", "low", "high"],
    )  # fmt: skip
    lost = table["estimate"].isna().groupby([table["estimator"], table["n_clusters"]]).mean()
    if (lost > MOST_LOST).any() or design is None:
        where = [f"{name} with {size} clusters" for name, size in lost.index[lost > MOST_LOST]]
        raise DesignError(
            f"more than a tenth of the draws has no estimate: {first_three(where)}.\n"
            "  Take more clusters, other starts or another estimator."
        )
    frame = pd.DataFrame(
        [
            _rejected(part, effect, name, size)
            for (name, size), part in table.groupby(["estimator", "n_clusters"], sort=False)
            for effect in shown
        ]
    )
    detectable = pd.DataFrame(
        [
            {
                "estimator": name, "n_clusters": size, "power": power,
                "minimum_detectable_effect": _detectable(part, power),
                "std_deviation": float(part["estimate"].std()), "n_draws": len(part),
            }
            for (name, size), part in table.groupby(["estimator", "n_clusters"], sort=False)
        ]
    )  # fmt: skip
    share = f"{treated:.0%}".replace("%", " %")
    return findings_of(
        design,
        frame,
        f"Power to find effects on {outcome}",
        draw=partial(_draw, unit=design.unit_of_measure),
        foot=f"{first.provenance.source}. {n_draws:,} draws a size, {share} of clusters start in "
        f"{first_three(first.say(date) for date in dates)}; {100 * level:g} % intervals of the "
        f"estimators; seed {seed}.",
        detectable=detectable,
        draws=table,
    )


def _before(panel: Panel) -> Panel:
    """Keep the years before anybody is treated."""
    cohort = panel.cohort_by_unit
    starts = cohort[cohort != NEVER_TREATED]
    if not len(starts):
        return panel
    return panel.keep(panel.frame[panel.year].to_numpy(np.int64) < starts.min())


def _dates(base: Panel, starts: Sequence[int] | None) -> list[int]:
    if len(base.years) < 2:
        raise DesignError(
            f"{len(base.years)} years are before the first treatment, and a placebo needs two.\n"
            "  Bring a panel with earlier years, or simulate one."
        )
    if starts is None:
        return [int(base.years[len(base.years) // 2])]
    dates = [int(date) for date in listed_numbers("starts", starts)]
    outside = [date for date in dates if not base.years[0] < date <= base.years[-1]]
    if outside or not dates:
        raise DesignError(
            f"starts {first_three(outside)} lie outside the untreated years after the first, "
            f"{base.say(base.years[1])} to {base.say(base.years[-1])}.\n  Choose among these."
        )
    return sorted(dates)


def _check(sizes: list[int], treated: float, dates: list[int], power: float, n_draws: int) -> None:
    if not 0 < treated < 1 or not 0.5 <= power < 1 or n_draws < 2:
        raise DesignError(
            f"treated={treated}, power={power}, n_draws={n_draws}.\n"
            "  Give a share between 0 and 1, a power from 0.5 to below 1, and two draws or more."
        )
    few = [size for size in sizes if round(size * treated) < 2 * len(dates)
           or size - round(size * treated) < 2]  # fmt: skip
    if few or not sizes:
        raise DesignError(
            f"{first_three(few)} clusters leave fewer than two treated in each start, or fewer "
            "than two untreated.\n  Take more clusters, or fewer starts."
        )


def _placebo(
    base: Panel, size: int, treated: float, dates: list[int], rng: np.random.Generator
) -> Panel:
    """Draw clusters with replacement, of which some start at placebo dates."""
    cluster = base.cluster_by_unit
    by_row = cluster[base.unit_codes]
    order = np.argsort(by_row, kind="stable")
    ends = np.r_[0, np.cumsum(np.bincount(by_row))]
    drawn = rng.integers(0, len(ends) - 1, size)
    rows = np.concatenate([order[ends[code] : ends[code + 1]] for code in drawn])
    length = np.diff(ends)[drawn]
    copy = np.repeat(np.arange(size), length)
    start = np.zeros(size, np.int64)
    n_treated = round(size * treated)
    start[rng.permutation(size)[:n_treated]] = np.resize(dates, n_treated)
    unit = np.unique(copy * np.int64(base.n_units) + base.unit_codes[rows], return_inverse=True)[1]
    frame = base.frame.iloc[rows].assign(**{base.unit: unit, CLUSTER: copy, COLUMN: start[copy]})
    frame = frame.sort_values([base.unit, base.year], kind="stable").reset_index(drop=True)
    return replace(
        base, frame=frame, cohort=COLUMN, cluster=CLUSTER, truth=None, path=None,
        area=None if base.area is None else CLUSTER,
    )  # fmt: skip


def _estimate(
    estimator: Callable[..., Effects], panel: Panel, outcome: str, level: float
) -> tuple[tuple[float, float, float], Any]:
    try:
        effects = estimator(panel, outcome)
    except DesignError:
        outcome_values(panel, outcome)
        return (np.nan, np.nan, np.nan), None
    if not effects.design.linear:
        raise DesignError(
            f"{effects.design.estimator} is not linear in the outcome, so that added effects do "
            "not move it by as much.\n  Take att_gt, did_imputation, twfe or the like."
        )
    overall = effects.overall
    low, high = overall.conf_int(level)[0]
    return (float(overall.estimate[0]), float(low), float(high)), effects.design


def _rejects(part: pd.DataFrame, effect: float) -> float:
    known = part.dropna()
    return float(((known["low"] + effect > 0) | (known["high"] + effect < 0)).mean())


def _rejected(part: pd.DataFrame, effect: float, name: str, size: int) -> dict[str, Any]:
    count, share = len(part.dropna()), _rejects(part, effect)
    ends = stats.binomtest(round(share * count), count).proportion_ci(method="wilson")
    return {
        "estimator": name, "n_clusters": size, "effect": effect, "power": share,
        "power_low": float(ends.low), "power_high": float(ends.high), "n_draws": count,
    }  # fmt: skip


def _detectable(part: pd.DataFrame, power: float) -> float:
    """Find the smallest positive effect whose interval leaves out zero often enough."""
    return float(np.quantile(-part["low"].dropna(), power, method="inverted_cdf").clip(0))


def _read(kept: str | Path | None, key: str) -> dict[tuple[int, int, str], tuple[float, ...]]:
    """Read the draws of the same plan; a line that was cut off is none."""
    draws: dict[tuple[int, int, str], tuple[float, ...]] = {}
    if kept is None or not Path(kept).is_file():
        return draws
    for line in Path(kept).read_text(encoding="utf-8").splitlines():
        try:
            plan, size, draw, name, *numbers = json.loads(line)
        except ValueError:
            continue
        if plan == key:
            draws[size, draw, name] = tuple(np.nan if x is None else x for x in numbers)
    return draws


def _keep(
    kept: str | Path | None, key: str, size: int, draw: int, name: str, record: Sequence[float]
) -> None:
    if kept is None:
        return
    numbers = [None if np.isnan(value) else value for value in record]
    with Path(kept).open("a", encoding="utf-8") as file:
        file.write(json.dumps([key, size, draw, name, *numbers]) + "\n")


def _draw(frame: pd.DataFrame, ax: Any = None, *, unit: str = "", **options: Any) -> Any:
    """Draw power by effect, one line an estimator and size."""
    named = frame.assign(
        study=[f"{name}, {size} clusters" for name, size in
               zip(frame["estimator"], frame["n_clusters"], strict=True)]
    )  # fmt: skip
    if (frame["effect"] == 0).all():
        by = "estimator"
        labels = {"n_clusters": "clusters", "power": "share of draws that reject"}
        return lines(named, x="n_clusters", y="power", by=by, labels=labels, ax=ax, **options)
    labels = {"effect": f"effect ({unit})" if unit else "effect",
              "power": "share of draws that reject"}  # fmt: skip
    return lines(named, x="effect", y="power", by="study", labels=labels, ax=ax, **options)
