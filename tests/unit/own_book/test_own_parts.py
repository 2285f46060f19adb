"""A chapter, a file or a page that fails costs itself alone; what was finished is kept."""

import json

import nbformat
import pytest

from medalliance.errors import DataError
from medalliance.intake import check_panel
from medalliance.paths import book_dir
from medalliance.press.own_book import build as building
from medalliance.press.own_book.build import OwnBook, build_own_book
from medalliance.press.own_book.folder import KEPT
from medalliance.press.own_book.kernels import ChapterRun
from medalliance.show import documents
from medalliance.simulate import simulate_panel

SOURCE = book_dir()
RECORD = {
    "kind": "table",
    "made_by": "ma.show",
    "badge": "YOURS",
    "source": "a table",
    "caption": "A caption. " * 60,
    "columns": [{"heading": "x", "printed": ["1.5"], "values": [1.5]}],
}


def chapter(name, title="A question"):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {title}\n\nWhy?")])
    return ChapterRun(name, made, (), True, (), 0.1, None)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / "p.csv"
    frame = simulate_panel(20, 6, seed=1, rules="split_631", channels=False).panel.frame
    frame.to_csv(path, index=False)
    return OwnBook(check_panel(path), path, only=("estimate-surplus", "estimate-visits", "methods"))


@pytest.fixture
def stands_in(monkeypatch):
    """Put quick stand-ins for kernels and for the pages' builder."""
    asked, fails, refuses = [], set(), set()

    def run(path, **_):
        asked.append(path.stem)
        if path.stem in fails:
            raise ZeroDivisionError("division by zero")
        return chapter(path.stem)

    def render(staged, pages, environment=None):
        bad = [n for n in refuses if "failed" not in (staged / f"{n}.ipynb").read_text()]
        if bad:
            raise DataError(f"the book does not build.\n{staged}/{bad[0]}.ipynb:10: WARNING")
        pages.mkdir(parents=True)
        (pages / "index.html").write_text((staged / "index.md").read_text())
        return pages

    monkeypatch.setattr(building, "run_chapter", run)
    monkeypatch.setattr(building, "render", render)
    monkeypatch.setattr(building, "finish_pages", lambda new, staged: None)
    return asked, fails, refuses


def test_a_failing_chapter_costs_itself_and_a_second_run_goes_on(own, stands_in, tmp_path):
    asked, fails, _ = stands_in
    fails.add("estimate-visits")
    built = build_own_book(own, SOURCE, tmp_path / "b")
    assert built.failed == {"estimate-visits": "division by zero"}
    page = built.index.read_text()
    assert "estimate-visits: division by zero" in page and "it failed by a fault" in page
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert manifest["failed"] == built.failed
    assert sorted(asked) == ["estimate-surplus", "estimate-visits", "methods"]
    asked.clear(), fails.clear()
    again = build_own_book(own, SOURCE, tmp_path / "b")
    assert asked == ["estimate-visits"] and again.failed == {}
    assert not (tmp_path / "b" / KEPT).exists()


def test_chapters_of_a_build_that_was_cut_off_are_kept(own, stands_in, tmp_path, monkeypatch):
    asked, _, _ = stands_in
    whole = json.loads((build_own_book(own, SOURCE, tmp_path / "w").index.parent / "manifest.json")
                       .read_text())  # fmt: skip
    with monkeypatch.context() as cut:
        cut.setattr(building, "_stage", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build_own_book(own, SOURCE, tmp_path / "b")
    asked.clear()
    build_own_book(own, SOURCE, tmp_path / "b")
    assert asked == []
    found = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert found["results sha256"] == whole["results sha256"]


def test_a_page_that_cannot_be_laid_out_costs_itself(own, stands_in, tmp_path):
    _, _, refuses = stands_in
    refuses.add("estimate-surplus")
    built = build_own_book(own, SOURCE, tmp_path / "b")
    assert list(built.failed) == ["estimate-surplus"] and built.index.is_file()


def test_a_file_that_cannot_be_made_costs_itself(own, stands_in, tmp_path, monkeypatch):
    from medalliance.press.own_book.files import Shown

    item = Shown(
        "estimate-surplus", RECORD, 1, {"data": {"text/html": "<figure></figure>"}}, "told"
    )
    monkeypatch.setattr(
        building.exports, "shown_in", lambda run: [item] if run.name == "estimate-surplus" else []
    )
    real = documents.word
    monkeypatch.setattr(building.exports, "word",
                        lambda tables, title: real(tables, title=title))  # fmt: skip
    built = build_own_book(own, SOURCE, tmp_path / "b")
    assert built.failed == {}
    assert (tmp_path / "b" / "exports" / "estimate-surplus-01-show.docx").stat().st_size > 1000

    def full(*given, **named):
        raise ValueError("no such font")

    monkeypatch.setattr(building.exports, "word", full)
    built = build_own_book(own, SOURCE, tmp_path / "b")
    assert set(built.failed) == {"all-tables", "estimate-surplus-01-show"}
    assert "no such font" in built.index.read_text()


def test_a_title_of_any_length_makes_a_document():
    assert documents.word([RECORD], title=RECORD["caption"]).startswith(b"PK")
