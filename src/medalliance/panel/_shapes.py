"""Shapes in which tables are kept, turned into one row a county and year."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, first_three
from ._head import Head, find_head, year_in
from ._names import KEYS, TEXTS, recognise, standard_columns
from ._problems import Problem, Reading, many, problem
from ._sheets import Grid
from ._table import Layout, Table, finish

_TOTAL = re.compile(
    r"合\s*计|小\s*计|总\s*计|共\s*计|其\s*中|全市|全省|全区合计|全国|"
    r"^\s*(sub-?)?totals?\b|^\s*of which\b|^\s*all counties\b",
    re.IGNORECASE,
)
_NOTE = re.compile(r"^\s*(注|说明|备注|附注|数据来源|资料来源|填表|制表|审核|note|source)", re.I)
_HIGHER = re.compile(r"(?<!县级)(市|地区|自治州|盟|省|自治区)$")
_SUM_ROWS = 100_000  # rows up to which sums of others are looked for
_FEWEST = 3  # rows that a sum adds up
_CLOSE = 2e-4  # of its value by which a printed sum may miss that of the printed parts


# --- sheets -------------------------------------------------------------------------------------
def table_of_sheets(
    name: str, grids: Sequence[Grid], layout: Layout, known: Callable[[str], bool]
) -> Table:
    """Make one table of the sheets of a workbook.

    Sheets named by years are put below each other, sheets named by a variable with years across
    are put beside each other; otherwise the sheet with the most known column names is read.

    Raises
    ------
    DataError
        If a sheet that was asked for is not there, or all are blank.
    """
    titles = [grid.title for grid in grids]
    chosen = [layout.sheet] if isinstance(layout.sheet, str) else list(layout.sheet or titles)
    absent = [title for title in chosen if title not in titles]
    if absent:
        raise DataError(
            f"{name} has no sheet {first_three(map(repr, absent))}.\n  It has {', '.join(titles)}."
        )
    filled = [grid for grid in grids if grid.cells and grid.title in chosen]
    if not filled:
        raise DataError(f"{name}: every sheet is empty.\n  Give a table with a header.")
    heads = {grid.title: find_head(grid.cells, known, _named(layout, grid)) for grid in filled}
    usable = [grid for grid in filled if heads[grid.title].known >= 2]
    yearly = [g for g in usable if year_in(g.title) and not _has(heads[g.title], "year")]
    single = [g for g in usable if _variable(g.title) and len(_years_of(heads[g.title])) >= 2]
    if len({found[1] for grid in yearly if (found := year_in(grid.title))}) >= 2:
        return _below(name, yearly, heads, titles)
    if len(single) >= 2:
        return _beside(name, single, heads, titles)
    best = max(filled, key=lambda grid: heads[grid.title].known)
    told = []
    if len(titles) > 1:
        told.append(Reading(f"sheet {best.title} was read, of {first_three(titles)}"))
    table = _as_table(name, best, heads[best.title])
    if _variable(best.title) and len(_years_of(heads[best.title])) >= 2:
        table = _long(table, best.title)
    return replace(table, readings=[*told, *table.readings])


def _named(layout: Layout, grid: Grid) -> tuple[int, int] | None:
    """Return the places of the header rows that the reader names, counted over filled rows."""
    if layout.header_rows is None:
        return None
    first, last = layout.header_rows
    places = [k for k, number in enumerate(grid.numbers, start=1) if first <= number <= last]
    if not places:
        raise DataError(
            f"sheet {grid.title} holds nothing in row {first}.\n  Name the row of the header."
        )
    return min(places), max(places)


def _as_table(name: str, grid: Grid, head: Head) -> Table:
    readings = []
    if head.last > 1:
        above = grid.numbers[head.first - 1] - 1
        rows = f"rows {grid.numbers[head.first - 1]} to {grid.numbers[head.last - 1]} were"
        if head.first == head.last:
            rows = f"row {grid.numbers[head.first - 1]} was"
        readings.append(Reading(f"{rows} read as the header; {above} above were left out"))
    if head.units:
        readings.append(Reading(f"units of the line above the table: {'、'.join(head.units)}"))
    width = len(grid.cells[0])
    body = pd.DataFrame(grid.cells[head.last :], columns=range(width), dtype=object)
    numbers = np.array(grid.numbers[head.last :], dtype=np.int64)
    names = [*head.names, *[""] * (width - len(head.names))]
    return finish(Table(name, body.infer_objects(), numbers, readings), names)


def _has(head: Head, column: str) -> bool:
    return any((match := recognise(name)) and match.column == column for name in head.names)


def _years_of(head: Head) -> list[str]:
    return [name for name in head.names if _pure_year(name)]


def _pure_year(name: str) -> bool:
    found = year_in(name)
    return found is not None and not found[0]


def _variable(title: str) -> bool:
    match = recognise(title)
    return match is not None and match.column not in (*KEYS, *TEXTS)


def _below(
    name: str, grids: Sequence[Grid], heads: dict[str, Head], titles: Sequence[str]
) -> Table:
    tables, readings, problems = [], [], []
    for grid in grids:
        table = _as_table(name, grid, heads[grid.title])
        found = year_in(grid.title)
        tables.append((table.frame.assign(year=found[1] if found else None), table.rows))
        readings += table.readings
        problems += table.problems
    told = [
        f"{len(grids)} sheets, {grids[0].title} to {grids[-1].title}, were put below each other, "
        "with the year of their names; rows are numbered as in their sheets"
    ]
    told += _others(titles, grids)
    frame = pd.concat([frame for frame, _ in tables], ignore_index=True)
    rows = np.concatenate([numbers for _, numbers in tables])
    listed = [*map(Reading, told), *dict.fromkeys(readings)]
    return Table(name, frame, rows, listed, problems)


def _beside(
    name: str, grids: Sequence[Grid], heads: dict[str, Head], titles: Sequence[str]
) -> Table:
    long = [_long(_as_table(name, grid, heads[grid.title]), grid.title) for grid in grids]
    shared = set.intersection(*(set(map(str, table.frame.columns)) for table in long))
    keys = [c for c in map(str, long[0].frame.columns) if c in shared]
    frame = long[0].frame.assign(**{"row in file": long[0].rows})
    for table in long[1:]:
        extra = [c for c in table.frame.columns if c not in frame.columns]
        once = table.frame.drop_duplicates(keys)
        frame = frame.merge(once[[*keys, *extra]], on=keys, how="outer", sort=False)
    rows = frame.pop("row in file").fillna(0).to_numpy(np.int64)
    told = [
        f"{len(grids)} sheets, {first_three(g.title for g in grids)}, were put beside each other, "
        f"by {', '.join(keys)}; rows are numbered as in sheet {grids[0].title}"
    ]
    readings = [*map(Reading, [*told, *_others(titles, grids)])]
    for table in long:
        readings += table.readings
    problems = [found for table in long for found in table.problems]
    return Table(name, frame, rows, list(dict.fromkeys(readings)), problems)


def _others(titles: Sequence[str], used: Sequence[Grid]) -> list[str]:
    left = [title for title in titles if title not in {grid.title for grid in used}]
    return [f"{many(len(left), 'sheet')} left unread: {first_three(left)}"] if left else []


# --- years across -------------------------------------------------------------------------------
def lengthen_years(table: Table) -> Table:
    """Turn columns such as 预算2015, 预算2016 into rows, where the table has no year.

    Only names are turned whose rest is a known column, and that stand for two years or more.
    """
    names = [str(name) for name in table.frame.columns]
    if any((match := recognise(name)) and match.column == "year" for name in names):
        return table
    groups: dict[str, dict[int, str]] = {}
    for name in names:
        found = year_in(name)
        match = recognise(found[0]) if found and found[0] else None
        if found and match and match.column not in (*KEYS, *TEXTS):
            groups.setdefault(found[0], {}).setdefault(found[1], name)
    groups = {stem: years for stem, years in groups.items() if len(years) > 1}
    return _turned(table, groups) if groups else table


def _long(table: Table, title: str) -> Table:
    years = {year_in(str(n))[1]: str(n) for n in table.frame.columns if _pure_year(str(n))}  # type: ignore[index]
    return _turned(table, {title: years})


def _turned(table: Table, groups: dict[str, dict[int, str]]) -> Table:
    used = {name for years in groups.values() for name in years.values()}
    years = sorted({year for named in groups.values() for year in named})
    kept = table.frame[[name for name in table.frame.columns if str(name) not in used]]
    blocks = []
    for year in years:
        block = kept.assign(year=year)
        for stem, named in groups.items():
            block[stem] = table.frame[named[year]] if year in named else np.nan
        blocks.append(block)
    stems = first_three(groups)
    told = (
        f"{many(len(used), 'column')} of {years[0]} to {years[-1]} were turned into rows: {stems}"
    )
    return Table(
        table.name,
        pd.concat(blocks, ignore_index=True),
        np.tile(table.rows, len(years)),
        [*table.readings, Reading(told, count=len(used))],
        table.problems,
    )


# --- rows that are no county --------------------------------------------------------------------
def leave_out_rows(table: Table, target: Callable[[str], str]) -> Table:
    """Leave out notes, totals and rows of a prefecture or a province, saying how many.

    Parameters
    ----------
    table : Table
    target : callable
        Name in the file -> standard name, blank if unknown.
    """
    frame = table.frame.reset_index(drop=True)
    if frame.empty:
        return table
    columns = {target(str(name)): k for k, name in reversed(list(enumerate(frame.columns)))}
    place = [columns[name] for name in ("county_code", "county_name") if name in columns]
    if not place:
        return table
    texts = frame.iloc[:, place].astype(object).map(plain_text)
    readings = list(table.readings)
    first = frame.iloc[:, 0].astype(object).map(plain_text)
    few = (frame.notna().sum(axis=1) <= 2).to_numpy(bool)
    notes = few & first.map(lambda text: bool(_NOTE.match(text))).to_numpy(bool)
    notes |= _lonely(frame, first)
    totals = texts.map(lambda text: bool(_TOTAL.search(text))).any(axis=1).to_numpy(bool) & ~notes
    higher, doubtful = _of_higher_level(frame, columns, target, notes | totals)
    for rows, words in (
        (notes, "note or title"), (totals, "total or part of one"), (higher, "sum of others"),
    ):  # fmt: skip
        if rows.any():
            shown = [
                next((t for t in texts.iloc[k] if t), first.iloc[k]) for k in np.flatnonzero(rows)
            ]
            listed = first_three(dict.fromkeys(text[:20] for text in shown))
            told = f"{many(int(rows.sum()), 'row')} left out as {words}: {listed}"
            readings.append(Reading(told, count=int(rows.sum())))
    kept = ~(notes | totals | higher)
    problems = [*table.problems, *doubtful(kept)]
    out = frame[kept].reset_index(drop=True).infer_objects()
    return Table(table.name, out, table.rows[kept], readings, problems)


def plain_text(cell: object) -> str:
    """Return a cell as text; a blank one as nothing, a whole number without decimals."""
    if cell is None or cell is pd.NA or cell is pd.NaT or cell != cell:
        return ""
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    return " ".join(text.split())


def _lonely(frame: pd.DataFrame, first: pd.Series) -> NDArray[np.bool_]:
    """Return rows in which one text stands alone, below the last row that holds numbers."""
    alone = (frame.notna().sum(axis=1) == 1).to_numpy(bool) & (first.str.len() > 0).to_numpy(bool)
    full = np.flatnonzero(~alone)
    alone[: full[-1] + 1 if len(full) else 0] = False
    return alone & (frame.shape[1] > 2) & ~first.str.fullmatch(r"\d{5,12}").to_numpy(bool)


def _of_higher_level(
    frame: pd.DataFrame,
    columns: dict[str, int],
    target: Callable[[str], str],
    out: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], Callable[[NDArray[np.bool_]], list[Problem]]]:
    """Return rows that hold the sum of others of their year, with a warning of doubtful codes."""
    none = np.zeros(len(frame), dtype=bool)
    if "county_code" not in columns or len(frame) > _SUM_ROWS:
        return none, lambda kept: []
    codes = frame.iloc[:, columns["county_code"]].astype(object).map(plain_text)
    names = (
        frame.iloc[:, columns["county_name"]].astype(object).map(plain_text)
        if "county_name" in columns
        else pd.Series("", index=frame.index)
    )
    coded = codes.str.fullmatch(r"\d{6}").to_numpy(bool) & ~out
    years = (
        frame.iloc[:, columns["year"]].astype(object).map(plain_text)
        if "year" in columns
        else pd.Series("", index=frame.index)
    )
    sums = _sums_of_others(frame, target, codes, years, coded)
    ends = coded & codes.str.endswith("00").to_numpy(bool)
    siblings = codes[coded & ~ends].str[:4].value_counts()
    has = codes.str[:4].map(siblings).fillna(0).to_numpy(float) >= 2
    province = ends & codes.str.endswith("0000").to_numpy(bool)
    has |= province & codes.str[:2].isin(codes[coded & ~ends].str[:2]).to_numpy(bool)
    named = names.map(lambda name: bool(_HIGHER.search(name))).to_numpy(bool)
    higher = sums | (ends & has & named)

    def doubtful(kept: NDArray[np.bool_]) -> list[Problem]:
        odd = ends & has & kept & (names == "").to_numpy(bool)
        if not odd.any():
            return []
        rows = np.flatnonzero(odd[kept])
        shown = list(dict.fromkeys(codes[odd]))
        text = (
            f"codes that end in 00 stand beside counties of the same prefecture in {{where}}: "
            f"{first_three(shown)}. If they are the prefecture's totals, leave them out with "
            "`drop: {county_code: [code]}` in the mapping."
        )
        return [problem("E135", text, rows=rows, values=shown, column="county_code")]

    return higher, doubtful


def _sums_of_others(
    frame: pd.DataFrame,
    target: Callable[[str], str],
    codes: pd.Series,
    years: pd.Series,
    coded: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return rows whose numbers are those of all others of their year, or of their prefecture."""
    counted = [
        k
        for k, name in enumerate(map(str, frame.columns))
        if (variable := standard_columns().get(target(name)))
        and variable.unit in ("yuan", "persons", "visits")
    ]
    found = np.zeros(len(frame), dtype=bool)
    if len(counted) < 2:
        return found
    numbers = frame.iloc[:, counted].apply(pd.to_numeric, errors="coerce")
    numbers.loc[~coded] = np.nan
    ends = coded & codes.str.endswith("00").to_numpy(bool)
    for digits, asked in (
        (4, ends & ~codes.str.endswith("0000").to_numpy(bool)), (2, ends),
    ):  # fmt: skip
        group = years + "|" + codes.str[:digits]
        parts = numbers.where(np.broadcast_to((coded & ~ends)[:, None], numbers.shape))
        sums = parts.groupby(group).transform("sum")
        size = pd.Series(coded & ~ends).groupby(group.to_numpy()).transform("sum").to_numpy()
        found |= asked & (size >= 2) & _equal(numbers, sums)
    rest = coded & ~found
    numbers.loc[~rest] = np.nan
    for group in (years, years + "|" + codes.str[:4]):
        group = group.where(rest, "")
        sums = numbers.groupby(group).transform("sum") - numbers
        size = pd.Series(rest).groupby(group.to_numpy()).transform("sum").to_numpy()
        found |= rest & (size > _FEWEST) & _equal(numbers, sums)
    return found


def _equal(numbers: pd.DataFrame, sums: pd.DataFrame) -> NDArray[np.bool_]:
    """Return rows in which two numbers or more equal a sum, and none differs from it."""
    near = (numbers - sums).abs() <= _CLOSE * numbers.abs() + 1e-9
    fits = (near & (numbers > 0)).sum(axis=1).to_numpy() >= 2
    return fits & (near | numbers.isna() | (numbers == 0)).all(axis=1).to_numpy(bool)
