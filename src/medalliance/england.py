"""Read what England's health service publishes on primary care: payments, earnings, staff.

Payments to practices ("NHS Payments to General Practice"), doctors' earnings by contract ("GP
Earnings and Expenses Estimates") and staff of primary-care networks ("Primary Care Network
Workforce"), NHS England, Open Government Licence v3.0. Names, encodings and columns vary by year;
this module is the one place that knows how.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import DataError, first_three, need_type, needed
from .paths import england_dir, reading
from .provenance import Badge, Provenance

CONTRACTS = ("GMS", "PMS", "APMS")
DRUGS = ("drugs_reimbursed", "prescribing_fees", "dispensing_fees")
NETWORK = ("pcn_leadership", "pcn_support", "pcn_extended_hours", "pcn_workforce",
           "pcn_investment", "pcn_care_homes")  # fmt: skip
COVID = ("covid_immunisation", "covid_support", "long_covid")

_ENCODINGS = ("utf-8-sig", "cp1252")
_BLANK = {"", "-", "*", "NA", "N/A", ":", "C", "Z", "NAN"}
# name here -> names in the files, letters and digits alone
_TEXT = {
    "practice": ("practicecode",),
    "payer": ("ccgcode", "subicblocationcode", "subicbcode", "sicblcode", "subicbloccode"),
    "contract": ("contracttype",),
    "dispensing": ("dispensingpractice",),
    "practice_type": ("practicetype",),
    "rurality": ("practicerurality",),
    "network": ("pcncode",),
    "opened": ("practiceopendate",),
    "closed": ("practiceclosedate",),
    "atypical": ("atypicalcharacteristics",),
    "region": ("nhsenglandregioncode", "commissioningregioncode", "regioncode"),
}
_MONEY = {
    "total": ("totalnhspaymentstogeneralpractice",),
    "global_sum": ("globalsum",),
    "mpig": ("mpigcorrectionfactor",),
    "pms_balance": ("balanceofpmsexpenditure",),
    "quality_payments": ("totalqofpayments",),
    "local_schemes": ("totallocalincentiveschemes", "totallocalenhancedservices"),
    "premises": ("premisespayments",),
    "seniority": ("seniority",),
    "network_participation": ("pcnparticipation",),
    "drugs_reimbursed": ("reimbursementofdrugs",),
    "prescribing_fees": ("prescribingfeepayments",),
    "dispensing_fees": ("dispensingfeepayments",),
    "pcn_leadership": ("pcnleadership",),
    "pcn_support": ("pcnsupport",),
    "pcn_extended_hours": ("pcnextendedhoursaccess",),
    "pcn_workforce": ("pcnworkforce",),
    "pcn_investment": ("pcninvestmentandimpactfund",),
    "pcn_care_homes": ("pcncarehomepremium",),
    "covid_immunisation": ("covidimmunisation",),
    "covid_support": ("covidsupportandexpansion",),
    "long_covid": ("longcovid",),
}
_LISTS = {
    "patients": ("numberofregisteredpatientslastknownfigure", "numberofregisteredpatients",
                 "averagenumberofregisteredpatients"),
    "weighted_patients": ("numberofweightedpatientslastknownfigure", "numberofweightedpatients",
                          "averagenumberofweightedpatients"),
}  # fmt: skip
_NEEDED = ("practice", "payer", "contract", "patients", "weighted_patients", "total")


def read_england_payments(folder: str | Path | None = None) -> pd.DataFrame:
    """Read every yearly file of payments to practices that lies in a folder.

    Parameters
    ----------
    folder : str, Path or None
        Folder with ``payments/14-15.csv``, ``15-16.csv``, …, or with the files themselves; None:
        ``MEDALLIANCE_ENGLAND_DIR``.

    Returns
    -------
    DataFrame
        One row a practice and financial year (``year`` is its first calendar year). Money in
        pounds as booked, a blank is nothing paid; a part of income that a year's file does not
        have is NaN. ``total`` leaves out what networks and the pandemic brought from 2020 on;
        ``network_money`` and ``covid_money`` are those sums, and ``total_all`` holds all three.
        ``income`` is ``total`` less ``drug_money``, which flows through the books of practices
        that dispense. ``part_year`` says that the row covers less than the year.

    Raises
    ------
    DataError
        If there is no file, a column that is needed is missing, a practice has two rows in a year
        or an amount is no number.
    """
    frames = []
    for path, year in _files(folder, "payments"):
        frames.append(payments_of(path, year))
    frame = pd.concat(frames, ignore_index=True)
    return _source(frame, "NHS Payments to General Practice").carried_by(frame)


def _files(folder: str | Path | None, part: str) -> list[tuple[Path, int]]:
    need_type("folder", folder, (str, Path, type(None)), error=DataError,
              advice="Give the path of a folder, or nothing.")  # fmt: skip
    base = england_dir() if folder is None else Path(folder)
    inner = base / part if (base / part).is_dir() else base
    found = [(path, _first_year(path.stem)) for path in sorted(inner.glob("*.csv"))]
    years = [(path, year) for path, year in found if year is not None]
    if not years:
        raise DataError(
            f"{inner}: no file such as {'14-15.csv' if part == 'payments' else '2018.csv'}.\n"
            "  `medalliance get england` names the publisher's pages and files; set "
            "MEDALLIANCE_ENGLAND_DIR to the folder."
        )
    return sorted(years, key=lambda pair: pair[1])


def _first_year(stem: str) -> int | None:
    """Return the first calendar year that a file's name states, such as 14-15 or 2018.

    >>> _first_year("14-15"), _first_year("nhspaymentsgp-22-23-prac-csv"), _first_year("notes")
    (2014, 2022, None)
    """
    whole = re.search(r"(?<!\d)(20\d\d)(?!\d)", stem)
    if whole:
        return int(whole[1])
    for first, second in re.findall(r"(?<!\d)(\d\d)[-_](\d\d)(?!\d)", stem):
        if int(second) == (int(first) + 1) % 100:
            return 2000 + int(first)
    return None


def _read(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read a table as text, in whichever of two encodings it is; headers by letters and digits."""
    content = reading(path).read_bytes()
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise DataError(f"{path.name}: neither UTF-8 nor Windows-1252.\n  Save it as UTF-8.")
    raw = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False, index_col=False)
    names: dict[str, str] = {}
    for column in raw.columns:
        names.setdefault(re.sub(r"[^a-z0-9]", "", str(column).lower()), str(column))
    return raw, names


