"""A reader's table under standard names, in standard units, as a panel takes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, first_three
from . import _convert
from ._checks import cohort_from_treatment, missing_columns, read_keys, whole_numbers
from ._codes import clean_codes, restore_zeros
from ._crosswalk import merge_counties
from ._files import read_table
from ._inspect import NEVER_TREATED, Inspection, inspect
from ._mapping import ColumnMap, PanelMapping, load_mapping, target_of
from ._names import CODES, KEYS, is_standard, recognise
from ._problems import Problem, Reading, many, problem, renumber
from ._schema import check_schema
from ._shapes import leave_out_rows, lengthen_years, plain_text
from ._table import Table
from ._wide import lengthen


@dataclass(frozen=True, eq=False)
class Standard:
    """A table under standard names.

    Attributes
    ----------
    name : str
        Name of the file, without its folder.
    frame : DataFrame, shape (n_obs, n_columns)
    rows : ndarray of int, shape (n_obs,)
        Number of each row in the file.
    readings : list of Reading
        Everything that was read as something else.
    problems : list of Problem
        What was wrong on the way, rows numbered as in ``frame`` (from 1).
    proposal : dict
        Name in the file -> what it was taken for without a mapping that says so.
    header : tuple of str
        Column names of the file.
    """

    name: str
    frame: pd.DataFrame
    rows: NDArray[np.int64]
    readings: list[Reading] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    proposal: dict[str, ColumnMap] = field(default_factory=dict)
    header: tuple[str, ...] = ()


def standardise(
    source: str | os.PathLike[str] | pd.DataFrame,
    mapping: str | os.PathLike[str] | Mapping[str, Any] | PanelMapping | None = None,
    *,
    recognised: bool = True,
    said_by: str = "the mapping",
) -> Standard:
    """Read a table, giving it standard names, units and types.

    Parameters
    ----------
    source : path or DataFrame
    mapping : path, mapping or None
        A mapping file, or its content.
    recognised : bool
        Whether columns that go by a known label or synonym are taken for what they say. They
        are then in ``proposal``.
    said_by : str
        Who names the columns, for messages.

    Raises
    ------
    DataError
        If the file or the mapping cannot be read.
    """
    plan = load_mapping(mapping)
    table = _table(source, plan)
    names = {name: target_of(column) for name, column in plan.columns.items()}

    def target(name: str) -> str:
        match = recognise(name)
        return names.get(name) or (match.column if match else "")

    if not isinstance(source, pd.DataFrame):
        if not plan.wide:
            table = lengthen_years(table)
        if not plan.keep_totals:
            table = leave_out_rows(table, target)
    table = _without(table, plan, target)
    _refuse_absent(table, plan, said_by)
    if plan.wide:
        table = lengthen(table, plan.wide)
        patterns = {c.to: c.model_copy(update={"to": to}) for to, c in plan.wide.items()}
        plan = plan.model_copy(update={"columns": {**plan.columns, **patterns}})
    columns, proposal, problems = _columns(table, plan, recognised)
    readings = list(table.readings)
    frame, made, found = _convert.columns(table.frame, columns, plan)
    frame, empty = _without_blank_columns(frame)
    frame, restored, short = _codes(frame, plan)
    readings += made + empty + restored
    problems = [*table.problems, *problems, *found, *short]
    rows = table.rows
    if plan.crosswalk and set(KEYS[:2]) <= set(frame.columns):
        frame, rows, merged, clash = merge_counties(frame, rows, plan.crosswalk)
        readings += merged
        problems += clash
    if "cohort" not in frame.columns and {"treated", *KEYS[:2]} <= set(frame.columns):
        frame = frame.assign(cohort=_first_treated(frame))
        readings.append(Reading("cohort was taken from treated: its first year with 1", "cohort"))
    if "cohort" not in frame.columns and plan.cohorts and "county_code" in frame.columns:
        frame = frame.assign(cohort=frame["county_code"].map(plan.cohorts).fillna(0).astype(int))
        text = f"cohort was taken from the mapping: {many(len(plan.cohorts), 'code')}, 0 elsewhere"
        readings.append(Reading(text, "cohort"))
    if not isinstance(source, pd.DataFrame):
        frame, told = _prefectures(frame)
        readings += told
    header = tuple(map(str, table.frame.columns))
    return Standard(table.name, frame, rows, readings, problems, proposal, header)


@dataclass(frozen=True)
class _Named(Collection[str]):
    """Names of a file that go to certain columns."""

    target: Callable[[str], str]
    columns: tuple[str, ...]

    def __contains__(self, name: object) -> bool:
        return self.target(str(name)) in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return len(self.columns)


def _table(source: Any, plan: PanelMapping) -> Table:
    if isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True) if source.index.names == [None] else source
        frame = frame.reset_index() if source.index.names != [None] else frame
        return Table("table", frame, np.arange(1, len(frame) + 1))
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            f"source is a {type(source).__name__}.\n  Give a path or a pandas DataFrame."
        )
    mapped = {name: target_of(column) for name, column in plan.columns.items()}

    def target(name: str) -> str:
        match = recognise(name)
        return mapped.get(name) or (match.column if match else "")

    def known(name: str) -> bool:
        return bool(target(name)) or any(_fits(name, item.to) for item in plan.wide.values())

    return read_table(
        Path(source),
        plan.layout,
        known=known,
        codes=_Named(target, tuple(CODES)),
        key=_Named(target, ("county_code", "year")),
    )


def _fits(name: str, pattern: str) -> bool:
    front, _, back = pattern.partition("{year}")
    return name.startswith(front) and name.endswith(back)


def _refuse_absent(table: Table, plan: PanelMapping, said_by: str) -> None:
    names = [str(name) for name in table.frame.columns]
    absent = [name for name in plan.columns if name not in names]
    if absent:
        raise DataError(
            f"{said_by} names columns that the table lacks: {first_three(absent)}.\n"
            f"  The table has: {', '.join(names[:40])}."
        )


def _columns(
    table: Table, plan: PanelMapping, recognised: bool
) -> tuple[dict[str, tuple[str, ColumnMap]], dict[str, ColumnMap], list[Problem]]:
    """Say what each column of the table becomes, by name in the file."""
    names = [str(name) for name in table.frame.columns]
    chosen = {name: (name, ColumnMap(to=name)) for name in names}
    chosen |= {n: (target_of(column), column) for n, column in plan.columns.items()}
    taken = {target: name for name, (target, _) in chosen.items() if name in plan.columns}
    guesses = [(n, match) for n in names if n not in plan.columns and (match := recognise(n))]
    proposal: dict[str, ColumnMap] = {}
    problems = []
    for name, match in sorted(guesses, key=lambda g: (g[0] != g[1].column, not g[1].exact)):
        if not (match.exact or recognised):
            continue
        if match.column in taken:
            if not match.exact:
                problems.append(_two_for_one(taken[match.column], name, match.column))
            continue
        taken[match.column] = name
        chosen[name] = (match.column, ColumnMap(to=match.column, unit=match.unit))
        if not match.exact:
            proposal[name] = chosen[name][1]
    return chosen, {name: proposal[name] for name in names if name in proposal}, problems


def _two_for_one(first: str, second: str, column: str) -> Problem:
    text = (
        f"{first} and {second} both look like {column}; {first} was taken. Say in the mapping "
        "which one it is, and `ignore` the other."
    )
    return problem("E132", text, values=(first, second), column=column, severity="warning")


def _without_blank_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Reading]]:
    """Leave out standard columns without any value, as a template has them; keys stay."""
    if frame.empty:
        return frame, []
    blank = [
        name
        for name in map(str, frame.columns)
        if is_standard(name) and name not in KEYS and frame[name].isna().all()
    ]
    if not blank:
        return frame, []
    text = f"{many(len(blank), 'column')} without any value left out: {first_three(blank)}"
    return frame.drop(columns=blank), [Reading(text, count=len(blank))]


def _codes(
    frame: pd.DataFrame, plan: PanelMapping
) -> tuple[pd.DataFrame, list[Reading], list[Problem]]:
    there = [name for name in CODES if name in frame.columns]
    clean = {name: clean_codes(frame[name]) for name in there if not _is_clean(frame[name])}
    codes = {name: clean.get(name, frame[name]) for name in there}
    readings: list[Reading] = []
    problems: list[Problem] = []
    done = {}
    for name in there:
        others = [codes[other] for other in there if other != name]
        if not _is_text(codes[name]):
            continue
        done[name], told, wrong = restore_zeros(codes[name], name, others, pad=plan.pad_codes)
        readings += told
        problems += wrong
    changed = {name: column for name, column in done.items() if column is not frame[name]}
    return frame.assign(**changed) if changed else frame, readings, problems


def _without(table: Table, plan: PanelMapping, target: Callable[[str], str]) -> Table:
    """Leave out the rows that the mapping drops."""
    out = np.zeros(len(table.frame), dtype=bool)
    for column, cells in plan.drop.items():
        places = [
            k for k, name in enumerate(map(str, table.frame.columns))
            if column in (name, target(name))
        ]  # fmt: skip
        if not places:
            raise DataError(f"drop: the table has no column {column}.\n  Name one of its columns.")
        text = table.frame.iloc[:, places[0]].astype(object).map(plain_text)
        out |= text.isin(cells).to_numpy(bool)
    if not out.any():
        return table
    told = Reading(f"{many(int(out.sum()), 'row')} left out by `drop` of the mapping")
    frame = table.frame[~out].reset_index(drop=True)
    return replace(table, frame=frame, rows=table.rows[~out], readings=[*table.readings, told])


def _prefectures(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Reading]]:
    """Take the prefecture from the first four digits of the county's code where it is not given."""
    if "prefecture_code" in frame.columns or "county_code" not in frame.columns:
        return frame, []
    codes = frame["county_code"]
    if frame.empty or not _is_text(codes) or not codes.str.fullmatch(r"\d{6}").all():
        return frame, []
    taken = codes.str[:4] + "00"
    text = (
        "prefecture_code was taken from the first four digits of county_code: "
        f"{many(taken.nunique(), 'prefecture')}"
    )
    return frame.assign(prefecture_code=taken), [Reading(text, "prefecture_code")]


