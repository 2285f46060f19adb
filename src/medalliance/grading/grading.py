"""Grade every estimator and every method of inference on draws whose true effect is known."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, lru_cache, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError
from ..estimators.att_gt import att_gt
from ..estimators.did_imputation import did_imputation
from ..estimators.etwfe import etwfe
from ..estimators.lp_did import lp_did
from ..estimators.stacked_did import stacked_did
from ..estimators.sun_abraham import sun_abraham
from ..estimators.synthetic_did import synthetic_did
from ..estimators.twfe import twfe
from ..inference.conley_taber import conley_taber
from ..inference.neyman_variance import neyman_variance
from ..inference.randomisation_test import randomisation_test
from ..inference.robust_variance import robust_variance
from ..inference.wild_bootstrap import wild_bootstrap
from ..outcomes import outcome_values
from ..panel import Panel, PanelWarning
from ..reforms import Rules, load_rules
from ..registered.estimates import headline
from ..results import Effects
from ..simulate import SimulatedPanel, simulate_panel
from .monte_carlo import Record, Task
from .stored_draws import drawn_from

HORIZON = 3
LEVEL = 0.95
ALPHA = 0.05
SPEND, PAY, SHARE = (
    "log_spending_per_insured",
    "log_remuneration_per_fte_township",
    "primary_care_visit_share",
)
OUTCOMES = (SPEND, PAY, SHARE)
STATIC, LOGIT = "two-way effects, static", "fractional logit"
ESTIMATORS: dict[str, Callable[[Panel, str], Effects]] = {
    STATIC: twfe,
    "group-time": partial(att_gt, base_period="universal"),
    "imputation": did_imputation,
    "saturated": etwfe,
    "interaction-weighted": sun_abraham,
    "stacked": partial(stacked_did, window=(4, HORIZON)),
    "local projection, equal": partial(lp_did, weighting="equal"),
    LOGIT: partial(etwfe, family="logit"),
}
SYNTHETIC, BOOTSTRAP_DRAWS, SYNTHETIC_SEEDS = "synthetic, prefecture means", 50, 30_000
EARLIER_SEEDS = (0, 10_000, 20_000)
DESIGNS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "effect": ("split_631", ()),
    "growing effect": ("split_631", ("het_dynamic",)),
    "no effect": (None, ()),
}
SCORE = "score bootstrap of the fractional logit"
NEYMAN_LOGIT = "Neyman by cohort, Welch's t, of the fractional logit"
INFERENCE = (
    "clustered errors, normal", "clustered errors, t(G-1)", "Neyman by cohort, Welch's t",
    "cluster jackknife, t(G-1)", "wild bootstrap, null imposed", "wild bootstrap, not imposed",
    "Conley-Taber", "randomisation", SCORE, NEYMAN_LOGIT,
)  # fmt: skip
FEW = {"24 of 40 clusters treated": ("", 400), "5 of 40 clusters treated": ("few_treated", 400),
       "2 of 10 clusters treated": ("few_treated", 100)}  # fmt: skip


def one_draw(task: Task) -> list[Record]:
    """Run one draw: ``estimators/<design>``, ``synthetic/<design>`` or ``inference/<clusters>``.

    ``points/<design>`` is ``synthetic/<design>`` without errors.
    """
    kind, name = task.name.split("/", 1)
    run = {"estimators": _estimators, "synthetic": _synthetic, "points": _points,
           "inference": _inference}[kind]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return run(name, task)


@cache
def _rules(name: str | None) -> Rules | None:
    return None if name is None else load_rules(name)


@lru_cache(maxsize=2)
def _drawn(design: str, task: Task) -> SimulatedPanel:
    rules, threats = DESIGNS[design]
    return simulate_panel(
        task.n_counties, 12, task.seed, _rules(rules), threats, channels=False, outcomes=OUTCOMES
    )


def _estimators(design: str, task: Task) -> list[Record]:
    found = _drawn(design, task)
    records: list[Record] = []
    for outcome in OUTCOMES:
        truth = found.effect(outcome, horizon=HORIZON)
        for label, recipe in ESTIMATORS.items():
            if label == LOGIT and outcome != SHARE:
                continue
            effects = recipe(found.panel, outcome)
            told = _single if label == STATIC else partial(headline, horizon=HORIZON)
            records.append(_record(outcome, label, truth, told(neyman_variance(effects)),
                                   told(effects)))  # fmt: skip
    return records


def _record(outcome: str, method: str, truth: float, stated: tuple[float, float, float],
            own: tuple[float, float, float]) -> Record:  # fmt: skip
    """Return a draw's row: error and degrees of freedom as the book states them, and by default."""
    estimate, error, dof = stated
    return {"outcome": outcome, "method": method, "truth": truth, "estimate": estimate,
            "std_error": error, "dof": dof, "own_error": own[1], "own_dof": own[2]}  # fmt: skip


