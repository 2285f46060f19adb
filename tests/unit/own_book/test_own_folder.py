"""The output folder of a reader's book: replaced whole, foreign files untouched."""

import signal
import subprocess
import sys

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
    return {
        p.name: p.read_text()
        for p in output.iterdir()
        if p.is_file() and p.name != MARKER and p.name != folders.LOCK
    }


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


def test_two_builds_in_one_folder_the_second_is_refused_and_the_first_stays_whole(tmp_path):
    output = tmp_path / "mine"
    with own_folder(output) as building:
        (building / NEW / "index").write_text("first")
        with pytest.raises(DataError, match="another command is writing"):
            build(output, index="second")
    assert held(output) == {"index": "first"}
    build(output, index="second")
    assert held(output) == {"index": "second"}


def test_a_lock_of_a_process_that_was_killed_holds_nobody(tmp_path):
    output = tmp_path / "mine"
    script = (
        "import os, sys, signal; from pathlib import Path\n"
        "from medalliance.press.own_book.folder import own_folder\n"
        "with own_folder(Path(sys.argv[1])) as b:\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    ran = subprocess.run([sys.executable, "-c", script, output], check=False)
    assert ran.returncode == -signal.SIGKILL and (output / folders.LOCK).exists()
    build(output, index="one")
    assert held(output) == {"index": "one"}


def publish_and_stop(output):
    with own_folder(output):
        folders.publish(output, {"verdict": b"first"})
        assert held(output)["verdict"] == "first"
        raise KeyboardInterrupt


def test_what_is_published_early_stands_beside_the_earlier_book_and_goes_with_the_next(tmp_path):
    output = tmp_path / "mine"
    build(output, index="one")
    with pytest.raises(KeyboardInterrupt):
        publish_and_stop(output)
    assert held(output) == {"index": "one", "verdict": "first"}
    build(output, index="two")
    assert held(output) == {"index": "two"}
    (output / "verdict").write_text("theirs")
    with pytest.raises(DataError, match="verdict"), own_folder(output):
        folders.publish(output, {"verdict": b"ours"})
    assert held(output) == {"index": "two", "verdict": "theirs"}
