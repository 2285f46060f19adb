"""Who gets each yuan? The exhibits of the chapter, by the names that it calls."""

from __future__ import annotations

from .settlement_example import (
    DEFICIT_YEAR,
    EXAMPLE,
    PARTY,
    SURPLUS_YEAR,
    example,
    explanation_table,
    flow_figure,
    ledger_table,
    postings_sentence,
    rounding_sentence,
    steps_table,
)
from .settlement_printed import cases_table, corridor_table, first_budget_table
from .settlement_reproduced import (
    mssp_element_table,
    mssp_sentence,
    mssp_track_table,
    mssp_year_table,
)
from .settlement_types import SCENARIOS, rebasing_figure, scenario_table, transfer_figure

__all__ = [
    "DEFICIT_YEAR",
    "EXAMPLE",
    "PARTY",
    "SCENARIOS",
    "SURPLUS_YEAR",
    "cases_table",
    "corridor_table",
    "example",
    "explanation_table",
    "first_budget_table",
    "flow_figure",
    "ledger_table",
    "mssp_element_table",
    "mssp_sentence",
    "mssp_track_table",
    "mssp_year_table",
    "postings_sentence",
    "rebasing_figure",
    "rounding_sentence",
    "scenario_table",
    "steps_table",
    "transfer_figure",
]
