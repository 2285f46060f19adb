"""Tables of plain tidy frames: one look, blanks printed as blanks, assumptions in grey."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError, needed
from ..provenance import Badge, Provenance
from .exhibits import Exhibit, refuse_empty

if TYPE_CHECKING:
    import pandas as pd

BLANK = "not published"
_WHOLE = ("left_out", "year", "cohort", "event_time", "first_year", "last_year")
_ASSUMED_INK = "#7d838c"
_STYLE = (
    "<style>#table table{border-collapse:collapse;margin:0;background:transparent;color:inherit;"
    "font-size:.9em;border-top:1.5px solid #8a8f98;border-bottom:1.5px solid #8a8f98}"
    "#table th,#table td{padding:5px 10px;vertical-align:top;background:transparent;"
    "color:inherit;border:0;border-top:1px solid rgba(128,128,128,.25)}"
    "#table th{font-weight:600;vertical-align:bottom;border-bottom:1px solid #8a8f98}"
    "#table .gt_left{text-align:left}#table .gt_right{text-align:right}</style>"
)


def table(
    frame: pd.DataFrame,
    *,
    caption: str,
    badge: Badge | str,
    source: str,
    decimals: int | Mapping[str, int] | None = None,
    labels: str | Mapping[str, str] = "codebook",
    lang: str = "en",
    blank: str = BLANK,
) -> Exhibit:
    """Set a tidy frame as a table with its caption, badge and source.

    Parameters
    ----------
    frame : DataFrame
        Its columns as they stand; the index is not shown. Rows whose ``status`` is ``assumed``
        are printed in grey; so are the cells marked in ``frame.attrs["assumed"]``, a boolean
        DataFrame of the same shape. ``frame.attrs["fill"]``, of the same shape, holds a CSS
        colour behind each cell; ``""`` leaves it clear.
    decimals : int or mapping, optional
        Decimals of the numbers, for all columns or by column. By default by size: about three
        significant digits. Columns named ``p_value`` (or ``…_p_value``) print ``<0.001``.
    labels : "codebook" or mapping
        Column headings; names that are not found lose their underscores.
    lang : "en" or "zh"
        Language of the codebook's labels.
    blank : str
        What a missing value prints.

    Returns
    -------
    Exhibit
        Its ``summary`` is the frame as printed.

    Raises
    ------
    ValueError
        If the caption or the source is empty or the badge is unknown.
    """
    provenance = Provenance(Badge(badge), source)
    return set_table(
        frame, provenance, caption, decimals=decimals, labels=labels, lang=lang, blank=blank
    )


def set_table(
    frame: pd.DataFrame,
    provenance: Provenance,
    caption: str,
    *,
    foot: str = "",
    decimals: int | Mapping[str, int] | None = None,
    labels: str | Mapping[str, str] = "codebook",
    lang: str = "en",
    blank: str = BLANK,
) -> Exhibit:
    """Set a tidy frame as a table with its provenance; see ``table`` for the options."""
    if not hasattr(frame, "columns"):
        raise DataError(
            f"a table is made from a pandas DataFrame, not from a {type(frame).__name__}.\n"
            "  Convert it first, e.g. with pandas.DataFrame(...)."
        )
    refuse_empty(caption=caption, source=provenance.source)
    printed = print_cells(frame, decimals=decimals, blank=blank)
    headings = {name: heading(name, labels=labels, lang=lang) for name in frame.columns}
    html = _great_table(frame, printed, headings, blank=blank, key=caption)
    alt = f"Table: {caption}"
    cells = _cells(frame, printed, headings, blank=blank)
    shown = printed.rename(columns=headings)
    return Exhibit("table", provenance, caption, alt, html, foot, shown, lang, cells)


def print_cells(
    frame: pd.DataFrame,
    *,
    decimals: int | Mapping[str, int] | None = None,
    blank: str = BLANK,
) -> pd.DataFrame:
    """Return a frame of text: numbers rounded, p-values as ``<0.001``, blanks as ``blank``."""
    import pandas as pd

    columns = {}
    for name in frame.columns:
        places = _places(frame[name], str(name), decimals)
        is_p = str(name) == "p_value" or str(name).endswith("_p_value")
        columns[name] = [_cell(value, places, is_p, blank) for value in frame[name]]
    return pd.DataFrame(columns, columns=frame.columns, dtype=object)


def heading(name: object, *, labels: str | Mapping[str, str] = "codebook", lang: str = "en") -> str:
    """Return the heading of a column: from the mapping, the codebook, or its name in words."""
    text = str(name)
    found = labels.get(text) if isinstance(labels, Mapping) else _codebook_label(text, lang)
    return found or (text if any(letter.isupper() for letter in text) else text.replace("_", " "))


def to_latex(
    frame: pd.DataFrame,
    *,
    caption: str,
    foot: str = "",
    decimals: int | Mapping[str, int] | None = None,
    labels: str | Mapping[str, str] = "codebook",
) -> str:
    r"""Write a tidy frame as a LaTeX ``table`` with ``\toprule``, a caption and a foot."""
    printed = print_cells(frame, decimals=decimals, blank="")
    align = "".join("r" if _is_number(frame[name]) else "l" for name in frame.columns)
    lines = [" & ".join(_tex(heading(name, labels=labels)) for name in frame.columns) + r" \\"]
    lines.append(r"\midrule")
    for row in printed.itertuples(index=False):
        lines.append(" & ".join(_tex(cell) for cell in row) + r" \\")
    note = f"\\par\\smallskip\\footnotesize {_tex(foot)}\n" if foot else ""
    body = "\n".join(lines)
    return (
        f"\\begin{{table}}\n\\centering\n\\caption{{{_tex(caption)}}}\n"
        f"\\begin{{tabular}}{{{align}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"
        f"{note}\\end{{table}}\n"
    )


def _great_table(
    frame: pd.DataFrame,
    printed: pd.DataFrame,
    headings: dict[Any, str],
    *,
    blank: str,
    key: str,
) -> str:
    with needed():
        from great_tables import GT, loc, style

    numbers = [name for name in frame.columns if _is_number(frame[name])]
    shown = printed.copy()
    shown.columns = [str(name) for name in printed.columns]
    for name in numbers:
        shown[str(name)] = [str(cell).replace("-", "\u2212", 1) for cell in printed[name]]
    digest = hashlib.sha256(key.encode("utf-8")).hexdigest()[:10]
    set_table = (
        GT(shown, id=f"table-{digest}", auto_align=False)
        .cols_label({str(name): text for name, text in headings.items()})
        .cols_align("left", columns=[str(name) for name in frame.columns if name not in numbers])
        .cols_align("right", columns=[str(name) for name in numbers])
    )
    for name in frame.columns:
        rows = _grey_rows(frame, printed, name, blank)
        if rows:
            grey = style.text(color=_ASSUMED_INK, style="italic")
            set_table = set_table.tab_style(grey, loc.body(columns=str(name), rows=rows))
    fills = frame.attrs.get("fill")
    for name in [] if fills is None else frame.columns:
        for color in sorted(set(fills[name]) - {""}):
            rows = [int(row) for row in np.flatnonzero(np.asarray(fills[name]) == color)]
            cells = loc.body(columns=str(name), rows=rows)
            set_table = set_table.tab_style(style.css(f"background-color: {color};"), cells)
    digits = style.css("font-variant-numeric: tabular-nums; white-space: nowrap;")
    if numbers and len(frame):
        set_table = set_table.tab_style(digits, loc.body(columns=[str(name) for name in numbers]))
    own = _STYLE.replace("#table", f"#table-{digest}")
    return re.sub(r"<style>.*?</style>", own, set_table.as_raw_html(), count=1, flags=re.DOTALL)


def _cells(
    frame: pd.DataFrame, printed: pd.DataFrame, headings: dict[Any, str], *, blank: str
) -> dict[str, Any]:
    """Return a table as plain data: by column its name, heading, values, text and grey rows."""
    columns = [
        {
            "name": str(name),
            "heading": headings[name],
            "number": _is_number(frame[name]),
            "values": [_plain(value) for value in frame[name]],
            "printed": [str(cell) for cell in printed[name]],
            "grey": _grey_rows(frame, printed, name, blank),
        }
        for name in frame.columns
    ]
    return {"columns": columns}


def _plain(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or pd.isna(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)


def _grey_rows(frame: pd.DataFrame, printed: pd.DataFrame, name: Any, blank: str) -> list[int]:
    grey = np.array([cell == blank for cell in printed[name]], dtype=bool)
    if "status" in frame.columns:
        grey |= np.array([str(value) == "assumed" for value in frame["status"]], dtype=bool)
    marked = frame.attrs.get("assumed")
    if marked is not None:
        grey |= np.asarray(marked[name], dtype=bool)
    return [int(row) for row in np.flatnonzero(grey)]


def _places(column: pd.Series, name: str, decimals: int | Mapping[str, int] | None) -> int | None:
    if isinstance(decimals, Mapping):
        if name in decimals:
            return decimals[name]
    elif decimals is not None and name not in _WHOLE and not name.startswith("n_"):
        return decimals
    if name in _WHOLE or name.endswith("_year"):
        return None
    if not _is_number(column):
        return 2
    values = np.abs(column.dropna().to_numpy(float))
    if not values.size or np.all(values == np.round(values)):
        return 0
    size = values[np.isfinite(values)].max(initial=0.0)
    return 3 if size < 10 else 2 if size < 100 else 1 if size < 10_000 else 0


def _cell(value: Any, places: int | None, is_p: bool, blank: str) -> str:
    import pandas as pd

    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if value is None or pd.isna(value):
        return blank
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not isinstance(value, int | float | np.integer | np.floating):
        return str(value).strip() or blank
    if is_p:
        return "<0.001" if value < 0.0005 else f"{value:.3f}"
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    if places is None:
        return f"{value:.0f}"
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


def _is_number(column: pd.Series) -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _codebook_label(name: str, lang: str) -> str | None:
    try:
        from ..codebook import label
    except ImportError:  # the codebook is read only where one is shipped
        return None
    try:
        return label(name, lang=lang)
    except KeyError:
        return None


def _tex(text: object) -> str:
    swaps = {"\\": r"\textbackslash{}", "<": "$<$", ">": "$>$", "~": r"\textasciitilde{}"}
    swaps |= {mark: f"\\{mark}" for mark in "&%$#_{}"}
    escaped = "".join(swaps.get(letter, letter) for letter in str(text))
    return f"$-${escaped[1:]}" if escaped[:1] == "-" and escaped[1:2].isdigit() else escaped
