"""Does money reach behaviour? Four layers of evidence, held against the truth where it is known."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import DesignError, RuleError, what_is_wrong
from ..estimators.controlled_direct_effect import controlled_direct_effect, mediator_sensitivity
from ..estimators.gelbach import gelbach
from ..estimators.rule_dose import rule_dose
from ..panel import Panel, load_panel
from ..results import Effects
from ..settlement.settle import settle
from ..show.exhibits import Exhibit, Sentence, sentence
from ..show.tables import table
from ..simulate import SimulatedPanel, simulate_panel
from .outcome_chapters import Study, event_figure, study
from .own_rules import rules_named, without_members

SURPLUS, PAY, SHARE = (
    "notional_surplus_rate", "log_remuneration_per_fte_township", "primary_care_visit_share",
)  # fmt: skip
TITLES = {SURPLUS: "surplus rate", PAY: "township pay (log)", SHARE: "primary-care share"}
RULES = ("one_sided", "split_631", "primary_care_group_two_sided")
SEED, N_COUNTIES = 20_240_602, 300
REFERENCE_BUDGET, REFERENCE_HEADS, REFERENCE_PAY = 300_000_000, 470, 60_000
DRAWN = "300 invented counties under three scenario rules, drawn from a fixed seed"


@dataclass(frozen=True, eq=False)
class Link:
    """The three event studies, with the simulated panel behind them if there is one."""

    study: Study
    simulated: SimulatedPanel | None

    @property
    def panel(self) -> Panel:
        """The panel with the dose of its rules, where rules are named."""
        return self.study.panel

    @property
    def source(self) -> str:
        """Where the numbers come from."""
        return self.study.source

    def truth(self, outcome: str, channel: str = "all") -> float:
        """Return a true effect, NaN where nobody knows it."""
        return np.nan if self.simulated is None else self.simulated.effect(outcome, channel)


def run() -> Link:
    """Estimate on the reader's panel where one is named, otherwise on simulated counties."""
    if os.environ.get("MEDALLIANCE_PANEL"):
        return Link(study(with_dose(load_panel()), tuple(TITLES)), None)
    drawn = _drawn()
    return Link(study(with_dose(drawn.panel), tuple(TITLES), origin=DRAWN), drawn)


@cache
def _drawn() -> SimulatedPanel:
    return simulate_panel(N_COUNTIES, 12, SEED, RULES)


def with_dose(panel: Panel) -> Panel:
    """Add what each county's rule alone would add to township pay, log points.

    The rule is settled on one fixed distribution of spending, so that the dose varies with the
    rule and not with who works under it. Panels without a column ``rule_id`` stay as they are,
    and so do those that name a rule which cannot be settled.
    """
    if "rule_id" not in panel.frame.columns:
        return panel
    frame = panel.frame
    names = frame["rule_id"].fillna("").astype(str)
    try:
        doses = {name: 0.0 if name == "" else reference_dose(name) for name in names.unique()}
    except RuleError:
        return panel
    on = (frame[panel.cohort] > 0) & (frame[panel.year] >= frame[panel.cohort])
    return panel.with_columns(rule_dose=names.map(doses).to_numpy(float) * on.to_numpy(float))


@cache
def reference_dose(name: str) -> float:
    """Return the mean bonus of township staff under a rule, log points of reference pay."""
    rule = rules_named(name)
    spread = stats.norm.ppf((np.arange(99) + 0.5) / 99)
    budget = np.full(99, REFERENCE_BUDGET * 100, dtype=np.int64)
    spending = np.round(budget * (0.93 + 0.05 * spread)).astype(np.int64)
    ledger = pd.DataFrame(
        {"alliance": [f"reference {k:02d}" for k in range(99)], "year": 2023, "budget": budget,
         "spending": spending, "score": "0.90", "reserve": 0, "out_of_county_spending": 0}
    )  # fmt: skip
    held = settle(without_members(rule), ledger, progress=False)
    paid = sum(
        float(line.amounts.sum())
        for line in held.lines
        if line.party == "township" and line.account == "retained_pay"
    )
    return float(np.log1p(paid / 100 / 99 / REFERENCE_HEADS / REFERENCE_PAY))


def timing_figure(found: Link) -> Exhibit:
    """Draw the three event studies one below the other."""
    return event_figure(
        found.study, list(TITLES), titles=TITLES, unit="effect",
        caption="First layer, timing: surplus, pay and visits by years since the reform.",
    )  # fmt: skip


