"""Who leaves the programme, and what leaving could do to the estimates."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..outcomes import outcome_values
from ..panel import Panel
from ..registered.ledger_effects import REGISTERED, Specification

Array = NDArray[np.float64]


def exits(panel: Panel) -> pd.DataFrame:
    """Count who is not seen again, by year and side of risk.

    Returns
    -------
    DataFrame
        ``year side at_risk left share_left surplus_leavers surplus_stayers``: shares 0-1, mean
        surplus rates of the last year seen. The last year of the files has no next year.
    """
    frame = panel.frame
    last = frame.groupby(panel.unit)[panel.year].transform("max")
    shown = frame.assign(
        surplus=outcome_values(panel, "fund_surplus_rate"),
        side=np.where(frame["two_sided"] == 1, "two-sided", "one-sided"),
        left=(last == frame[panel.year]),
    )[frame[panel.year] < panel.years[-1]]
    rows = []
    for (year, side), part in shown.groupby([panel.year, "side"]):
        gone = part["left"]
        rows.append(
            {
                "year": year,
                "side": side,
                "at_risk": len(part),
                "left": int(gone.sum()),
                "share_left": float(gone.mean()),
                "surplus_leavers": float(part.loc[gone, "surplus"].mean()),
                "surplus_stayers": float(part.loc[~gone, "surplus"].mean()),
            }
        )
    return pd.DataFrame(rows)


def trimmed_bounds(treated: Array, control: Array) -> tuple[float, float, float]:
    """Bound a difference in mean changes when one side loses more of its units.

    The side that keeps more is trimmed by the excess share, from the top for one bound and from
    the bottom for the other, as if its surplus survivors were the best or the worst.

    Parameters
    ----------
    treated, control : ndarray
        Change of each unit seen in the base year; NaN if it is gone by the later year.

    Returns
    -------
    low, middle, high : float
        Bounds without sampling error, and the difference without trimming.

    References
    ----------
    Lee (2009), section 3, on changes.
    """
    stay = [float(np.isfinite(side).mean()) for side in (treated, control)]
    seen = [np.sort(side[np.isfinite(side)]) for side in (treated, control)]
    more = int(stay[1] > stay[0])
    excess = round(len(seen[more]) * (1 - stay[1 - more] / stay[more]))
    kept = seen[more]
    means = [float(kept[: len(kept) - excess].mean()), float(kept[excess:].mean())]
    other = float(seen[1 - more].mean())
    low, high = (means[0] - other, means[1] - other) if more == 0 else (
        other - means[1], other - means[0])  # fmt: skip
    return low, float(seen[0].mean() - seen[1].mean()), high


def selection_bounds(
    panel: Panel, outcome: str, spec: Specification = REGISTERED
) -> dict[str, float]:
    """Bound the headline for organisations that leave between the reference and later years.

    Every cohort and year compares the changes of organisations seen in the reference year with
    those of controls not yet treated; cells are averaged as in the registered headline.

    Returns
    -------
    dict
        ``low``, ``middle`` (the same organisations at both dates, not trimmed), ``high``,
        ``stay_treated``, ``stay_control`` (share seen again, 0-1).
    """
    grid = panel.grid(outcome_values(panel, outcome))
    cohort, years = panel.cohort_by_unit, panel.years
    at = {int(year): place for place, year in enumerate(years)}
    groups = [
        g
        for g in np.unique(cohort[cohort > 0])
        if g - 1 - spec.anticipation in at and g + spec.horizon in at
    ]
    by_event = []
    for event in range(spec.horizon + 1):
        cells = []
        for g in groups:
            base, later = grid[:, at[g - 1 - spec.anticipation]], grid[:, at[g + event]]
            clean = (cohort == 0) | (cohort > g + event + spec.anticipation)
            treated, control = (
                (later - base)[side & np.isfinite(base)] for side in (cohort == g, clean)
            )
            stay = [float(np.isfinite(side).mean()) for side in (treated, control)]
            cells.append((np.isfinite(treated).sum(), *trimmed_bounds(treated, control), *stay))
        table = np.array(cells)
        by_event.append(np.average(table[:, 1:], axis=0, weights=table[:, 0]))
    names = ("low", "middle", "high", "stay_treated", "stay_control")
    return dict(zip(names, np.mean(by_event, axis=0).tolist(), strict=True))
