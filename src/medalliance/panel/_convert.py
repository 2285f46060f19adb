"""Columns of a table, each read as what it is: number, year, word or text."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._checks import is_money
from ._mapping import IGNORE, ColumnMap, PanelMapping, unit_factor
from ._names import CODES, NA, TEXTS, YEARS, is_standard, standard_columns
from ._numbers import MISSING, read_numbers
from ._problems import Problem, Reading, many
from ._years import read_years

NA_WORDS: dict[str, tuple[str, ...]] = {
    "not_collected": ("not collected", "未收集", "未采集", "未统计", "没有收集"),
    "not_applicable": ("not applicable", "不适用", "无此项"),
    "suppressed": ("保密", "抑制", "隐去", "不公开"),
    "pending": ("待定", "待报", "待补", "待核"),
}
BASES: dict[str, tuple[str, ...]] = {
    "accrual": ("权责发生制", "权责", "应计制", "应计"),
    "cash": ("收付实现制", "收付", "现金制", "现金"),
}
YES_NO = {
    "1": ("是", "有", "已", "已实施", "已试点", "试点", "yes", "y", "true", "t", "√", "✓"),
    "0": ("否", "无", "未", "未实施", "未试点", "非试点", "没有", "no", "n", "false", "f"),
}
_PERCENT_FROM = 1.5  # no share reaches it, and no percent of a level lies below it
_SAME_MIDDLE = 0.25  # by which the middles of shares and of percents may differ
FEN = 1e-6  # yuan by which a number may miss two decimals


@dataclass(eq=False)
class _Notes:
    readings: list[Reading] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def columns(
    frame: pd.DataFrame, chosen: dict[str, tuple[str, ColumnMap]], plan: PanelMapping
) -> tuple[pd.DataFrame, list[Reading], list[Problem]]:
    """Read every column as what the mapping says it is.

    Returns
    -------
    frame : DataFrame
        Standard names; columns of other names as they were.
    readings : list of Reading
    problems : list of Problem
    """
    notes = _Notes()
    made: dict[str, pd.Series] = {}
    missing = frozenset(word.strip().casefold() for word in plan.missing)
    for place, name in enumerate(map(str, frame.columns)):
        target, column = chosen[name]
        if column.to == IGNORE:
            continue
        values = frame.iloc[:, place]
        if column.words:
            values = _replaced(values, target, column.words, notes)
        made[target] = _read(values, target, column, plan, missing, notes)
        if target != name:
            _tell_name(name, target, column, notes)
    out = pd.DataFrame(made, index=pd.RangeIndex(len(frame)))
    return out, notes.readings, notes.problems


def _tell_name(name: str, target: str, column: ColumnMap, notes: _Notes) -> None:
    unit = f" in {column.unit}" if column.unit else ""
    notes.readings.append(Reading(f"column {name} was read as {target}{unit}", target))


def _replaced(values: pd.Series, target: str, words: dict[str, str], notes: _Notes) -> pd.Series:
    """Replace the reader's words by ours; ``""`` stands for a blank cell."""
    text = values.astype(object).map(lambda cell: "" if _blank(cell) else _as_text(cell))
    hit = text.isin(words.keys())
    if not hit.any():
        return values
    shown = ", ".join(f"{old or 'blank'} as {new or 'blank'}" for old, new in words.items())
    count = int(hit.sum())
    notes.readings.append(Reading(f"{target}: {shown} in {many(count, 'cell')}", target, count))
    new = text.map(words)
    out = values.astype(object).where(~hit, new)
    return out.where(out != "", None)


def _blank(cell: object) -> bool:
    return cell is None or cell is pd.NA or cell is pd.NaT or cell != cell


def _as_text(cell: object) -> str:
    if isinstance(cell, float | np.floating) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _read(
    values: pd.Series,
    target: str,
    column: ColumnMap,
    plan: PanelMapping,
    missing: frozenset[str],
    notes: _Notes,
) -> pd.Series:
    if target.endswith(NA) and is_standard(target):
        return _words(values, NA_WORDS)
    if target not in standard_columns() or target in CODES:
        return values.reset_index(drop=True)
    if target == "spending_basis":
        return _words(values, BASES)
    if target in TEXTS:
        return _trimmed(values)
    if target in YEARS:
        return _years(values, target, column.date, missing, notes)
    return _numbers(values, target, column, plan, missing, notes)