def _points(design: str, task: Task) -> list[Record]:
    missing = dict.fromkeys(("std_error", "dof", "own_error", "own_dof"), np.nan)
    return [{**record, **missing} for record in _synthetic(design, task, n_draws=2)]


def _synthetic(design: str, task: Task, n_draws: int = BOOTSTRAP_DRAWS) -> list[Record]:
    """Fit prefecture means: placebo draws of single counties would know nothing of clusters."""
    found = _drawn(design, task)
    records = []
    for outcome in OUTCOMES:
        effects = synthetic_did(
            by_cluster(found.panel, outcome), "mean", variance="cohort_bootstrap",
            n_draws=n_draws, seed=task.seed,
        )  # fmt: skip
        told = headline(effects, HORIZON)
        records.append(_record(outcome, SYNTHETIC, found.effect(outcome, horizon=HORIZON),
                               told, told))  # fmt: skip
    return records


def by_cluster(panel: Panel, outcome: str) -> Panel:
    """Return the panel of cluster means of an outcome, column ``mean``."""
    frame = panel.frame[["prefecture_code", "year", "cohort"]]
    frame = frame.assign(mean=outcome_values(panel, outcome))
    means = frame.groupby(["prefecture_code", "year"], as_index=False).agg(
        mean=("mean", "mean"), cohort=("cohort", "first")
    )
    return Panel.from_frame(
        means, unit="prefecture_code", year="year", cohort="cohort", badge=panel.badge
    )


def _single(effects: Effects) -> tuple[float, float, float]:
    return float(effects.estimate[0]), float(effects.std_error[0]), float(effects.dof[0])


def _inference(clusters: str, task: Task) -> list[Record]:
    """Test a true null by every method: each record holds a p-value."""
    threat, n_counties = FEW[clusters]
    found = simulate_panel(
        n_counties, 12, task.seed, None, (threat,) if threat else (), channels=False, outcomes=()
    )
    p = _p_values(only(found.panel, SPEND), task.seed)
    logit = etwfe(found.panel, SHARE, family="logit")
    scores = wild_bootstrap(logit.aggregate("simple"), n_draws=499, seed=task.seed)
    p[SCORE] = float(scores["p_value"].iloc[0])
    p[NEYMAN_LOGIT] = _or_nan(lambda: _t_test(neyman_variance(logit).aggregate("simple")))
    return [
        {"outcome": SHARE if name in (SCORE, NEYMAN_LOGIT) else SPEND, "method": name,
         "p_value": value}
        for name, value in p.items() if np.isfinite(value)
    ]  # fmt: skip


def only(panel: Panel, outcome: str) -> Panel:
    """Return the panel with one outcome, column ``value``, and keys as numbers: quick to redraw."""
    frame = pd.DataFrame(
        {
            "unit": panel.unit_codes,
            "year": panel.frame[panel.year].to_numpy(),
            "cohort": panel.frame[panel.cohort].to_numpy(),
            "cluster": panel.cluster_by_unit[panel.unit_codes],
            "value": outcome_values(panel, outcome),
        }
    )
    return Panel.from_frame(
        frame, unit="unit", year="year", cohort="cohort", cluster="cluster", badge=panel.badge
    )


