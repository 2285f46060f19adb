"""Files as bureaus and yearbooks have them: three commands from the file to right numbers."""

import re

import numpy as np
import openpyxl
import pandas as pd
import pytest

from medalliance.__main__ import main
from medalliance.intake import check_panel, proposal_text
from medalliance.panel import load_panel

MONEY_IN_WAN = 0.005 * 10_000  # yuan by which two printed decimals of 万元 may miss
FILES = (
    "01_merged.xlsx", "04_wide_sheets.xlsx", "05_percent.xlsx", "09_sheet_per_year.xlsx",
    "11_stata.dta", "13_subtotal.csv", "15_prefecture_rows.csv",
)  # fmt: skip


@pytest.fixture(scope="module")
def truth():
    """Return six counties of three prefectures over five years."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(6):
        code, size = f"34{k // 2 + 11}{k % 2 + 21}", 2e5 * (k + 1)
        for year in range(2015, 2020):
            budget = round(size * 500 * (1 + 0.07 * (year - 2015)) / 1e4) * 1e4
            rows.append(
                {
                    "county_code": code, "county_name": f"示例{'甲乙丙丁戊己'[k]}县", "year": year,
                    "cohort": (0, 2017, 2018)[k % 3], "insured_n": int(size),
                    "budget": budget, "spending": budget - int(rng.integers(-300, 500)) * 1e4,
                    "quality_score": round(0.8 + 0.02 * k, 2),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


ZH = {
    "county_code": "县代码", "county_name": "县名", "year": "年份", "cohort": "首次实施年份",
    "insured_n": "参保人数", "budget": "总额预算", "spending": "基金支出",
    "quality_score": "考核得分",
}  # fmt: skip


def in_wan(frame):
    return frame.assign(budget=frame["budget"] / 1e4, spending=frame["spending"] / 1e4)


def book(path, **sheets):
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append([None if cell != cell else cell for cell in row])
    made.save(path)
    return path


def rows_of(frame, header=None):
    return [header or list(frame.columns), *frame.astype(object).to_numpy().tolist()]


def totals_between(t, path):
    """Prefecture and province rows without a word in their names, which hold sums of others."""
    numbers = ["insured_n", "budget", "spending"]
    area = t.assign(county_code=t["county_code"].str[:4] + "00")
    parts = [t, area.groupby(["county_code", "year"], as_index=False)[numbers].sum()]
    whole = t.groupby("year", as_index=False)[numbers].sum().assign(county_code="340000")
    out = pd.concat([*parts, whole])[["county_code", "year", "cohort", *numbers]]
    out["cohort"] = out["cohort"].fillna(0).astype(int)
    out.rename(columns=ZH).to_csv(path, index=False)
    return path


def two_row_years(t, path):
    """Variables above, years below, in merged cells, a unit in each variable's name."""
    stems = {"budget": "总额预算（万元）", "spending": "基金支出（万元）"}
    years = sorted(t["year"].unique())
    top = ["县代码", "首次实施年份"] + [s for v in stems.values() for s in (v, *[None] * 4)]
    below = [None, None, *[f"{y}年" for _ in stems for y in years]]
    rows = []
    for code, own in in_wan(t).groupby("county_code"):
        rows.append([code, int(own["cohort"].iloc[0]), *own["budget"], *own["spending"]])
    return book(path, 表=[["基金情况"], top, below, *rows])


def wide_by_year(t, path):
    keys = ["county_code", "cohort"]
    wide = t.set_index([*keys, "year"])[["budget", "spending"]].unstack()  # noqa: PD010
    wide.columns = [f"{ZH[name]}{year}" for name, year in wide.columns]
    wide.reset_index().rename(columns=ZH).to_csv(path, index=False, encoding="gb18030")
    return path


def html_as_xls(t, path):
    table = t.rename(columns=ZH).to_html(index=False)
    path.write_text(f"<html><body><h1>表</h1>{table}</body></html>", encoding="gb18030")
    return path


def yes_no(t, path):
    done = np.where((t["cohort"] > 0) & (t["year"] >= t["cohort"]), "是", "否")
    t.drop(columns="cohort").assign(是否试点=done).rename(columns=ZH).to_excel(path, index=False)
    return path


def dashes(t, path):
    said = t.astype({"insured_n": object}).rename(columns=ZH)
    said.loc[[0, 5, 7, 9, 11], "参保人数"] = ["-", "—", "…", "……", "x"]
    said.to_csv(path, index=False)
    return path


def note_sheet_first(t, path):
    return book(path, 说明=[["填表说明"], ["年份为会计年度"]], 数据=rows_of(t.rename(columns=ZH)))


def units_below_title(t, path):
    head = ["某省医保基金情况表", "单位：万元  人", ",".join(ZH[n] for n in t.columns)]
    body = in_wan(t).to_csv(index=False, header=False)
    path.write_text("\n".join([*head, body]), encoding="utf-16")
    return path


