"""The counties of the chapter on money and behaviour, with what their rules alone would pay."""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import DesignError, RuleError
from ..panel import Panel, load_panel
from ..settlement.settle import settle
from ..simulate import SimulatedPanel, simulate_panel
from .own_rules import rules_named, without_members

SURPLUS, PAY, SHARE = (
    "notional_surplus_rate", "log_remuneration_per_fte_township", "primary_care_visit_share",
)  # fmt: skip
TITLES = {SURPLUS: "surplus rate", PAY: "township pay (log)", SHARE: "primary-care share"}
RULES = ("one_sided", "split_631", "primary_care_group_two_sided")
SEED, N_COUNTIES = 20_240_602, 300
REFERENCE_BUDGET, REFERENCE_HEADS, REFERENCE_PAY = 300_000_000, 470, 60_000
DRAWN = "300 invented counties under three scenario rules, drawn from a fixed seed"


def panel_with_dose() -> Panel:
    """Return the reader's panel where one is named, otherwise that of simulated counties."""
    named = os.environ.get("MEDALLIANCE_PANEL")
    return with_dose(load_panel() if named else simulated().panel)


@cache
def simulated() -> SimulatedPanel:
    """Return 300 invented counties under three scenario rules, drawn from a fixed seed."""
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


def doses(panel: Panel) -> pd.DataFrame:
    """Return what each rule of a panel alone would add to township pay, log points.

    Raises
    ------
    DesignError
        If the panel names no rules.
    """
    frame = panel.frame
    if "rule_id" not in frame.columns:
        raise DesignError(
            "the panel names no rules.\n  Add a column rule_id with each county's contract."
        )
    names = sorted(n for n in frame["rule_id"].dropna().astype(str).unique() if n)
    rows = pd.DataFrame(
        {
            "rule": [rules_named(n).name.en for n in names],
            "counties": [
                int(frame.loc[frame["rule_id"] == n, panel.unit].nunique()) for n in names
            ],
            "bonus": [reference_dose(n) for n in names],
        }
    )
    return panel.provenance.carried_by(rows)
