"""Every data file has its origin and terms; every notebook says what it reads."""

import os
import subprocess
import sys

import pytest
from test_project_files import tracked

from medalliance.errors import DataError
from medalliance.paths import PACKAGE, PROJECT, data_dir, data_name, grouped
from medalliance.press import availability
from medalliance.press.data_collections import load_collections
from medalliance.press.pages import availability as availability_page
from medalliance.press.records import files_behind

DATA = (".csv", ".parquet", ".json", ".yaml", ".xlsx", ".dta")
# what holds no data although it has such an ending
NOT_DATA = (".pre-commit-config.yaml", "book/_static/", "src/medalliance/press/")


def test_every_data_file_belongs_to_one_collection():
    wrong = {}
    for file in tracked():
        if (file.endswith(DATA) or file.startswith("data/")) and not file.startswith(NOT_DATA):
            owners = [entry.name for entry in load_collections() if entry.holds(file)]
            if len(owners) != 1:
                wrong[file] = owners
    assert wrong == {}, "name these in data/collections.yaml, each in one collection"


def test_every_pattern_matches_a_file():
    files = tracked()
    for entry in load_collections():
        for pattern in entry.files:
            alone = type(entry)(**{**vars(entry), "files": (pattern,)})
            assert any(alone.holds(file) for file in files), pattern


def test_readme_and_page_give_each_collection_the_same_origin_and_terms():
    front = (PROJECT / "README.md").read_text(encoding="utf-8")
    readme = (PROJECT / "REPLICATION.md").read_text(encoding="utf-8")
    folder = (PROJECT / "data" / "README.md").read_text(encoding="utf-8")
    page = availability_page()
    assert "{{" not in page
    for entry in load_collections():
        for text in (entry.name, entry.origin, entry.terms):
            assert text in readme and text in folder and text in page
        assert entry.get in folder and entry.get in page
        assert (entry.included == "yes") != (f"- *{entry.name}:* {entry.get}." in readme)
    assert availability.statement() in front
    assert availability.statement() in readme and availability.statement() in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: A, files: [], from: x, terms: y, get: z, cite: c}", "A: included is missing"),
        ("- {name: A, files: [], from: x, terms: '', included: no, get: z, cite: c}", "A: terms"),
        ("- {name: A, files: [], from: x, terms: y, included: maybe, get: z, cite: c}", "yes, res"),
        ("- {name: A, files: [], from: x, terms: y, included: no, get: z, cite: c, u: 1}", "A: u "),
        ("- [", "not YAML"),
    ],
)
def test_an_unfinished_entry_is_refused(tmp_path, text, said):
    path = tmp_path / "collections.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as refused:
        load_collections(path)
    assert said in str(refused.value)


def test_every_file_behind_an_exhibit_is_there():
    behind = files_behind(PROJECT / "book")
    assert behind["index"] == ("data/published/",)
    assert "src/medalliance/teaching/panel.csv" in behind["estimate-surplus"]
    missing = [
        file
        for files in behind.values()
        for file in files
        if not file.startswith("MEDALLIANCE_") and not (PROJECT / file).exists()
    ]
    assert missing == []


def test_what_is_read_stands_in_the_record_of_what_is_shown_next():
    script = (
        "import medalliance as ma\n"
        "panel = ma.load_panel(); rules = ma.load_rules('split_631')\n"
        "print(*ma.say('{n}', n=1, about=panel).record['files'], sep='\\n')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )  # fmt: skip
    files = ran.stdout.split()
    assert {"src/medalliance/teaching/panel.csv", "src/medalliance/teaching/truth.csv"} <= {*files}
    assert any(name.startswith("data/reforms/scenarios/") for name in files)


def test_names_of_files(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDALLIANCE_MSSP_DIR", str(tmp_path / "files"))
    assert data_name(tmp_path / "files" / "2013.csv") == "MEDALLIANCE_MSSP_DIR/2013.csv"
    assert data_name(data_dir() / ".." / "data" / "glossary.csv") == "data/glossary.csv"
    assert data_name(tmp_path / "mine.csv") == ""


def test_many_files_of_a_folder_become_the_folder():
    many = {f"data/reforms/{letter}.yaml" for letter in "abcde"}
    assert grouped({*many, "data/one.csv"}) == ("data/one.csv", "data/reforms/")
    assert grouped({"data/reforms/", "data/reforms/a.yaml"}) == ("data/reforms/",)
    assert grouped(many - {"data/reforms/a.yaml"}) == tuple(sorted(many - {"data/reforms/a.yaml"}))
