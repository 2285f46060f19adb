"""A panel's verdict: one registered answer each for money, visits and pay, and its checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..diagnostics.pretrend_test import pretrend_test
from ..errors import DesignError, what_is_wrong
from ..estimators.subgroup_effects import subgroup_effects
from ..evidence.grade import Grade, grade
from ..inference.honest_did import honest_did
from ..outcomes import numbers_of, outcome_values
from ..panel import Panel, need_panel
from ..provenance import Provenance
from ..results import Effects
from .estimates import ANTICIPATION, average, last_horizon, registered_effects

# question -> outcomes of which the first that the panel gives answers it
QUESTIONS: dict[str, tuple[str, ...]] = {
    "money": (
        "real_surplus_per_insured_yuan",
        "surplus_per_insured_yuan",
        "spending_per_insured_yuan",
    ),
    "visits": ("primary_care_visit_share",),
    "pay": (
        "log_remuneration_per_fte_township",
        "log_remuneration_per_fte_hospital",
        "log_remuneration_per_fte_village",
    ),
}
SCALE = {"money": 1.0, "visits": 100.0, "pay": 1.0}
# trait -> columns of which the first there sorts the counties into a lower and an upper half
TRAITS = {
    "size": ("insured_n", "resident_n"),
    "income": ("fiscal_capacity",),
    "baseline": ("primary_care_visit_share",),
}
PREFECTURE = "prefecture_code"
MOST_PREFECTURES = 12
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
LEVEL = 0.95


@dataclass(frozen=True)
class Group:
    """The effect in some of the counties.

    Attributes
    ----------
    trait : str
        ``"size"``, ``"income"``, ``"baseline"`` or ``"prefecture"``.
    name : str
        ``"lower"``, ``"upper"`` or the prefecture's code.
    n_units : int
    estimate, low, high : float
        In the unit of the answer; the interval is pointwise.
    """

    trait: str
    name: str
    n_units: int
    estimate: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Answer:
    """One question's answer.

    Attributes
    ----------
    question, outcome : str
    estimate, low, high : float
        Yuan per insured, percentage points or percent; average of the years 0 to ``horizon``
        after the start, with a 95 % interval (NaN where there is none).
    horizon : int
    pretrend : float
        p-value of the joint test of the years before; NaN where it cannot be had.
    breakdown : float
        Up to which multiple of the largest break before the start the sign holds; NaN if unknown.
    grade : Grade
    groups : tuple of Group
    effects : Effects
        By years since the start.
    """

    question: str
    outcome: str
    estimate: float
    low: float
    high: float
    horizon: int
    pretrend: float
    breakdown: float
    grade: Grade
    groups: tuple[Group, ...]
    effects: Effects

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a panel answers.

    Attributes
    ----------
    answers : tuple of Answer
    refused : dict of str to str
        Questions without answer -> one sentence each.
    n_units, n_treated, n_clusters : int
    years : (int, int)
    provenance : Provenance
    """

    answers: tuple[Answer, ...]
    refused: Mapping[str, str]
    n_units: int
    n_treated: int
    n_clusters: int
    years: tuple[int, int]
    provenance: Provenance


def verdict(panel: Panel) -> Verdict:
    """Answer what the reform did to money, visits and pay, by the registered specification.

    Group-time effects with not-yet-treated counties compared, one year of anticipation left out,
    the errors of :func:`stated`; nothing of it is chosen after the results are seen.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    Verdict

    References
    ----------
    Callaway, Sant'Anna (2021) for the effects; Rambachan, Roth (2023) for the breakdown value.
    """
    need_panel(panel)
    panel = with_money(panel)
    answers, refused = [], {}
    for question, outcomes in QUESTIONS.items():
        try:
            answers.append(_answer(panel, question, _first_given(panel, outcomes)))
        except DesignError as error:
            refused[question] = what_is_wrong(error)
    treated = panel.cohort_by_unit > 0
    return Verdict(
        tuple(answers),
        refused,
        panel.n_units,
        int(treated.sum()),
        len(np.unique(panel.cluster_by_unit)),
        (int(panel.years[0]), int(panel.years[-1])),
        panel.provenance,
    )


