"""Pictures of plain tidy frames: one visual language, Axes in, Axes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from .exhibits import HORIZONTAL, SIZE

if TYPE_CHECKING:
    import pandas as pd

INK = "#5b6370"
PALETTE = ("#0173b2", "#de8f05", "#029e73", "#cc78bc", "#ca9161", "#56b4e9", "#949494", "#d55e00")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
FONTS = ["DejaVu Sans", "Noto Sans CJK SC"]

_STYLE: Any = {
    "font.family": FONTS,
    "font.size": 12,
    "axes.titlesize": 12.5,
    "axes.labelsize": 12,
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "grid.color": "#8a8f98",
    "grid.alpha": 0.25,
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "lines.markersize": 5.5,
    "legend.frameon": False,
    "figure.figsize": SIZE,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    ),
    "legend.labelcolor": INK,
}


@contextmanager
def style() -> Iterator[None]:
    """Hold the book's look while something is drawn."""
    import matplotlib as mpl
    from cycler import cycler

    with mpl.rc_context(_STYLE | {"axes.prop_cycle": cycler(color=PALETTE)}):
        yield


def styled(draw: Any) -> Any:
    """Return a drawing function that draws in the book's look."""

    @wraps(draw)
    def drawn(*args: Any, **options: Any) -> Any:
        with style():
            return draw(*args, **options)

    return drawn


def new_axes(width: float = SIZE[0], height: float = SIZE[1]) -> Any:
    """Return the Axes of a new figure, width by height in inches."""
    import matplotlib.pyplot as plt

    with style():
        return plt.subplots(figsize=(width, height), layout="constrained")[1]


def as_percent(ax: Any, decimals: int = 0) -> Any:
    """Print the value axis of drawn shares in percent; the data stay 0 to 1."""
    from matplotlib.ticker import PercentFormatter

    axis = ax.xaxis if ax.get_gid() == HORIZONTAL else ax.yaxis
    axis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))
    return ax


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
    return _titled(ax, names.get(x, ""), names.get(y, ""))


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
    low, high = _bounds(frame, "conf_low"), _bounds(frame, "conf_high")
    known = np.isfinite(low) & np.isfinite(high)
    estimate = frame["estimate"].to_numpy(float)
    if reference is not None:
        ax.axvline(reference, color=INK, linewidth=1)
    for number, key in enumerate(dict.fromkeys(keys)):
        color = PALETTE[number % len(PALETTE)]
        mine = np.asarray(keys == key)
        full, bare = mine & known, mine & ~known
        ax.hlines(rows[full], low[full], high[full], color=color, linewidth=2)
        ax.scatter(estimate[full], rows[full], color=color, zorder=3, label=key or "estimate")
        name = f"{key or 'estimate'} (no interval published)"
        ax.scatter(
            estimate[bare], rows[bare], facecolors="none", edgecolors=color, zorder=3, label=name
        )
        if group:
            ax.plot([], [], "o", color=color, label="_" + str(key))
    ax.set_yticks(rows, [str(text) for text in frame[label]])
    ax.set_ylim(-0.6, len(frame) - 0.4)
    ax.grid(visible=False, axis="y")
    if group or (~known).any():
        legend(ax, skip_empty=True)
    return _titled(ax, unit, "")


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
        time, value = part["event_time"].to_numpy(float) + shift, part["estimate"].to_numpy(float)
        band = _bounds(part, "band_low"), _bounds(part, "band_high")
        if np.isfinite(band[0]).any():
            label = "simultaneous band" if by is None else f"_{key} band"
            ax.fill_between(time, *band, color=color, alpha=0.18, linewidth=0, label=label)
        low, high = _bounds(part, "conf_low"), _bounds(part, "conf_high")
        ax.vlines(time, low, high, color=color, linewidth=2)
        ax.plot(time, value, marker, color=color, label=str(key))
    if by is not None or ax.get_legend_handles_labels()[1] != ["estimate"]:
        legend(ax)
    whole_years(ax, frame["event_time"])
    return _titled(ax, "years since the reform", unit)


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
        year, value = part["year"].to_numpy(float) + shift, part["estimate"].to_numpy(float)
        ax.vlines(year, _bounds(part, "conf_low"), _bounds(part, "conf_high"), color=color)
        marker = MARKERS[number % len(MARKERS)]
        ax.plot(year, value, marker, color=color, label="cohort " + str(cohort))
    legend(ax)
    whole_years(ax, frame["year"])
    return _titled(ax, "year", unit)


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
    return _titled(ax, unit, "")


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
    return _titled(ax, unit, "")


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
    from matplotlib.patches import Rectangle

    height, width = frame.shape
    if ax is None:
        ax = new_axes(width=max(SIZE[0], 0.75 * width + 2), height=max(2.4, 0.42 * height + 1.4))
    names = dict(labels or {})
    values = frame.to_numpy(float)
    shown = ax.imshow(values, cmap="cividis", vmin=low, vmax=high, aspect="auto")
    for row, column in np.ndindex(height, width):
        value = values[row, column]
        if not np.isfinite(value):
            corner = (column - 0.5, row - 0.5)
            ax.add_patch(Rectangle(corner, 1, 1, fill=False, hatch="///", ec=INK, lw=0, alpha=0.5))
            continue
        ink = "white" if shown.norm(value) < 0.55 else "#1b1f24"
        ax.text(column, row, f"{value:.3g}", ha="center", va="center", color=ink, fontsize=9)
    ax.set_xticks(range(width), [names.get(str(name), str(name)) for name in frame.columns])
    if width > 4:
        for text in ax.get_xticklabels():
            text.set(rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(height), [names.get(str(name), str(name)) for name in frame.index])
    ax.grid(visible=False)
    ax.figure.colorbar(shown, ax=ax, label=unit, shrink=0.85)
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


def _bounds(frame: pd.DataFrame, name: str) -> np.ndarray:
    missing = np.full(len(frame), np.nan)
    return frame[name].to_numpy(float) if name in frame.columns else missing


def whole_years(ax: Any, values: pd.Series) -> None:
    """Put ticks at whole numbers if all values on the axis are whole."""
    from matplotlib.ticker import MaxNLocator

    numbers = values.to_numpy(float)
    if numbers.size and np.all(numbers == np.round(numbers)):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def legend(ax: Any, *, skip_empty: bool = False, above: float = 1.0) -> None:
    """Set the legend above the Axes, three columns at most."""
    handles, names = ax.get_legend_handles_labels()
    if skip_empty:
        full = [len(handle.get_offsets()) > 0 for handle in handles]
        handles = [handle for handle, keep in zip(handles, full, strict=True) if keep]
        names = [name for name, keep in zip(names, full, strict=True) if keep]
    width = ax.figure.get_figwidth() * (0.5 if ax.get_gid() == HORIZONTAL else 1.0)
    columns = _legend_columns(names, width)
    ax.legend(
        handles, names, loc="lower left", bbox_to_anchor=(0, above), ncols=columns,
        borderaxespad=0.2, handlelength=1.4, columnspacing=1.2,
    )  # fmt: skip


def _legend_columns(names: Sequence[str], inches: float) -> int:
    """Return how many columns, three at most, fit beside each other above the Axes."""
    widest = max((len(name) for name in names), default=0)
    fitting = int(inches / (0.088 * widest + 0.45)) if widest else 1
    return max(1, min(len(names), 3, fitting))


def _titled(ax: Any, x: str, y: str) -> Any:
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    return ax
