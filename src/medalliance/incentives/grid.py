"""The embedding grid in the model: what stands for each cell, and what more depth would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import RuleError
from ..show.findings import Findings
from .contract import Contract
from .equilibrium import MODEL
from .patients import PatientChoice, visit_shares
from .respond import respond
from .technology import Technology

Cell = tuple[str, str]
DEEPEST = 3
# What stands for a cell. Aims alone move nobody in a model of money.
LEVERS: dict[Cell, str] = {
    ("value", "resources"): "price setting: the price of needed services",
    ("value", "relations"): "",
    ("value", "interests"): "what is rewarded: the weight of a score that answers to care",
    ("structure", "resources"): "budget unit: the hospital's share goes to primary care",
    ("structure", "relations"): "agencies together: a subsidy that none would pay alone",
    ("structure", "interests"): "who takes part in the budget; referral: the gate",
    ("institution", "resources"): "budget constraint: the share of a deficit that is borne",
    ("institution", "relations"): "what is disclosed: shares to members, volume to audits",
    ("institution", "interests"): "retention and pay rule: what is kept, what reaches pay",
}
_GATE = 50.0


def grid_levers() -> Findings:
    """Say which lever of the model stands for each cell of the embedding grid, or that none does.

    Returns
    -------
    Findings
        One row a cell: ``row, column, lever``; blank where the model holds none.
    """
    import pandas as pd

    rows = [{"row": r, "column": c, "lever": text or None} for (r, c), text in LEVERS.items()]
    return Findings(
        pd.DataFrame(rows),
        "What stands for a cell of the embedding grid in the model",
        "Blank: an aim that levels of care work together moves nobody here without a rule.",
        MODEL,
    )


def contract_at(
    depths: Mapping[Cell, float], base: Contract, technology: Technology
) -> tuple[Contract, float]:
    """Return the contract, with the gate, that stands for given depths of the grid's cells.

    At depth 0 nothing is kept, paid out, borne, disclosed, scored or audited; at full depth the
    lever stands where the levers below say. Depths between move in proportion.

    Parameters
    ----------
    depths : mapping of (row, column) to float
        0-3; a cell that is left out is 0.
    base : Contract
        Its split is that of a hospital-led alliance; its other terms are kept.
    technology : Technology

    Raises
    ------
    RuleError
        If a cell is unknown or a depth lies outside 0-3.
    """
    d = dict.fromkeys(LEVERS, 0.0)
    for cell, depth in depths.items():
        if cell not in d or not 0 <= depth <= DEEPEST:
            raise RuleError(f"grid: {cell} at depth {depth} is no cell with a depth from 0 to 3.")
        d[cell] = depth / DEEPEST
    t, split = technology, np.array(np.atleast_1d(base.split), dtype=float)
    to_others = split[0] * d["structure", "resources"]
    rest = split[1:] / split[1:].sum()
    split = np.concatenate([[split[0] - to_others], split[1:] + to_others * rest])
    takes = d["structure", "interests"]
    kept = d["institution", "interests"]
    seen = d["institution", "relations"]
    terms: dict[str, Any] = {
        "needed_price": t.needed_price * (1 + 0.1 * d["value", "resources"]),
        "score_weight": d["value", "interests"] if np.any(t.score_effect > 0) else 0.0,
        "split": split,
        "performance_pay": 0.2 * d["structure", "relations"] * t.saving,
        "takes_part": np.concatenate([[0.0], np.full(t.n_groups - 1, takes)]),
        "loss_share": d["institution", "resources"],
        "disclosure": seen,
        "audit": 0.05 * seen,
        "gain_share": kept,
        "pay_share": kept,
    }
    return base.replace(**terms), _GATE * takes


def vary_grid(
    codes: Mapping[Cell, float | None],
    base: Contract,
    technology: Technology,
    patients: PatientChoice,
) -> Findings:
    """Move one cell at a time from its code to full depth, to see what the model expects.

    The codes say how a kind of rule is written, not how a county does: results are the model's.

    Parameters
    ----------
    codes : mapping of (row, column) to float or None
        Depths 0-3; None where no text says, taken as 0.
    base : Contract
    technology : Technology
    patients : PatientChoice

    Returns
    -------
    Findings
        First the codes as they are, then one row a cell: ``row, column, code, lever`` and the
        changes of ``surplus, harm, welfare, primary_visits`` (share, in points). The first row
        holds levels.

    Raises
    ------
    RuleError
        If a cell is unknown or a code lies outside 0-3.
    """
    import pandas as pd

    stated = {cell: float(code or 0.0) for cell, code in codes.items()}
    start = _outcomes(stated, base, technology, patients)
    rows: list[dict[str, Any]] = [
        {"row": "as coded", "column": "", "code": None, "lever": "", **start}
    ]
    for (row, column), lever in LEVERS.items():
        moved = _outcomes({**stated, (row, column): DEEPEST}, base, technology, patients)
        change = {name: moved[name] - start[name] for name in start}
        code = codes.get((row, column))
        rows.append({"row": row, "column": column, "code": code, "lever": lever or None, **change})
    return Findings(
        pd.DataFrame(rows),
        "What the model expects where one cell goes from its code to full depth",
        "First row: levels; below: changes. A code left blank is taken as 0.",
        MODEL,
    )


def _outcomes(
    depths: Mapping[Cell, float], base: Contract, technology: Technology, patients: PatientChoice
) -> dict[str, float]:
    contract, gate = contract_at(depths, base, technology)
    found = respond(contract, technology)
    k = found.chosen
    shares = visit_shares(patients.replace(gate=gate), found.effort[k])
    return {
        "surplus": float(found.mean_surplus[k]),
        "harm": float(found.harm[k]),
        "welfare": float(found.welfare[k]),
        "primary_visits": 100 * float(shares[1:-1].sum()),
    }
