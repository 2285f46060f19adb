"""``medalliance get`` against catalogues on disk; the publishers' were not asked here."""

import hashlib
import json

import pytest
from typer.testing import CliRunner

from medalliance.__main__ import command_line
from medalliance.cli import _fetch
from medalliance.paths import PROJECT

HEADER = (
    "CCG Code,Practice Code,Contract Type,Number of Registered Patients,"
    "Number of Weighted Patients,Total NHS Payments to General Practice\n"
)


def run(*args):
    return CliRunner().invoke(command_line(), ["get", *map(str, args)])


def entry(path, year, title="Performance Year Financial and Quality Results"):
    part = {"title": f"{title} : {year}-01-01", "downloadURL": path.as_uri()}
    return {"title": title, "distribution": [part]}


def known(monkeypatch, *rows):
    monkeypatch.setattr(_fetch, "known_files", lambda collection: list(rows))


def test_the_catalogue_names_files_by_year(tmp_path):
    other = entry(tmp_path / "b.csv", 2018, title="County data")
    found = _fetch.listed({"dataset": [entry(tmp_path / "a.csv", 2018), other]})
    assert found == {2018: (tmp_path / "a.csv").as_uri()}


def test_checksums_are_compared_and_a_later_year_comes_too(tmp_path, monkeypatch):
    for name in ("good", "bad", "later"):
        (tmp_path / f"{name}.csv").write_text(f"x\n{name}\n")
    catalogue = tmp_path / "data.json"
    entries = [entry(tmp_path / f"{name}.csv", year)
               for name, year in (("good", 2018), ("bad", 2019), ("later", 2024))]  # fmt: skip
    catalogue.write_text(json.dumps({"dataset": entries}))
    known(
        monkeypatch,
        {"year": "2018", "sha256": hashlib.sha256(b"x\ngood\n").hexdigest()},
        {"year": "2019", "sha256": hashlib.sha256(b"x\nother\n").hexdigest()},
        {"year": "2020", "sha256": "none"},
    )
    done = run("mssp", "-o", tmp_path / "out", "--source", catalogue.as_uri())
    assert done.exit_code == 1
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["2018.csv", "2019.csv.differs", "2024.csv"]
    for said in ("2018: as in the book", "2019: differs", "2020: not in the catalogue",
                 "2024: a year that the book does not know", "MEDALLIANCE_MSSP_DIR"):  # fmt: skip
        assert said in done.output


def test_a_catalogue_out_of_reach_is_told_in_a_line(tmp_path):
    done = run("mssp", "-o", tmp_path, "--source", "file:///nowhere/data.json")
    assert done.exit_code == 1
    assert "no answer" in done.output and "Traceback" not in done.output


def test_an_unknown_collection_is_named(tmp_path):
    done = run("scotland")
    assert done.exit_code == 2
    assert "england, mssp" in done.output


def test_england_downloads_what_has_an_address_and_names_the_rest(tmp_path, monkeypatch):
    mirror, out = tmp_path / "mirror", tmp_path / "out"
    (mirror / "payments").mkdir(parents=True)
    (mirror / "payments" / "20-21.csv").write_text(HEADER + "A,P1,GMS,5000,5000,600000\n")
    (mirror / "payments" / "21-22.csv").write_text("a,b\n1,2\n")
    (out / "payments").mkdir(parents=True)
    (out / "payments" / "19-20.csv").write_text("mine")
    rows = [{"file": f"payments/{year}.csv", "publisher_name": "n", "page": "https://page",
             "address": (mirror / "payments" / f"{year}.csv").as_uri() if year != "18-19" else ""}
            for year in ("18-19", "19-20", "20-21", "21-22", "22-23")]  # fmt: skip
    known(monkeypatch, *rows)
    done = run("england", "-o", out)
    assert done.exit_code == 1
    for said in (
        "payments/18-19.csv: no address is known. Save n from https://page as",
        "payments/19-20.csv: already there",
        "payments/20-21.csv: 1 practices",
        "payments/21-22.csv: does not read, kept as 21-22.csv.differs",
        "payments/22-23.csv: no answer from",
    ):
        assert said in done.output
    assert (out / "payments" / "19-20.csv").read_text() == "mine"


def test_england_can_ask_a_mirror(tmp_path, monkeypatch):
    (tmp_path / "m" / "payments").mkdir(parents=True)
    (tmp_path / "m" / "payments" / "20-21.csv").write_text(HEADER + "A,P1,GMS,5000,5000,1\n")
    known(monkeypatch, {"file": "payments/20-21.csv", "publisher_name": "", "page": "",
                        "address": ""})  # fmt: skip
    mirror = (tmp_path / "m").as_uri()
    assert run("england", "-o", tmp_path / "o", "--source", mirror).exit_code == 0


def test_no_address_was_invented():
    """Three addresses were seen in public code; every other file has its publisher's page alone."""
    rows = _fetch.known_files("england")
    with_address = {row["file"] for row in rows if row["address"]}
    assert with_address == {f"payments/{year}.csv" for year in ("20-21", "22-23", "23-24")}
    assert all(row["page"].startswith("https://digital.nhs.uk/") for row in rows)


def test_stored_checksums_are_those_of_the_files(mssp_folder):
    stored = {row["year"]: row["sha256"] for row in _fetch.known_files("mssp")}
    found = {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(mssp_folder.glob("20*.csv"))
    }
    shared = set(found) & set(stored)
    assert shared and all(found[year] == stored[year] for year in shared)


@pytest.mark.parametrize("target", ["data-mssp", "data-england"])
def test_make_names_the_target(target):
    assert f"{target}: $(STAMP) ##" in (PROJECT / "Makefile").read_text()
