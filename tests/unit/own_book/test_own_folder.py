"""The output folder of a reader's book: replaced whole, foreign files untouched."""

import pytest

from medalliance.errors import DataError
from medalliance.press.own_book import folder as folders
from medalliance.press.own_book.folder import BUILDING, MARKER, NEW, own_folder


def build(output, stop=None, **files):
    with own_folder(output) as building:
        (building / "scratch").write_text("gone afterwards")
        for name, text in files.items():
            (building / NEW / name).write_text(text)
        if stop:
            raise stop("cut off")


def held(output):
    return {p.name: p.read_text() for p in output.iterdir() if p.is_file() and p.name != MARKER}


def test_a_second_book_replaces_the_first_and_keeps_what_somebody_put_beside_it(tmp_path):
    output = tmp_path / "deep" / "mine"
    build(output, index="one", old="old")
    (output / "notes.txt").write_text("mine")
    build(output, index="two")
    assert held(output) == {"index": "two", "notes.txt": "mine"}
    assert not (output / BUILDING).exists()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError, DataError])
def test_an_interrupted_build_leaves_the_earlier_book_whole(tmp_path, stop):
    output = tmp_path / "mine"
    build(output, index="one", old="old")
    with pytest.raises(stop):
        build(output, stop, index="half")
    assert held(output) == {"index": "one", "old": "old"}
    assert not (output / BUILDING).exists()


def test_a_first_build_that_fails_leaves_nothing(tmp_path):
    output = tmp_path / "mine"
    with pytest.raises(RuntimeError):
        build(output, RuntimeError)
    assert not output.exists()
    output.mkdir()
    with pytest.raises(RuntimeError):
        build(output, RuntimeError)
    assert list(output.iterdir()) == []


@pytest.mark.parametrize("moves", range(7))
def test_an_exchange_that_is_cut_off_at_any_move_is_undone(tmp_path, monkeypatch, moves):
    output = tmp_path / "mine"
    build(output, a="1", b="1", c="1")
    real, done = type(output).rename, []

    class Killed(BaseException):
        pass

    def rename(self, target):
        if len(done) == moves:
            raise Killed
        done.append(self)
        return real(self, target)

    monkeypatch.setattr(type(output), "rename", rename)
    monkeypatch.setattr(folders, "_restore", lambda output: None)
    with pytest.raises(Killed):
        build(output, b="2", c="2", d="2", e="2")
    monkeypatch.undo()
    folders._restore(output)
    assert held(output) == {"a": "1", "b": "1", "c": "1"}
    build(output, z="3")
    assert held(output) == {"z": "3"}


def test_a_folder_of_somebody_else_is_refused_and_untouched(tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(DataError, match=r"thesis\.docx"):
        build(tmp_path)
    assert held(tmp_path) == {"thesis.docx": "years of work"}


def test_a_file_in_the_way_is_refused(tmp_path):
    path = tmp_path / "mine"
    path.write_text("a file")
    with pytest.raises(DataError, match="is a file"):
        build(path)
    output = tmp_path / "book"
    build(output, index="one")
    (output / "exports").write_text("theirs")
    with pytest.raises(DataError, match="exports"):
        build(output, index="two", exports="ours")
    assert held(output) == {"index": "one", "exports": "theirs"}
