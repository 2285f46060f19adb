"""Why a share needs its own estimator: two designs whose effect is known, and a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from ..outcomes.composition import composition_values
from ..panel import Panel, Truth
from ..provenance import Badge
from ..show import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXAMPLE = "two groups of units made up for this page; the untreated share is known"
PARTS = ("visits_village", "visits_township", "visits_county", "visits_out")
SHORT = {
    "visits_village": "village",
    "visits_township": "township or community",
    "visits_county": "county hospital",
    "visits_out": "out of county",
}


def two_group_panel(
    treated: float,
    control: float,
    trend: float,
    effect: float,
    *,
    years: int,
    start: int,
    spread: float = 0.0,
) -> Panel:
    """Make shares with a common trend on the logit, 200 units a group.

    Parameters
    ----------
    treated, control : float
        Share of each group's median unit in the first year.
    trend, effect : float
        Change a year, and effect from the year ``start`` on, on the logit.
    spread : float
        Standard deviation of units on the logit (normal quantiles, no noise).

    Returns
    -------
    Panel
        Columns ``share`` and ``untreated_share``; badge ILLUSTRATIVE.
    """
    time, size = np.arange(years), 200
    own = np.tile(spread * norm.ppf((np.arange(size) + 0.5) / size), 2)
    group = np.repeat([0, 1], size)
    index = logit(np.array([treated, control]))[group, None] + own[:, None] + trend * time
    on = (group == 0)[:, None] & (time >= start)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(2 * size), years),
            "year": np.tile(1 + time, 2 * size),
            "cohort": np.repeat(np.where(group == 0, 1 + start, 0), years),
            "share": expit(index + effect * on).ravel(),
            "untreated_share": expit(index).ravel(),
        }
    )
    rows = frame[(frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])]
    rows = rows.assign(effect=rows["share"] - rows["untreated_share"])
    cells = rows.groupby(["cohort", "year"])["effect"].agg(att="mean", n_units="size")
    return Panel.from_frame(
        frame, unit="unit", year="year", cohort="cohort", badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE, truth=Truth(cells.reset_index().assign(outcome="share")),
    )  # fmt: skip


def two_period_case() -> Panel:
    """Return the closed-form case: two years, 0.45 against 0.70."""
    return two_group_panel(0.45, 0.70, -0.3, 0.2, years=2, start=1)


def many_period_case() -> Panel:
    """Return the case of six years: 0.45 against 0.85, units that differ."""
    return two_group_panel(0.45, 0.85, -0.12, 0.2, years=6, start=3, spread=0.45)


def true_effect(panel: Panel) -> float:
    """Return the mean over treated rows of the share less the untreated share."""
    frame = panel.frame
    on = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
    return float((frame["share"] - frame["untreated_share"])[on].mean())


def draw_paths(panel: Panel) -> Axes:
    """Draw the mean shares of a made-up design beside the path without treatment."""
    frame = panel.frame
    group = np.where(frame["cohort"] > 0, "reform", "no reform")
    long = pd.concat(
        [
            frame.assign(path=group),
            frame[frame["cohort"] > 0].assign(
                path="reform group without the reform", share=lambda d: d["untreated_share"]
            ),
        ]
    )
    mean = long.groupby(["path", "year"], as_index=False, sort=False)["share"].mean()
    mean = panel.provenance.carried_by(mean)
    ax = plots.lines(mean, x="year", y="share", by="path")
    ax.set(xlabel="year", ylabel="primary-care share of visits")
    return ax


def draw_visit_shares(panel: Panel, group: NDArray[np.object_]) -> tuple[Axes, pd.DataFrame]:
    """Draw the mean composition of each group's visits, a point a year, in the triangle.

    Parameters
    ----------
    panel : Panel
    group : ndarray of str, shape (n_obs,)

    Returns
    -------
    ax : Axes
    mean : DataFrame
        ``group, year`` and the three shares.
    """
    shares, _ = composition_values(panel, "visits")
    frame = pd.DataFrame(
        {
            "group": group,
            "year": panel.years[panel.year_codes],
            "primary care": shares[:, 0] + shares[:, 1],
            "county hospital": shares[:, 2],
            "out of county": shares[:, 3],
        }
    ).dropna()
    mean = panel.provenance.carried_by(frame.groupby(["group", "year"], as_index=False).mean())
    parts = ["county hospital", "out of county", "primary care"]
    ax = plots.ternary(mean, parts=parts, by="group", zoom=True)
    return ax, mean


def draw_groups(panel: Panel) -> Axes:
    """Draw the mean composition of units that reform, and of the others, through the years."""
    group = np.where(panel.cohort_by_unit > 0, "joins a reform", "never joins")[panel.unit_codes]
    return draw_visit_shares(panel, group)[0]


def draw_cohorts(panel: Panel) -> Axes:
    """Draw the mean composition of each cohort through the years."""
    cohort = panel.cohort_by_unit[panel.unit_codes]
    group = np.where(cohort > 0, "cohort " + cohort.astype(str).astype(object), "never")
    return draw_visit_shares(panel, group)[0]
