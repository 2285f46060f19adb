"""The registry of outcomes: what each needs, what it is measured in, how it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..codebook import label, load_codebook, unit
from ..panel import Panel
from . import remuneration as pay
from . import shares, surplus

Array = NDArray[np.float64]

BUDGET = ("budget", "spending")
NOTIONAL = ("notional_budget",)
VISITS = ("visits_village", "visits_township", "visits_county", "visits_out")
ADMISSIONS = ("admissions_township", "admissions_county", "admissions_out")

# official indicators of 2024 that no outcome operationalises: number -> why
NOT_COMPUTED = {
    1: "It is a judgement of management, not a number of the county's year.",
    2: "It is a judgement of management, not a number of the county's year.",
    3: "It is a judgement of management, not a number of the county's year.",
    4: "It counts postings of six months or more, which stand in no table of money, visits or pay.",
    5: "It joins volumes and a coverage of equipment, and the criteria do not say how.",
    14: "It needs deaths by cause and age, which no insurance table holds; the criteria name "
    "neither the ages nor the formula.",
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """A registered outcome.

    Attributes
    ----------
    name : str
        Identifier, also the codebook's.
    needs : tuple of str
        Raw columns, in the order of the function's arguments.
    function : callable
        Arrays of shape (n_obs,) -> array of shape (n_obs,). If ``of_panel``, the panel comes
        before the arrays.
    family : str
        ``"surplus"``, ``"remuneration"`` or ``"shares"``.
    optional : tuple of str
        Columns passed after those needed, ``None`` where the panel lacks them.
    of_panel : bool

    Labels, units and definitions stand in the codebook under the same name.
    """

    name: str
    needs: tuple[str, ...]
    function: Callable[..., Array]
    family: str
    optional: tuple[str, ...] = ()
    of_panel: bool = False

    @property
    def label(self) -> str:
        """English label."""
        return label(self.name)

    @property
    def label_zh(self) -> str:
        """Chinese label."""
        return label(self.name, "zh")

    @property
    def unit(self) -> str:
        """Unit of measure in English."""
        return load_codebook().units[unit(self.name)].en


def before_treatment(panel: Panel) -> NDArray[np.bool_]:
    """Return the rows before treatment; for the never treated, those before the first cohort."""
    cohorts = panel.cohort_by_unit
    treated = cohorts[cohorts > 0]
    first = treated.min() if len(treated) else panel.years[-1] + 1
    start = np.where(cohorts > 0, cohorts, first)[panel.unit_codes]
    return panel.years[panel.year_codes] < start


def staff_columns(kind: str, tier: str) -> tuple[str, ...]:
    """Return the columns of a tier by staff type; ``kind`` is ``"pay"`` or ``"fte"``."""
    return tuple(f"{kind}_{tier}_{staff}" for staff in pay.TYPES)


def _surplus_outcomes() -> list[Outcome]:
    def entry(name, needs, function, optional=()):
        return Outcome(name, needs, function, "surplus", optional)

    account = ("county_account_income", "county_account_spending")
    return [
        entry("fund_surplus_rate", BUDGET, surplus.fund_surplus_rate, NOTIONAL),
        entry("notional_surplus_rate", (*NOTIONAL, "spending"), surplus.fund_surplus_rate),
        entry("log_spending_to_budget", BUDGET, surplus.log_spending_to_budget, NOTIONAL),
        entry(
            "log_spending_per_insured", ("spending", "insured_n"), surplus.log_spending_per_insured
        ),
        entry(
            "log_budget_per_insured",
            ("budget", "insured_n"),
            surplus.log_budget_per_insured,
            NOTIONAL,
        ),
        entry(
            "real_surplus_per_insured_yuan",
            (*BUDGET, "insured_n", "cpi_index"),
            surplus.real_surplus_per_insured_yuan,
            NOTIONAL,
        ),
        entry("deficit", BUDGET, surplus.deficit, NOTIONAL),
        entry("fund_surplus_yuan", BUDGET, surplus.balance_yuan),
        entry("county_account_balance_yuan", account, surplus.balance_yuan),
        entry("pool_balance_yuan", ("pool_income", "pool_spending"), surplus.balance_yuan),
    ]


def _real(values: Array, index: Array | None) -> Array:
    return values if index is None else values / np.where(index > 0, index, np.nan)


def _tier_mean(panel: Panel, *columns: Array, fixed: bool, real: bool) -> Array:
    n = len(pay.TYPES)
    money, staff = np.column_stack(columns[:n]), np.column_stack(columns[n : 2 * n])
    index = columns[2 * n] if real else None
    if not fixed:
        return _real(pay.mean_pay(money, staff), index)
    mix = pay.pre_period_mix(staff, panel.unit_codes, before_treatment(panel))
    return _real(pay.fixed_composition_mean(money, staff, mix), index)


def _tier_outcomes(tier: str) -> list[Outcome]:
    """Pay outcomes of one tier, in constant prices unless named nominal."""
    name = pay.TIERS[tier]
    columns = (*staff_columns("pay", tier), *staff_columns("fte", tier))
    real = (*columns, "cpi_index")

    def mean(fixed: bool, in_real: bool, log: bool) -> Callable[..., Array]:
        def values(panel: Panel, *arrays: Array) -> Array:
            found = _tier_mean(panel, *arrays, fixed=fixed, real=in_real)
            return np.log(np.where(found > 0, found, np.nan)) if log else found

        return values

    def composition(panel: Panel, *arrays: Array) -> Array:
        raw = _tier_mean(panel, *arrays, fixed=False, real=False)
        return pay.log_gap(raw, _tier_mean(panel, *arrays, fixed=True, real=False))

    def entry(stem, needs, function):
        return Outcome(f"{stem}_{name}", needs, function, "remuneration", of_panel=True)

    return [
        entry("remuneration_per_fte_yuan", real, mean(False, True, False)),
        entry("log_remuneration_per_fte", real, mean(False, True, True)),
        entry("nominal_remuneration_per_fte_yuan", columns, mean(False, False, False)),
        entry("fixed_mix_remuneration_per_fte_yuan", real, mean(True, True, False)),
        entry("log_fixed_mix_remuneration_per_fte", real, mean(True, True, True)),
        entry("composition_effect", columns, composition),
    ]


def _type_outcomes(tier: str) -> list[Outcome]:
    return [
        Outcome(
            f"remuneration_per_fte_yuan_{pay.TIERS[tier]}_{staff}",
            (f"pay_{tier}_{staff}", f"fte_{tier}_{staff}", "cpi_index"),
            lambda money, heads, index: _real(pay.pay_per_fte(money, heads), index),
            "remuneration",
        )
        for staff in pay.TYPES
    ]


def _between_tiers() -> list[Outcome]:
    def columns(*tiers: str) -> tuple[str, ...]:
        return tuple(
            c for tier in tiers for kind in ("pay", "fte") for c in staff_columns(kind, tier)
        )

    def totals(arrays: tuple[Array, ...]) -> tuple[Array, Array]:
        n = len(pay.TYPES)
        blocks = [np.column_stack(arrays[k : k + n]) for k in range(0, len(arrays), n)]
        sums = [pay.total(block) for block in blocks]
        return np.column_stack(sums[::2]), np.column_stack(sums[1::2])

    def gap(*arrays: Array) -> Array:
        money, staff = totals(arrays)
        each = pay.pay_per_fte(money, staff)
        return pay.log_gap(each[:, 0], each[:, 1])

    def ratio(*arrays: Array) -> Array:
        money, staff = totals(arrays)
        each = pay.pay_per_fte(money, staff)
        return each[:, 1] / each[:, 0]

    def theil(*arrays: Array) -> Array:
        return pay.between_tier_theil(*totals(arrays))

    def overall(*arrays: Array) -> Array:
        money, staff = totals(arrays[:-1])
        return _real(pay.mean_pay(money, staff), arrays[-1])

    def entry(name, needs, function):
        return Outcome(name, needs, function, "remuneration")

    return [
        entry("remuneration_per_fte_yuan", (*columns("H", "T", "V"), "cpi_index"), overall),
        entry("pay_gap_hospital_township", columns("H", "T"), gap),
        entry("pay_gap_township_village", columns("T", "V"), gap),
        entry("pay_theil_between_tiers", columns("H", "T", "V"), theil),
        entry("personnel_share", ("personnel_spending", "revenue"), pay.personnel_share),
        entry("indicator_6_income_ratio", columns("H", "T"), ratio),
    ]


def _share_outcomes() -> list[Outcome]:
    def entry(name, needs, function, of_panel=False):
        return Outcome(name, needs, function, "shares", of_panel=of_panel)

    def inpatient_growth(panel: Panel, money: Array, admissions: Array) -> Array:
        cost = shares.share(money, admissions)
        return shares.growth(cost, panel.unit_codes, panel.years[panel.year_codes])

    def fund_in_county(total: Array, out: Array) -> Array:
        return shares.share(total - out, total)

    def fund_at_primary(primary: Array, total: Array, out: Array) -> Array:
        return shares.share(primary, total - out)

    fund = ("spending", "out_of_county_spending")
    inpatient = ("inpatient_spending", "inpatient_admissions_n")
    logs = [
        entry(
            f"log_visits_per_insured_{place.removeprefix('visits_')}",
            (place, "insured_n"),
            shares.log_visits_per_insured,
        )
        for place in VISITS
    ]
    return [
        *logs,
        entry("primary_care_visit_share", VISITS, shares.primary_care_visit_share),
        entry("in_county_visit_share", VISITS, shares.in_county_visit_share),
        entry("indicator_7_primary_visits", VISITS[:3], shares.primary_share_of_county_visits),
        entry("indicator_8_fund_in_county", fund, fund_in_county),
        entry("indicator_9_fund_at_primary", ("primary_care_spending", *fund), fund_at_primary),
        entry("indicator_10_inpatient_cost_yuan", inpatient, shares.share),
        entry("indicator_10_inpatient_cost_growth", inpatient, inpatient_growth, True),
        entry("indicator_11_inpatient_in_county", ADMISSIONS, shares.in_county_admission_share),
        entry(
            "indicator_12_chinese_medicine_visits",
            ("chinese_medicine_visits", *VISITS[:3]),
            shares.chinese_medicine_visit_share,
        ),
        entry(
            "indicator_13_managed_admissions",
            ("chronic_managed_admissions_n", "chronic_managed_n"),
            shares.share,
        ),
    ]


def _all_outcomes() -> dict[str, Outcome]:
    listed = _surplus_outcomes() + _between_tiers() + _share_outcomes()
    for tier in pay.TIERS:
        listed += _tier_outcomes(tier) + _type_outcomes(tier)
    return {outcome.name: outcome for outcome in listed}


OUTCOMES: dict[str, Outcome] = _all_outcomes()
