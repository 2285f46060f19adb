"""Exhibits of the ledger chapter: the panel, the outcomes, the registered estimates."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from .. import plots
from ..diagnostics.choose_inference import choose_inference
from ..diagnostics.minimum_detectable_effect import minimum_detectable_effect
from ..exhibits import Exhibit, Sentence, figure, sentence
from ..outcomes.composition import share_change_table
from ..panel import Panel
from ..provenance import Badge
from ..tables import table
from ._facts import points
from .ledger_attrition import exits, selection_bounds
from .ledger_effects import (
    LABELS,
    REGISTERED,
    estimator_table,
    exact_split,
    group_time,
    headline_table,
    headlines,
    left_out_table,
    mean_by_side,
    parts_table,
    pretrend_table,
    sample_table,
)
from .ledger_kept import load_by_year_and_track, load_ledger, trends
from .ledger_panel import PARTS, SHORT, gaps

FILES = (
    "Performance Year Financial and Quality Results 2013-2022, Centers for Medicare & Medicaid "
    "Services; computed for this book"
)
MONEY = ("fund_surplus_rate", "log_spending_per_insured", "log_budget_per_insured")
SHARES = ("share_primary", "share_physician")
LEVEL = 0.05
INTERVAL = {
    "label": "",
    "estimate": "Estimate",
    "std_error": "Standard error",
    "conf_low": "95 % from",
    "conf_high": "95 % to",
    "p_value": "p",
    "n_units": "Organisations",
    "n_moved": "Moved",
    "note": "Note",
}


def _panel() -> Panel:
    return load_ledger().panel


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
    panel = _panel()
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
    return sentence(
        f"{verdict} Adjusted for testing {n} headlines together, different from zero at 5 %: "
        f"{len(distinct)} of {n} ({_names(distinct)}). The years before the move speak against "
        f"the design for {len(loud)} of {n} ({_names(loud)}). If trends differ after the move as "
        f"much as they did before, the intervals of {int(held['robust'].sum())} of {n} leave zero "
        f"out. Organisations that leave could move {n - int(held['bounded'].sum())} of {n} "
        "estimates across zero.",
        badge=Badge.REAL,
        source=FILES,
    )


def losses_exhibit() -> Exhibit:
    """Account for every row of the files."""
    shown = load_ledger().losses.copy()
    shown["budget"] = shown.pop("budget_cents") / 1e11
    return table(
        shown,
        caption="Every row of the files: kept in the panel or left out, and why. The budgets add "
        "up to those of the settlement chapter.",
        badge=Badge.REAL,
        source=FILES,
        decimals={"budget": 3},
        labels={
            "step": "Step", "reason": "What", "organisations": "Organisations", "rows": "Rows",
            "budget": "Budget as settled (billion US dollars)",
        },
    )  # fmt: skip


def identity_sentence() -> Sentence:
    """Say how organisations were followed across the change of ids."""
    made = load_ledger()
    known = made.matches["start_agrees"].dropna()
    must = made.unmatched["must_continue"]
    moved = int((made.panel.cohort_by_unit > 0).sum())
    return sentence(
        f"The ids changed in 2018. {len(made.matches)} organisations are matched by name. Where "
        f"the old agreement goes on, its start date can be compared: it agrees for "
        f"{int(known.sum())} of {len(known)} pairs. {int(must.sum())} organisations of 2018 must "
        "have been there before under a name that we cannot match; their earlier years count as "
        f"another organisation. The panel holds {made.panel.n_units} organisations, of which "
        f"{moved} move to two-sided risk; {gaps(made.panel)} have a year missing in between.",
        badge=Badge.REAL,
        source=FILES,
    )


def unmatched_exhibit() -> Exhibit:
    """List the organisations that must have a past that was not found."""
    shown = load_ledger().unmatched.query("must_continue")[["aco_id", "name", "start_date"]]
    return table(
        shown.assign(start_date=shown["start_date"].str.split(" ").str[0]),
        caption="Organisations of 2018 whose agreement began before, and whose earlier id we "
        "cannot find by name.",
        badge=Badge.REAL,
        source=FILES,
        labels={"aco_id": "Id", "name": "Name", "start_date": "Start of the agreement"},
    )


def sides_exhibit() -> Exhibit:
    """Describe both sides of risk by year, from the published table of this book."""
    kept = load_by_year_and_track()
    count = kept["organisations"]
    means = ["surplus_rate", "budget_per_person_usd", "spending_per_person_usd"]
    weighted = kept.assign(**{name: kept[name] * count for name in means})
    sums = weighted.groupby(["year", "side"])[[*means, "organisations"]].sum()
    shown = sums[means].div(sums["organisations"], axis=0)
    shown.insert(0, "organisations", sums["organisations"])
    return table(
        shown.reset_index(),
        caption="All organisations by year and side of risk: means, not effects.",
        badge=Badge.REAL,
        source=FILES,
        decimals={"surplus_rate": 3, "budget_per_person_usd": 0, "spending_per_person_usd": 0},
    )


def sides_sentence() -> Sentence:
    """Say how often two-sided organisations show the larger surplus, which is no effect."""
    kept = load_by_year_and_track()
    money = kept.assign(total=kept["surplus_rate"] * kept["organisations"])
    sums = money.groupby(["year", "side"])[["total", "organisations"]].sum()
    mean = (sums["total"] / sums["organisations"]).unstack()  # noqa: PD010
    larger = int((mean["two-sided"] > mean["one-sided"]).sum())
    return sentence(
        f"In {larger} of {len(mean)} years the mean surplus rate of two-sided organisations is the "
        "larger one. That is no effect. Organisations choose when to move, and those that expect a "
        "surplus have more to gain from moving.",
        badge=Badge.REAL,
        source=FILES,
    )


def trap_figure() -> Exhibit:
    """Draw the primary-care share with and without nurses and clinics."""
    yearly = trends(load_ledger()).dropna()
    names = {"share_physician": "physicians alone", "share_primary": "with nurses and clinics"}
    long = yearly.melt("year", list(names), "definition", "share")
    ax = plots.as_percent(plots.lines(long, x="year", y="share", by="definition", labels=names))
    ax.set(xlabel="year", ylabel="share of office visits")
    return figure(
        ax,
        caption="The primary-care share of office visits falls or rises with its definition.",
        alt="Two lines from 2014 to 2022. The share of primary-care physicians falls, the share "
        "that also counts nurse practitioners, physician assistants and clinics rises.",
        badge=Badge.REAL,
        source=FILES,
        summary=long.assign(share=long["share"].map(lambda v: f"{v:.3f}")),
    )


def trap_sentence() -> Sentence:
    """Say by how much the two definitions part."""
    yearly = trends(load_ledger()).dropna()
    change = yearly.iloc[-1] - yearly.iloc[0]
    first, last = int(yearly["year"].iloc[0]), int(yearly["year"].iloc[-1])
    same = change["share_physician"] * change["share_primary"] > 0
    return sentence(
        f"From {first} to {last} the share of primary-care physicians changes by "
        f"{points(change['share_physician'])}; with nurse practitioners, physician assistants and "
        f"clinics counted the change is {points(change['share_primary'])}. "
        + ("Both have the same sign." if same else "The sign of the trend is a definition."),
        badge=Badge.REAL,
        source=FILES,
    )


def identity_exhibit() -> Exhibit:
    """Split the change of the four shares into what each volume brought."""
    frame = _panel().frame
    volume = frame.groupby("year")[list(PARTS)].mean().dropna()
    change = share_change_table(
        volume.iloc[0].to_numpy(float), volume.iloc[-1].to_numpy(float), list(SHORT.values())
    )
    return table(
        change,
        caption=f"Change of each share of office visits from {volume.index[0]} to "
        f"{volume.index[-1]}, and the growth of which volume brought it (0-1).",
        badge=Badge.REAL,
        source=f"{FILES}; count-share identity with logarithmic means, exact",
        decimals=3,
        labels={"part": "Part", "share_before": "Share before", "share_after": "Share after",
                "change": "Change", "log_volume_growth": "Growth of its visits (log)",
                **{f"from {name}": f"From {name}" for name in SHORT.values()}},
    )  # fmt: skip


def headline_exhibit() -> Exhibit:
    """Show the registered headlines with adjusted p-values."""
    found = headline_table(_panel())
    effects = next(iter(headlines(_panel()).values()))
    return table(
        found.assign(outcome=found["outcome"].map(LABELS)),
        caption="Registered headlines: effect of two-sided risk, mean of the first year and the "
        f"{REGISTERED.horizon} after it. Shares and rates 0-1.",
        badge=Badge.REAL,
        source=f"{FILES}. {choose_inference(effects).words}",
        decimals={"estimate": 4, "std_error": 4, "conf_low": 4, "conf_high": 4},
        labels={**INTERVAL, "outcome": "Outcome", "p_adjusted": "p, Romano-Wolf"},
    )


def _event_figure(outcomes: tuple[str, ...], caption: str, alt: str) -> Exhibit:
    parts = []
    for name in outcomes:
        frame = group_time(_panel(), name).to_frame()
        parts.append(frame[frame["event_time"].between(-5, REGISTERED.horizon)])
    shown = pd.concat(parts).assign(outcome=lambda f: f["outcome"].map(LABELS))
    ax = plots.event_study(shown, unit="effect", by="outcome")
    ax.set_xlabel("years since the first two-sided year")
    columns = ["outcome", "event_time", "estimate", "conf_low", "conf_high"]
    summary = shown[columns].assign(
        **{c: shown[c].map(lambda v: "" if np.isnan(v) else f"{v:.4f}") for c in columns[2:]}
    )
    return figure(ax, caption=caption, alt=alt, badge=Badge.REAL, source=FILES, summary=summary)


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
    return table(
        exact_split(_panel()),
        caption="Effect on the log of spending over budget, split exactly: spending less budget, "
        "by years since the first.",
        badge=Badge.REAL,
        source=f"{FILES}; group-time effects on one sample",
        decimals={"log_spending_to_budget": 4, "log_spending_per_insured": 4,
                  "log_budget_per_insured": 4, "residual": 10},
        labels={"when": "Year", "log_spending_to_budget": "Spending over budget",
                "log_spending_per_insured": "Spending per person",
                "log_budget_per_insured": "Budget per person", "residual": "Residual"},
    )  # fmt: skip


def parts_exhibit() -> Exhibit:
    """Show the effects on the four parts of visits, in shares and in visits."""
    return table(
        parts_table(_panel()),
        caption="Effects on the four parts of office visits: shares (0-1, together zero) and "
        "visits per 1,000 person-years.",
        badge=Badge.REAL,
        source=f"{FILES}; fractional multinomial logit for shares, Poisson for visits",
        decimals={"share": 4, "share_std_error": 4, "visits": 0, "visits_std_error": 0},
        labels={"part": "Part", "share": "Share", "share_std_error": "Standard error",
                "visits": "Visits", "visits_std_error": "Standard error (visits)"},
    )  # fmt: skip


def estimators_figure(outcome: str) -> Exhibit:
    """Draw one headline by every estimator."""
    found = estimator_table(_panel(), outcome)
    ax = plots.forest(found, unit=f"effect on {LABELS[outcome]}")
    return figure(
        ax,
        caption=f"One question, several estimators: {LABELS[outcome]}.",
        alt="Estimates with intervals, one row an estimator.",
        badge=Badge.REAL,
        source=f"{FILES}. The estimators with cohort effects compare different organisations "
        "before and after where some enter or leave.",
        summary=_four(found),
    )


def samples_exhibit(outcome: str) -> Exhibit:
    """Show one headline on other years, organisations and references."""
    shown = sample_table(_panel(), outcome)
    if not shown["note"].str.len().any():
        shown = shown.drop(columns="note")
    return table(
        shown,
        caption=f"The registered estimate and what it becomes on other samples: {LABELS[outcome]}.",
        badge=Badge.REAL,
        source=FILES,
        decimals={"estimate": 4, "std_error": 4, "conf_low": 4, "conf_high": 4},
        labels=INTERVAL,
        blank="",
    )


def reference_sentence(outcome: str) -> Sentence:
    """Say how the estimate turns with the year of reference."""
    found = sample_table(_panel(), outcome).set_index("label")["estimate"]
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
    return sentence(
        f"The estimate for the {LABELS[outcome]} is {said}. {closing}",
        badge=Badge.REAL,
        source=FILES,
    )


def pretrend_exhibit() -> Exhibit:
    """Show tests of the years before, their power and what bounded violations leave."""
    found = pretrend_table(_panel())
    return table(
        found.assign(outcome=found["outcome"].map(LABELS)),
        caption="The years before the move. The slope is a yearly trend that the test misses half "
        "of the time; the bias is what it does to the headline. The bounds are for the first year, "
        "if trends after differ by no more than the largest difference before.",
        badge=Badge.REAL,
        source=f"{FILES}; group-time effects; Roth (2022), Rambachan and Roth (2023)",
        decimals={"statistic": 1, "dof": 0, "slope": 4, "implied_bias": 4, "estimate_0": 4,
                  "low_1": 3, "high_1": 3, "breakdown": 2},
        labels={"outcome": "Outcome", "statistic": "Wald", "dof": "Degrees", "p_value": "p",
                "slope": "Slope found half the time", "implied_bias": "Its bias",
                "estimate_0": "First year", "low_1": "Bounds from", "high_1": "Bounds to",
                "breakdown": "Largest multiple without zero"},
    )  # fmt: skip


@cache
def detectable(outcome: str) -> float:
    """Return the effect on an outcome that the design would find four times in five."""
    found = minimum_detectable_effect(group_time(_panel(), outcome), _panel(), n_draws=60)
    return float(found["minimum_detectable_effect"].iloc[0])


def power_sentence(outcome: str) -> Sentence:
    """Say which effect the design would find."""
    return sentence(
        f"With this design an effect of {detectable(outcome):.3f} on the {LABELS[outcome]} would "
        "be found four times in five. Smaller effects may exist and stay unseen.",
        badge=Badge.REAL,
        source=f"{FILES}; cohorts drawn again 60 times on outcomes without effects",
    )


def entry_sentence(outcome: str) -> Sentence:
    """Say what the estimate becomes where each organisation is compared with itself."""
    methods = estimator_table(_panel(), outcome).set_index("label")["estimate"]
    samples = sample_table(_panel(), outcome).set_index("label")
    whole = float(samples.loc["registered", "estimate"])
    full = samples.loc["seen in every year 2016-2022"]
    follow = float(methods["imputation"])
    return sentence(
        f"The registered estimate for the {LABELS[outcome]} is {whole:+.4f}. Imputation, which "
        f"compares every organisation with itself, gives {follow:+.4f}, {abs(follow / whole):.0%} "
        f"of it. Among organisations seen in every year from 2016 to 2022 the registered estimator "
        f"gives {full['estimate']:+.4f} ({full['conf_low']:+.4f} to {full['conf_high']:+.4f}). "
        "Who enters and who leaves is part of what separates these numbers.",
        badge=Badge.REAL,
        source=FILES,
    )


def cohorts_exhibit(outcome: str) -> Exhibit:
    """Show one headline without each cohort."""
    found = left_out_table(_panel(), outcome)
    return table(
        found.assign(left_out=found["left_out"].astype(str)),
        caption=f"Without each cohort in turn: {LABELS[outcome]}.",
        badge=Badge.REAL,
        source=FILES,
        decimals=4,
        labels={**INTERVAL, "left_out": "Cohort left out", "change": "Change of the estimate"},
    )


def states_sentence(outcome: str) -> Sentence:
    """Say how far leaving out a state moves one headline."""
    found = left_out_table(_panel(), outcome, "state")
    whole = float(headlines(_panel())[outcome].overall.estimate[0])
    low, high = found["estimate"].min(), found["estimate"].max()
    return sentence(
        f"Leaving out one state at a time moves the estimate for the {LABELS[outcome]} "
        f"({whole:.4f}) between {low:.4f} and {high:.4f}.",
        badge=Badge.REAL,
        source=FILES,
    )


def exits_exhibit() -> Exhibit:
    """Show who leaves by year and side of risk."""
    return table(
        exits(_panel()),
        caption="Organisations not seen again after a year, and the surplus rates of those who "
        "leave and those who stay.",
        badge=Badge.REAL,
        source=FILES,
        decimals={"share_left": 3, "surplus_leavers": 3, "surplus_stayers": 3},
        labels={"side": "Side", "at_risk": "Organisations", "left": "Leave",
                "share_left": "Share that leaves", "surplus_leavers": "Surplus of leavers",
                "surplus_stayers": "Surplus of stayers"},
        blank="",
    )  # fmt: skip


def bounds_exhibit() -> Exhibit:
    """Show the bounds that leaving allows."""
    rows = [
        {"outcome": LABELS[name], **selection_bounds(_panel(), name)}
        for name in REGISTERED.outcomes
    ]
    return table(
        pd.DataFrame(rows),
        caption="What leaving could do: bounds on the headline if those who stay are the best, or "
        "the worst, of their side. Sampling error is not in them.",
        badge=Badge.REAL,
        source=f"{FILES}; trimmed as in Lee (2009), on changes from the reference year",
        decimals={"low": 3, "middle": 4, "high": 3, "stay_treated": 3, "stay_control": 3},
        labels={"outcome": "Outcome", "low": "Lowest", "middle": "Same organisations",
                "high": "Highest", "stay_treated": "Seen again, moved",
                "stay_control": "Seen again, controls"},
    )  # fmt: skip


def revenue_exhibit() -> Exhibit:
    """Describe low- and high-revenue organisations."""
    return table(
        mean_by_side(_panel()),
        caption="Low-revenue organisations (mostly physicians) and high-revenue ones (mostly with "
        "hospitals) since 2018, by side of risk: means, not effects.",
        badge=Badge.REAL,
        source=FILES,
        decimals={"surplus": 3, "spending_per_person": 0, "budget_per_person": 0,
                  "share_primary": 3, "share_physician": 3},
        labels={"revenue": "Revenue", "side": "Side", "surplus": "Surplus rate",
                "spending_per_person": "Spending per person (US dollars)",
                "budget_per_person": "Budget per person (US dollars)",
                "share_primary": "Primary care with nurses and clinics",
                "share_physician": "Primary-care physicians", "rows": "Rows"},
    )  # fmt: skip


def _four(frame: pd.DataFrame) -> pd.DataFrame:
    number = frame.select_dtypes("floating").columns
    return frame.assign(**{c: frame[c].map(lambda v: f"{v:.4f}") for c in number})
