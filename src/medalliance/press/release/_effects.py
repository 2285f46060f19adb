"""The whitelisted estimates: headlines, event times and cells of the outcome chapters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...disclosure import FEW_COUNTIES, Limits, Support, average_relations, safe_estimates
from ...errors import DataError, DesignError
from ...outcomes import outcome_label
from ...panel import Panel
from ...registered.estimates import PAY, SURPLUS, VISITS, last_horizon, registered_effects
from ...results import Effects
from ...results._aggregate import plan_average
from ._items import TITLES, Item, Withheld

FIRST_EVENT = -5
_COLUMNS = ["outcome", "level", "cohort", "year", "event_time", "estimate", "std_error",
            "conf_low", "conf_high", "n_units", "na"]  # fmt: skip
HEADLINE, EVENT, CELL = "headline", "event time", "cohort and year"


def outcomes() -> list[str]:
    """Return the registered outcomes of the outcome chapters, each once."""
    return list(dict.fromkeys((*SURPLUS, *PAY, *VISITS)))


def estimates(panel: Panel, limits: Limits) -> tuple[Item, list[Withheld]]:
    """Return headline, event times and cells of every registered outcome that may leave.

    Raises
    ------
    DataError
        If none may.
    """
    horizon = last_horizon(panel)
    shown, records, withheld = [], [], []
    for name in outcomes():
        title = f"estimates: {outcome_label(name)}"
        try:
            effects = registered_effects(panel, name)
        except DesignError:
            withheld.append(Withheld(name, title, "the panel cannot give it; see the check"))
            continue
        missed = support(effects).shortfall(limits)
        if missed:
            withheld.append(Withheld(name, title, missed))
            continue
        frame, reasons = _outcome(effects, name, horizon, limits)
        shown.append(frame[_COLUMNS])
        records.append(_record(frame, reasons))
    if not shown:
        raise DataError("no outcome has enough counties, treated clusters and freedom.")
    rules = (
        f"at least {limits.counties} counties behind each estimate, {limits.treated_clusters} "
        f"treated clusters, {limits.freedom} residual degrees of freedom; averages and their "
        "parts protected together"
    )
    every = pd.concat(shown, ignore_index=True)
    item = Item(
        "estimates", TITLES["estimates"], every, pd.concat(records, ignore_index=True), rules,
        int(every["n_units"].min()) if every["n_units"].notna().any() else None,
        decimals=dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), 5)
        | {"n_units": 0, "cohort": 0, "year": 0, "event_time": 0},
        note=f"The headline averages the first {horizon + 1} years of cohorts that are seen so "
        "long; n_units counts the treated counties. Intervals are pointwise, 95 %.",
    )  # fmt: skip
    return item, withheld


def support(effects: Effects) -> Support:
    """Return what stands behind an estimate."""
    design = effects.design
    freedom = design.n_obs - design.n_units - len(effects.estimate)
    return Support(design.n_units, design.n_treated_clusters, freedom)


def _outcome(
    effects: Effects, name: str, horizon: int, limits: Limits
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the three levels of one outcome, hidden numbers blank."""
    if effects.mass is None:
        raise DesignError(f"{effects.design.estimator} has no cells.\n  Use att_gt.")
    averages = effects.aggregate("event_time", balance=horizon)
    plan = plan_average("event_time", effects.terms, effects.mass, horizon)
    kept = averages.terms["event_time"].to_numpy(int) >= FIRST_EVENT
    cells = effects.to_frame().assign(level=CELL)
    event = averages.to_frame()[kept].assign(level=EVENT)
    head = averages.overall.to_frame().assign(level=HEADLINE)
    head["n_units"] = event.loc[event["event_time"] >= 0, "n_units"].min()
    frame = pd.concat([cells, event, head], ignore_index=True).assign(outcome=name)
    relations = average_relations(plan.weights[:, kept], plan.overall[kept])
    off = np.abs(relations @ np.nan_to_num(frame["estimate"].to_numpy(float)))
    if off.max() > 1e-8 * max(1.0, np.abs(frame["estimate"]).max()):
        raise ArithmeticError("averages of cells do not give the event times that are shown")
    weight = np.select([frame["level"] == CELL, frame["level"] == EVENT], [1.0, 5.0], 25.0)
    shown, reasons = safe_estimates(frame, relations, limits, weight=weight)
    reference = (frame["estimate"] == 0) & frame["std_error"].isna()
    keep = ~reference.to_numpy(bool)
    return shown[keep], reasons[keep]


def _record(frame: pd.DataFrame, reasons: np.ndarray) -> pd.DataFrame:
    status = np.select(
        [reasons == FEW_COUNTIES, reasons != ""], ["primary", "complementary"], "published"
    )
    labels = frame[["outcome", "level", "cohort", "year", "event_time"]].astype("string")
    return labels.fillna("").assign(variable="estimate", status=status, reason=reasons)
