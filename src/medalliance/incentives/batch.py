"""The incentive model for thousands of technologies at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise

from ..errors import RuleError
from ._need import need_model
from .best_response import Problem, answer, mean_surplus, problem_of
from .contract import Contract
from .equilibrium import answers
from .fixed_point import bracket_grid, knot_grid
from .respond import uniqueness_bound
from .technology import Technology
from .transfer import largest_share
from .welfare import accounts

Array = NDArray[np.float64]
_CHUNK = 1000
_PER_SIGMA = 12


@dataclass(frozen=True, eq=False)
class BatchEquilibrium:
    """Hold one equilibrium for each of n problems.

    Of several fixed points the one with the lowest mean surplus is taken: it is always stable.
    Whether some member would leave it for acts far away is checked by :func:`respond` alone.

    Attributes
    ----------
    marginal_share, perceived_share, mean_surplus, expected_transfer, score : array, shape (n,)
    harm, needed_value, spending, welfare : array, shape (n,)
        As in :class:`~medalliance.Equilibrium`.
    effort, inducement, withheld, needed, exported, pay, utility : array, shape (n, n_groups)
        Per member.
    n_fixed_points : array of int, shape (n,)
    contraction : array, shape (n,)
        Bound on the slope; below one there is one fixed point.
    """

    marginal_share: Array
    perceived_share: Array
    mean_surplus: Array
    expected_transfer: Array
    effort: Array
    inducement: Array
    withheld: Array
    needed: Array
    exported: Array
    pay: Array
    utility: Array
    score: Array
    harm: Array
    needed_value: Array
    spending: Array
    welfare: Array
    n_fixed_points: NDArray[np.int64]
    contraction: Array


def solve_batch(
    contract: Contract, technology: Technology, *, weight: Array | None = None
) -> BatchEquilibrium:
    """Solve the incentive model for arrays of technologies, budgets or scores.

    Parameters
    ----------
    contract : Contract
        Scalars may have shape (n,), ``split`` and ``pay_share`` (n, n_groups).
    technology : Technology
        Group arrays may have shape (n, n_groups), scalars (n,).
    weight : array, shape (n,), optional
        What the ratchet leaves of r; by default the contract's mean over its term.

    Returns
    -------
    BatchEquilibrium

    Raises
    ------
    RuleError
        If contract and technology differ in their groups, or a budget base is not positive.
    """
    need_model(contract, technology)
    if contract.n_groups != technology.n_groups:
        raise RuleError(
            f"solve_batch: the contract splits among {contract.n_groups} groups, the technology "
            f"has {technology.n_groups}. Make them agree."
        )
    problem = problem_of(contract, technology, weight)
    if contract.edges == "budget" and not np.all(problem.base > 0):
        raise RuleError(
            "solve_batch: edges are parts of the budget, and some budget base is not positive. "
            "State budget and baseline_spending."
        )
    bound = uniqueness_bound(problem)
    mean, count = np.empty(len(bound)), np.ones(len(bound), dtype=int)
    simple = np.flatnonzero(bound < 1)
    mean[simple] = _root(problem.take(simple), *_span(problem.take(simple)))
    for rows in _alike(problem, np.flatnonzero(~(bound < 1))):
        part = problem.take(rows)
        low, high, count[rows] = _first_bracket(part)
        mean[rows] = _root(part, low, high)
    acts = answers(problem, mean[:, None])
    acts |= accounts(technology, problem, acts)
    found = {name: value[:, 0] for name, value in acts.items() if name != "worth"}
    return BatchEquilibrium(mean_surplus=mean, n_fixed_points=count, contraction=bound, **found)


def _map(problem: Problem) -> Callable[[Array], Array]:
    return lambda mean: answer(problem, mean)


def _span(problem: Problem) -> tuple[Array, Array]:
    """Return means that enclose the fixed point: no incentive, the largest there can be."""
    p = problem
    top = largest_share(p.transfer, p.sigma) * p.weight
    worth = np.stack([np.zeros_like(p.belief), p.belief * top[:, None]], axis=1)
    ends = mean_surplus(p, worth)
    return ends.min(axis=1) - p.sigma, ends.max(axis=1) + p.sigma


def _alike(problem: Problem, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Cut rows into chunks whose problems need grids of about the same length."""
    if not len(rows):
        return []
    part = problem.take(rows)
    low, high = _span(part)
    ordered = rows[np.argsort((high - low) / part.sigma)]
    return [ordered[k : k + _CHUNK] for k in range(0, len(ordered), _CHUNK)]


def _grid(problem: Problem) -> Array:
    """Return the shorter of an even grid over all possible means, a grid around the knots."""
    low, high = _span(problem)
    around = knot_grid(problem.transfer.knots, problem.sigma, _PER_SIGMA)
    n_even = np.max((high - low) / problem.sigma) * _PER_SIGMA
    if (problem.risk_aversion > 0).any() or not n_even < around.shape[1]:
        return around
    return np.linspace(low, high, int(n_even) + 2, axis=-1)


def _first_bracket(problem: Problem) -> tuple[Array, Array, NDArray[np.int64]]:
    points, excess = bracket_grid(_map(problem), _grid(problem), problem.sigma)
    crosses = (excess[:, :-1] > 0) & (excess[:, 1:] <= 0)
    first = crosses.argmax(axis=1)[:, None]
    pick = np.take_along_axis
    ups = ((excess[:, :-1] <= 0) & (excess[:, 1:] > 0)).sum(axis=1)
    low, high = pick(points, first, 1)[:, 0], pick(points, first + 1, 1)[:, 0]
    return low, high, crosses.sum(axis=1) + ups


def _root(problem: Problem, low: Array, high: Array) -> Array:
    if not len(low):
        return low

    def excess(mean: Array, row: Array) -> Array:
        return _map(problem.take(row.astype(int)))(mean[:, None])[:, 0] - mean

    rows = np.arange(len(low), dtype=float)
    tolerances = {"xatol": 0.0, "xrtol": 1e-14, "fatol": 0.0}
    return elementwise.find_root(excess, (low, high), args=(rows,), tolerances=tolerances).x
