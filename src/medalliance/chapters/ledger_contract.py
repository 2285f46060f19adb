"""Exhibits of the ledger chapter: renewals, the ratchet and the incentive model."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ..incentives.bridge import contract_from_rules
from ..incentives.equilibrium import Equilibrium
from ..incentives.respond import respond
from ..incentives.technology import Technology
from ..outcomes import outcome_values
from ..provenance import Badge
from ..reforms import load_rules
from ..registered.ledger_effects import LABELS, REGISTERED, headlines
from ..show import plots
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .ledger_doubts import detectable
from .ledger_headlines import MONEY
from .ledger_renewals import moves, rebasing_table, renewal_effects
from .ledger_source import FILES, INTERVAL, ledger_units

FULL_SAVING = 0.03  # assumed: saving, part of spending, of an organisation that keeps every dollar
DISCOUNT = 0.95  # assumed: what next year is worth today
ASSUMED = replace(FILES, badge=Badge.ILLUSTRATIVE).noting("assumed response to incentives")
PAIRS = ((2018, "1", "1+"), (2018, "1", "3"), (2021, "B", "E"), (2021, "B", "ENHANCED"))
_SETTLED = {
    "met_quality_standard": 1,
    "met_alternative_standard": 1,
    "outside_guardrail": 1,
    "half_rate_eligible": 0,
    "disaster_adjustment": 0,
    "contract_year": 3,
}


def moves_exhibit() -> Exhibit:
    """Count the moves that come with a new agreement."""
    return show(
        moves(ledger_units()),
        "First two-sided year, and whether a new agreement (with a new budget) begins with it.",
        about=FILES,
        labels={
            "cohort": "First two-sided year",
            "new_agreement": "With a new agreement",
            "same_agreement": "Inside an agreement",
        },
    )


@cache
def _by_agreement_year() -> pd.DataFrame:
    parts = [
        renewal_effects(ledger_units(), name).assign(outcome=name) for name in REGISTERED.outcomes
    ]
    return pd.concat(parts, ignore_index=True)


def _renewals() -> pd.DataFrame:
    found = _by_agreement_year()
    return found[found["when"] == "mean"].reset_index(drop=True)


def renewal_figure() -> Exhibit:
    """Draw what a two-sided renewal adds to a one-sided one, by year of the agreement."""
    found = _by_agreement_year()
    shown = found[(found["when"] != "mean") & found["outcome"].isin(MONEY)]
    shown = shown.assign(event_time=shown["when"].astype(int), outcome=shown["outcome"].map(LABELS))
    ax = plots.event_study(shown, unit="difference", by="outcome")
    ax.set_xlabel("years since the new agreement began")
    columns = ["outcome", "event_time", "estimate", "conf_low", "conf_high"]
    return show(
        ax,
        "Renewals into two-sided risk against renewals of the same year that stay "
        "one-sided, by year of the new agreement. The reference lies two years before.",
        about=FILES.noting("group-time effects within renewal years"),
        alt="Points with intervals for surplus rate, spending and budget per person from three "
        "years before a renewal to two years after it.",
        summary=shown[columns].assign(
            **{c: shown[c].map(lambda v: "" if v != v else f"{v:.4f}") for c in columns[2:]}
        ),
    )


def renewal_exhibit() -> Exhibit:
    """Show the contract apart from the renewal."""
    found = _renewals()
    columns = ["estimate", "std_error", "conf_low", "conf_high", "n_moved", "n_controls"]
    shown = found[columns]
    shown.insert(0, "outcome", found["outcome"].map(LABELS))
    return show(
        shown,
        "Renewals into two-sided risk against renewals of the same year that stay "
        "one-sided: mean over the first three years of the new agreement.",
        about=FILES.noting("group-time effects within renewal years"),
        decimals={"estimate": 4, "std_error": 4, "conf_low": 4, "conf_high": 4},
        labels={**INTERVAL, "outcome": "Outcome", "n_controls": "Renewed one-sided"},
    )


@cache
def _rebasing() -> pd.DataFrame:
    return rebasing_table(ledger_units())


def rebasing_exhibit() -> Exhibit:
    """Show how far the next budget follows a surplus."""
    return show(
        _rebasing(),
        "The ratchet: part of a surplus that next year's budget per person takes away "
        "(0 none, 1 all), and part of a deficit that it makes good.",
        about=FILES.noting(
            "two-stage least squares, last year's surplus and deficit as instruments, year effects"
        ),
        decimals={
            "psi_plus": 2,
            "psi_plus_std_error": 2,
            "psi_minus": 2,
            "psi_minus_std_error": 2,
            "first_stage_f": 0,
        },
        labels={
            "next_year": "Next year",
            "psi_plus": "After a surplus",
            "psi_plus_std_error": "Standard error",
            "psi_minus": "After a deficit",
            "psi_minus_std_error": "Standard error (deficit)",
            "first_stage_f": "First-stage F",
            "rows": "Rows",
        },
    )


def ratchet_sentence() -> Sentence:
    """Say what the ratchet does to the sign."""
    found = _rebasing().set_index("next_year")["psi_plus"]
    inside, one, two = (float(value) for value in found)
    means = _renewals().set_index("outcome")["estimate"]
    spending, budget, surplus = (
        float(means[name])
        for name in ("log_spending_per_insured", "log_budget_per_insured", "fund_surplus_rate")
    )
    return say(
        "Inside an agreement the next budget takes {inside:.2f} of a lasting surplus; a new "
        "agreement takes {one:.2f} if it stays one-sided and {two:.2f} if it is two-sided. "
        "Against renewals that stay one-sided, spending per person changes by "
        "{spending:+.3f} (log) and the budget by {budget:+.3f}. The surplus gets the "
        "difference: its rate changes by {surplus:+.4f}. A surplus rate need not rise where "
        "spending falls, because the budget that it is measured against follows spending.",
        inside=inside,
        one=one,
        two=two,
        spending=spending,
        budget=budget,
        surplus=surplus,
        about=FILES,
    )


def _chosen(equilibrium: Equilibrium, name: str) -> float:
    return float(getattr(equilibrium, name)[equilibrium.chosen])


@cache
def model_table() -> pd.DataFrame:
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
    panel = ledger_units()
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
    psi = float(np.clip(_rebasing()["psi_plus"].iloc[1], 0, 1))
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
    return pd.DataFrame(rows)


def model_exhibit() -> Exhibit:
    """Show the incentive model's prediction."""
    return show(
        model_table(),
        "What the incentive model expects: dollars kept of a further dollar saved, and the "
        "change of the surplus rate when an organisation moves.",
        about=ASSUMED.saying(
            f"programme rules; {FILES.source}; assumed: keeping every dollar saves "
            f"{FULL_SAVING:.0%} of spending, next year counts {DISCOUNT:.2f}"
        ),
        decimals={"r_from": 2, "r_to": 2, "surplus": 4, "surplus_ratchet": 4},
        labels={
            "from_track": "From track",
            "to_track": "To track",
            "r_from": "Kept before",
            "r_to": "Kept after",
            "surplus": "Surplus rate",
            "surplus_ratchet": "Surplus rate with the ratchet",
        },
    )


