"""What could be wrong with the ledger's estimates: samples, years before, leavers, power."""

from __future__ import annotations

from functools import cache

import pandas as pd

from ..diagnostics.minimum_detectable_effect import minimum_detectable_effect
from ..registered.ledger_effects import (
    LABELS,
    REGISTERED,
    estimator_table,
    group_time,
    headlines,
    left_out_table,
    pretrend_table,
    sample_table,
)
from ..show import plots
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .ledger_attrition import exits, selection_bounds
from .ledger_source import FILES, INTERVAL, ledger_units


def estimators_figure(outcome: str) -> Exhibit:
    """Draw one headline by every estimator."""
    found = estimator_table(ledger_units(), outcome)
    ax = plots.forest(found, unit=f"effect on {LABELS[outcome]}")
    return show(
        ax,
        f"One question, several estimators: {LABELS[outcome]}.",
        about=FILES,
        foot="The estimators with cohort effects compare different organisations "
        "before and after where some enter or leave.",
        alt="Estimates with intervals, one row an estimator.",
        summary=_four(found),
    )


def samples_exhibit(outcome: str) -> Exhibit:
    """Show one headline on other years, organisations and references."""
    shown = sample_table(ledger_units(), outcome)
    if not shown["note"].str.len().any():
        shown = shown.drop(columns="note")
    return show(
        shown,
        f"The registered estimate and what it becomes on other samples: {LABELS[outcome]}.",
        about=FILES,
        decimals={"estimate": 4, "std_error": 4, "conf_low": 4, "conf_high": 4},
        labels=INTERVAL,
        blank="",
    )


def reference_sentence(outcome: str) -> Sentence:
    """Say how the estimate turns with the year of reference."""
    found = sample_table(ledger_units(), outcome).set_index("label")["estimate"]
    names = {0: "anticipation 0", 1: "registered", 2: "anticipation 2"}
    values = {ahead: float(found[name]) for ahead, name in names.items()}
    said = ", ".join(
        f"{value:+.4f} against {('the year', 'two years', 'three years')[ahead]} before"
        for ahead, value in values.items()
    )
    same = len({value > 0 for value in values.values()}) == 1
    closing = (
        "The sign is the same for each."
        if same
        else "The sign turns with the reference: the outcome moved in the years just before, so "
        "that part of what follows may be a return to its usual level."
    )
    return say(
        "The estimate for the {outcome} is {said}. {closing}",
        outcome=LABELS[outcome],
        said=said,
        closing=closing,
        about=FILES,
    )


def pretrend_exhibit() -> Exhibit:
    """Show tests of the years before, their power and what bounded violations leave."""
    found = pretrend_table(ledger_units())
    return show(
        found.assign(outcome=found["outcome"].map(LABELS)),
        "The years before the move. The slope is a yearly trend that the test misses half "
        "of the time; the bias is what it does to the headline. The bounds are for the first year, "
        "if trends after differ by no more than the largest difference before.",
        about=FILES.noting("group-time effects; Roth (2022), Rambachan and Roth (2023)"),
        decimals={
            "statistic": 1,
            "dof": 0,
            "slope": 4,
            "implied_bias": 4,
            "estimate_0": 4,
            "low_1": 3,
            "high_1": 3,
            "breakdown": 2,
        },
        labels={
            "outcome": "Outcome",
            "statistic": "Wald",
            "dof": "Degrees",
            "p_value": "p",
            "slope": "Slope found half the time",
            "implied_bias": "Its bias",
            "estimate_0": "First year",
            "low_1": "Bounds from",
            "high_1": "Bounds to",
            "breakdown": "Largest multiple without zero",
        },
    )


@cache
def detectable(outcome: str) -> float:
    """Return the effect on an outcome that the design would find four times in five."""
    found = minimum_detectable_effect(
        group_time(ledger_units(), outcome), ledger_units(), n_draws=60
    )
    return float(found["minimum_detectable_effect"].iloc[0])


