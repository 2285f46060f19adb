"""The panel: unit by year, checked on entry and frozen."""

from __future__ import annotations

from ._checks import PanelWarning, is_money, missing_columns, suggest
from ._encoding import find_layout, first_lines, some_rows
from ._files import read_table
from ._inspect import NEVER_TREATED, Inspection, inspect
from ._load import CHECKED, TEACHING, TEACHING_PANEL, load_panel, teaching_frame
from ._mapping import ColumnMap, PanelMapping, load_mapping
from ._names import CODES, KEYS, NA, YEARS, is_standard, recognise, standard_columns
from ._panel import YOURS, Panel, cohorts_within, gappy_units, need_panel
from ._problems import RULES, Problem, Reading, Rule, many, problem, renumber
from ._schema import ENUMS, FIRST_YEAR, LAST_YEAR, SENTINELS, check_schema, panel_schema
from ._standardise import Standard, find_problems, knows_cohort, roles_of, standardise
from ._table import Layout, Table, first_line
from ._time import YEARLY, TimeStep, common_step, gap_line, missing_steps
from ._truth import Truth
from ._units import units_of

__all__ = [
    "CHECKED",
    "CODES",
    "ENUMS",
    "FIRST_YEAR",
    "KEYS",
    "LAST_YEAR",
    "NA",
    "NEVER_TREATED",
    "RULES",
    "SENTINELS",
    "TEACHING",
    "TEACHING_PANEL",
    "YEARLY",
    "YEARS",
    "YOURS",
    "ColumnMap",
    "Inspection",
    "Layout",
    "Panel",
    "PanelMapping",
    "PanelWarning",
    "Problem",
    "Reading",
    "Rule",
    "Standard",
    "Table",
    "TimeStep",
    "Truth",
    "check_schema",
    "cohorts_within",
    "common_step",
    "find_layout",
    "find_problems",
    "first_line",
    "first_lines",
    "gap_line",
    "gappy_units",
    "inspect",
    "is_money",
    "is_standard",
    "knows_cohort",
    "load_mapping",
    "load_panel",
    "many",
    "missing_columns",
    "missing_steps",
    "need_panel",
    "panel_schema",
    "problem",
    "read_table",
    "recognise",
    "renumber",
    "roles_of",
    "some_rows",
    "standard_columns",
    "standardise",
    "suggest",
    "teaching_frame",
    "units_of",
]
