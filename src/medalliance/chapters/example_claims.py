"""A small folder of claims whose panel is known, for the chapter on a reader's own data."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from ..claims import ClaimsReport, build_panel_from_claims

TIERS = ("village", "township", "county", "above")
COUNTIES = {"090101": "0901", "090102": "0901", "090201": "0902"}
YEARS = (2018, 2019)
FEN = {"village": 4_000, "township": 9_000, "county": 26_000, "above": 60_000}
EVERY_TWICE, EVERY_BACK = 40, 25  # each 40th claim stands twice, each 25th is taken back
PLACES = {"village": "visits_village", "township": "visits_township", "county": "visits_county",
          "above": "visits_out"}  # fmt: skip


def known_visits() -> pd.DataFrame:
    """Return the visits that the claims are made from: county, year and one column a place."""
    rows = []
    for k, county in enumerate(COUNTIES):
        for n, year in enumerate(YEARS):
            counts = {PLACES[tier]: 60 + 15 * k + 8 * n + 20 * j for j, tier in enumerate(TIERS)}
            rows.append({"county_code": county, "year": year, **counts})
    return pd.DataFrame(rows)


def example_claims() -> pd.DataFrame:
    """Write one claim for each known visit, then doubles, and claims that are taken back.

    Returns
    -------
    DataFrame
        The columns of a claims table, money in fen.
    """
    rows = []
    for row in known_visits().to_dict("records"):
        for tier in TIERS:
            for visit in range(row[PLACES[tier]]):
                rows.append(_claim(row["county_code"], row["year"], tier, visit))
    claims = pd.DataFrame(rows)
    back = claims.iloc[::EVERY_BACK]
    wrong = back.assign(
        claim_id=back["claim_id"] + "w", service_date=back["service_date"] + pd.Timedelta(days=1)
    )
    undone = wrong.assign(
        claim_id=wrong["claim_id"] + "r",
        reversal_of=wrong["claim_id"],
        total_fen=-wrong["total_fen"],
        fund_fen=-wrong["fund_fen"],
    )
    return pd.concat([claims, claims.iloc[::EVERY_TWICE], wrong, undone], ignore_index=True)


def _claim(county: str, year: int, tier: str, visit: int) -> dict[str, object]:
    out = tier == "above"
    day = np.datetime64(f"{year}-01-01") + 3 * (visit % 100)
    return {
        "claim_id": f"{county}{year}{tier}{visit:05d}",
        "person_key": f"{county}{tier}{visit % 37:03d}x{visit // 100}",
        "enrol_county": county,
        "provider_county": "099999" if out else county,
        "provider_tier": tier,
        "provider_id": f"{county}{tier}",
        "setting": "op",
        "service_date": pd.Timestamp(day),
        "settle_date": pd.Timestamp(day) + pd.Timedelta(days=240),
        "total_fen": FEN[tier],
        "fund_fen": FEN[tier] // 2,
        "in_scope": True,
        "reversal_of": None,
    }


def panel_of_claims() -> ClaimsReport:
    """Build the panel of the example claims, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        claims = example_claims()
        year = claims["service_date"].dt.year
        for (area, when), part in claims.groupby([claims["enrol_county"].map(COUNTIES), year]):
            place = Path(folder) / "claims" / f"year={when}" / f"prefecture={area}"
            place.mkdir(parents=True)
            part.to_parquet(place / "part.parquet", index=False)
        return build_panel_from_claims(Path(folder) / "claims", Path(folder) / "panel.parquet")
