"""Who takes part when the budget is set, and what their knowledge is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from ..errors import RuleError
from ..show.findings import Findings
from .batch import solve_batch
from .best_response import budget_variance
from .contract import Contract
from .equilibrium import MODEL
from .respond import one_problem, respond
from .technology import Technology
from .transfer import largest_share

if TYPE_CHECKING:
    pass


def information(contract: Contract, technology: Technology, say: Mapping[str, Any]) -> Findings:
    """Compare who takes part when the insurer sets the budget.

    The insurer knows need with variance tau^2. A member who takes part adds precision iota, so
    that the budget errs with variance ``V = 1 / (1/tau^2 + sum n iota a)``, which adds to the risk
    that members meet. On average ``sqrt(V / 2 pi)`` of the budget is above need: a rent. An error
    that members learn before they act can end at low effort, ``r`` below half of its largest
    value; its probability is found by solving the model at each error.

    Parameters
    ----------
    contract, technology
    say : mapping of str to array, shape (n_groups,)
        Part of each group's members, 0-1, who take part, by the name of the arrangement.

    Returns
    -------
    Findings
        One row an arrangement: ``who_takes_part, budget_error`` (standard deviation), ``rent,
        risk`` (standard deviation of the surplus), ``surplus, welfare, low_effort`` (probability).

    Raises
    ------
    RuleError
        If the insurer's estimate has no error, so that there is nothing to tell it.
    """
    import pandas as pd

    t = technology
    if not np.any(t.budget_error > 0):
        raise RuleError("information: the budget has no error.\n  State budget_error and signal.")
    rows = []
    for name, part in say.items():
        terms = contract.replace(takes_part=part)
        error = float(np.sqrt(budget_variance(terms, t)))
        found = respond(terms, t)
        rows.append(
            {
                "who_takes_part": name,
                "budget_error": error,
                "rent": error / np.sqrt(2 * np.pi),
                "risk": float(found.problem.sigma[0]),
                "surplus": float(found.mean_surplus[found.chosen]),
                "welfare": float(found.welfare[found.chosen]),
                "low_effort": _low_effort(terms, t, error),
            }
        )
    return Findings(
        pd.DataFrame(rows),
        "What is won when those who know take part in setting the budget",
        "Low effort: the probability that the budget's error leaves less than half of the largest "
        "marginal share.",
        MODEL,
    )


def _low_effort(contract: Contract, technology: Technology, error: float) -> float:
    known = technology.replace(budget_error=0.0)
    p = one_problem(contract, known)
    step = 0.003
    z = np.arange(-6.0, 6.0 + step / 2, step)
    budget = float(p.offset[0] + known.baseline_spending) + error * z
    if contract.out_of_county == "excluded":
        budget = budget - float(known.outflow_spending)
    share = solve_batch(contract.replace(budget=budget), known).marginal_share
    low = share < float(largest_share(p.transfer, p.sigma)[0]) / 2
    return float((low * (ndtr(z + step / 2) - ndtr(z - step / 2))).sum())
