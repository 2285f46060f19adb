"""A reader's contract: its file, and a panel settled by it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..errors import DataError, DesignError, RuleError
from ..panel import Panel
from ..provenance import Badge, Provenance, weakest
from ..reforms import Rules, load_rules, rule_fields
from ..settlement.settle import settle
from ..settlement.settlement import Settlement

VARIABLE = "MEDALLIANCE_RULES"


def own_rules() -> Rules | None:
    """Return the contract that ``MEDALLIANCE_RULES`` names; None where it is not set."""
    named = os.environ.get(VARIABLE)
    return load_rules(named) if named else None


def rules_named(name: str) -> Rules:
    """Return a contract by its id: the reader's own, or one of the book."""
    own = own_rules()
    return own if own is not None and own.id == name else load_rules(name)


def without_members(rules: Rules) -> Rules:
    """Return a contract that divides nothing inside a party, for ledgers without members."""
    steps = tuple(s for s in rules.steps or () if s.op != "split" or s.within is None)
    return rules.model_copy(update={"steps": steps})


@dataclass(frozen=True, eq=False)
class OwnContract:
    """A contract with the panel whose counties it settles.

    Attributes
    ----------
    rules : Rules
    panel : Panel
    """

    rules: Rules
    panel: Panel

    @property
    def badge(self) -> Badge:
        """The panel's badge; ``ILLUSTRATIVE`` as soon as a term that is used is assumed."""
        return weakest(self.panel.badge, Badge.ILLUSTRATIVE if self.assumed else Badge.YOURS)

    @cached_property
    def assumed(self) -> tuple[str, ...]:
        """Terms that the steps read and that the contract assumes."""
        read = {name for step in self.rules.steps for name in step.fields}
        return tuple(sorted(read & set(self.rules.assumed)))

    @property
    def provenance(self) -> Provenance:
        """Where the numbers come from; names the file beside the reader's numbers alone.

        A file is often named after its county, and no simulated number stands beside that name.
        """
        file = "your rule file" if self.panel.badge is Badge.SYNTHETIC else self.rules.file
        words = f"the panel that you loaded, settled under {file}"
        fields = rule_fields()
        named = ", ".join(fields[name].label.en.lower() for name in self.assumed)
        about = Provenance(self.badge, words, self.rules.currency)
        return about.noting(f"assumed: {named}") if named else about

    @cached_property
    def rows(self) -> pd.DataFrame:
        """County-years under contract with a settled budget and spending.

        Raises
        ------
        DesignError
            If there is none.
        """
        panel, frame = self.panel, self.panel.frame
        if not {"budget", "spending"} <= set(frame.columns):
            raise DesignError("a settlement needs the columns budget and spending.")
        on = (frame[panel.cohort] > 0) & (frame[panel.year] >= frame[panel.cohort])
        if "rule_id" in frame.columns and (frame["rule_id"] == self.rules.id).any():
            on &= frame["rule_id"] == self.rules.id
        found = frame[on & frame["budget"].notna() & frame["spending"].notna()]
        if found.empty:
            raise DesignError("no county and year under contract has a budget and spending.")
        return found.reset_index(drop=True)

    @cached_property
    def settlement(self) -> Settlement:
        """Every row settled; inside a party nothing is divided, for a panel has no members.

        Raises
        ------
        DesignError
            If the contract reads what the panel does not hold.
        """
        rules = without_members(self.rules)
        if not rules.steps:
            raise DesignError("the contract has no steps, so there is nothing to settle by.")
        ledger = _ledger(self.rows, self.panel)
        try:
            return settle(rules, ledger, progress=False)
        except (DataError, RuleError) as refused:
            raise DesignError(f"the panel cannot be settled. {refused}") from refused


def _ledger(rows: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Write panel rows as a ledger, money in fen."""
    money = [n for n in ("budget", "spending", "out_of_county_spending") if n in rows]
    ledger = pd.DataFrame(
        {"alliance": rows[panel.unit].astype(str), "year": rows[panel.year].astype(int)}
    )
    for name in money:
        whole = np.round(rows[name].to_numpy(float, na_value=np.nan) * 100)
        ledger[name] = pd.array([None if np.isnan(v) else int(v) for v in whole], dtype="Int64")
    if "quality_score" in rows:
        scores = rows["quality_score"].to_numpy(float, na_value=np.nan)
        ledger["score"] = [None if np.isnan(score) else f"{score:.4f}" for score in scores]
    return ledger.assign(reserve=0)
