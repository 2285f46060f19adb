"""What the members of an alliance can do, at what cost, for groups of equal members."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ..errors import first_three, raise_problems

GROUPS = ("lead_hospital", "township", "village")


@dataclass(frozen=True, eq=False)
class Technology:
    """Describe the members: savings, costs, prices and risk.

    A group holds ``members`` equal members. Arrays have the groups on their last axis; a leading
    axis, where given, holds several technologies for :func:`~medalliance.solve_batch`.
    Money is in one unit throughout (yuan, or thousands of them).

    Parameters
    ----------
    members : array, shape (..., n_groups)
        Members in each group, at least one.
    saving : array, shape (..., n_groups)
        Saving per unit of one member's effort, theta. Negative where effort attracts patients to
        a tier that costs more than the average visit.
    effort_cost : array, shape (..., n_groups)
        Curvature of the cost of effort, g > 0.
    sigma : float or array, shape (...)
        Standard deviation of the surplus, > 0.
    price, margin : array, shape (..., n_groups)
        Price p per induced unit; margin m = p - c.
    inducement_cost : array, shape (..., n_groups)
        Curvature of the cost of inducement, h > 0.
    margin_pay : float or array
        Pay per unit of margin, beta.
    fund_share : float or array, shape (...)
        Share of the price that the fund pays, rho, 0-1.
    baseline_spending : float or array, shape (...)
        Spending C0 at zero effort and baseline inducement.
    baseline_inducement : array or None
        Inducement v0 that ``baseline_spending`` contains. None takes what members choose in the
        status quo: nothing is kept, nothing audited, margins are paid as here,
        ``v0 = beta m+ / h``. It is worked out once; :meth:`replace` holds it.
    baseline_needed : array or None
        Needed services that ``baseline_spending`` contains; None as for inducement.
    outflow_saving : array, shape (..., n_groups)
        Part of ``saving`` that falls on out-of-county spending.
    outflow_spending : float or array
        Out-of-county part of ``baseline_spending``.
    risk_aversion : float or array
        Constant absolute risk aversion of a member, alpha.
    withholding_saving, withholding_harm : array, shape (..., n_groups)
        Spending saved, theta^s, and harm done to patients, eta, per unit of needed care that one
        member withholds. Harm is money-metric and the patients', not the member's.
    withholding_cost : array, shape (..., n_groups)
        Curvature of the cost of withholding (conscience, effort to hide it), g^s > 0.
    score_effect : array, shape (..., n_groups)
        Part of the alliance's score that one member's unit of withheld care costs, chi.
    need : array, shape (..., n_groups)
        Needed services (follow-up, home visits, rehabilitation) that a member's patients lack.
    needed_price, needed_margin : array, shape (..., n_groups)
        Price and margin of a needed service.
    needed_cost : array, shape (..., n_groups)
        Curvature of the cost of supplying needed services, > 0.
    needed_value, needed_saving : array, shape (..., n_groups)
        What a needed service is worth to patients, and the later spending that it avoids.
    export_spending, export_price, export_harm : array, shape (..., n_groups)
        Of a member's high-cost patients: spending where all are treated in the county, spending
        where all are sent out of it, and harm where all are sent out.
    export_cost : array, shape (..., n_groups)
        Curvature of the cost of sending them out, > 0.
    believed_share : array, shape (..., n_groups), or None
        Share of the transfer that a member believes to hold where nothing is disclosed; None takes
        the fact.
    budget_error : float or array, shape (...)
        Standard deviation of the insurer's estimate of baseline spending, tau.
    signal : array, shape (..., n_groups)
        Precision that one member adds to that estimate by taking part, iota (1 / money^2).
    wage : array, shape (..., n_groups)
        Yearly pay of a member's staff before any bonus; 0 where it is not stated.
    groups : tuple of str or None
        Names of the groups.

    Raises
    ------
    DataError
        Listing every field that is out of range or of the wrong length.
    """

    members: Any
    saving: Any
    effort_cost: Any
    sigma: Any
    price: Any = 0.0
    margin: Any = 0.0
    inducement_cost: Any = 1.0
    margin_pay: Any = 0.0
    fund_share: Any = 1.0
    baseline_spending: Any = 0.0
    baseline_inducement: Any = None
    baseline_needed: Any = None
    outflow_saving: Any = 0.0
    outflow_spending: Any = 0.0
    risk_aversion: Any = 0.0
    withholding_saving: Any = 0.0
    withholding_harm: Any = 0.0
    withholding_cost: Any = 1.0
    score_effect: Any = 0.0
    need: Any = 0.0
    needed_price: Any = 0.0
    needed_margin: Any = 0.0
    needed_cost: Any = 1.0
    needed_value: Any = 0.0
    needed_saving: Any = 0.0
    export_spending: Any = 0.0
    export_price: Any = 0.0
    export_harm: Any = 0.0
    export_cost: Any = 1.0
    believed_share: Any = None
    budget_error: Any = 0.0
    signal: Any = 0.0
    wage: Any = 0.0
    groups: tuple[str, ...] | None = None

    _BY_GROUP = (
        "members", "saving", "effort_cost", "price", "margin", "inducement_cost", "margin_pay",
        "outflow_saving", "risk_aversion", "baseline_inducement", "withholding_saving",
        "withholding_harm", "withholding_cost", "score_effect", "need", "needed_price",
        "needed_margin", "needed_cost", "needed_value", "needed_saving", "export_spending",
        "export_price", "export_harm", "export_cost", "believed_share", "signal", "wage",
        "baseline_needed",
    )  # fmt: skip
    _SCALAR = ("sigma", "fund_share", "baseline_spending", "outflow_spending", "budget_error")

    def __post_init__(self) -> None:
        for name in (*self._BY_GROUP, *self._SCALAR):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, np.asarray(value, dtype=float))
        n_groups = self.members.shape[-1] if self.members.ndim else 1
        problems = [*self._length_problems(n_groups), *self._range_problems()]
        raise_problems(
            problems, where="technology", advice="Correct these fields and build it again."
        )
        for name in self._BY_GROUP:
            value = getattr(self, name)
            if value is not None and value.ndim == 0:
                object.__setattr__(self, name, np.full(n_groups, float(value)))
        if self.groups is None:
            names = GROUPS if n_groups == 3 else tuple(f"group_{j + 1}" for j in range(n_groups))
            object.__setattr__(self, "groups", names)
        if self.baseline_inducement is None:
            induced = self.margin_pay * np.maximum(self.margin, 0.0) / self.inducement_cost
            object.__setattr__(self, "baseline_inducement", induced)
        if self.baseline_needed is None:
            supplied = self.margin_pay * self.needed_margin / self.needed_cost
            object.__setattr__(self, "baseline_needed", np.clip(supplied, 0.0, self.need))

    def _length_problems(self, n_groups: int) -> list[str]:
        problems = [
            f"{name} has {value.shape[-1]} groups where members has {n_groups}"
            for name in self._BY_GROUP
            if (value := getattr(self, name)) is not None
            and value.ndim
            and value.shape[-1] != n_groups
        ]
        if self.groups is not None and len(self.groups) != n_groups:
            problems.append(f"groups names {len(self.groups)} groups where members has {n_groups}")
        return problems

    def _range_problems(self) -> list[str]:
        rules: dict[str, tuple[Any, str]] = {
            "members": (lambda x: x >= 1, "at least 1"),
            "saving": (np.isfinite, "finite"),
            "effort_cost": (lambda x: x > 0, "positive"),
            "inducement_cost": (lambda x: x > 0, "positive"),
            "sigma": (lambda x: (x > 0) & np.isfinite(x), "positive"),
            "price": (lambda x: x >= 0, "zero or more"),
            "margin": (np.isfinite, "finite"),
            "margin_pay": (lambda x: x >= 0, "zero or more"),
            "fund_share": (lambda x: (x >= 0) & (x <= 1), "a share from 0 to 1"),
            "baseline_spending": (lambda x: x >= 0, "zero or more"),
            "baseline_inducement": (lambda x: x >= 0, "zero or more"),
            "outflow_saving": (np.isfinite, "finite"),
            "outflow_spending": (lambda x: x >= 0, "zero or more"),
            **dict.fromkeys(
                (
                    "risk_aversion", "withholding_saving", "withholding_harm", "score_effect",
                    "need", "needed_price", "needed_value", "needed_saving", "export_spending",
                    "export_price", "export_harm", "believed_share", "signal", "wage",
                    "baseline_needed",
                ),
                (lambda x: (x >= 0) & np.isfinite(x), "zero or more, and finite"),
            ),
            "budget_error": (
                lambda x: (x >= 0) & np.isfinite(x),
                "zero or more (a negative variance is none)",
            ),
            "needed_margin": (np.isfinite, "finite"),
            **dict.fromkeys(
                ("withholding_cost", "needed_cost", "export_cost"),
                (lambda x: x > 0, "positive: at no cost the act would have no bound"),
            ),
        }  # fmt: skip
        problems = []
        for name, (holds, wanted) in rules.items():
            value = getattr(self, name)
            if value is None:
                continue
            bad = np.atleast_1d(value)[~np.atleast_1d(holds(value))]
            if bad.size:
                problems.append(f"{name} must be {wanted}, found {first_three(bad.tolist())}")
        return problems

    @property
    def n_groups(self) -> int:
        """Count the groups."""
        return int(self.members.shape[-1])

    def replace(self, **changes: Any) -> Technology:
        """Return a copy with some fields changed, in the same status quo.

        What ``baseline_spending`` contains stays what it was, whatever is changed: no lever moves
        its own baseline. Another status quo is asked for by ``baseline_inducement=None``.
        """
        return replace(self, **changes)

    def row(self, k: int) -> Technology:
        """Return one of several technologies, in its status quo."""
        fields_ = {n: getattr(self, n) for n in self._BY_GROUP if getattr(self, n) is not None}
        scalars = {n: getattr(self, n) for n in self._SCALAR}
        return Technology(
            **{n: v[k] if v.ndim > 1 else v for n, v in fields_.items()},
            **{n: v[k] if v.ndim else v for n, v in scalars.items()},
            groups=self.groups,
        )

    def is_single(self) -> bool:
        """Tell whether no field has a leading axis."""
        return all(
            getattr(self, f).ndim <= 1 for f in self._BY_GROUP if getattr(self, f) is not None
        ) and all(getattr(self, f).ndim == 0 for f in self._SCALAR)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain numbers, lists and names."""
        out: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            out[field.name] = value.tolist() if isinstance(value, np.ndarray) else value
        out["groups"] = list(self.groups or ())
        return out
