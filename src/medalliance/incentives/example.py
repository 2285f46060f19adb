"""The example of the chapters: an alliance, its patients, a contract. Every number is chosen."""

from __future__ import annotations

from typing import Any

from .contract import Contract
from .technology import Technology

SPLIT = (0.6, 0.3, 0.1)


def example_alliance(*, care: bool = True) -> Technology:
    """Return the example: a lead hospital, ten township centres, a hundred village clinics.

    Money is in units of 100,000 yuan; spending without a contract is 1000 of them, 100 million
    yuan. Prices, costs and savings are chosen to show how rules work; wages are a hospital of 400
    staff, centres of 24, clinics of one, at about what such staff earn.

    Parameters
    ----------
    care : bool
        With needed care that can be withheld, needed services that are under-supplied, and
        high-cost patients who can be sent out of the county; or without, as in the plain model.
    """
    plain = Technology(
        members=[1, 10, 100],
        saving=[40, 20, 6],
        effort_cost=[40, 20, 6],
        margin_pay=0.3,
        price=[60, 12, 2],
        margin=[12, 2.4, 0.4],
        inducement_cost=[12, 2.4, 0.4],
        fund_share=0.7,
        sigma=40.0,
        baseline_spending=1000.0,
        wage=[400.0, 24.0, 0.4],
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
