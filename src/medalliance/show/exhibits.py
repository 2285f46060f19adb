"""Exhibits: figures, tables and sentences that carry their badge, caption and source."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import needed
from ..provenance import MEANING, Badge, Provenance

if TYPE_CHECKING:
    import pandas as pd

DPI = 200
SIZE = (6.4, 3.8)
_SOURCE = {"en": "Source: ", "zh": "来源："}
PROVENANCE = "medalliance_provenance"  # attribute of Axes: what was drawn on them
HORIZONTAL = "values-on-x"  # gid of Axes whose values run along x
TAKE_ALONG = "MEDALLIANCE_EXPORT"  # set where a build takes tables and pictures along as files
RECORD = "application/vnd.medalliance.exhibit+json"
PRINT_DPI = 300


@dataclass(frozen=True, eq=False)
class Content:
    """What a result gives ``show``: a frame to set or a picture to draw, and its words.

    A result is shown if it has a method ``_exhibit_(kind, **drawing)`` that returns one of these;
    ``kind`` is ``"figure"``, ``"table"`` or None where the result may choose.

    Attributes
    ----------
    provenance : Provenance or None
    caption, foot, alt : str
        Used where ``show`` is given no other; the foot says how the numbers were made.
    frame : DataFrame or None
        What a table sets.
    draw : callable or None
        What draws a picture and returns its Axes; called only when it is shown.
    numbers : DataFrame or None
        The numbers drawn; without them they are read off the marks.
    """

    provenance: Provenance | None
    caption: str = ""
    foot: str = ""
    alt: str = ""
    frame: Any = None
    draw: Callable[[], Any] | None = None
    numbers: Any = None


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A figure or a table as the book shows it.

    Attributes
    ----------
    kind : str
        ``"figure"`` or ``"table"``.
    provenance : Provenance
        Kind of evidence, shown with the caption, and source, shown below.
    caption, alt, foot : str
        What is shown; what a reader who cannot see it is told; how the numbers were made.
    body_html : str
        The image or the table itself.
    summary : DataFrame or None
        The numbers drawn, rounded as text. A figure shows them folded away below the picture.
    lang : str
        Language of the word before the source.
    cells : dict or None
        A table's columns and rows, where a build takes them along.
    pictures : dict of str to bytes
        A figure for print by media type, where a build takes it along.
    """

    kind: str
    provenance: Provenance
    caption: str
    alt: str
    body_html: str
    foot: str = ""
    summary: pd.DataFrame | None = None
    lang: str = "en"
    cells: Mapping[str, Any] | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def badge(self) -> Badge:
        """Kind of evidence."""
        return self.provenance.badge

    @property
    def source(self) -> str:
        """Where the numbers come from."""
        return self.provenance.source

    @property
    def record(self) -> dict[str, Any]:
        """The exhibit as plain data: its words, and the numbers of its table or picture."""
        told = ("kind", "caption", "alt", "foot", "source", "lang")
        record = {name: getattr(self, name) for name in told} | {"badge": self.badge.value}
        if self.kind == "figure" and self.summary is not None:
            record["summary"] = {
                "columns": [str(name) for name in self.summary.columns],
                "rows": self.summary.astype(str).to_numpy().tolist(),
            }
        return record | dict(self.cells or {})

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Add what a build takes along as files; nothing where none asks for it."""
        if not takes_along():
            return {}
        encoded = {
            kind: base64.b64encode(content).decode("ascii")
            for kind, content in self.pictures.items()
        }
        return {RECORD: self.record, **encoded}

    def _repr_html_(self) -> str:
        caption = f"<figcaption>{_badge_html(self.badge)} {escape(self.caption)}</figcaption>"
        source = f'<p class="exhibit-source">{_SOURCE[self.lang]}{escape(self.source)}</p>'
        if self.foot:
            source = f'<p class="exhibit-foot">{escape(self.foot)}</p>{source}'
        if self.kind == "table":
            inside = f'{caption}<div class="exhibit-scroll" tabindex="0">{self.body_html}</div>'
        else:
            inside = f"{self.body_html}{caption}{self._details_html()}"
        return (
            f'<figure class="exhibit exhibit-{self.kind}" data-badge="{self.badge.value}" '
            f'style="margin:1.2em 0">{inside}{source}</figure>'
        )

    def _details_html(self) -> str:
        if self.summary is None:
            return ""
        head = "".join(f"<th>{escape(str(name))}</th>" for name in self.summary.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in self.summary.itertuples(index=False)
        )
        return (
            '<details class="exhibit-data"><summary>The numbers drawn</summary>'
            f'<div class="exhibit-scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div></details>"
        )

    def __repr__(self) -> str:
        text = f"{self.kind.capitalize()} [{self.badge.value}] {self.caption}"
        if self.summary is not None:
            text += "\n" + self.summary.to_string(index=False)
        foot = f"\n{self.foot}" if self.foot else ""
        return f"{text}{foot}\n{_SOURCE[self.lang]}{self.source}"


@dataclass(frozen=True, eq=False)
class Sentence:
    """A sentence of computed numbers that carries its badge.

    Attributes
    ----------
    text : str
        As it is read.
    provenance : Provenance
    template : str
        The text with a field a number; a translation replaces it.
    numbers : mapping
        Number of each field.
    lang : str
    """

    text: str
    provenance: Provenance
    template: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    lang: str = "en"

    @property
    def badge(self) -> Badge:
        """Kind of evidence."""
        return self.provenance.badge

    @property
    def source(self) -> str:
        """Where the numbers come from."""
        return self.provenance.source

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Add the sentence as data, where a build asks for it."""
        if not takes_along():
            return {}
        told = {"kind": "sentence", "text": self.text, "badge": self.badge.value}
        return {RECORD: told | {"source": self.source, "lang": self.lang}}

    def _repr_html_(self) -> str:
        return (
            f'<p class="exhibit exhibit-text" data-badge="{self.badge.value}">'
            f"{_badge_html(self.badge)} {escape(self.text)} "
            f'<span class="exhibit-source">{_SOURCE[self.lang]}{escape(self.source)}</span></p>'
        )

    def __repr__(self) -> str:
        return f"[{self.badge.value}] {self.text} {_SOURCE[self.lang]}{self.source}"


