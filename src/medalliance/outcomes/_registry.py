"""The registry of outcomes: what each needs, what it is measured in, how it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..panel import Panel
from . import remuneration as pay
from . import shares, surplus

Array = NDArray[np.float64]

BUDGET = ("budget_yuan", "spending_yuan")
NOTIONAL = ("notional_budget_yuan",)
VISITS = ("visits_village", "visits_township", "visits_county", "visits_out")


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
    label, label_zh, unit : str
        What figures and tables print.
    optional : tuple of str
        Columns passed after those needed, ``None`` where the panel lacks them.
    family : str
        ``"surplus"``, ``"remuneration"`` or ``"shares"``.
    of_panel : bool
    """

    name: str
    needs: tuple[str, ...]
    function: Callable[..., Array]
    label: str
    label_zh: str
    unit: str
    family: str
    optional: tuple[str, ...] = ()
    of_panel: bool = False


def before_treatment(panel: Panel) -> NDArray[np.bool_]:
    """Return the rows before treatment; for the never treated, those before the first cohort."""
    cohorts = panel.cohort_by_unit
    treated = cohorts[cohorts > 0]
    first = treated.min() if len(treated) else panel.years[-1] + 1
    start = np.where(cohorts > 0, cohorts, first)[panel.unit_codes]
    return panel.years[panel.year_codes] < start


def staff_columns(kind: str, tier: str) -> tuple[str, ...]:
    """Return the columns of a tier by staff type; ``kind`` is ``"pay"`` or ``"fte"``."""
    end = "_yuan" if kind == "pay" else ""
    return tuple(f"{kind}_{tier}_{staff}{end}" for staff in pay.TYPES)


def _surplus_outcomes() -> list[Outcome]:
    family, yuan = "surplus", "yuan per year"

    def entry(name, needs, function, label, label_zh, unit, optional=()):
        return Outcome(name, needs, function, label, label_zh, unit, family, optional)

    return [
        entry("fund_surplus_rate", BUDGET, surplus.fund_surplus_rate,
              "Fund surplus rate", "医保基金结余率", "share of the budget", NOTIONAL),
        entry("notional_surplus_rate", (*NOTIONAL, "spending_yuan"), surplus.fund_surplus_rate,
              "Surplus rate at the notional budget", "名义预算结余率",
              "share of the notional budget"),
        entry("log_spending_to_budget", BUDGET, surplus.log_spending_to_budget,
              "Log of spending over budget", "支出与预算之比(对数)", "log points", NOTIONAL),
        entry("log_spending_per_insured", ("spending_yuan", "insured_n"),
              surplus.log_spending_per_insured,
              "Log of fund spending per insured person", "人均基金支出(对数)", "log points"),
        entry("log_budget_per_insured", ("budget_yuan", "insured_n"),
              surplus.log_budget_per_insured,
              "Log of budget per insured person", "人均预算(对数)", "log points", NOTIONAL),
        entry("real_surplus_per_insured_yuan", (*BUDGET, "insured_n", "cpi_index"),
              surplus.real_surplus_per_insured_yuan, "Real surplus per insured person",
              "人均实际结余", "yuan per insured person, constant prices", NOTIONAL),
        entry("deficit", BUDGET, surplus.deficit, "Overspent its budget", "超支", "0 or 1",
              NOTIONAL),
        entry("alliance_budget_balance_yuan", BUDGET, surplus.balance_yuan,
              "Alliance budget balance", "医共体包干资金结余", yuan),
        entry("county_account_balance_yuan",
              ("county_account_income_yuan", "county_account_spending_yuan"),
              surplus.balance_yuan, "County account balance", "县级医保基金账户收支结余", yuan),
        entry("pool_balance_yuan", ("pool_income_yuan", "pool_spending_yuan"),
              surplus.balance_yuan, "Pool balance", "统筹基金收支结余", yuan),
    ]  # fmt: skip


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


