"""Comparative statics: what a change does at a given r, and once r has moved too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .batch import solve_batch
from .best_response import effort, inducement, problem_of
from .contract import Contract
from .technology import Technology
from .transfer import marginal_share

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Change = Callable[[Contract, Technology, float], tuple[Contract, Technology]]
_STEP = 1e-4


@dataclass(frozen=True)
class Static:
    """One comparative static: what changes, whose answer is watched, which sign is expected."""

    parameter: str
    outcome: str
    sign: int
    change: Change


def _own_share(c: Contract, t: Technology, step: float) -> tuple[Contract, Technology]:
    first = c.split[..., :1] + step
    others = c.split[..., 1:] * (1 - first) / (1 - c.split[..., :1])
    return c.replace(split=np.concatenate([first, others], axis=-1)), t


def _first(values: Array, step: float, n_groups: int) -> Array:
    return np.broadcast_to(values, (*values.shape[:-1], n_groups)) + step * np.eye(n_groups)[0]


def _more_members(c: Contract, t: Technology, step: float) -> tuple[Contract, Technology]:
    # Equal split over all members, of whom there are slightly more in every group.
    members = t.members * (1 + step)
    return c.replace(split=members / members.sum(axis=-1, keepdims=True)), t.replace(
        members=members
    )


def _margin(c: Contract, t: Technology, step: float) -> tuple[Contract, Technology]:
    return c, t.replace(margin=_first(t.margin, step * 10, t.n_groups))


def _bonus(c: Contract, t: Technology, step: float) -> tuple[Contract, Technology]:
    pay = np.broadcast_to(c.performance_pay, t.saving.shape)
    return c.replace(performance_pay=_first(pay, step, t.n_groups)), t


def _term(name: str, size: float = 1.0) -> Change:
    def change(c: Contract, t: Technology, step: float) -> tuple[Contract, Technology]:
        return c.replace(**{name: getattr(c, name) + size * step}), t

    return change


def _budget(c: Contract, t: Technology, step: float) -> tuple[Contract, Technology]:
    budget = t.baseline_spending if c.budget is None else c.budget
    return c.replace(budget=budget - 10 * step), t


STATICS = (
    Static("own share, others shrink in proportion", "effort", 1, _own_share),
    Static("own share, others shrink in proportion", "inducement", -1, _own_share),
    Static("members, equal split", "effort", -1, _more_members),
    Static("own margin", "inducement", 1, _margin),
    Static("audit probability", "inducement", -1, _term("audit")),
    Static("rebasing", "effort", -1, _term("rebasing")),
    Static("own performance pay", "effort", 1, _bonus),
    Static("tighter budget", "marginal_share", -1, _budget),
)


def sign_reversals(contract: Contract, technology: Technology) -> pd.DataFrame:
    """Report where a sign that holds at a given r turns once r has moved.

    Own answers are those of the first group. Each derivative is a difference over a small rise.
    Problems with several equilibria, and answers at zero, where a small change does nothing, are
    left out.

    Parameters
    ----------
    contract : Contract
        A ``budget`` must be given where it is to be tightened.
    technology : Technology
        Many technologies, with a leading axis.

    Returns
    -------
    DataFrame
        ``parameter, outcome, expected_sign, problems, holds_at_fixed_r, reversed`` (shares of the
        problems), ``example`` (row of the first reversal, or -1).
    """
    import pandas as pd

    base = solve_batch(contract, technology)
    rows = []
    for static in STATICS:
        fixed, moved, usable = _derivatives(static, contract, technology, base)
        fixed, moved = fixed[usable] * static.sign, moved[usable] * static.sign
        scale = 1e-7 * (1 + np.abs(moved))
        turned = (moved < -scale) & (fixed >= -scale)
        rows.append(
            {
                "parameter": static.parameter,
                "outcome": static.outcome,
                "expected_sign": static.sign,
                "problems": int(usable.sum()),
                "holds_at_fixed_r": float((fixed > -scale).mean()) if usable.any() else np.nan,
                "reversed": float(turned.mean()) if usable.any() else np.nan,
                "example": int(np.flatnonzero(usable)[turned][0]) if turned.any() else -1,
            }
        )
    return pd.DataFrame(rows)


def _derivatives(
    static: Static, contract: Contract, technology: Technology, base: Any
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return derivatives at the base r, through the equilibrium, with the rows they hold for."""
    ends = [static.change(contract, technology, step) for step in (0.0, 2 * _STEP)]
    solved = [solve_batch(c, t) for c, t in ends]
    usable = np.all([s.contraction < 1 for s in (*solved, base)], axis=0)
    if static.outcome == "marginal_share":
        moved = (solved[1].marginal_share - solved[0].marginal_share) / (2 * _STEP)
        fixed = _share_at_fixed_acts(ends, base)
        return fixed, moved, usable
    values = [getattr(s, static.outcome)[:, 0] for s in solved]
    usable &= (values[0] > 0) & (values[1] > 0)
    held = [_answer(static.outcome, c, t, base.marginal_share) for c, t in ends]
    return (held[1] - held[0]) / (2 * _STEP), (values[1] - values[0]) / (2 * _STEP), usable


def _answer(outcome: str, contract: Contract, technology: Technology, share: Array) -> Array:
    problem = problem_of(contract, technology)
    worth = problem.belief[:, None] * (share * problem.weight)[:, None, None]
    act = effort if outcome == "effort" else inducement
    return act(problem, worth)[:, 0, 0]


def _share_at_fixed_acts(ends: list[tuple[Contract, Technology]], base: Any) -> Array:
    """Return the change of r while every member goes on as before."""
    shares = []
    middle = np.mean([problem_of(c, t).offset for c, t in ends], axis=0)
    for c, t in ends:
        problem = problem_of(c, t)
        mean = base.mean_surplus + problem.offset - middle
        shares.append(marginal_share(problem.transfer, mean[:, None], problem.sigma)[:, 0])
    return (shares[1] - shares[0]) / (2 * _STEP)
