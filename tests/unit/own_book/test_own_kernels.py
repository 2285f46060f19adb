"""Chapters run apart: refusals become sentences, bugs stay loud, sockets are files."""

import os
import tempfile

import nbformat
import pandas as pd
import pytest

from medalliance.errors import DataError
from medalliance.press.own_book import kernels, pages
from medalliance.press.own_book.chapters import CHAPTERS, Readiness
from medalliance.press.own_book.kernels import run_chapter
from medalliance.press.own_book.pages import annotate, drop_dead_links, for_own_panel, plain
from medalliance.show.documents import excel

REFUSE = "raise DesignError('one treated county\\n  Add counties.')"


def run(tmp_path, *cells):
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_markdown_cell("# A question\n\nWhy?")]
    made.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(made, tmp_path / "chapter.ipynb")
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "panel.parquet")
    return run_chapter(
        tmp_path / "chapter.ipynb", panel=tmp_path / "panel.parquet", scratch=tmp_path / "scratch"
    )


def test_a_refused_exhibit_becomes_a_sentence_and_the_rest_goes_on(tmp_path):
    found = run(
        tmp_path,
        "from medalliance.errors import DesignError\ndef f():\n    " + REFUSE,
        "f()",
        "'after'",
        "import warnings\nwarnings.warn('two units have gaps')",
    )
    assert found.whole
    assert found.refusals == ("one treated county Add counties.",)
    shown = [cell.outputs for cell in found.notebook.cells if cell.cell_type == "code"]
    assert "Not shown: one treated county Add counties." in shown[1][0]["data"]["text/html"]
    assert 'data-badge="YOURS"' in shown[1][0]["data"]["text/html"]
    assert shown[2][0]["data"]["text/plain"] == "'after'"
    assert shown[3] == [] and found.warnings == ("UserWarning: two units have gaps",)
    assert str(tmp_path) not in nbformat.writes(annotate(found, None))
    assert found.seconds > 0 and found.megabytes > 10


def test_cells_that_hang_on_a_refused_one_are_gone(tmp_path):
    found = run(
        tmp_path,
        "from medalliance.errors import DesignError\ndef f():\n    " + REFUSE,
        "steps = f()\nsteps",
        "more = steps + 1\nmore",
        "more",
        "steps = 2\nsteps",
    )
    assert found.whole and len(found.refusals) == 1
    code = [cell for cell in found.notebook.cells if cell.cell_type == "code"]
    assert [cell.source.splitlines()[0] for cell in code[1:]] == ["steps = f()", "steps = 2"]
    assert code[-1].outputs[0]["data"]["text/plain"] == "2"


def test_where_the_first_step_is_refused_the_page_keeps_its_question_and_says_why(tmp_path):
    found = run(
        tmp_path,
        "from medalliance.errors import DesignError",
        f"found = 1\n{REFUSE}\nfound = 2",
        "found.never_reached",
    )
    assert not found.whole
    lacking = Readiness((), {"pay": "“pay” needs pay_T_nurse, which your table lacks."})
    page = [cell.source for cell in annotate(found, lacking).cells]
    assert len(page) == 2 and page[0].startswith("# A question")
    assert "one treated county" in page[1] and "which your table lacks" in page[1]


def test_a_bug_is_no_refusal(tmp_path):
    with pytest.raises(DataError, match=r"chapter\.ipynb fails on this panel(.|\n)*ZeroDivision"):
        run(tmp_path, "1 / 0")


def test_a_kernel_talks_through_files_and_leaves_none_behind(tmp_path):
    folder = tmp_path / ("a" * 100)
    for scratch in (tmp_path / "s", folder):
        with kernels._kernel(scratch) as manager:
            assert manager.transport == "ipc"
            place = manager.ip
            assert len(place.encode()) < 104
    assert not place.startswith(str(tmp_path))
    found = run(tmp_path, "import os\nos.environ['TMPDIR']", "os.getpid()")
    temporary, number = (cell.outputs[0]["data"]["text/plain"] for cell in found.notebook.cells[1:])
    assert str(tmp_path / "scratch") in temporary
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)


def test_workbooks_leave_no_temporary_file_elsewhere(tmp_path, monkeypatch):
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(outside))
    made = []
    real = tempfile.NamedTemporaryFile

    def watched(*given, **options):
        opened = real(*given, **options)
        made.append(opened.name)
        return opened

    monkeypatch.setattr("openpyxl.worksheet._writer.NamedTemporaryFile", watched)
    column = {"name": "a", "heading": "a", "printed": ["x"]}
    record = {"caption": "c", "badge": "YOURS", "source": "s", "columns": [column]}
    with kernels.temporary_files_in(tmp_path / "inside"):
        excel([record], ["a"])
    assert made and all(name.startswith(str(tmp_path / "inside")) for name in made)
    assert tempfile.gettempdir() == str(outside) and not any(outside.iterdir())


def test_pages_of_an_own_book():
    text = "See [trust](trust.ipynb#x), [facts](public-figures.ipynb), [site](https://a.b/c.md)."
    assert drop_dead_links(text, ["trust.ipynb"]) == (
        "See [trust](trust.ipynb#x), facts, [site](https://a.b/c.md)."
    )
    said = "Mine.\n<!-- teaching panel -->\nInvented.\n<!-- end -->\n\nYours."
    assert for_own_panel(said) == "Mine.\nYours."
    assert plain("a_b *c* <d> |e|\n`f`") == r"a\_b \*c\* \<d\> \|e\| \`f\`"


def test_no_chapter_on_a_readers_panel_speaks_of_the_teaching_panel():
    from medalliance.paths import book_dir

    for name in CHAPTERS:
        cells = nbformat.read(book_dir() / f"{name}.ipynb", as_version=4).cells
        prose = " ".join(for_own_panel(c.source) for c in cells if c.cell_type == "markdown")
        for words in ("invented", "teaching panel", "truth is", "own panel"):
            assert words not in prose, (name, words)
    assert pages.title_of(book_dir() / "estimate-surplus.ipynb").startswith("Estimating surplus")