def _take(raw: pd.DataFrame, names: Mapping[str, str], wanted: tuple[str, ...]) -> pd.Series | None:
    found = next((names[name] for name in wanted if name in names), None)
    return None if found is None else raw[found].str.strip()


def payments_of(path: Path, year: int) -> pd.DataFrame:
    """Read the payments of one financial year, named by the calendar year in which it begins."""
    raw, names = _read(path)
    every = _TEXT | _MONEY | _LISTS
    lacking = [key for key in _NEEDED if _take(raw, names, every[key]) is None]
    if lacking:
        raise DataError(
            f"{path.name}: no column for {first_three(lacking)}.\n"
            "  This is not a file of payments by practice, or its columns have new names."
        )
    out = pd.DataFrame({"year": np.full(len(raw), year)})
    for key, wanted in _TEXT.items():
        column = _take(raw, names, wanted)
        out[key] = "" if column is None else column.replace("-", "")
    for key, wanted in (_LISTS | _MONEY).items():
        column = _take(raw, names, wanted)
        out[key] = np.nan if column is None else _amounts(column, path, key)
    out = out[out["practice"] != ""].reset_index(drop=True)
    twice = out["practice"].duplicated()
    if twice.any():
        raise DataError(
            f"{path.name}: practice {first_three(out.loc[twice, 'practice'])} has two rows.\n"
            "  Keep one row a practice and year."
        )
    out["contract"] = out["contract"].str.upper().where(lambda s: s.isin(CONTRACTS), "unknown")
    out["dispensing"] = out["dispensing"].str.lower().map({"yes": 1.0, "no": 0.0})
    out["rural"] = out["rurality"].str.lower().map({"rural": 1.0, "urban": 0.0})
    return _add_sums(out, year)


