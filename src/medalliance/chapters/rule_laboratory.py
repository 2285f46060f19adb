"""The rule laboratory: the same counties under every scenario rule."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd

from ..panel import PanelWarning
from ..provenance import Badge, Provenance
from ..reforms import Rules, load_rules
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from ..show.pictures import rounded
from ..simulate import SimulatedPanel, simulate_panel

SCENARIOS = (
    "one_sided",
    "two_sided_corridor",
    "out_of_county_deducted",
    "split_631",
    "primary_care_group_two_sided",
)
SEEDS, N_COUNTIES = (1, 2, 3, 4), 200
SOURCE = Provenance(
    Badge.SYNTHETIC,
    "invented counties, four draws, each run under every scenario rule; all terms are assumed",
)
MEASURES = {
    "log_spending_per_insured": "spending (log)",
    "notional_surplus_rate": "surplus rate",
    "log_remuneration_per_fte_hospital": "hospital pay (log)",
    "log_remuneration_per_fte_township": "township pay (log)",
    "log_remuneration_per_fte_village": "village pay (log)",
    "primary_care_visit_share": "primary-care share",
    "in_county_visit_share": "in-county share",
}
COLUMNS = {"marginal_share": "worth of one yuan more", **MEASURES}
GOOD_IF_LOW = ("log_spending_per_insured",)


def _draw(rule: str | Rules, seed: int) -> SimulatedPanel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return simulate_panel(N_COUNTIES, 12, seed, rule, channels=False)


def true_effects(rule: str | Rules, seed: int) -> dict[str, float]:
    """Return the true effects of a rule in one draw of the laboratory's counties.

    Parameters
    ----------
    rule : str or Rules
    seed : int

    Returns
    -------
    dict of str to float
        By the names of ``COLUMNS``: what one further yuan of surplus is worth to the alliance,
        yuan; then the mean effect on every measure over treated counties and years.

    Raises
    ------
    DataError, RuleError
        If the model cannot settle the rule.
    """
    found = _draw(rule, seed)
    worth = float(found.marginal_share["marginal_share"].mean())
    return {"marginal_share": worth, **{name: found.effect(name) for name in MEASURES}}


@cache
def outcomes() -> pd.DataFrame:
    """Return the true effect of every rule on every measure, draw by draw.

    Returns
    -------
    DataFrame
        ``rule name seed marginal_share`` with one column a measure.
    """
    rows = [
        {"rule": rule, "name": load_rules(rule).name.en, "seed": seed, **true_effects(rule, seed)}
        for rule in SCENARIOS
        for seed in SEEDS
    ]
    return pd.DataFrame(rows)


def _means() -> pd.DataFrame:
    return outcomes().groupby(["rule", "name"], sort=False)[list(COLUMNS)].mean().reset_index()


def rules_table() -> Exhibit:
    """Set the terms of the scenario rules."""
    terms = {
        "surplus_retention_share": "surplus kept",
        "overspend_sharing_share": "overspend borne",
        "split_lead_share": "to the hospital",
        "split_township_share": "to townships",
        "split_village_share": "to villages",
        "surplus_pay_share": "part that may be paid out",
        "reserve_share": "reserve",
        "out_of_county": "out-of-county care",
    }
    rows = []
    for name in SCENARIOS:
        rule = load_rules(name)
        row: dict[str, object] = {"rule": rule.name.en}
        for field, words in terms.items():
            stated = rule.parameters.get(field, ())
            value = stated[0].value if stated else None
            row[words] = f"{value:.2f}" if isinstance(value, Decimal) else value
            if isinstance(value, str):
                row[words] = value.replace("_", " ")
        rows.append({k: "–" if v is None else str(v) for k, v in row.items()})
    return show(
        pd.DataFrame(rows),
        "The scenario rules of the laboratory. Shares are 0 to 1; a dash: no such term.",
        about=Provenance(
            Badge.ILLUSTRATIVE, "the book's scenario rule files; every term is assumed"
        ),
    )


def scorecard_table() -> Exhibit:
    """Set the effect of every rule on surplus, pay and visits."""
    return show(
        _means().drop(columns="rule").rename(columns=COLUMNS),
        "True effects of each rule against no reform, mean over treated counties and "
        "years. The second column is what one further yuan of surplus is worth to the alliance "
        "in expectation.",
        about=SOURCE,
        decimals=3,
        labels={"name": "rule"},
    )


def effects_figure() -> Exhibit:
    """Draw the effect of every rule on spending, on pay by tier and on the primary-care share."""
    import matplotlib.pyplot as plt

    from ..show import plots

    frame = _means()
    groups = {
        "spending": ["log_spending_per_insured"],
        "pay": [m for m in MEASURES if m.startswith("log_remuneration")],
        "visits": ["primary_care_visit_share", "in_county_visit_share"],
    }
    place = np.arange(len(frame))[::-1]
    with plots.style():
        _, axes = plt.subplots(1, 3, figsize=(7.2, 3.4), sharey=True, constrained_layout=True)
        for ax, (title, measures) in zip(axes, groups.items(), strict=True):
            for number, measure in enumerate(measures):
                ax.plot(
                    frame[measure],
                    place,
                    plots.MARKERS[number],
                    label=MEASURES[measure],
                    color=plots.PALETTE[number],
                )
            ax.axvline(0, color=plots.INK, linewidth=1)
            ax.margins(x=0.12, y=0.10)
            ax.set_title(title, loc="left", fontsize=10, pad=46)
            ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), fontsize=8)
            ax.set_gid("values-on-x")
        axes[0].set_yticks(place, [_wrapped(name) for name in frame["name"]])
        axes[1].set_xlabel("true effect (log points; share for visits)")
    told = "; ".join(
        f"{r['name']}: spending {r['log_spending_per_insured']:+.3f}, primary-care share "
        f"{r['primary_care_visit_share']:+.3f}"
        for r in frame.to_dict("records")
    )
    return show(
        list(axes),
        "The same counties under five rules: true effects on spending, pay and visits.",
        about=SOURCE,
        alt=f"One row a rule, three panels. {told}.",
        summary=rounded(frame.drop(columns="rule").rename(columns=MEASURES), 3),
    )


def _wrapped(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, 22))


def ranks_table() -> Exhibit:
    """Set the range of each rule's rank over draws, by measure."""
    draws = outcomes()
    rows: dict[str, dict[str, str]] = {name: {} for name in draws["name"].unique()}
    for measure, words in MEASURES.items():
        ranks = draws.groupby("seed")[measure].rank(ascending=measure in GOOD_IF_LOW)
        for name, part in ranks.groupby(draws["name"]):
            low, high = int(part.min()), int(part.max())
            rows[str(name)][words] = str(low) if low == high else f"{low} to {high}"
    frame = pd.DataFrame(rows).T.rename_axis("rule").reset_index()
    return show(
        frame,
        f"Rank of each rule over {len(SEEDS)} draws: 1 is the largest effect, for spending "
        "the largest fall.",
        about=SOURCE,
    )


