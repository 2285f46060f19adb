import hashlib
import re
import subprocess

import nbformat
import pytest

from medalliance.__main__ import main
from medalliance.codebook import load_codebook
from medalliance.errors import DataError
from medalliance.evidence import load_sources
from medalliance.paths import PROJECT
from medalliance.press import book, pages, run_times, status
from medalliance.press.fingerprints import commit
from medalliance.press.notebooks import METADATA, execute, find_notebooks


def _notebook(path, *sources):
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(made, path)
    return path


def test_executing_twice_changes_no_byte(tmp_path):
    path = _notebook(tmp_path / "a.ipynb", "import medalliance as ma\nlen({'b', 'a'})")
    text, seconds = execute(path)
    path.write_text(text, encoding="utf-8")
    assert execute(path)[0] == text
    assert seconds > 0
    read = nbformat.reads(text, as_version=4)
    assert read.metadata == METADATA
    assert read.cells[0].outputs[0].data["text/plain"] == "2"


def test_the_kernel_sees_a_reader_s_panel_only_when_one_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDALLIANCE_PANEL", "left over")
    show = "import os\nprint(os.environ.get('MEDALLIANCE_PANEL'), os.environ['OMP_NUM_THREADS'])"
    path = _notebook(tmp_path / "a.ipynb", show)
    assert '"None 1\\n"' in execute(path)[0]
    assert str(tmp_path / "mine.csv") in execute(path, panel=tmp_path / "mine.csv")[0]


def test_a_failing_cell_is_named(tmp_path):
    path = _notebook(tmp_path / "broken.ipynb", "1 / 0")
    with pytest.raises(DataError, match=r"broken\.ipynb fails(.|\n)*ZeroDivisionError"):
        execute(path)


def test_checkpoints_are_no_chapters(tmp_path):
    (tmp_path / ".ipynb_checkpoints").mkdir()
    _notebook(tmp_path / ".ipynb_checkpoints" / "a.ipynb", "1")
    kept = _notebook(tmp_path / "b.ipynb", "1")
    assert find_notebooks(tmp_path) == [kept]


def test_every_source_is_listed_with_its_anchor_under_its_grade():
    text = pages.sources()
    for row in load_sources().itertuples():
        assert f"`{row.source_id}`" in text
    assert text.count(")=\n**") == len(load_sources())
    assert set(pages.GRADES) == set(load_codebook().grades)


def test_the_glossary_holds_every_variable_in_both_languages():
    text = pages.glossary()
    assert "county medical alliance** · 紧密型县域医共体" in text
    missing = [name for name in load_codebook().variables if f"`{name}`" not in text]
    assert missing == []


def test_availability_counts_the_files_that_are_shipped():
    text = pages.availability()
    assert "{{" not in text
    for path in (PROJECT / "data" / "published").glob("*.csv"):
        assert f"`data/published/{path.name}`" in text


def test_staging_again_touches_only_what_changed(tmp_path):
    source, staged = tmp_path / "book", tmp_path / "work" / "source"
    (source / "_static").mkdir(parents=True)
    (source / "a.md").write_text("# A")
    (source / "b.md").write_text("# B")
    book.stage(source, staged)
    before = {path.name: path.stat().st_mtime_ns for path in staged.rglob("*") if path.is_file()}
    assert {"a.md", "b.md", "glossary.md", "status.md", "tex-svg.js"} <= set(before)
    (source / "a.md").write_text("# A, again")
    (source / "b.md").unlink()
    book.stage(source, staged)
    after = {path.name: path.stat().st_mtime_ns for path in staged.rglob("*") if path.is_file()}
    assert {name for name in before if after.get(name) != before[name]} == {"a.md", "b.md"}


def test_a_page_that_was_renamed_does_not_stay(tmp_path, monkeypatch):
    staged, html = tmp_path / "source", tmp_path / "pages" / "_build" / "html"
    for folder in (staged / "_static", html / "cases", html / "_static"):
        folder.mkdir(parents=True)
    (staged / "new.md").write_text("# New")
    for name in ("index", "new", "old", "cases/gone", "search", "_static/macro"):
        (html / f"{name}.html").write_text("<html></html>")
    (staged / "index.md").write_text("# Home")
    monkeypatch.setattr(book, "_built", lambda *args: html)
    book.render(staged, tmp_path / "pages")
    kept = {path.relative_to(html).with_suffix("").as_posix() for path in html.rglob("*.html")}
    assert kept == {"index", "new", "search", "_static/macro"}


