"""Pictures of sums, matrices and shares of three parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pictures import SIZE
from ._look import INK, MARKERS, PALETTE, legend, new_axes, styled

if TYPE_CHECKING:
    import pandas as pd


@styled
def flow(
    frame: pd.DataFrame,
    *,
    total: str = "",
    unit: str = "yuan",
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw who gets each yuan: one sum on the left, what becomes of it on the right.

    Parameters
    ----------
    frame : DataFrame
        ``target`` and ``amount``, both of what is paid out; amounts are not negative. An optional
        ``status`` of ``assumed`` draws the stream in grey.
    total : str
        Name of the sum.

    Raises
    ------
    ValueError
        If an amount is negative or all are zero.
    """
    from matplotlib.patches import Rectangle

    amount = frame["amount"].to_numpy(float)
    if np.any(amount < 0) or not amount.sum() > 0:
        raise ValueError("flow needs amounts >= 0 with a positive sum; show a loss as its own row.")
    ax = new_axes(height=max(2.6, 0.5 * len(frame) + 1.0)) if ax is None else ax
    names = dict(labels or {})
    share = amount / amount.sum()
    assumed = [str(text) == "assumed" for text in frame.get("status", [""] * len(frame))]
    # a thin stream keeps a slot as tall as its two lines of text
    slot = np.maximum(share + 0.045, 0.5 / (0.5 * len(frame) + 1.0))
    tops = 0.5 + slot.sum() / 2 - np.cumsum(slot)
    ends = tops + (slot - share) / 2
    starts = 1.0 - np.cumsum(share)
    ax.add_patch(Rectangle((0.0, 0.0), 0.02, 1.0, color=INK))
    heights = _spread(ends + share / 2, 0.62 / ax.figure.get_figheight())
    for number, target in enumerate(frame["target"]):
        color = PALETTE[6] if assumed[number] else PALETTE[number % 6]
        _stream(ax, (starts[number], ends[number], share[number]), color)
        text = names.get(str(target), str(target))
        note = ", assumed" if assumed[number] else ""
        said = f"{text}\n{amount[number]:,.0f} {unit} ({share[number]:.1%}{note})"
        ax.text(0.66, heights[number], said, va="center", fontsize=10.5)
        ax.plot([], [], color=color, label=f"_{text}")
    head = f"{total}\n" if total else ""
    ax.text(-0.02, 0.5, f"{head}{amount.sum():,.0f} {unit}", va="center", ha="right", fontsize=10)
    ax.set(
        xlim=(-0.34, 1.12), ylim=(min(ends.min(), 0) - 0.04, max(1, (ends + share).max()) + 0.04)
    )
    ax.set_axis_off()
    return ax


@styled
def heatmap(
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    ax: Any = None,
) -> Any:
    """Draw a matrix of numbers with the value in each cell; blanks are hatched, not coloured.

    Parameters
    ----------
    frame : DataFrame, shape (n_rows, n_columns)
        Row names in the index, column names in the columns.
    """
    import seaborn as sns
    from matplotlib.patches import Rectangle

    height, width = frame.shape
    if ax is None:
        ax = new_axes(width=max(SIZE[0], 0.75 * width + 2), height=max(2.4, 0.42 * height + 1.4))
    names = dict(labels or {})
    values = frame.astype(float).rename(
        index=lambda name: names.get(str(name), str(name)),
        columns=lambda name: names.get(str(name), str(name)),
    )
    sns.heatmap(
        values, ax=ax, cmap="cividis", vmin=low, vmax=high, annot=True, fmt=".3g",
        annot_kws={"fontsize": 9}, cbar_kws={"label": unit, "shrink": 0.85},
    )  # fmt: skip
    for row, column in np.argwhere(~np.isfinite(values.to_numpy())):
        look = {"fill": False, "hatch": "///", "ec": INK, "lw": 0, "alpha": 0.5}
        ax.add_patch(Rectangle((column, row), 1, 1, **look))
    ax.set(xlabel="", ylabel="")
    ax.tick_params(axis="y", rotation=0)
    if width > 4:
        for text in ax.get_xticklabels():
            text.set(rotation=35, ha="right", rotation_mode="anchor")
    return ax


