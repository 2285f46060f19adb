"""Agencies as principals: each with its own lever and aim, apart or together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RuleError
from ..show.findings import Findings
from .batch import BatchEquilibrium, solve_batch
from .contract import Contract
from .equilibrium import MODEL
from .technology import Technology

Array = NDArray[np.float64]
Aim = Callable[[BatchEquilibrium, Contract, Technology], Array]
_MOST = 20_000


@dataclass(frozen=True, eq=False)
class Agency:
    """State what an agency sets, and what for.

    Parameters
    ----------
    name : str
    levels : sequence of dict
        What the agency can choose among: terms of the contract, the same ones at every level.
    aim : callable
        From a solved batch with its contract and technology to what the agency wants, shape (n,).
    """

    name: str
    levels: Sequence[dict[str, Any]]
    aim: Aim


def fund_aim(found: BatchEquilibrium, contract: Contract, technology: Technology) -> Array:
    """Return what the fund keeps of the surplus, shape (n,)."""
    return found.mean_surplus - found.expected_transfer


def care_aim(found: BatchEquilibrium, contract: Contract, technology: Technology) -> Array:
    """Return the value of needed care less harm, shape (n,)."""
    return found.needed_value - found.harm


def outlay_aim(found: BatchEquilibrium, contract: Contract, technology: Technology) -> Array:
    """Return performance pay with the bonus that reaches staff, as an outlay, shape (n,)."""
    t, c = technology, contract
    subsidy = (t.members * c.performance_pay * found.effort).sum(axis=-1)
    bonus = (np.atleast_1d(c.split) * c.pay_share).sum(axis=-1) * found.expected_transfer
    return np.asarray(-(subsidy + bonus))


def example_agencies(technology: Technology) -> tuple[Agency, ...]:
    """Return insurance, health and finance with the levers of the example.

    Insurance sets the retained share, for the fund; health the weight of the score, for needed
    care; finance a subsidy to effort with the part of a share that may reach pay (a lifted wage
    ceiling), against its outlay.
    """
    theta = technology.saving
    return (
        Agency("insurance", [{"gain_share": x} for x in np.linspace(0, 1, 11)], fund_aim),
        Agency("health", [{"score_weight": x} for x in np.linspace(0, 2, 9)], care_aim),
        Agency(
            "finance",
            [
                {"performance_pay": b * theta, "pay_share": k}
                for b in (0.0, 0.05, 0.1, 0.2)
                for k in (0.0, 0.25, 0.5, 0.75, 1.0)
            ],
            outlay_aim,
        ),
    )


def agencies_apart(
    contract: Contract, technology: Technology, agencies: Sequence[Agency]
) -> Findings:
    """Solve levers that agencies set each for its own aim, or together for the sum of aims.

    Every combination of levels is solved. Apart, a combination stands where no agency gains by
    another level of its own lever (Nash); all such with aims of their own are listed. Together,
    the combination with the largest sum of aims is taken. The difference is what coordination is
    worth.

    Parameters
    ----------
    contract, technology
    agencies : sequence of Agency

    Returns
    -------
    Findings
        One row an arrangement: ``arrangement``, each term's level (by group the first's), ``aim_``
        with the agency's name, ``sum_of_aims, surplus, harm, needed_value, welfare``; beside it
        ``.worth``, the sum together less the best apart (NaN where no combination stands).

    Raises
    ------
    RuleError
        If two agencies set one term, or there are too many combinations.
    """
    import pandas as pd

    shape = tuple(len(a.levels) for a in agencies)
    terms = _combinations(agencies, shape)
    found = solve_batch(contract.replace(**terms), technology)
    whole = contract.replace(**terms)
    aims = np.stack(
        [np.broadcast_to(a.aim(found, whole, technology), prod(shape)) for a in agencies]
    )
    stands = np.ones(shape, dtype=bool)
    for k, aim in enumerate(aims.reshape(len(agencies), *shape)):
        best = aim.max(axis=k, keepdims=True)
        stands &= aim >= best - 1e-9 * (1 + np.abs(best))
    apart = np.flatnonzero(stands.ravel())
    apart = apart[np.unique(aims[:, apart].round(9), axis=1, return_index=True)[1]]
    total = aims.sum(axis=0)
    together = int(np.argmax(total))
    rows = [("apart", row) for row in apart] + [("together", together)]
    frame = pd.DataFrame(
        [
            {
                "arrangement": name,
                **{term: float(np.atleast_1d(level[row])[0]) for term, level in terms.items()},
                **{f"aim_{a.name}": aims[k, row] for k, a in enumerate(agencies)},
                "sum_of_aims": total[row],
                "surplus": found.mean_surplus[row],
                "harm": found.harm[row],
                "needed_value": found.needed_value[row],
                "welfare": found.welfare[row],
            }
            for name, row in rows
        ]
    )
    alone = float(total[apart].max()) if apart.size else float("nan")
    return Findings(
        frame,
        "Levers set by each agency for itself, or by all together",
        f"Every combination of {prod(shape):,} was solved; apart, {apart.size} stand.",
        MODEL,
        {"worth": float(total[together]) - alone, "n_apart": int(apart.size)},
    )


def _combinations(agencies: Sequence[Agency], shape: tuple[int, ...]) -> dict[str, Array]:
    """Return each term's level at every combination, shape (n[, n_groups])."""
    if prod(shape) > _MOST:
        raise RuleError(f"agencies: {prod(shape):,} combinations; give fewer than {_MOST:,}.")
    places = np.indices(shape).reshape(len(shape), -1)
    terms: dict[str, Array] = {}
    for agency, place in zip(agencies, places, strict=True):
        for term in agency.levels[0]:
            if term in terms:
                raise RuleError(f"agencies: two agencies set {term}.\n  Give it to one.")
            terms[term] = np.stack([np.asarray(x[term], float) for x in agency.levels])[place]
    n_groups = max((v.shape[1] for v in terms.values() if v.ndim > 1), default=1)
    by_group = set(Contract._BY_GROUP)
    return {
        n: np.broadcast_to(v[:, None], (len(v), n_groups)) if n in by_group and v.ndim == 1 else v
        for n, v in terms.items()
    }
