"""What a contract does to the fund and to patients, never the surplus alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .best_response import Problem
from .technology import Technology

Array = NDArray[np.float64]


def accounts(technology: Technology, problem: Problem, found: dict[str, Array]) -> dict[str, Array]:
    """Return spending, harm, value of needed care and welfare, shape (n, n_points).

    Spending is all that the fund pays for services, also what the contract's scope leaves out:
    ``C0 - sum n (theta e - rho p v + before - (rho p^u - d) u + theta^s s + (k_in - k_out) z)``.
    Welfare is ``-spending - harm + value of needed care``; costs of effort are not in it.

    Parameters
    ----------
    technology : Technology
    problem : Problem
    found : dict of arrays
        Acts per member, shape (n, n_points, n_groups).
    """
    p, t, c = problem, technology, problem.care
    whole = np.broadcast_to(t.saving, p.saving.shape)
    saved = whole[:, None] * found["effort"] + p.before[:, None]
    saved = saved - p.fund_price[:, None] * found["inducement"]
    harm = value = np.zeros(saved.shape[:2])
    if c is not None:
        saved = saved - c.needed_fund[:, None] * found["needed"]
        saved = saved + c.withholding_saving[:, None] * found["withheld"]
        saved = saved + c.export_saving[:, None] * found["exported"]
        each = c.withholding_harm[:, None] * found["withheld"]
        each = each + c.export_harm[:, None] * found["exported"]
        harm = (p.members[:, None] * each).sum(axis=-1)
        value = (p.members[:, None] * c.needed_value[:, None] * found["needed"]).sum(axis=-1)
    start = np.broadcast_to(t.baseline_spending, p.offset.shape)[:, None]
    spending = start - (p.members[:, None] * saved).sum(axis=-1)
    return {
        "spending": spending,
        "harm": harm,
        "needed_value": value,
        "welfare": value - spending - harm,
    }
