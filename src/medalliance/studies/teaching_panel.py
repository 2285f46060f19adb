"""Generate the teaching panel: invented counties whose true effects are known.

The generator runs every county twice with the same random numbers, once under the reform and
once without it. The mean difference in a cohort and year is the true effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..outcomes import outcome_values
from ..outcomes.remuneration import TYPES
from ..panel import Panel
from ..provenance import Badge

Array = NDArray[np.float64]

SEED = 20_240_601
YEARS = np.arange(2012, 2024)
N_PROVINCES, N_PREFECTURES, N_COUNTIES = 4, 20, 200
# One cohort a prefecture; each province has treated and never-treated prefectures.
COHORTS = np.array([2016, 2018, 2020, 0, 0, 2018, 2016, 2020, 2018, 0] * 2)
GRADED = (
    "fund_surplus_rate",
    "log_spending_to_budget",
    "log_spending_per_insured",
    "log_budget_per_insured",
    "log_remuneration_per_fte_township",
    "log_fixed_mix_remuneration_per_fte_township",
    "composition_effect_township",
    "log_remuneration_per_fte_hospital",
    "pay_gap_hospital_township",
    "primary_care_visit_share",
    "in_county_visit_share",
)
# Pay relative to the township mean, then its starting level in yuan and staff per tier.
TYPE_PAY = np.array([1.25, 0.95, 0.9, 0.8])
TIER_PAY = {"H": 86_000.0, "T": 58_000.0, "V": 30_000.0}
# Township centres hire physicians and shed administrators as the reform ages.
MIX_LIFT = np.array([1.0, 0.0, 0.0, -1.0])
TIER_STAFF = {
    "H": np.array([210.0, 330.0, 110.0, 90.0]),
    "T": np.array([190.0, 140.0, 80.0, 60.0]),
    "V": np.array([260.0, 20.0, 10.0, 4.0]),
}


@dataclass(frozen=True, eq=False)
class Shocks:
    """What does not depend on the reform; arrays broadcast to (n_counties, n_years)."""

    insured: Array
    rural: Array
    quota: Array
    adjustment: Array
    cpi: Array
    spending: Array
    pay: dict[str, Array]
    logits: Array
    volume: Array
    staff: dict[str, Array]
    personnel: Array
    income: Array


def generate(seed: int = SEED) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Generate the teaching panel with its true effects.

    Returns
    -------
    panel : DataFrame, shape (2400, n_columns)
        Raw columns of the county-year schema, with invented codes.
    truth : DataFrame
        ``outcome, cohort, year, att, n_units``: mean difference between the two runs.
    """
    rng = np.random.default_rng(seed)
    keys = _keys()
    cohort = keys["cohort"].to_numpy()
    shocks = _draw(rng, keys["prefecture"].to_numpy())
    treated = _columns(keys, shocks, cohort)
    untreated = _columns(keys, shocks, np.zeros_like(cohort))
    return treated, _truth(treated, untreated)


def write(folder: Path) -> None:
    """Write the frozen files ``panel.parquet`` and ``truth.csv`` into a folder."""
    panel, truth = generate()
    panel.to_parquet(folder / "panel.parquet", index=False, compression="zstd")
    truth.to_csv(folder / "truth.csv", index=False, float_format="%.12g")


def _keys() -> pd.DataFrame:
    county = np.arange(N_COUNTIES)
    prefecture = county // (N_COUNTIES // N_PREFECTURES)
    province = prefecture // (N_PREFECTURES // N_PROVINCES)
    return pd.DataFrame(
        {
            "county_code": [f"9{p + 1}{f % 5 + 1:02d}{c % 10 + 1:02d}" for p, f, c in
                            zip(province, prefecture, county, strict=True)],
            "county_name": [f"County {c + 1:03d}" for c in county],
            "prefecture_code": [f"9{p + 1}{f % 5 + 1:02d}00" for p, f in
                                zip(province, prefecture, strict=True)],
            "province_code": [f"9{p + 1}0000" for p in province],
            "prefecture": prefecture,
            "cohort": COHORTS[prefecture],
        }
    )  # fmt: skip


