"""What a reader brings: a file is read, mapped, checked and reported on."""

from __future__ import annotations

from .check_panel import check_panel
from .report import Need, PanelReport

__all__ = ["Need", "PanelReport", "check_panel"]
