"""A new user's files, one trouble each: what is said, what is restored, that nothing is lost."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from unit.test_check_rules import clean

import medalliance as ma
from medalliance.__main__ import main

CHINESE = {
    "county_code": "县代码",
    "prefecture_code": "市代码",
    "year": "年份",
    "cohort": "首次实施年份",
    "insured_n": "参保人数",
    "budget": "总额预算（万元）",
    "spending": "基金支出（万元）",
    "spending_basis": "核算基础",
    "visit_def": "诊疗人次口径",
    "visits_village": "村卫生室诊疗人次",
    "visits_township": "乡镇卫生院诊疗人次",
    "visits_county": "县级医院诊疗人次",
    "visits_out": "县外诊疗人次",
    "out_of_county_spending": "县外基金支出（万元）",
}


def in_chinese(frame: pd.DataFrame) -> pd.DataFrame:
    """Print a panel as a county bureau would: Chinese headings, 万元, Chinese words."""
    out = frame.drop(columns=["pay_T_nurse", "fte_T_nurse"])
    for name in ("budget", "spending", "out_of_county_spending"):
        out[name] = out[name].map(lambda yuan: f"{yuan / 10_000:.6f}")
    return out.assign(spending_basis="权责发生制").rename(columns=CHINESE)


class Trial:
    """A folder with the user's files, and what the command says about one of them."""

    def __init__(self, folder: Path, capsys) -> None:
        self.folder, self.capsys = folder, capsys

    def check(self, path: Path, *options: str) -> tuple[int, str]:
        before = self.hashes()
        code = main(["check", str(path), *options])
        said = self.capsys.readouterr()
        after = self.hashes()
        assert {name: after[name] for name in before} == before
        return code, " ".join((said.out + said.err).split())

    def hashes(self) -> dict[str, str]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def trial(tmp_path, capsys):
    return Trial(tmp_path, capsys)


def saved(trial: Trial, frame: pd.DataFrame, name: str = "mine.csv", **options) -> Path:
    path = trial.folder / name
    frame.to_csv(path, index=False, **options)
    return path


@pytest.mark.parametrize(
    ("encoding", "separator"),
    [("utf-8", ","), ("utf-8-sig", ";"), ("gb18030", "\t"), ("utf-16", "|"), ("utf-16-le", ",")],
)
def test_every_encoding_and_separator_gives_the_same_table(trial, encoding, separator):
    path = saved(trial, clean().assign(县名="德清县"), encoding=encoding, sep=separator)
    assert trial.check(path)[0] == 0
    frame = ma.check_panel(path).frame
    pd.testing.assert_frame_equal(frame[list(clean().columns)], clean(), check_dtype=False)
    assert set(frame["county_name"]) == {"德清县"}


def test_chinese_names_and_10k_yuan_become_the_panel_by_a_confirmed_mapping(trial):
    path = saved(trial, in_chinese(clean()), encoding="gb18030")
    written = trial.folder / "map.yaml"
    code, said = trial.check(path, "--write-mapping", str(written))
    assert code == 1
    assert (
        "14 columns were recognised by their names, not by a mapping: 县代码 as county_code" in said
    )
    assert "multiplied by 10,000 (万元)" in said
    code, said = trial.check(path, "--mapping", str(written))
    assert code == 0, said
    frame = ma.check_panel(path, written).frame
    ours = clean().drop(columns=["pay_T_nurse", "fte_T_nurse"])
    pd.testing.assert_frame_equal(frame[list(ours.columns)], ours, check_dtype=False, rtol=0)
    loaded = ma.load_panel(path, mapping=written)
    pd.testing.assert_frame_equal(loaded.frame[list(ours.columns)], ours, check_dtype=False, rtol=0)
    assert trial.check(path, "--write-mapping", str(written))[0] == 3


