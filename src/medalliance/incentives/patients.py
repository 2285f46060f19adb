"""Patients choose a tier; effort and gatekeeping move them, and with them what effort saves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, need_type, raise_problems
from .best_response import Problem, inducement
from .contract import Contract
from .fixed_point import all_fixed_points
from .respond import one_problem, respond
from .technology import Technology
from .transfer import marginal_share

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
TIERS = ("lead_hospital", "township", "village", "outside")


@dataclass(frozen=True, eq=False)
class PatientChoice:
    """Describe how visits divide over tiers, the last of which lies outside the county.

    Shares are ``softmax(appeal + attraction * effort - price_sensitivity * out_of_pocket)``,
    where a gate adds to out-of-pocket payments at gated tiers.

    Parameters
    ----------
    visits : float
        Visits of the insured per year.
    appeal : array, shape (n_tiers,)
        Utility of a tier before effort and payment, delta.
    attraction : array, shape (n_tiers,)
        Utility per unit of members' mean effort, tau. Zero outside.
    cost : array, shape (n_tiers,)
        Full price of a visit, c.
    out_of_pocket : array, shape (n_tiers,)
        What the patient pays.
    members : array, shape (n_tiers - 1,)
        Equal members of each tier in the county.
    fund_share : float
        rho.
    price_sensitivity : float
        chi.
    gate : float
        Added payment at gated tiers without a referral.
    gated : tuple of bool or None
        Tiers behind the gate; None gates the first (the hospital) and the last (outside).
    tiers : tuple of str

    Raises
    ------
    DataError
        Listing every field that is out of range or of the wrong length.
    """

    visits: float
    appeal: Any
    attraction: Any
    cost: Any
    out_of_pocket: Any
    members: Any
    fund_share: float = 1.0
    price_sensitivity: float = 0.0
    gate: float = 0.0
    gated: tuple[bool, ...] | None = None
    tiers: tuple[str, ...] = TIERS

    def __post_init__(self) -> None:
        arrays = ("appeal", "attraction", "cost", "out_of_pocket", "members")
        for name in arrays:
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=float))
        n = len(self.tiers)
        gated = self.gated
        if gated is None:
            gated = (True, *(False,) * (n - 2), True)
            object.__setattr__(self, "gated", gated)
        problems = [
            f"{name} has {getattr(self, name).size} entries where there are {want}"
            for name, want in [*((a, n) for a in arrays[:-1]), ("members", n - 1)]
            if getattr(self, name).shape != (want,)
        ]
        if len(gated) != n:
            problems.append(f"gated has {len(gated)} entries where there are {n}")
        if not problems and self.attraction[-1] != 0:
            problems.append("attraction outside the county must be zero: nobody there is a member")
        checks = {
            "visits must be positive": self.visits > 0,
            "fund_share must lie in [0, 1]": 0 <= self.fund_share <= 1,
            "price_sensitivity must be zero or more": self.price_sensitivity >= 0,
            "gate must be zero or more": self.gate >= 0,
            "cost must be zero or more": bool(np.all(self.cost >= 0)),
            "members must be at least 1": bool(np.all(self.members >= 1)),
        }
        problems += [text for text, holds in checks.items() if not holds]
        raise_problems(
            problems, where="patient choice", advice="Correct these fields.", error=DataError
        )

    def replace(self, **changes: Any) -> PatientChoice:
        """Return a copy with some fields changed."""
        return replace(self, **changes)


def visit_shares(choice: PatientChoice, effort: Array | None = None) -> Array:
    """Return the share of visits at each tier.

    Parameters
    ----------
    choice : PatientChoice
    effort : array, shape (..., n_tiers - 1), optional
        Members' mean effort by tier; none by default.

    Returns
    -------
    array, shape (..., n_tiers)
        Sums to one.
    """
    c = choice
    inside = np.zeros(len(c.tiers) - 1) if effort is None else np.asarray(effort, dtype=float)
    pad = [(0, 0)] * (inside.ndim - 1) + [(0, 1)]
    payment = c.out_of_pocket + c.gate * np.asarray(c.gated, dtype=float)
    index = c.appeal + c.attraction * np.pad(inside, pad) - c.price_sensitivity * payment
    weight = np.exp(index - index.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)


def saving_per_effort(choice: PatientChoice, shares: Array, *, excluded: bool = False) -> Array:
    """Return what a unit of one member's effort saves the fund.

    ``theta_j = visits tau_j s_j rho (mean cost - c_j) / n_j``: effort saves money at tiers that
    cost less than the average visit, and attracting patients to a dear tier loses it. Excluded
    out-of-county visits cost the alliance nothing.

    Parameters
    ----------
    choice : PatientChoice
    shares : array, shape (..., n_tiers)
    excluded : bool

    Returns
    -------
    array, shape (..., n_tiers - 1)
    """
    c = choice
    cost = c.cost.copy()
    if excluded:
        cost[-1] = 0.0
    mean = (shares * cost).sum(axis=-1, keepdims=True)
    moved = c.visits * c.fund_share * c.attraction * shares * (mean - cost)
    return moved[..., :-1] / c.members


def _need_choice(choice: object) -> None:
    need_type(
        "choice",
        choice,
        PatientChoice,
        advice="Make one: ma.PatientChoice(...).",
        error=DataError,
    )


def technology_from_patients(choice: PatientChoice, **fields: Any) -> Technology:
    """Derive a technology whose savings come from moving patients, at baseline shares.

    Parameters
    ----------
    choice : PatientChoice
    **fields
        The other fields of :class:`Technology`: ``effort_cost``, ``sigma``, prices, margins.

    Returns
    -------
    Technology
        With a member's saving per unit of effort, the part of it outside the county, and spending
        of the shares without effort, in the unit of ``choice.cost``.

    Raises
    ------
    DataError
        If a field is out of range or of the wrong length.
    """
    _need_choice(choice)
    shares = visit_shares(choice)
    spending = choice.visits * choice.fund_share * shares * choice.cost
    total = saving_per_effort(choice, shares)
    inside = saving_per_effort(choice, shares, excluded=True)
    return Technology(
        members=choice.members,
        saving=total,
        outflow_saving=total - inside,
        baseline_spending=spending.sum(),
        outflow_spending=spending[-1],
        fund_share=choice.fund_share,
        groups=tuple(choice.tiers[:-1]),
        **fields,
    )


@dataclass(frozen=True, eq=False)
class SoftmaxResponse:
    """Compare the model whose savings follow the moving shares with the linear one.

    Attributes
    ----------
    marginal_share, mean_surplus : array, shape (n_points,)
        Every fixed point of the softmax version.
    effort : array, shape (n_points, n_groups)
    shares : array, shape (n_points, n_tiers)
    linear_share, linear_surplus : float
        The linear version's chosen equilibrium.
    linear_effort : array, shape (n_groups,)
    linear_shares : array, shape (n_tiers,)
        Shares that the linear version's effort brings.
    tiers : tuple of str
    """

    marginal_share: Array
    mean_surplus: Array
    effort: Array
    shares: Array
    linear_share: float
    linear_surplus: float
    linear_effort: Array
    linear_shares: Array
    tiers: tuple[str, ...]

    @property
    def distance(self) -> dict[str, float]:
        """Return the largest gap between the two versions, at the fixed point nearest in r."""
        k = int(np.argmin(np.abs(self.marginal_share - self.linear_share)))
        return {
            "marginal_share": abs(float(self.marginal_share[k]) - self.linear_share),
            "mean_surplus": abs(float(self.mean_surplus[k]) - self.linear_surplus),
            "effort": float(np.abs(self.effort[k] - self.linear_effort).max()),
            "visit_share": float(np.abs(self.shares[k] - self.linear_shares).max()),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return visit shares by tier under both versions, at the nearest fixed point."""
        import pandas as pd

        k = int(np.argmin(np.abs(self.marginal_share - self.linear_share)))
        return pd.DataFrame(
            {
                "tier": list(self.tiers),
                "share_softmax": self.shares[k],
                "share_linear": self.linear_shares,
                "effort_softmax": [*self.effort[k], np.nan],
                "effort_linear": [*self.linear_effort, np.nan],
            }
        )


