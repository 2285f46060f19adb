"""The incentive model: what members do under a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RuleError, raise_problems
from ..reforms import need_rules
from ._need import need_model
from .best_response import (
    Problem,
    Worth,
    answer,
    best_gain,
    best_scored_gain,
    problem_of,
    worth_of,
)
from .bridge import contract_from_rules
from .contract import Contract
from .equilibrium import Equilibrium, answers
from .fixed_point import all_fixed_points, knot_grid, slope_at
from .scored import joint_fixed_points, stability, worth_at_points
from .technology import Technology
from .transfer import largest_share, steepest_rise
from .welfare import accounts

if TYPE_CHECKING:
    from ..reforms import Rules

_GAIN_TOLERANCE = 1e-9


def respond(
    rules: Contract | Rules, technology: Technology, *, year: int | None = None
) -> Equilibrium:
    """Find every equilibrium of the members' answers to a contract.

    Member i chooses saving effort e and volume inducement v to maximise
    ``kappa w E[R] + beta (m - a (1 + phi) p) v + b e - g e^2/2 - h v^2/2``, where R is the part of
    a normal surplus that the contract leaves the alliance. Best responses meet in one scalar
    equation, ``r = Phi_R(mu(r))``, all of whose roots are found, checked and reported.

    Parameters
    ----------
    rules : Contract or Rules
        Terms of the model; or a rule file, read by :func:`contract_from_rules` with a perfect
        score. Call that function yourself to pass scores, tracks or further terms.
    technology : Technology
        One technology; see :func:`solve_batch` for many.
    year : int, optional
        Year of the rule file; not used with a ``Contract``.

    Returns
    -------
    Equilibrium

    Raises
    ------
    RuleError
        If contract and technology differ in their groups, carry more than one problem, or a rule
        that the model needs is stated nowhere.
    """
    if not isinstance(rules, Contract):
        need_rules(rules)
        if year is None:
            raise RuleError("respond: a rule file needs a year.\n  Pass year=.")
        rules = contract_from_rules(rules, year, ledger={"score": 1.0})
    return solve_problem(rules, technology)


def solve_problem(
    contract: Contract, technology: Technology, weight: float | None = None
) -> Equilibrium:
    """Find every equilibrium, given what the ratchet leaves of r; see :func:`respond`."""
    problem = one_problem(contract, technology, weight)
    if problem.care is not None and problem.care.scored:
        return _scored_equilibrium(contract, technology, problem)
    roots = all_fixed_points(
        lambda mean: answer(problem, mean), problem.transfer.knots[0], float(problem.sigma[0])
    )
    return _equilibrium(contract, technology, problem, roots)


def one_problem(contract: Contract, technology: Technology, weight: float | None = None) -> Problem:
    """Put one contract before one technology, refusing what does not fit together."""
    need_model(contract, technology)
    problems = []
    if contract.n_groups != technology.n_groups:
        problems.append(
            f"the contract splits among {contract.n_groups} groups, "
            f"the technology has {technology.n_groups}"
        )
    elif not technology.is_single():
        problems.append("the technology holds several problems; use solve_batch for them")
    else:
        problem = problem_of(contract, technology, weight)
        if len(problem.sigma) > 1:
            problems.append("the contract holds several problems; use solve_batch for them")
        elif contract.edges == "budget" and not problem.base[0] > 0:
            problems.append("edges are parts of the budget, and the budget base is not positive")
    raise_problems(
        problems, where="respond", advice="Make contract and technology agree.", error=RuleError
    )
    return problem


def uniqueness_bound(problem: Problem) -> Any:
    """Bound the slope of the map from mean surplus to itself, shape (n,).

    Below one there is one fixed point. NaN where the risk term, a noisy score or one that enters
    the next budget bends the map. Where the score answers to care, less withheld care of others
    lifts the score, and with it r: with a bound L+ on the rise of r, L- on its fall and a on r,
    the score rises by at most ``D = sum n chi kappa w (theta^s L- + chi a) / g^s`` per unit, so
    that the slope is at most ``A (L+ + a D)``.
    """
    p, c = problem, problem.care
    total = (p.members * p.response).sum(axis=-1) * np.abs(p.weight)
    direction = np.where(p.weight < 0, -1.0, 1.0)
    rise = steepest_rise(p.transfer, p.sigma, direction)
    closed = ~(p.risk_aversion > 0).any(axis=-1)
    if c is not None and c.scored:
        fall = steepest_rise(p.transfer, p.sigma, -direction)
        most = largest_share(p.transfer, p.sigma)
        per_unit = p.members * c.score_effect * p.belief / c.withholding_cost
        lift = (per_unit * c.withholding_saving).sum(axis=-1) * np.abs(p.weight) * fall
        lift = lift + (per_unit * c.score_effect).sum(axis=-1) * most
        rise = rise + most * lift
        closed &= (c.score_noise == 0) & (c.carried == 0) & (p.weight >= 0)
    return np.where(closed, rise * total, np.nan)


def _equilibrium(
    contract: Contract, technology: Technology, problem: Problem, roots: np.ndarray
) -> Equilibrium:
    slope = slope_at(lambda mean: answer(problem, mean), roots, float(problem.sigma[0]))
    found = answers(problem, roots[None])
    survives = np.array([_is_best(problem, found, roots, k) for k in range(len(roots))])
    return _gathered(contract, technology, problem, roots, found, slope, slope < 1, survives)


def _scored_equilibrium(
    contract: Contract, technology: Technology, problem: Problem
) -> Equilibrium:
    """Find every pair of mean surplus and score that reproduces itself, with members' answers."""
    search = joint_fixed_points(problem)
    points = search.points
    if not len(points):
        raise RuleError(
            "respond: no fixed point was found for mean surplus and score.\n"
            "  Give the score some noise (score_noise), which smooths what members weigh."
        )
    slope, stable = stability(problem, points)
    worth = worth_at_points(problem, points)
    found = answers(problem, points[None, :, 0], worth)
    survives = np.array([_is_best_scored(problem, worth, points, k) for k in range(len(points))])
    return _gathered(
        contract, technology, problem, points[:, 0], found, slope, stable, survives,
        certified=search.certified,
    )  # fmt: skip


