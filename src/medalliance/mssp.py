"""Read the public use files of the Medicare Shared Savings Program, 2013 onwards.

The files ("Performance Year Financial and Quality Results", Centers for Medicare & Medicaid
Services, data.cms.gov) hold one row an accountable care organisation and performance year. Names
and units vary by year; this module is the one place that knows how.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import DataError, first_three, need_type
from .paths import mssp_dir, reading
from .provenance import Badge, Provenance

TRACKS = ("1", "1+", "2", "3", "A", "B", "C", "D", "E", "ENHANCED")
ONE_SIDED = ("1", "A", "B")
BASIC = ("A", "B", "C", "D", "E")
SMALLEST = 500
LARGE_ENOUGH, HALF_RATE_FROM = 5_000, 2024
ELECTIVE = tuple(Decimal(text) for text in ("0", "0.005", "0.01", "0.015", "0.02"))

_SCORE_ROUNDED = 2015  # first year whose scores are printed to four places
_ROUNDING = Decimal("0.00005")
_MISSING = {"", "-", "*", ".", "NA", "N/A", "NAN", "<NA>"}

# name here -> names in the files, lower case
_TEXT = {
    "aco_id": ("aco_id", "aco_num"),
    "name": ("aco_name",),
    "state": ("aco_state",),
    "start_date": ("current_start_date", "start_date"),
    "revenue_category": ("rev_exp_cat",),
}
_MONEY = {
    "benchmark": ("abtotbnchmk",),
    "published_spending": ("abtotexp",),
    "savings": ("bnchmkminexp",),
    "generated": ("gensaveloss",),
    "earned": ("earnsaveloss",),
    "disaster_adjustment": ("disadj",),
}
_RATES = {
    "minimum_savings_rate": ("minsavperc",),
    "final_share": ("finalsharerate",),
    "quality_score": ("qualscore",),
}
_NUMBERS: dict[str, tuple[str, ...]] = {
    "beneficiaries": ("n_ab",),
    "person_years": ("n_ab_year_py", "n_ab_year"),
    "agreement_period": ("agreement_period_num",),
    "updated_benchmark": ("updatedbnchmk",),
    "historical_benchmark": ("histbnchmk",),
    "met_quality_standard": ("met_qps",),
    "met_alternative_standard": ("met_altqps",),
    "guardrail": ("guardrail",),
    "reduced_share": ("reducedss",),
    "revenue_loss_limit": ("revlosslimit",),
    "visits_total": ("p_em_total",),
    "visits_primary_physician": ("p_em_pcp_vis",),
    "visits_specialist": ("p_em_sp_vis",),
    "visits_nurse": ("p_nurse_vis",),
    "visits_clinic": ("p_fqhc_rhc_vis",),
    "emergency_visits": ("p_edv_vis",),
    "n_primary_physicians": ("n_pcp",),
    "n_specialists": ("n_spec",),
    "n_nurse_practitioners": ("n_np",),
    "n_physician_assistants": ("n_pa",),
    "n_nurse_specialists": ("n_cns",),
    "share_dually_eligible": ("perc_dual",),
}


# without these no settlement can be worked out
_NEEDED = (
    _TEXT["aco_id"],
    _TEXT["name"],
    _TEXT["start_date"],
    _MONEY["benchmark"],
    _MONEY["savings"],
    _MONEY["earned"],
    _RATES["minimum_savings_rate"],
    _RATES["quality_score"],
    _NUMBERS["beneficiaries"],
)


def read_mssp(folder: str | Path | None = None, *, last_year: int | None = None) -> pd.DataFrame:
    """Read every yearly file that lies in a folder.

    Parameters
    ----------
    folder : str, Path or None
        Folder of files named ``2013.csv``, ``2014.csv``, …; None: ``MEDALLIANCE_MSSP_DIR``.
    last_year : int or None
        Files of later years are not read.

    Returns
    -------
    DataFrame
        One row an organisation and year. Money in whole cents (``int64``, "Int64" where blanks
        occur), rates as exact decimal text in 0-1, visits per 1,000 person-years. ``track`` is
        one of ``TRACKS``; ``months`` is 6 for contracts that ran half of 2019.

    Raises
    ------
    DataError
        If there is no file, or a file cannot be read as one of these.
    """
    need_type(
        "folder",
        folder,
        (str, Path, type(None)),
        advice="Give the path of a folder, or nothing.",
        error=DataError,
    )
    folder = mssp_dir() if folder is None else Path(folder)
    files = sorted(folder.glob("20[0-9][0-9].csv"))
    files = [path for path in files if last_year is None or int(path.stem) <= last_year]
    if not files:
        raise DataError(
            f"{folder}: no file such as 2018.csv.\n"
            "  Download the Performance Year Financial and Quality Results from data.cms.gov, "
            "name each file by its year, and set MEDALLIANCE_MSSP_DIR to their folder."
        )
    frames = [_read_year(path, int(path.stem)) for path in files]
    span = files[0].stem if len(files) == 1 else f"{files[0].stem}-{files[-1].stem}"
    return Provenance(
        Badge.REAL,
        f"Performance Year Financial and Quality Results {span}, Centers for Medicare & Medicaid "
        "Services",
        "USD",
        tuple(f"MEDALLIANCE_MSSP_DIR/{path.name}" for path in files),
    ).carried_by(pd.concat(frames, ignore_index=True))


def _read_year(path: Path, year: int) -> pd.DataFrame:
    raw = pd.read_csv(
        reading(path), dtype=str, encoding="utf-8-sig", keep_default_na=False, index_col=False
    )
    raw.columns = [str(name).strip().lower() for name in raw.columns]
    out = _read_2013(raw) if "aco identifier" in raw else _read_named(raw, path)
    out.insert(0, "year", year)
    out["months"] = _months(out)
    return out


def _column(raw: pd.DataFrame, names: tuple[str, ...]) -> pd.Series:
    found = next((raw[name] for name in names if name in raw), None)
    return pd.Series("", index=raw.index, dtype=object) if found is None else found.astype(object)


def _read_named(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    lacking = [names[0] for names in _NEEDED if not set(names) & set(raw.columns)]
    if lacking:
        raise DataError(
            f"{path.name}: no column {first_three(lacking)}.\n"
            "  This is not a Performance Year Financial and Quality Results file."
        )
    out = pd.DataFrame({key: _column(raw, names) for key, names in _TEXT.items()})
    out["track"] = _tracks(raw, path)
    for key, names in _MONEY.items():
        out[key] = _column(raw, names).map(_cents).astype("Int64")
    for key, names in _RATES.items():
        column = _column(raw, names)
        out[key] = column.map(partial(_rate, percent=_in_percent(column)))
    reporting = _column(raw, _RATES["quality_score"]).map(_plain).isin(["P4R", ""])
    for key, columns in _NUMBERS.items():
        out[key] = _column(raw, columns).map(_number).astype(float)
    return _complete(out, reporting.to_numpy(), stated="met_qps" in raw)


def _complete(out: pd.DataFrame, reporting: NDArray[np.bool_], *, stated: bool) -> pd.DataFrame:
    """Fill what a blank means: nothing earned, nothing adjusted, a score of one for reporting.

    Where a file does not print whether the quality standard was met (before 2016), a published
    final sharing rate of zero says that it was not.
    """
    out["pay_for_reporting"] = reporting
    out["quality_score"] = out["quality_score"].where(~reporting, "1")
    for key in ("earned", "disaster_adjustment"):
        out[key] = out[key].fillna(0)
    shared = out["final_share"].map(lambda text: text != "" and Decimal(text) > 0)
    met = out["met_quality_standard"].fillna(0) == 1 if stated else shared
    out["met_quality_standard"] = met.astype("int64")
    return out


def _read_2013(raw: pd.DataFrame) -> pd.DataFrame:
    """Read by position: from the fourteenth column on, the header is one label short."""
    blank = pd.Series("", index=raw.index, dtype=object)
    out = pd.DataFrame({"aco_id": raw.iloc[:, 0], "name": raw.iloc[:, 1], "state": blank,
                        "start_date": raw.iloc[:, 2], "revenue_category": blank})  # fmt: skip
    out["track"] = np.where(raw.iloc[:, 3].str.strip() == "1", "2", "1")
    for key, place in (("benchmark", 12), ("published_spending", 13), ("savings", 14)):
        out[key] = raw.iloc[:, place].map(_cents).astype("Int64")
    gain, loss = (raw.iloc[:, p].map(_cents).astype("Int64").fillna(0) for p in (15, 16))
    out["generated"] = pd.array([pd.NA] * len(out), dtype="Int64")
    out["earned"] = gain - loss.abs()
    out["disaster_adjustment"] = pd.array([0] * len(out), dtype="Int64")
    for key, place in (("minimum_savings_rate", 11), ("final_share", 9), ("quality_score", 7)):
        out[key] = raw.iloc[:, place].str.replace("%", "").map(partial(_rate, percent=False))
    for key in _NUMBERS:
        out[key] = np.nan
    out["beneficiaries"] = raw.iloc[:, 17].map(_number).astype(float)
    out["person_years"] = raw.iloc[:, 18].map(_number).astype(float)
    return _complete(out, np.ones(len(out), dtype=bool), stated=False)


def _tracks(raw: pd.DataFrame, path: Path) -> NDArray[np.object_]:
    if "current_track" in raw:
        return raw["current_track"].str.strip().replace("EN", "ENHANCED").to_numpy(object)
    flags = {"track1": "1", "track2": "2", "current_track_1": "1", "current_track_2": "2",
             "current_track_3": "3", "current_track_1_plus": "1+",
             "current_enhanced": "ENHANCED"}  # fmt: skip
    flags |= {f"current_basic_{level.lower()}": level for level in "ABCDE"}
    held = pd.DataFrame({name: raw[name].str.strip() == "1" for name in flags if name in raw})
    if not (held.sum(axis=1) == 1).all():
        wrong = held.index[held.sum(axis=1) != 1]
        raise DataError(
            f"{path.name}: rows {first_three(wrong + 2)} are in no track or in several.\n"
            "  Compare the file with the release on data.cms.gov."
        )
    return held.idxmax(axis=1).map(flags).to_numpy(object)


def _months(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return 6 where the total benchmark is half of per-capita benchmark times person-years."""
    full = frame["updated_benchmark"] * frame["person_years"] * 100
    ratio = (full / frame["benchmark"].astype(float)).to_numpy(float)
    return np.where((ratio > 1.7) & (ratio < 2.3), 6, 12)