def test_a_unit_that_nothing_states_is_never_guessed(trial):
    frame = in_chinese(clean()).rename(columns=lambda name: name.replace("（万元）", ""))
    path, written = saved(trial, frame), trial.folder / "map.yaml"
    _, said = trial.check(path, "--write-mapping", str(written))
    assert "E125 budget per insured resident is implausible in 240 rows" in said
    assert "Check yuan / 万元 of budget" in said
    assert "总额预算: budget # unit? 21,000" in " ".join(written.read_text("utf-8").split())
    assert ma.check_panel(path).frame["budget"].max() < 100_000


def test_percent_in_place_of_shares(trial):
    frame = clean().assign(quality_score=np.linspace(60, 100, 240).round(2))
    code, said = trial.check(saved(trial, frame))
    assert code == 1
    assert "E124 quality_score is above 1 in 240 rows (2, 3, 4 and 237 more): 60, 60.17" in said
    assert "unit: percent" in said
    mapping = {"columns": {"quality_score": {"to": "quality_score", "unit": "percent"}}}
    report = ma.check_panel(frame, mapping)
    assert report.ok
    np.testing.assert_allclose(report.frame["quality_score"], frame["quality_score"] / 100)


def test_text_in_numbers_is_read_or_named(trial):
    frame = clean().astype({"insured_n": object, "visits_out": object})
    frame.loc[0, "insured_n"] = "300,000"
    frame.loc[1, "insured_n"] = "３０００００"
    frame.loc[2, "visits_out"] = "—"
    frame.loc[3, "visits_out"] = "n/a"
    path = saved(trial, frame)
    code, said = trial.check(path)
    assert code == 0
    for words in (
        "insured_n: thousands separators read in 1 cell",
        "insured_n: full-width signs read as plain ones in 1 cell",
        "visits_out: '—' read as missing in 1 cell",
        "visits_out: 'n/a' read as missing in 1 cell",
    ):
        assert words in said
    read = ma.check_panel(path).frame
    assert list(read["insured_n"].iloc[:3]) == [300_000, 300_000, 300_000]
    assert list(np.flatnonzero(read["visits_out"].isna())) == [2, 3]
    frame.loc[4, "visits_out"] = "约1000"
    frame.loc[5, "visits_out"] = "1,5"
    frame.loc[6, "visits_out"] = "#REF!"
    code, said = trial.check(saved(trial, frame))
    assert code == 1
    assert "E116 visits_out is not a number in 3 rows (6, 7, 8): 约1000, 1,5, #REF!" in said
    assert "decimal: ','" in said and "spreadsheet formula" in said


def test_missing_years_are_named_and_stop_nothing(trial):
    frame = clean().drop(index=[3, 4, 18])
    code, said = trial.check(saved(trial, frame))
    assert code == 0
    assert "E123 2 of 24 counties have a year missing" in said
    assert "330101 (2015, 2016), 330102 (2020)" in said
    assert trial.check(saved(trial, frame), "--strict")[0] == 1


def test_a_lost_leading_zero_is_put_back_where_that_is_certain(trial):
    frame = clean()
    frame["county_code"] = "01" + frame["county_code"].str[2:]
    frame["prefecture_code"] = "01" + frame["prefecture_code"].str[2:]
    whole = frame.copy()
    frame.loc[frame["year"] > 2015, "county_code"] = frame["county_code"].str[1:]
    code, said = trial.check(saved(trial, frame))
    assert code == 0
    assert "a zero in front was lost and put back in 144 rows: 10101 as 010101" in said
    assert ma.check_panel(frame).frame["county_code"].equals(whole["county_code"])


def test_a_short_code_that_may_lack_another_digit_is_not_restored(trial):
    frame = clean().drop(columns="prefecture_code")
    frame.loc[frame["county_code"] == "330101", "county_code"] = "33010"
    path = saved(trial, frame)
    code, said = trial.check(path)
    assert code == 1
    assert "E119 county_code has not six digits in 10 rows (2, 3, 4 and 7 more): 33010." in said
    assert "pad_codes: true" in said and "another digit may be missing" in said
    padded = ma.check_panel(path, {"pad_codes": True})
    assert padded.ok and "033010" in set(padded.frame["county_code"])


