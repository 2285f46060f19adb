"""A settlement in words, and as flows for a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..errors import RuleError
from ..reforms._step import Sum
from .postings import SIGNS, Postings, Trace, money

LABELS = {
    "providers claims": "claims paid to providers",
    "insurer budget": "budget",
    "insurer kept": "kept by the insurer",
    "insurer sequestered": "sequestered",
    "insurer rounded": "rounding",
    "insurer adjusted": "adjusted",
    "insurer topped_up": "paid by the insurer",
}


def label(party: str, account: str) -> str:
    """Return a plain name for a party's account.

    >>> label("lead_hospital", "retained_pay")
    'lead hospital: pay'
    """
    known = LABELS.get(f"{party} {account}")
    if known:
        return known
    name = party.replace("_", " ")
    kind, _, use = account.partition("_")
    if kind in ("retained", "owed") and use:
        return f"{name}: {use}"
    return f"{name} (owes)" if kind == "owed" else name


def explain(settlement: Postings, row: int) -> str:
    """Return one settlement step by step, in words.

    Parameters
    ----------
    settlement : Postings
    row : int
        Position of the alliance and year.
    """
    sign = SIGNS[settlement.rules.currency]
    who = settlement.frame.iloc[row]
    track = f", track {who['track']}" if who["track"] else ""
    lines = [f"{settlement.rules.name.en}: {who['alliance']}, {who['year']}{track}"]
    pool = -int(settlement.lines[0].amounts[row])
    lines.append(f"Budget {money(pool, sign)}.")
    early = [trace for trace in settlement.traces if trace.step.side in ("pool", "spending")]
    late = [trace for trace in settlement.traces if trace.step.side not in ("pool", "spending")]
    lines += _sentences(settlement, row, early)
    surplus = int(settlement.surplus[row])
    word = "surplus" if surplus > 0 else "deficit" if surplus < 0 else "no surplus and no deficit,"
    lines.append(
        f"{money(int(settlement.budget[row]), sign)} held against spending of "
        f"{money(int(settlement.spending[row]), sign)}: {word} {money(abs(surplus), sign)}."
    )
    lines += _sentences(settlement, row, late)
    lines += _outcome(settlement, row)
    numbered = [f"  {place}. {line}" for place, line in enumerate(lines[1:], start=1)]
    return "\n".join([lines[0], *numbered])


def _sentences(settlement: Postings, row: int, traces: list[Trace]) -> list[str]:
    sign = SIGNS[settlement.rules.currency]
    out = []
    for trace in traces:
        if not trace.rows[row] or (trace.step.op == "round" and trace.before[row] ==
                                   trace.after[row]):  # fmt: skip
            continue
        before, after = int(trace.before[row]), int(trace.after[row])
        moved = f"{money(before, sign)} becomes {money(after, sign)}"
        if before == after:
            moved = f"nothing changes, {money(after, sign)} stays"
        account = getattr(trace.step, "account", "")
        target = f" to {account}" if account else ""
        reasons = "; ".join(_reasons(settlement, row, trace.step))
        out.append(f"{trace.step.verb}{target.replace('_', ' ')}: {moved} ({reasons}).")
    return out


def _reasons(settlement: Postings, row: int, step: Any) -> list[str]:
    out = []
    who = settlement.frame.iloc[row]
    for ref in step.references():
        if ref.startswith("ledger."):
            column = ref.removeprefix("ledger.")
            if column in settlement.columns:
                value = settlement.columns[column].iloc[row]
                is_sum = ref in step.references(Sum)
                shown = money(int(value), SIGNS[settlement.rules.currency]) if is_sum else value
                out.append(f"{column} {shown}")
            continue
        try:
            dated = settlement.rules.dated(ref, int(who["year"]), who["track"])
        except RuleError:
            continue
        if dated.is_number:
            grey = ", assumed" if dated.status == "assumed" else ""
            out.append(f"{ref} {dated.value}{grey}")
    return out or [step.op]


def _outcome(settlement: Postings, row: int) -> list[str]:
    sign = SIGNS[settlement.rules.currency]
    out = []
    for line in settlement.lines:
        if not line.account.startswith(("retained", "owed")):
            continue
        own = line.amounts[row : row + 1] if line.rows is None else line.amounts[line.rows == row]
        amount = int(own.sum())
        if amount:
            verb = "receives" if amount > 0 else "owes"
            name = label(line.party, line.account.replace("owed", "retained"))
            count = "" if line.members is None else f", {_members(len(own))}"
            out.append(f"{name} {verb} {money(abs(amount), sign)}{count} ({line.why}).")
    return out or ["The alliance receives nothing and owes nothing."]


def _members(count: int) -> str:
    return "1 member" if count == 1 else f"{count} members"


def steps_frame(settlement: Postings, row: int) -> pd.DataFrame:
    """Return what each step did to one settlement.

    Returns
    -------
    DataFrame
        ``step`` (place in the contract), ``operation``, ``before``, ``after`` (main units),
        ``why`` (fields with their values) and ``status``, which is ``assumed`` where one is.
    """
    assumed = set(settlement.rules.assumed)
    rows = [
        {
            "step": trace.place,
            "operation": trace.step.verb,
            "before": int(trace.before[row]) / 100,
            "after": int(trace.after[row]) / 100,
            "why": "; ".join(_reasons(settlement, row, trace.step)),
            "status": "assumed" if assumed & set(trace.step.references()) else "",
        }
        for trace in settlement.traces
        if trace.rows[row]
    ]
    return pd.DataFrame(rows)


def flows(
    settlement: Postings, row: int | None = None, *, result_only: bool = False
) -> pd.DataFrame:
    """Return where each yuan went: ``source, target, amount, status``.

    Parameters
    ----------
    settlement : Postings
    row : int or None
        One settlement, or all together. For a single deficit the flows show who paid.
    result_only : bool
        Leave out the claims that the budget covers: follow the surplus or the deficit alone.

    Returns
    -------
    DataFrame
        ``amount`` in main units, in the order of the contract; ``status`` is ``assumed`` where
        the reason is.
    """
    table = settlement.to_frame()
    deficit = False
    if row is not None:
        who = settlement.frame.iloc[row]
        own = (table["alliance"] == who["alliance"]) & (table["year"] == who["year"])
        table, deficit = table[own], settlement.surplus[row] < 0
    table = table[(table["amount"] < 0) if deficit else (table["amount"] > 0)]
    if result_only:
        table = table[table["side"] != "pool"]
    names = [label(p, a) for p, a in zip(table["party"], table["account"], strict=True)]
    grouped = table.assign(
        target=names, amount=table["amount"].abs(), grey=(table["status"] == "assumed")
    ).groupby("target", sort=False)[["amount", "grey"]]
    out = grouped.agg({"amount": "sum", "grey": "any"}).reset_index()
    out["status"] = np.where(out.pop("grey"), "assumed", "")
    out["amount"] = out["amount"] / 100
    source = "claims" if deficit else "money paid in" if row is None else "budget"
    if result_only:
        source = "deficit" if deficit else "surplus"
    out.insert(0, "source", source)
    return out
