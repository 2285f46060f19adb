"""Check a reader's table: read, map, inspect, say what each outcome still needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import first_three
from ..outcomes import rules_of_outcomes
from ..panel import (
    KEYS,
    Inspection,
    Panel,
    PanelMapping,
    Problem,
    Standard,
    find_problems,
    is_standard,
    knows_cohort,
    load_mapping,
    many,
    problem,
    renumber,
    roles_of,
    standard_columns,
    standardise,
)
from ._design import rules_of_design
from ._needs import needs_of
from ._nonsense import rules_of_nonsense
from ._plausible import rules_of_values
from ._totals import compare_totals
from .report import PanelReport

_ORDER = {"error": 0, "warning": 1, "note": 2}


def check_panel(
    source: str | Path | pd.DataFrame,
    mapping: str | Path | Mapping[str, Any] | None = None,
    *,
    sheet: str | None = None,
    totals: str | Path | pd.DataFrame | None = None,
) -> PanelReport:
    """Check a table against every rule of a panel.

    Columns that go by a label of the codebook or a known synonym are taken for what they say;
    the report tells so, and asks for a mapping file where they name a row. Units are never
    guessed: a unit counts if the mapping, the column's name or the cell states it.

    Parameters
    ----------
    source : path or DataFrame
        A CSV, Parquet, Excel or Stata file, or a frame. It is only read.
    mapping : path or mapping, optional
        A mapping file (YAML), or its content: ``{"columns": {your name: standard name}}``.
    sheet : str, optional
        Sheet of a workbook.
    totals : path or DataFrame, optional
        A settlement report: county_code, year, spending and perhaps budget. Differences are E112.

    Returns
    -------
    PanelReport
        Nothing is raised for what the table holds: every problem is in the report.

    Raises
    ------
    DataError
        If the file cannot be read as a table, or the mapping cannot be read.

    Examples
    --------
    >>> import medalliance as ma
    >>> frame = ma.load_panel().frame
    >>> ma.check_panel(frame).ok
    True
    """
    plan = load_mapping(mapping)
    if sheet is not None:
        plan = plan.model_copy(update={"sheet": sheet})
    standard = standardise(source, plan)
    problems, inspection = find_problems(standard)
    problems = [_told(item) for item in problems]
    problems += [*_not_confirmed(standard), *_unknown_names(standard)]
    panel = None if inspection is None else _as_panel(inspection)
    if panel is not None and inspection is not None and len(panel.frame):
        numbers = standard.rows[_origin(inspection)]
        found = [*rules_of_outcomes(panel), *rules_of_values(panel), *rules_of_nonsense(panel)]
        if knows_cohort(standard):
            found += rules_of_design(panel)
        if totals is not None:
            found += compare_totals(panel, totals)
        problems += [renumber(item, numbers) for item in found]
    ordered = sorted(problems, key=lambda item: (_ORDER[item.severity], item.code))
    return PanelReport(
        standard.name,
        standard.frame,
        tuple(ordered),
        needs_of(standard.frame, panel),
        tuple(dict.fromkeys(standard.readings)),
        standard.header,
        _proposed(standard, plan),
    )


def _told(found: Problem) -> Problem:
    """Say what a missing key column holds."""
    variable = standard_columns().get(found.column)
    if found.code != "E114" or variable is None:
        return found
    text = (
        f"the table has no column {variable.name} ({variable.zh}): {variable.definition} Map one "
        "of yours to it."
    )
    return replace(found, text=text)


def _proposed(standard: Standard, plan: PanelMapping) -> PanelMapping:
    return plan.model_copy(update={"columns": {**plan.columns, **standard.proposal}})


def _distinct(inspection: Inspection) -> NDArray[np.intp]:
    """Return the rows of a sorted table that are the first of their county and year."""
    keys = inspection.keys
    same = (np.diff(keys.unit_codes) == 0) & (np.diff(keys.years) == 0)
    return np.flatnonzero(np.r_[True, ~same][: len(keys.years)])


def _origin(inspection: Inspection) -> NDArray[np.intp]:
    return inspection.keys.rows[_distinct(inspection)]


def _as_panel(inspection: Inspection) -> Panel:
    """Make a panel for the later rules, from a table that may have failed the first ones."""
    rows = _distinct(inspection)
    roles, _ = roles_of(inspection.frame)
    frame = inspection.frame.iloc[rows].reset_index(drop=True)
    frame = frame.assign(year=inspection.keys.years[rows], cohort=inspection.keys.cohorts[rows])
    unit, year, cohort = (str(roles[key]) for key in ("unit", "year", "cohort"))
    return Panel(frame, unit, year, cohort, roles["cluster"])


def _not_confirmed(standard: Standard) -> list[Problem]:
    """Return E114 for columns that were taken for keys, E128 for other columns, by their names."""
    names = {name: column.to for name, column in standard.proposal.items()}
    if not names:
        return []
    keys = {name: to for name, to in names.items() if to in KEYS}
    shown = first_three(f"{name} as {to}" for name, to in {**keys, **names}.items())
    advice = (
        "`medalliance check FILE --write-mapping map.yaml` writes them down; look at each name and "
        "unit, then check again with `--mapping map.yaml`."
    )
    text = (
        f"{many(len(names), 'column')} were recognised by their names, not by a mapping: {shown}. "
        f"{advice}"
    )
    code, severity = ("E114", "error") if keys else ("E128", "warning")
    return [problem(code, text, count=len(names), severity=severity)]


def _unknown_names(standard: Standard) -> list[Problem]:
    own = [name for name in map(str, standard.frame.columns) if not is_standard(name)]
    if not own:
        return []
    text = f"no standard name is known for {first_three(own)}; kept as found, used by no outcome."
    return [problem("E128", text, count=len(own))]
