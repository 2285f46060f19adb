"""The village doctor decides: to treat a patient, or to send the patient on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, raise_problems
from ..show.findings import Findings
from .best_response import Problem, mean_surplus, worth_of
from .contract import Contract
from .equilibrium import MODEL
from .fixed_point import all_fixed_points
from .patients import PatientChoice, visit_shares
from .respond import one_problem
from .technology import Technology

Array = NDArray[np.float64]
PLACES = ("village", "township", "lead_hospital", "outside")
_TO_PLACES = [2, 1, 0, 3]  # from the order of tiers to the order of PLACES, and back


@dataclass(frozen=True, eq=False)
class VillageDoctor:
    """Describe what a village doctor weighs for a patient of severity x, uniform on 0-1.

    Treating or sending to place j is worth ``a_j - burden max(0, x - skill_j)``, with
    ``a_village = (1 - capitated) fee - y rho c_village`` and, for a referral,
    ``a_j = -capitated charge_j - y rho c_j``; y is what a yuan of surplus is worth to the doctor.

    Parameters
    ----------
    skill : array, shape (4,)
        Severity up to which village, township, county hospital, places outside can treat.
    fee : float
        Fee less cost of a patient treated.
    charge : array, shape (3,)
        Taken from a capitated doctor for a referral to township, county hospital, outside.
    capitated : float
        Part of pay that is capitation for contracted residents, 0-1.
    burden : float
        What a unit of severity beyond the skill of the chosen place costs the doctor, > 0.
    contracted : float
        Part of visits by contracted residents, 0-1.
    compliance : float
        Probability that a patient follows the doctor, 0-1.
    refers : bool
        Whether the doctor may refer. Without the right, patients who are not treated choose among
        the other places themselves.
    """

    skill: Any
    fee: float = 0.0
    charge: Any = (0.0, 0.0, 0.0)
    capitated: float = 0.0
    burden: float = 1.0
    contracted: float = 1.0
    compliance: float = 1.0
    refers: bool = True

    def __post_init__(self) -> None:
        for name in ("skill", "charge"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=float))
        shares = ("capitated", "contracted", "compliance")
        problems = [
            f"{name} must lie in [0, 1], found {getattr(self, name)}"
            for name in shares
            if not 0 <= getattr(self, name) <= 1
        ]
        if self.skill.shape != (4,) or self.charge.shape != (3,):
            problems.append("skill needs four places, charge three")
        elif np.any(np.diff(self.skill) < 0):
            problems.append(f"skill must not fall from village to outside: {self.skill.tolist()}")
        if not self.burden > 0:
            problems.append("burden must be positive: at none the doctor treats without bound")
        raise_problems(problems, where="village doctor", advice="Correct these fields.")

    def replace(self, **changes: Any) -> VillageDoctor:
        """Return a copy with some fields changed."""
        return replace(self, **changes)


def village_shares(
    doctor: VillageDoctor, choice: PatientChoice, worth: Array | float = 0.0, *,
    excluded: bool = False,
) -> Array:  # fmt: skip
    """Return visit shares where the village doctor decides for those who follow.

    ``share_j = m q_j + (1 - m) s_j`` with ``m = contracted compliance``; q_j is the length of
    severities at which the doctor chooses j, in closed form from the lines' crossings; s_j are
    patients' own shares behind the gate.

    Parameters
    ----------
    doctor : VillageDoctor
    choice : PatientChoice
        Patients' own choice, with its gate; four tiers in the model's order.
    worth : array, shape (...)
        What a yuan of surplus is worth to one doctor.
    excluded : bool
        Whether care outside the county costs the alliance nothing.

    Returns
    -------
    array, shape (..., 4)
        In the order of the patients' tiers: hospital, township, village, outside.
    """
    d, y = doctor, np.asarray(worth, dtype=float)
    own = visit_shares(choice)[_TO_PLACES]
    cost = _cost(choice, excluded)[_TO_PLACES] * choice.fund_share
    pay = np.concatenate([[(1 - d.capitated) * d.fee], -d.capitated * d.charge])
    if d.refers:
        value, skill, lands = pay - y[..., None] * cost, d.skill, np.eye(4)
    else:
        away = np.where(np.arange(4) > 0, own, 0.0)
        away = away / away.sum()
        value = np.stack([pay[0] - y * cost[0], -y * (away @ cost)], axis=-1)
        skill, lands = np.array([d.skill[0], 1.0]), np.stack([np.eye(4)[0], away])
    chosen = _lengths(value, skill, d.burden) @ lands
    follows = d.contracted * d.compliance
    return np.asarray((follows * chosen + (1 - follows) * own)[..., _TO_PLACES])


def _cost(choice: PatientChoice, excluded: bool) -> Array:
    return np.where(
        excluded & (np.arange(choice.cost.size) == choice.cost.size - 1), 0, choice.cost
    )


def _lengths(value: Array, skill: Array, burden: float) -> Array:
    """Return the lengths of severities at which each line is highest, shape (..., n_places).

    Two lines cross only where one slopes, at ``skill_i + (a_i - a_j) / burden``.
    """
    n = len(skill)
    crossings = skill[:, None] + (value[..., :, None] - value[..., None, :]) / burden
    cuts = np.concatenate(
        [
            np.clip(crossings.reshape(*value.shape[:-1], n * n), 0, 1),
            np.broadcast_to([0.0, 1.0], (*value.shape[:-1], 2)),
        ],
        axis=-1,
    )
    cuts = np.sort(cuts, axis=-1)
    middle = (cuts[..., 1:] + cuts[..., :-1]) / 2
    worth = value[..., None, :] - burden * np.maximum(0, middle[..., None] - skill)
    best = worth.argmax(axis=-1)[..., None] == np.arange(n)
    return np.asarray((np.diff(cuts, axis=-1)[..., None] * best).sum(axis=-2))


def respond_with_village(
    contract: Contract,
    technology: Technology,
    doctor: VillageDoctor,
    choice: PatientChoice,
    *,
    before: tuple[VillageDoctor, PatientChoice] | None = None,
) -> Findings:
    """Solve the model with a village doctor who decides where patients go.

    Other acts are as in :func:`~medalliance.respond`; the doctor's worth of a yuan is that of the
    last group. Spending moves with the shares from where they were in the status quo.

    Parameters
    ----------
    contract, technology
    doctor : VillageDoctor
    choice : PatientChoice
    before : pair, optional
        Doctor and patients of the status quo; by default these, without a gate. The doctor then
        keeps nothing of a surplus.

    Returns
    -------
    Findings
        One row a place: ``place, before, after``, visit shares; beside it ``.mean_surplus`` of the
        reported (lowest) equilibrium, ``.marginal_share`` and ``.all_surpluses``.

    Raises
    ------
    DataError
        If the score answers to care, which this version does not hold.
    """
    import pandas as pd

    p = one_problem(contract, technology)
    if p.care is not None and p.care.scored:
        raise DataError("village doctor: a score that answers to care is not held here.")
    excluded = contract.out_of_county == "excluded"
    quo_doctor, quo_patients = before or (doctor, choice.replace(gate=0.0))
    start = village_shares(quo_doctor, quo_patients)
    scale = choice.visits * choice.fund_share * _cost(choice, excluded)

    def shares(mean: Array) -> Array:
        return village_shares(doctor, choice, _worth(p, mean), excluded=excluded)

    def map_(mean: Array) -> Array:
        added = (start - shares(mean)) @ scale
        return mean_surplus(p, worth_of(p, mean).surplus) + added

    roots = all_fixed_points(map_, p.transfer.knots[0], float(p.sigma[0]))
    mean = roots[None, :1]
    frame = pd.DataFrame(
        {"place": list(choice.tiers), "before": start, "after": shares(mean)[0, 0]}
    )
    return Findings(
        frame,
        "Where patients go when the village doctor decides",
        "Shares of visits; a doctor's choices in closed form.",
        MODEL,
        {
            "mean_surplus": float(roots[0]),
            "marginal_share": float(worth_of(p, mean).share[0, 0]),
            "all_surpluses": tuple(roots.tolist()),
        },
    )


def _worth(problem: Problem, mean: Array) -> Array:
    return worth_of(problem, mean).surplus[..., -1]
