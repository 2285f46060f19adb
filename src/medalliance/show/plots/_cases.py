"""Pictures of cases: dated events, set memberships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pictures import HORIZONTAL
from ._look import INK, MARKERS, PALETTE, legend, new_axes, styled, whole_years

if TYPE_CHECKING:
    import pandas as pd


@styled
def timeline(
    frame: pd.DataFrame,
    *,
    row: str,
    when: str,
    kind: str | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw dated events: one line a row, one mark an event, kinds told apart by colour and shape.

    Parameters
    ----------
    frame : DataFrame
        One row an event; ``when`` is in decimal years. Events of one row at the same place are
        pushed apart upwards.
    """
    rows = list(dict.fromkeys(frame[row].astype(str)))
    ax = new_axes(height=max(2.2, 0.42 * len(rows) + 1.3)) if ax is None else ax
    ax.set_gid(HORIZONTAL)
    names = dict(labels or {})
    place = {name: len(rows) - 1 - number for number, name in enumerate(rows)}
    heights = frame[row].astype(str).map(place).to_numpy(float)
    heights += 0.16 * frame.groupby([row, when]).cumcount().to_numpy(float)
    years = frame[when].to_numpy(float)
    ax.hlines(list(place.values()), years.min() - 0.5, years.max() + 0.5, color=INK, alpha=0.35)
    keys = frame[kind].astype(str).to_numpy() if kind else np.array(["events"] * len(frame))
    for number, key in enumerate(dict.fromkeys(keys)):
        mine = keys == key
        look = {"color": PALETTE[number % len(PALETTE)], "marker": MARKERS[number % len(MARKERS)]}
        ax.scatter(years[mine], heights[mine], s=46, zorder=3, label=names.get(key, key), **look)
    ax.set_yticks(list(place.values()), [names.get(name, name) for name in rows])
    ax.set_ylim(-0.6, len(rows) - 0.2)
    ax.grid(visible=False, axis="y")
    if kind:
        legend(ax)
    whole_years(ax, np.round(frame[when]))
    ax.set_xlabel("year")
    return ax


@styled
def xy_plot(
    x: np.ndarray,
    y: np.ndarray,
    *,
    labels: Sequence[str] = (),
    x_title: str = "",
    y_title: str = "",
    ax: Any = None,
) -> Any:
    """Draw set membership of cases against each other, with the diagonal and the cross-overs.

    Points above the diagonal are consistent with x being sufficient for y; points below it with x
    being necessary. Cases with x above and y below one half contradict sufficiency and are named.

    Parameters
    ----------
    x, y : ndarray, shape (n_cases,)
        Memberships between 0 and 1.
    labels : sequence of str, optional
        Case names.
    """
    ax = new_axes(4.8, 4.6) if ax is None else ax
    ax.plot([0, 1], [0, 1], color=INK, linewidth=1, label="_diagonal")
    ax.axhline(0.5, color=INK, linestyle=":", linewidth=1)
    ax.axvline(0.5, color=INK, linestyle=":", linewidth=1)
    wrong = (x > 0.5) & (y < 0.5)
    groups = ((~wrong, "case", PALETTE[0], "o"), (wrong, "contradicting case", PALETTE[7], "X"))
    for part, label, color, marker in groups:
        if part.any():
            ax.scatter(x[part], y[part], color=color, marker=marker, s=46, zorder=3, label=label)
    for number in map(int, np.flatnonzero(wrong)) if len(labels) else ():
        ax.annotate(labels[number], (x[number], y[number]), (6, 4), textcoords="offset points")
    ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    ax.set_aspect("equal")
    legend(ax)
    ax.set(xlabel=x_title, ylabel=y_title)
    return ax
