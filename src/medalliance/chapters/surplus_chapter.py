"""The chapter on the surplus: spending, budget, and the exact split between them."""

from __future__ import annotations

import numpy as np

from ..outcomes import outcome_values, surplus_split
from ..panel import Panel
from ..registered.estimates import first_years
from ..results import Effects
from ..show.exhibits import Exhibit, Sentence, figure, rounded, sentence
from .outcome_chapters import Study, event_figure, headline_table, registered, study

SPEND, BUDGET, RATIO = (
    "log_spending_per_insured", "log_budget_per_insured", "log_spending_to_budget",
)  # fmt: skip
RATE, NOTIONAL = "fund_surplus_rate", "notional_surplus_rate"
TITLES = {
    SPEND: "spending per insured (log)",
    BUDGET: "budget per insured (log)",
    RATIO: "spending over budget (log)",
    RATE: "surplus rate, budget as settled",
    NOTIONAL: "surplus rate, one formula for all",
}


def run(panel: Panel) -> Study:
    """Estimate all surplus outcomes."""
    return study(panel, tuple(TITLES))


def events(found: Study) -> Exhibit:
    """Draw the event studies of spending, budget and the two surplus rates."""
    names = [SPEND, BUDGET, RATE, NOTIONAL]
    caption = "Spending, budget and surplus by years since the reform."
    return event_figure(found, names, caption=caption, unit="effect", titles=TITLES)


def headlines(found: Study) -> Exhibit:
    """Set the headlines of all surplus outcomes."""
    return headline_table(
        found, list(TITLES), caption="Effects on spending, budget and surplus.", titles=TITLES
    )


def split_figure(found: Study) -> Exhibit:
    """Draw the split of the effect on spending over budget by years since the reform."""
    from ..show import plots

    table = _split(found)
    frame = table[table["event_time"].between(0, found.horizon)]
    ax = plots.new_axes()
    time = frame["event_time"].to_numpy(float)
    with plots.style():
        ax.bar(time - 0.2, frame[SPEND], 0.36, color=plots.PALETTE[0], label="less is spent")
        ax.bar(time + 0.2, -frame[BUDGET], 0.36, color=plots.PALETTE[1], label="more is budgeted")
        ax.plot(time, frame[RATIO], "D", color=plots.INK, label="sum: log(1 - surplus rate)")
        ax.axhline(0, color=plots.INK, linewidth=1)
        ax.set(xlabel="years since the reform", ylabel="part of the effect, log points")
        ax.set_xticks(time)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=10)
    numbers = frame[["event_time", SPEND, BUDGET, RATIO, "residual"]]
    return figure(
        ax,
        caption="The exact split: the effect on log(1 - surplus rate) is the effect on log "
        "spending less the effect on log budget. Bars below zero raise the surplus.",
        alt="Two bars a year since the reform, for spending and for the budget, with a diamond "
        "at their sum. Mean of the sums: "
        f"{frame[RATIO].mean():+.3f}, of spending {frame[SPEND].mean():+.3f}, of the budget's "
        f"part {-frame[BUDGET].mean():+.3f}.",
        badge=found.panel.badge,
        source=found.source,
        summary=rounded(numbers, 3),
    )


def split_sentence(found: Study) -> Sentence:
    """Say how much of the effect on the surplus comes from each side."""
    table = _split(found)
    frame = table[table["event_time"].between(0, found.horizon)]
    total, spent, budget = (float(frame[c].mean()) for c in (RATIO, SPEND, BUDGET))
    text = (
        f"Over {first_years(found.horizon)} log(1 - surplus rate) changes by {total:+.4f}: "
        f"{spent:+.4f} from spending and {-budget:+.4f} from the budget. The two parts miss the "
        f"whole by at most {np.abs(frame['residual']).max():.0e}."
    )
    return sentence(text, badge=found.panel.badge, source=found.source)


def tail_sentence(found: Study) -> Sentence:
    """Say how the surplus is spread over counties and years, and how often it is a deficit."""
    values = outcome_values(found.panel, found.shown((RATE, NOTIONAL))[0])
    seen = values[np.isfinite(values)]
    low, middle, high = np.quantile(seen, [0.01, 0.5, 0.99])
    text = (
        f"Of {len(seen):,} county-years {np.mean(seen < 0):.0%} end in a deficit. The median "
        f"surplus rate is {middle:+.3f}; one in a hundred lies below {low:+.3f}, one in a hundred "
        f"above {high:+.3f}."
    )
    return sentence(text, badge=found.panel.badge, source=found.source)


def _split(found: Study):
    def by_event(panel: Panel, outcome: str) -> Effects:
        effects = registered(panel, outcome)
        return effects.aggregate("event_time", balance=found.horizon)

    return surplus_split(found.panel, by_event)
