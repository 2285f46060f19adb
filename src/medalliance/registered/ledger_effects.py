"""Effects of two-sided risk in the public ledgers: the registered headlines and what moves them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..diagnostics.leave_one_out import leave_one_out
from ..diagnostics.pretrend_test import pretrend_test
from ..errors import DesignError, what_is_wrong
from ..estimators.att_gt import att_gt
from ..estimators.did_imputation import did_imputation
from ..estimators.etwfe import etwfe
from ..estimators.stacked_did import stacked_did
from ..inference.honest_did import honest_did
from ..inference.romano_wolf import romano_wolf
from ..outcomes import outcome_values, surplus_split
from ..panel import Panel
from ..results import Effects
from .ledger_panel import PARTS, SHORT, balanced

LABELS = {
    "fund_surplus_rate": "surplus rate",
    "log_spending_per_insured": "log spending per person",
    "log_budget_per_insured": "log budget per person",
    "share_primary": "primary-care share of visits, nurses and clinics counted",
    "share_physician": "primary-care share of visits, physicians alone",
    "quality": "quality score",
}
WORDS = {
    "level": "group-time effects on the level",
    "log": "group-time effects on the logarithm",
    "logit": "fractional logit with cohort and year effects",
}


@dataclass(frozen=True, eq=False)
class Specification:
    """What is estimated, stated before any result.

    Attributes
    ----------
    outcomes : mapping of str to str
        Outcome -> scale on which trends are taken as parallel: ``level``, ``log`` or ``logit``.
    control_group, base_period, anticipation
        As in ``att_gt``.
    horizon : int
        Last year after the first that the average covers; cohorts seen in all of them.
    first_year, last_year : int
    n_draws, seed : int
        Of the Romano-Wolf adjustment.
    """

    outcomes: Mapping[str, str]
    control_group: Literal["not_yet_treated", "never_treated"] = "not_yet_treated"
    base_period: Literal["varying", "universal"] = "universal"
    anticipation: int = 1
    horizon: int = 2
    first_year: int = 2013
    last_year: int = 2022
    n_draws: int = 1_999
    seed: int = 0


REGISTERED = Specification(
    MappingProxyType(
        {
            "fund_surplus_rate": "level",
            "log_spending_per_insured": "log",
            "log_budget_per_insured": "log",
            "share_primary": "logit",
            "share_physician": "logit",
            "quality": "level",
        }
    )
)


def registered_text(spec: Specification = REGISTERED) -> str:
    """Return the registration as the chapter prints it; a test compares the two."""
    reference = spec.anticipation + 1
    lines = [
        "**Registered specification**",
        "",
        "- Treatment: the first year that an organisation settles under two-sided risk. "
        "Organisations already there when first seen are left out.",
        f"- Years: {spec.first_year} to {spec.last_year}, all of them, also those of the pandemic.",
        f"- Controls: organisations {spec.control_group.replace('_', ' ')}.",
        f"- Anticipation: {spec.anticipation} year. The reference is the year {reference} years "
        f"before the first ({spec.base_period} base).",
        f"- Headline: the mean effect over the first year and the {spec.horizon} years after it, "
        "on cohorts seen in all of them. Organisations count equally.",
        "- Standard errors: clustered by organisation.",
        f"- Several outcomes: Romano-Wolf over the {len(spec.outcomes)} headlines, "
        f"{spec.n_draws:,} draws, seed {spec.seed}.",
        "- Outcomes, with the scale on which trends are taken as parallel:",
    ]
    lines += [f"  - {LABELS[name]}: {WORDS[scale]}" for name, scale in spec.outcomes.items()]
    return "\n".join(lines)


def group_time(panel: Panel, outcome: str, spec: Specification = REGISTERED) -> Effects:
    """Estimate the event study of group-time effects under a specification."""
    return _cells(panel, outcome, spec).aggregate("event_time", balance=spec.horizon)


def _cells(panel: Panel, outcome: str, spec: Specification) -> Effects:
    return att_gt(
        registered_years(panel, spec),
        outcome,
        control_group=spec.control_group,
        anticipation=spec.anticipation,
        base_period=spec.base_period,
    )


def cells(panel: Panel, outcome: str, spec: Specification = REGISTERED) -> Effects:
    """Estimate one registered outcome, cohort by cohort and year by year.

    Raises
    ------
    DesignError
        If the outcome is not registered.
    """
    if outcome not in spec.outcomes:
        raise DesignError(f"{outcome} is not registered.\n  Use one of {', '.join(spec.outcomes)}.")
    if spec.outcomes[outcome] != "logit":
        return _cells(panel, outcome, spec)
    return etwfe(
        registered_years(panel, spec),
        outcome,
        family="logit",
        control_group=spec.control_group,
        anticipation=spec.anticipation,
    )


def headline(panel: Panel, outcome: str, spec: Specification = REGISTERED) -> Effects:
    """Estimate one registered headline, by years since the first."""
    return cells(panel, outcome, spec).aggregate("event_time", balance=spec.horizon)


@cache
def headlines(panel: Panel, spec: Specification = REGISTERED) -> dict[str, Effects]:
    """Estimate every registered headline."""
    return {name: headline(panel, name, spec) for name in spec.outcomes}


@cache
def headline_table(panel: Panel, spec: Specification = REGISTERED) -> pd.DataFrame:
    """Set the registered headlines beside each other with adjusted p-values.

    Returns
    -------
    DataFrame
        ``outcome estimate std_error conf_low conf_high p_value p_adjusted n_units n_moved``;
        ``p_adjusted`` is Romano and Wolf's over all rows.
    """
    found = headlines(panel, spec)
    adjusted = romano_wolf(list(found.values()), n_draws=spec.n_draws, seed=spec.seed)
    by_outcome = adjusted.set_index("outcome")["p_adjusted"]
    rows = [summary_row(name, effects) for name, effects in found.items()]
    table = pd.DataFrame(rows).rename(columns={"label": "outcome"})
    table["p_adjusted"] = table["outcome"].map(by_outcome)
    return table


def summary_row(label: str, effects: Effects) -> dict[str, Any]:
    """Return the overall effect as a row: estimate, error, interval and counts."""
    row = effects.overall.to_frame(bands=False).iloc[0]
    counts = effects.terms.loc[effects.terms["event_time"].fillna(-1) >= 0, "n_units"]
    return {
        "label": label,
        **{k: float(row[k]) for k in ("estimate", "std_error", "conf_low", "conf_high", "p_value")},
        "n_units": effects.design.n_units,
        "n_moved": int(counts.max()) if counts.notna().any() else pd.NA,
    }


def exact_split(panel: Panel, spec: Specification = REGISTERED) -> pd.DataFrame:
    """Split the effect on the log of spending over budget into spending and budget, exactly.

    Returns
    -------
    DataFrame
        One row an event time from 0, then their mean; ``residual`` is zero to rounding.
    """
    split = surplus_split(panel, group_time, spec=spec)
    parts = [c for c in split if c not in ("term", "cohort", "year", "event_time")]
    after = split[split["event_time"] >= 0]
    table = after[["event_time", *parts]].assign(when=after["event_time"].astype(str))
    mean = pd.DataFrame([{**after[parts].mean().to_dict(), "when": "mean"}])
    return pd.concat([table, mean], ignore_index=True)[["when", *parts]]


def registered_years(panel: Panel, spec: Specification) -> Panel:
    """Return the panel of the years that the specification names."""
    inside = panel.frame[panel.year].between(spec.first_year, spec.last_year)
    return panel if inside.all() else panel.keep(inside)


def _years(panel: Panel, years: Iterable[int]) -> Panel:
    return panel.keep(panel.frame[panel.year].isin(list(years)))


def _side(panel: Panel, *, low: bool) -> Panel:
    """Return the organisations whose first named revenue category is low, or high."""
    first = panel.frame.groupby(panel.unit)["low_revenue"].first()
    return panel.keep(panel.frame[panel.unit].map(first) == float(low))


def _weighted(panel: Panel) -> Panel:
    """Weight organisations by their mean size before two-sided risk, frozen."""
    frame = panel.frame
    before = (frame[panel.cohort] == 0) | (frame[panel.year] < frame[panel.cohort])
    size = frame[before].groupby(panel.unit)["insured_n"].mean()
    weighted = panel.with_columns(person_weight=frame[panel.unit].map(size).to_numpy(float))
    return replace(weighted, weight="person_weight")


def _estimators(spec: Specification) -> dict[str, Callable[[Panel, str], Effects]]:
    ahead: dict[str, Any] = {"anticipation": spec.anticipation}

    def event(cells: Effects) -> Effects:
        return cells.aggregate("event_time", balance=spec.horizon)

    def stacked(panel: Panel, outcome: str) -> Effects:
        return stacked_did(panel, outcome, window=(spec.anticipation + 2, spec.horizon), **ahead)

    rivals: dict[str, Callable[[Panel, str], Effects]] = {
        "group-time, controls not yet treated": lambda p, y: group_time(p, y, spec),
        "group-time, controls never treated": lambda p, y: group_time(
            p, y, replace(spec, control_group="never_treated")
        ),
        "imputation": lambda p, y: event(did_imputation(p, y, **ahead)),
        "linear with cohort and year effects": lambda p, y: event(etwfe(p, y, **ahead)),
        "fractional logit": lambda p, y: event(etwfe(p, y, family="logit", **ahead)),
        "stacked": stacked,
    }
    return rivals


def estimator_table(panel: Panel, outcome: str, spec: Specification = REGISTERED) -> pd.DataFrame:
    """Estimate one outcome by every estimator, on the same panel."""
    methods = _estimators(spec)
    if spec.outcomes[outcome] != "logit":
        methods.pop("fractional logit")
    return pd.DataFrame([summary_row(name, make(panel, outcome)) for name, make in methods.items()])


@cache
def sample_table(panel: Panel, outcome: str, spec: Specification = REGISTERED) -> pd.DataFrame:
    """Estimate one headline on other years, other organisations and other references.

    Returns
    -------
    DataFrame
        One row a variant; ``note`` says why one could not be estimated.
    """
    short = replace(spec, horizon=1)
    cases: dict[str, tuple[Panel, Specification]] = {
        "registered": (panel, spec),
        **{
            f"anticipation {years}": (panel, replace(spec, anticipation=years))
            for years in (0, 2)
        },
        "the first year alone": (panel, replace(spec, horizon=0)),
        "mean over 2 years": (panel, short),
        "years to 2019, mean over 2 years": (_years(panel, range(2013, 2020)), short),
        "years 2020 and 2021 left out": (_years(panel, (*range(2013, 2020), 2022)), spec),
        "years from 2016": (_years(panel, range(2016, 2023)), spec),
        "seen in every year 2014-2022": (balanced(panel, 2014, 2022), spec),
        "seen in every year 2016-2022": (balanced(panel, 2016, 2022), spec),
        "low revenue (named since 2018)": (_side(panel, low=True), spec),
        "high revenue (named since 2018)": (_side(panel, low=False), spec),
        "persons count equally": (_weighted(panel), spec),
        "clustered by state": (replace(panel, cluster="state"), spec),
    }  # fmt: skip
    return pd.DataFrame([_attempt(name, p, outcome, s) for name, (p, s) in cases.items()])


def _attempt(name: str, panel: Panel, outcome: str, spec: Specification) -> dict[str, Any]:
    try:
        return {**summary_row(name, headline(panel, outcome, spec)), "note": ""}
    except DesignError as problem:
        return {"label": name, "note": what_is_wrong(problem)}


@cache
def parts_effects(panel: Panel, spec: Specification = REGISTERED) -> Effects:
    """Estimate the effects on the four parts of office visits together."""
    cells = etwfe(panel, list(PARTS), family="multinomial", anticipation=spec.anticipation)
    return cells.aggregate("event_time", balance=spec.horizon)


def parts_table(panel: Panel, spec: Specification = REGISTERED) -> pd.DataFrame:
    """Set effects on the shares beside effects on the volumes of the four parts.

    Returns
    -------
    DataFrame
        ``part``, effect on the ``share`` (0-1, the parts sum to zero) and on ``visits`` per 1,000
        person-years (Poisson), each with its standard error.
    """
    shares = parts_effects(panel, spec).overall.to_frame(bands=False).set_index("outcome")
    rows = []
    for name in PARTS:
        cells = etwfe(panel, name, family="poisson", anticipation=spec.anticipation)
        visits = summary_row(name, cells.aggregate("event_time", balance=spec.horizon))
        row = {
            "part": SHORT[name],
            "share": float(shares.loc[name, "estimate"]),
            "share_std_error": float(shares.loc[name, "std_error"]),
            "visits": visits["estimate"],
            "visits_std_error": visits["std_error"],
        }
        rows.append(row)
    return pd.DataFrame(rows)


@cache
def pretrend_table(panel: Panel, spec: Specification = REGISTERED) -> pd.DataFrame:
    """Test the years before, with what the test would miss and what that would mean.

    Returns
    -------
    DataFrame
        ``outcome statistic dof p_value``; ``slope`` is the yearly trend that the test finds half of
        the time and ``implied_bias`` what it would do to the headline; ``low_1`` and ``high_1``
        bound the effect if trends after differ by no more than they did before; ``breakdown`` is
        the largest multiple of the earlier differences at which the interval leaves zero out.
        All on group-time effects, whose base is one year for all.
    """
    rows = []
    for name in spec.outcomes:
        study = group_time(panel, name, spec)
        test = pretrend_test(study, power=(0.5,)).iloc[0]
        bounds = honest_did(study, relative_magnitude=(1.0,), event_time=0)
        rows.append(
            {
                "outcome": name,
                **{k: float(test[k]) for k in ("statistic", "dof", "p_value", "slope")},
                "implied_bias": float(test["implied_bias"]),
                "estimate_0": float(study.estimate[study.terms["event_time"] == 0][0]),
                "low_1": float(bounds["conf_low"].iloc[0]),
                "high_1": float(bounds["conf_high"].iloc[0]),
                "breakdown": float(bounds.breakdown["relative_magnitude"]),
            }
        )
    return pd.DataFrame(rows)


def left_out_table(
    panel: Panel, outcome: str, by: str = "cohort", spec: Specification = REGISTERED
) -> pd.DataFrame:
    """Estimate one headline again without each cohort or state."""
    found = leave_one_out(headline(panel, outcome, spec), panel, by=by)
    return found[["left_out", "estimate", "std_error", "conf_low", "conf_high", "change"]]


def mean_by_side(panel: Panel) -> pd.DataFrame:
    """Describe organisations by revenue category and side of risk since 2018, not an effect.

    Returns
    -------
    DataFrame
        ``revenue side rows`` with means of surplus rate, spending and budget per person and
        both primary-care shares.
    """
    frame = panel.frame.assign(
        surplus=outcome_values(panel, "fund_surplus_rate"),
        spending_per_person=panel.frame["spending"] / panel.frame["insured_n"],
        budget_per_person=panel.frame["budget"] / panel.frame["insured_n"],
        revenue=panel.frame["low_revenue"].map({1.0: "low", 0.0: "high"}),
        side=np.where(panel.frame["two_sided"] == 1, "two-sided", "one-sided"),
        rows=1,
    ).dropna(subset=["revenue"])
    means = ["surplus", "spending_per_person", "budget_per_person", "share_primary",
             "share_physician"]  # fmt: skip
    grouped = frame.groupby(["revenue", "side"])
    return grouped[means].mean().assign(rows=grouped["rows"].sum()).reset_index()
