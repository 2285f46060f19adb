"""Pictures: drawn Axes rendered to an exhibit, with the numbers read off their marks."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import needed
from ..provenance import Provenance
from .exhibits import Exhibit, new_record
from .translation import (
    EDITIONS,
    PICTURE,
    known_words,
    load_catalogue,
    words_seen,
    words_translated,
)  # fmt: skip

if TYPE_CHECKING:
    import pandas as pd

DPI, PRINT_DPI = 200, 300
SIZE = (6.4, 3.8)
HORIZONTAL = "values-on-x"  # gid of Axes whose values run along x
PROVENANCE = "medalliance_provenance"  # attribute of Axes: what was drawn on them
TAKE_ALONG = "MEDALLIANCE_EXPORT"  # set where a build takes pictures for print along as files


def picture(
    ax: Any,
    provenance: Provenance,
    caption: str,
    alt: str,
    *,
    foot: str = "",
    summary: pd.DataFrame | None = None,
    lang: str = "en",
) -> Exhibit:
    """Render drawn Axes to an exhibit with its provenance, closing their figure.

    Parameters
    ----------
    ax : matplotlib Axes, array of Axes or Figure
        What the functions of ``plots`` return.
    provenance : Provenance
    caption, alt : str
        None may be empty. ``alt`` says what the picture shows to someone who cannot see it.
    foot : str
    summary : DataFrame, optional
        The numbers behind the picture. Without it they are read off the drawn marks.
    lang : str

    Returns
    -------
    Exhibit
        The picture has a transparent ground and an ink that reads on light and on dark pages.

    Raises
    ------
    ValueError
        If a text is empty.
    """
    with needed():
        import matplotlib.pyplot as plt

    axes = axes_of(ax)
    numbers = rounded(drawn_numbers(axes) if summary is None else summary)
    columns = [
        {"name": str(name), "heading": str(name), "printed": numbers.iloc[:, place].tolist()}
        for place, name in enumerate(numbers.columns)
    ]
    drawn = axes[0].figure
    look = {"bbox_inches": "tight", "pad_inches": 0.04, "metadata": {"Software": None}}
    seen: dict[str, None] = {}
    with words_seen(seen):
        png = _saved(drawn, format="png", dpi=DPI, transparent=True, **look)
    words = {"caption": caption, "alt": alt, "foot": foot, "columns": columns, "words": [*seen]}
    record = new_record("figure", provenance, lang, words)
    pictures = _for_print(drawn, look) if os.environ.get(TAKE_ALONG) else {}
    catalogue = load_catalogue() if os.environ.get(EDITIONS) and lang == "en" else None
    if catalogue and known_words(catalogue, seen):
        with words_translated(catalogue):
            pictures[PICTURE] = _saved(drawn, format="png", dpi=DPI, transparent=True, **look)
    plt.close(drawn)
    return Exhibit(record, png, pictures)


def _for_print(drawn: Any, look: dict[str, Any]) -> dict[str, bytes]:
    """Render a figure as vectors and, on white ground, as a picture for print."""
    import matplotlib as mpl

    undated = {"Creator": None, "Producer": None, "CreationDate": None}
    with mpl.rc_context({"pdf.fonttype": 42}):
        vectors = _saved(drawn, format="pdf", transparent=True, **{**look, "metadata": undated})
    printed = _saved(drawn, format="png", dpi=PRINT_DPI, facecolor="white", **look)
    return {"application/pdf": vectors, "image/png": printed}


def _saved(drawn: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    drawn.savefig(buffer, **options)
    return buffer.getvalue()


def axes_of(drawn: Any) -> list[Any]:
    """Return the Axes of Axes, of an array of them or of a Figure; none of anything else."""
    if hasattr(drawn, "get_lines"):
        return [drawn]
    if hasattr(drawn, "get_axes"):
        return list(drawn.get_axes())
    several = np.ravel(np.asarray(drawn, dtype=object))
    return [ax for ax in several if hasattr(ax, "get_lines")]


def drawn_numbers(axes: list[Any]) -> pd.DataFrame:
    """Read the numbers off the labelled marks of Axes: one row a series.

    Returns
    -------
    DataFrame
        ``series``, ``points``, ``first``, ``last``, ``lowest``, ``highest`` in the axis's unit.
    """
    import pandas as pd

    rows = []
    for name, values in (pair for ax in axes for pair in _series(ax)):
        kept = values[np.isfinite(values)]
        if kept.size:
            rows.append((name, kept.size, kept[0], kept[-1], kept.min(), kept.max()))
    columns = ["series", "points", "first", "last", "lowest", "highest"]
    return pd.DataFrame(rows, columns=columns)


def rounded(frame: pd.DataFrame, digits: int = 4) -> pd.DataFrame:
    """Return a frame as text with floats to so many significant digits; blanks as ``""``."""
    return frame.map(lambda value: _text(value, digits))


def _text(value: Any, digits: int) -> str:
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating):
        value = float(value)
        if abs(value) < 1e-9:
            return "0"
        return f"{value:.0f}" if abs(value) >= 10.0**digits else f"{value:.{digits}g}"
    return "" if str(value) in {"<NA>", "NaT"} else str(value)


def _series(ax: Any) -> list[tuple[str, np.ndarray]]:
    from matplotlib.collections import PathCollection

    flat = ax.get_gid() == HORIZONTAL
    named: list[tuple[str, np.ndarray]] = []
    for line in ax.get_lines():
        if not str(line.get_label()).startswith("_"):
            values = line.get_xdata() if flat else line.get_ydata()
            named.append((str(line.get_label()), np.asarray(values, dtype=float)))
    for cloud in ax.collections:
        if isinstance(cloud, PathCollection) and not str(cloud.get_label()).startswith("_"):
            offsets = np.asarray(cloud.get_offsets(), dtype=float)
            named.append((str(cloud.get_label()), offsets[:, 0 if flat else 1]))
    for bars in ax.containers:
        if not str(bars.get_label()).startswith("_") and hasattr(bars, "datavalues"):
            named.append((str(bars.get_label()), np.asarray(bars.datavalues, dtype=float)))
    return named
