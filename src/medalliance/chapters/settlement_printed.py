"""Printed rules at work: the one corridor, the one budget formula, the cases side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ..evidence.quoting import cited
from ..provenance import Badge
from ..reforms import Rules, load_rules
from ..settlement.settle import settle
from ..show.exhibits import Exhibit
from ..show.front import show


def corridor_table() -> Exhibit:
    """Settle an example hospital under the one printed Chinese corridor, its bound at both ends."""
    printed = load_rules("guangyuan_sichuan")
    budget = 100_000_000
    rows = []
    for spent in (90, 100, 110, 130):
        ledger = pd.DataFrame(
            {
                "alliance": ["employees", "residents"],
                "year": [2019] * 2,
                "track": ["employees", "residents"],
                "budget": [budget] * 2,
                "spending": [budget * spent // 100] * 2,
            }
        )
        ends = [_at_bound(printed, ledger, share) for share in ("0", "0.5")]
        rows.append(
            {
                "spending": spent / 100 * budget / 100,
                "employees": ends[0][0] / 100,
                "residents": ends[0][1] / 100,
                "employees_most": ends[1][0] / 100,
                "residents_most": ends[1][1] / 100,
            }
        )
    labels = {
        "employees": "employees, fund pays none",
        "residents": "residents, fund pays none",
        "employees_most": "employees, fund pays half",
        "residents_most": "residents, fund pays half",
    }
    frame = pd.DataFrame(rows)
    deficit = frame["spending"] > budget / 100
    grey = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    grey.loc[deficit, list(labels)] = True
    return show(
        frame,
        "An example hospital with a budget of one million yuan under the 2019 corridor of a "
        "city scheme for hospitals, not an alliance. Overspend inside the corridor is paid by "
        "the fund up to a half; the text prints no share, so both ends are shown, in grey.",
        about=replace(cited(["R28"]), badge=Badge.ILLUSTRATIVE),
        assumed=grey,
        decimals=0,
        labels=labels,
    )


def _at_bound(rules: Rules, ledger: pd.DataFrame, share: str) -> np.ndarray:
    return settle(rules.replace(fund_share_inside_corridor=share), ledger, progress=False).settled


def first_budget_table() -> Exhibit:
    """Work the Guangdong budget formula on example spending."""
    printed = load_rules("guangdong")
    past = (310_000_000_00, 300_000_000_00, 287_000_000_00)
    rows = []
    for growth in ("0", "0.03", "0.05"):
        contract = printed.replace(
            budget_growth_rate=growth, surplus_retention_share="1", overspend_sharing_share="0"
        )
        ledger = pd.DataFrame(
            {"alliance": ["example"], "year": [2025], "budget": [past[0]], "spending": [past[0]]}
            | {f"spending_{k}": [value] for k, value in enumerate(past, start=1)}
        )
        done = settle(contract, ledger, progress=False)
        first = int(done.next_budget()["budget"].iloc[0])
        rows.append(
            {
                "growth": float(growth),
                "mean of three years": sum(past) / 300,
                "first budget": first / 100,
                "status": "assumed",
            }
        )
    return show(
        pd.DataFrame(rows),
        "The budget formula of Guangdong on example spending of three years, in yuan. The "
        "growth rate stands in no text that was read; the rows assume one.",
        about=replace(cited(["R07"]), badge=Badge.ILLUSTRATIVE),
        decimals={"growth": 2, "mean of three years": 2, "first budget": 2},
    )


def cases_table() -> Exhibit:
    """Set the settlement rules of the cases side by side."""
    from .contract_anatomy import anatomy_table

    return anatomy_table(
        [
            "surplus_retention_share",
            "overspend_sharing_share",
            "internal_split_rule",
            "performance_link",
            "surplus_pay_share",
        ],
        caption="How Chinese contracts divide a surplus and an overspend, as far as published.",
        kinds=("case", "city_scheme", "province", "national"),
    )
