"""The head of a table: titles, the line of units, column names over one to three rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ._names import recognise, standard_columns
from ._units import UNITS, units_of

LINES = 15
DEEPEST = 3
_UNITS = re.compile(
    r"(?:计量)?单位\s*[:：]\s*(.+?)\s*[)）\]】]?\s*$|^\s*[(（]?\s*units?\s*:\s*(.+)", re.I
)
_BRACKET = re.compile(r"[(（\[【]\s*(?:单位[:：]?)?\s*([^()（）\[\]【】]+)\s*[)）\]】]\s*$")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)\s*年?(?:度)?")
_NUMBER = re.compile(r"[+-]?[\d,]*\.?\d+(e[+-]?\d+)?%?", re.I)


@dataclass(frozen=True)
class Head:
    """Where a table's column names stand.

    Attributes
    ----------
    first, last : int
        First and last row of the names, counted from 1.
    names : tuple of str
        One a column; with the unit of the line above the table where the name has none.
    known : int
        How many of them mean something.
    units : tuple of str
        Units of the line above the table.
    """

    first: int
    last: int
    names: tuple[str, ...]
    known: int
    units: tuple[str, ...] = ()


def find_head(
    rows: Sequence[Sequence[Any]],
    known: Callable[[str], bool],
    named: tuple[int, int] | None = None,
) -> Head:
    """Find the column names of a table.

    The rows in which most names are known are taken, the fewest and first of them; where fewer
    than two are known, the first row that holds anything.

    Parameters
    ----------
    rows : sequence
        The first rows of the table.
    known : callable
        Whether a column name means something.
    named : (int, int), optional
        First and last row of the names, where the reader names them.
    """
    texts = [[_text(cell) for cell in row] for row in rows[: LINES + DEEPEST]]
    if named:
        tried = [named]
    else:
        tried = [
            (first, first + deep)
            for deep in range(DEEPEST)
            for first in range(1, min(len(texts), LINES) + 1 - deep)
            if all(_are_names(texts[k - 1]) for k in range(first + 1, first + deep + 1))
        ]
    found = []
    for first, last in tried:
        names = _joined(texts[first - 1 : last], known)
        score = sum(bool(name) and (known(name) or year_in(name) is not None) for name in names)
        found.append((score, first - last, -first, names))
    if not found:
        return Head(1, 1, (), 0)
    score, deep, first, names = max(found, key=lambda item: item[:3])
    first, last = -first, -first - deep
    if score < 2 and not named:
        first = last = next((k for k, row in enumerate(texts, start=1) if any(row)), 1)
        names = texts[first - 1] if texts else []
    units = _units_above(texts[: first - 1])
    return Head(first, last, tuple(_with_unit(name, units) for name in names), score, units)


def year_in(name: str) -> tuple[str, int] | None:
    """Return the rest of a name and the one year in it.

    >>> year_in("总额预算2015年（万元）")
    ('总额预算（万元）', 2015)
    """
    hits = list(_YEAR.finditer(name))
    if len(hits) != 1:
        return None
    rest = name[: hits[0].start()] + name[hits[0].end() :]
    return rest.strip(" _-/·:："), int(hits[0][1])


def _text(cell: Any) -> str:
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).lstrip("\ufeff").split())


def _are_names(row: Sequence[str]) -> bool:
    """Return whether a row can be part of a header: it holds words or years, no other number."""
    filled = [text for text in row if text]
    wrong = [t for t in filled if _NUMBER.fullmatch(t) and not _YEAR.fullmatch(t)]
    return bool(filled) and not wrong


def _joined(rows: Sequence[Sequence[str]], known: Callable[[str], bool]) -> list[str]:
    """Join the names of a column over its rows; a name over several columns counts for each."""
    if len(rows) == 1:
        return list(rows[0])
    width = max(map(len, rows))
    full = [list(row) + [""] * (width - len(row)) for row in rows]
    for above, below in pairwise(full):
        for k in range(1, width):
            if not above[k] and below[k]:
                above[k] = above[k - 1]
    return [_one_name([row[k] for row in full], known) for k in range(width)]


def _one_name(parts: Sequence[str], known: Callable[[str], bool]) -> str:
    parts = list(dict.fromkeys(part for part in parts if part))
    if len(parts) < 2:
        return "".join(parts)
    stems = [_BRACKET.sub("", part).strip() for part in parts]
    unit = next((m[1] for p in reversed(parts) if (m := _BRACKET.search(p)) and m[1] in UNITS), "")
    tries = ["".join(stems), "".join(reversed(stems)), stems[-1]]
    name = next((text for text in tries if known(text)), None)
    if name is None:
        return "".join(parts)
    return f"{name}（{unit}）" if unit else name


def _units_above(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    for row in rows:
        for text in row:
            found = _UNITS.search(unicodedata.normalize("NFKC", text).replace("(", "（"))
            if found:
                listed = re.split(r"[、,，;；/\s]+", (found[1] or found[2]).strip(" ()（）"))
                return tuple(unit for unit in listed if unit.lower() in UNITS)
    return ()


def _with_unit(name: str, units: tuple[str, ...]) -> str:
    """Add the unit of the line above the table that fits a column whose name states none."""
    match = recognise(name) if units and name else None
    if match is None or match.unit or match.column not in standard_columns():
        return name
    kind = standard_columns()[match.column].unit
    own = [unit for unit in units if unit.lower() in units_of(kind)]
    if kind in ("persons", "visits"):
        word = "人次" if kind == "visits" else "人"
        own = [u for u in own if u.endswith(word) and (kind == "visits" or "次" not in u)]
    elif kind != "yuan":
        return name
    return f"{name}（{own[0]}）" if own else name
