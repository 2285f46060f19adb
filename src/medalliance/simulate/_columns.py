"""Raw columns of the county-year schema from what happened in a world."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..outcomes.remuneration import TYPES
from ._behaviour import MARGIN, MARGIN_PAY, Activity, Response
from ._money import Accounts
from ._world import INFLATION, TIERS, TYPE_PAY, World

Array = NDArray[np.float64]
PLACES = {"village": 2, "township": 1, "county": 0, "out": 3}
ADMITTED, INPATIENT_PART = 0.04, 0.8  # of county hospital visits; of its fund spending
MIX, MIX_YEARS = np.array([1.0, 0.0, 0.0, -1.0]), 4  # physicians come, administrators go
LINKED = 1.30  # village visits counted under the second definition, against the first


def raw_columns(
    world: World,
    done: Activity,
    money: Accounts,
    paid: Response,
    rule_of: NDArray[np.object_],
    since: NDArray[np.int64],
) -> pd.DataFrame:
    """Return the panel's table, one row a county and year.

    Parameters
    ----------
    paid : Response
        Its induced volume earns margins; zeros where none is to be paid.
    """
    n, t = world.shape
    table = {name: np.repeat(world.keys[name].to_numpy(), t) for name in world.keys.columns[:4]}
    table["rule_id"] = np.repeat(np.where(world.cohort > 0, rule_of, ""), t)
    counts = np.round(done.visits * world.insured[:, :, None])
    counts[:, :, 2] = np.round(counts[:, :, 2] * np.where(world.visit_def == 2, LINKED, 1.0))
    out = np.round(done.tier_spending[:, :, 3] * world.insured, 2)
    primary = np.round(done.tier_spending[:, :, 1:3].sum(axis=-1) * world.insured, 2)
    grids = {
        "year": np.broadcast_to(world.years, (n, t)),
        "cohort": np.broadcast_to(world.cohort[:, None], (n, t)),
        "fiscal_capacity": np.broadcast_to(np.round(world.fiscal[:, None], 4), (n, t)),
        "rural_share": np.broadcast_to(np.round(world.rural[:, None], 4), (n, t)),
        "out_exposure": np.broadcast_to(np.round(world.out_exposure[:, None], 4), (n, t)),
        "insured_n": world.insured,
        "resident_n": np.round(world.insured * 1.18),
        "cpi_index": np.broadcast_to(np.round((1 + INFLATION) ** np.arange(t), 6), (n, t)),
        "budget": money.budget,
        "notional_budget": money.notional,
        "spending": money.spending,
        "county_account_income": np.round(money.notional * world.income, 2),
        "county_account_spending": np.round(money.spending + np.maximum(money.kept, 0.0), 2),
        "out_of_county_spending": out,
        "primary_care_spending": primary,
        "inpatient_admissions_n": np.round(ADMITTED * counts[:, :, 0]),
        "inpatient_spending": np.round(
            INPATIENT_PART * done.tier_spending[:, :, 0] * world.insured, 2
        ),
        "drg_active": world.drg,
        "visit_def": world.visit_def,
        "employee_visits": np.round(1000 * np.exp(world.employee_visits), 2),
        "quality_score": world.score,
        **{f"visits_{place}": counts[:, :, k] for place, k in PLACES.items()},
        **_pay_columns(world, money, paid, since),
    }
    table |= {name: np.ascontiguousarray(grid).reshape(-1) for name, grid in grids.items()}
    frame = pd.DataFrame(table)
    overhead = np.ascontiguousarray(world.overhead).reshape(-1)
    frame["revenue"] = (frame["personnel_spending"] / overhead).round(2)
    whole = [
        "insured_n",
        "resident_n",
        "inpatient_admissions_n",
        "visit_def",
        *(f"visits_{place}" for place in PLACES),
    ]
    return frame.astype(dict.fromkeys(whole, np.int64))


def _pay_columns(
    world: World, money: Accounts, paid: Response, since: NDArray[np.int64]
) -> dict[str, Array]:
    """Return pay and staff by tier and type: the bonus is divided in proportion to pay."""
    margins = MARGIN_PAY * MARGIN * world.fit.price[:3] * paid.induced * world.insured[:, :, None]
    margins = margins * np.array([1.0, 12.0, 100.0]) * world.price_index[None, :, None]
    shift = world.hiring * np.clip(since, 0, MIX_YEARS)[:, :, None] * MIX
    columns: dict[str, Array] = {}
    for tier, letter in enumerate(TIERS):
        mix = np.exp(shift) if letter == "T" else 1.0
        heads = np.asarray(np.round(world.staff[:, :, tier] * mix, 1), dtype=float)
        base = (
            world.fit.tier_pay[tier]
            * np.exp(world.log_wage[:, :, tier])[:, :, None]
            * TYPE_PAY
            * heads
        )
        extra = money.bonus[:, :, tier] + margins[:, :, tier]
        factor = 1 + extra / base.sum(axis=-1)
        for k, staff in enumerate(TYPES):
            columns[f"fte_{letter}_{staff}"] = heads[:, :, k]
            columns[f"pay_{letter}_{staff}"] = np.round(base[:, :, k] * factor, 2)
    total = sum(grid for name, grid in columns.items() if name.startswith("pay_"))
    columns["personnel_spending"] = np.round(total * 1.22, 2)
    return columns
