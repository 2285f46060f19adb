"""Grade the estimators of reach beside the plain method that each replaces."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from ..diagnostics.subgroup_test import subgroup_test
from ..estimators.att_gt import att_gt
from ..estimators.dose_response import dose_response
from ..estimators.panel_regression import panel_regression
from ..estimators.subgroup_effects import subgroup_effects
from ..estimators.switching_did import switching_did
from ..panel import Panel, PanelWarning
from ..results import Effects
from ..simulate.reach_panel import CURVE, GAIN, reach_panel
from .monte_carlo import Record, Task
from .stored_draws import drawn_from

LEVEL = 0.95
Triple = tuple[float, float, float]


def _overall(effects: Effects) -> Triple:
    low, high = effects.overall.conf_int(LEVEL)[0]
    return float(effects.overall.estimate[0]), float(low), float(high)


def _coefficient(panel: Panel, *columns: str) -> Triple:
    """Take the last coefficient of a regression with county and year effects."""
    effects = panel_regression(panel, "y", list(columns), time_effects=True)
    low, high = effects.conf_int(LEVEL)[len(columns) - 1]
    return float(effects.estimate[len(columns) - 1]), float(low), float(high)


def _difference(panel: Panel) -> Triple:
    found = subgroup_test(subgroup_effects(panel, "y", by="size"), n_draws=99).frame.iloc[-1]
    return -float(found["estimate"]), -float(found["conf_high"]), -float(found["conf_low"])


def _mean_slope(panel: Panel) -> float:
    dose = panel.frame.loc[panel.first_rows, "dose"].to_numpy()
    return float(CURVE[0] + 2 * CURVE[1] * dose[dose > 0].mean())


def _gained(panel: Panel) -> float:
    effect = panel.frame["effect"].to_numpy()
    cohort, year = panel.frame[panel.cohort].to_numpy(), panel.frame[panel.year].to_numpy()
    return float(effect[(cohort > 0) & (year >= cohort)].mean())


# the quantity, then the plain method and the one that answers, each with its truth
STUDIES: dict[str, tuple[str, Callable[[Panel], float], dict[str, Callable[[Panel], Triple]]]] = {
    "trait": (
        "what large counties gain more than small ones",
        lambda panel: GAIN["large"] - GAIN["small"],
        {
            "two-way regression with an interaction": lambda panel: _coefficient(
                panel, "treated", "treated_large"
            ),
            "subgroup_effects": _difference,
        },
    ),
    "doses": (
        "what one more unit of dose adds, averaged over doses",
        _mean_slope,
        {
            "two-way regression on the dose": lambda panel: _coefficient(panel, "level"),
            "dose_response": lambda panel: _overall(
                dose_response(panel, "y", dose="dose", target="slope", degree=2)
            ),
        },
    ),
    "switches": (
        "what a year of treatment adds",
        lambda panel: 1.0,
        {
            "group-time from the first entry": lambda panel: _overall(att_gt(panel, "y")),
            "switching_did": lambda panel: _overall(switching_did(panel, "y", treatment="level")),
        },
    ),
    "people": (
        "what people asked after the reform gain",
        _gained,
        {
            "group-time of all who answer": lambda panel: _overall(att_gt(panel, "y")),
            "att_gt, changing composition": lambda panel: _overall(
                att_gt(panel, "y", covariates=["x"], composition="changing")
            ),
        },
    ),
}  # fmt: skip


def tasks(draws: int, n_counties: int, first_seed: int) -> list[Task]:
    """List the draws of every threat."""
    return [
        Task("reach", name, first_seed + draw, n_counties)
        for name in STUDIES
        for draw in range(draws)
    ]


def one_draw(task: Task) -> list[Record]:
    """Estimate one panel with the plain method and the one that answers."""
    panel = reach_panel(task.name, task.n_counties, seed=task.seed)
    quantity, true, methods = STUDIES[task.name]
    truth, records = true(panel), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        for place, (name, method) in enumerate(methods.items()):
            estimate, low, high = method(panel)
            records.append(
                {
                    "quantity": quantity, "method": name, "plain": place == 0,
                    "error": estimate - truth, "covered": low <= truth <= high,
                }
            )  # fmt: skip
    return [{**one, "covered": bool(one["covered"])} for one in records]


def rates(draws: pd.DataFrame) -> pd.DataFrame:
    """Summarise draws by threat and method.

    Returns
    -------
    DataFrame
        ``threat quantity method bias bias_error coverage n_draws kept``: the mean error with its
        Monte Carlo error, the share of 95 % intervals that hold the truth, and whether the bias
        lies within four of its errors and the coverage within four binomial standard deviations.
    """
    rows = []
    for (threat, method), part in draws.groupby(["name", "method"], sort=False):
        n, bias = len(part), float(part["error"].mean())
        error, coverage = float(part["error"].std() / np.sqrt(n)), float(part["covered"].mean())
        near = abs(coverage - LEVEL) <= 4 * np.sqrt(LEVEL * (1 - LEVEL) / n)
        rows.append(
            {
                "threat": threat, "quantity": part["quantity"].iloc[0], "method": method,
                "bias": bias, "bias_error": error, "coverage": coverage, "n_draws": n,
                "kept": bool(abs(bias) <= 4 * error and near),
            }
        )  # fmt: skip
    return drawn_from(draws).carried_by(pd.DataFrame(rows))