@pytest.mark.slow
def test_a_warning_stops_the_book_and_leaves_no_page(tmp_path):
    source = tmp_path / "book"
    (source / "_static").mkdir(parents=True)
    (source / "_config.yml").write_text("title: T\nonly_build_toc_files: true\n")
    (source / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (source / "index.md").write_text("# T\n\n{ref}`nowhere`\n")
    with pytest.raises(DataError, match="nowhere"):
        book.build_book(source, tmp_path / "work", tmp_path / "html")
    assert not (tmp_path / "html").exists()


def test_code_is_folded_where_it_shows_something_and_left_out_where_it_does_not():
    notebook = nbformat.v4.new_notebook()
    shown = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="1")])
    silent, own = nbformat.v4.new_code_cell("import sys"), nbformat.v4.new_code_cell("2")
    own["metadata"]["tags"] = ["remove-input"]
    notebook.cells = [nbformat.v4.new_markdown_cell("# A"), shown, silent, own]
    folded = nbformat.reads(book.fold_code(nbformat.writes(notebook)), as_version=4)
    tags = [cell["metadata"].get("tags") for cell in folded.cells]
    assert tags == [None, ["hide-input"], ["remove-input"], ["remove-input"]]


def test_the_status_page_names_commit_files_and_times(tmp_path):
    _notebook(tmp_path / "a.ipynb", "1", "2\n3")
    _notebook(tmp_path / "b.ipynb", "1")
    times = run_times.updated_times(tmp_path, {tmp_path / "a.ipynb": (12.34, True)})
    (tmp_path / run_times.FILE).write_text(times, encoding="utf-8")
    text = status.status(tmp_path)
    assert "| [a](a.ipynb) | 2 | 3 | 12.3 |" in text
    assert "| [b](b.ipynb) | 1 | 1 | not measured |" in text
    assert run_times.machine() in text
    panel = PROJECT / "src" / "medalliance" / "teaching" / "panel.csv"
    assert hashlib.sha256(panel.read_bytes()).hexdigest()[:12] in text
    sums = dict(line.split("  ")[::-1] for line in status.checksum_file().splitlines())
    named = {f"data/{path.name}" for path in (PROJECT / "data").glob("*.*")}
    assert named <= set(sums)
    for name, digest in sums.items():
        assert hashlib.sha256((PROJECT / name).read_bytes()).hexdigest() == digest


def test_a_commit_is_known_only_in_a_checkout_of_the_project(tmp_path):
    def git(*words):
        named = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        subprocess.run(["git", "-C", tmp_path, *named, *words], check=True, capture_output=True)

    assert commit(tmp_path) == ""
    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "One")
    head = commit(tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", head)
    (tmp_path / "a").write_text("2")
    assert commit(tmp_path) == f"{head} with changed files"
    (tmp_path / "inside").mkdir()
    assert commit(tmp_path / "inside") == ""


def test_a_run_time_belongs_to_the_run_that_wrote_the_outputs(tmp_path):
    first, second = (_notebook(tmp_path / f"{name}.ipynb", "1") for name in "ab")
    elsewhere = tmp_path.parent / "c.ipynb"

    def keep(runs):
        text = run_times.updated_times(tmp_path, runs)
        if text is not None:
            (tmp_path / run_times.FILE).write_text(text, encoding="utf-8")
        return {name: seconds for name, (seconds, _) in run_times.read_times(tmp_path).items()}

    assert keep({first: (1.0, True), elsewhere: (9.0, True)}) == {"a.ipynb": "1.0"}
    assert keep({first: (2.0, False), second: (3.0, False)}) == {"a.ipynb": "1.0", "b.ipynb": "3.0"}
    assert run_times.updated_times(tmp_path, {first: (5.0, False)}) is None
    assert keep({first: (4.0, True)}) == {"a.ipynb": "4.0", "b.ipynb": "3.0"}
    second.unlink()
    assert keep({}) == {"a.ipynb": "4.0"}


def test_the_command_keeps_run_times_beside_the_notebooks(tmp_path, monkeypatch):
    monkeypatch.setattr("medalliance.paths.book_dir", lambda: tmp_path)
    _notebook(tmp_path / "a.ipynb", "1")
    assert main(["notebooks", "-j", "1"]) == 0
    written = (tmp_path / run_times.FILE).read_bytes()
    assert b"a.ipynb," in written
    assert main(["notebooks", "-j", "1"]) == 0
    assert (tmp_path / run_times.FILE).read_bytes() == written