def _or_nan(test: Callable[[], float]) -> float:
    """Return a p-value, NaN where the design refuses the test."""
    try:
        return test()
    except DesignError:
        return np.nan


def _t_test(effects: Effects, dof: float | None = None) -> float:
    t = abs(float(effects.estimate[0] / effects.std_error[0]))
    return float(2 * stats.t.sf(t, effects.dof[0] if dof is None else dof))


def _p_values(panel: Panel, seed: int) -> dict[str, float]:
    effects = twfe(panel, "value")
    dof = effects.design.n_clusters - 1

    def wild(imposed: bool) -> float:
        found = wild_bootstrap(effects, impose_null=imposed, n_draws=499, seed=seed)
        return float(found["p_value"].iloc[0])

    def borrowed() -> float:
        return float(conley_taber(effects, n_draws=499, seed=seed)["p_value"].iloc[0])

    shuffled = randomisation_test(effects, panel, n_draws=39, seed=seed)
    values = (
        _t_test(effects, np.inf), _t_test(effects, dof),
        _t_test(neyman_variance(effects, pool_lone_cohorts=True)),
        _t_test(robust_variance(effects, "crv3"), dof), wild(True), wild(False), _or_nan(borrowed),
        float(shuffled["p_value"].iloc[0]),
    )  # fmt: skip
    return dict(zip(INFERENCE[:8], values, strict=True))


def grade(draws: pd.DataFrame) -> pd.DataFrame:
    """Summarise draws of estimators: bias, coverage and rejection, with the bands of chance.

    The population's effect is the mean of the drawn counties' effects over all draws. Intervals
    are those that the book states: Neyman's errors by cohort with Welch's t; synthetic
    difference-in-differences draws clusters within cohorts. ``coverage_own`` takes the estimator's
    own errors. Draws without an error count for bias and spread alone.

    Returns
    -------
    DataFrame
        ``name outcome method truth bias bias_error sd truth_sd std_error coverage coverage_drawn
        coverage_own rejection n_draws n_bias bias_ok coverage_ok``. ``n_draws`` have errors,
        ``n_bias`` estimates. ``coverage`` is of the population's effect, ``coverage_drawn`` of the
        drawn counties'. ``bias_ok``: within three Monte Carlo errors or 2 % of the effect.
        ``coverage_ok``: ``coverage`` within three binomial standard deviations of 0.95.
    """
    rows = []
    draws = draws[~draws["name"].str.startswith("inference/")]
    draws = draws.assign(name=draws["name"].str.replace("points/", "synthetic/"))
    for (name, outcome, method), every in draws.groupby(["name", "outcome", "method"], sort=False):
        population = every["truth"].mean()
        off = every["estimate"] - every["truth"]
        bias, error = off.mean(), off.std(ddof=1) / np.sqrt(len(every))
        d = every[every["std_error"].notna()]
        gap, n = d["estimate"] - d["truth"], len(d)
        from_population = (d["estimate"] - population).abs()
        half = _critical(d["dof"]) * d["std_error"]
        own = _critical(d["own_dof"]) * d["own_error"]
        coverage = float((from_population <= half).mean())
        rows.append(
            {
                "name": name,
                "outcome": outcome,
                "method": method,
                "truth": population,
                "bias": bias,
                "bias_error": error,
                "sd": every["estimate"].std(ddof=1),
                "truth_sd": every["truth"].std(ddof=1),
                "std_error": d["std_error"].mean(),
                "coverage": coverage,
                "coverage_drawn": float((gap.abs() <= half).mean()),
                "coverage_own": float((from_population <= own).mean()),
                "rejection": float((d["estimate"].abs() > half).mean()),
                "n_draws": n,
                "n_bias": len(every),
                "bias_ok": bool(abs(bias) <= max(3 * error, 0.02 * abs(population))),
                "coverage_ok": bool(abs(coverage - LEVEL) <= band(n)),
            }
        )
    return drawn_from(draws).carried_by(pd.DataFrame(rows))


