"""For each threat: what fails, what gives it away, what survives."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pandas as pd
from scipy import stats

from ..diagnostics.placebo_outcomes import placebo_outcomes
from ..estimators.att_gt import att_gt
from ..estimators.did_imputation import did_imputation
from ..estimators.etwfe import etwfe
from ..estimators.interactive_effects import interactive_effects
from ..estimators.spillover_did import spillover_did
from ..estimators.twfe import twfe
from ..inference.choose_inference import choose_inference
from ..inference.neyman_variance import neyman_variance
from ..inference.wild_bootstrap import wild_bootstrap
from ..outcomes import outcome_values
from ..panel import Panel, PanelWarning
from ..reforms import Rules, load_rules
from ..results import Effects
from ..simulate import SimulatedPanel, simulate_panel
from .monte_carlo import Record, Task
from .stored_draws import drawn_from

LEVEL = 0.95
SPEND, SHARE = "log_spending_per_insured", "primary_care_visit_share"


@dataclass(frozen=True)
class Answer:
    """An estimate with its error and the degrees of freedom of its interval.

    ``rejects_zero`` stands where a test has no error; ``truth`` where fewer years are averaged.
    """

    estimate: float
    std_error: float
    dof: float
    rejects_zero: float = np.nan
    truth: float | None = None


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
    """Answer with the errors that the book states: Neyman's by cohort, with Welch's t."""
    overall = neyman_variance(effects).overall
    return Answer(float(overall.estimate[0]), float(overall.std_error[0]), float(overall.dof[0]))


def _static(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(twfe(found.panel, outcome))


def _static_clustered(found: SimulatedPanel, outcome: str) -> Answer:
    effects = twfe(found.panel, outcome)
    return Answer(
        float(effects.estimate[0]), float(effects.std_error[0]), effects.design.n_clusters - 1
    )


def _group_time(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(att_gt(found.panel, outcome))


def _earlier_base(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(att_gt(found.panel, outcome, anticipation=1))


def _given(column: str) -> Callable[[SimulatedPanel, str], Answer]:
    """Regress on a column: with poor overlap the doubly robust form leaves cells out."""

    def answer(found: SimulatedPanel, outcome: str) -> Answer:
        effects = att_gt(found.panel, outcome, covariates=[column], method="reg")
        return _answer(effects)

    return answer


def _without(found: SimulatedPanel, outcome: str, years: Sequence[int]) -> Answer:
    """Leave years out, and hold the estimate to the truth of the years that are left."""
    rows = found.truth[(found.truth["outcome"] == outcome) & (found.truth["channel"] == "all")]
    rows = rows[~rows["year"].isin(years)]
    panel = found.panel.keep(~found.panel.frame["year"].isin(years))
    told = _answer(att_gt(panel, outcome))
    truth = float(np.average(rows["att"], weights=rows["n_units"]))
    return Answer(told.estimate, told.std_error, told.dof, truth=truth)


def _other_years(found: SimulatedPanel, outcome: str) -> Answer:
    return _without(found, outcome, (2020, 2021, 2022))


def _undecided_years(found: SimulatedPanel, outcome: str) -> Answer:
    """Leave out the years before each cohort: they chose who reforms, and who does not."""
    cohorts = np.unique(found.panel.cohort_by_unit)
    return _without(found, outcome, [int(year) - 1 for year in cohorts[cohorts > 0]])


def _imputed(*columns: str) -> Callable[[SimulatedPanel, str], Answer]:
    def answer(found: SimulatedPanel, outcome: str) -> Answer:
        effects = did_imputation(found.panel, outcome, covariates=columns)
        return _answer(effects)

    return answer


def _without_clusters(panel: Panel) -> Panel:
    return Panel.from_frame(
        panel.frame, unit=panel.unit, year=panel.year, cohort=panel.cohort, badge=panel.badge
    )


def _by_county(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(att_gt(_without_clusters(found.panel), outcome))


def _net_of_leaks(found: SimulatedPanel, outcome: str) -> Answer:
    effects = spillover_did(found.panel, outcome, distance=found.distance, edges=[30.0])
    direct = effects.terms["term"].str.contains("direct|treated").to_numpy()
    return _answer(effects.combine(np.eye(len(direct))[direct.argmax()]))


def _with_factors(found: SimulatedPanel, outcome: str) -> Answer:
    """Learn factors from those never treated: the first cohort has four years before."""
    return _answer(
        interactive_effects(
            found.panel, outcome, n_factors=2, control_group="never_treated", held_out=0
        )
    )


def _badly_predicted(found: SimulatedPanel, outcome: str) -> bool:
    """Predict the years before the reform from unit and year effects alone."""
    tests = interactive_effects(found.panel, outcome, n_factors=0).tests
    return bool(tests["placebo"]["p_value"].iloc[0] < 0.02)


def _logit(found: SimulatedPanel, outcome: str) -> Answer:
    return _answer(etwfe(found.panel, outcome, family="logit"))


def _wild(found: SimulatedPanel, outcome: str) -> Answer:
    effects = twfe(found.panel, outcome)
    row = wild_bootstrap(effects, n_draws=999).iloc[0]
    rejects = float(row["p_value"] < 1 - LEVEL)
    return Answer(float(row["estimate"]), np.nan, effects.design.n_clusters - 1, rejects)


def _pretrend(found: SimulatedPanel, outcome: str) -> bool:
    effects = att_gt(found.panel, outcome, base_period="universal").aggregate("event_time")
    frame = effects.to_frame(bands=False)
    early = frame[frame["event_time"].between(-4, -2)]
    return bool(_trend_p(effects, early.index.to_numpy()) < 0.05)


def _trend_p(effects: Effects, rows: np.ndarray) -> float:
    """Return the p-value of a mean pre-period effect of zero."""
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
    critical = stats.t.ppf((1 + LEVEL) / 2, cluster.max())
    return bool(abs(one.estimate[0] - other.estimate[0]) > critical * error)


def _wider(found: SimulatedPanel, outcome: str) -> bool:
    panels = (found.panel, _without_clusters(found.panel))
    by_prefecture, by_county = (
        float(att_gt(panel, outcome).aggregate("simple").std_error[0]) for panel in panels
    )
    return bool(by_prefecture > 2.5 * by_county)


def _definition_warning(found: SimulatedPanel, outcome: str) -> bool:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        outcome_values(found.panel, outcome)
    return any("E106" in str(w.message) for w in said)


def _few(found: SimulatedPanel, outcome: str) -> bool:
    primary = choose_inference(twfe(found.panel, outcome)).primary
    return "wild" in primary or "randomisation" in primary


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
            ("group-time, regression on fiscal capacity", _given("fiscal_capacity")),
        ),
        Recipe(
            "select_on_shock", "places reform after a dear year", SPEND,
            ("group-time, base one year before", _group_time),
            ("effect in the year before", _year_before),
            ("group-time without the years that decided", _undecided_years),
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
            ("two-way effects, clustered errors", _static_clustered),
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
        Recipe(
            "factors", "counties answer differently to two shocks that all share", SPEND,
            ("group-time", _group_time),
            ("years before the reform predicted badly", _badly_predicted),
            ("factor model, two factors", _with_factors),
        ),
    )
}  # fmt: skip


@cache
def _rules() -> Rules:
    return load_rules("split_631")


@lru_cache(maxsize=2)
def _calm(n_counties: int, seed: int, null: bool) -> SimulatedPanel:
    """Draw the counties of a seed without any threat, once for all recipes."""
    return simulate_panel(
        n_counties, 12, seed, None if null else _rules(), channels=False, outcomes=(), settled=False
    )


def one_draw(task: Task) -> list[Record]:
    """Run one threat's recipe on one draw.

    Returns
    -------
    list of one record
        Truth, estimate, error and degrees of freedom of the naive and of the surviving
        estimator; whether the diagnostic fires, and whether it fires on the same counties
        without the threat. ``rejects`` stands where a test has no error.
    """
    recipe = RECIPES[task.name]
    fires = recipe.diagnostic[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        found = simulate_panel(
            task.n_counties, 12, task.seed, None if recipe.null else _rules(), (recipe.threat,),
            channels=False, outcomes=(recipe.outcome,), settled=False,
        )  # fmt: skip
        truth = found.effect(recipe.outcome)
        record: Record = {}
        for who, (_, estimate) in (("naive", recipe.naive), ("survivor", recipe.survivor)):
            told = estimate(found, recipe.outcome)
            record |= {
                f"{who}_truth": truth if told.truth is None else told.truth,
                f"{who}_estimate": told.estimate,
                f"{who}_std_error": told.std_error,
                f"{who}_dof": told.dof,
                f"{who}_rejects": told.rejects_zero,
            }
        calm = _calm(task.n_counties, task.seed, recipe.null)
        record["fired"] = fires(found, recipe.outcome)
        record["fired_without"] = fires(calm, recipe.outcome)
    return [record]


def tasks(n_draws: int, n_counties: int = 400, first_seed: int = 0) -> list[Task]:
    """List the draws of all threats, draw by draw."""
    return [
        Task("threats", name, first_seed + draw, n_counties)
        for draw in range(n_draws)
        for name in RECIPES
    ]


def matrix(draws: pd.DataFrame) -> pd.DataFrame:
    """Summarise draws: one row a threat.

    Returns
    -------
    DataFrame
        ``threat outcome truth``; for ``naive`` and ``survivor`` ``_bias`` with its Monte Carlo
        error, ``_coverage`` of the population's effect (the mean of drawn effects) and
        ``_coverage_drawn`` of the drawn counties' effect; ``fired fired_without n_draws``.
    """
    rows = []
    for threat in RECIPES:
        d = draws[draws["name"] == threat]
        if d.empty:
            continue
        row: Record = {"threat": threat, "outcome": RECIPES[threat].outcome}
        row["truth"] = d["naive_truth"].mean()
        for who in ("naive", "survivor"):
            gap = d[f"{who}_estimate"] - d[f"{who}_truth"]
            row[f"{who}_bias"] = gap.mean()
            row[f"{who}_bias_error"] = gap.std(ddof=1) / np.sqrt(len(d))
            row[f"{who}_coverage"] = _coverage(d, who, d[f"{who}_truth"].mean())
            row[f"{who}_coverage_drawn"] = _coverage(d, who, d[f"{who}_truth"])
        row["fired"] = d["fired"].astype(float).mean()
        row["fired_without"] = d["fired_without"].astype(float).mean()
        row["n_draws"] = len(d)
        rows.append(row)
    return drawn_from(draws).carried_by(pd.DataFrame(rows))


def _coverage(draws: pd.DataFrame, who: str, truth: float | pd.Series) -> float:
    half = draws[f"{who}_std_error"] * stats.t.ppf((1 + LEVEL) / 2, draws[f"{who}_dof"])
    holds = (draws[f"{who}_estimate"] - truth).abs() <= half
    return float(holds.where(draws[f"{who}_rejects"].isna(), draws[f"{who}_rejects"] == 0).mean())
