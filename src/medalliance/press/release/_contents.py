"""Gather a release: every whitelisted table, or the reason why it is withheld."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from ...disclosure import Limits
from ...errors import DataError, DesignError
from ...panel import Panel
from ...registered.estimates import ANTICIPATION
from . import _effects, _tables
from ._items import TITLES, Contents, Item, Withheld

SUMS: dict[str, Callable[[Panel, Limits], Item]] = {
    "counties_by_prefecture": _tables.described,
    "visits_by_place": _tables.visits,
    "money_by_cohort": _tables.money,
    "pay_by_tier": _tables.pay,
}
NEVER = (
    ("panel", "The panel, and any table with a row a county", "rows of single counties"),
    ("county_effects", "Fixed effects, residuals, influence functions", "one number a county"),
    ("leave_one_out", "Estimates without one county or prefecture", "give it by difference"),
    ("extremes", "Smallest, largest, quantiles", "values of single counties"),
    ("maps", "Maps and figures with a mark a county", "values of single counties"),
    ("notebooks", "Notebooks with their outputs", "hold any of the above"),
)


def releasable(name: str) -> bool:
    """Return whether a table of this name is on the whitelist."""
    return name in TITLES


def release_contents(
    panel: Panel, limits: Limits, *, report: Callable[[str], None] = lambda line: None
) -> Contents:
    """Protect every whitelisted table of a panel.

    Parameters
    ----------
    panel : Panel
    limits : Limits
    report : callable
        Gets a line of progress at a time.

    Returns
    -------
    Contents

    Raises
    ------
    DataError
        If nothing may leave.
    """
    items: list[Item] = []
    withheld: list[Withheld] = []
    for name, build in SUMS.items():
        report(f"{TITLES[name]} …")
        try:
            items.append(build(panel, limits))
        except DataError as refused:
            withheld.append(Withheld(name, TITLES[name], _plain(refused)))
    report(f"{TITLES['estimates']} …")
    try:
        item, missing = _effects.estimates(panel, limits)
        items += [item, _settings(panel, limits)]
        withheld += missing
    except DataError as refused:
        withheld.append(Withheld("estimates", TITLES["estimates"], _plain(refused)))
    except DesignError:
        reason = "the panel does not carry them; see the check"
        withheld.append(Withheld("estimates", TITLES["estimates"], reason))
    if not items:
        reasons = "\n".join(f"  - {one.title}: {one.reason}" for one in withheld)
        raise DataError(f"nothing of this panel may leave.\n{reasons}")
    withheld += [Withheld(*line) for line in NEVER]
    return Contents(tuple(items), tuple(withheld), {"panel": panel.data_hash})


def _plain(refused: DataError) -> str:
    """Return a refusal as one line; refusals of tables name labels, never a number or a county."""
    return " ".join(str(refused).split())


def _settings(panel: Panel, limits: Limits) -> Item:
    rows: list[tuple[str, Any]] = [
        ("estimator", "group-time average treatment effects, doubly robust, not-yet-treated"),
        ("years left out before the reform", ANTICIPATION),
        ("first year", int(panel.years[0])),
        ("last year", int(panel.years[-1])),
        ("clusters", panel.cluster or "counties"),
        ("currency", panel.currency),
        ("fewest counties behind an estimate", limits.counties),
    ]
    frame = pd.DataFrame(rows, columns=["setting", "value"]).astype({"value": str})
    record = frame[["setting"]].assign(variable="value", status="published", reason="")
    rules = "names and numbers of the specification; none is made from a county's values"
    return Item("settings", TITLES["settings"], frame, record, rules)