def _critical(dof: pd.Series) -> NDArray[np.float64]:
    return np.asarray(stats.t.ppf((1 + LEVEL) / 2, dof.astype(float)), dtype=float)


def sizes(draws: pd.DataFrame) -> pd.DataFrame:
    """Summarise tests of a true null at 5 %.

    Returns
    -------
    DataFrame
        ``clusters outcome method rejection n_draws size_ok``, the last within three binomial
        standard deviations of 0.05. A p-value of 0.05 rejects: with 39 permutations that makes
        the randomisation test exact.
    """
    d = draws[draws["name"].str.startswith("inference/")]
    d = d.assign(clusters=d["name"].str.removeprefix("inference/"),
                 rejects=d["p_value"] <= ALPHA + 1e-6)  # fmt: skip
    found = d.groupby(["clusters", "outcome", "method"], sort=False)["rejects"]
    found = found.agg(rejection="mean", n_draws="size").reset_index()
    off = (found["rejection"] - ALPHA).abs()
    return drawn_from(d).carried_by(found.assign(size_ok=off <= found["n_draws"].map(band)))


def powers(draws: pd.DataFrame) -> pd.DataFrame:
    """Return the smallest effect found four times in five, with the power found there.

    The smallest effect is ``(t_0.975 + t_0.8) se``, se being the standard error where there is no
    effect, as a researcher can state it (Bloom 1995): the root of its mean square. The degrees of
    freedom are the median draw's. Power is the share of draws in which that effect, added to the
    estimate, is told from zero.

    Returns
    -------
    DataFrame
        ``outcome method effect power n_draws power_ok``, the last within three binomial standard
        deviations of 0.8.
    """
    d = draws[draws["name"].isin(["estimators/no effect", "synthetic/no effect"])]
    rows = []
    for (outcome, method), part in d.groupby(["outcome", "method"], sort=False):
        dof = float(part["dof"].median())
        far, near = stats.t.ppf((1 + LEVEL) / 2, dof), stats.t.ppf(0.8, dof)
        least = float((far + near) * np.sqrt((part["std_error"] ** 2).mean()))
        half = _critical(part["dof"]) * part["std_error"]
        power = float(((part["estimate"] + least).abs() > half).mean())
        room = 3 * np.sqrt(0.8 * 0.2 / len(part))
        rows.append((outcome, method, least, power, len(part), bool(abs(power - 0.8) <= room)))
    columns = ["outcome", "method", "effect", "power", "n_draws", "power_ok"]
    return drawn_from(d).carried_by(pd.DataFrame(rows, columns=columns))


def band(n_draws: int) -> float:
    """Return three binomial standard deviations of a coverage of 0.95."""
    return float(3 * np.sqrt(0.95 * 0.05 / n_draws))


def tasks(n_draws: int, n_counties: int = 400, first_seed: int = 0) -> list[Task]:
    """List the draws of all designs, draw by draw, so that a part of them is a smaller study.

    Synthetic estimates have seeds of their own: their errors were changed after they had been
    graded on earlier ones. There the estimates are kept, which did not change.
    """
    names = [(f"estimators/{design}", 0) for design in DESIGNS]
    names += [(f"synthetic/{design}", SYNTHETIC_SEEDS) for design in DESIGNS]
    names += [(f"points/{design}", offset) for offset in EARLIER_SEEDS for design in DESIGNS]
    names += [(f"inference/{clusters}", 0) for clusters in FEW]
    return [
        Task("grading", name, first_seed + offset + draw, n_counties)
        for draw in range(n_draws)
        for name, offset in names
    ]