def _first_treated(frame: pd.DataFrame) -> NDArray[np.int64]:
    keyed = frame.assign(cohort=0)
    keys, _, _ = read_keys(keyed, "county_code", "year", "cohort", never=NEVER_TREATED)
    return cohort_from_treatment(keys, frame["treated"])


def roles_of(frame: pd.DataFrame) -> tuple[dict[str, str | None], str | None]:
    """Return the roles of the standard columns of a table, with its 0/1 treatment column."""
    cluster = "prefecture_code" if "prefecture_code" in frame.columns else None
    roles: dict[str, str | None] = {"unit": KEYS[0], "year": KEYS[1], "cohort": KEYS[2]}
    treatment = "treated" if "treated" in frame.columns else None
    return {**roles, "cluster": cluster, "weight": None}, treatment


def find_problems(standard: Standard) -> tuple[list[Problem], Inspection | None]:
    """Run every rule of the panel's door on a table under standard names.

    Returns
    -------
    problems : list of Problem
        Rows numbered as in the file.
    inspection : Inspection or None
        The sorted table; ``None`` where county or year is missing. Without a cohort every
        county stands as never treated.
    """
    roles, treatment = roles_of(standard.frame)
    problems = [*standard.problems, *check_schema(standard.frame)]
    missing = missing_columns(standard.frame, {**roles, "treatment": treatment})
    found, frame = None, standard.frame
    if not knows_cohort(standard):  # the other rules can be checked all the same
        problems += _unread_cohorts(standard)
        frame, treatment = frame.assign(cohort=NEVER_TREATED), None
    if set(KEYS) <= set(frame.columns):
        found = inspect(frame, roles, treatment)
    problems += [*missing, *(() if found is None else map(_softened, found.problems))]
    return [renumber(item, standard.rows) for item in problems], found


def _softened(found: Problem) -> Problem:
    """Take an infinite value in a column of the reader's own as a warning."""
    own = found.code == "E129" and not is_standard(found.column)
    return replace(found, severity="warning") if own else found


def knows_cohort(standard: Standard) -> bool:
    """Return whether there is a cohort in which every cell that is filled can be read."""
    unread = any(item.code == "E115" and item.column == KEYS[2] for item in standard.problems)
    return KEYS[2] in standard.frame.columns and not unread


def _unread_cohorts(standard: Standard) -> list[Problem]:
    """Return E115 for blank cohorts, beside those that were filled and could not be read."""
    if KEYS[2] not in standard.frame.columns:
        return []
    told = {row for item in standard.problems if item.column == KEYS[2] for row in item.rows}
    column = standard.frame[KEYS[2]]
    column = column.where(~np.isin(np.arange(1, len(column) + 1), list(told)), NEVER_TREATED)
    return whole_numbers(column, KEYS[2])[2]


def _is_text(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.StringDtype)


def _is_clean(column: pd.Series) -> bool:
    return _is_text(column) and bool(column.str.fullmatch(r"[1-9]\d{5}").all())