def test_merged_counties_are_found_and_added_up_by_a_crosswalk(trial):
    frame = clean()
    both = frame["county_code"].isin(["330103", "330202"])  # never treated; treated in 2017
    frame = frame[~((frame["county_code"] == "330103") & (frame["year"] > 2017))]
    frame.loc[(frame["county_code"] == "330102") & (frame["year"] > 2017), "insured_n"] *= 2
    assert both.any()
    code, said = trial.check(saved(trial, frame))
    assert code == 0
    assert "E120 A county may have merged into another: 330103 ends in 2017" in said
    assert "crosswalk: {'old code': 'code that its rows count to'}" in said
    frame.loc[frame["county_code"] == "330102", "cohort"] = 0
    path = saved(trial, frame, "merge.csv")
    mapping = trial.folder / "map.yaml"
    mapping.write_text("crosswalk: {'330103': '330102'}\n", encoding="utf-8")
    code, said = trial.check(path, "--mapping", str(mapping))
    assert code == 0
    assert "12 rows of merged counties were added up to 6" in said
    merged = ma.check_panel(path, mapping).frame.set_index(["county_code", "year"])
    parts = frame.set_index(["county_code", "year"])
    for name in ("budget", "spending", "insured_n", "visits_out", "fte_T_nurse"):
        expected = parts.loc[("330102", 2014), name] + parts.loc[("330103", 2014), name]
        assert merged.loc[("330102", 2014), name] == pytest.approx(expected, abs=1e-6)


def test_a_changed_code_is_found_by_the_countys_name(trial):
    frame = clean()
    frame["county_name"] = "县" + frame["county_code"]
    late = (frame["county_code"] == "330103") & (frame["year"] > 2016)
    frame.loc[late, "county_code"] = "330190"
    code, said = trial.check(saved(trial, frame))
    assert code == 0
    assert "A county changes its code: 330103 (to 2016) and 330190 (from 2017)" in said
    mended = ma.check_panel(frame, {"crosswalk": {"330103": "330190"}})
    assert not [found for found in mended.problems if found.code == "E120"]


def test_merged_counties_with_two_dates_are_refused(trial):
    mended = ma.check_panel(clean(), {"crosswalk": {"330103": "330102"}})
    (found,) = [p for p in mended.errors if p.code == "E120"]
    assert "differ in cohort: 330102 in 2012" in found.text


def test_a_treatment_that_turns_off(trial):
    frame = clean()
    frame["treated"] = ((frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])).astype(int)
    frame.loc[7, "treated"] = 0
    code, said = trial.check(saved(trial, frame.drop(columns="cohort")))
    assert code == 1
    assert "E102 County 330101 leaves treatment in 2019" in said
    frame.loc[7, "treated"] = 1
    report = ma.check_panel(frame.drop(columns="cohort"))
    assert report.ok and report.frame["cohort"].equals(frame["cohort"])


def test_one_treated_county_and_no_never_treated_county(trial):
    frame = clean()
    frame.loc[frame["county_code"] != "330101", "cohort"] = 0
    code, said = trial.check(saved(trial, frame))
    assert code == 0 and "E110 Only 1 treated clusters" in said
    frame = clean().assign(cohort=clean()["cohort"].replace(0, 2019))
    code, said = trial.check(saved(trial, frame))
    assert code == 0 and "E109 No untreated county remains after 2018" in said


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file(trial, content):
    path = trial.folder / "mine.csv"
    path.write_bytes(content)
    code, said = trial.check(path)
    assert code == 1 and "mine.csv: the file is empty. Give a table with a header" in said


def test_a_header_without_rows(trial):
    code, said = trial.check(saved(trial, clean().iloc[:0]))
    assert code == 1 and "E130 the table has no rows below its header" in said


def test_a_truncated_parquet_file(trial):
    path = trial.folder / "mine.parquet"
    clean().to_parquet(path)
    path.write_bytes(path.read_bytes()[:-2000])
    code, said = trial.check(path)
    assert code == 1
    assert "mine.parquet is no whole Parquet file" in said and "copied" in said


