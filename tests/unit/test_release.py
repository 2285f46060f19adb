"""A release: only whitelisted tables, nothing hidden in any file, the checker's log."""

import io
import re
import zipfile

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.__main__ import main
from medalliance.disclosure import Limits
from medalliance.errors import DataError
from medalliance.outcomes.remuneration import TYPES
from medalliance.press import release
from medalliance.press.release import _effects, _tables, releasable, write_release

HOSPITAL = [f"{kind}_H_{staff}" for kind in ("pay", "fte") for staff in TYPES]


@pytest.fixture(scope="module")
def teaching():
    """The frame of the teaching panel; no test writes to it."""
    return ma.load_panel().frame


@pytest.fixture(scope="module")
def hard_frame(teaching):
    """A small panel where much must be hidden: a county that is its own prefecture, a cohort of
    two, two hospitals, one county with village administrators. No test writes to it.
    """
    frame = teaching
    codes = sorted(frame["county_code"].unique())[:24]
    frame = frame[frame["county_code"].isin(codes) & frame["year"].between(2014, 2021)].copy()
    own, pair = codes[20], codes[21:23]
    frame.loc[frame["county_code"] == own, "prefecture_code"] = own
    frame.loc[frame["county_code"].isin(pair), "cohort"] = 2017
    rest = frame["county_code"] != codes[0]
    frame.loc[rest, ["fte_V_administrative", "pay_V_administrative"]] = 0.0
    frame.loc[frame["county_code"].isin(codes[2:]) & (frame["year"] > 2019), HOSPITAL] = np.nan
    frame["county_name"] = [f"Hidden County {code}" for code in frame["county_code"]]
    return frame


@pytest.fixture(scope="module")
def hard_panel(hard_frame):
    return ma.load_panel(hard_frame)


@pytest.fixture(scope="module")
def released(hard_panel, tmp_path_factory):
    """The folder of a release, with every number that was hidden in it."""
    hidden: dict[str, list[float]] = {"sums": [], "estimates": []}
    safe_table, safe_estimates = _tables.safe_table, _effects.safe_estimates

    def watched_table(*given, **options):
        table = safe_table(*given, **options)
        hidden["sums"] += table.inside.cells.value[table.protection.hidden].tolist()
        return table

    def watched_estimates(frame, *given, **options):
        shown, reasons = safe_estimates(frame, *given, **options)
        hidden["estimates"] += frame["estimate"][reasons != ""].tolist()
        return shown, reasons

    folder = tmp_path_factory.mktemp("release") / "out"
    patch = pytest.MonkeyPatch()
    patch.setattr(_tables, "safe_table", watched_table)
    patch.setattr(_effects, "safe_estimates", watched_estimates)
    patch.setattr(_effects, "outcomes", lambda: ["log_spending_per_insured", "personnel_share",
                                                 "log_remuneration_per_fte_hospital"])  # fmt: skip
    log = write_release(
        hard_panel, folder, Limits(counties=4), command="medalliance release x -o out"
    )
    patch.undo()
    assert log == folder / "checker" / "log.html"
    return folder, hidden, hard_panel


