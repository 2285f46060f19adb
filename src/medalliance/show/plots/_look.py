"""The look that all pictures share: colours, fonts, new Axes, legends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import needed
from ...provenance import mixed
from ..pictures import HORIZONTAL, PROVENANCE, SIZE, axes_of

if TYPE_CHECKING:
    import pandas as pd

INK = "#5b6370"
PALETTE = ("#0173b2", "#dd7b00", "#009c70", "#be7cb0", "#c08856", "#2a9cd3", "#929395", "#cd5300")
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
    """Hold the book's look while something is drawn: one seaborn theme of ours."""
    with needed():
        import matplotlib as mpl
        import seaborn as sns

    with mpl.rc_context(), sns.color_palette(PALETTE):
        mpl.rcParams.update(sns.axes_style("whitegrid") | sns.plotting_context("notebook") | _STYLE)
        yield


def styled(draw: Any) -> Any:
    """Return a drawing function that draws in the book's look and keeps the data's provenance."""

    @wraps(draw)
    def drawn(*args: Any, **options: Any) -> Any:
        with style():
            made = draw(*args, **options)
        found = mixed([*(getattr(ax, PROVENANCE, None) for ax in axes_of(made)), *args])
        for ax in [] if found is None else axes_of(made):
            setattr(ax, PROVENANCE, found)
        return made

    return drawn


def new_axes(width: float = SIZE[0], height: float = SIZE[1]) -> Any:
    """Return the Axes of a new figure, width by height in inches."""
    import matplotlib.pyplot as plt

    with style():
        return plt.subplots(figsize=(width, height), layout="constrained")[1]


@styled
def small_multiples(drawings: Mapping[str, Any], *, columns: int = 3, height: float = 2.6) -> Any:
    """Draw several pictures of one kind side by side on common value axes.

    Parameters
    ----------
    drawings : dict of str to callable
        Title, and what draws it: ``draw(ax=...)``.

    Returns
    -------
    array of Axes
    """
    import matplotlib.pyplot as plt

    columns = min(columns, len(drawings))
    rows = -(-len(drawings) // columns)
    fig, grid = plt.subplots(
        rows, columns, figsize=(SIZE[0], height * rows), layout="constrained", squeeze=False
    )
    axes = grid.ravel()
    for ax, (title, draw) in zip(axes, drawings.items(), strict=False):
        draw(ax=ax)
        ax.set_title(title, loc="left", fontsize=10)
        if ax.get_legend():
            ax.get_legend().remove()
    for ax in axes[len(drawings) :]:
        ax.remove()
    shared = {ax.get_xlabel() for ax in axes[: len(drawings)]}
    if len(shared) == 1:
        fig.supxlabel(shared.pop(), fontsize=10)
        for ax in axes[: len(drawings)]:
            ax.set_xlabel("")
    return axes[: len(drawings)]


def as_percent(ax: Any, decimals: int = 0) -> Any:
    """Print the value axis of drawn shares in percent; the data stay 0 to 1."""
    from matplotlib.ticker import PercentFormatter

    axis = ax.xaxis if ax.get_gid() == HORIZONTAL else ax.yaxis
    axis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))
    return ax


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


def titled(ax: Any, x: str, y: str) -> Any:
    """Title both axes."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    return ax


def points(
    ax: Any,
    place: np.ndarray,
    frame: pd.DataFrame,
    *,
    color: str,
    marker: str,
    label: str,
    orient: str = "x",
    hollow: bool = False,
) -> None:
    """Draw estimates with the intervals that they have.

    Parameters
    ----------
    ax : Axes
    place : ndarray, shape (n,)
        Where each estimate stands along the axis ``orient``.
    frame : DataFrame, shape (n, ...)
        ``estimate`` and, where they exist, ``conf_low`` and ``conf_high``.
    """
    import seaborn as sns

    def lay(values: np.ndarray, repeated: int) -> dict[str, Any]:
        along = np.repeat(place, repeated)
        given = {"x": along, "y": values} if orient == "x" else {"x": values, "y": along}
        look = {"color": color, "linestyle": "none", "legend": False, "orient": orient}
        return {**given, **look, "ax": ax, "sort": False}

    ends = np.column_stack([bounds(frame, "conf_low"), bounds(frame, "conf_high")]).ravel()
    sns.lineplot(
        **lay(ends, 2), estimator="mean", errorbar=("pi", 100), err_style="bars",
        err_kws={"elinewidth": 2}, label=f"_{label} interval",
    )  # fmt: skip
    face = {"markerfacecolor": "none"} if hollow else {}
    sns.lineplot(
        **lay(frame["estimate"].to_numpy(float), 1), estimator=None, label=label, marker=marker,
        markeredgecolor=color, zorder=3, **face,
    )  # fmt: skip


def bounds(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column of limits; missing where the frame has no such column."""
    missing = np.full(len(frame), np.nan)
    return frame[name].to_numpy(float) if name in frame.columns else missing
