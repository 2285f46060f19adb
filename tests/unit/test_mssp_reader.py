"""The reader of the public use files on small files that hold every trap; rules of 2023-2024."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

import medalliance as ma
from medalliance.mssp import mssp_ledger, read_mssp
from medalliance.reforms import load_rules

OLD_HEADER = (
    "ACO Identifier,ACO Name,Start Date,Track 2 ACO,Advance pay,Interim,Advanced amount,"
    "Quality Score,Quality Rate,Final sharing rate,Minimum Loss Rate (%),Minimum Savings Rate (%),"
    "Total benchmark expenditures ($),Total savings/losses ($),Shared Savings ($),"
    "Shared Losses ($),Total number of assigned beneficiaries,Person years,ESRD person years"
)
OLD = (
    f"\ufeff{OLD_HEADER}\n"
    'A1,One,04/01/2012,0,0,0,,1,0.5,0.5,,0.02769974%,"$10,000,000.30",$9600000.00,$400000.30,'
    "$196000.15,,13833,11344.25\n"
    "A2,Two,01/01/2013,1,0,0,,1,0.6,0.6,0.02%,0.02%,$10000000.00,$11000000.00,$-1000000.00,,"
    "$400000.00,9000,8800\n"
)
NEW = (
    "ACO_ID,ACO_Name,Current_Track,Current_Start_Date,N_AB,N_AB_Year_PY,MinSavPerc,BnchmkMinExp,"
    "GenSaveLoss,DisAdj,EarnSaveLoss,Met_QPS,QualScore,UpdatedBnchmk,ABtotBnchmk,ABtotExp,"
    "FinalShareRate,P_EM_Total,Perc_Dual\n"
    'A1,One,EN,07/01/2019,"30,324",29624,2.00%,"10,000,000","10,000,000",,"7,350,000",1,83.28%,'
    '10000,"296,240,000","286,240,000",75.00%,*,9.40%\n'
    "A2,Two,B,01/01/2022,9000,8800,3.10%,-10,0,-,0,0,-,10000,88000000,88000010,0.00%,13433,-\n"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "2013.csv").write_text(OLD, encoding="utf-8")
    (tmp_path / "2022.csv").write_text(NEW, encoding="utf-8")
    (tmp_path / "notes.csv").write_text("not a year", encoding="utf-8")
    return tmp_path


def test_reader_takes_2013_by_position(folder):
    frame = read_mssp(folder).query("year == 2013").set_index("aco_id")
    assert frame.loc["A1", "benchmark"] == 1_000_000_030
    assert frame.loc["A1", "savings"] == 40_000_030
    assert frame.loc["A1", "earned"] == 19_600_015
    assert frame.loc["A1", "minimum_savings_rate"] == "0.02769974"
    assert frame.loc["A1", "beneficiaries"] == 13_833
    assert frame["track"].tolist() == ["1", "2"]
    assert frame.loc["A2", "earned"] == -40_000_000


def test_reader_reads_commas_percents_dashes_and_stars(folder):
    frame = read_mssp(folder).query("year == 2022").set_index("aco_id")
    assert frame["track"].tolist() == ["ENHANCED", "B"]
    assert frame.loc["A1", "beneficiaries"] == 30_324
    assert frame["minimum_savings_rate"].tolist() == ["0.02", "0.031"]
    assert frame["quality_score"].tolist() == ["0.8328", "1"]
    assert frame["pay_for_reporting"].tolist() == [False, True]
    assert frame["disaster_adjustment"].tolist() == [0, 0]
    assert pd.isna(frame.loc["A1", "visits_total"])
    assert frame.loc["A2", "visits_total"] == 13_433
    assert frame.loc["A1", "share_dually_eligible"] == pytest.approx(0.094)


def test_small_files_settle_to_the_dollar(folder):
    frame = read_mssp(folder)
    settled = ma.settle(load_rules("mssp"), mssp_ledger(frame), progress=False).settled
    assert abs(settled - frame["earned"].to_numpy("int64")).max() < 100


def test_elected_rates_reach_the_ledger_only_where_they_are_elected(folder):
    ledger = mssp_ledger(read_mssp(folder)).set_index(["year", "alliance"])
    assert ledger.loc[(2022, "A1"), "minimum_savings_rate"] == Decimal("0.02")
    assert ledger.loc[(2022, "A2"), "minimum_savings_rate"] is None


def test_score_ends_move_by_half_the_last_digit():
    frame = pd.DataFrame(
        {
            "year": [2016, 2016, 2014],
            "aco_id": ["a", "b", "c"],
            "track": ["1"] * 3,
            "minimum_savings_rate": ["0.03"] * 3,
            "quality_score": ["0.9", "1", "0.123456789"],
            "pay_for_reporting": [False] * 3,
            "months": [12] * 3,
            "benchmark": [10] * 3,
            "savings": [1] * 3,
            "beneficiaries": [9000] * 3,
            "met_quality_standard": [1] * 3,
            "disaster_adjustment": [0] * 3,
            "start_date": ["1/1/16"] * 3,
        }
    )
    low, high = (mssp_ledger(frame, end=end)["quality_score"].tolist() for end in (-1, 1))
    assert low == [Decimal("0.89995"), Decimal("0.99995"), Decimal("0.123456789")]
    assert high == [Decimal("0.90005"), Decimal(1), Decimal("0.123456789")]


def test_reader_says_what_to_download_and_what_is_no_such_file(tmp_path):
    with pytest.raises(ma.DataError, match="MEDALLIANCE_MSSP_DIR"):
        read_mssp(tmp_path)
    (tmp_path / "2018.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ma.DataError, match=r"no column aco_id, aco_name, .* and 6 more"):
        read_mssp(tmp_path)


LATER = (
    "ACO_ID,ACO_Name,Current_Track,Current_Start_Date,N_AB,MinSavPerc,BnchmkMinExp,DisAdj,"
    "EarnSaveLoss,Met_QPS,Met_AltQPS,Guardrail,QualScore,ABtotBnchmk,ABtotExp,FinalShareRate,"
    "Rev_Exp_Cat{more}\n"
    "A1,Full,E,01/01/2022,9000,1.00%,5000000,0,2450000,1,-,0,80.00%,100000000,95000000,50.00%,"
    "High Revenue{a}\n"
    "A2,Scaled,E,01/01/2022,9000,1.00%,5000000,0,1960000,0,1,0,80.00%,100000000,95000000,40.00%,"
    "High Revenue{a}\n"
    "A3,Half,E,01/01/2024,9000,1.00%,500000,0,122500,1,-,0,80.00%,100000000,99500000,25.00%,"
    "Low Revenue{b}\n"
    "A4,Old,E,01/01/2023,9000,1.00%,500000,0,0,1,-,0,80.00%,100000000,99500000,0.00%,"
    "Low Revenue{a}\n"
    "A5,Rich,E,01/01/2024,9000,1.00%,500000,0,0,1,-,0,80.00%,100000000,99500000,0.00%,"
    "High Revenue{a}\n"
    "A6,Small,E,01/01/2024,4900,1.00%,500000,0,0,1,-,0,80.00%,100000000,99500000,0.00%,"
    "Low Revenue{a}\n"
    "A7,Guarded,E,01/01/2022,9000,1.00%,5000000,0,0,1,-,1,80.00%,100000000,95000000,0.00%,"
    "High Revenue{a}\n"
    "A8,Loser,EN,01/01/2022,9000,1.00%,-3000000,-500000,-700000,1,-,0,80.00%,100000000,103000000,"
    "75.00%,High Revenue{a}\n"
)


@pytest.mark.parametrize("more", [("", "", ""), (",ReducedSS", ",0", ",1")])
@pytest.mark.parametrize("year", [2024, 2025])
def test_a_later_file_settles_without_a_change(tmp_path, year, more):
    text = LATER.format(more=more[0], a=more[1], b=more[2])
    (tmp_path / f"{year}.csv").write_text(text, encoding="utf-8-sig")
    frame = read_mssp(tmp_path)
    done = ma.settle(load_rules("mssp"), mssp_ledger(frame), progress=False).settled
    assert done.tolist() == frame["earned"].tolist()


def test_a_file_without_guardrail_or_standard_takes_what_its_year_implies(tmp_path):
    text = LATER.format(more="", a="", b="").replace("Met_AltQPS,Guardrail", "Other,Another")
    (tmp_path / "2023.csv").write_text(text, encoding="utf-8")
    ledger = mssp_ledger(read_mssp(tmp_path))
    assert ledger["outside_guardrail"].eq(1).all()
    assert ledger["met_alternative_standard"].eq(0).all()


def test_a_column_of_rates_is_in_percent_if_it_says_so_or_exceeds_one(tmp_path):
    found = []
    for rates in (("0.5%", "1%"), ("0.5", "2.7"), ("0.005", "0.027"), ("0", "0")):
        text = NEW.replace("2.00%", rates[0]).replace("3.10%", rates[1])
        (tmp_path / "2022.csv").write_text(text, encoding="utf-8")
        found.append(read_mssp(tmp_path)["minimum_savings_rate"].tolist())
    assert found == [["0.005", "0.01"], ["0.005", "0.027"], ["0.005", "0.027"], ["0", "0"]]


# --- rules of 2023 and 2024 by hand --------------------------------------------------------------
def aco(**changes):
    row = {
        "alliance": "a",
        "year": 2024,
        "track": "E",
        "budget": 100_000_000,
        "spending": 95_000_000,
        "minimum_savings_rate": "0.01",
        "beneficiaries": 9_000,
        "quality_score": "0.8",
        "met_quality_standard": 1,
        "met_alternative_standard": 0,
        "half_rate_eligible": 0,
        "outside_guardrail": 1,
        "disaster_adjustment": 0,
        "contract_year": 1,
    }
    return pd.DataFrame([row | changes])


def settled(**changes):
    return int(ma.settle(load_rules("mssp"), aco(**changes), progress=False).settled[0])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 2_450_000),  # half of 5 million, less 2 %
        ({"met_quality_standard": 0}, 0),
        ({"met_quality_standard": 0, "met_alternative_standard": 1}, 1_960_000),
        ({"track": "ENHANCED"}, 3_675_000),
        ({"spending": 99_500_000}, 0),  # below the minimum savings rate
        ({"spending": 99_500_000, "half_rate_eligible": 1}, 122_500),
        ({"outside_guardrail": 0}, 0),
        ({"spending": 70_000_000}, 10_000_000),  # the cap of a tenth of the benchmark
        ({"spending": 103_000_000}, -900_000),  # 30 % of 3 million
        ({"spending": 120_000_000}, -4_000_000),  # four percent of the benchmark
        ({"spending": 120_000_000, "participant_revenue": 20_000_000}, -1_600_000),
        ({"spending": 103_000_000, "disaster_adjustment": -500_000}, -400_000),
        ({"track": "ENHANCED", "spending": 103_000_000}, -1_200_000),  # 1 - 0.75 x 0.8 = 40 %
        ({"track": "ENHANCED", "spending": 103_000_000, "quality_score": "0.4"}, -2_100_000),
        ({"track": "ENHANCED", "spending": 103_000_000, "met_quality_standard": 0}, -2_250_000),
        ({"track": "ENHANCED", "spending": 150_000_000}, -15_000_000),
        ({"track": "C", "spending": 120_000_000}, -1_000_000),
        ({"track": "D", "spending": 120_000_000}, -2_000_000),
        ({"track": "B", "spending": 120_000_000, "minimum_savings_rate": None}, 0),
        ({"year": 2023, "met_quality_standard": 0, "met_alternative_standard": 1}, 1_960_000),
        ({"year": 2023, "spending": 103_000_000}, -900_000),
        ({"year": 2022, "spending": 103_000_000}, 0),  # forgiven in the emergency
        ({"year": 2019, "track": "2", "spending": 120_000_000}, -5_000_000),
        ({"year": 2019, "track": "2", "spending": 120_000_000, "contract_year": 2}, -7_500_000),
        ({"year": 2019, "track": "2", "spending": 120_000_000, "contract_year": 5}, -10_000_000),
        ({"year": 2019, "track": "1+", "spending": 80_000_000}, 8_000_000),  # no sequester in 2019
    ],
)
def test_rules_by_hand(changes, expected):
    assert settled(**changes) == expected


def test_a_track_out_of_its_years_is_an_error():
    with pytest.raises(ma.RuleError, match=r"has no value|differs by track"):
        settled(year=2024, track="1")
