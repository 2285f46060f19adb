"""What claims shall add up to: cells of a county-year, scaled from a simulated panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# second and third claims of a visit stand where v % EVERY[...] == REST[...]
SECOND, EXTRA, PARTIAL, TWICE = (7, 3), (29, 5), (41, 7), (82, 7)
EXTRA_FEN = 500  # of the claim out of scope that an in-scope visit may carry
GHOSTS = 0.01  # claims that are taken back whole, against visits
PATIENT_VISITS = 4  # visits of a patient in a year, about
STRANGERS = 0.02  # persons seen out of scope alone, against patients


@dataclass(frozen=True)
class Cell:
    """Care that counts in one way.

    ``visits`` is the share of a column of the simulated panel (``of``) that falls into the cell,
    ``fund`` the share of that cell's pot of money.
    """

    place: str
    tier: str
    setting: str
    in_scope: bool
    of: str
    visits: float
    pot: str
    fund: float


# in scope first: persons are dealt to these cells before the others
CELLS = (
    Cell("village", "village", "op", True, "visits_village", 1.0, "primary", 0.30),
    Cell("township", "township", "op", True, "visits_township", 0.9, "primary", 0.30),
    Cell("township", "community", "er", True, "visits_township", 0.1, "primary", 0.10),
    Cell("county", "county", "op", True, "visits_county", 0.7, "county", 0.25),
    Cell("county", "above", "op", True, "visits_county", 0.1, "county", 0.08),
    Cell("county", "county", "er", True, "visits_county", 0.2, "county", 0.05),
    Cell("out", "above", "op", True, "visits_out", 0.8, "out", 0.30),
    Cell("out", "township", "er", True, "visits_out", 0.2, "out", 0.05),
    Cell("township", "township", "ip", True, "insured_n", 0.03, "primary", 0.30),
    Cell("county", "county", "ip", True, "insured_n", 0.08, "county", 0.60),
    Cell("out", "above", "ip", True, "insured_n", 0.03, "out", 0.63),
    Cell("other", "other", "op", True, "visits_county", 0.15, "county", 0.02),
    Cell("out", "other", "op", True, "visits_out", 0.05, "out", 0.02),
    Cell("county", "county", "op", False, "visits_county", 0.04, "county", 0.03),
    Cell("village", "village", "op", False, "visits_village", 0.02, "primary", 0.01),
    Cell("county", "county", "ip", False, "insured_n", 0.002, "county", 0.02),
)
IN_SCOPE = sum(cell.in_scope for cell in CELLS)


@dataclass(frozen=True, eq=False)
class Plan:
    """Visits, fund and own payments by county-year and cell, in whole numbers and fen.

    Attributes
    ----------
    keys : DataFrame
        ``county_code, prefecture_code, province_code, year``; rows n.
    visits, fund, own : ndarray of int64, shape (n, cells)
    ghosts : ndarray of int64, shape (n,)
        Claims that are taken back whole.
    """

    keys: pd.DataFrame
    visits: Ints
    fund: Ints
    own: Ints
    ghosts: Ints

    @property
    def patients(self) -> Ints:
        """Persons with care in scope, shape (n,)."""
        return -(-self.visits[:, :IN_SCOPE].sum(axis=1) // PATIENT_VISITS)


def counted(n: Ints, every: tuple[int, int]) -> Ints:
    """Count 0..n-1 that leave the rest: v % every[0] == every[1]."""
    return np.maximum(n - every[1] + every[0] - 1, 0) // every[0]


def plan_claims(frame: pd.DataFrame, rows: int) -> Plan:
    """Scale a simulated panel down, or up, to about as many rows of claims."""
    full = np.column_stack([frame[c.of].to_numpy(float) * c.visits for c in CELLS])
    per_visit = 1 + 1 / SECOND[0] + 1 / EXTRA[0] + 1 / PARTIAL[0] + 1 / TWICE[0] + 2 * GHOSTS
    factor = rows / (full.sum() * per_visit * 1.012)
    pots = {
        "out": frame["out_of_county_spending"],
        "primary": frame["primary_care_spending"],
        "county": frame["spending"]
        - frame["out_of_county_spending"]
        - frame["primary_care_spending"],
    }
    visits = np.maximum(np.round(full * factor), 2).astype(np.int64)
    money = np.column_stack([pots[c.pot].to_numpy(float) * c.fund for c in CELLS])
    fund = np.maximum(np.round(money * factor * 100), 10 * visits).astype(np.int64)
    code = frame["county_code"].astype("str")
    keys = pd.DataFrame(
        {
            "county_code": code,
            "prefecture_code": code.str[:4] + "00",
            "province_code": code.str[:2] + "0000",
            "year": frame["year"],
        }
    )
    keys = keys.reset_index(drop=True)
    ghosts = np.maximum(np.round(visits.sum(axis=1) * GHOSTS), 4).astype(np.int64)
    return Plan(keys, visits, fund, fund * 2 // 3, ghosts)


def known_panel(plan: Plan, *, provider_ids: bool) -> pd.DataFrame:
    """Return the county-year panel that claims made from a plan must give, to the fen."""

    def total(values: Ints, scope: bool = True, **wanted: tuple[str, ...]) -> Ints:
        use = [
            c.in_scope == scope and all(getattr(c, k) in v for k, v in wanted.items())
            for c in CELLS
        ]
        return values[:, use].sum(axis=1)

    real = tuple({c.tier for c in CELLS} - {"other"})
    by_place = {p: total(plan.fund, place=(p,)) for p in ("village", "township", "county", "out")}
    extra = counted(plan.visits[:, :IN_SCOPE], EXTRA).sum(axis=1)
    claims = plan.visits + counted(plan.visits, SECOND)
    inside = ("village", "township", "county", "other")
    cost = plan.fund + plan.own
    money = {
        "spending": total(plan.fund),
        "out_of_county_spending": by_place["out"],
        "primary_care_spending": by_place["village"] + by_place["township"],
        **{f"fund_{place}": values for place, values in by_place.items()},
        "inpatient_spending": total(cost, place=inside, setting=("ip",)),
        "out_of_scope_spending": total(plan.fund, scope=False) + EXTRA_FEN * extra,
    }
    seen = ("op", "er")
    counts = {
        **{
            f"visits_{p}": total(plan.visits, place=(p,), setting=seen, tier=real) for p in by_place
        },
        "inpatient_admissions_n": total(plan.visits, place=inside, setting=("ip",)),
        "admissions_township": total(plan.visits, place=("township",), setting=("ip",)),
        "admissions_county": total(plan.visits, place=("county",), setting=("ip",)),
        "admissions_out": total(plan.visits, place=("out",), setting=("ip",)),
        "patients_n": plan.patients,
        "claims_n": claims.sum(axis=1) + extra,
        "out_of_scope_visits": total(plan.visits, scope=False, setting=seen, tier=real),
    }
    words = "provider" if provider_ids else "tier"
    frame = plan.keys.assign(
        visit_def=f"person, {words}, day, setting",
        spending_basis="accrual",
        **{name: fen / 100 for name, fen in money.items()},
        **counts,
    )
    return frame.sort_values(["county_code", "year"], ignore_index=True)
