"""For each threat: what fails, what gives it away, what survives."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..diagnostics.choose_inference import choose_inference
from ..diagnostics.placebo_outcomes import placebo_outcomes
from ..diagnostics.wild_bootstrap import wild_bootstrap
from ..estimators.att_gt import att_gt
from ..estimators.did_imputation import did_imputation
from ..estimators.etwfe import etwfe
from ..estimators.spillover_did import spillover_did
from ..estimators.twfe import twfe
from ..outcomes import outcome_values
from ..panel import Panel, PanelWarning
from ..results import Effects
from ..simulate import SimulatedPanel, simulate_panel
from .monte_carlo import Record, Task

Z = 1.959963984540054
SPEND, SHARE = "log_spending_per_insured", "primary_care_visit_share"


@dataclass(frozen=True)
class Answer:
    """An estimate with its error.

    ``rejects_zero`` stands where a test has no error; ``truth`` where fewer years are averaged.
    """

    estimate: float
    std_error: float
    rejects_zero: bool | None = None
    truth: float | None = None

    def covers(self, truth: float) -> bool:
        """Tell whether the 95 % interval holds a value."""
        if self.rejects_zero is not None:
            return not self.rejects_zero
        return abs(self.estimate - truth) <= Z * self.std_error


@dataclass(frozen=True)
class Recipe:
    """How one threat is shown.

    Attributes
    ----------
    threat, words : str
    outcome : str
    naive, survivor : (label, callable of a SimulatedPanel and an outcome)
    diagnostic : (label, callable that tells whether it fires)
    null : bool
        Draw without any effect: what fails is the size of the test.
    """

    threat: str
    words: str
    outcome: str
    naive: tuple[str, Callable[[SimulatedPanel, str], Answer]]
    diagnostic: tuple[str, Callable[[SimulatedPanel, str], bool]]
    survivor: tuple[str, Callable[[SimulatedPanel, str], Answer]]
    null: bool = False


def _answer(effects: Effects) -> Answer:
    overall = effects.overall
    return Answer(float(overall.estimate[0]), float(overall.std_error[0]))


def _static(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(twfe(found.panel, outcome))


def _group_time(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(att_gt(found.panel, outcome).aggregate("simple"))


def _earlier_base(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(att_gt(found.panel, outcome, anticipation=1).aggregate("simple"))


def _given(column: str) -> Callable[[SimulatedPanel, str], Answer]:
    def answer(found: SimulatedPanel, outcome: str) -> Answer:
        return _answer(att_gt(found.panel, outcome, covariates=[column]).aggregate("simple"))

    return answer


def _other_years(found: SimulatedPanel, outcome: str) -> Answer:
    """Leave 2020 to 2022 out, and hold the estimate to the truth of the years that are left."""
    rows = found.truth[(found.truth["outcome"] == outcome) & (found.truth["channel"] == "all")]
    rows = rows[~rows["year"].isin([2020, 2021, 2022])]
    panel = found.panel.keep(~found.panel.frame["year"].isin([2020, 2021, 2022]))
    overall = att_gt(panel, outcome).aggregate("simple").overall
    truth = float(np.average(rows["att"], weights=rows["n_units"]))
    return Answer(float(overall.estimate[0]), float(overall.std_error[0]), truth=truth)


def _imputed(*columns: str) -> Callable[[SimulatedPanel, str], Answer]:
    def answer(found: SimulatedPanel, outcome: str) -> Answer:
        effects = did_imputation(found.panel, outcome, covariates=columns)
        return _answer(effects.aggregate("simple"))

    return answer


def _without_clusters(panel: Panel) -> Panel:
    return Panel.from_frame(
        panel.frame, unit=panel.unit, year=panel.year, cohort=panel.cohort, badge=panel.badge
    )


def _by_county(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(att_gt(_without_clusters(found.panel), outcome).aggregate("simple"))


def _net_of_leaks(found: SimulatedPanel, outcome: str) -> Answer:
    effects = spillover_did(found.panel, outcome, distance=found.distance, edges=[30.0])
    frame = effects.to_frame(bands=False)
    row = frame[frame["term"].str.contains("direct|treated")].iloc[0]
    return Answer(float(row["estimate"]), float(row["std_error"]))


def _logit(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(etwfe(found.panel, outcome, family="logit").aggregate("simple"))


def _wild(found: SimulatedPanel, outcome: str) -> Answer:
    effects = twfe(found.panel, outcome)
    row = wild_bootstrap(effects, n_draws=999).iloc[0]
    return Answer(float(row["estimate"]), np.nan, bool(row["p_value"] < 0.05))


def _pretrend(found: SimulatedPanel, outcome: str) -> bool:
    effects = att_gt(found.panel, outcome, base_period="universal").aggregate("event_time")
    frame = effects.to_frame(bands=False)
    early = frame[frame["event_time"].between(-4, -2)]
    return bool(_trend_p(effects, early.index.to_numpy()) < 0.05)


def _trend_p(effects: Effects, rows: np.ndarray) -> float:
    """Return the p-value of a mean pre-period effect of zero."""
    from scipy import stats

    weight = np.zeros(len(effects.estimate))
    weight[rows] = 1 / len(rows)
    t = weight @ effects.estimate / np.sqrt(weight @ effects.vcov @ weight)
    return float(2 * stats.t.sf(abs(t), max(effects.design.n_clusters - 1, 1)))


def _year_before(found: SimulatedPanel, outcome: str) -> bool:
    effects = att_gt(found.panel, outcome, anticipation=1).aggregate("event_time")
    frame = effects.to_frame(bands=False)
    return bool(_trend_p(effects, frame.index[frame["event_time"] == -1].to_numpy()) < 0.05)


def _placebo(found: SimulatedPanel, outcome: str) -> bool:
    frame = found.panel.frame
    panel = found.panel.with_columns(log_employee_visits=np.log(frame["employee_visits"]))
    effects = att_gt(panel, outcome).aggregate("simple")
    table = placebo_outcomes(effects, panel, ["log_employee_visits"])
    return bool(table.loc[table["role"] == "placebo", "p_value"].iloc[0] < 0.05)


def _ring(found: SimulatedPanel, outcome: str) -> bool:
    effects = spillover_did(found.panel, outcome, distance=found.distance, edges=[30.0])
    frame = effects.to_frame(bands=False)
    row = frame[~frame["term"].str.contains("direct|treated")].iloc[0]
    return bool(row["p_value"] < 0.05)


def _unlike_imputation(found: SimulatedPanel, outcome: str) -> bool:
    """Compare the static estimate with the imputation estimate, on the same clusters."""
    one = twfe(found.panel, outcome).overall
    other = did_imputation(found.panel, outcome).aggregate("simple").overall
    gap = np.asarray(one.influence)[:, 0] - np.asarray(other.influence)[:, 0]
    cluster = found.panel.cluster_by_unit
    sums = np.bincount(cluster, weights=gap)
    error = np.sqrt((sums**2).sum()) / found.panel.n_units
    return bool(abs(one.estimate[0] - other.estimate[0]) > Z * error)


def _wider(found: SimulatedPanel, outcome: str) -> bool:
    return bool(_group_time(found, outcome).std_error > 2.5 * _by_county(found, outcome).std_error)


def _definition_warning(found: SimulatedPanel, outcome: str) -> bool:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        outcome_values(found.panel, outcome)
    return any("E106" in str(w.message) for w in said)


def _few(found: SimulatedPanel, outcome: str) -> bool:
    return "wild" in choose_inference(twfe(found.panel, outcome)).primary or (
        "randomisation" in choose_inference(twfe(found.panel, outcome)).primary
    )


RECIPES: dict[str, Recipe] = {
    recipe.threat: recipe
    for recipe in (
        Recipe(
            "het_dynamic", "effects grow with time and differ by cohort", SPEND,
            ("static two-way effects", _static),
            ("static estimate differs from imputation", _unlike_imputation),
            ("imputation", _imputed()),
        ),
        Recipe(
            "anticipation", "spending is inflated in the year before", SPEND,
            ("group-time, base one year before", _group_time),
            ("effect in the year before", _year_before),
            ("group-time, base two years before", _earlier_base),
        ),
        Recipe(
            "select_on_level", "rich places reform first and grow differently", SPEND,
            ("group-time", _group_time),
            ("mean effect before the reform", _pretrend),
            ("group-time given fiscal capacity", _given("fiscal_capacity")),
        ),
        Recipe(
            "select_on_shock", "places reform after a dear year", SPEND,
            ("group-time, base one year before", _group_time),
            ("effect in the year before", _year_before),
            ("group-time, base two years before", _earlier_base),
        ),
        Recipe(
            "covid", "the pandemic hits reforming places harder", SPEND,
            ("group-time", _group_time),
            ("placebo outcome: visits of another scheme", _placebo),
            ("group-time without 2020 to 2022", _other_years),
        ),
        Recipe(
            "coreform", "case payment arrives at about the same time", SPEND,
            ("group-time", _group_time),
            ("placebo outcome: visits of another scheme", _placebo),
            ("imputation with the other reform", _imputed("drg_active")),
        ),
        Recipe(
            "spillover", "patients and costs move to neighbours", SPEND,
            ("group-time", _group_time),
            ("effect on untreated neighbours", _ring),
            ("direct effect net of neighbours", _net_of_leaks),
        ),
        Recipe(
            "pooling", "counties of a prefecture share one fund and its shocks", SPEND,
            ("group-time, county clusters", _by_county),
            ("errors by prefecture above 2.5 times those by county", _wider),
            ("group-time, prefecture clusters", _group_time),
        ),
        Recipe(
            "def_break", "linked village clinics come to be counted", SHARE,
            ("group-time", _group_time),
            ("warning that definitions change", _definition_warning),
            ("imputation with the definition", _imputed("visit_def")),
        ),
        Recipe(
            "few_treated", "five prefectures reform, without any effect", SPEND,
            ("two-way effects, normal interval", _static),
            ("rule of the number of clusters", _few),
            ("wild cluster bootstrap", _wild),
            null=True,
        ),
        Recipe(
            "pt_scale", "trends run alike on the logit, not in levels", SHARE,
            ("group-time in levels", _group_time),
            ("mean effect before the reform", _pretrend),
            ("fractional logit", _logit),
        ),
    )
}  # fmt: skip


def one_draw(task: Task) -> list[Record]:
    """Run one threat's recipe on one draw.

    Returns
    -------
    list of one record
        ``truth``, then estimate, error and coverage of the naive and the surviving estimator,
        whether the diagnostic fires, and whether it fires on the same counties without the threat.
    """
    recipe = RECIPES[task.name]
    rules = None if recipe.null else "split_631"

    def draw(threats: tuple[str, ...]) -> SimulatedPanel:
        return simulate_panel(task.n_counties, 12, task.seed, rules, threats, channels=False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        with_it, without = draw((recipe.threat,)), draw(())
        truth = with_it.effect(recipe.outcome)
        naive = recipe.naive[1](with_it, recipe.outcome)
        survivor = recipe.survivor[1](with_it, recipe.outcome)
        fires = recipe.diagnostic[1]
        record: Record = {
            "truth": truth,
            "naive_estimate": naive.estimate,
            "naive_std_error": naive.std_error,
            "naive_covers": naive.covers(truth),
            "survivor_estimate": survivor.estimate,
            "survivor_std_error": survivor.std_error,
            "survivor_truth": truth if survivor.truth is None else survivor.truth,
            "survivor_covers": survivor.covers(truth if survivor.truth is None else survivor.truth),
            "fired": fires(with_it, recipe.outcome),
            "fired_without": fires(without, recipe.outcome),
        }
    return [record]


def matrix(draws: pd.DataFrame) -> pd.DataFrame:
    """Summarise draws: one row a threat.

    Returns
    -------
    DataFrame
        ``threat outcome truth naive_bias naive_coverage fired fired_without survivor_bias
        survivor_coverage`` with Monte Carlo errors of the biases, and ``n_draws``.
    """
    rows = []
    for threat in RECIPES:
        d = draws[draws["name"] == threat]
        if d.empty:
            continue
        row = {"threat": threat, "outcome": RECIPES[threat].outcome, "truth": d["truth"].mean()}
        for who in ("naive", "survivor"):
            gap = d[f"{who}_estimate"] - d["truth" if who == "naive" else "survivor_truth"]
            row[f"{who}_bias"] = gap.mean()
            row[f"{who}_bias_error"] = gap.std(ddof=1) / np.sqrt(len(d))
            row[f"{who}_coverage"] = d[f"{who}_covers"].astype(float).mean()
        row["fired"] = d["fired"].astype(float).mean()
        row["fired_without"] = d["fired_without"].astype(float).mean()
        row["n_draws"] = len(d)
        rows.append(row)
    return pd.DataFrame(rows)