def _years(
    values: pd.Series, target: str, date: str | None, missing: frozenset[str], notes: _Notes
) -> pd.Series:
    if pd.api.types.is_integer_dtype(values.dtype) and not values.hasnans and date is None:
        return values.reset_index(drop=True)
    found = read_years(values, target, date=date, missing=missing)
    notes.readings += found.readings
    notes.problems += found.problems
    return pd.Series(_whole(found.numbers))


def _whole(values: NDArray[np.float64]) -> NDArray[np.generic]:
    whole = np.isfinite(values).all() and bool((values == np.round(values)).all())
    return values.astype(np.int64) if whole else values


def _numbers(
    values: pd.Series,
    target: str,
    column: ColumnMap,
    plan: PanelMapping,
    missing: frozenset[str],
    notes: _Notes,
) -> pd.Series:
    factor = unit_factor(target, column.unit)
    if standard_columns()[target].unit == "yes_no" and not pd.api.types.is_numeric_dtype(values):
        values = _words(values, YES_NO)
    numeric = pd.api.types.is_numeric_dtype(values.dtype)
    kind = standard_columns()[target].unit
    if numeric and factor == 1 and not missing and not column.round and kind != "share":
        return values.reset_index(drop=True)
    found = read_numbers(values, target, kind, missing=missing, decimal=plan.decimal)
    notes.readings += found.readings
    notes.problems += found.problems
    numbers = np.where(found.scaled, found.numbers, found.numbers * factor)
    if kind == "share":
        numbers = _one_scale(numbers, found.numbers, found.scaled, target, factor, notes)
    if factor != 1:
        count = int((np.isfinite(numbers) & ~found.scaled).sum())
        text = f"{target}: {many(count, 'number')} multiplied by {factor:,.10g} ({column.unit})"
        notes.readings.append(Reading(text, target, count))
    numbers = _tidy(numbers, target, kind)
    if column.round and is_money(target):
        rounded = np.round(numbers, 2)
        count = int((np.abs(rounded - numbers) > FEN).sum())
        text = f"{target}: {many(count, 'number')} rounded to fen"
        notes.readings.append(Reading(text, target, count))
        numbers = rounded
    if kind in ("persons", "visits"):
        return pd.Series(_whole(numbers))
    return pd.Series(numbers)


def _one_scale(
    numbers: NDArray[np.float64],
    given: NDArray[np.float64],
    scaled: NDArray[np.bool_],
    target: str,
    factor: float,
    notes: _Notes,
) -> NDArray[np.float64]:
    """Read a column of percents and shares on one scale, where each cell can be only one of them.

    It can where nothing lies between 1 and 1.5, and both kinds have about the same middle.
    """
    plain = np.isfinite(given) & ~scaled
    percent, share = plain & (given > _PERCENT_FROM), plain & (given <= 1)
    if factor not in (1.0, 0.01) or not percent.any() or not (share & (given > 0)).any():
        return numbers
    middles = np.median(given[percent]) / 100, np.median(given[share & (given > 0)])
    clear = not (plain & ~percent & ((given >= 1) | (given < 0))).any()
    if not clear or given[percent].max() > 100 or abs(middles[0] - middles[1]) > _SAME_MIDDLE:
        return numbers
    text = (
        f"{target}: {many(int(percent.sum()), 'number')} above 1 read as percent, "
        f"{many(int(share.sum()), 'number')} up to 1 as shares; both have the same range"
    )
    notes.readings.append(Reading(text, target, int(percent.sum())))
    return np.where(percent, given / 100, np.where(share, given, numbers))


def _tidy(numbers: NDArray[np.float64], target: str, kind: str) -> NDArray[np.float64]:
    """Take away what multiplying by a unit leaves behind the last decimal."""
    places = 2 if is_money(target) else 0 if kind in ("persons", "visits") else 10
    rounded = np.round(numbers, places)
    near = np.abs(rounded - numbers) <= FEN + 1e-12 * np.abs(numbers)
    return np.where(near, rounded, numbers)


def _trimmed(values: pd.Series) -> pd.Series:
    text = (
        values.astype(object)
        .map(lambda cell: None if _blank(cell) else _as_text(cell))
        .astype("str")
    )
    return text.where(text.str.len() > 0).reset_index(drop=True)


def _words(values: pd.Series, known: dict[str, tuple[str, ...]]) -> pd.Series:
    """Read words of a closed list, English or Chinese, in any case."""
    back = {name: name for name in known}
    back |= {word.casefold(): name for name, words in known.items() for word in words}
    text = _trimmed(values.astype(object))
    lower = text.str.casefold()
    blank = lower.isin(MISSING).to_numpy(bool, na_value=False)
    return lower.map(back).where(lower.isin(back.keys()), text).where(~blank)
