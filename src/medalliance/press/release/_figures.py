"""Figures of a release, drawn from released tables alone."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from ...disclosure import TOTAL
from ...outcomes import outcome_label
from ._effects import EVENT
from ._items import Item

DPI = 200
DRAWN = (
    "log_spending_per_insured",
    "fund_surplus_rate",
    "log_fixed_mix_remuneration_per_fte_hospital",
    "log_fixed_mix_remuneration_per_fte_township",
    "primary_care_visit_share",
    "in_county_visit_share",
)


def figures(items: dict[str, Item]) -> dict[str, bytes]:
    """Draw what released tables carry; a hidden number leaves a gap.

    Returns
    -------
    dict of str to bytes
        PNG files, named by table.
    """
    from ...show import plots

    made: dict[str, bytes] = {}
    if "visits_by_place" in items:
        frame = _numbers(items["visits_by_place"], TOTAL, "place")
        labels = {"year": "year", "share": "share of visits"}
        if frame["share"].notna().any():
            made["visits_by_place--shares"] = _png(
                plots.lines(frame, x="year", y="share", by="place", labels=labels)
            )
    if "money_by_cohort" in items:
        frame = items["money_by_cohort"].rounded
        frame = frame[frame["cohort"] == TOTAL].assign(year=frame["year"].astype(int))
        columns = [name for name in ("spending_with_budget", "budget") if name in frame.columns]
        long = frame.melt("year", columns or ["spending"], "what", "yuan")
        long["yuan"] = long["yuan"].astype(float) / 1e8
        labels = {"year": "year", "yuan": "100 million yuan",
                  "spending_with_budget": "spending under a budget"}  # fmt: skip
        if long["yuan"].notna().any():
            made["money_by_cohort--totals"] = _png(
                plots.lines(long, x="year", y="yuan", by="what", labels=labels)
            )
    if "estimates" in items:
        frame = items["estimates"].frame
        event = frame[(frame["level"] == EVENT) & frame["estimate"].notna()]
        for name, part in event.groupby("outcome", sort=True):
            if name in DRAWN and (part["event_time"] >= 0).any():
                shown = part.assign(event_time=part["event_time"].astype(float))
                ax = plots.event_study(shown, unit=f"effect on {outcome_label(str(name))}")
                made[f"estimates--{name}"] = _png(ax)
    return made


def _numbers(item: Item, total: str, column: str) -> pd.DataFrame:
    frame = item.rounded
    frame = frame[frame[column] != total]
    return frame.assign(year=frame["year"].astype(int))


def _png(ax: Any) -> bytes:
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure = ax.figure
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", facecolor="white",
                   metadata={"Software": None})  # fmt: skip
    plt.close(figure)
    return buffer.getvalue()
