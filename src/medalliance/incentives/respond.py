"""The incentive model: what members do under a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RuleError, raise_problems
from ..reforms import need_rules
from ._need import need_model
from .best_response import Problem, best_gain, mean_surplus, problem_of, worth_of_surplus
from .bridge import contract_from_rules
from .contract import Contract
from .equilibrium import Equilibrium, answers
from .fixed_point import all_fixed_points, knot_grid, slope_at
from .technology import Technology
from .transfer import steepest_rise

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
        that the model needs is not published.
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
    roots = all_fixed_points(
        lambda mean: mean_surplus(problem, worth_of_surplus(problem, mean)),
        problem.transfer.knots[0],
        float(problem.sigma[0]),
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
    """Bound the slope of Phi_R(mu(r)), shape (n,); NaN where the risk term bends it."""
    total = (problem.members * problem.response).sum(axis=-1) * np.abs(problem.weight)
    direction = np.where(problem.weight < 0, -1.0, 1.0)
    bound = steepest_rise(problem.transfer, problem.sigma, direction) * total
    return np.where((problem.risk_aversion > 0).any(axis=-1), np.nan, bound)


def _equilibrium(
    contract: Contract, technology: Technology, problem: Problem, roots: np.ndarray
) -> Equilibrium:
    found = answers(problem, roots[None])
    slope = slope_at(
        lambda mean: mean_surplus(problem, worth_of_surplus(problem, mean)),
        roots,
        float(problem.sigma[0]),
    )
    survives = np.array([_is_best(problem, found, roots, k) for k in range(len(roots))])
    stable = slope < 1
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
        **{name: value[0] for name, value in found.items() if name != "worth"},
    )


def _first(*tests: np.ndarray) -> int:
    """Return the first row that passes the first test that any row passes."""
    return next((int(np.argmax(test)) for test in tests if test.any()), 0)


def _is_best(problem: Problem, found: dict[str, np.ndarray], roots: np.ndarray, k: int) -> bool:
    """Search each member's own acts for a better payoff than at root k."""
    means = knot_grid(problem.transfer.knots, problem.sigma, 64)
    worths = worth_of_surplus(problem, means)[0]
    reach = worths.min(axis=0), worths.max(axis=0)
    worth = found["worth"][:, k : k + 1]
    gain = best_gain(problem, worth, roots[None, k : k + 1], reach)
    scale = 1 + np.abs(found["utility"][0, k])
    return bool(np.all(gain <= _GAIN_TOLERANCE * scale))
