"""The panel's door: what it lets in, what it refuses, and that it changes nothing."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import medalliance as ma


def frame(n_units: int = 6, n_years: int = 5) -> pd.DataFrame:
    units = np.repeat(np.arange(1, n_units + 1), n_years)
    years = np.tile(np.arange(2015, 2015 + n_years), n_units)
    cohort = np.where(units % 3 == 0, 0, 2016 + units % 3)
    return pd.DataFrame(
        {
            "code": [f"{u:06d}" for u in units],
            "time": years,
            "first": cohort,
            "city": units % 2,
            "w": units / 2,
            "y": np.sin(units * years),
        }
    )


def make(df: pd.DataFrame, **more) -> ma.Panel:
    return ma.Panel.from_frame(df, unit="code", year="time", cohort="first", **more)


def fingerprint(df: pd.DataFrame) -> int:
    return hash((tuple(df.columns), tuple(df.index), pd.util.hash_pandas_object(df).sum()))


def test_any_names_any_order_give_the_same_sorted_panel():
    df = frame()
    shuffled = df.sample(frac=1, random_state=1)
    one, two = make(df, cluster="city", weight="w"), make(shuffled, cluster="city", weight="w")
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert list(two.frame.index) == list(range(len(df)))
    assert one.is_balanced
    assert list(one.units) == sorted(df["code"].unique())
    assert list(one.unit_codes) == list(np.repeat(np.arange(6), 5))
    assert list(one.cohort_by_unit) == [2017, 2018, 0, 2017, 2018, 0]
    assert list(one.weight_by_unit) == [0.5, 1, 1.5, 2, 2.5, 3]
    assert one.cluster_by_unit.max() == 1
    assert one.data_hash == two.data_hash


def test_nothing_of_the_callers_frame_changes_either_way():
    df = frame().sample(frac=1, random_state=2)
    df["first"] = df["first"].astype(float).replace(0, np.inf)
    before = fingerprint(df)
    panel = make(df, cluster="city", weight="w")
    assert fingerprint(df) == before
    assert set(panel.cohort_by_unit) == {0, 2017, 2018}
    ordered = frame()
    panel = make(ordered)
    ordered.loc[:, "y"] = 99.0
    assert panel.frame["y"].max() <= 1.0


def test_every_problem_is_told_at_once():
    df = frame()
    df.loc[0, "first"] = 2019  # cohort changes in 000001
    df.loc[5, "city"] = 7  # cluster changes in 000002
    df.loc[10, "w"] = -1.0
    df.loc[15, "y"] = np.inf
    df = pd.concat([df, df.iloc[[29]]], ignore_index=True)
    with pytest.raises(ma.DataError) as caught:
        make(df, cluster="city", weight="w")
    text = str(caught.value)
    assert "4 problems" in text
    assert "cohort changes within code for 1 unit: 000001 (2019, 2017)" in text
    assert "cluster changes within code for 1 unit: 000002 (7, 0)" in text
    assert "E101 duplicate key: code 000006, time 2019 appears 2 times" in text
    assert "weight 'w' must be positive" in text
    assert "infinite" not in text  # said by whoever uses the column


def test_missing_cohort_is_unknown_and_raises():
    df = frame()
    df["first"] = df["first"].astype(float)
    df.loc[3, "first"] = np.nan
    with pytest.raises(ma.DataError, match=r"cohort 'first' is missing in 1 row \(4\)"):
        make(df)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("time", 2015.5, "year 'time' is not a whole number in 1 row (3): 2015.5"),
        ("time", None, "year 'time' is missing in 1 row (3)"),
        ("code", None, "unit 'code' is missing in 1 row (3)"),
        ("first", -2016, "cohort 'first' is negative"),
        ("first", "soon", "cohort 'first' is not a whole number"),
        ("city", None, "cluster 'city' is missing in 1 rows"),
    ],
)
def test_bad_keys_are_named(column, value, words):
    df = frame().astype({column: object})
    df.loc[2, column] = value
    with pytest.raises(ma.DataError) as caught:
        make(df, cluster="city")
    assert words in str(caught.value)


def test_a_misspelt_column_is_suggested():
    with pytest.raises(ma.DataError, match=r"no column 'frist' for cohort\. Did you mean first"):
        ma.Panel.from_frame(frame(), unit="code", year="time", cohort="frist")


def test_an_empty_table_is_refused():
    with pytest.raises(ma.DataError, match="no rows"):
        make(frame().iloc[:0])


def test_treatment_column_is_checked_or_gives_the_cohort():
    df = frame()
    df["treated"] = ((df["first"] > 0) & (df["time"] >= df["first"])).astype(int)
    given = make(df, treatment="treated")
    derived = ma.Panel.from_frame(df, unit="code", year="time", treatment="treated")
    assert list(given.cohort_by_unit) == list(derived.cohort_by_unit)
    df.loc[4, "treated"] = 0
    with pytest.raises(ma.DataError, match=r"E102 treatment reversal: code 000001 leaves .* 2019"):
        make(df, treatment="treated")
    df.loc[4, "treated"] = 1
    df.loc[2, "first"] = df.loc[[0, 1, 3, 4], "first"] = 2018
    with pytest.raises(ma.DataError, match=r"contradicts the cohort: 000001 in 2017"):
        make(df, treatment="treated")


def test_gaps_are_warned_of_and_shape_is_known():
    df = frame().drop(index=[2, 9])
    with pytest.warns(ma.PanelWarning, match="1 of 6 units have a year missing .*000001"):
        panel = make(df)
    assert not panel.is_balanced
    grid = panel.grid(panel.frame["y"])
    assert np.isnan(grid).sum() == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(frame().drop(index=[4]))


def test_units_treated_when_first_seen_are_counted():
    df = frame()
    df.loc[df["code"] == "000001", "first"] = 2015
    panel = make(df)
    assert panel.n_already_treated == 1
    assert list(panel.already_treated) == [True, False, False, False, False, False]


def test_money_finer_than_a_cent_is_refused():
    df = frame().assign(budget=1_234_567_890.12)
    make(df)
    df.loc[3, "budget"] = 10.123
    with pytest.raises(ma.DataError, match=r"E113 money: column 'budget' .* 1 row"):
        make(df)


def test_panel_is_frozen():
    with pytest.raises(AttributeError):
        make(frame()).unit = "x"


def standard() -> pd.DataFrame:
    return frame().rename(columns={"code": "county_code", "time": "year", "first": "cohort"})


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".parquet", ".xlsx", ".dta"])
def test_files_of_every_kind_give_the_same_panel(tmp_path: Path, suffix: str):
    path = tmp_path / f"p{suffix}"
    df = standard()
    if suffix == ".parquet":
        df.to_parquet(path)
    elif suffix == ".xlsx":
        df.to_excel(path, index=False)
    elif suffix == ".dta":
        df.to_stata(path, write_index=False)
    else:
        df.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    panel = ma.load_panel(path)
    assert list(panel.units) == [f"{u:06d}" for u in range(1, 7)]
    assert panel.badge == "YOURS"
    np.testing.assert_allclose(panel.frame["y"], df["y"], rtol=1e-12)


def test_rename_gb18030_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "中文.csv"
    df = standard().rename(columns={"county_code": "县代码"}).assign(名称="德清")
    df.to_csv(path, index=False, encoding="gb18030")
    panel = ma.load_panel(path, rename={"县代码": "county_code"})
    assert panel.units[0] == "000001"
    monkeypatch.setenv("MEDALLIANCE_PANEL", str(path))
    with pytest.raises(ma.DataError, match="no column 'county_code' for unit"):
        ma.load_panel()
    with pytest.raises(ma.DataError, match="rename names columns that the table lacks: 县"):
        ma.load_panel(path, rename={"县": "county_code"})


def test_unreadable_files_say_what_to_do(tmp_path: Path):
    with pytest.raises(ma.DataError, match=r"no such file"):
        ma.load_panel(tmp_path / "none.csv")
    odd = tmp_path / "a.doc"
    odd.write_text("x")
    with pytest.raises(ma.DataError, match=r"cannot read .doc"):
        ma.load_panel(odd)
    empty = tmp_path / "a.csv"
    empty.write_text("")
    with pytest.raises(ma.DataError, match="empty"):
        ma.load_panel(empty)


def test_outcome_values_is_a_column_or_a_refusal_with_close_names():
    panel = make(frame().assign(name="x"))
    np.testing.assert_array_equal(ma.outcome_values(panel, "y"), panel.frame["y"])
    assert ma.outcome_values(panel, "city").dtype == np.float64
    with pytest.raises(ma.DesignError, match="not numeric"):
        ma.outcome_values(panel, "name")
    with pytest.raises(ma.DesignError, match="Did you mean city"):
        ma.outcome_values(panel, "citty")


def test_money_columns_may_end_in_yuan():
    df = standard().assign(budget_yuan=10.0, spending=8.0, spending_yuan=9.0, pay_T_nurse_yuan=1.0)
    panel = ma.load_panel(df)
    assert {"budget", "spending", "spending_yuan", "pay_T_nurse"} <= set(panel.frame.columns)
    assert panel.frame["spending"].eq(8.0).all()
    assert "budget_yuan" in df.columns


def test_dates_indexes_and_other_tables_say_what_to_do():
    df = frame()
    with pytest.raises(ma.DataError, match=r"no column 'code' for unit. It is in the index"):
        make(df.set_index(["code", "time"]))
    with pytest.raises(ma.DataError, match="not from a dict"):
        make({"code": [1]})
    with pytest.raises(ma.DataError, match="source is a list"):
        ma.load_panel([1, 2])
    text_years = make(df.assign(time=df["time"].astype(str)))
    assert list(text_years.years) == [2015, 2016, 2017, 2018, 2019]
