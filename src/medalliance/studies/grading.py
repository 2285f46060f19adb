"""Grade every estimator and every method of inference on draws whose true effect is known."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from ..diagnostics.conley_taber import conley_taber
from ..diagnostics.randomisation_test import randomisation_test
from ..diagnostics.robust_variance import robust_variance
from ..diagnostics.wild_bootstrap import wild_bootstrap
from ..errors import DesignError
from ..estimators.att_gt import att_gt
from ..estimators.did_imputation import did_imputation
from ..estimators.etwfe import etwfe
from ..estimators.lp_did import lp_did
from ..estimators.stacked_did import stacked_did
from ..estimators.sun_abraham import sun_abraham
from ..estimators.twfe import twfe
from ..panel import Panel, PanelWarning
from ..results import Effects
from ..simulate import SimulatedPanel, simulate_panel
from .estimates import headline
from .monte_carlo import Record, Task

HORIZON = 3
OUTCOMES = (
    "log_spending_per_insured",
    "log_remuneration_per_fte_township",
    "primary_care_visit_share",
)
ESTIMATORS: dict[str, Callable[[Panel, str], Effects]] = {
    "two-way effects, static": twfe,
    "group-time": partial(att_gt, base_period="universal"),
    "imputation": did_imputation,
    "saturated": etwfe,
    "interaction-weighted": sun_abraham,
    "stacked": partial(stacked_did, window=(4, HORIZON)),
    "local projection, equal": partial(lp_did, weighting="equal"),
    "fractional logit": partial(etwfe, family="logit"),
}
DESIGNS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "effect": ("split_631", ()),
    "growing effect": ("split_631", ("het_dynamic",)),
    "no effect": (None, ()),
}
INFERENCE = (
    "clustered errors, normal", "clustered errors, t(G-1)", "cluster jackknife, t(G-1)",
    "wild bootstrap, null imposed", "wild bootstrap, not imposed", "Conley-Taber",
    "randomisation",
)  # fmt: skip
FEW = {"24 of 40 clusters treated": ("", 400), "5 of 40 clusters treated": ("few_treated", 400),
       "2 of 10 clusters treated": ("few_treated", 100)}  # fmt: skip


def one_draw(task: Task) -> list[Record]:
    """Run one draw: ``estimators/<design>`` or ``inference/<clusters>``."""
    kind, name = task.name.split("/", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return _estimators(name, task) if kind == "estimators" else _inference(name, task)


def _estimators(design: str, task: Task) -> list[Record]:
    rules, threats = DESIGNS[design]
    found = simulate_panel(task.n_counties, 12, task.seed, rules, threats, channels=False)
    records: list[Record] = []
    for outcome in OUTCOMES:
        truth = found.effect(outcome, horizon=HORIZON)
        for label, recipe in ESTIMATORS.items():
            if label == "fractional logit" and outcome != "primary_care_visit_share":
                continue
            estimate, error, dof = headline(recipe(found.panel, outcome), HORIZON) if (
                label != "two-way effects, static"
            ) else _single(twfe(found.panel, outcome))  # fmt: skip
            half = error * _critical(dof)
            records.append(
                {
                    "outcome": outcome,
                    "method": label,
                    "truth": truth,
                    "estimate": estimate,
                    "std_error": error,
                    "covers": bool(abs(estimate - truth) <= half),
                    "rejects": bool(abs(estimate) > half),
                }
            )
    return records


def _single(effects: Effects) -> tuple[float, float, float]:
    return float(effects.estimate[0]), float(effects.std_error[0]), effects.design.dof


def _critical(dof: float) -> float:
    return float(stats.norm.ppf(0.975) if np.isinf(dof) else stats.t.ppf(0.975, dof))


def _inference(clusters: str, task: Task) -> list[Record]:
    """Test a true null by every method: each record says whether it rejects at 5 %."""
    threat, n_counties = FEW[clusters]
    found = simulate_panel(
        n_counties, 12, task.seed, None, (threat,) if threat else (), channels=False
    )
    outcome = OUTCOMES[0]
    effects = twfe(found.panel, outcome)
    p = _p_values(effects, found, task.seed)
    return [
        {"outcome": outcome, "method": name, "truth": 0.0, "estimate": float(effects.estimate[0]),
         "std_error": float(effects.std_error[0]), "covers": bool(value >= 0.05),
         "rejects": bool(value < 0.05)}
        for name, value in p.items() if np.isfinite(value)
    ]  # fmt: skip


def _p_values(effects: Effects, found: SimulatedPanel, seed: int) -> dict[str, float]:
    dof = effects.design.n_clusters - 1
    t = abs(float(effects.estimate[0] / effects.std_error[0]))
    jackknife = robust_variance(effects, "crv3")
    t3 = abs(float(jackknife.estimate[0] / jackknife.std_error[0]))

    def wild(imposed: bool) -> float:
        found = wild_bootstrap(effects, impose_null=imposed, n_draws=499, seed=seed)
        return float(found["p_value"].iloc[0])

    def borrowed() -> float:
        try:
            return float(conley_taber(effects, n_draws=499, seed=seed)["p_value"].iloc[0])
        except DesignError:
            return np.nan

    shuffled = randomisation_test(effects, found.panel, n_draws=99, seed=seed)
    values = (
        2 * stats.norm.sf(t), 2 * stats.t.sf(t, dof), 2 * stats.t.sf(t3, dof), wild(True),
        wild(False), borrowed(), float(shuffled["p_value"].iloc[0]),
    )  # fmt: skip
    return dict(zip(INFERENCE, map(float, values), strict=True))


def grade(draws: pd.DataFrame) -> pd.DataFrame:
    """Summarise draws: bias, coverage and rejection, with the bands that chance allows.

    Returns
    -------
    DataFrame
        ``name outcome method truth bias bias_error sd std_error coverage rejection n_draws
        bias_ok coverage_ok``. ``bias_ok``: within three Monte Carlo errors or 2 % of the effect.
        ``coverage_ok``: within three binomial standard deviations of 0.95.
    """
    rows = []
    keys = ["name", "outcome", "method"]
    for (name, outcome, method), d in draws.groupby(keys, sort=False):
        gap, n = d["estimate"] - d["truth"], len(d)
        bias, error = gap.mean(), gap.std(ddof=1) / np.sqrt(n)
        truth, coverage = d["truth"].mean(), d["covers"].astype(float).mean()
        rows.append(
            {
                "name": name,
                "outcome": outcome,
                "method": method,
                "truth": truth,
                "bias": bias,
                "bias_error": error,
                "sd": gap.std(ddof=1),
                "std_error": d["std_error"].mean(),
                "coverage": coverage,
                "rejection": d["rejects"].astype(float).mean(),
                "n_draws": n,
                "bias_ok": bool(abs(bias) <= max(3 * error, 0.02 * abs(truth))),
                "coverage_ok": bool(abs(coverage - 0.95) <= band(n)),
            }
        )
    return pd.DataFrame(rows)


def band(n_draws: int) -> float:
    """Return three binomial standard deviations of a coverage of 0.95."""
    return float(3 * np.sqrt(0.95 * 0.05 / n_draws))


def tasks(n_draws: int, n_counties: int = 400) -> list[Task]:
    """List the draws of all designs, draw by draw, so that a part of them is a smaller study."""
    names = [f"estimators/{d}" for d in DESIGNS] + [f"inference/{c}" for c in FEW]
    return [Task("grading", name, seed, n_counties) for seed in range(n_draws) for name in names]