def layers_table(found: Link) -> Exhibit:
    """Set the four layers beside the truth."""
    rows: list[dict[str, Any]] = []
    share, through = found.truth(SHARE), found.truth(SHARE, "pay")
    for layer, recipe, truths in (
        ("accounting", _accounting, {"without mediators": share, f"through {PAY}": through}),
        ("pay held fixed", _direct,
         {"total": share, "direct": share - through, f"through {PAY}": through}),
        ("rule alone", _dose, {"two-stage": through / found.truth(PAY, "pay")}),
    ):  # fmt: skip
        rows += _layer(found, layer, recipe, truths)
    return table(
        pd.DataFrame(rows),
        caption="Layers two to four: the primary-care share, township pay, and what passes "
        "between them. The accounting is no causal share. The last layer assumes that a rule "
        "moves visits only through pay.",
        badge=found.panel.badge,
        source=found.source,
        decimals=4,
        labels={"std_error": "standard error", "truth": "true value"},
        blank="",
    )


def _layer(found: Link, layer: str, recipe: Any, truths: dict[str, float]) -> list[dict[str, Any]]:
    try:
        frame = recipe(found.panel).to_frame(bands=False)
    except (DesignError, RuleError) as error:
        return [{"layer": layer, "quantity": f"not available: {what_is_wrong(error)}"}]
    return [
        {
            "layer": layer,
            "quantity": _WORDS.get(str(row.term), str(row.term)),
            "estimate": row.estimate,
            "std_error": row.std_error,
            "truth": truths.get(str(row.term), np.nan),
        }
        for row in frame.itertuples()
    ]


_WORDS = {
    "without mediators": "effect on the share",
    "with mediators": "effect on the share, given pay and spending",
    f"through {PAY}": "moved along with township pay",
    "through log_spending_per_insured": "moved along with spending",
    "through all": "moved along with both",
    "total": "effect on the share",
    "direct": "effect with township pay held fixed",
    "first stage": "pay per unit of the rule's bonus",
    "reduced form": "share per unit of the rule's bonus",
    "two-stage": "share per log point of pay",
}


def _accounting(panel: Panel) -> Effects:
    return gelbach(panel, SHARE, mediators=[PAY, "log_spending_per_insured"])


def _direct(panel: Panel) -> Effects:
    return controlled_direct_effect(panel, SHARE, mediator=PAY)


def _dose(panel: Panel) -> Effects:
    if "rule_dose" not in panel.frame.columns:
        raise DesignError("no column rule_id names a contract that can be settled for each county.")
    return rule_dose(panel, SHARE, pay=PAY, dose="rule_dose")


def sensitivity_table(found: Link) -> Exhibit:
    """Set the effect with pay held fixed as left-out confounding grows."""
    sensitivity = mediator_sensitivity(found.panel, SHARE, mediator=PAY)
    known = found.truth(SHARE) - found.truth(SHARE, "pay")
    words = "" if np.isnan(known) else f" The true value is {known:.4f}."
    return table(
        sensitivity.frame,
        caption="The effect on the share with township pay held fixed, if something left out "
        f"moves pay and share together.{words} At a correlation of "
        f"{sensitivity.rho_at_zero:.2f} pay would carry nothing.",
        badge=found.panel.badge,
        source=found.source,
        decimals={"rho": 2, "direct": 4, "std_error": 4, "conf_low": 4, "conf_high": 4},
        labels={"rho": "correlation left out", "direct": "effect, pay held fixed",
                "std_error": "standard error", "conf_low": "95 % from", "conf_high": "to"},
    )  # fmt: skip


def dose_table(found: Link) -> Exhibit:
    """Set what each rule alone would add to township pay."""
    frame = found.panel.frame
    if "rule_id" not in frame.columns:
        rows = pd.DataFrame({"remark": ["the panel names no rules (column rule_id)"]})
    else:
        names = [n for n in frame["rule_id"].dropna().astype(str).unique() if n]
        rows = pd.DataFrame(
            {
                "rule": [rules_named(n).name.en for n in sorted(names)],
                "counties": [
                    int(frame.loc[frame["rule_id"] == n, found.panel.unit].nunique())
                    for n in sorted(names)
                ],
                "bonus": [reference_dose(n) for n in sorted(names)],
            }
        )
    return table(
        rows,
        caption="What a rule alone would add to township pay, on one fixed distribution of "
        "spending (log points).",
        badge=found.panel.badge,
        source="the settlement engine on 99 reference ledgers",
        decimals={"bonus": 4},
    )


def truth_sentence(found: Link) -> Sentence:
    """Say how much of the true effect each channel carries."""
    if found.simulated is None:
        text = "The true channels of your panel are not available."
    else:
        total = found.truth(SHARE)
        text = (
            f"In the simulated counties the reform raises the primary-care share by {total:.4f}. "
            f"Without the incentive {found.truth(SHARE, 'incentive'):.4f} of it is lost, without "
            f"the bonus {found.truth(SHARE, 'pay'):.4f}. The channels need not add up, because "
            "each is switched off alone."
        )
    return sentence(text, badge=found.panel.badge, source=found.source)
