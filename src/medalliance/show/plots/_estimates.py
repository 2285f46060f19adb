"""Pictures of estimates with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..pictures import HORIZONTAL
from ._look import (
    INK,
    MARKERS,
    PALETTE,
    bounds,
    legend,
    new_axes,
    points,
    styled,
    titled,
    whole_years,
)

if TYPE_CHECKING:
    import pandas as pd


@styled
def forest(
    frame: pd.DataFrame,
    *,
    label: str = "label",
    group: str | None = None,
    unit: str = "",
    reference: float | None = 0.0,
    ax: Any = None,
) -> Any:
    """Draw estimates with their intervals, one row each, never pooled.

    Parameters
    ----------
    frame : DataFrame
        ``estimate`` and, where published, ``conf_low`` and ``conf_high``; ``label`` names rows.
        An estimate without an interval is drawn hollow.
    group : str, optional
        Column whose values get a colour each.
    unit : str
        Title of the horizontal axis with the unit of measure.
    """
    ax = new_axes(height=max(2.0, 0.42 * len(frame) + 1.2)) if ax is None else ax
    ax.set_gid(HORIZONTAL)
    rows = np.arange(len(frame))[::-1]
    keys = frame[group].astype(str) if group else np.array([""] * len(frame))
    known = np.isfinite(bounds(frame, "conf_low")) & np.isfinite(bounds(frame, "conf_high"))
    if reference is not None:
        ax.axvline(reference, color=INK, linewidth=1)
    for number, key in enumerate(dict.fromkeys(keys)):
        color = PALETTE[number % len(PALETTE)]
        mine = np.asarray(keys == key)
        name = key or "estimate"
        for part, hollow in ((mine & known, False), (mine & ~known, True)):
            said = f"{name} (no interval published)" if hollow else name
            if part.any():
                points(
                    ax, rows[part], frame[part], orient="y", color=color, marker="o",
                    label=said, hollow=hollow,
                )  # fmt: skip
    truth = bounds(frame, "truth")
    if np.isfinite(truth).any():
        ax.scatter(truth, rows, color=INK, marker="x", zorder=4, label="true effect")
    ax.set_yticks(rows, [str(text) for text in frame[label]])
    ax.set_ylim(-0.6, len(frame) - 0.4)
    ax.grid(visible=False, axis="y")
    if group or (~known).any() or np.isfinite(truth).any():
        legend(ax)
    return titled(ax, unit, "")


@styled
def event_study(
    frame: pd.DataFrame, *, unit: str = "", by: str | None = None, ax: Any = None
) -> Any:
    """Draw effects by event time: pointwise intervals as bars, simultaneous bands as a shade.

    Parameters
    ----------
    frame : DataFrame
        ``event_time``, ``estimate`` and, where they exist, ``conf_low``, ``conf_high``,
        ``band_low``, ``band_high``.
    unit : str
        Title of the vertical axis with the unit of measure.
    by : str, optional
        Column whose values (estimators, say) are drawn side by side.
    """
    ax = new_axes() if ax is None else ax
    groups = [("estimate", frame)] if by is None else list(frame.groupby(by, sort=False))
    ax.axhline(0, color=INK, linewidth=1)
    ax.axvline(-0.5, color=INK, linewidth=1, linestyle="--")
    for number, (key, part) in enumerate(groups):
        part = part.sort_values("event_time")
        color, marker = PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]
        shift = 0.0 if len(groups) == 1 else 0.5 * (number / (len(groups) - 1) - 0.5)
        time = part["event_time"].to_numpy(float) + shift
        band = bounds(part, "band_low"), bounds(part, "band_high")
        if np.isfinite(band[0]).any():
            label = "simultaneous band" if by is None else f"_{key} band"
            ax.fill_between(time, *band, color=color, alpha=0.18, linewidth=0, label=label)
        points(ax, time, part, color=color, marker=marker, label=str(key))
    _true_effects(ax, frame.drop_duplicates("event_time"), "event_time")
    if by is not None or ax.get_legend_handles_labels()[1] != ["estimate"]:
        legend(ax)
    whole_years(ax, frame["event_time"])
    return titled(ax, "years since the reform", unit)


@styled
def widening(frame: pd.DataFrame, *, ax: Any = None) -> Any:
    """Draw intervals that widen with the bound on a violation of parallel trends.

    Parameters
    ----------
    frame : DataFrame
        ``restriction bound conf_low conf_high``, of one restriction.
    """
    ax = new_axes() if ax is None else ax
    names = {
        "relative_magnitude": "largest step after the reform, as a multiple of the largest before",
        "smoothness": "largest change of slope a year",
    }
    ax.axhline(0, color=INK, linewidth=1)
    ax.vlines(
        frame["bound"], frame["conf_low"], frame["conf_high"], color=PALETTE[0], linewidth=3,
        label="95 % interval",
    )  # fmt: skip
    ax.margins(x=0.08)
    kind = str(frame["restriction"].iloc[0])
    return titled(ax, names.get(kind, kind.replace("_", " ")), "95 % interval")


@styled
def small_event_studies(frame: pd.DataFrame, *, by: str, unit: str = "") -> Any:
    """Draw one small event study a value of a column, on common axes.

    Parameters
    ----------
    frame : DataFrame
        As for :func:`event_study`.
    by : str
        Column whose values get a picture each.
    unit : str
        Title of the vertical axis with the unit of measure.

    Returns
    -------
    array of Axes
    """
    import seaborn as sns

    grid = sns.FacetGrid(frame, col=by, col_wrap=2, height=1.75, aspect=3.2 / 1.75)
    for ax, (key, part) in zip(grid.axes.flat, frame.groupby(by, sort=False), strict=True):
        event_study(part, ax=ax)
        if ax.get_legend():
            ax.get_legend().remove()
        titled(ax, "", "")
        ax.set_title(str(key), loc="left", fontsize=10)
    grid.figure.supxlabel("years since the reform", fontsize=11)
    grid.figure.supylabel(unit, fontsize=11)
    grid.tight_layout()
    return grid.axes.ravel()


def _true_effects(ax: Any, frame: pd.DataFrame, x: str, *, said: bool = True) -> None:
    """Mark true effects by crosses where the frame knows them."""
    truth = bounds(frame, "truth")
    if np.isfinite(truth).any():
        place = frame[x].to_numpy(float)
        label = "true effect" if said else "_true effect"
        ax.plot(place, truth, "x", color=INK, markersize=7, zorder=4, label=label)


@styled
def group_time(frame: pd.DataFrame, *, unit: str = "", ax: Any = None) -> Any:
    """Draw effects of each cohort by year, cohorts in colour, with pointwise intervals."""
    ax = new_axes() if ax is None else ax
    cohorts = list(frame.groupby("cohort"))
    ax.axhline(0, color=INK, linewidth=1)
    for number, (cohort, part) in enumerate(cohorts):
        part = part.sort_values("year")
        color = PALETTE[number % len(PALETTE)]
        shift = 0.0 if len(cohorts) == 1 else 0.5 * (number / (len(cohorts) - 1) - 0.5)
        year, marker = part["year"].to_numpy(float) + shift, MARKERS[number % len(MARKERS)]
        points(ax, year, part, color=color, marker=marker, label=f"cohort {cohort}")
        _true_effects(ax, part.assign(year=year), "year", said=number == 0)
    legend(ax)
    whole_years(ax, frame["year"])
    return titled(ax, "year", unit)
