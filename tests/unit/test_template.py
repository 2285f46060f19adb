"""The empty workbook: documented, the same every time, and what is filled in passes the check."""

from __future__ import annotations

import io

import openpyxl
import pandas as pd
import pytest

import medalliance as ma
from medalliance.__main__ import main
from medalliance.intake import template_columns, template_workbook
from medalliance.intake.template import MAPPING
from medalliance.panel import load_mapping, standard_columns, teaching_frame


@pytest.fixture(scope="module")
def workbook():
    return template_workbook()


def filled(workbook: bytes, frame: pd.DataFrame, path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    sheet, columns = book["panel"], template_columns()
    for number, row in enumerate(frame.itertuples(index=False), start=2):
        for name, value in zip(frame.columns, row, strict=True):
            if value == value:
                sheet.cell(number, columns.index(name) + 1, value)
    book.save(path)


def test_a_filled_template_passes_the_check_unchanged(workbook, tmp_path):
    frame = teaching_frame()
    codes = frame["county_code"].unique()
    frame = frame[frame["county_code"].isin(codes[::20])].reset_index(drop=True)
    frame["rule_id"] = frame["rule_id"].replace("", pd.NA)  # a workbook has no empty text
    frame["visit_def"] = frame["visit_def"].astype("str")  # codes are read as text
    path = tmp_path / "filled.xlsx"
    filled(workbook, frame, path)
    report = ma.check_panel(path)
    assert report.ok, report.text()
    # a workbook keeps 16 digits
    pd.testing.assert_frame_equal(
        report.frame[list(frame.columns)], frame, check_dtype=False, rtol=1e-15, atol=0
    )


def test_the_empty_template_says_that_it_is_empty(workbook, tmp_path):
    path = tmp_path / "empty.xlsx"
    path.write_bytes(workbook)
    assert [found.code for found in ma.check_panel(path).problems] == ["E130"]


def test_every_column_is_explained_and_restricted(workbook):
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    assert book.sheetnames == ["README", "panel", "codebook", "mapping"]
    sheet = book["panel"]
    assert {cell.value for cell in sheet[1]} >= set(standard_columns())
    assert all(cell.comment and cell.comment.text for cell in sheet[1])
    lists = {rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert '"accrual,cash"' in lists
    explained = [row[0].value for row in book["codebook"].iter_rows(min_row=2)]
    assert explained == template_columns()
    assert all(row[3].value for row in book["codebook"].iter_rows(min_row=2))


def test_the_mapping_that_the_template_shows_is_a_mapping(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    made = load_mapping(path)
    assert made.columns["总额预算"].unit == "万元"
    assert made.columns["试点日期"].words == {"从未": "0"}


def test_the_same_package_writes_the_same_bytes(workbook):
    assert template_workbook() == workbook


def test_the_command_writes_once(tmp_path, capsys):
    path = tmp_path / "mine.xlsx"
    assert main(["template", "-o", str(path)]) == 0
    before = path.read_bytes()
    assert main(["template", "-o", str(path)]) == 3
    assert "exists. Name another file" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main(["template", "-o", str(tmp_path / "no" / "t.xlsx")]) == 3
    assert main(["template", "-o", str(tmp_path / "t.csv")]) == 2