def english_title(t, path):
    rows = rows_of(in_wan(t)[["county_code", "year", "cohort", "budget", "spending"]],
                   ["County code", "Year", "First treated", "Budget", "Spending"])  # fmt: skip
    total = ["Total", 2015, None, 1.0, 1.0]
    return book(path, T=[["Table 1"], ["Unit: 万元"], *rows, total, ["Source: the bureau"]])


SHAPES = {
    totals_between: ".csv", two_row_years: ".xlsx", wide_by_year: ".csv", html_as_xls: ".xls",
    yes_no: ".xlsx", dashes: ".csv", note_sheet_first: ".xlsx", units_below_title: ".txt",
    english_title: ".xlsx",
}  # fmt: skip


def differences(frame, truth):
    both = frame.merge(truth, on=["county_code", "year"], suffixes=("", "_true"))
    assert len(both) == len(truth) == len(frame)
    names = [n for n in frame if f"{n}_true" in both and pd.api.types.is_numeric_dtype(frame[n])]
    assert {"budget", "spending"} <= set(names)
    return {n: (both[n] - both[f"{n}_true"]).abs().max() for n in names}


def three_commands(path, folder, edit=lambda text: text):
    """Check, look at the proposal, check again; return what the book would be made from."""
    mapping = folder / "map.yaml"
    main(["check", str(path), "--write-mapping", str(mapping)])
    mapping.write_text(edit(mapping.read_text(encoding="utf-8")), encoding="utf-8")
    assert main(["check", str(path), "--mapping", str(mapping)]) == 0
    return check_panel(path, mapping)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_file_of_any_shape_gives_the_right_numbers(shape, truth, tmp_path, capsys):
    path = shape(truth, tmp_path / f"file{SHAPES[shape]}")
    found = three_commands(path, tmp_path)
    allowed = {"spending": 0.01, "budget": 0.01, "cohort": 0, "insured_n": 0}
    for name, most in differences(found.frame, truth).items():
        assert most <= allowed.get(name, 1e-9), name
    assert "Nothing stops estimation" in capsys.readouterr().out


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_bureau_gives_the_right_numbers(name, shared, tmp_path, capsys):
    right = pd.read_csv(shared("cases/own_data/truth.csv"), dtype={"county_code": str})
    right["budget"] = right["budget"].fillna(right["notional_budget"])
    right.loc[right["cohort"] > 0, "budget"] = right["notional_budget"]
    treated = right[right["cohort"] > 0].groupby("county_code")["cohort"].first()
    codes = ", ".join(f'"{code}": {year}' for code, year in treated.items())

    def edit(text):
        return re.sub(r"# cohorts: .*", f"cohorts: {{{codes}}}", text)

    found = three_commands(shared(f"cases/own_data/{name}"), tmp_path, edit)
    for column, most in differences(found.frame, right).items():
        variable = {"spending": MONEY_IN_WAN, "budget": MONEY_IN_WAN, "rural_share": 0.0006}
        printed = 51 if name.startswith(("01", "04")) else 0  # hundredths of 万人
        assert most <= variable.get(column, printed) * 1.0001 + 1e-9, column
    assert "first rows, as they will be read" in (tmp_path / "map.yaml").read_text()


def test_mixed_percents_that_could_be_either_are_refused(truth, tmp_path):
    mixed = truth.assign(quality_score=np.where(truth.index % 2, 0.9, 1.2))
    assert any(p.code == "E124" and p.is_error for p in check_panel(mixed).problems)
    far = truth.assign(quality_score=np.where(truth.index % 2, 0.02, 90.0))
    assert any(p.code == "E124" and p.is_error for p in check_panel(far).problems)


def test_rows_left_out_are_counted_and_the_mapping_can_keep_or_drop_them(truth, tmp_path):
    path = totals_between(truth, tmp_path / "t.csv")
    told = [item.text for item in check_panel(path).readings]
    assert any(text.startswith("20 rows left out as sum of others") for text in told)
    assert len(check_panel(path, {"keep_totals": True}).frame) == len(truth) + 20
    left = check_panel(path, {"drop": {"county_code": ["341121"]}}).frame
    assert "341121" not in set(left["county_code"]) and len(left) == len(truth) - 5


def test_the_mapping_chooses_sheets_and_header_rows(truth, tmp_path):
    frame = truth.rename(columns=ZH)
    other = frame.assign(总额预算=1.0)
    path = book(tmp_path / "b.xlsx", 甲=rows_of(frame), 乙=[["标题"], *rows_of(other)])
    found = check_panel(path, {"sheet": "乙", "header": 2}).frame
    assert (found["budget"] == 1.0).all()
    assert "names no" not in proposal_text(check_panel(path, {"sheet": ["乙"], "header": [2]}))


def test_the_prefecture_is_taken_from_the_code_and_said(truth, tmp_path):
    path = tmp_path / "p.csv"
    truth.to_csv(path, index=False)
    panel = load_panel(path)
    assert panel.cluster == "prefecture_code"
    assert sorted(set(panel.frame["prefecture_code"])) == ["341100", "341200", "341300"]
    assert any("first four digits" in item.text for item in check_panel(path).readings)