def power_sentence(outcome: str) -> Sentence:
    """Say which effect the design would find."""
    return say(
        "With this design an effect of {detectable:.3f} on the {outcome} would be found four "
        "times in five. Smaller effects may exist and stay unseen.",
        detectable=detectable(outcome),
        outcome=LABELS[outcome],
        about=FILES.noting("cohorts drawn again 60 times on outcomes without effects"),
    )


def entry_sentence(outcome: str) -> Sentence:
    """Say what the estimate becomes where each organisation is compared with itself."""
    methods = estimator_table(ledger_units(), outcome).set_index("label")["estimate"]
    samples = sample_table(ledger_units(), outcome).set_index("label")
    whole = float(samples.loc["registered", "estimate"])
    full = samples.loc["seen in every year 2016-2022"]
    follow = float(methods["imputation"])
    return say(
        "The registered estimate for the {outcome} is {whole:+.4f}. Imputation, which "
        "compares every organisation with itself, gives {follow:+.4f}, {follow_2:.0%} of it. "
        "Among organisations seen in every year from 2016 to 2022 the registered estimator "
        "gives {estimate:+.4f} ({conf_low:+.4f} to {conf_high:+.4f}). Who enters and who "
        "leaves is part of what separates these numbers.",
        outcome=LABELS[outcome],
        whole=whole,
        follow=follow,
        follow_2=abs(follow / whole),
        estimate=full["estimate"],
        conf_low=full["conf_low"],
        conf_high=full["conf_high"],
        about=FILES,
    )


def cohorts_exhibit(outcome: str) -> Exhibit:
    """Show one headline without each cohort."""
    found = left_out_table(ledger_units(), outcome)
    return show(
        found.assign(left_out=found["left_out"].astype(str)),
        f"Without each cohort in turn: {LABELS[outcome]}.",
        about=FILES,
        decimals=4,
        labels={**INTERVAL, "left_out": "Cohort left out", "change": "Change of the estimate"},
    )


def states_sentence(outcome: str) -> Sentence:
    """Say how far leaving out a state moves one headline."""
    found = left_out_table(ledger_units(), outcome, "state")
    whole = float(headlines(ledger_units())[outcome].overall.estimate[0])
    low, high = found["estimate"].min(), found["estimate"].max()
    return say(
        "Leaving out one state at a time moves the estimate for the {outcome} ({whole:.4f}) "
        "between {low:.4f} and {high:.4f}.",
        outcome=LABELS[outcome],
        whole=whole,
        low=low,
        high=high,
        about=FILES,
    )


def exits_exhibit() -> Exhibit:
    """Show who leaves by year and side of risk."""
    return show(
        exits(ledger_units()),
        "Organisations not seen again after a year, and the surplus rates of those who "
        "leave and those who stay.",
        about=FILES,
        decimals={"share_left": 3, "surplus_leavers": 3, "surplus_stayers": 3},
        labels={
            "side": "Side",
            "at_risk": "Organisations",
            "left": "Leave",
            "share_left": "Share that leaves",
            "surplus_leavers": "Surplus of leavers",
            "surplus_stayers": "Surplus of stayers",
        },
        blank="",
    )


def bounds_exhibit() -> Exhibit:
    """Show the bounds that leaving allows."""
    rows = [
        {"outcome": LABELS[name], **selection_bounds(ledger_units(), name)}
        for name in REGISTERED.outcomes
    ]
    return show(
        pd.DataFrame(rows),
        "What leaving could do: bounds on the headline if those who stay are the best, or "
        "the worst, of their side. Sampling error is not in them.",
        about=FILES.noting("trimmed as in Lee (2009), on changes from the reference year"),
        decimals={"low": 3, "middle": 4, "high": 3, "stay_treated": 3, "stay_control": 3},
        labels={
            "outcome": "Outcome",
            "low": "Lowest",
            "middle": "Same organisations",
            "high": "Highest",
            "stay_treated": "Seen again, moved",
            "stay_control": "Seen again, controls",
        },
    )


def _four(frame: pd.DataFrame) -> pd.DataFrame:
    number = frame.select_dtypes("floating").columns
    return frame.assign(**{c: frame[c].map(lambda v: f"{v:.4f}") for c in number})