def _tier_outcomes(tier: str, label: str, zh: str) -> list[Outcome]:
    """Pay outcomes of one tier, constant prices unless named nominal."""
    family, unit = "remuneration", "yuan per full-time equivalent and year, constant prices"
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

    def entry(stem, needs, function, text, text_zh, measured):
        return Outcome(
            f"{stem}_{name}", needs, function, f"{text}, {label}", f"{text_zh}({zh})",
            measured, family, of_panel=True,
        )  # fmt: skip

    log_unit = "log points, constant prices"
    return [
        entry("remuneration_per_fte_yuan", real, mean(False, True, False),
              "Pay per full-time equivalent", "医务人员薪酬", unit),
        entry("log_remuneration_per_fte", real, mean(False, True, True),
              "Log pay per full-time equivalent", "医务人员薪酬(对数)", log_unit),
        entry("nominal_remuneration_per_fte_yuan", columns, mean(False, False, False),
              "Nominal pay per full-time equivalent", "名义薪酬",
              "yuan per full-time equivalent and year, current prices"),
        entry("fixed_mix_remuneration_per_fte_yuan", real, mean(True, True, False),
              "Pay per full-time equivalent at the pre-period staff mix", "固定结构薪酬", unit),
        entry("log_fixed_mix_remuneration_per_fte", real, mean(True, True, True),
              "Log pay per full-time equivalent at the pre-period staff mix",
              "固定结构薪酬(对数)", log_unit),
        entry("composition_effect", columns, composition,
              "Composition effect on log pay", "结构效应", "log points"),
    ]  # fmt: skip


def _type_outcomes(tier: str, label: str, zh: str) -> list[Outcome]:
    names = {
        "physician": "医生",
        "nurse": "护士",
        "technical": "其他卫技",
        "administrative": "管理",
    }
    return [
        Outcome(
            f"remuneration_per_fte_yuan_{pay.TIERS[tier]}_{staff}",
            (f"pay_{tier}_{staff}_yuan", f"fte_{tier}_{staff}", "cpi_index"),
            lambda money, heads, index: _real(pay.pay_per_fte(money, heads), index),
            f"Pay per full-time equivalent, {label}, {staff} staff",
            f"医务人员薪酬({zh},{names[staff]})",
            "yuan per full-time equivalent and year, constant prices",
            "remuneration",
        )
        for staff in pay.TYPES
    ]


def _between_tiers() -> list[Outcome]:
    family = "remuneration"

    def columns(*tiers: str) -> tuple[str, ...]:
        return tuple(
            c for tier in tiers for kind in ("pay", "fte") for c in staff_columns(kind, tier)
        )

    def totals(arrays: tuple[Array, ...]) -> tuple[Array, Array]:
        n = len(pay.TYPES)
        blocks = [np.column_stack(arrays[k : k + n]) for k in range(0, len(arrays), n)]
        sums = [pay._total(block) for block in blocks]
        return np.column_stack(sums[::2]), np.column_stack(sums[1::2])

    def gap(*arrays: Array) -> Array:
        money, staff = totals(arrays)
        each = pay.pay_per_fte(money, staff)
        return pay.log_gap(each[:, 0], each[:, 1])

    def ratio(*arrays: Array) -> Array:
        money, staff = totals(arrays)
        primary = pay.pay_per_fte(money[:, 1:].sum(axis=1), staff[:, 1:].sum(axis=1))
        return primary / pay.pay_per_fte(money[:, 0], staff[:, 0])

    def theil(*arrays: Array) -> Array:
        return pay.between_tier_theil(*totals(arrays))

    def overall(*arrays: Array) -> Array:
        money, staff = totals(arrays[:-1])
        return _real(pay.mean_pay(money, staff), arrays[-1])

    yuan = "yuan per full-time equivalent and year, constant prices"
    return [
        Outcome("remuneration_per_fte_yuan", (*columns("H", "T", "V"), "cpi_index"), overall,
                "Pay per full-time equivalent, all tiers", "医务人员薪酬(各级)", yuan, family),
        Outcome("pay_gap_hospital_township", columns("H", "T"), gap,
                "Log pay gap, hospital over township", "县乡薪酬差距(对数)", "log points", family),
        Outcome("pay_gap_township_village", columns("T", "V"), gap,
                "Log pay gap, township over village", "乡村薪酬差距(对数)", "log points", family),
        Outcome("pay_theil_between_tiers", columns("H", "T", "V"), theil,
                "Theil index of pay between tiers", "层级间泰尔指数", "nats", family),
        Outcome("personnel_share", ("personnel_spending_yuan", "revenue_yuan"),
                pay.personnel_share, "Personnel share of revenue", "人员支出占比",
                "share of revenue", family),
        Outcome("indicator_6_income_ratio", columns("H", "T"), ratio,
                "Pay per head, primary level over lead hospital "
                "(our operationalisation of indicator 6)",
                "基层与牵头医院人均收入比(本书口径,指标6)", "ratio", family),
    ]  # fmt: skip


