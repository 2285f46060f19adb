"""Who is the budget unit: one county, one sum of money, one factor changed at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import RuleError
from .best_response import Problem, answer, problem_of
from .contract import Contract
from .equilibrium import answers
from .fixed_point import all_fixed_points
from .patients import PatientChoice, visit_shares
from .respond import one_problem
from .technology import Technology
from .welfare import accounts

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

# row: (hospital holds a share, members act as one, hospital inside the contract)
UNITS = {
    "hospital-led alliance, members apart": (True, False, True),
    "hospital-led alliance, acting as one": (True, True, True),
    "primary-care group, members apart, hospital inside": (False, False, True),
    "primary-care group, acting as one, hospital inside": (False, True, True),
    "primary-care group, members apart, hospital paid by price": (False, False, False),
    "primary-care group, acting as one, hospital paid by price": (False, True, False),
}
# step: row before, row after
STEPS = {
    "unity, in the alliance": (0, 1),
    "composition, acting as one": (1, 3),
    "hospital outside, acting as one": (3, 5),
    "composition, members apart": (0, 2),
    "hospital outside, members apart": (2, 4),
    "unity, in the primary-care group": (4, 5),
}


def budget_units(contract: Contract, technology: Technology, *, hospital: int = 0) -> pd.DataFrame:
    """Compare budget units that hold the same budget under the same rules.

    Acting as one, every member of the unit weighs the unit's whole share as its own. In the
    primary-care group the hospital's share goes to the others in proportion. Inside, a hospital
    without a share still meets the contract's audit and performance pay; outside it is paid by
    price, as in the status quo.

    Parameters
    ----------
    contract : Contract
    technology : Technology
    hospital : int
        Position of the hospital.

    Returns
    -------
    DataFrame
        One row a unit: ``unit, surplus, part_of_best, saved_by_effort, saved_by_volume, harm,
        needed_value, welfare, bonus``, money; ``part_of_best`` divides the surplus by the largest
        of the rows.

    Raises
    ------
    RuleError
        If the hospital holds everything, so that no group is left to hold a share.
    """
    import pandas as pd

    rows = []
    for name, (shares, as_one, inside) in UNITS.items():
        terms = contract if shares else _without(contract, hospital)
        group = np.ones(technology.n_groups, dtype=bool)
        group[hospital] = shares
        rows.append({"unit": name, **_row(terms, technology, group if as_one else None,
                                         None if inside else hospital)})  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.insert(2, "part_of_best", frame["surplus"] / frame["surplus"].max())
    return frame


def unit_steps(units: pd.DataFrame) -> pd.DataFrame:
    """Decompose the difference of the budget units by what changes from row to row.

    Parameters
    ----------
    units : DataFrame
        From :func:`budget_units`.

    Returns
    -------
    DataFrame
        One row a step along two paths from the alliance apart to the primary-care group as one:
        ``path, step`` with the changes of ``surplus, harm, welfare``. Each path sums to the same.
    """
    import pandas as pd

    columns = ["surplus", "harm", "welfare"]
    rows = []
    for number, (step, (before, after)) in enumerate(STEPS.items()):
        change = units.loc[after, columns] - units.loc[before, columns]
        path = "unity first" if number < 3 else "composition first"
        rows.append({"path": path, "step": step.split(",")[0], **change.to_dict()})
    return pd.DataFrame(rows)


def joint_optimum(contract: Contract, technology: Technology) -> dict[str, float]:
    """Return what the whole alliance brings when it acts as one; see :func:`budget_units`."""
    return _row(contract, technology, np.ones(technology.n_groups, dtype=bool), None)


def _without(contract: Contract, hospital: int) -> Contract:
    split = np.array(np.atleast_1d(contract.split), dtype=float)
    split[hospital] = 0.0
    if not split.sum() > 0:
        raise RuleError(
            "budget units: the hospital holds the whole transfer.\n  Give the other groups a share."
        )
    return contract.replace(split=split / split.sum())


def _row(
    contract: Contract, technology: Technology, as_one: NDArray[np.bool_] | None, out: int | None
) -> dict[str, float]:
    p = one_problem(contract, technology)
    if out is not None:
        p = _outside(p, contract, technology, out)
    if as_one is not None:
        held = np.atleast_1d(contract.split)[as_one].sum()
        kappa = np.broadcast_to(contract.pay_share, p.belief.shape)
        p = replace(p, belief=np.where(as_one[None], kappa * held, p.belief))
    roots = all_fixed_points(lambda mean: answer(p, mean), p.transfer.knots[0], float(p.sigma[0]))
    found = answers(p, roots[None])
    found |= accounts(technology, p, found)
    k = 0 if as_one is None else _best_for(p, found, as_one)
    one = {name: value[0, k] for name, value in found.items()}
    n = technology.members
    volume = p.before[0] - p.fund_price[0] * one["inducement"]
    return {
        "surplus": float(roots[k]),
        "saved_by_effort": float((n * p.saving[0] * one["effort"]).sum()),
        "saved_by_volume": float((n * volume).sum()) if p.care is None else _volume(p, one, n),
        "harm": float(one["harm"]),
        "needed_value": float(one["needed_value"]),
        "welfare": float(one["welfare"]),
        "bonus": float((n * one["pay"]).sum()),
    }


def _volume(problem: Problem, one: dict[str, Array], members: Array) -> float:
    c = problem.care
    each = problem.before[0] - problem.fund_price[0] * one["inducement"]
    if c is not None:
        each = each - c.needed_fund[0] * one["needed"]
    return float((members * each).sum())


def _best_for(problem: Problem, found: dict[str, Array], as_one: NDArray[np.bool_]) -> int:
    """Return the fixed point that is best for the members who act as one."""
    p = problem
    own = found["utility"] - p.claim[:, None] * found["expected_transfer"][..., None]
    kept = p.belief[0, as_one].max() * found["expected_transfer"][0]
    return int(np.argmax(kept + (p.members[0] * own[0])[:, as_one].sum(axis=-1)))


def _outside(p: Problem, contract: Contract, technology: Technology, out: int) -> Problem:
    """Pay one group by price, as in the status quo: no share, no bonus, no audit."""
    quiet = problem_of(
        contract.replace(audit=0.0, performance_pay=0.0, margin_pay=None), technology
    )
    at = np.arange(technology.n_groups) == out
    return replace(
        p,
        claim=np.where(at, 0.0, p.claim),
        belief=np.where(at, 0.0, p.belief),
        bonus=np.where(at, 0.0, p.bonus),
        inducement_gain=np.where(at, quiet.inducement_gain, p.inducement_gain),
    )


def compare_rules(
    base: Contract,
    technology: Technology,
    changes: dict[str, dict[str, object]],
    patients: PatientChoice | None = None,
) -> pd.DataFrame:
    """Score contracts that differ from one contract in one rule each.

    Parameters
    ----------
    base : Contract
        The contract of the first row.
    technology : Technology
        One county for all rows.
    changes : dict of str to dict
        Terms that a row changes, by name; ``{}`` is the base.
    patients : PatientChoice, optional
        Whose visits follow members' efforts; adds ``visits_`` with the tier's name, shares.

    Returns
    -------
    DataFrame
        One row a rule: ``rule, surplus, part`` (over the surplus of the joint optimum under
        ``base``, the same for all rows), ``harm, needed_value, welfare, bonus, induced``
        (induced volume over that of the status quo, by value), ``score``, ``stable``
        (outcomes), ``effort_`` and ``pay_`` with the group's name.

    Raises
    ------
    RuleError
        If a row changes more than one rule.
    """
    import pandas as pd

    from .respond import respond

    whole = joint_optimum(base, technology)["surplus"]
    t, rows = technology, []
    weight = t.members * t.price * t.baseline_inducement
    for name, terms in changes.items():
        _need_one(name, terms)
        found = respond(base.replace(**terms), t)
        k, sums = found.chosen, found.totals()
        rows.append(
            {
                "rule": name,
                "surplus": float(sums["surplus"]),
                "part": float(sums["surplus"]) / whole,
                **{n: float(sums[n]) for n in ("harm", "needed_value", "welfare", "bonus")},
                "induced": float((t.members * t.price * found.inducement[k]).sum() / weight.sum()),
                "score": float(sums["score"]),
                "stable": int((found.stable & found.best_response).sum()),
                **{f"effort_{g}": found.effort[k, j] for j, g in enumerate(t.groups or ())},
                **{f"pay_{g}": found.pay[k, j] for j, g in enumerate(t.groups or ())},
                **_visits(patients, found.effort[k]),
            }
        )
    return pd.DataFrame(rows)


def _visits(patients: PatientChoice | None, effort: Array) -> dict[str, float]:
    if patients is None:
        return {}
    shares = visit_shares(patients, effort)
    return {f"visits_{tier}": float(x) for tier, x in zip(patients.tiers, shares, strict=True)}


# Terms that state one rule together.
_ONE_RULE = (
    {"minimum_savings", "minimum_losses", "first_dollar"},
    {"gain_cap", "loss_cap"},
    {"audit", "penalty"},
    {"rebasing", "discount", "growth", "term", "term_base"},
    {"score_weight", "score_noise", "score_reliability", "score_budget"},
    {"split"}, {"pay_share"}, {"performance_pay"}, {"budget"}, {"out_of_county"}, {"gain_share"},
    {"loss_share"}, {"quality"}, {"margin_pay"}, {"price"}, {"needed_price"}, {"disclosure"},
    {"takes_part"},
)  # fmt: skip


def _need_one(name: str, terms: dict[str, object]) -> None:
    if terms and not any(set(terms) <= rule for rule in _ONE_RULE):
        raise RuleError(
            f"scorecard: the row {name!r} changes more than one rule: {', '.join(terms)}.\n"
            "  Give each its own row."
        )
