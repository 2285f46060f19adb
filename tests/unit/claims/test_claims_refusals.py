"""What is wrong with claims is said at once, with the rows and what to do; nothing is written."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import claims_tables as small
import pandas as pd
import pytest

from medalliance import DataError, build_panel_from_claims, join_county_years
from medalliance.__main__ import main
from medalliance.paths import PROJECT

GOOD = [small.claim("a"), small.claim("b", person_key="p2", provider_tier="county")]


def refused(rows, tmp_path, **options):
    path = small.write(rows, tmp_path / "in" / "claims.parquet")
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    with pytest.raises(DataError) as caught:
        build_panel_from_claims(path, out / "panel.parquet", **options)
    assert not (out / "panel.parquet").exists()
    return str(caught.value)


def test_every_wrong_row_is_named_at_once(tmp_path):
    rows = [
        *GOOD,
        small.claim("c", provider_tier="clinic"),
        small.claim("d", setting="opd"),
        small.claim("e", total_fen=-5, fund_fen=-5),
        small.claim("f", enrol_county="91010"),
        small.claim("g", service_date=pd.Timestamp("1999-01-01").date()),
        small.claim("h", person_key=None),
        small.claim("i", reversal_of="i", total_fen=-1, fund_fen=0),
        small.reversal("j", GOOD[0], fund_fen=7),
    ]
    said = refused(rows, tmp_path)
    for text in (
        "provider_tier is not known in 1 row",
        "claim c ('clinic'). Use village, township",
        "setting is not known in 1 row",
        "total_fen is negative and the row reverses nothing in 1 row",
        "fund_fen is negative and the row reverses nothing",
        "enrol_county is not six digits",
        "service_date is outside 2005-2035 in 1 row",
        "claim g ('1999-01-01')",
        "person_key is missing in 1 row",
        "reversal_of names its own claim",
        "fund_fen of a reversal is positive",
    ):
        assert text in said
    assert "9 problems" in said


def test_claims_that_contradict_each_other_are_refused_together(tmp_path):
    rows = [
        *GOOD,
        small.claim("a", fund_fen=1),
        small.reversal("r", GOOD[1], total_fen=-2000),
        small.reversal("s", small.claim("nowhere")),
        small.reversal("t", GOOD[1], person_key="p9", total_fen=0, fund_fen=0),
    ]
    said = refused(rows, tmp_path)
    assert "claim_id stands on rows that differ in 1 claim: claim a" in said
    assert "reversals take back more than the claim holds in 1 claim: claim b" in said
    assert "a reversal names no claim in the files in 1 reversal: claim s" in said
    assert "--ignore-unknown-reversals" in said
    assert "a reversal names a claim of another person in 1 claim: claim t" in said


def test_unknown_reversals_can_be_left_out_and_are_counted(tmp_path):
    path = small.write([*GOOD, small.reversal("s", small.claim("gone"))], tmp_path / "c.parquet")
    report = build_panel_from_claims(path, ignore_unknown_reversals=True)
    assert report.unknown_reversals == 1
    assert report.frame["spending"].tolist() == [14.0]
    assert "1 reversals name claims that are not in the files" in str(report)


def test_missing_and_unreadable_columns_are_named(tmp_path):
    frame = small.table(GOOD).rename(columns={"person_key": "person_keys"})
    frame["total_fen"] = [[1], [2]]
    frame.to_parquet(tmp_path / "c.parquet")
    with pytest.raises(DataError) as caught:
        build_panel_from_claims(tmp_path / "c.parquet")
    said = str(caught.value)
    assert "no column 'person_key' (text). Is it 'person_keys'? Rename it." in said
    assert "column 'total_fen' is array<int64>; it must be whole fen" in said


def test_every_file_that_cannot_be_read_is_named(tmp_path):
    whole = small.write(GOOD, tmp_path / "year=2019/prefecture=910100/a.parquet")
    content = whole.read_bytes()
    whole.with_name("b.parquet").write_bytes(content[: len(content) // 2])
    whole.with_name("c.parquet").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        build_panel_from_claims(tmp_path)
    said = str(caught.value)
    assert "2 problems" in said
    assert "b.parquet" in said and "c.parquet: the file is empty" in said


def test_a_file_damaged_inside_is_named(tmp_path):
    rows = [small.claim(f"c{k:06}", person_key=f"p{k:09}") for k in range(20_000)]
    path = small.write(rows, tmp_path / "in" / "c.parquet")
    content = bytearray(path.read_bytes())
    content[1000:9000] = b"\xff" * 8000
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"c\.parquet: cannot be read"):
        build_panel_from_claims(tmp_path / "in", tmp_path / "panel.parquet")
    assert not (tmp_path / "panel.parquet").exists()


def test_an_empty_folder_and_no_folder(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    out = str(tmp_path / "p.parquet")
    assert main(["panel", str(tmp_path / "empty"), "-o", out]) == 1
    assert "no .parquet or .csv file in this folder" in capsys.readouterr().err
    assert main(["panel", str(tmp_path / "nowhere"), "-o", out]) == 1
    assert "no such file or folder" in capsys.readouterr().err
    assert main(["panel", str(tmp_path / "empty"), "-o", str(tmp_path / "x" / "p.parquet")]) == 3


def test_text_in_csv_is_read_and_what_is_no_date_is_named(tmp_path):
    path = tmp_path / "c.csv"
    small.table(GOOD).rename(columns={"claim_id": "单号"}).to_csv(path, index=False)
    report = build_panel_from_claims(path, rename={"单号": "claim_id"})
    assert small.as_cells(report.frame) == small.without_zeros(small.expected(GOOD))
    path.write_text(path.read_text().replace("2019-03-05", "05.03.2019").replace("700", "7.5"))
    with pytest.raises(DataError) as caught:
        build_panel_from_claims(path, rename={"单号": "claim_id"})
    assert "service_date cannot be read in 2 rows" in str(caught.value)
    assert "claim a ('05.03.2019')" in str(caught.value)
    assert "fund_fen cannot be read in 2 rows" in str(caught.value)


def test_another_encoding_is_said(tmp_path):
    frame = small.table(GOOD).rename(columns={"claim_id": "单号"})
    frame.to_csv(tmp_path / "c.csv", index=False, encoding="gb18030")
    with pytest.raises(DataError, match="not UTF-8"):
        build_panel_from_claims(tmp_path / "c.csv", rename={"单号": "claim_id"})


def test_numbers_as_pandas_writes_them_are_read(tmp_path):
    frame = small.table(GOOD).astype({"total_fen": float, "enrol_county": int, "in_scope": int})
    frame["service_date"] = pd.to_datetime(frame["service_date"])
    frame.to_parquet(tmp_path / "c.parquet")
    report = build_panel_from_claims(tmp_path / "c.parquet")
    assert small.as_cells(report.frame) == small.without_zeros(small.expected(GOOD))


def test_an_output_that_exists_is_kept(tmp_path, capsys):
    path = small.write(GOOD, tmp_path / "in" / "c.parquet")
    out = tmp_path / "panel.parquet"
    out.write_text("mine")
    assert main(["panel", str(path), "-o", str(out)]) == 3
    assert "--force" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main(["panel", str(path), "-o", str(out), "--force"]) == 0
    assert len(pd.read_parquet(out)) == 1
    assert main(["panel", str(path), "-o", str(tmp_path / "panel.xlsx")]) == 1
    assert "Let the name end in .parquet or .csv" in capsys.readouterr().err


def test_wrong_options_are_said(tmp_path, capsys):
    path = str(small.write(GOOD, tmp_path / "c.parquet"))
    out = str(tmp_path / "p.parquet")
    assert main(["panel", path, "-o", out, "--rename", "x"]) == 2
    assert main(["panel", path, "-o", out, "--memory", "lots"]) == 1
    assert "Write it as 3GB" in capsys.readouterr().err
    assert main(["panel", path, "-o", out, "--engine", "oracle"]) == 1
    assert "Use one of duckdb, spark" in capsys.readouterr().err


def test_the_output_beside_its_claims_is_not_read_as_claims(tmp_path):
    small.write(GOOD, tmp_path / "c.parquet")
    first = build_panel_from_claims(tmp_path, tmp_path / "panel.parquet")
    again = build_panel_from_claims(tmp_path, tmp_path / "panel.parquet")
    pd.testing.assert_frame_equal(first.frame, again.frame)


def limited(*command, size=None):
    """Run the command line as a user would, with a limit on the size of files."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        [sys.executable, "-m", "medalliance", *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit if size else None,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src")},
    )


