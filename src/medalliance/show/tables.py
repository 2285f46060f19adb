"""Tables of plain tidy frames: one look, blanks printed as blanks, assumptions in grey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from ..provenance import Provenance
from .exhibits import Exhibit, new_record

if TYPE_CHECKING:
    import pandas as pd

BLANK = "\u2013"
_WHOLE = ("left_out", "year", "cohort", "event_time", "first_year", "last_year")


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
    assumed: pd.DataFrame | None = None,
    fill: pd.DataFrame | None = None,
) -> Exhibit:
    """Set a tidy frame as a table with its provenance.

    Parameters
    ----------
    frame : DataFrame
        Its columns as they stand; the index is not shown. Rows whose ``status`` is ``assumed``
        are printed in grey.
    provenance : Provenance
    caption, foot : str
    decimals : int or mapping, optional
        Decimals of the numbers, for all columns or by column. By default by size: about three
        significant digits. Columns named ``p_value`` (or ``…_p_value``) print ``<0.001``.
    labels : "codebook" or mapping
        Column headings; names that are not found lose their underscores.
    lang : "en" or "zh"
        Language of the codebook's labels.
    blank : str
        What a missing value prints.
    assumed : DataFrame of bool, optional
        Cells to print in grey, of the frame's shape.
    fill : DataFrame of str, optional
        CSS colour behind each cell, of the frame's shape; ``""`` leaves it clear.

    Returns
    -------
    Exhibit
        Its ``summary`` is the frame as printed.

    Raises
    ------
    DataError
        If something else than a frame is given.
    ValueError
        If the caption or the source is empty.
    """
    if not hasattr(frame, "columns"):
        raise DataError(
            f"a table is made from a pandas DataFrame, not from a {type(frame).__name__}.\n"
            "  Convert it first, e.g. with pandas.DataFrame(...)."
        )
    printed = print_cells(frame, decimals=decimals, blank=blank)
    grey = _grey_cells(frame, printed, blank, assumed)
    columns = []
    for place, name in enumerate(frame.columns):
        column = {
            "name": str(name),
            "heading": heading(name, labels=labels, lang=lang),
            "printed": printed.iloc[:, place].tolist(),
        }
        if _is_number(frame.iloc[:, place]):
            column["values"] = [_plain(value) for value in frame.iloc[:, place]]
        if grey[:, place].any():
            column["grey"] = np.flatnonzero(grey[:, place]).tolist()
        if fill is not None:
            column["fill"] = fill.iloc[:, place].tolist()
        columns.append(column)
    alt = f"Table: {caption}" if caption.strip() else ""
    words = {"caption": caption, "alt": alt, "foot": foot, "columns": columns}
    return Exhibit(new_record("table", provenance, lang, words))


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


def _grey_cells(
    frame: pd.DataFrame, printed: pd.DataFrame, blank: str, assumed: pd.DataFrame | None
) -> np.ndarray:
    grey = np.array(printed == blank, dtype=bool).reshape(frame.shape)
    if "status" in frame.columns:
        grey |= np.array([str(value) == "assumed" for value in frame["status"]], bool)[:, None]
    return grey if assumed is None else grey | assumed.to_numpy(bool)


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
    except DataError:
        return None


def _tex(text: object) -> str:
    swaps = {"\\": r"\textbackslash{}", "<": "$<$", ">": "$>$", "~": r"\textasciitilde{}"}
    swaps |= {mark: f"\\{mark}" for mark in "&%$#_{}"}
    escaped = "".join(swaps.get(letter, letter) for letter in str(text))
    return f"$-${escaped[1:]}" if escaped[:1] == "-" and escaped[1:2].isdigit() else escaped
