"""Check a reader's table: read, map, inspect, say what each outcome still needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ..outcomes import OUTCOMES
from ..panel import Problem, Reading, inspect, read_standard
from ..panel import missing_columns as find_missing
from .report import Need, PanelReport

_ORDER = {"error": 0, "warning": 1, "note": 2}


def check_panel(
    source: str | Path | pd.DataFrame, mapping: str | Path | Mapping[str, Any] | None = None
) -> PanelReport:
    """Check a table against every rule of a panel.

    Parameters
    ----------
    source : path or DataFrame
        A CSV, Parquet, Excel or Stata file, or a frame.
    mapping : path or mapping, optional
        A mapping file (YAML), or its content: ``{"columns": {your name: standard name}}``.

    Returns
    -------
    PanelReport
        Nothing is raised for what the table holds: every problem is in the report.

    Raises
    ------
    DataError
        If the file cannot be read as a table, or the mapping cannot be read.
    """
    frame, readings = read_standard(source, mapping)
    roles, treatment = _roles(frame)
    problems: list[Problem] = find_missing(frame, {**roles, "treatment": treatment})
    if not problems:
        problems = list(inspect(frame, roles, treatment).problems)
    ordered = sorted(problems, key=lambda found: (_ORDER[found.severity], found.code))
    name = Path(source).name if isinstance(source, str | Path) else "table"
    return PanelReport(name, frame, tuple(ordered), needs_of(frame), readings_of(readings))


def readings_of(readings: list[Reading]) -> tuple[Reading, ...]:
    """Return the readings in the order in which they were made, each once."""
    return tuple(dict.fromkeys(readings))


def needs_of(frame: pd.DataFrame) -> tuple[Need, ...]:
    """Return, for each registered outcome, whether its columns are there."""
    found = []
    for outcome in OUTCOMES.values():
        missing = tuple(name for name in outcome.needs if name not in frame.columns)
        share = float("nan")
        if not missing:
            share = float(frame[list(outcome.needs)].notna().all(axis=1).mean())
        found.append(Need(outcome.name, outcome.label, outcome.family, not missing, missing, share))
    return tuple(found)


def _roles(frame: pd.DataFrame) -> tuple[dict[str, str | None], str | None]:
    cluster = "prefecture_code" if "prefecture_code" in frame.columns else None
    roles = {"unit": "county_code", "year": "year", "cohort": "cohort", "cluster": cluster}
    treatment = "treated" if "treated" in frame.columns else None
    return {**roles, "weight": None}, treatment