def _draw(rng: np.random.Generator, prefecture: NDArray[np.intp]) -> Shocks:
    n, t = N_COUNTIES, len(YEARS)
    trend = np.arange(t)
    rural = rng.uniform(0.35, 0.85, n)[:, None]
    area = rng.normal(0, 0.005, (N_PREFECTURES, t)).cumsum(axis=1)[prefecture]
    wage = rng.normal(0, 0.004, (N_PREFECTURES, t)).cumsum(axis=1)[prefecture]
    place = rng.normal(0, 0.010, (N_PREFECTURES, t))[prefecture]

    def noise(scale: float) -> Array:
        return rng.normal(0, scale, (n, t))

    start = rng.lognormal(np.log(420_000), 0.35, n)[:, None]
    quota = 520.0 * 1.085**trend
    spending = 0.03 + rng.normal(0, 0.09, (n, 1)) - 0.004 * trend * (rural - 0.6) + area
    level = np.stack([0.35 + 1.2 * (rural - 0.6), 0.55 + 0 * rural, 0.9 - 0.5 * (rural - 0.6)])
    level = level + rng.normal(0, 0.18, (3, n, 1))
    drift = np.array([-0.028, -0.012, 0.018])[:, None, None] * trend
    logits = level + drift + place + rng.normal(0, 0.04, (3, n, t))
    pay = {
        tier: money * 1.07**trend * np.exp(rng.normal(0, 0.07, (n, 1)) + wage + noise(0.02))
        for tier, money in TIER_PAY.items()
    }
    staff = {
        tier: np.exp(rng.normal(0, 0.15, (n, 1, 1)) + rng.normal(0, 0.03, (n, t, 4))) * heads
        for tier, heads in TIER_STAFF.items()
    }
    return Shocks(
        insured=np.round(start * 0.997**trend * np.exp(noise(0.004))),
        rural=rural,
        quota=np.asarray(quota, dtype=float),
        adjustment=np.exp(rng.normal(0, 0.05, (n, 1)) + 0.5 * (spending[:, :1] - 0.03)),
        cpi=np.round(1.021**trend, 6),
        spending=spending + noise(0.025),
        pay=pay,
        logits=logits,
        volume=np.asarray(
            5.2 * 1.015**trend * np.exp(rng.normal(0, 0.08, (n, 1)) + noise(0.02)), dtype=float
        ),
        staff=staff,
        personnel=0.38 * np.exp(rng.normal(0, 0.06, (n, 1)) + noise(0.02)),
        income=np.exp(noise(0.01)),
    )