@styled
def tiles(
    frame: pd.DataFrame,
    *,
    colors: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    marks: Mapping[str, str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw a matrix of categories: one colour and one mark each, a missing cell left open.

    Parameters
    ----------
    frame : DataFrame, shape (n_rows, n_columns)
        Category names; row names in the index, column names in the columns.
    colors, marks : mapping
        Colour and short mark by category; the mark lets readers tell them apart without colour.
    """
    from matplotlib.patches import Rectangle

    height, width = frame.shape
    if ax is None:
        ax = new_axes(width=max(SIZE[0], 0.46 * width + 2.2), height=0.27 * height + 2.1)
    names, signs, cells = dict(labels or {}), dict(marks or {}), frame.to_numpy(object)
    for row, column in np.ndindex(height, width):
        name = str(cells[row, column])
        color = colors.get(name)
        corner = (column - 0.46, row - 0.44)
        look = {"fc": color} if color else {"fill": False, "ec": INK, "lw": 0.6, "alpha": 0.5}
        ax.add_patch(Rectangle(corner, 0.92, 0.88, **look))
        mark = signs.get(name, "")
        ax.text(column, row, mark, ha="center", va="center", color="white", fontsize=8)
    for name, color in colors.items():
        if (cells == name).any():
            mark = f" ({signs[name]})" if signs.get(name) else ""
            ax.scatter([], [], marker="s", s=70, color=color, label=names.get(name, name) + mark)
    ax.set(xlim=(-0.6, width - 0.4), ylim=(height - 0.4, -0.6))
    ax.set_xticks(range(width), [names.get(str(name), str(name)) for name in frame.columns])
    ax.tick_params(axis="x", rotation=90, length=0, labelsize=9)
    ax.set_yticks(range(height), [names.get(str(name), str(name)) for name in frame.index])
    ax.tick_params(axis="y", length=0, labelsize=9)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    legend(ax)
    return ax


@styled
def ternary(
    frame: pd.DataFrame,
    *,
    parts: Sequence[str],
    by: str | None = None,
    labels: Mapping[str, str] | None = None,
    zoom: bool = False,
    ax: Any = None,
) -> Any:
    """Draw shares of three parts as points or paths in a triangle.

    Parameters
    ----------
    parts : three column names
        Each row's parts sum to 1: lower left, lower right and top corner.
    zoom : bool
        Whether to show the small triangle around the points; corners then carry their share.

    Raises
    ------
    ValueError
        If there are not three parts or a row does not sum to 1 (to within 1e-6).
    """
    shares = frame[list(parts)].to_numpy(float)
    if len(parts) != 3 or not np.allclose(shares.sum(axis=1), 1.0, atol=1e-6):
        raise ValueError("ternary needs three parts that sum to 1 in every row.")
    ax = new_axes(5.2, 4.6) if ax is None else ax
    names = dict(labels or {})
    tall = np.sqrt(3) / 2
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, tall]])
    ax.plot(*np.vstack([corners, corners[:1]]).T, color=INK, linewidth=1.2)
    for level in (0.25, 0.5, 0.75):
        for corner in range(3):
            first, second = corners[(corner + 1) % 3], corners[(corner + 2) % 3]
            ends = level * corners[corner] + (1 - level) * np.vstack([first, second])
            ax.plot(*ends.T, color=INK, alpha=0.25, linewidth=0.8)
    low = np.maximum(np.floor(shares.min(axis=0) * 20 - 0.5) / 20, 0) if zoom else np.zeros(3)
    size = 1.0 - low.sum()
    points = (shares - low) / size @ corners
    keys = frame[by].astype(str).to_numpy() if by else np.array([""] * len(frame))
    for number, key in enumerate(dict.fromkeys(keys)):
        mine = points[keys == key]
        look = {"color": PALETTE[number % len(PALETTE)], "marker": MARKERS[number % len(MARKERS)]}
        label = names.get(key, key) or "_points"
        ax.plot(*mine.T, linewidth=1.2, markersize=4.5, label=label, **look)
    for corner, part, least in zip(corners, parts, low, strict=True):
        below = "top" if corner[1] == 0 else "bottom"
        shift, label = (0, 7 if corner[1] else -7), names.get(part, part)
        label += f" {least + size:.0%}" if zoom else ""
        ax.annotate(label, corner, shift, textcoords="offset points", ha="center", va=below)
    if by:
        legend(ax, above=1.08)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _stream(ax: Any, heights: tuple[float, float, float], color: str) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    start, end, thick = heights
    left, right, middle = 0.025, 0.6, 0.31
    vertices = [
        (left, start), (middle, start), (middle, end), (right, end),
        (right, end + thick), (middle, end + thick), (middle, start + thick),
        (left, start + thick), (left, start),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    ax.add_patch(PathPatch(Path(vertices, codes), facecolor=color, alpha=0.65, linewidth=0))
    ax.vlines(0.615, end, end + thick, color=color, linewidth=4)


def _spread(heights: np.ndarray, apart: float) -> np.ndarray:
    """Push falling heights down until each stands so far below the one above it."""
    placed = heights.copy()
    for number in range(1, len(placed)):
        placed[number] = min(placed[number], placed[number - 1] - apart)
    return placed