def texts(folder):
    """The text of every file of a folder, workbooks unpacked."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".xlsx":
                with zipfile.ZipFile(io.BytesIO(content)) as parts:
                    content = b"\n".join(parts.read(name) for name in parts.namelist())
            yield path.relative_to(folder).as_posix(), content.decode("utf-8", "replace")


def numbers_in(text):
    """Every number of a text, with thousands parted by commas and without."""
    plain = re.findall(r"-?\d+(?:\.\d+)?", text)
    return {*plain, *re.findall(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", text)}


def test_no_hidden_number_stands_in_any_file(released):
    folder, hidden, _ = released
    large = {value for value in hidden["sums"] if abs(value) >= 100_000}
    assert len(large) > 50
    forms = {form for v in large for form in (f"{v:.0f}", f"{v:,.0f}", f"{v:.1f}", f"{v:.2f}",
                                              f"{v:,.2f}", repr(v))}  # fmt: skip
    forms |= {f"{v / 1e4:.2f}" for v in large if abs(v) >= 1e7}
    shown = pd.read_csv(folder / "tables" / "money_by_cohort.csv", encoding="utf-8-sig")
    found = {f"{value:.0f}" for value in shown["spending"].dropna()}
    page = dict(texts(folder))
    for name in ("tables/money_by_cohort.csv", "tables/all-tables.xlsx"):
        assert found <= numbers_in(page[name]), "the search is blind"
    for name, text in page.items():
        numbers = numbers_in(text)
        assert not numbers & forms, name


def test_no_county_stands_in_any_file(released):
    folder, _, panel = released
    codes = "|".join(panel.units)
    for name, text in texts(folder):
        assert not re.search(rf"(?<![0-9a-f])(?:{codes})(?![0-9a-f])", text), name
        assert "Hidden County" not in text, name


def test_hidden_estimates_are_blank_and_no_average_gives_them_away(released):
    folder, hidden, _ = released
    frame = pd.read_csv(folder / "tables" / "estimates.csv", encoding="utf-8-sig")
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "n_units"]
    assert frame.loc[frame["na"] == "suppressed", numbers].isna().all(axis=None)
    assert len(hidden["estimates"]) > 0
    assert (frame["n_units"].dropna() >= 4).all()
    cells = frame[frame["level"] == "cohort and year"]
    assert (cells.loc[cells["cohort"] == 2017, "na"] == "suppressed").all()


def test_only_whitelisted_tables_are_written(released):
    folder, _, _ = released
    tables = {path.stem for path in (folder / "tables").glob("*.csv")}
    assert tables and all(releasable(name) for name in tables)
    assert not releasable("panel") and not releasable("county_effects")
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert kinds == {".csv", ".xlsx", ".html", ".png", ".txt", ".json"}


def test_a_prefecture_of_one_county_is_pooled_before_it_is_named(hard_frame):
    frame = hard_frame
    pooled = _tables.pool_prefectures(frame, Limits())
    own = sorted(frame["county_code"].unique())[20]
    assert own in set(frame["prefecture_code"])
    assert own not in set(pooled["prefecture_code"])
    province = frame["province_code"].iloc[0]
    assert f"{province} other prefectures" in set(pooled["prefecture_code"])


def test_pay_of_few_posts_or_employers_is_hidden_but_for_bands(released):
    folder, _, _ = released
    pay = pd.read_csv(folder / "tables" / "pay_by_tier.csv", encoding="utf-8-sig")
    village = pay[(pay["tier"] == "village") & (pay["staff"] == "administrative")]
    assert village["pay_per_post"].isna().all()
    late = pay[(pay["tier"] == "hospital") & (pay["year"] > 2019)]
    assert len(late) and late["pay_per_post"].isna().all()
    if "pay_per_post_band" in pay.columns:  # given only where it opens nothing
        assert pay.loc[pay["tier"] != "hospital", "pay_per_post_band"].isna().all()
        assert pay.loc[pay["pay_per_post"].notna(), "pay_per_post_band"].isna().all()
    shown = pay.dropna(subset=["pay", "posts"])
    assert np.allclose(shown["pay_per_post"], shown["pay"] / shown["posts"], rtol=2e-3)


def test_shares_and_rates_go_with_what_they_are_made_of(released):
    folder, _, _ = released
    money = pd.read_csv(folder / "tables" / "money_by_cohort.csv", encoding="utf-8-sig")
    gone = money["surplus"].isna() | money["budget"].isna()
    assert money["surplus_rate"].isna().equals(gone)
    cohort = money[money["cohort"].astype(str) == "2017"]
    assert cohort["spending"].isna().all()


def test_the_log_lists_every_file_rule_by_rule_with_room_for_a_decision(released):
    folder, _, _ = released
    log = pd.read_csv(folder / "checker" / "released.csv", encoding="utf-8-sig")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    free = {name for name in files if not name.startswith(("checker/", "."))} - {"README.txt"}
    assert set(log["file"]) == free
    assert log["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert log[["decision (yes / no / ask)", "checked by", "date"]].isna().all(axis=None)
    assert (log["command"] == "medalliance release x -o out").all()
    row = log.set_index("file").loc["tables/pay_by_tier.csv"]
    assert "fewer than 3 contributors: " in row["hidden, rule by rule"]
    assert row["fewest contributors"] >= 3
    hidden = pd.read_csv(folder / "checker" / "hidden.csv", encoding="utf-8-sig")
    assert (hidden["table"] == "pay_by_tier").sum() == row["hidden, primary"] + row[
        "hidden, complementary"] + row["hidden, derived"]  # fmt: skip
    withheld = pd.read_csv(folder / "checker" / "withheld.csv", encoding="utf-8-sig")
    assert {"panel", "county_effects", "maps"} <= set(withheld["name"])


@pytest.fixture
def quick(hard_panel, monkeypatch):
    """A release of one table, to try the folder with."""
    keep = {"visits_by_place": _tables.visits}
    monkeypatch.setattr(release._contents, "SUMS", keep)
    monkeypatch.setattr(_effects, "outcomes", lambda: [])
    return hard_panel


def test_an_overlapping_release_is_refused_without_a_word_from_the_checker(quick, tmp_path):
    out, said = tmp_path / "out", []
    for _ in range(2):
        write_release(quick, out, Limits(), report=said.append)
    assert not any("by difference" in line for line in said)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    code = sorted(quick.frame["county_code"].unique())[3]
    fewer = ma.load_panel(quick.frame[quick.frame["county_code"] != code])
    for panel, limits, folder in (
        (quick, Limits(count=20), out),
        (fewer, Limits(), out),
        (fewer, Limits(), tmp_path / "beside"),
    ):
        for word in ("", "  "):
            with pytest.raises(DataError, match=r"by difference(.|\n)*Nothing was written"):
                write_release(panel, folder, limits, checked_together=word)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert not (tmp_path / "beside").exists()
    write_release(fewer, out, Limits(), checked_together="Li Hua", report=said.append)
    page = (out / "checker" / "log.html").read_text(encoding="utf-8")
    assert "let only one of them leave" in page and "Checked together by Li Hua" in page
    assert len(pd.read_csv(out / "checker" / "releases.csv")) == 3


def test_a_folder_with_other_files_is_refused_and_left_alone(quick, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "panel.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"panel\.csv"):
        write_release(quick, tmp_path / "out")
    write_release(quick, tmp_path / "good")
    before = (tmp_path / "good" / "index.html").read_bytes()
    (tmp_path / "good" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="holds more than a release"):
        write_release(quick, tmp_path / "good")
    assert (tmp_path / "good" / "index.html").read_bytes() == before
    assert (tmp_path / "out" / "panel.csv").read_text(encoding="utf-8") == "mine"


def test_a_panel_of_two_counties_gives_nothing(teaching, tmp_path, monkeypatch):
    monkeypatch.setattr(_effects, "outcomes", lambda: ["log_spending_per_insured"])
    two = sorted(teaching["county_code"].unique())[:2]
    panel = ma.load_panel(teaching[teaching["county_code"].isin(two)])
    with pytest.raises(DataError, match="nothing of this panel may leave"):
        write_release(panel, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_refuses_limits_and_files_that_make_no_sense(hard_frame, tmp_path, capsys):
    panel = tmp_path / "mine.csv"
    hard_frame.to_csv(panel, index=False)
    out = str(tmp_path / "out")
    assert main(["release", str(panel), "-o", out, "--p", "0", "--contributors", "1"]) == 1
    said = capsys.readouterr().err
    assert "dominance=0" in said and "contributors=1" in said
    assert main(["release", str(tmp_path / "none.csv"), "-o", out]) == 1
    panel.write_text("county_code,year,cohort\n1,2015,0\n1,2015,0\n", encoding="utf-8")
    assert main(["release", str(panel), "-o", out]) == 1
    assert "Nothing was written: mend what is called an error" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_build_safe_writes_a_release_and_no_page_of_the_book(quick, tmp_path, capsys):
    panel, out = tmp_path / "mine.csv", tmp_path / "out"
    quick.frame.to_csv(panel, index=False)
    assert main(["build", "--data", str(panel), "--safe", "-o", str(out)]) == 0
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {
        "README.txt", "checker", "figures", "index.html", "tables"}  # fmt: skip
    assert main(["build", "--safe"]) == 2
    assert main(["build", "--data", str(panel), "--safe", "--chapter", "estimate-surplus"]) == 2
    capsys.readouterr()
