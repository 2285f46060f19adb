"""How much the score must weigh before a budget stops paying for care that is withheld."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import RuleError
from .batch import solve_batch
from .contract import Contract
from .respond import one_problem
from .score import expected_score
from .technology import Technology
from .transfer import two_sides

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def threshold_weight(contract: Contract, technology: Technology) -> pd.DataFrame:
    """Return the weight of the score from which a member withholds no needed care.

    With nothing withheld the score is at its top and its weight moves nothing, so that the
    equilibrium is that of the contract without a score. There a unit withheld saves ``theta^s``,
    worth ``r theta^s`` to the alliance, and costs ``weight r_Q chi`` of the score, worth the
    expected gain G. So the weight is ``r theta^s / (r_Q chi G)`` (without noise), the same for a
    member with a large share and one with a small: what a share multiplies cancels.

    Parameters
    ----------
    contract : Contract
        Its ``score_weight`` is not used; its reliability, noise and the rest are.
    technology : Technology

    Returns
    -------
    DataFrame
        One row a group: ``group, threshold_weight`` in closed form, ``by_solver``, the weight at
        which the solved model stops withholding; infinite where no weight does it.

    Raises
    ------
    RuleError
        If nothing can be withheld.
    """
    import pandas as pd

    t = technology
    if not np.any(t.withholding_saving > 0):
        raise RuleError(
            "threshold weight: no member can withhold care.\n  State withholding_saving."
        )
    full, slope, _ = (float(x) for x in expected_score(np.array(1.0), contract.score_noise))
    quiet = t.replace(withholding_saving=0.0)
    terms = contract.replace(score_weight=0.0, quality=contract.quality * full)
    mean = solve_batch(terms, quiet).mean_surplus[:, None]
    p = one_problem(contract.replace(score_weight=0.0), t)
    a, gain, b, _ = (float(x[0, 0]) for x in two_sides(p.transfer, mean, p.sigma))
    r = a * full + b
    carried = float(np.mean(contract.score_budget * p.base * contract.discount))
    saved = float(p.weight[0]) * r * t.withholding_saving
    at_risk = float(contract.score_reliability) * t.score_effect * slope * (gain + r * carried)
    with np.errstate(divide="ignore", invalid="ignore"):
        closed = np.where(saved <= 0, 0.0, saved / at_risk)
    solved = [_by_solver(contract, t, j, float(closed[j])) for j in range(t.n_groups)]
    return pd.DataFrame(
        {"group": list(t.groups or ()), "threshold_weight": closed, "by_solver": solved}
    )


def _by_solver(contract: Contract, technology: Technology, group: int, guess: float) -> float:
    """Find the weight at which the solved model withholds nothing, other groups out of it."""
    if not np.isfinite(guess) or guess == 0:
        return guess
    alone = np.arange(technology.n_groups) == group
    only = technology.replace(
        withholding_saving=np.where(alone, technology.withholding_saving, 0.0)
    )
    grown = np.exp2(np.arange(31, dtype=np.float64))
    stops = np.flatnonzero(_withheld(contract, only, group, grown) <= 0)
    if not stops.size:
        return float("inf")
    low, high = 0.0, float(grown[stops[0]])
    for _ in range(9):
        grid = np.linspace(low, high, 33, dtype=np.float64)
        last = int(np.flatnonzero(_withheld(contract, only, group, grid) > 0)[-1])
        low, high = float(grid[last]), float(grid[last + 1])
    return high


def _withheld(contract: Contract, technology: Technology, group: int, weight: Array) -> Array:
    found = solve_batch(contract.replace(score_weight=weight), technology)
    return np.asarray(found.withheld[:, group])