def _share_outcomes() -> list[Outcome]:
    def entry(name, needs, function, label, zh, unit, of_panel=False):
        return Outcome(name, needs, function, label, zh, unit, "shares", of_panel=of_panel)

    ours = "(our operationalisation of indicator {})"
    spending = ("inpatient_spending_yuan", "inpatient_admissions_n")

    def inpatient_growth(panel: Panel, money: Array, admissions: Array) -> Array:
        cost = shares.share(money, admissions)
        return shares.growth(cost, panel.unit_codes, panel.years[panel.year_codes])

    def fund_in_county(total: Array, out: Array) -> Array:
        return shares.share(total - out, total)

    def fund_at_primary(primary: Array, total: Array, out: Array) -> Array:
        return shares.share(primary, total - out)

    fund = ("spending_yuan", "out_of_county_spending_yuan")
    places = {"village": "村", "township": "乡", "county": "县医院", "out": "县外"}
    logs = [
        entry(f"log_visits_per_insured_{place}", (f"visits_{place}", "insured_n"),
              shares.log_visits_per_insured, f"Log visits per insured person, {place}",
              f"人均就诊次数(对数,{zh})", "log points")
        for place, zh in places.items()
    ]  # fmt: skip
    return [
        *logs,
        entry("primary_care_visit_share", VISITS, shares.primary_care_visit_share,
              "Primary-care share of visits", "基层诊疗量占比",
              "share of the insured residents' visits"),
        entry("in_county_visit_share", VISITS, shares.in_county_visit_share,
              "In-county share of visits", "县域内就诊率",
              "share of the insured residents' visits"),
        entry("indicator_7_primary_visits", VISITS[:3], shares.primary_share_of_county_visits,
              f"Primary-care share of visits in the county {ours.format(7)}",
              "县域内基层诊疗人次占比(本书口径,指标7)", "share of visits in the county"),
        entry("indicator_8_fund_in_county", fund, fund_in_county,
              f"Fund spent in the county {ours.format(8)}",
              "医保基金县域内支出占比(本书口径,指标8)", "share of fund spending"),
        entry("indicator_9_fund_at_primary", ("primary_care_spending_yuan", *fund),
              fund_at_primary, f"Fund spent at the primary level {ours.format(9)}",
              "基层医保支出占比(本书口径,指标9)", "share of fund spending in the county"),
        entry("indicator_10_inpatient_cost_yuan", spending, shares.share,
              f"Inpatient cost per admission {ours.format(10)}",
              "县域内住院人均费用(本书口径,指标10)", "yuan per admission, current prices"),
        entry("indicator_10_inpatient_cost_growth", spending, inpatient_growth,
              f"Growth of inpatient cost per admission {ours.format(10)}",
              "县域内住院人均费用增长率(本书口径,指标10)", "share of the year before", True),
    ]  # fmt: skip


def _all_outcomes() -> dict[str, Outcome]:
    tiers = {
        "H": ("hospital", "县医院"),
        "T": ("township centres", "乡镇"),
        "V": ("village", "村"),
    }
    listed = _surplus_outcomes() + _between_tiers() + _share_outcomes()
    for tier, (label, zh) in tiers.items():
        listed += _tier_outcomes(tier, label, zh) + _type_outcomes(tier, label, zh)
    return {outcome.name: outcome for outcome in listed}


OUTCOMES: dict[str, Outcome] = _all_outcomes()
