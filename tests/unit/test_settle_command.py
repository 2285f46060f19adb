"""``medalliance settle``: what it writes, what it refuses, and that nothing half-written stays."""

from __future__ import annotations

import csv
from decimal import Decimal

import pytest

from medalliance.__main__ import main

GOOD = """alliance,year,member,party,budget_yuan,spending_yuan,score,headcount,reserve_yuan
a,2024,,,1000000.01,"900,000.00",0.9,,0
a,2024,h,lead_hospital,,,1,300,
a,2024,t1,township,,,0.8,50.5,
b,2024,,,500000,550000.5,0.7,,1000
"""


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_text(GOOD, encoding="utf-8")
    return path


def run(ledger, output, *more, rules="two_sided_corridor"):
    return main(["settle", rules, str(ledger), "-o", str(output), *more])


def test_settle_command_writes_postings_that_sum_to_zero(ledger, tmp_path, capsys):
    output = tmp_path / "settled.csv"
    assert run(ledger, output) == 0
    with output.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    sums: dict[str, Decimal] = {}
    for row in rows:
        assert Decimal(row["amount_yuan"]) * 100 == Decimal(row["amount_fen"])
        sums[row["alliance"]] = sums.get(row["alliance"], Decimal(0)) + Decimal(row["amount_yuan"])
    assert sums == {"a": 0, "b": 0}
    assert {row["party"] for row in rows} >= {"insurer", "providers", "lead_hospital", "village"}
    assert "2 settlements" in capsys.readouterr().out


def test_settle_command_keeps_an_existing_file_unless_forced(ledger, tmp_path, capsys):
    output = tmp_path / "settled.csv"
    output.write_text("mine")
    assert run(ledger, output) == 3
    assert output.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert run(ledger, output, "--force") == 0
    assert output.read_text() != "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("500000,550000.5", "-500000,550000.5", "budget is negative in row 5 (b, 2024)"),
        ("500000,550000.5", "500000,", "spending is missing in row 5 (b, 2024)"),
        ("550000.5", "550000.555", "spending_yuan is not money with at most two decimals in row 5"),
        ("550000.5,0.7", "550000.5,70", "score lies outside 0-1 (never percent) in row 5"),
        ("township", "pharmacy", "unknown party: pharmacy (row 4)"),
        ("b,2024", "b,next", "year is not a whole number of 1900-2200 in row 5"),
        ("budget_yuan", "budget", "name the unit of money, budget_yuan or budget_fen"),
        ("budget_yuan", "budget_usd", "budget_usd is in usd"),
        ("0.8,50.5", "0.8,", "headcount is missing in row 4 (t1)"),
    ],
)
def test_settle_command_names_file_row_and_column(old, new, message, ledger, tmp_path, capsys):
    ledger.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    assert run(ledger, tmp_path / "settled.csv") == 1
    error = capsys.readouterr().err
    assert "ledger.csv" in error
    assert message in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.csv"]


def test_settle_command_reports_every_problem_at_once(ledger, tmp_path, capsys):
    text = GOOD.replace("0.9,,0", "9,,0").replace("500000,550000.5", "-1,")
    ledger.write_text(text, encoding="utf-8")
    assert run(ledger, tmp_path / "settled.csv") == 1
    error = capsys.readouterr().err
    for part in ("score lies outside 0-1", "budget is negative", "spending is missing"):
        assert part in error


def test_settle_command_asks_for_unpublished_fields_and_takes_assumptions(ledger, tmp_path, capsys):
    output = tmp_path / "settled.csv"
    assert run(ledger, output, rules="tianchang_anhui") == 1
    error = capsys.readouterr().err
    assert "overspend_sharing_share is not in what was read" in error
    assert not output.exists()
    more = ["--assume", "surplus_retention_share=0.5", "--assume", "overspend_sharing_share=0"]
    assert run(ledger, output, *more, rules="tianchang_anhui") == 0
    assert "assumed" in capsys.readouterr().out


def test_settle_command_reads_what_a_chinese_office_saves(tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_bytes(GOOD.replace("a,2024", "示例,2024").encode("gb18030"))
    output = tmp_path / "settled.csv"
    assert run(path, output) == 0
    assert "示例" in output.read_text(encoding="utf-8")


PLAIN = GOOD.replace('"900,000.00"', "900000.00")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_settle_command_reads_other_separators(separator, ledger, tmp_path):
    assert run(ledger, tmp_path / "one.csv") == 0
    path = tmp_path / "other.csv"
    path.write_text(PLAIN.replace(",", separator), encoding="utf-8")
    assert run(path, tmp_path / "two.csv") == 0
    assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_settle_command_refuses_decimal_commas(tmp_path, capsys):
    path = tmp_path / "ledger.csv"
    path.write_text(PLAIN.replace(",", ";").replace("550000.5", "550000,5"), encoding="utf-8")
    assert run(path, tmp_path / "settled.csv") == 1
    said = capsys.readouterr().err
    assert "spending_yuan is not money with at most two decimals in row 5 (550000,5)" in said
    assert "Columns were split at ';'; write decimals with a point" in said


def test_settle_command_leaves_nothing_behind_when_the_disk_is_full(ledger, tmp_path, monkeypatch):
    import os

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert run(ledger, tmp_path / "settled.csv") == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.csv"]


def test_settle_command_refuses_missing_files_and_wrong_usage(ledger, tmp_path):
    assert run(tmp_path / "none.csv", tmp_path / "settled.csv") == 1
    assert run(ledger, tmp_path / "nowhere" / "settled.csv") == 3
    assert main(["settle", "two_sided_corridor", str(ledger)]) == 2
    assert main(["settle", "--help"]) == 0
