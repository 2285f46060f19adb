"""Who gets each yuan? What the chapter's cells cannot hold, by the names that they call."""

from .settlement_example import SHORT, frugal_years, in_words, spending_grid
from .settlement_printed import cases_table, corridor_table, first_budget_table
from .settlement_reproduced import (
    mssp_element_table,
    mssp_sentence,
    mssp_track_table,
    mssp_year_table,
)

__all__ = [
    "SHORT",
    "cases_table",
    "corridor_table",
    "first_budget_table",
    "frugal_years",
    "in_words",
    "mssp_element_table",
    "mssp_sentence",
    "mssp_track_table",
    "mssp_year_table",
    "spending_grid",
]
