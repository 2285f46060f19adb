"""What the ledger chapter cannot hold in a cell: checks, the new year, the model's prediction."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ..diagnostics.minimum_detectable_effect import minimum_detectable_effect
from ..incentives.bridge import contract_from_rules
from ..incentives.equilibrium import Equilibrium
from ..incentives.respond import respond
from ..incentives.technology import Technology
from ..outcomes import outcome_values
from ..outcomes.composition import share_change_table
from ..panel import Panel
from ..provenance import Badge
from ..reforms import load_rules
from ..registered.ledger_effects import (
    LABELS,
    REGISTERED,
    group_time,
    headline_table,
    pretrend_table,
)
from ..registered.ledger_panel import PARTS, SHORT
from ..show.exhibits import Sentence
from ..show.front import say
from .ledger_attrition import selection_bounds
from .ledger_kept import load_by_year_and_track
from .ledger_new_year import load_new_year
from .ledger_renewals import rebasing_table, renewal_effects

LEVEL = 0.05
FULL_SAVING = 0.03  # assumed: saving, part of spending, of an organisation that keeps every dollar
DISCOUNT = 0.95  # assumed: what next year is worth today
PAIRS = ((2018, "1", "1+"), (2018, "1", "3"), (2021, "B", "E"), (2021, "B", "ENHANCED"))
_SETTLED = {
    "met_quality_standard": 1,
    "met_alternative_standard": 1,
    "outside_guardrail": 1,
    "half_rate_eligible": 0,
    "disaster_adjustment": 0,
    "contract_year": 3,
}
WORDS = {
    "label": "", "outcome": "Outcome", "estimate": "Estimate", "std_error": "Standard error",
    "conf_low": "95 % from", "conf_high": "95 % to", "p_value": "p", "p_adjusted": "p, Romano-Wolf",
    "n_units": "Organisations", "n_moved": "Moved", "n_controls": "Renewed one-sided",
    "note": "Note", "step": "Step", "reason": "What", "organisations": "Organisations",
    "rows": "Rows", "budget": "Budget as settled (billion US dollars)", "aco_id": "Id",
    "name": "Name", "start_date": "Start of the agreement", "part": "Part",
    "share_before": "Share before", "share_after": "Share after", "change": "Change",
    "log_volume_growth": "Growth of its visits (log)", "registered": "Registered",
    "new": "New cohort", "low": "Lowest", "high": "Highest", "inside": "Registered inside",
    "all": "Both together", "when": "Year", "log_spending_to_budget": "Spending over budget",
    "log_spending_per_insured": "Spending per person",
    "log_budget_per_insured": "Budget per person", "residual": "Residual",
    "share": "Share", "share_std_error": "Standard error",
    "visits": "Visits", "visits_std_error": "Standard error (visits)",
    "left_out": "Left out", "statistic": "Wald", "dof": "Degrees",
    "slope": "Slope found half the time", "implied_bias": "Its bias", "estimate_0": "First year",
    "low_1": "Bounds from", "high_1": "Bounds to", "breakdown": "Largest multiple without zero",
    "side": "Side", "at_risk": "Organisations", "left": "Leave", "share_left": "Share that leaves",
    "surplus_leavers": "Surplus of leavers", "surplus_stayers": "Surplus of stayers",
    "middle": "Same organisations", "stay_treated": "Seen again, moved",
    "stay_control": "Seen again, controls", "cohort": "First two-sided year",
    "new_agreement": "With a new agreement", "same_agreement": "Inside an agreement",
    "next_year": "Next year", "psi_plus": "After a surplus", "psi_plus_std_error": "Standard error",
    "psi_minus": "After a deficit", "psi_minus_std_error": "Standard error (deficit)",
    "first_stage_f": "First-stage F", "revenue": "Revenue", "surplus": "Surplus rate",
    "spending_per_person": "Spending per person (US dollars)",
    "budget_per_person": "Budget per person (US dollars)",
    "share_primary": "Primary care with nurses and clinics",
    "share_physician": "Primary-care physicians", "from_track": "From track",
    "to_track": "To track", "r_from": "Kept before", "r_to": "Kept after",
    "surplus_ratchet": "Surplus rate with the ratchet", "year": "Year",
}  # fmt: skip


def _names(outcomes: pd.Series | list[str]) -> str:
    return "; ".join(LABELS[name] for name in outcomes) or "none"


@cache
def checks(panel: Panel) -> pd.DataFrame:
    """Hold every headline against four checks.

    Returns
    -------
    DataFrame
        ``outcome``, and 0/1 each: ``distinct`` (adjusted p below 0.05), ``quiet_before`` (the years
        before do not reject), ``robust`` (zero stays out if trends differ as much as before),
        ``bounded`` (zero stays out of the bounds for leavers).
    """
    found = headline_table(panel).set_index("outcome")
    before = pretrend_table(panel).set_index("outcome")
    bounds = {name: selection_bounds(panel, name) for name in REGISTERED.outcomes}
    return pd.DataFrame(
        {
            "outcome": name,
            "distinct": int(found.loc[name, "p_adjusted"] < LEVEL),
            "quiet_before": int(before.loc[name, "p_value"] >= LEVEL),
            "robust": int(before.loc[name, "breakdown"] >= 1),
            "bounded": int(bounds[name]["low"] > 0 or bounds[name]["high"] < 0),
        }
        for name in REGISTERED.outcomes
    )


def opening(panel: Panel) -> Sentence:
    """Say first what holds and what does not."""
    held = checks(panel)
    n = len(held)
    passed = held[["distinct", "quiet_before", "robust", "bounded"]].all(axis=1)
    distinct = held[held["distinct"] == 1]["outcome"]
    loud = held[held["quiet_before"] == 0]["outcome"]
    verdict = (
        "No headline passes all four checks, so the evidence is weak: the ledger does not settle "
        "whether sharing losses changes behaviour."
        if not passed.any()
        else f"{int(passed.sum())} of {n} headlines pass all four checks: "
        f"{_names(held[passed]['outcome'])}."
    )
    return say(
        "{verdict} Adjusted for testing {n} headlines together, different from zero at 5 %: "
        "{n_distinct} of {n} ({names}). The years before the move speak against the design "
        "for {n_loud} of {n} ({loud}). If trends differ after the move as much as they "
        "did before, the intervals of {robust} of {n} leave zero out. Organisations that "
        "leave could move {crossed} of {n} estimates across zero.",
        verdict=verdict,
        n=n,
        n_distinct=len(distinct),
        names=_names(distinct),
        n_loud=len(loud),
        loud=_names(loud),
        robust=int(held["robust"].sum()),
        crossed=n - int(held["bounded"].sum()),
        about=panel,
    )


def residual_words(residual: float) -> str:
    """Print a residual with four decimals, in words where it is rounding or rounds to zero.

    >>> residual_words(-2e-17), residual_words(0.00123), residual_words(-2e-6)
    ('zero to rounding', '0.0012', 'below 0.0001')
    """
    if abs(residual) < 1e-10:
        return "zero to rounding"
    return f"{residual:.4f}" if abs(residual) >= 0.00005 else "below 0.0001"


def sides() -> pd.DataFrame:
    """Return the means of both sides of risk by year, from the published table of this book."""
    kept = load_by_year_and_track()
    means = ["surplus_rate", "budget_per_person_usd", "spending_per_person_usd"]
    weighted = kept.assign(**{name: kept[name] * kept["organisations"] for name in means})
    sums = weighted.groupby(["year", "side"])[["organisations", *means]].sum()
    sums[means] = sums[means].div(sums["organisations"], axis=0)
    found = sums.reset_index()
    found.attrs.update(kept.attrs)
    return found


def volumes(panel: Panel) -> pd.DataFrame:
    """Return the change of the four shares of visits with what each volume brought."""
    volume = panel.frame.groupby("year")[list(PARTS)].mean().dropna()
    first, last = (volume.iloc[place].to_numpy(float) for place in (0, -1))
    return share_change_table(first, last, list(SHORT.values()))


def bounds(panel: Panel) -> pd.DataFrame:
    """Return the bounds on each headline that leaving allows."""
    return pd.DataFrame(
        {"outcome": LABELS[name], **selection_bounds(panel, name)} for name in REGISTERED.outcomes
    )


@cache
def detectable(panel: Panel, outcome: str) -> float:
    """Return the effect on an outcome that the design would find four times in five."""
    found = minimum_detectable_effect(group_time(panel, outcome), panel, n_draws=60)
    return float(found["minimum_detectable_effect"].iloc[0])


@cache
def renewals(panel: Panel) -> pd.DataFrame:
    """Return what a two-sided renewal adds to a one-sided one, by year of the agreement."""
    parts = [renewal_effects(panel, name).assign(outcome=name) for name in REGISTERED.outcomes]
    return pd.concat(parts, ignore_index=True)


def new_year() -> pd.DataFrame:
    """Return each registered headline beside the same one for the cohorts of the new year."""
    kept = load_new_year()
    new, old, every = (
        kept[kept["cohorts"] == name].set_index("outcome") for name in ("new", "registered", "all")
    )
    inside = (new["conf_low"] <= old["estimate"]) & (old["estimate"] <= new["conf_high"])
    found = pd.DataFrame(
        {
            "registered": old["estimate"],
            "new": new["estimate"],
            "low": new["conf_low"],
            "high": new["conf_high"],
            "inside": inside,
            "all": every["estimate"],
            "moved": new["moved"],
            "wider": (new["conf_high"] - new["conf_low"]) / (old["conf_high"] - old["conf_low"]),
        }
    ).reset_index()
    found.attrs.update(kept.attrs)
    return found


def _chosen(equilibrium: Equilibrium, name: str) -> float:
    return float(getattr(equilibrium, name)[equilibrium.chosen])


@cache
def model_table(panel: Panel) -> pd.DataFrame:
    """Ask the incentive model what each two-sided track should add to the surplus.

    The spread of surpluses, the mean one-sided surplus, the quality score and the minimum savings
    rate are those of one-sided organisations in the files. What an organisation saves if it keeps
    every dollar is assumed.

    Returns
    -------
    DataFrame
        ``year from_track to_track``; marginal retained share ``r_from`` and ``r_to`` (0-1); change
        of the surplus rate ``surplus``; the same with budgets that follow spending as estimated,
        ``surplus_ratchet``.
    """
    frame = panel.frame
    rate = outcome_values(panel, "fund_surplus_rate")
    one = (frame["two_sided"] == 0).to_numpy()
    technology = Technology(
        members=[1],
        saving=[1.0],
        effort_cost=[1 / FULL_SAVING],
        sigma=float(np.std(rate[one])),
        baseline_spending=1.0,
        groups=("organisation",),
    )
    rules = load_rules("mssp")
    psi = float(np.clip(rebasing_table(panel)["psi_plus"].iloc[1], 0, 1))
    ratchet: dict[str, Any] = {
        "rebasing": psi,
        "discount": DISCOUNT,
        "term": 3,
        "term_base": "term_mean",
    }
    rows = []
    for year, low, high in PAIRS:
        given = _SETTLED | {
            "quality_score": float(frame["quality"][one].mean()),
            "beneficiaries": float(frame["insured_n"][one].median()),
            "minimum_savings_rate": float(frame["minimum_savings_rate"][one].median()),
        }
        found = {}
        for track in (low, high):
            for name, terms in (("plain", {}), ("ratchet", ratchet)):
                contract = contract_from_rules(
                    rules,
                    year,
                    track=track,
                    ledger=given,
                    pay_share=1.0,
                    split=[1.0],
                    budget=1 + float(np.mean(rate[one])),
                )
                found[track, name] = respond(replace(contract, **terms), technology)
        share = [_chosen(found[t, "plain"], "marginal_share") for t in (low, high)]
        gain = {
            name: _chosen(found[high, name], "mean_surplus")
            - _chosen(found[low, name], "mean_surplus")
            for name in ("plain", "ratchet")
        }
        rows.append(
            {
                "year": year,
                "from_track": low,
                "to_track": high,
                "r_from": share[0],
                "r_to": share[1],
                "surplus": gain["plain"],
                "surplus_ratchet": gain["ratchet"],
            }
        )
    about = replace(panel.provenance, badge=Badge.ILLUSTRATIVE).noting(
        f"programme rules; assumed: keeping every dollar saves {FULL_SAVING:.0%} of spending, next "
        f"year counts {DISCOUNT:.2f}"
    )
    return about.carried_by(pd.DataFrame(rows))
