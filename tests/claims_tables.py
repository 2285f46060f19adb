"""Small tables of claims, and the panel that they give, worked out row by row in plain Python."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

PLACE_OF = {"village": "village", "township": "township", "community": "township",
            "county": "county", "above": "county", "other": "other"}  # fmt: skip
PLACES = ("village", "township", "county", "out")


def claim(number: str, **changes: Any) -> dict[str, Any]:
    """Return one claim; what is not named is an ordinary visit at a village clinic."""
    row: dict[str, Any] = {
        "claim_id": number,
        "person_key": "p1",
        "enrol_county": "910101",
        "provider_county": "910101",
        "provider_tier": "village",
        "provider_id": "v1",
        "setting": "op",
        "service_date": datetime.date(2019, 3, 5),
        "settle_date": datetime.date(2020, 12, 1),
        "total_fen": 1000,
        "fund_fen": 700,
        "in_scope": True,
        "reversal_of": None,
    }
    return row | changes


def reversal(number: str, of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a row that takes a claim back, whole unless money is named."""
    back = {"total_fen": -of["total_fen"], "fund_fen": -of["fund_fen"]}
    return of | back | {"claim_id": number, "reversal_of": of["claim_id"]} | changes


def table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame whose text columns are text even if all are missing."""
    frame = pd.DataFrame(rows)
    return frame.astype({"reversal_of": "string", "provider_id": "string"})


def write(rows: Sequence[dict[str, Any]], path: Path) -> Path:
    """Write rows to one Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table(rows).to_parquet(path, index=False)
    return path


def expected(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, int], dict[str, int]]:
    """Work the panel out from the definitions, one claim after the other."""
    once = {row["claim_id"]: row for row in rows}
    net = {key: [r["total_fen"], r["fund_fen"], False] for key, r in once.items()}
    for row in once.values():
        if row["reversal_of"]:
            held = net[row["reversal_of"]]
            held[0] += row["total_fen"]
            held[1] += row["fund_fen"]
            held[2] = True
    cells: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    seen: dict[tuple[Any, ...], bool] = {}
    patients = defaultdict(set)
    for key, row in once.items():
        total, fund, reversed_ = net[key]
        if row["reversal_of"] or (reversed_ and total == 0 and fund == 0):
            continue
        tier = PLACE_OF[row["provider_tier"]]
        place = tier if row["enrol_county"] == row["provider_county"] else "out"
        where = (row["enrol_county"], row["service_date"].year)
        cell = cells[where]
        cell["claims_n"] += 1
        if row["in_scope"]:
            patients[where].add(row["person_key"])
            cell["spending"] += fund
            cell[f"fund_{place}"] += fund
            if row["setting"] == "ip" and place != "out":
                cell["inpatient_spending"] += total
        else:
            cell["out_of_scope_spending"] += fund
        visit = (where, row["person_key"], row["service_date"], row["setting"],
                 row["provider_county"], tier, row["provider_id"], place)  # fmt: skip
        seen[visit] = seen.get(visit, False) or row["in_scope"]
    for (where, _, _, setting, _, tier, _, place), in_scope in seen.items():
        cell = cells[where]
        if tier == "other":
            continue
        if setting != "ip":
            cell[f"visits_{place}" if in_scope else "out_of_scope_visits"] += 1
        elif in_scope:
            cell["inpatient_admissions_n"] += place != "out"
            cell["admissions_" + ("township" if place == "village" else place)] += 1
    for where, cell in cells.items():
        cell["patients_n"] = len(patients[where])
    return {where: dict(cell) for where, cell in cells.items()}


def as_cells(frame: pd.DataFrame) -> dict[tuple[str, int], dict[str, int]]:
    """Return a built panel in the form of :func:`expected`, money in fen, zeros left out."""
    fen = [n for n in frame.columns if n.startswith("fund_") or n.endswith("spending")]
    counts = [n for n in frame.columns if n.startswith(("visits_", "admissions_"))]
    counts += ["inpatient_admissions_n", "patients_n", "claims_n", "out_of_scope_visits"]
    cells = {}
    for row in frame.to_dict("records"):
        values = {n: round(row[n] * 100) for n in fen} | {n: row[n] for n in counts}
        assert values.pop("out_of_county_spending") == values["fund_out"]
        primary = values["fund_village"] + values["fund_township"]
        assert values.pop("primary_care_spending") == primary
        cells[row["county_code"], row["year"]] = {n: v for n, v in values.items() if v}
    return cells


def without_zeros(cells: dict[Any, dict[str, int]]) -> dict[Any, dict[str, int]]:
    """Drop the zeros, and pharmacies' money inside the county, which no column shows alone."""
    return {
        key: {n: v for n, v in cell.items() if v and n != "fund_other"}
        for key, cell in cells.items()
    }
