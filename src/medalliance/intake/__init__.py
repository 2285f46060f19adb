"""What a reader brings: a file is read, mapped, checked and reported on."""

from __future__ import annotations

from ._needs import Need, needs_of
from ._page import where
from ._proposal import proposal_text
from .check_panel import check_panel
from .report import PanelReport, missing_groups
from .template import template_columns, template_workbook

__all__ = [
    "Need",
    "PanelReport",
    "check_panel",
    "missing_groups",
    "needs_of",
    "proposal_text",
    "template_columns",
    "template_workbook",
    "where",
]