def scorecard_sentence() -> Sentence:
    """Say which rule moves what most, from the numbers."""
    frame = _means().set_index("name")
    most = frame["log_spending_per_insured"].idxmin()
    visits = frame["primary_care_visit_share"].idxmax()
    return say(
        "Spending falls most under “{most}”, by {expm1:.1%}. The primary-care share rises "
        "most under “{visits}”, by {primary_care_visit_share:.3f}. A further yuan of surplus "
        "is worth between {min_marginal_share:.2f} and {max_marginal_share:.2f} yuan to the "
        "alliance.",
        most=most,
        expm1=-np.expm1(frame.loc[most, "log_spending_per_insured"]),
        visits=visits,
        primary_care_visit_share=frame.loc[visits, "primary_care_visit_share"],
        min_marginal_share=frame["marginal_share"].min(),
        max_marginal_share=frame["marginal_share"].max(),
        about=SOURCE,
    )


@cache
def _sweep(shares: Sequence[str] = ("0.2", "0.4", "0.6", "0.8", "1")) -> pd.DataFrame:
    rows = []
    for side in ("one-sided", "two-sided"):
        for share in shares:
            rule = load_rules("two_sided_corridor" if side == "two-sided" else "one_sided")
            changes = {"surplus_retention_share": Decimal(share)}
            if side == "two-sided":
                changes["overspend_sharing_share"] = Decimal(share)
            found = _draw(rule.replace(**changes), SEEDS[0])
            rows.append(
                {
                    "rule": side,
                    "share kept": float(share),
                    "spending": found.effect("log_spending_per_insured"),
                    "primary-care share": found.effect("primary_care_visit_share"),
                }
            )
    return pd.DataFrame(rows)


def sweep_figure() -> Exhibit:
    """Draw effects as the retained share rises, for one-sided and two-sided rules."""
    from ..show import plots

    frame = _sweep()
    ax = plots.lines(frame, x="share kept", y="spending", by="rule")
    ax.set(
        xlabel="share of a surplus kept (two-sided: of an overspend borne)",
        ylabel="true effect on log spending",
    )
    ends = "; ".join(
        f"{rule}: {part['spending'].iloc[0]:+.3f} at {part['share kept'].iloc[0]:.1f}, "
        f"{part['spending'].iloc[-1]:+.3f} at {part['share kept'].iloc[-1]:.1f}"
        for rule, part in frame.groupby("rule")
    )
    return show(
        ax,
        "The more is kept, the more is saved: spending by the retained share.",
        about=Provenance(Badge.SYNTHETIC, "invented counties, one draw; every term is assumed"),
        alt=f"Two lines. {ends}.",
        summary=rounded(frame, 3),
    )