def test_a_wrong_encoding_is_located(trial):
    path = trial.folder / "mine.csv"
    first, second = clean().iloc[:5], clean().iloc[5:]
    text = first.assign(县名="德清县").to_csv(index=False).encode()
    text += second.assign(县名="安吉县").to_csv(index=False, header=False).encode("gb18030")
    path.write_bytes(text)
    code, said = trial.check(path)
    assert code == 1 and "line 7 is not UTF-8, though text before it is" in said
    path.write_bytes(b"county_code,year\n330101,\xff\xff\n")
    code, said = trial.check(path)
    assert code == 1 and "line 2 is in none of UTF-8, UTF-16 and GB 18030" in said


def test_a_workbook_with_a_title_two_sheets_and_dates(trial):
    frame = in_chinese(clean())
    dates = clean()["cohort"].map({2016: "2015-07-01", 2017: "2017-01-01", 0: "从未"})
    frame["首次实施年份"] = dates
    path = trial.folder / "mine.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"说明": ["某省数据"]}).to_excel(book, sheet_name="说明", index=False)
        frame.to_excel(book, sheet_name="面板", index=False, startrow=2)
    written = trial.folder / "map.yaml"
    code, said = trial.check(path, "--write-mapping", str(written))
    assert code == 1
    assert "sheet 面板 was read, of 说明, 面板" in said
    assert "E115 cohort holds dates in 160 rows (4, 5, 6 and 157 more): 2015-07-01" in said
    assert "首次实施年份: {to: cohort, date: first_full_year}" in written.read_text("utf-8")
    code, said = trial.check(path, "--mapping", str(written))
    assert code == 0, said
    assert list(ma.check_panel(path, written).frame["cohort"]) == list(clean()["cohort"])
    assert trial.check(path, "--sheet", "面板2")[0] == 1


def test_one_column_a_year(trial):
    keys = clean()[["county_code", "cohort"]].drop_duplicates()
    wide = clean().set_index(["county_code", "year"])["spending"].unstack("year")  # noqa: PD010
    wide = keys.merge(wide.add_prefix("基金支出").reset_index(), on="county_code")
    path, written = saved(trial, wide), trial.folder / "map.yaml"
    code, said = trial.check(path, "--write-mapping", str(written))
    assert code == 0 and "10 columns of 2012 to 2021 were turned into rows: 基金支出" in said
    code, said = trial.check(path, "--mapping", str(written))
    assert code == 0 and "10 columns of 2012 to 2021 were turned into rows" in said
    found = ma.load_panel(path, mapping=written).frame
    np.testing.assert_array_equal(found["spending"], clean()["spending"])


def test_what_stands_for_missing(trial):
    frame = clean()
    frame.loc[[1, 2, 3], "visits_out"] = -9
    frame.loc[[4, 5, 6], "visits_village"] = 9999999
    code, said = trial.check(saved(trial, frame))
    assert code == 1
    assert "E127 visits_out: -9 stands for missing in 3 rows (3, 4, 5), it seems." in said
    assert "visits_village is 9,999,999 in 3 rows" in said
    report = ma.check_panel(frame, {"missing": [-9, 9999999]})
    assert report.ok and report.frame["visits_out"].isna().sum() == 3


def test_reasons_for_missing(trial):
    frame = clean()
    frame["visits_out_na"] = None
    frame.loc[2, "visits_out"] = np.nan
    frame.loc[2, "visits_out_na"] = "未收集"
    report = ma.check_panel(frame)
    assert report.ok and report.frame["visits_out_na"].iloc[2] == "not_collected"
    frame.loc[3, "visits_out_na"] = "pending"
    assert [p.code for p in ma.check_panel(frame).problems] == ["E126"]


def test_a_folder_and_a_file_that_is_not_there(trial):
    code, said = trial.check(trial.folder)
    assert code == 1 and "is a folder" in said
    code, said = trial.check(trial.folder / "nowhere.csv")
    assert code == 1 and "no such file" in said


