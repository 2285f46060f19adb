"""The panel's columns from the sums of all pieces."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError
from ..spreadsheet import csv_of
from ._steps import KEYS, PLACES

RUN_OUT_MONTHS = 6
MONEY = ("spending", "out_of_county_spending", "primary_care_spending",
         *(f"fund_{place}" for place in PLACES), "inpatient_spending",
         "out_of_scope_spending")  # fmt: skip
COUNTS = (*(f"visits_{place}" for place in PLACES), "inpatient_admissions_n",
          "admissions_township", "admissions_county", "admissions_out", "patients_n",
          "claims_n", "out_of_scope_visits")  # fmt: skip
BY_PROVIDER, BY_TIER = "person, provider, day, setting", "person, tier, day, setting"


def finish(
    money: Sequence[pd.DataFrame], visits: Sequence[pd.DataFrame], settled: Sequence[str | None]
) -> tuple[pd.DataFrame, list[str]]:
    """Add up, turn fen into yuan, name the columns as the codebook does.

    Parameters
    ----------
    money, visits : lists of DataFrame
        Whole numbers by ``enrol_county, year``.
    settled : list of str or None
        Last date of settlement of each batch.

    Returns
    -------
    frame : DataFrame
    remarks : list of str

    Raises
    ------
    DataError
        If no claim stands.
    """
    if not money:
        raise DataError(
            "no claim stands: the files hold no row, or reversals took every claim back.\n"
            "  Give files that hold claims."
        )
    sums = pd.concat([_added(money), _added(visits)], axis=1).fillna(0).astype(np.int64)
    sums["out_of_county_spending"] = sums["fund_out"]
    sums["primary_care_spending"] = sums["fund_village"] + sums["fund_township"]
    frame = sums.reset_index().rename(columns={"enrol_county": "county_code"})
    frame["year"] = frame["year"].astype(np.int64)
    for name in MONEY:
        frame[name] = frame[name].to_numpy(np.int64) / 100
    code = frame["county_code"].astype("str")
    frame["prefecture_code"] = code.str[:4] + "00"
    frame["province_code"] = code.str[:2] + "0000"
    cases = frame[[f"visits_{place}" for place in PLACES]].sum(axis=1) + frame["admissions_out"]
    cases += frame["inpatient_admissions_n"]
    never_named = frame["unnamed"].sum() == cases.sum()
    frame["visit_def"] = np.where(never_named | (frame["unnamed"] > 0), BY_TIER, BY_PROVIDER)
    frame["spending_basis"] = "accrual"
    columns = ["county_code", "prefecture_code", "province_code", "year", "visit_def",
               "spending_basis", *MONEY, *COUNTS]  # fmt: skip
    frame = frame[columns].sort_values(["county_code", "year"], ignore_index=True)
    return frame, _remarks(frame, settled)


def _added(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True).groupby(list(KEYS)).sum()


def _remarks(frame: pd.DataFrame, settled: Sequence[str | None]) -> list[str]:
    remarks = []
    kinds = frame["visit_def"].unique()
    if len(kinds) > 1:
        years = frame.loc[frame["visit_def"] == BY_TIER, "year"]
        remarks.append(
            f"provider_id is missing on some claims of {len(years)} county-years "
            f"({years.min()}-{years.max()}): there, visits of one day to one tier of one county "
            "count once. Shares before and after are not comparable; visit_def says where."
        )
    elif kinds[0] == BY_TIER:
        remarks.append(
            "without provider_id, visits of a person on one day to one tier of one county "
            "count once."
        )
    dates = [text for text in settled if text]
    last = int(frame["year"].max())
    if dates:
        latest = date.fromisoformat(max(dates))
        if (latest.year - last) * 12 + latest.month - 12 < RUN_OUT_MONTHS:
            remarks.append(
                f"claims are settled up to {latest}: {last} has had less than six months to run "
                "out, so its spending is not complete."
            )
    return remarks


def write_table(frame: pd.DataFrame, scratch: Path, output: Path) -> None:
    """Write the panel in the scratch folder, then move it to its place.

    Raises
    ------
    DataError
        If the name ends in neither .parquet nor .csv.
    """
    check_name(output)
    scratch.mkdir(exist_ok=True)
    draft = scratch / f"draft{output.suffix}"
    if output.suffix == ".csv":
        draft.write_text(csv_of(frame), encoding="utf-8")
    else:
        frame.to_parquet(draft, index=False)
    with draft.open("rb+") as written:
        os.fsync(written.fileno())
    draft.replace(output)


def check_name(output: Path) -> None:
    """Refuse a name that says no known format.

    Raises
    ------
    DataError
    """
    if output.suffix not in (".parquet", ".csv"):
        raise DataError(f"{output}: unknown format.\n  Let the name end in .parquet or .csv.")
