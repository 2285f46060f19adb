"""What the exhibits of the ledger chapter share: files, panel, words of an interval."""

from __future__ import annotations

from ..panel import Panel
from ..provenance import Badge, Provenance
from .ledger_kept import load_ledger

FILES = Provenance(
    Badge.REAL,
    "Performance Year Financial and Quality Results 2013-2022, Centers for Medicare & Medicaid "
    "Services; computed for this book",
    "USD",
)
LEVEL = 0.05
INTERVAL = {
    "label": "",
    "estimate": "Estimate",
    "std_error": "Standard error",
    "conf_low": "95 % from",
    "conf_high": "95 % to",
    "p_value": "p",
    "n_units": "Organisations",
    "n_moved": "Moved",
    "note": "Note",
}


def ledger_units() -> Panel:
    """Return the panel of organisations."""
    return load_ledger().panel
