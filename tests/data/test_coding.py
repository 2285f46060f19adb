"""Codes of the cases: every rule of a sheet can fail, and all problems are named at once."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

import medalliance as ma
from medalliance.__main__ import main
from medalliance.embedding.coding import SHEET_COLUMNS, check_sheet, load_coding, load_grid
from medalliance.paths import data_dir

FOLDER = data_dir() / "coding"
GOOD = ("tianchang_anhui", "budget_rule", "2", "2021", "医保支付方式以总额预付为主", "R31", "c")


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "coding")
    return tmp_path / "coding"


def sheet(path, *rows):
    pd.DataFrame(rows, columns=list(SHEET_COLUMNS)).to_csv(path, index=False)
    return path


def but(**changes):
    return tuple((dict(zip(SHEET_COLUMNS, GOOD, strict=True)) | changes).values())


def test_grid_is_three_by_three_in_two_languages():
    grid = load_grid()
    assert len(grid.cells) == 9
    assert grid.cell_label(("value", "interests")) == "Value: interests"
    assert {len(one.anchors) for one in grid.indicators.values()} == {4}


def test_every_code_has_words_date_and_source():
    codes = ma.load_coding().sheets
    assert set(codes["coder"]) == {"a", "b", "c"}
    assert codes[["date", "evidence", "source_id"]].ne("").all().all()


def test_decisions_stand_and_blanks_stay_blank():
    coding = ma.load_coding()
    codes = coding.matrix()
    assert codes.loc["qianjiang_chongqing", "joint_body"] == 1
    assert pd.isna(codes.loc["funan_anhui", "chain_of_command"])
    assert pd.isna(codes.loc["sanming_fujian", "care_guard"])
    assert "suixi_anhui" not in codes.index
    assert coding.cells().shape == (len(codes), 9)


def test_cells_are_means_of_their_coded_indicators():
    cells = ma.load_coding().cells()
    assert cells.loc["pengshui_chongqing", ("value", "resources")] == 2.5
    assert cells.loc["qianjiang_chongqing", ("structure", "resources")] == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"case": "atlantis"}, "unknown case: line 2 (atlantis)"),
        ({"indicator": "luck"}, "unknown indicator: line 2 (luck)"),
        ({"source_id": "Z99"}, "unknown source: line 2 (Z99)"),
        ({"code": "4"}, "code is not 0 to 3: line 2 (4)"),
        ({"code": "1.5"}, "code is not 0 to 3"),
        ({"evidence": " "}, "code without evidence"),
        ({"source_id": ""}, "code without source"),
        ({"coder": ""}, "code without coder"),
        ({"date": "2021-13"}, "date is not YYYY"),
        ({"case": "national"}, "unknown case"),
    ],
)
def test_each_rule_is_checked(tmp_path, changes, said):
    with pytest.raises(ma.DataError) as refused:
        check_sheet(sheet(tmp_path / "coder_c.csv", but(**changes)))
    assert said in str(refused.value)


def test_all_problems_are_listed_at_once(tmp_path):
    path = sheet(tmp_path / "c.csv", but(case="x", code="9"), but(date=""), GOOD, GOOD)
    with pytest.raises(ma.DataError) as refused:
        check_sheet(path)
    text = str(refused.value)
    assert "c.csv: 4 problems" in text
    assert "coded twice by one coder: line 4 (budget_rule), line 5 (budget_rule)" in text


def test_difference_without_decision_is_refused(folder):
    sheet(folder / "coder_d.csv", but(code="0", coder="d"))
    with pytest.raises(ma.DataError, match="coders differ, nothing decided: tianchang_anhui"):
        load_coding(folder)


def test_decision_needs_a_reason_and_a_code(folder):
    path = folder / "adjudicated.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "tianchang_anhui,duties,7,\n", encoding="utf-8")
    with pytest.raises(ma.DataError) as refused:
        load_coding(folder)
    for said in ("code is not 0 to 3", "without reason", "nobody coded"):
        assert said in str(refused.value)


def test_new_coder_needs_no_decision_where_all_agree(folder):
    sheet(folder / "coder_d.csv", but(coder="d"))
    found = load_coding(folder).final.set_index(["case", "indicator"])
    assert found.loc[("tianchang_anhui", "budget_rule"), "n_coders"] == 4


def test_grid_problems_are_named(folder):
    path = folder / "grid.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("cell: [value, interests]", "cell: [luck, x]", 1),
        encoding="utf-8",
    )
    with pytest.raises(ma.DataError, match="fund_use_goal is in no cell"):
        load_grid(path)
    path.write_text("rows: 3", encoding="utf-8")
    with pytest.raises(ma.DataError, match="not a coding grid"):
        load_grid(path)


def test_command_checks_one_file(tmp_path, capsys):
    assert main(["check", "coding", str(FOLDER / "coder_a.csv")]) == 0
    assert "no problem" in capsys.readouterr().out
    assert main(["check", "coding", str(sheet(tmp_path / "c.csv", but(code="5")))]) == 1
    assert "code is not 0 to 3" in capsys.readouterr().err
    (tmp_path / "bad.csv").write_text("case\nx\n")
    assert main(["check", "coding", str(tmp_path / "bad.csv")]) == 1
    assert main(["check", "coding", str(tmp_path / "none.csv")]) == 3


def test_two_readers_agree_where_both_coded_and_part_over_blanks():
    from medalliance.chapters.embedding_chapter import READERS, agreement

    found = agreement().query("distance == 'ordinal'").set_index("sheets")
    assert len(found) == 4
    codes = ma.load_coding().by_coder()
    for first, second in (("a", "b"), ("a", "c"), ("b", "c")):
        row = found.loc[f"{READERS[first]} and {READERS[second]}"]
        both = codes.loc[[first, second]].dropna(axis=1)
        assert row["units"] == both.shape[1]
        assert row["same"] == (both.loc[first] == both.loc[second]).sum()
        assert row["conf_low"] <= row["alpha"] <= row["conf_high"]
        one = codes.loc[[first, second]].notna().sum()
        assert row["single"] == (one == 1).sum()


def test_the_second_reader_coded_analogues_abroad():
    abroad = ma.load_reforms().of_kind("analogue")
    assert set(abroad) <= set(ma.load_coding().sheets["case"])