def test_a_full_disk_exits_3_and_leaves_nothing_half_written(claims_folder, tmp_path):
    folder, known = claims_folder
    out = tmp_path / "panel.parquet"
    ran = limited("panel", folder, "-o", out, size=50_000)
    assert ran.returncode == 3, ran.stderr
    assert "The disk is full" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not out.exists()
    again = limited("panel", folder, "-o", out)
    assert again.returncode == 0, again.stderr
    pd.testing.assert_frame_equal(pd.read_parquet(out), known, check_exact=True)
    assert [path.name for path in tmp_path.iterdir()] == ["panel.parquet"]


def test_a_folder_that_may_not_be_written_to(claims_folder, tmp_path):
    """Root may write everywhere but below /proc."""
    place = Path("/proc") if os.geteuid() == 0 else tmp_path
    tmp_path.chmod(0o500)
    ran = limited("panel", claims_folder[0], "-o", place / "panel.parquet")
    tmp_path.chmod(0o700)
    assert ran.returncode == 3, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "panel.parquet" in ran.stderr


def test_a_place_that_is_no_folder_exits_3(claims_folder, tmp_path):
    (tmp_path / "file").write_text("")
    ran = limited("panel", claims_folder[0], "-o", tmp_path / "file" / "panel.parquet")
    assert ran.returncode == 3
    assert "is no folder" in ran.stderr


