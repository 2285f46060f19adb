"""The panel: unit by year, checked on entry and frozen."""

from __future__ import annotations

from ._checks import PanelWarning, is_money, missing_columns
from ._inspect import NEVER_TREATED, Inspection, inspect
from ._load import TEACHING_PANEL, load_panel, read_standard
from ._panel import Panel, cohorts_within, need_panel
from ._problems import RULES, Problem, Reading, Rule

__all__ = [
    "NEVER_TREATED",
    "RULES",
    "TEACHING_PANEL",
    "Inspection",
    "Panel",
    "PanelWarning",
    "Problem",
    "Reading",
    "Rule",
    "cohorts_within",
    "inspect",
    "is_money",
    "load_panel",
    "missing_columns",
    "need_panel",
    "read_standard",
]
