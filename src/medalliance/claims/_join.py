"""Join the reader's own county-years to what the claims give."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError, first_three

KEYS = ["county_code", "year"]


def join_county_years(panel: pd.DataFrame, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Join a table of county-years to a panel built from claims.

    Parameters
    ----------
    panel : DataFrame
        ``county_code, year`` and what was computed from claims; every row is kept.
    table : DataFrame
        ``county_code, year`` and the reader's columns: cohort, budget, insured persons, pay.

    Returns
    -------
    joined : DataFrame
        A column that both have comes from the claims; the reader's stands beside it as
        ``<name>_reported``.
    remarks : list of str
        County-years that one side lacks, and columns whose numbers differ.

    Raises
    ------
    DataError
        If the table lacks a key or has a county-year twice.
    """
    absent = [name for name in KEYS if name not in table.columns]
    if absent:
        raise DataError(
            f"the county-year table has no column {', '.join(absent)}.\n"
            f"  It has: {first_three(table.columns)}. Rename the columns that hold the keys."
        )
    theirs = table.assign(
        county_code=table["county_code"].astype("string").str.strip().str.zfill(6),
        year=pd.to_numeric(table["year"], errors="coerce").astype("Int64"),
    )
    twice = theirs[theirs.duplicated(KEYS, keep="first")]
    if len(twice):
        raise DataError(
            f"the county-year table has rows twice: {_places(twice)}.\n"
            "  Keep one row a county and year."
        )
    ours = panel.assign(
        county_code=panel["county_code"].astype("string"), year=panel["year"].astype("Int64")
    )
    both = [name for name in theirs.columns if name in ours.columns and name not in KEYS]
    theirs = theirs.rename(columns={name: f"{name}_reported" for name in both})
    joined = ours.merge(theirs, on=KEYS, how="left", indicator="_side", validate="1:1")
    remarks = []
    alone = joined[joined["_side"] == "left_only"]
    if len(alone):
        remarks.append(f"{len(alone)} county-years have claims but no row in the table: "
                       f"{_places(alone)}. Their columns of the table are blank.")  # fmt: skip
    unseen = theirs.merge(ours[KEYS], on=KEYS, how="left", indicator=True)
    unseen = unseen[unseen["_merge"] == "left_only"]
    if len(unseen):
        remarks.append(f"{len(unseen)} county-years of the table have no claims: "
                       f"{_places(unseen)}. They are left out.")  # fmt: skip
    remarks += [text for name in both if (text := _difference(joined, name))]
    joined = joined.drop(columns="_side").astype({"year": np.int64})
    return joined.astype({"county_code": panel["county_code"].dtype}), remarks


def _difference(joined: pd.DataFrame, name: str) -> str:
    """Say where the reader's numbers differ from those of the claims."""
    ours = pd.to_numeric(joined[name], errors="coerce")
    theirs = pd.to_numeric(joined[f"{name}_reported"], errors="coerce")
    off = (ours - theirs).abs() > 0.005
    if ours.isna().all():
        off = (joined[name].astype("string") != joined[f"{name}_reported"].astype("string")).fillna(
            False
        )
        shown = _places(joined[off])
    else:
        gap = (theirs - ours)[off].map("{:+,.2f}".format)
        where = joined[off]
        shown = first_three(
            f"{c} in {y}: {d}"
            for c, y, d in zip(where["county_code"], where["year"], gap, strict=True)
        )
    if not off.any():
        return ""
    return (
        f"E112 {name}: the table differs from the claims in {int(off.sum())} county-years "
        f"({shown}). The panel keeps the claims' numbers; yours stand in {name}_reported."
    )


def _places(rows: pd.DataFrame) -> str:
    pairs = zip(rows["county_code"], rows["year"], strict=True)
    return first_three(f"{county} in {year}" for county, year in pairs)