def _add_sums(out: pd.DataFrame, year: int) -> pd.DataFrame:
    out["drug_money"] = out[list(DRUGS)].fillna(0).sum(axis=1)
    out["network_money"] = out[list(NETWORK)].fillna(0).sum(axis=1)
    out["covid_money"] = out[list(COVID)].fillna(0).sum(axis=1)
    out["total_all"] = out["total"] + out["network_money"] + out["covid_money"]
    out["income"] = out["total"] - out["drug_money"]
    opened, closed = (pd.to_datetime(out[k], format="%d/%m/%Y", errors="coerce")
                      for k in ("opened", "closed"))  # fmt: skip
    first, last = pd.Timestamp(year, 4, 1), pd.Timestamp(year + 1, 3, 31)
    inside = ((opened > first) & (opened <= last)) | (closed < last)
    out["part_year"] = inside | out["atypical"].str.lower().str.contains("part year", regex=False)
    return out.drop(columns=["opened", "closed", "atypical", "rurality"])


def _amounts(column: pd.Series, path: Path, name: str) -> pd.Series:
    """Turn text into numbers: commas and pound signs go, blanks are nothing, (5) is minus five."""
    plain = column.str.replace(r"[,£\s]", "", regex=True)
    plain = plain.str.replace(r"^\((.*)\)$", r"-\1", regex=True)
    plain = plain.where(~plain.str.upper().isin(_BLANK), "0")
    value = pd.to_numeric(plain, errors="coerce")
    if value.isna().any():
        wrong = [f"row {row + 2}: {column[row]!r}" for row in column.index[value.isna()]]
        raise DataError(f"{path.name}: {name} is no number in {first_three(wrong)}.\n  Mend them.")
    return value.astype(float)


def _source(frame: pd.DataFrame, title: str) -> Provenance:
    years = frame["year"]
    return Provenance(
        Badge.REAL,
        f"{title} {years.min()} to {years.max()}, NHS England, Open Government Licence v3.0; "
        "computed for this book",
        "GBP",
    )


_EARNINGS = {
    "doctor": ("gptype",),
    "contract": ("contracttype",),
    "country": ("country",),
    "practice_type": ("practicetype",),
    "gender": ("gender",),
    "age": ("age",),
    "rurality": ("rurality",),
    "region": ("region",),
    "list_size": ("practiceregisteredpatients",),
    "hours": ("weeklyworkinghours",),
    "measure": ("measure", "type"),
    "value": ("value",),
}


def read_england_earnings(folder: str | Path | None = None) -> pd.DataFrame:
    """Read doctors' published earnings by contract, region, list size, age or sex.

    Parameters
    ----------
    folder : str, Path or None
        Folder with ``earnings/2018.csv``, … or with the files themselves; None:
        ``MEDALLIANCE_ENGLAND_DIR``.

    Returns
    -------
    DataFrame
        One row a printed number: ``year`` (in which the tax year ends), ``doctor`` (Contractor,
        Salaried, Combined), ``contract`` (GMS, PMS, GPMS for both), breakdowns ("All" where there
        is none), ``measure`` and ``value``. Money is in pounds a year before tax. Rows of
        distributions are left out, and ``ambiguous`` marks keys with several values, which the
        files of 2018 print without saying what sets them apart.

    Raises
    ------
    DataError
        If there is no file, or a column that is needed is missing.
    """
    frames = []
    for path, year in _files(folder, "earnings"):
        raw, names = _read(path)
        columns = {key: _take(raw, names, wanted) for key, wanted in _EARNINGS.items()}
        need = ("doctor", "contract", "measure", "value")
        lacking = [key for key in need if columns[key] is None]
        if lacking:
            raise DataError(
                f"{path.name}: no column for {first_three(lacking)}.\n"
                "  This is not a table of GP Earnings and Expenses Estimates."
            )
        spread = [raw[name] for key, name in names.items() if key.startswith("rangeof")]
        made = pd.DataFrame({k: "All" if c is None else c for k, c in columns.items()})
        if spread:
            made = made[(pd.concat(spread, axis=1) == "").all(axis=1)]
        made["measure"] = made["measure"].str.replace(r"\s+", " ", regex=True)
        made["value"] = pd.to_numeric(made["value"].str.replace(",", ""), errors="coerce")
        frames.append(made.assign(year=year))
    frame = pd.concat(frames, ignore_index=True).drop_duplicates(ignore_index=True)
    key = [name for name in frame if name != "value"]
    frame["ambiguous"] = frame.duplicated(key, keep=False)
    return _source(frame, "GP Earnings and Expenses Estimates").carried_by(frame)


