"""Pictures of series, rows and dated events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pictures import HORIZONTAL
from ._look import INK, MARKERS, PALETTE, legend, new_axes, styled, titled, whole_years

if TYPE_CHECKING:
    import pandas as pd


@styled
def lines(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    by: str | None = None,
    labels: Mapping[str, str] | None = None,
    breaks: Sequence[float] = (),
    ax: Any = None,
) -> Any:
    """Draw a series for each value of ``by``; a missing value leaves a gap.

    Parameters
    ----------
    frame : DataFrame
        One row a point.
    labels : mapping, optional
        Axis titles and series names by column name or value.
    breaks : sequence of float
        Places on ``x`` where the definition changes: a dotted line stands there.
    """
    ax = new_axes() if ax is None else ax
    names = dict(labels or {})
    groups = [(y, frame)] if by is None else list(frame.groupby(by, sort=False, observed=True))
    for number, (key, part) in enumerate(groups):
        ordered = part.sort_values(x)
        ax.plot(
            ordered[x].to_numpy(float),
            ordered[y].to_numpy(float),
            marker=MARKERS[number % len(MARKERS)],
            color=PALETTE[number % len(PALETTE)],
            label=names.get(str(key), str(key)),
        )
    for place in breaks:
        ax.axvline(place, color=INK, linestyle=":", linewidth=1.2)
    if by is not None:
        legend(ax)
    whole_years(ax, frame[x])
    return titled(ax, names.get(x, ""), names.get(y, ""))


@styled
def fit_paths(paths: pd.DataFrame, *, unit: str = "", ax: Any = None) -> Any:
    """Draw what treated units show beside what their synthetic control shows.

    Parameters
    ----------
    paths : DataFrame
        ``cohort year treated synthetic`` (``synthetic_weights(...).paths``); one colour
        a cohort, the synthetic path dashed, a dotted line before each first treated year.
    unit : str
        Title of the vertical axis with the unit of measure.
    """
    ax = new_axes() if ax is None else ax
    for number, (cohort, part) in enumerate(paths.groupby("cohort")):
        color, name = PALETTE[number % len(PALETTE)], f"joins in {cohort}"
        year = part["year"].to_numpy(float)
        ax.plot(year, part["treated"].to_numpy(float), color=color, label=name)
        ax.plot(
            year,
            part["synthetic"].to_numpy(float),
            color=color,
            linestyle="--",
            label=f"{name}, synthetic",
        )
        ax.axvline(float(cohort) - 0.5, color=color, linestyle=":", linewidth=1.2)
    legend(ax)
    whole_years(ax, paths["year"])
    return titled(ax, "", unit)


@styled
def dumbbell(
    frame: pd.DataFrame,
    *,
    label: str,
    start: str,
    end: str,
    unit: str = "",
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw two values a row with the way from one to the other."""
    ax = new_axes(height=max(2.0, 0.42 * len(frame) + 1.2)) if ax is None else ax
    ax.set_gid(HORIZONTAL)
    names = dict(labels or {})
    rows = np.arange(len(frame))[::-1]
    first, last = frame[start].to_numpy(float), frame[end].to_numpy(float)
    ax.hlines(rows, first, last, color=INK, alpha=0.6, linewidth=2)
    ax.scatter(first, rows, color=PALETTE[6], zorder=3, label=names.get(start, start))
    ax.scatter(last, rows, color=PALETTE[0], zorder=3, label=names.get(end, end))
    ax.set_yticks(rows, [str(text) for text in frame[label]])
    ax.set_ylim(-0.6, len(frame) - 0.4)
    ax.grid(visible=False, axis="y")
    legend(ax)
    return titled(ax, unit, "")


@styled
def bars(
    frame: pd.DataFrame,
    *,
    label: str,
    value: str | Sequence[str],
    unit: str = "",
    labels: Mapping[str, str] | None = None,
    stacked: bool = False,
    ax: Any = None,
) -> Any:
    """Draw horizontal bars, several values a row side by side or stacked; blanks stay blank."""
    columns = [value] if isinstance(value, str) else list(value)
    deep = len(columns) if not stacked else 1
    ax = new_axes(height=max(2.0, (0.22 + 0.2 * deep) * len(frame) + 1.2)) if ax is None else ax
    ax.set_gid(HORIZONTAL)
    names = dict(labels or {})
    rows = np.arange(len(frame), dtype=float)[::-1]
    left, thick = np.zeros(len(frame)), 0.72 / deep
    for number, column in enumerate(columns):
        size = frame[column].to_numpy(float)
        offset = 0.0 if stacked else thick * ((deep - 1) / 2 - number)
        ax.barh(
            rows + offset,
            size,
            height=thick * 0.94,
            left=left if stacked else 0.0,
            color=PALETTE[number % len(PALETTE)],
            label=names.get(column, column),
        )
        left = left + np.nan_to_num(size)
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_yticks(rows, [str(text) for text in frame[label]])
    ax.set_ylim(-0.6, len(frame) - 0.4)
    ax.grid(visible=False, axis="y")
    if len(columns) > 1:
        legend(ax)
    return titled(ax, unit, "")
