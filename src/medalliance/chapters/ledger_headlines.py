"""The registered estimates of the ledger chapter: verdict, headlines, event studies, parts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from ..inference.choose_inference import choose_inference
from ..registered.ledger_effects import (
    LABELS,
    REGISTERED,
    exact_split,
    group_time,
    headline_table,
    headlines,
    parts_table,
    pretrend_table,
)
from ..show import plots
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .ledger_attrition import selection_bounds
from .ledger_source import FILES, INTERVAL, LEVEL, ledger_units

MONEY = ("fund_surplus_rate", "log_spending_per_insured", "log_budget_per_insured")
SHARES = ("share_primary", "share_physician")


def _names(outcomes: pd.Series | list[str]) -> str:
    return "; ".join(LABELS[name] for name in outcomes) or "none"


@cache
def checks() -> pd.DataFrame:
    """Hold every headline against four checks.

    Returns
    -------
    DataFrame
        ``outcome``, and 0/1 each: ``distinct`` (adjusted p below 0.05), ``quiet_before`` (the years
        before do not reject), ``robust`` (zero stays out if trends differ as much as before),
        ``bounded`` (zero stays out of the bounds for leavers).
    """
    panel = ledger_units()
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


def opening() -> Sentence:
    """Say first what holds and what does not."""
    held = checks()
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
        "for {n_loud} of {n} ({names_2}). If trends differ after the move as much as they "
        "did before, the intervals of {robust} of {n} leave zero out. Organisations that "
        "leave could move {n_2} of {n} estimates across zero.",
        verdict=verdict,
        n=n,
        n_distinct=len(distinct),
        names=_names(distinct),
        n_loud=len(loud),
        names_2=_names(loud),
        robust=int(held["robust"].sum()),
        n_2=n - int(held["bounded"].sum()),
        about=FILES,
    )


def headline_exhibit() -> Exhibit:
    """Show the registered headlines with adjusted p-values."""
    found = headline_table(ledger_units())
    effects = next(iter(headlines(ledger_units()).values()))
    return show(
        found.assign(outcome=found["outcome"].map(LABELS)),
        "Registered headlines: effect of two-sided risk, mean of the first year and the "
        f"{REGISTERED.horizon} after it. Shares and rates 0-1.",
        about=FILES,
        foot=f"{choose_inference(effects).words}",
        decimals={"estimate": 4, "std_error": 4, "conf_low": 4, "conf_high": 4},
        labels={**INTERVAL, "outcome": "Outcome", "p_adjusted": "p, Romano-Wolf"},
    )


def _event_figure(outcomes: tuple[str, ...], caption: str, alt: str) -> Exhibit:
    parts = []
    for name in outcomes:
        frame = group_time(ledger_units(), name).to_frame()
        parts.append(frame[frame["event_time"].between(-5, REGISTERED.horizon)])
    shown = pd.concat(parts).assign(outcome=lambda f: f["outcome"].map(LABELS))
    ax = plots.event_study(shown, unit="effect", by="outcome")
    ax.set_xlabel("years since the first two-sided year")
    columns = ["outcome", "event_time", "estimate", "conf_low", "conf_high"]
    summary = shown[columns].assign(
        **{c: shown[c].map(lambda v: "" if np.isnan(v) else f"{v:.4f}") for c in columns[2:]}
    )
    return show(
        ax,
        caption,
        about=FILES,
        alt=alt,
        summary=summary,
    )


def money_figure() -> Exhibit:
    """Draw the event studies of surplus, spending and budget."""
    return _event_figure(
        MONEY,
        "Surplus rate, spending and budget around the first two-sided year, group-time effects. "
        "The reference lies two years before.",
        "Points with intervals for three outcomes from five years before to two years after the "
        "first two-sided year.",
    )


def share_figure() -> Exhibit:
    """Draw the event studies of the two primary-care shares."""
    return _event_figure(
        SHARES,
        "Primary-care share of office visits around the first two-sided year, by definition, "
        "group-time effects.",
        "Points with intervals for two definitions of the primary-care share from five years "
        "before to two years after the first two-sided year.",
    )


def split_exhibit() -> Exhibit:
    """Show the exact split of the effect into spending and budget."""
    split = exact_split(ledger_units())
    return show(
        split.assign(residual=split["residual"].map(residual_words)),
        "Effect on the log of spending over budget, split exactly: spending less budget, "
        "by years since the first.",
        about=FILES.noting("group-time effects on one sample"),
        decimals={
            "log_spending_to_budget": 4,
            "log_spending_per_insured": 4,
            "log_budget_per_insured": 4,
        },
        labels={
            "when": "Year",
            "log_spending_to_budget": "Spending over budget",
            "log_spending_per_insured": "Spending per person",
            "log_budget_per_insured": "Budget per person",
            "residual": "Residual",
        },
    )


def residual_words(residual: float) -> str:
    """Print a residual with four decimals, in words where it is rounding or rounds to zero.

    >>> residual_words(-2e-17), residual_words(0.00123), residual_words(-2e-6)
    ('zero to rounding', '0.0012', 'below 0.0001')
    """
    if abs(residual) < 1e-10:
        return "zero to rounding"
    return f"{residual:.4f}" if abs(residual) >= 0.00005 else "below 0.0001"


def parts_exhibit() -> Exhibit:
    """Show the effects on the four parts of visits, in shares and in visits."""
    return show(
        parts_table(ledger_units()),
        "Effects on the four parts of office visits: shares (0-1, together zero) and "
        "visits per 1,000 person-years.",
        about=FILES.noting("fractional multinomial logit for shares, Poisson for visits"),
        decimals={"share": 4, "share_std_error": 4, "visits": 0, "visits_std_error": 0},
        labels={
            "part": "Part",
            "share": "Share",
            "share_std_error": "Standard error",
            "visits": "Visits",
            "visits_std_error": "Standard error (visits)",
        },
    )
