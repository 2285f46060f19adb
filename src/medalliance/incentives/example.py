"""The example of the chapters: an alliance, its patients, a contract; what its numbers rest on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..show.findings import Findings
from .contract import Contract
from .equilibrium import MODEL
from .patients import PatientChoice, saving_per_effort
from .technology import Technology

SPLIT = (0.6, 0.3, 0.1)
MEMBERS = (1.0, 10.0, 100.0)
SPENDING = 1000.0  # in units of 100,000 yuan: 100 million yuan
# Published figures (statistics.csv): visits of 2022 in 100 million, fund and insured, wage in yuan.
_VISITS = {
    "visits_county_hospital": 13.5,
    "visits_township_centre": 12.1,
    "visits_village_clinic": 12.8,
}
_FUND, _INSURED, _WAGE = 9353.44e8, 98349e4, 135222.0
_OUTSIDE = 0.10
_STAFF = (400.0, 24.0)


def example_alliance(*, care: bool = True) -> Technology:
    """Return the example: a lead hospital, ten township centres, a hundred village clinics.

    Money is in units of 100,000 yuan; spending without a contract is 1000 of them. What rests on
    published figures, and what is chosen, is said by :func:`magnitudes`.

    Parameters
    ----------
    care : bool
        With needed care that can be withheld, needed services that are under-supplied, and
        high-cost patients who can be sent out of the county; or without, as in the plain model.
    """
    wage = _WAGE / 1e5
    plain = Technology(
        members=MEMBERS,
        saving=[40, 20, 6],
        effort_cost=[40, 20, 6],
        margin_pay=0.3,
        price=[60, 12, 2],
        margin=[12, 2.4, 0.4],
        inducement_cost=[12, 2.4, 0.4],
        fund_share=0.7,
        sigma=40.0,
        baseline_spending=SPENDING,
        wage=[_STAFF[0] * wage, _STAFF[1] * wage, 0.4],
    )
    if not care:
        return plain
    return plain.replace(
        withholding_saving=[8, 4, 1],
        withholding_harm=[16, 8, 2],
        withholding_cost=[8, 4, 1],
        score_effect=[0.2, 0.02, 0.002],
        need=[0, 1, 1],
        needed_price=[10, 5, 2],
        needed_margin=[3, 1.5, 0.6],
        needed_cost=[1.8, 0.9, 0.36],
        needed_value=[15, 8, 3],
        needed_saving=[2, 1, 0.4],
        export_spending=[20, 0, 0],
        export_price=[30, 0, 0],
        export_harm=[4, 0, 0],
        export_cost=[40, 1, 1],
        outflow_spending=80.0,
        baseline_needed=None,
    )


def example_contract(**terms: Any) -> Contract:
    """Return the 6:3:1 contract of the example, with some terms changed."""
    return Contract(**{"split": SPLIT, "pay_share": 0.5, "penalty": 1.0, **terms})


def example_patients(gate: float = 0.0) -> PatientChoice:
    """Return the example's patients, whom efforts of townships and villages move.

    Visits inside the county divide as the nation's of 2022 among county hospitals, township
    centres and village clinics. Attraction is such that a township centre's effort saves 20, a
    clinic's 6, as in the example; the hospital's saves by management.

    Parameters
    ----------
    gate : float
        Yuan that a patient pays more for a hospital or a place outside without a referral.
    """
    inside = np.array(list(_VISITS.values()))
    shares = np.append(inside / inside.sum() * (1 - _OUTSIDE), _OUTSIDE)
    paid, cost = np.array([60.0, 10.0, 5.0, 200.0]), np.array([250.0, 80.0, 40.0, 600.0])
    share, sensitivity = 0.7, 0.004
    fields: dict[str, Any] = {
        "visits": SPENDING / (share * float(shares @ cost)),
        "appeal": np.log(shares) + sensitivity * paid,
        "cost": cost,
        "out_of_pocket": paid,
        "members": MEMBERS,
        "fund_share": share,
        "price_sensitivity": sensitivity,
    }
    one = PatientChoice(**fields, attraction=[0.0, 1.0, 1.0, 0.0])
    unit = saving_per_effort(one, shares)
    return one.replace(attraction=[0.0, 20.0 / unit[1], 6.0 / unit[2], 0.0], gate=gate)


def magnitudes() -> Findings:
    """Say what the example's sizes rest on: a published figure with its source, or a choice.

    Returns
    -------
    Findings
        One row a size: ``size, value, unit, rests_on`` (``published``, ``derived``, ``chosen``),
        ``figure, source_id``; beside it ``.insured``, the people whom the example's spending
        would cover.
    """
    import pandas as pd

    patients = example_patients()
    insured = SPENDING * 1e5 / (_FUND / _INSURED)
    inside = sum(_VISITS.values())
    rows: list[tuple[str, float, str, str, str, str]] = [
        ("fund spending per insured", _FUND / _INSURED, "yuan a year", "derived",
         "residents_fund_spending, residents_insured", "NHSA_2022"),
        ("yearly pay of hospital and township staff", _WAGE, "yuan", "published",
         "wage_health_sector", "NBS_WAGE2022"),
        *(
            (f"part of the county's visits, {name}", 100 * visits / inside, "%", "derived",
             variable, "NHC_2022")
            for name, (variable, visits) in zip(
                ("hospital", "township", "village"), _VISITS.items(), strict=True
            )
        ),
        ("visits per insured", patients.visits * 1e5 / insured, "a year", "derived",
         "from prices and spending", ""),
        ("part of visits outside the county", 100 * _OUTSIDE, "%", "chosen", "", ""),
        *(
            (f"price of a visit, {name}", float(cost), "yuan", "chosen", "", "")
            for name, cost in zip(
                ("hospital", "township", "village", "outside"), patients.cost, strict=True
            )
        ),
        ("staff of the hospital", _STAFF[0], "people", "chosen", "", ""),
        ("staff of a township centre", _STAFF[1], "people", "chosen", "", ""),
        ("yearly pay of a village doctor", 40_000.0, "yuan", "chosen", "", ""),
        ("standard deviation of the surplus", 4.0, "% of spending", "chosen", "", ""),
        ("what effort saves, harm, value of needed services", float("nan"), "", "chosen", "", ""),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["size", "value", "unit", "rests_on", "figure", "source_id"])
    return Findings(
        frame,
        "What the example's sizes rest on",
        "Chosen: no published figure is in hand. The example is no county.",
        MODEL,
        {"insured": insured},
    )
