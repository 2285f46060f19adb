"""The readers of England's files on small files that hold every trap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.england import COVID, DRUGS, NETWORK
from medalliance.registered.england_panel import constant_payers, practices

HEADER = (
    "CCG Code,Practice Code,Practice Open Date,Practice Close Date,Contract Type,"
    "Dispensing Practice,Practice Rurality,Atypical Characteristics ,"
    "Number of Registered Patients (Last Known Figure),"
    "Number of Weighted Patients (Last Known Figure),Global Sum,Reimbursement of Drugs,"
    "Total NHS Payments to General Practice,PCN Workforce,Covid Immunisation "
)
ROWS = (
    'A,P1,01/04/1999,-,PMS,Yes,Rural,,5000,"4,000",0,"£100,000.50","600,000.50",1000,2000\n'
    "A,P2,01/10/2014,,GMS,No,Urban,,6000,6000,,,(500),,\n"
    "B,P3,,30/06/2014,UNKNOWN,UNKNOWN,MISSING,| Part year of data |,*,-,0,0,7,0,0\n"
)


def write(folder, name="14-15.csv", header=HEADER, rows=ROWS, encoding="utf-8"):
    (folder / name).write_bytes(f"{header}\n{rows}".encode(encoding))
    return folder


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_payments_read_in_every_encoding_with_commas_signs_and_blanks(tmp_path, encoding):
    frame = ma.read_england_payments(write(tmp_path, encoding=encoding)).set_index("practice")
    assert frame.loc["P1", "total"] == 600_000.50
    assert frame.loc["P1", "income"] == 500_000
    assert frame.loc["P1", "total_all"] == 603_000.50
    assert frame.loc["P1", "weighted_patients"] == 4_000
    assert frame.loc["P2", "total"] == -500
    assert frame.loc["P2", "global_sum"] == 0
    assert frame.loc["P3", "patients"] == 0
    assert frame["contract"].tolist() == ["PMS", "GMS", "unknown"]
    assert frame["part_year"].tolist() == [False, True, True]
    assert frame["rural"].tolist()[:2] == [1, 0] and np.isnan(frame.loc["P3", "rural"])
    assert frame["pms_balance"].isna().all()


def test_payments_of_a_later_year_read_under_the_publishers_name(tmp_path):
    header = HEADER.replace("CCG Code", "Sub ICB Location Code").replace(" (Last Known Figure)", "")
    write(tmp_path, "nhspaymentsgp-23-24-prac-csv.csv", header)
    write(tmp_path, "notes.csv")
    frame = ma.read_england_payments(tmp_path)
    assert frame["year"].unique().tolist() == [2023]
    assert frame.loc[0, "payer"] == "A"


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        (HEADER.replace("Contract Type", "Kind"), ROWS, "14-15.csv: no column for contract"),
        (HEADER, ROWS.replace("(500)", "many"), r"total is no number in row 3: 'many'"),
        (HEADER, ROWS.replace("P2", "P1"), "practice P1 has two rows"),
    ],
)
def test_payments_that_cannot_be_read_say_what_is_wrong(tmp_path, header, rows, said):
    with pytest.raises(ma.DataError, match=said):
        ma.read_england_payments(write(tmp_path, header=header, rows=rows))


def test_no_file_says_where_they_are(tmp_path):
    with pytest.raises(ma.DataError, match="medalliance get england"):
        ma.read_england_payments(tmp_path)
    with pytest.raises(ma.DataError, match="medalliance get england"):
        ma.read_england_earnings(tmp_path)
    with pytest.raises(ma.DataError, match="medalliance get england"):
        ma.read_england_staff(tmp_path)


def test_earnings_read_under_both_names_of_the_measure(tmp_path):
    text = "GP_Type,Contract_Type,Region,Range_of_Income_£,{},Value\n"
    rows = "Salaried ,GMS,All,,Average Emp  Income Before Tax,49000\nSalaried,GMS,All,1-2,x,5\n"
    (tmp_path / "2018.csv").write_bytes((text.format("Type") + rows).encode("cp1252"))
    (tmp_path / "2021.csv").write_bytes((text.format("Measure") + rows).encode("utf-8-sig"))
    frame = ma.read_england_earnings(tmp_path)
    assert frame["year"].tolist() == [2018, 2021]
    assert frame["doctor"].unique().tolist() == ["Salaried"]
    assert frame["measure"].unique().tolist() == ["Average Emp Income Before Tax"]
    (tmp_path / "2022.csv").write_text("GP_Type,Contract_Type,Value\na,b,1\n")
    with pytest.raises(ma.DataError, match="no column for measure"):
        ma.read_england_earnings(tmp_path)


def test_staff_are_averaged_over_the_rows_of_a_network(tmp_path):
    (tmp_path / "pcn_workforce.csv").write_text(
        '"PCN_CODE","Year","STAFF_GROUP","FTE"\nU1,2021,Nurses,1\nU1,2021,Nurses,2\n'
    )
    frame = ma.read_england_staff(tmp_path)
    assert frame.loc[0, ["fte", "rows"]].tolist() == [1.5, 2]


def payments(rows):
    base = {
        "payer": "A", "dispensing": 0.0, "practice_type": "GP practice", "rural": 0.0,
        "network": "", "region": "", "patients": 5000.0, "weighted_patients": 5000.0,
        "total": 600_000.0, "income": 600_000.0, "total_all": 600_000.0, "drug_money": 0.0,
        "network_money": 0.0, "covid_money": 0.0, "part_year": False,
    }  # fmt: skip
    zero = dict.fromkeys(
        ("global_sum", "mpig", "pms_balance", "quality_payments", "local_schemes", "premises",
         "seniority", "network_participation", *DRUGS, *NETWORK, *COVID), 0.0
    )  # fmt: skip
    return pd.DataFrame([base | zero | row for row in rows])


def practice(name, contracts, **more):
    return [
        {"practice": name, "year": 2014 + k, "contract": contract} | more
        for k, contract in enumerate(contracts)
    ]


def test_cohorts_and_every_lost_row():
    rows = (
        practice("stays", ["PMS"] * 4)
        + practice("moves", ["PMS", "PMS", "GMS", "GMS"])
        + practice("back", ["PMS", "GMS", "PMS", "PMS"])
        + practice("never negotiated", ["GMS"] * 4)
        + practice("other", ["PMS", "APMS", "unknown", "GMS"])
        + practice("small", ["PMS"] * 4, patients=100.0)
        + practice("unpaid", ["PMS"] * 4, income=0.0, total=0.0)
        + practice("part", ["PMS"] * 4, part_year=True)
    )
    made = practices(payments(rows))
    cohort = dict(zip(made.panel.units, made.panel.cohort_by_unit, strict=True))
    assert cohort == {"stays": 0, "moves": 2016, "other": 2017}
    assert made.losses["rows"].iloc[1:].sum() == made.losses["rows"].iloc[0] == len(rows)
    assert len(made.back) == 4
    assert made.panel.currency == "GBP"
    parts = made.panel.frame[["national_core", "pms_balance", "quality_payments", "local_schemes",
                              "premises", "rest"]].sum(axis=1)  # fmt: skip
    assert np.allclose(parts, made.panel.frame["income_per_patient"])


def test_payers_are_followed_through_chains_of_mergers():
    rows = []
    for number in range(6):
        code = "A" if number < 4 else "B"
        for k, payer in enumerate((code, "C", "D")):
            rows.append({"practice": f"p{number}", "year": 2014 + k, "payer": payer})
    found = constant_payers(pd.DataFrame(rows)).set_index("payer")["kept"].to_dict()
    assert found == {"A": "D", "B": "D", "C": "D", "D": "D"}


@pytest.mark.parametrize("code", ["GBP", "EUR", "CNY"])
def test_panels_take_any_currency(code):
    frame = pd.DataFrame({"u": ["a", "b"], "t": [1, 1], "g": [0, 0], "y": [1.0, 2.0]})
    panel = ma.Panel.from_frame(frame, unit="u", year="t", cohort="g", currency=code)
    assert panel.currency == code
    with pytest.raises(ma.DataError, match="ISO 4217"):
        ma.Panel.from_frame(frame, unit="u", year="t", cohort="g", currency="pounds")


def test_time_series_keeps_both_prints_of_a_year_that_breaks(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "1a. Contractor"
    with pytest.raises(ma.DataError, match="medalliance get england"):
        ma.read_england_series(tmp_path)
    book.save(tmp_path / "time_series.xlsx")
    with pytest.raises(ma.DataError, match="no table 1a with a column Country"):
        ma.read_england_series(tmp_path)
    sheet.append(["a title"])
    sheet.append(["Country", "Contract", "Type", "Category", "2013/14", "2014/15", "2014/15 [4]"])
    sheet.append(["England", "GMS", "All", "Income Before Tax", "£1,000 r", ":", 90])
    sheet.append(["England", None, None, None])
    book.save(tmp_path / "time_series.xlsx")
    frame = ma.read_england_series(tmp_path)
    assert frame["year"].tolist() == [2014, 2015, 2015]
    assert frame["revised"].tolist() == [False, False, True]
    assert frame["value"].fillna(-1).tolist() == [1000, -1, 90]
