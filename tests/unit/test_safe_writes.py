"""Writes that hurt nothing, files beyond a limit refused at once, runs that were killed."""

import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalliance.__main__ import main
from medalliance.cli._output import need_place, write_whole
from medalliance.errors import DataError
from medalliance.intake import check_panel
from medalliance.panel import read_table
from medalliance.paths import PACKAGE
from medalliance.spreadsheet import csv_of, guarded_frame

LEDGER = "alliance,year,budget_yuan,spending_yuan\nA,2020,1000,900\n"


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_text(LEDGER)
    return path


def python(script, path):
    """Run a script on a path in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-c", script, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def settle(ledger, output):
    return main(["settle", "one_sided", str(ledger), "-o", str(output), "--force",
                 "--assume", "surplus_retention_share=0.5"])  # fmt: skip


def test_devices_links_folders_and_inputs_are_never_replaced(ledger, tmp_path, capsys):
    target = tmp_path / "precious"
    target.write_text("years of work")
    link, dangling = tmp_path / "link", tmp_path / "dangling"
    link.symlink_to(target)
    dangling.symlink_to(tmp_path / "nowhere")
    hard = tmp_path / "hard"
    os.link(ledger, hard)
    before = os.stat("/dev/full").st_rdev
    for place in ("/dev/full", "/dev/null", link, dangling, tmp_path, ledger, hard):
        assert settle(ledger, place) == 3, place
        with pytest.raises((FileExistsError, DataError)):
            need_place(Path(place), replace=True, inputs=(ledger,))
    assert os.stat("/dev/full").st_rdev == before
    assert target.read_text() == "years of work" and ledger.read_text() == LEDGER
    assert dangling.is_symlink() and "never replaced" in capsys.readouterr().err
    with pytest.raises(FileExistsError):
        write_whole(link, "text")


def test_drafts_of_commands_that_were_killed_are_cleared_and_others_stay(tmp_path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    left = tmp_path / f".o.csv.{gone}-abc.csv"
    alive = tmp_path / f".o.csv.{os.getpid()}-abc.csv"
    theirs = tmp_path / ".o.csv.notes.csv"
    for path in (left, alive, theirs):
        path.write_text("x")
    write_whole(tmp_path / "o.csv", "a\n")
    assert {p.name for p in tmp_path.iterdir()} == {"o.csv", alive.name, theirs.name}


CELLS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=8)


@given(st.lists(st.tuples(st.sampled_from("=+-@\t"), CELLS), min_size=1, max_size=5))
def test_no_text_cell_begins_like_a_formula(pairs):
    texts = [start + rest for start, rest in pairs]
    frame = pd.DataFrame({"=name": texts, "n": np.arange(len(texts)) - 1.5})
    out = guarded_frame(frame)
    assert list(out.columns) == ["'=name", "n"]
    for cell, text in zip(out["'=name"], texts, strict=True):
        assert cell in (f"'{text}", text)
        assert cell[0] not in "=@\t" and (cell[0] == "'" or float(cell) is not None)
    pd.testing.assert_series_equal(out["n"], frame["n"])


def test_guarded_text_is_read_back_as_it_was(tmp_path):
    frame = pd.DataFrame({"=a": ["=1+1", "@x", "plain", "-5"], "b": [1.0, -2.0, 3.0, 4.0]})
    path = tmp_path / "t.csv"
    path.write_text(csv_of(frame))
    found = read_table(path).frame
    assert list(found.columns) == ["=a", "b"] and list(found["=a"]) == list(frame["=a"])
    assert list(found["b"]) == list(frame["b"])


def far_cell(path):
    book = openpyxl.Workbook()
    book.active["A1"], book.active["B1"], book.active["XFD1048576"] = "county_code", "year", 1
    book.save(path)


def many_columns(path):
    frame = pd.DataFrame(np.ones((40, 10_000)))
    frame.to_csv(path, index=False)


def bomb(path):
    book = openpyxl.Workbook()
    book.active.append(["county_code", "year"])
    book.save(path)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed,
        packed.open("xl/worksheets/sheet2.xml", "w", force_zip64=True) as inside,
    ):
        for _ in range(400):
            inside.write(b" " * (1 << 20))


def long_sheet(path):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for k in range(3_000):
        sheet.append([k, k])
    book.save(path)


BEYOND = {
    "f.xlsx": (far_cell, "MEDALLIANCE_MOST_COLUMNS"),
    "c.csv": (many_columns, "MEDALLIANCE_MOST_COLUMNS"),
    "b.xlsx": (bomb, "MEDALLIANCE_MOST_MB"),
}


@pytest.mark.parametrize("name", BEYOND)
def test_a_file_beyond_a_limit_is_refused_at_once_in_little_memory(name, tmp_path):
    make, variable = BEYOND[name]
    path = tmp_path / name
    make(path)
    script = (
        "import re, sys, time; from medalliance.panel import read_table\n"
        "import pandas, openpyxl, pyarrow.csv; t = time.process_time()\n"
        "try:\n    read_table(sys.argv[1])\n"
        "except ValueError as e:\n    print(e)\n"
        "used = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]\n"
        "print(time.process_time() - t, int(used) / 1024)"
    )
    ran = python(script, path)
    *said, last = ran.stdout.strip().splitlines()
    seconds, megabytes = map(float, last.split())
    assert variable in " ".join(said), ran.stdout
    assert seconds < 5 and megabytes < 300


def test_a_limit_can_be_moved(tmp_path, monkeypatch):
    path = tmp_path / "l.xlsx"
    long_sheet(path)
    monkeypatch.setenv("MEDALLIANCE_MOST_ROWS", "1000")
    with pytest.raises(DataError, match=r"1,001 rows of a sheet; the limit is 1,000"):
        check_panel(path)
    monkeypatch.setenv("MEDALLIANCE_MOST_ROWS", "5000")
    check_panel(path)
    monkeypatch.setenv("MEDALLIANCE_MOST_ROWS", "many")
    with pytest.raises(DataError, match="is no limit"):
        check_panel(path)


def test_a_verdict_killed_at_any_moment_is_written_by_the_next_run(tmp_path):
    from medalliance.simulate import simulate_panel

    panel = tmp_path / "p.csv"
    frame = simulate_panel(20, 6, seed=2, rules="split_631", channels=False).panel.frame
    frame.to_csv(panel, index=False)
    command = [sys.executable, "-m", "medalliance", "build", "--data", panel, "--verdict", "-o"]
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run([*command, whole], env=env, check=True, capture_output=True)
    rng = np.random.default_rng(3)
    for _ in range(2):
        running = subprocess.Popen([*command, cut], env=env, stderr=subprocess.PIPE)
        time.sleep(float(rng.uniform(0.5, 4)))
        running.send_signal(signal.SIGKILL)
        running.communicate()
    subprocess.run([*command, cut], env=env, check=True, capture_output=True)
    for name in ("verdict.html", "verdict.docx", "verdict.pdf"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()
    assert {p.name for p in cut.iterdir()} == {p.name for p in whole.iterdir()}


def test_a_full_disk_leaves_nothing_behind(ledger, tmp_path):
    out = tmp_path / "o.csv"
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from pathlib import Path; from medalliance.cli._output import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_whole(Path(sys.argv[1]), 'x' * 5000)"
    )
    ran = python(script, out)
    assert ran.returncode != 0 and "File too large" in ran.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"ledger.csv"}
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000