def test_rows_of_other_lengths_are_named(trial):
    path = saved(trial, clean())
    lines = path.read_text().splitlines()
    lines[3] += ",7"
    lines[5] = lines[5].rsplit(",", 2)[0]
    path.write_text("\n".join(lines))
    code, said = trial.check(path)
    assert code == 1
    assert "E134 the header has 16 cells, but row 4 has 17, row 6 has 14." in said


def test_a_file_that_may_not_be_read_and_a_folder_that_may_not_be_written(trial):
    path = saved(trial, clean())
    if os.geteuid() == 0:
        target = Path("/proc/report.html")
        code, said = trial.check(path, "--html", str(target))
        assert code == 3 and "/proc" in said
        return
    path.chmod(0)
    assert main(["check", str(path)]) == 3
    path.chmod(0o644)
    trial.folder.chmod(0o500)
    assert main(["check", str(path), "--html", str(trial.folder / "r.html")]) == 3
    trial.folder.chmod(0o700)


FULL_DISK = """
import resource, signal, sys
from medalliance.__main__ import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["check", "template"])
def test_a_full_disk_leaves_nothing_half_written(trial, command):
    path = saved(trial, clean())
    target = trial.folder / "out.xlsx"
    arguments = ["check", str(path), "--html", str(target)]
    if command == "template":
        arguments = ["template", "-o", str(target)]
    before = trial.hashes()
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 3, ran.stderr
    assert "File too large" in ran.stderr
    assert trial.hashes() == before


def test_a_page_is_not_replaced_without_force(trial):
    path, page = saved(trial, clean()), trial.folder / "report.html"
    assert trial.check(path, "--html", str(page))[0] == 0
    first = page.read_bytes()
    assert trial.check(path, "--html", str(page))[0] == 3
    assert page.read_bytes() == first
    assert main(["check", str(path), "--html", str(page), "--force"]) == 0


BIG_FILE = """
import resource, sys
import medalliance as ma
from medalliance.panel import _files, _text_file
_files.BIG = _text_file.BIG = _text_file.BLOCK = 1 << 20
_text_file.LOOK = 100_000
ma.check_panel(ma.load_panel().frame)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    said = str(ma.check_panel(sys.argv[1]).frame.shape)
except ma.DataError as refused:
    said = str(refused)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, said)
"""


def memory_of_reading(path: Path) -> tuple[float, str]:
    """Return the bytes that reading a file added to the process, with what was said."""
    ran = subprocess.run(
        [sys.executable, "-c", BIG_FILE, str(path)], capture_output=True, text=True, check=True
    )
    kilobytes, said = ran.stdout.split(" ", 1)
    return float(kilobytes) * 1024, said


def test_a_long_file_of_records_is_refused_before_it_is_read_through(trial):
    path = trial.folder / "records.csv"
    text = "某某" * 30
    line = f"330101,2015,2016,12.50,{text}\n330102,2016,0,13.25,{text}\n"
    with path.open("w", encoding="utf-8") as file:
        file.write("county_code,year,cohort,spending,备注\n")
        file.writelines(line * 10_000 for _ in range(15))  # 300,000 rows, 63 MB
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    used, said = memory_of_reading(path)
    assert "rows in the first" in said and "for 2 pairs of county and year" in said
    assert "medalliance panel" in said and "the file was not changed" in said
    assert used < 0.8 * path.stat().st_size
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_of_a_big_file_only_the_known_columns_are_kept(trial):
    path = trial.folder / "wide.csv"
    extra = ",".join(["一段没有用处的文字"] * 1_900)
    lines = clean().to_csv(index=False).splitlines()
    names = ",".join(f"变量{k}" for k in range(1_900))
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{lines[0]},{names}\n")
        file.writelines(f"{line},{extra}\n" for line in lines[1:] * 4)  # 50 MB
    used, said = memory_of_reading(path)
    assert "(960, 16)" in said
    assert used < 0.8 * path.stat().st_size + 30e6
