"""A twin: their columns and units, none of their values, and it passes the check."""

import inspect

import pandas as pd
import pytest

from medalliance.__main__ import main
from medalliance.errors import DataError
from medalliance.intake import check_panel
from medalliance.panel import load_mapping, standard_columns
from medalliance.simulate.twin import panel_twin

THEIRS = {
    "columns": {
        "县代码": "county_code",
        "地市": "prefecture_code",
        "年度": "year",
        "纳入年份": {"to": "cohort", "values": {"9999": "0"}},
        "参保人数(万人)": {"to": "insured_n", "unit": "万人"},
        "基金支出(万元)": {"to": "spending", "unit": "万元"},
        "总额预算(万元)": {"to": "budget", "unit": "万元"},
        "考核得分": {"to": "quality_score", "unit": "%"},
        "核算": {"to": "spending_basis", "values": {"密级甲": "accrual"}},
        "备注列": "my_own_number",
        "内部编号": "ignore",
    },
    "missing": ["-777"],
    "crosswalk": {"341181": "341182"},
}


def test_the_twin_of_every_standard_column_passes_the_check():
    twin = panel_twin()
    assert list(twin.columns) == list(standard_columns())
    report = check_panel(twin)
    assert report.ok and not report.warnings
    assert all(need.available for need in report.needs)


def test_the_twin_of_a_mapping_is_read_with_it(tmp_path):
    mapping = load_mapping(THEIRS)
    twin = panel_twin(mapping, n_counties=20, n_years=6)
    assert list(twin.columns) == list(THEIRS["columns"])
    assert (twin["内部编号"] == "").all()
    report = check_panel(twin, THEIRS)
    assert report.ok
    money = report.frame["spending"]
    assert money.between(1e6, 1e9).all() and (twin["基金支出(万元)"] < 1e5).all()


def test_nothing_but_names_and_units_goes_in():
    bare = {
        name: ({k: v for k, v in to.items() if k != "values"} if isinstance(to, dict) else to)
        for name, to in THEIRS["columns"].items()
    }
    with_values, without = (
        panel_twin(load_mapping(THEIRS)),
        panel_twin(load_mapping({"columns": bare})),
    )
    pd.testing.assert_frame_equal(with_values, without)
    text = with_values.to_csv()
    for theirs in ("密级甲", "9999", "-777", "341181", "341182"):
        assert theirs not in text
    assert list(inspect.signature(panel_twin).parameters) == [
        "mapping", "n_counties", "n_years", "seed"]  # fmt: skip
    assert with_values["县代码"].astype(str).str.startswith("92").all()


def test_twins_are_the_same_for_everybody():
    pd.testing.assert_frame_equal(panel_twin(seed=3), panel_twin(seed=3))
    assert not panel_twin(seed=3).equals(panel_twin(seed=4))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(DataError, match="4 to 990"):
        panel_twin(n_counties=2)
    with pytest.raises(DataError, match="gives no cohort, year"):
        panel_twin(load_mapping({"columns": {"县": "county_code"}}))
    keys = {"a": "county_code", "b": "cohort"}
    wide = load_mapping({"columns": keys, "wide": {"spending": "s{year}"}})
    with pytest.raises(DataError, match="one column a year"):
        panel_twin(wide)


def test_the_command_writes_once_and_overwrites_nothing(tmp_path, capsys):
    out = tmp_path / "twin.xlsx"
    assert main(["new", "twin", "-o", str(out), "--counties", "8", "--years", "5"]) == 0
    assert len(pd.read_excel(out)) == 40
    before = out.read_bytes()
    assert main(["new", "twin", "-o", str(out)]) == 3
    assert out.read_bytes() == before
    assert main(["new", "twin", "-o", str(tmp_path / "twin.sav")]) == 2
    assert main(["new", "twin", "-o", str(tmp_path / "x" / "twin.csv")]) == 3
    capsys.readouterr()
