"""What members would do if they acted as one, and how far each falls short of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import RuleError, need_type
from ..show.findings import Findings
from .best_response import answer
from .equilibrium import MODEL, Equilibrium, answers
from .fixed_point import all_fixed_points


def collective_optimum(equilibrium: Equilibrium) -> Findings:
    """Compare members' acts with those that serve the alliance as a whole.

    Every member acts as if the whole transfer were its own, ``e = (kappa r theta + b) / g``, with
    r where those acts lead. Of several fixed points the one with the largest joint payoff counts.
    No split that sums to one brings it about (Holmström 1982).

    Parameters
    ----------
    equilibrium : Equilibrium

    Returns
    -------
    Findings
        One row a group: ``group, effort, collective_effort, effort_gap, inducement,
        collective_inducement``; beside it ``.marginal_share`` and ``.mean_surplus`` of the
        collective optimum, with ``.surplus_gap``.

    References
    ----------
    Holmström (1982), Bell Journal of Economics 13(2), section 2.
    """
    import pandas as pd

    need_type(
        "equilibrium",
        equilibrium,
        Equilibrium,
        advice="Give what ma.respond(contract, technology) returns.",
        error=RuleError,
    )
    eq, p = equilibrium, equilibrium.problem
    kept = np.broadcast_to(eq.contract.pay_share, p.claim.shape)
    whole = replace(p, claim=kept, belief=kept)
    roots = all_fixed_points(
        lambda mean: answer(whole, mean),
        whole.transfer.knots[0],
        float(whole.sigma[0]),
    )
    found = {name: value[0] for name, value in answers(whole, roots[None]).items()}
    kappa = whole.claim[0]
    own = (found["utility"] - kappa * found["expected_transfer"][:, None]) * p.members[0]
    joint = kappa.max() * found["expected_transfer"] + own.sum(axis=1)
    best, k = int(np.argmax(joint)), eq.chosen
    frame = pd.DataFrame(
        {
            "group": list(eq.technology.groups or ()),
            "effort": eq.effort[k],
            "collective_effort": found["effort"][best],
            "effort_gap": found["effort"][best] - eq.effort[k],
            "inducement": eq.inducement[k],
            "collective_inducement": found["inducement"][best],
        }
    )
    return Findings(
        frame,
        "Efforts that members would choose together, beside those that they choose alone",
        "Formulas of the incentive model.",
        MODEL,
        {
            "marginal_share": float(found["marginal_share"][best]),
            "mean_surplus": float(roots[best]),
            "surplus_gap": float(roots[best] - eq.mean_surplus[k]),
        },
    )