def _columns(keys: pd.DataFrame, s: Shocks, cohort: NDArray[np.int64]) -> pd.DataFrame:
    """Build the raw columns under a vector of cohorts (all zero: without the reform)."""
    since = np.where(cohort[:, None] > 0, YEARS - cohort[:, None], -1)
    on = since >= 0
    grown = np.minimum(since, 4) * on
    early = np.where(cohort == 2016, 1.4, np.where(cohort == 2018, 1.0, 0.7))[:, None]

    notional = np.round(s.quota * s.insured * s.adjustment, 2)
    budget = np.where(on, np.round(notional * np.exp(0.02 * on), 2), np.nan)
    log_e = np.log(s.quota) + s.spending - early * (0.015 + 0.012 * grown) * on
    spending = np.round(np.exp(log_e) * s.insured, 2)

    lift = np.stack([0.05 * on, (0.10 + 0.05 * grown) * early * on, -0.04 * early * on])
    logits = s.logits + lift
    weights = np.exp(np.concatenate([logits, np.zeros((1, *logits.shape[1:]))]))
    shares = weights / weights.sum(axis=0)
    counts = np.round(shares * s.volume * s.insured)
    out_share = 0.25 + 0.6 * shares[3]

    table = {name: np.repeat(keys[name].to_numpy(), len(YEARS)) for name in keys.columns[:4]}
    grids = {
        "year": np.broadcast_to(YEARS, on.shape),
        "cohort": np.broadcast_to(keys["cohort"].to_numpy()[:, None], on.shape),
        "rural_share": np.broadcast_to(np.round(s.rural, 4), on.shape),
        "insured_n": s.insured,
        "resident_n": np.round(s.insured * 1.18),
        "cpi_index": np.broadcast_to(s.cpi, on.shape),
        "budget": budget,
        "notional_budget": notional,
        "spending": spending,
        "county_account_income": np.round(notional * s.income, 2),
        "county_account_spending": np.round(
            spending + 0.6 * np.maximum(np.nan_to_num(budget - spending), 0.0), 2
        ),
        "out_of_county_spending": np.round(spending * out_share, 2),
        "primary_care_spending": np.round(
            spending * (1 - out_share) * (shares[0] + shares[1]) * 0.35, 2
        ),
        "inpatient_admissions_n": np.round(s.insured * 0.14 * np.exp(-0.01 * grown)),
        "inpatient_spending": np.round(spending * (1 - out_share) * 0.6, 2),
        **dict(zip(_visits(), counts, strict=True)),
        **_pay_columns(s, on, grown, early),
    }
    table |= {name: np.ascontiguousarray(grid).reshape(-1) for name, grid in grids.items()}
    frame = pd.DataFrame(table)
    frame["revenue"] = (frame["personnel_spending"] / s.personnel.reshape(-1)).round(2)
    whole = ["insured_n", "resident_n", "inpatient_admissions_n", *_visits()]
    return frame.astype(dict.fromkeys(whole, np.int64))


def _visits() -> list[str]:
    return [f"visits_{place}" for place in ("village", "township", "county", "out")]


def _pay_columns(s: Shocks, on: NDArray[np.bool_], grown: Array, early: Array) -> dict[str, Array]:
    lift = {"H": 0.01 * on, "T": early * (0.03 + 0.015 * grown) * on, "V": 0.02 * on}
    columns: dict[str, Array] = {}
    for tier in TIER_PAY:
        mix = np.exp(0.02 * grown[:, :, None] * MIX_LIFT) if tier == "T" else 1.0
        fte = np.round(s.staff[tier] * mix, 1)
        each = s.pay[tier][:, :, None] * np.exp(lift[tier])[:, :, None] * TYPE_PAY
        for k, staff in enumerate(TYPES):
            columns[f"fte_{tier}_{staff}"] = np.asarray(fte[:, :, k], dtype=float)
            columns[f"pay_{tier}_{staff}"] = np.round(each[:, :, k] * fte[:, :, k], 2)
    total = sum(grid for name, grid in columns.items() if name.startswith("pay_"))
    columns["personnel_spending"] = np.round(total * 1.22, 2)
    return columns


def _truth(treated: pd.DataFrame, untreated: pd.DataFrame) -> pd.DataFrame:
    runs = [
        Panel.from_frame(
            frame.assign(budget=frame["budget"].fillna(frame["notional_budget"])),
            unit="county_code",
            year="year",
            cohort="cohort",
            badge=Badge.SYNTHETIC,
        )
        for frame in (treated, untreated)
    ]
    keys = runs[0].frame[["cohort", "year"]]
    after = (keys["cohort"] > 0) & (keys["year"] >= keys["cohort"])
    tables = []
    for name in GRADED:
        effect = outcome_values(runs[0], name) - outcome_values(runs[1], name)
        means = keys.assign(att=effect)[after].groupby(["cohort", "year"])["att"]
        table = means.agg(att="mean", n_units="size").reset_index()
        tables.append(table.assign(outcome=name))
    return pd.concat(tables)[["outcome", "cohort", "year", "att", "n_units"]].reset_index(drop=True)
