"""From claims to a county-year panel: one set of Ibis expressions, run by DuckDB or Spark."""

from __future__ import annotations

from ._build import ClaimsReport, build_panel_from_claims
from ._join import join_county_years

__all__ = ["ClaimsReport", "build_panel_from_claims", "join_county_years"]