def test_nothing_leaves_the_machine_and_nothing_stands_elsewhere(claims_folder, tmp_path):
    """Without any network device, from an empty folder that stays empty."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is missing")
    here, out = tmp_path / "here", tmp_path / "out"
    here.mkdir()
    out.mkdir()
    home = {"HOME": str(here), "TMPDIR": str(here), "PYTHONPATH": str(PROJECT / "src")}
    given = ["medalliance", "panel", str(claims_folder[0]), "-o", str(out / "panel.parquet")]
    ran = subprocess.run(
        ["unshare", "-rn", sys.executable, "-m", *given],
        capture_output=True,
        text=True,
        cwd=here,
        check=False,
        env={**os.environ, **home},
    )
    if "unshare failed" in ran.stderr or "Operation not permitted" in ran.stderr:
        pytest.skip("this machine does not let a process give its network up")
    assert ran.returncode == 0, ran.stderr
    assert list(here.iterdir()) == []
    assert [path.name for path in out.iterdir()] == ["panel.parquet"]


def test_the_readers_table_is_joined_and_what_differs_is_said():
    ours = pd.DataFrame(
        {"county_code": ["910101", "910101", "910102"], "year": [2018, 2019, 2019],
         "spending": [1.0, 2.0, 3.0]}
    )  # fmt: skip
    theirs = pd.DataFrame(
        {"county_code": [910101, 910101, 910103], "year": ["2018", "2019", "2019"],
         "cohort": [2019, 2019, 0], "spending": [1.0, 2.5, 9.0]}
    )  # fmt: skip
    joined, remarks = join_county_years(ours, theirs)
    assert joined["spending"].tolist() == [1.0, 2.0, 3.0]
    assert joined["spending_reported"].tolist()[:2] == [1.0, 2.5]
    assert joined["cohort"].isna().tolist() == [False, False, True]
    said = "\n".join(remarks)
    assert "1 county-years have claims but no row in the table: 910102 in 2019" in said
    assert "1 county-years of the table have no claims: 910103 in 2019" in said
    assert "E112 spending: the table differs from the claims in 1 county-years" in said
    assert "910101 in 2019: +0.50" in said
    with pytest.raises(DataError, match="rows twice: 910101 in 2018"):
        join_county_years(ours, theirs.iloc[[0, 0]])
    with pytest.raises(DataError, match="no column year"):
        join_county_years(ours, theirs.drop(columns="year"))


def test_late_claims_and_changing_definitions_are_remarked(tmp_path):
    rows = [*GOOD, small.claim("c", service_date=pd.Timestamp("2020-06-01").date(),
                               provider_id=None)]  # fmt: skip
    report = build_panel_from_claims(small.write(rows, tmp_path / "c.parquet"))
    said = str(report)
    assert "2020 has had less than six months to run out" in said
    assert "Shares before and after are not comparable" in said
    assert report.frame["visit_def"].nunique() == 2