def with_money(panel: Panel) -> Panel:
    """Return a panel with its surplus and spending per insured in current yuan, where it can."""
    insured, spending = (numbers_of(panel, name) for name in ("insured_n", "spending"))
    budgets = [numbers_of(panel, name) for name in ("notional_budget", "budget")]
    if insured is None or spending is None:
        return panel
    heads = np.where(insured > 0, insured, np.nan)
    made = {"spending_per_insured_yuan": spending / heads}
    held = [values for values in budgets if values is not None and np.isfinite(values).any()]
    if held:
        budget = held[0]
        for other in held[1:]:
            budget = np.where(np.isfinite(budget), budget, other)
        made["surplus_per_insured_yuan"] = (budget - spending) / heads
    return replace(panel, frame=panel.frame.assign(**made))


def _first_given(panel: Panel, outcomes: Sequence[str]) -> str:
    refused = []
    for name in outcomes:
        try:
            values = outcome_values(panel, name)
        except DesignError as error:
            refused.append(what_is_wrong(error))
            continue
        if np.isfinite(values).any():
            return name
    raise DesignError(refused[-1] if refused else f"{outcomes[0]} has no value.")


def _answer(panel: Panel, question: str, outcome: str) -> Answer:
    horizon = last_horizon(panel, ANTICIPATION)
    effects = registered_effects(panel, outcome)
    by_event = effects.aggregate("event_time", balance=horizon)
    one = average(effects, horizon)
    numbers = np.array([one.estimate[0], *one.conf_int(LEVEL)[0]], dtype=float)
    p_value, breakdown = _against(by_event)
    design = effects.design
    checks = int(np.isfinite(p_value)) + int(np.isfinite(breakdown))
    graded = grade(
        "did",
        int(design.n_clusters),
        int(design.n_treated_clusters),
        interval=bool(np.isfinite(numbers).all()),
        checks=checks,
    )
    shown = [float(number) for number in in_unit(question, numbers)]
    groups = tuple(_groups(panel, question, outcome))
    return Answer(
        question, outcome, shown[0], shown[1], shown[2], horizon, p_value, breakdown, graded,
        groups, by_event,
    )  # fmt: skip


def in_unit(question: str, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return effects in the unit of the answer: yuan, percentage points, percent of pay."""
    if question == "pay":
        return 100 * np.expm1(numbers)
    return SCALE[question] * numbers


def _against(by_event: Effects) -> tuple[float, float]:
    """Return the p-value of the pre-trend test and the breakdown value, NaN where refused."""
    found = []
    for check in (
        lambda: float(pretrend_test(by_event, power=(0.8,)).p_value),
        lambda: float(
            honest_did(by_event, relative_magnitude=STEPS).breakdown["relative_magnitude"]
        ),
    ):
        try:
            found.append(check())
        except (DesignError, KeyError, TypeError):
            found.append(float("nan"))
    return found[0], found[1]


def _groups(panel: Panel, question: str, outcome: str) -> list[Group]:
    listed: list[Group] = []
    for trait, columns in TRAITS.items():
        for column in columns:
            try:
                outcome_values(panel, column)
                listed += _of_trait(panel, question, outcome, trait, column, 2)
            except DesignError:
                continue
            break
    if PREFECTURE in panel.frame.columns:
        count = panel.frame[PREFECTURE].nunique()
        if 1 < count <= MOST_PREFECTURES:
            try:
                listed += _of_trait(panel, question, outcome, "prefecture", PREFECTURE, None)
            except DesignError:
                return listed
    return listed


def _of_trait(
    panel: Panel, question: str, outcome: str, trait: str, column: str, quantiles: int | None
) -> list[Group]:
    effects = subgroup_effects(
        panel, outcome, by=column, quantiles=quantiles, anticipation=ANTICIPATION,
        base_period="universal",
    )  # fmt: skip
    overall = effects.overall
    table = overall.to_frame()
    bounds = np.column_stack([overall.estimate, overall.conf_int(LEVEL)])
    names = table["outcome"].str.rpartition(", ")[2]
    groups = []
    for k, row in enumerate(bounds):
        name = names.iloc[k].removeprefix(f"{column} ").removeprefix("quantile ")
        if quantiles:
            name = ("lower", "upper")[k] if len(bounds) == quantiles else name
        estimate, low, high = map(float, in_unit(question, row))
        groups.append(Group(trait, name, int(table["n_units"].iloc[k]), estimate, low, high))
    return groups