def model_sentence() -> Sentence:
    """Set the prediction beside the estimate."""
    expected = model_table()
    effects = headlines(ledger_units())["fund_surplus_rate"].overall
    estimate = float(effects.estimate[0])
    low, high = (float(end) for end in effects.conf_int()[0])
    plain, slow = expected["surplus"], expected["surplus_ratchet"]
    inside = int(plain.between(low, high).sum())
    slower = int(slow.between(low, high).sum())
    least = detectable("fund_surplus_rate")
    reach = (
        "too few organisations move to tell such effects from none"
        if max(plain.max(), slow.max()) < least
        else "the larger predictions are within its reach"
    )
    same = "the same sign as" if estimate * plain.mean() > 0 else "the other sign than"
    return say(
        "The model expects {min_plain:+.4f} to {max_plain:+.4f} on the surplus rate, and "
        "{min_slow:+.4f} to {max_slow:+.4f} where budgets follow spending. The estimate is "
        "{estimate:+.4f} (95 % interval {low:+.4f} to {high:+.4f}), {same} the prediction; "
        "{inside} of {n_plain} predictions without the ratchet lie inside the interval and "
        "{slower} of {n_slow} with it. The design finds effects from {least:.3f} on four "
        "times in five: {reach}.",
        min_plain=plain.min(),
        max_plain=plain.max(),
        min_slow=slow.min(),
        max_slow=slow.max(),
        estimate=estimate,
        low=low,
        high=high,
        same=same,
        inside=inside,
        n_plain=len(plain),
        slower=slower,
        n_slow=len(slow),
        least=least,
        reach=reach,
        about=ASSUMED,
    )
