"""Every data file has its origin and terms; every notebook says what it reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_project_files import tracked

from medalliance.errors import DataError
from medalliance.paths import PACKAGE, PROJECT, data_dir
from medalliance.press import availability
from medalliance.press.data_collections import load_collections
from medalliance.press.files_read import (
    REPORT,
    files_read_text,
    grouped,
    known_name,
    load_files_read,
    merged,
)
from medalliance.press.notebooks import run_notebook
from medalliance.press.pages import availability as availability_page

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


def test_every_notebook_has_its_record_and_every_file_is_there():
    read = load_files_read()
    book = PROJECT / "book"
    names = {
        path.relative_to(book).with_suffix("").as_posix()
        for path in book.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in path.parts
    }
    assert set(read) <= names, "run `make notebooks`"
    assert {"index", "surplus", "ledger"} <= set(read)
    missing = [
        file
        for files in read.values()
        for file in files
        if not file.startswith("MEDALLIANCE_") and not (PROJECT / file).exists()
    ]
    assert missing == []
    assert files_read_text(read) == (book / "files_read.csv").read_text(encoding="utf-8")


def test_a_notebook_reads_what_its_record_says():
    ran = run_notebook(PROJECT / "book" / "index.ipynb")
    assert ran.files == load_files_read()["index"] == ("data/published/",)


def test_only_data_that_were_opened_to_read_are_reported(tmp_path):
    report, own = tmp_path / "report.txt", tmp_path / "own.csv"
    own.write_text("a\n", encoding="utf-8")
    script = (
        "from medalliance.press.files_read import watch; watch()\n"
        "from medalliance.paths import data_dir, PACKAGE\n"
        "import pandas as pd\n"
        "import medalliance as ma\n"
        "open(data_dir() / 'glossary.csv').close(); (data_dir() / 'glossary.csv').read_text()\n"
        f"open({str(own)!r}).close(); open({str(own)!r}, 'w').close()\n"
        "pd.read_csv(PACKAGE / 'teaching' / 'truth.csv'); ma.load_panel()\n"
    )
    environment = {**os.environ, REPORT: str(report), "PYTHONPATH": str(PACKAGE.parent)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    assert set(report.read_text(encoding="utf-8").splitlines()) - {"data/codebook.yaml"} == {
        "data/glossary.csv",
        "src/medalliance/teaching/truth.csv",
        "src/medalliance/teaching/panel.csv",
    }


def test_names_of_files(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDALLIANCE_MSSP_DIR", str(tmp_path / "files"))
    assert known_name(tmp_path / "files" / "2013.csv") == "MEDALLIANCE_MSSP_DIR/2013.csv"
    assert known_name(data_dir() / ".." / "data" / "glossary.csv") == "data/glossary.csv"
    assert known_name(PACKAGE / "paths.py") is None
    assert known_name(tmp_path / "mine.csv") is None


def test_many_files_of_a_folder_become_the_folder():
    many = {f"data/reforms/{letter}.yaml" for letter in "abcde"}
    assert grouped({*many, "data/one.csv", "data/codebook.yaml"}) == [
        "data/one.csv",
        "data/reforms/",
    ]
    assert grouped(many - {"data/reforms/a.yaml"}) == sorted(many - {"data/reforms/a.yaml"})


def test_a_new_run_replaces_its_record_alone(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.ipynb").touch()
    ran = {tmp_path / "b.ipynb": ("y",), Path("elsewhere.ipynb"): ("z",)}
    assert merged({"a": ("x",), "b": ("w",), "gone": ("v",)}, ran, tmp_path) == {
        "a": ("x",),
        "b": ("y",),
    }