def respond_with_patients(
    contract: Contract, choice: PatientChoice, technology: Technology
) -> SoftmaxResponse:
    """Solve the model with tier shares, hence savings, that move with effort.

    Parameters
    ----------
    contract : Contract
    choice : PatientChoice
    technology : Technology
        From :func:`technology_from_patients` with the same choice; risk aversion is not used.

    Returns
    -------
    SoftmaxResponse
        All fixed points on a grid in the mean surplus, beside the linear version's answer.

    Raises
    ------
    DataError
        If members' efforts do not settle: attraction is too strong for ``effort_cost``.
    """
    _need_choice(choice)
    problem = one_problem(contract, technology)
    if problem.care is not None:
        raise DataError(
            "patient choice: members who withhold, supply or export care are not held where "
            "shares move.\n  Leave those fields of the technology at zero."
        )
    excluded = contract.out_of_county == "excluded"

    def answer(mean: Array) -> tuple[Array, Array]:
        share = marginal_share(problem.transfer, mean, problem.sigma) * problem.weight[:, None]
        worth = problem.belief[:, None] * share[..., None]
        effort = _settled_effort(choice, problem, worth, excluded)
        return effort, worth

    cost = choice.cost.copy()
    if excluded:
        cost[-1] = 0.0
    scale = choice.visits * choice.fund_share

    def map_(mean: Array) -> Array:
        effort, worth = answer(mean)
        saved = scale * ((visit_shares(choice) - visit_shares(choice, effort)) @ cost)
        paid = problem.fund_price[:, None] * inducement(problem, worth)
        induced = problem.members[:, None] * (paid - problem.before[:, None])
        return problem.offset[:, None] + saved - induced.sum(axis=-1)

    sigma = float(problem.sigma[0])
    roots = all_fixed_points(map_, problem.transfer.knots[0], sigma, per_sigma=16)
    effort, _ = answer(roots[None])
    linear = respond(contract, technology)
    k = linear.chosen
    return SoftmaxResponse(
        marginal_share=marginal_share(problem.transfer, roots[None], problem.sigma)[0],
        mean_surplus=roots,
        effort=effort[0],
        shares=visit_shares(choice, effort[0]),
        linear_share=float(linear.marginal_share[k]),
        linear_surplus=float(linear.mean_surplus[k]),
        linear_effort=linear.effort[k],
        linear_shares=visit_shares(choice, linear.effort[k]),
        tiers=choice.tiers,
    )


def _settled_effort(choice: PatientChoice, problem: Problem, worth: Array, excluded: bool) -> Array:
    """Iterate efforts and savings, given the worth of a unit of surplus, until they agree."""
    effort = np.zeros(worth.shape)
    cost, bonus = problem.effort_cost[:, None], problem.bonus[:, None]
    for _ in range(400):
        theta = saving_per_effort(choice, visit_shares(choice, effort), excluded=excluded)
        fresh = np.maximum(0.0, (worth * theta + bonus) / cost)
        gap = np.abs(fresh - effort).max()
        effort = (effort + fresh) / 2
        if gap < 1e-13 * (1 + np.abs(effort).max()):
            return effort
    raise DataError(
        f"patient choice: efforts do not settle (last change {gap:.2g}).\n"
        "  Lower attraction or raise effort_cost: payoffs are not concave at these values."
    )