def _plain(text: object) -> str:
    plain = str(text).strip().replace(",", "").replace("$", "")
    return "" if plain.upper() in _MISSING else plain


def _cents(text: object) -> int | None:
    plain = _plain(text)
    if not plain:
        return None
    try:
        return int((Decimal(plain) * 100).to_integral_value())
    except InvalidOperation:
        raise DataError(f"{text!r} is not a dollar amount.\n  Mend the file.") from None


def _rate(text: object, *, percent: bool) -> str:
    plain = _plain(text)
    if not plain or plain == "P4R":
        return ""
    value = Decimal(plain.removesuffix("%"))
    return format((value / 100 if percent else value).normalize(), "f")


def _in_percent(column: pd.Series) -> bool:
    """Say whether a column of rates is in percent: it says so, or exceeds one."""
    plain = column.map(_plain)
    if plain.str.endswith("%").any():
        return True
    return bool((pd.to_numeric(plain, errors="coerce") > 1).any())


def _number(text: object) -> float:
    plain = _plain(text)
    percent = plain.endswith("%")
    try:
        return float(plain.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        return float("nan")


def mssp_ledger(frame: pd.DataFrame, *, end: int = 0) -> pd.DataFrame:
    """Arrange organisations as a ledger that ``settle`` reads.

    Parameters
    ----------
    frame : DataFrame
        From ``read_mssp``.
    end : {-1, 0, 1}
        Take quality scores as printed (0), or at the lower or upper end of what their rounding
        leaves (four places since 2015).

    Returns
    -------
    DataFrame
        Spending is the benchmark less the published savings, which carry more digits than the
        published spending does in 2013. The minimum savings rate is named where it was elected;
        and where an organisation is smaller than the schedule;
        elsewhere it follows from the number of beneficiaries. A disaster adjustment is halved
        for contracts of six months, because the files print the full year's. What a year's file
        cannot say is what the rules of that year imply: no alternative standard before 2023, no
        guardrail before 2024. Below its minimum savings rate an organisation may still share if it
        is a low-revenue one of the BASIC track with 5,000 people or more whose agreement began in
        2024 or later (42 CFR 425.605(h)), or if the file says that it did.
    """
    rate = frame["minimum_savings_rate"].map(lambda text: Decimal(text) if text else Decimal(-1))
    chosen = rate.isin(ELECTIVE) & ~frame["track"].isin(ONE_SIDED)
    elected = chosen | (frame["beneficiaries"] < SMALLEST)
    score = frame["quality_score"].map(Decimal)
    rounded = (frame["year"] >= _SCORE_ROUNDED) & ~frame["pay_for_reporting"]
    moved = score + rounded.map({True: _ROUNDING, False: Decimal(0)}) * end
    months = frame["months"]
    return pd.DataFrame(
        {
            "alliance": frame["aco_id"],
            "year": frame["year"],
            "track": frame["track"],
            "budget_cents": frame["benchmark"].astype("int64"),
            "spending_cents": (frame["benchmark"] - frame["savings"]).astype("int64"),
            "minimum_savings_rate": rate.where(elected, None).astype(object),
            "beneficiaries": frame["beneficiaries"].astype("int64"),
            "quality_score": moved.map(lambda one: min(max(one, Decimal(0)), Decimal(1))),
            "met_quality_standard": frame["met_quality_standard"],
            "met_alternative_standard": _flag(frame, "met_alternative_standard"),
            "half_rate_eligible": _half_rate(frame),
            "outside_guardrail": 1 - _flag(frame, "guardrail"),
            "disaster_adjustment": (frame["disaster_adjustment"] * months // 12).astype("int64"),
            "contract_year": _contract_year(frame),
        }
    )


def _flag(frame: pd.DataFrame, name: str) -> NDArray[np.int64]:
    if name not in frame:
        return np.zeros(len(frame), dtype=np.int64)
    return (frame[name] == 1).to_numpy(np.int64)


def _half_rate(frame: pd.DataFrame) -> NDArray[np.int64]:
    started = _start_year(frame) >= HALF_RATE_FROM
    basic = frame["track"].isin(BASIC) & (frame["beneficiaries"] >= LARGE_ENOUGH)
    low = frame.get("revenue_category", pd.Series("", index=frame.index)) == "Low Revenue"
    return (started & basic & low).to_numpy(np.int64) | _flag(frame, "reduced_share")


def _start_year(frame: pd.DataFrame) -> pd.Series:
    text = frame["start_date"].astype(str).str.split(" ").str[0]
    return pd.to_datetime(text, format="mixed", errors="coerce").dt.year


def _contract_year(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return the year of the contract, from its start date; 1 for a start in the year itself."""
    start = _start_year(frame).fillna(frame["year"])
    return (frame["year"] - start + 1).clip(lower=1).to_numpy(np.int64)