def read_england_staff(folder: str | Path | None = None) -> pd.DataFrame:
    """Read the staff that networks of practices employ.

    Parameters
    ----------
    folder : str, Path or None
        Folder with ``pcn_workforce.csv``; None: ``MEDALLIANCE_ENGLAND_DIR``.

    Returns
    -------
    DataFrame
        ``network year staff_group fte rows``: the mean of full-time equivalents over the rows that
        the table prints for a network, year and group, and their number.

    Raises
    ------
    DataError
        If there is no file, or a column that is needed is missing.
    """
    base = england_dir() if folder is None else Path(folder)
    path = base / "pcn_workforce.csv"
    if not path.is_file():
        raise DataError(
            f"{path}: no such file.\n  `medalliance get england` names the publisher's page."
        )
    raw, names = _read(path)
    wanted = {"network": "pcncode", "year": "year", "staff_group": "staffgroup", "fte": "fte"}
    lacking = [key for key, name in wanted.items() if name not in names]
    if lacking:
        raise DataError(
            f"{path.name}: no column for {first_three(lacking)}.\n"
            "  This is not the table of staff by network."
        )
    made = pd.DataFrame({key: raw[names[name]].str.strip() for key, name in wanted.items()})
    made["year"] = pd.to_numeric(made["year"]).astype("int64")
    made["fte"] = pd.to_numeric(made["fte"].str.replace(",", ""), errors="coerce")
    groups = made.groupby(["network", "year", "staff_group"])["fte"]
    frame = groups.agg(fte="mean", rows="size").reset_index()
    return _source(frame, "Primary Care Network Workforce").carried_by(frame)


def read_england_series(folder: str | Path | None = None) -> pd.DataFrame:
    """Read the time series of contractors' earnings by contract, from 2002/03 on.

    Parameters
    ----------
    folder : str, Path or None
        Folder with ``earnings/time_series.xlsx``, or with the file itself; None:
        ``MEDALLIANCE_ENGLAND_DIR``.

    Returns
    -------
    DataFrame
        One row a printed number of table 1a: ``country contract practice_type measure``, ``year``
        (in which the tax year ends), ``value`` in pounds of the year, blank where the table says
        that there is none, and ``revised``: whether a year that is printed twice, on either side
        of a break, is the second.

    Raises
    ------
    DataError
        If there is no file, no table 1a, or no row that names its columns.
    """
    with needed():
        from openpyxl import load_workbook

    base = england_dir() if folder is None else Path(folder)
    tried = [base / "earnings" / "time_series.xlsx", base / "time_series.xlsx"]
    path = next((one for one in tried if one.is_file()), None)
    if path is None:
        raise DataError(
            f"{tried[0]}: no such file.\n  `medalliance get england` names the publisher's page."
        )
    book = load_workbook(reading(path), read_only=True, data_only=True)
    sheet = next((name for name in book.sheetnames if name.lower().startswith("1a")), None)
    rows = [] if sheet is None else list(book[sheet].iter_rows(values_only=True))
    head = next((place for place, row in enumerate(rows) if row and row[0] == "Country"), None)
    if head is None:
        raise DataError(
            f"{path.name}: no table 1a with a column Country.\n"
            "  This is not the time series of GP Earnings and Expenses Estimates."
        )
    labels = [str(cell or "") for cell in rows[head]]
    years = [(i, re.match(r"(\d{4})/\d\d", text)) for i, text in enumerate(labels)]
    columns = [(place, int(found[1]) + 1) for place, found in years if found]
    keys = ("country", "contract", "practice_type", "measure")
    made = []
    for row in rows[head + 1 :]:
        if row[0] is None or row[3] is None:
            continue
        seen: set[int] = set()
        for place, year in columns:
            named = dict(zip(keys, (str(cell).strip() for cell in row[:4]), strict=True))
            made.append({**named, "year": year, "value": row[place], "revised": year in seen})
            seen.add(year)
    frame = pd.DataFrame(made)
    text = frame["value"].astype(str).str.replace(r"[£,]|\s*r$", "", regex=True)
    frame["value"] = pd.to_numeric(text, errors="coerce")
    return _source(frame, "GP Earnings and Expenses Estimates, time series").carried_by(frame)
