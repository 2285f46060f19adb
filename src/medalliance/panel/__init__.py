"""The panel: unit by year, checked on entry and frozen."""

from __future__ import annotations

from ._checks import PanelWarning
from ._load import load_panel
from ._panel import NEVER_TREATED, Panel, cohorts_within

__all__ = ["NEVER_TREATED", "Panel", "PanelWarning", "cohorts_within", "load_panel"]
