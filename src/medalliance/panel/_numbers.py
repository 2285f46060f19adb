"""Read numbers as people type them, saying what was read as what."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import first_three
from ._problems import Problem, Reading, many, problem
from ._units import units_of

_WORDS = """
- -- --- — —— – ― … …… . .. * / \\ na n/a n.a. nan null none nil missing <na> #n/a
x × 无 无数据 缺失 缺 暂无 不详 未知
"""
MISSING = frozenset((*_WORDS.split(), ""))
NEVER = frozenset(("never", "never treated", "inf", "从未", "未实施", "未改革", "未试点", "∞"))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?$")
_GROUPED_10K = re.compile(r"[+-]?\d{1,4}(,\d{4})+(\.\d*)?$")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+$")
_TRAILING = re.compile(r"^(.*?\d\.?)\s*([^\d\s.,+-]+|10k \w+)$")


@dataclass(eq=False)
class Numbers:
    """A column read as numbers.

    Attributes
    ----------
    numbers : ndarray, shape (n_rows,)
        In the file's unit, cells that name their own unit in ours; NaN where blank or unreadable.
    scaled : ndarray of bool, shape (n_rows,)
        Cells that name their own unit.
    readings, problems : list
    """

    numbers: NDArray[np.float64]
    scaled: NDArray[np.bool_]
    readings: list[Reading] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_numbers(
    column: pd.Series,
    name: str,
    kind: str,
    *,
    missing: frozenset[str] = frozenset(),
    decimal: str | None = None,
) -> Numbers:
    """Read a column as numbers.

    Full-width digits, thousands separators, units in the cell and words for missing are read and
    reported. What could mean two numbers, such as ``1,5``, is not.

    Parameters
    ----------
    column : Series
        Numbers or text.
    name : str
        Its name for the reader.
    kind : str
        Unit of the standard column in the codebook, for units inside cells.
    missing : frozenset of str
        Further words for missing.
    decimal : "," or ".", optional
        Decimal sign of the file, where a comma could be either.
    """
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
        values = np.where(np.isin(values, _plain_numbers(missing)), np.nan, values)
        return Numbers(values, np.zeros(len(values), dtype=bool))
    codes, found = pd.factorize(column.astype(object), use_na_sentinel=True)
    cells = [_read_cell(cell, kind, missing, decimal) for cell in found]
    counts = np.bincount(codes[codes >= 0], minlength=len(cells))
    values = np.array([cell.value for cell in cells] + [np.nan])[codes]
    scaled = np.array([cell.scaled for cell in cells] + [False])[codes]
    notes: Counter[str] = Counter()
    for cell, count in zip(cells, counts, strict=True):
        for how in cell.how:
            notes[how] += int(count)
    readings = [
        Reading(f"{name}: {how} in {many(count, 'cell')}", name, count)
        for how, count in notes.items()
    ]
    wrong = np.flatnonzero(np.array([not cell.readable for cell in cells] + [False])[codes])
    problems = []
    if len(wrong):
        shown = list(dict.fromkeys(str(column.iloc[k]) for k in wrong))
        advice = _advice([str(found[k]) for k in range(len(cells)) if not cells[k].readable])
        text = f"{name} is not a number in {{where}}: {first_three(shown)}. {advice}"
        problems.append(problem("E116", text, rows=wrong, values=shown, column=name))
    return Numbers(values, scaled, readings, problems)


@dataclass(frozen=True)
class _Cell:
    value: float
    readable: bool = True
    scaled: bool = False
    how: tuple[str, ...] = ()


def _read_cell(cell: object, kind: str, missing: frozenset[str], decimal: str | None) -> _Cell:
    if isinstance(cell, bool | int | float | np.number):
        return _Cell(float(cell))
    raw = str(cell).strip()
    text = unicodedata.normalize("NFKC", raw).strip().replace("\u2212", "-")
    how: list[str] = []
    word = text.casefold()
    if raw.casefold() in MISSING | missing or word in MISSING | missing:
        return _Cell(np.nan, how=(f"{raw!r} read as missing",) if raw else ())
    if text != raw:
        how.append("full-width signs read as plain ones")
    found, factor = text, 1.0
    if not _number_like(text):
        match = _TRAILING.match(text)
        units = units_of(kind)
        if match and match[2].casefold() in units:
            found, factor = match[1].strip(), units[match[2].casefold()]
            how.append(f"unit {match[2]!r} read from the cell")
    value, grouped = _parse(found, decimal)
    if value is None:
        return _Cell(np.nan, readable=False)
    if grouped:
        how.append(f"{grouped} read")
    return _Cell(value * factor, scaled=factor != 1.0 or found != text, how=tuple(how))


def _number_like(text: str) -> bool:
    return _NUMBER.match(text.casefold()) is not None


def _parse(text: str, decimal: str | None) -> tuple[float | None, str]:
    """Return the number of a text, with the words for what was in it; ``None`` if unreadable."""
    text = re.sub(r"(?<=\d)[\s'’](?=\d{3})", "", text).casefold()
    if _number_like(text):
        return float(text), ""
    if decimal == ",":
        moved = text.replace(".", "").replace(",", ".")
        return (float(moved), "decimal commas") if _number_like(moved) else (None, "")
    if _GROUPED.match(text) or _GROUPED_10K.match(text):
        return float(text.replace(",", "")), "thousands separators"
    return None, ""


def _advice(wrong: list[str]) -> str:
    said = []
    if any(text.startswith("#") for text in wrong):
        said.append("Mend the spreadsheet formula behind #-values, or leave a blank.")
    if any(_DECIMAL_COMMA.match(text.strip()) for text in wrong):
        said.append("If a comma marks decimals, add `decimal: ','` to the mapping file.")
    said.append(
        "Write plain numbers, or map them under `values`; words for missing go under `missing`."
    )
    return " ".join(said)


def _plain_numbers(missing: frozenset[str]) -> list[float]:
    return [float(word) for word in missing if _number_like(word)]
