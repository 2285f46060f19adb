"""The download of the public files, from a catalogue on disk; the real one was not run here."""

import hashlib
import importlib.util
import json
import subprocess
import sys

import pytest

from medalliance.paths import PROJECT

TOOL = PROJECT / "tools" / "get_mssp.py"


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location("get_mssp", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entry(path, year, title="Performance Year Financial and Quality Results"):
    part = {"title": f"{title} : {year}-01-01", "downloadURL": path.as_uri()}
    return {"title": title, "distribution": [part]}


def test_the_catalogue_names_files_by_year(tool, tmp_path):
    other = entry(tmp_path / "b.csv", 2018, title="County data")
    found = tool.listed({"dataset": [entry(tmp_path / "a.csv", 2018), other]})
    assert found == {2018: (tmp_path / "a.csv").as_uri()}


def test_checksums_are_compared(tmp_path, monkeypatch, capsys, tool):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("x\n1\n")
    bad.write_text("x\n2\n")
    catalogue = tmp_path / "data.json"
    catalogue.write_text(json.dumps({"dataset": [entry(good, 2018), entry(bad, 2019)]}))
    sums = tmp_path / "sums.csv"
    lines = [f"{year},{hashlib.sha256(b'x' + b'%b1%b' % (end, end)).hexdigest()}"
             for year, end in ((2018, b"\n"), (2019, b"\n"))]  # fmt: skip
    sums.write_text("\n".join(["year,sha256", *lines, "2020,none", ""]))
    monkeypatch.setattr(tool, "CHECKSUMS", sums)
    monkeypatch.setattr(
        sys, "argv", ["x", str(tmp_path / "out"), "--catalogue", catalogue.as_uri()]
    )
    assert tool.main() == 1
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["2018.csv", "2019.csv.differs"]
    said = capsys.readouterr()
    assert "2018: as in the book" in said.out and "2019: differs" in said.out
    assert "2020: not in the catalogue" in said.err


def test_a_catalogue_out_of_reach_is_told_in_a_line(tmp_path):
    ran = subprocess.run(
        [sys.executable, str(TOOL), str(tmp_path), "--catalogue", "file:///nowhere/data.json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "no answer" in ran.stderr and "Traceback" not in ran.stderr


def test_stored_checksums_are_those_of_the_files(tool, mssp_folder):
    stored = tool.CHECKSUMS.read_text().split()[1:]
    found = [
        f"{path.stem},{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(mssp_folder.glob("20*.csv"))
    ]
    known = [line for line in found if line.split(",")[0] in {one.split(",")[0] for one in stored}]
    assert known and set(known) <= set(stored)


def test_make_names_the_target():
    text = (PROJECT / "Makefile").read_text()
    assert "data-mssp: $(STAMP) ##" in text