def _gathered(
    contract: Contract,
    technology: Technology,
    problem: Problem,
    roots: np.ndarray,
    found: dict[str, np.ndarray],
    slope: np.ndarray,
    stable: np.ndarray,
    survives: np.ndarray,
    *,
    certified: bool = True,
) -> Equilibrium:
    found = found | accounts(technology, problem, found)
    return Equilibrium(
        contract=contract,
        technology=technology,
        mean_surplus=roots,
        slope=slope,
        stable=stable,
        best_response=survives,
        contraction=float(uniqueness_bound(problem)[0]),
        chosen=_first(stable & survives, survives, stable),
        problem=problem,
        certified=certified,
        **{name: value[0] for name, value in found.items() if name != "worth"},
    )


def _first(*tests: np.ndarray) -> int:
    """Return the first row that passes the first test that any row passes."""
    return next((int(np.argmax(test)) for test in tests if test.any()), 0)


def _is_best(problem: Problem, found: dict[str, np.ndarray], roots: np.ndarray, k: int) -> bool:
    """Search each member's own acts for a better payoff than at root k."""
    means = knot_grid(problem.transfer.knots, problem.sigma, 64)
    worths = worth_of(problem, means).surplus[0]
    reach = worths.min(axis=0), worths.max(axis=0)
    worth = found["worth"][:, k : k + 1]
    gain = best_gain(problem, worth, roots[None, k : k + 1], reach)
    scale = 1 + np.abs(found["utility"][0, k])
    return bool(np.all(gain <= _GAIN_TOLERANCE * scale))


def _is_best_scored(problem: Problem, worth: Worth, points: np.ndarray, k: int) -> bool:
    top = problem.belief[0] * float(largest_share(problem.transfer, problem.sigma)[0])
    reach = np.minimum(top * problem.weight[0], 0.0), np.maximum(top * problem.weight[0], 0.0)
    at = Worth(
        worth.surplus[:, k : k + 1],
        None if worth.score is None else worth.score[:, k : k + 1],
        worth.share[:, k : k + 1],
        None if worth.latent is None else worth.latent[:, k : k + 1],
        None,
    )
    gain = best_scored_gain(problem, at, float(points[k, 0]), reach)
    scale = 1 + np.abs(problem.sigma[0])
    return bool(np.all(gain <= _GAIN_TOLERANCE * scale))