def figure(
    ax: Any,
    *,
    caption: str,
    alt: str,
    badge: Badge | str,
    source: str,
    summary: pd.DataFrame | None = None,
) -> Exhibit:
    """Render drawn Axes to an exhibit and close their figure.

    Parameters
    ----------
    ax : matplotlib Axes, array of Axes or Figure
        What the functions of ``plots`` return.
    caption, alt, source : str
        None may be empty. ``alt`` says what the picture shows to someone who cannot see it.
    badge : Badge or str
        ``REAL``, ``YOURS``, ``SYNTHETIC`` or ``ILLUSTRATIVE``.
    summary : DataFrame, optional
        The numbers behind the picture. Without it they are read off the drawn marks.

    Returns
    -------
    Exhibit
        One ``text/html`` output. The picture has a transparent ground and an ink that reads on
        light and on dark pages.

    Raises
    ------
    ValueError
        If a text is empty or the badge is unknown.
    """
    return picture(ax, Provenance(Badge(badge), source), caption, alt, summary=summary)


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
    """Render drawn Axes to an exhibit with its provenance, closing their figure."""
    with needed():
        import matplotlib.pyplot as plt

    refuse_empty(caption=caption, alt=alt, source=provenance.source)
    axes = axes_of(ax)
    drawn = axes[0].figure
    numbers = drawn_numbers(axes) if summary is None else summary
    buffer = io.BytesIO()
    drawn.savefig(
        buffer,
        format="png",
        dpi=DPI,
        transparent=True,
        bbox_inches="tight",
        pad_inches=0.04,
        metadata={"Software": None},
    )
    pictures = _for_print(drawn) if takes_along() else {}
    plt.close(drawn)
    png = buffer.getvalue()
    width = int.from_bytes(png[16:20], "big") // 2
    payload = base64.b64encode(png).decode("ascii")
    image = (
        f'<img class="exhibit-image dark-light" alt="{escape(alt, quote=True)}" width="{width}" '
        f'style="max-width:100%;height:auto" src="data:image/png;base64,{payload}"/>'
    )
    return Exhibit(
        "figure", provenance, caption, alt, image, foot, rounded(numbers), lang, pictures=pictures
    )


def takes_along() -> bool:
    """Return whether exhibits also carry their data and pictures for files."""
    return bool(os.environ.get(TAKE_ALONG))


def _for_print(drawn: Any) -> dict[str, bytes]:
    """Render a figure as vectors and, on white ground, as a picture for print."""
    import matplotlib as mpl

    look: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.04}
    vectors, picture = io.BytesIO(), io.BytesIO()
    undated = {"Creator": None, "Producer": None, "CreationDate": None}
    with mpl.rc_context({"pdf.fonttype": 42}):
        drawn.savefig(vectors, format="pdf", transparent=True, metadata=undated, **look)
    drawn.savefig(
        picture, format="png", dpi=PRINT_DPI, facecolor="white", metadata={"Software": None}, **look
    )
    return {"application/pdf": vectors.getvalue(), "image/png": picture.getvalue()}


def sentence(text: str, *, badge: Badge | str, source: str, lang: str = "en") -> Sentence:
    """Wrap a sentence of computed numbers so that it shows its badge and source.

    Parameters
    ----------
    text : str
        One or more sentences.
    badge : Badge or str
        Kind of evidence.
    source : str
        Where the numbers come from.

    Returns
    -------
    Sentence

    Raises
    ------
    ValueError
        If a text is empty or the badge is unknown.
    """
    refuse_empty(text=text, source=source)
    return Sentence(text, Provenance(Badge(badge), source), text, {}, lang)


def drawn_numbers(axes: list[Any]) -> pd.DataFrame:
    """Read the numbers off the labelled marks of Axes: one row a series.

    Returns
    -------
    DataFrame
        ``series``, ``points``, ``first``, ``last``, ``lowest``, ``highest`` in the axis's unit.
    """
    import pandas as pd

    series = [pair for ax in axes for pair in _series(ax)]
    rows = []
    for name, values in series:
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


def axes_of(drawn: Any) -> list[Any]:
    """Return the Axes of Axes, of an array of them or of a Figure; none of anything else."""
    if hasattr(drawn, "get_lines"):
        return [drawn]
    if hasattr(drawn, "get_axes"):
        return list(drawn.get_axes())
    several = np.ravel(np.asarray(drawn, dtype=object))
    return [ax for ax in several if hasattr(ax, "get_lines")]


def _badge_html(badge: Badge) -> str:
    return (
        f'<span class="exhibit-badge badge-{badge.value.lower()}" title="{MEANING[badge]}">'
        f"{badge.value}</span>"
    )


def refuse_empty(**texts: str) -> None:
    """Raise ValueError naming the texts that are empty."""
    empty = [name for name, text in texts.items() if not str(text or "").strip()]
    if empty:
        raise ValueError(f"{', '.join(empty)} is empty. Say it: every exhibit needs it.")
