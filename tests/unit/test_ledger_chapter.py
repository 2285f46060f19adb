"""The ledger chapter: the registration before the results, and what runs without the files."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pandas as pd
import pytest

import medalliance as ma
from medalliance.chapters import ledger_chapter as chapter
from medalliance.chapters.ledger_kept import load_by_year_and_track, load_headlines
from medalliance.mssp import ONE_SIDED
from medalliance.paths import PROJECT
from medalliance.press.notebooks import METADATA
from medalliance.registered.ledger_effects import LABELS, REGISTERED, registered_text
from medalliance.show.exhibits import RECORD

REAL = ma.Provenance("REAL", "files")
NOTEBOOK = PROJECT / "book" / "ledger.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def test_the_registration_stands_in_the_chapter_word_for_word(cells):
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert texts.count(registered_text()) == 1


def test_the_registration_stands_before_every_estimate(cells):
    sources = ["".join(cell["source"]) for cell in cells]
    place = sources.index(registered_text())
    estimates = re.compile(
        r"registered\.\w+\(|detectable|bounds\(|renewals\(|rebasing_table|model_table"
    )
    calls = [text for text, cell in zip(sources, cells, strict=True) if cell["cell_type"] == "code"]
    assert sum(bool(estimates.search(text)) for text in calls) > 12
    titles = [k for k, text in enumerate(sources) if text.startswith("## ")]
    below = titles[0]  # the opening says what was found; the registration leads what follows
    early = [text for text in calls if below < sources.index(text) < place]
    early = [text for text in early if estimates.search(text)]
    assert not early, early


def test_the_weakness_stands_in_the_first_paragraph(cells):
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    assert "opening(panel)" in "".join(first["source"])
    shown = "".join(first["outputs"][0]["data"]["text/html"])
    assert "pass all four checks" in shown or "passes all four checks" in shown


def test_no_number_of_a_result_is_typed(cells):
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and text != registered_text():
            assert not re.search(r"\d+\.\d+|\d+ ?%", text), text


def test_kept_tables_agree_with_the_registration():
    kept = load_headlines()
    assert kept["outcome"].tolist() == [LABELS[name] for name in REGISTERED.outcomes]
    assert ((kept["conf_low"] <= kept["estimate"]) & (kept["estimate"] <= kept["conf_high"])).all()
    means = load_by_year_and_track()
    assert (means["in_panel"] <= means["organisations"]).all()
    two = ~means["track"].isin(ONE_SIDED)
    assert ((means["side"] == "two-sided") == two).all()


def test_the_chapter_renders_its_table_without_the_files(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDALLIANCE_MSSP_DIR", str(tmp_path))
    assert 2022 in set(chapter.sides()["year"])


@pytest.fixture
def verdicts(monkeypatch):
    def say(**passed):
        frame = pd.DataFrame(
            {"outcome": list(LABELS), "distinct": 0, "quiet_before": 1, "robust": 0, "bounded": 0}
        )
        frame.loc[0, list(passed)] = list(passed.values())
        monkeypatch.setattr(chapter, "checks", lambda panel: frame)
        return chapter.opening(REAL).text

    return say


def test_the_opening_follows_the_checks(verdicts):
    assert "evidence is weak" in verdicts()
    strong = verdicts(distinct=1, robust=1, bounded=1)
    assert "weak" not in strong
    assert "1 of 6 headlines pass all four checks: surplus rate" in strong


@pytest.mark.parametrize(("require", "outcome"), [("0", "skipped"), ("1", "failed")])
def test_running_the_chapter_again_needs_the_files(tmp_path, require, outcome):
    stub = tmp_path / "book"
    stub.mkdir()
    (stub / "conftest.py").write_bytes((PROJECT / "book" / "conftest.py").read_bytes())
    notebook = nbformat.v4.new_notebook(metadata=METADATA)
    notebook.cells.append(nbformat.v4.new_code_cell("import medalliance\nmedalliance.read_mssp()"))
    record = {"kind": "sentence", "badge": "REAL", "files": ["MEDALLIANCE_MSSP_DIR/"]}
    data = {RECORD: record, "text/html": '<p data-badge="REAL"></p>'}
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data)]
    nbformat.write(notebook, stub / "ledger.ipynb")
    (stub / "pytest.ini").write_text("[pytest]\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "-rs", "-p", "no:cacheprovider"],
        cwd=stub,
        env=os.environ
        | {
            "MEDALLIANCE_MSSP_DIR": str(empty),
            "MEDALLIANCE_REQUIRE_ALL": require,
            "PYTHONPATH": str(PROJECT / "src"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"1 {outcome}" in ran.stdout, ran.stdout
    if outcome == "skipped":
        assert "set MEDALLIANCE_MSSP_DIR" in ran.stdout


def test_the_split_says_its_residual_in_words(cells):
    said = [chapter.residual_words(v) for v in (-3e-17, 0.0, 2e-6, -0.00123)]
    assert said == ["zero to rounding", "zero to rounding", "below 0.0001", "-0.0012"]
    cell = next(c for c in cells if "residual_words" in "".join(c["source"]))
    printed = "".join(cell["outputs"][0]["data"]["text/plain"])
    assert printed.count("zero to rounding") == 4
    assert "0.00000" not in printed
