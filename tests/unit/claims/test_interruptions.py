"""A run that is killed leaves nothing half-written, and the next one goes on from there."""

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest

from medalliance import DataError, build_panel_from_claims
from medalliance.claims import _build, _inputs
from medalliance.claims._work import Work, digest
from medalliance.paths import PROJECT

SLOW = """
import sys, time
from medalliance.claims import _build, _inputs, build_panel_from_claims
_build.BYTES_A_ROW, _inputs.BATCH_ROWS = 20_000, 20_000
if len(sys.argv) > 3:
    net = _build._Run._net
    def slowly(self, name, place, found):
        net(self, name, place, found)
        print("netted", place, flush=True)
        time.sleep(60 * (place == 1))
    _build._Run._net = slowly
report = build_panel_from_claims(sys.argv[1], sys.argv[2], memory="300MB")
print("resumed", report.resumed)
"""


def start(folder, output, *more):
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, str(folder), str(output), *more],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src")},
    )


def test_a_killed_run_is_resumed(claims_folder, tmp_path):
    folder, known = claims_folder
    output = tmp_path / "panel.parquet"
    first = start(folder, output, "slowly")
    assert first.stdout.readline() == "netted 0\n"
    assert first.stdout.readline() == "netted 1\n"
    with pytest.raises(DataError, match="another run is working here"):
        build_panel_from_claims(folder, output)
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()
    assert not output.exists()
    work = tmp_path / "panel.parquet.work"
    done = {path.name for path in work.iterdir() if path.name.startswith(("read-", "net-"))}
    assert sum(name.startswith("net-") for name in done) == 2
    second = start(folder, output)
    said, _ = second.communicate()
    assert second.returncode == 0
    assert said.split() == ["resumed", str(len(done))]
    pd.testing.assert_frame_equal(pd.read_parquet(output), known, check_exact=True)
    assert not work.exists()


def test_pieces_of_other_files_are_not_used(claims_folder, tmp_path, monkeypatch):
    folder, known = claims_folder
    monkeypatch.setattr(_inputs, "BATCH_ROWS", 20_000)
    output = tmp_path / "panel.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(_build._Run, "_count", interrupt)
        with pytest.raises(KeyboardInterrupt):
            build_panel_from_claims(folder, output)
    n_batches = len(list((tmp_path / "panel.parquet.work").glob("read-*")))
    file = next(folder.rglob("*.parquet"))
    before = file.stat()
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    report = build_panel_from_claims(folder, output)
    assert report.resumed == n_batches - 1 > 0  # nothing netted is used
    pd.testing.assert_frame_equal(report.frame, known, check_exact=True)


def test_restart_throws_finished_pieces_away(claims_folder, tmp_path, monkeypatch):
    folder, known = claims_folder
    output = tmp_path / "panel.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(_build._Run, "_count", interrupt)
        with pytest.raises(KeyboardInterrupt):
            build_panel_from_claims(folder, output)
    assert (tmp_path / "panel.parquet.work").is_dir()
    report = build_panel_from_claims(folder, output, restart=True)
    assert report.resumed == 0
    pd.testing.assert_frame_equal(report.frame, known, check_exact=True)


def interrupt(*_):
    raise KeyboardInterrupt


def test_a_piece_has_its_name_only_when_it_is_whole(tmp_path):
    def fails(part):
        (part / "half").write_text("half")
        raise OSError(28, "No space left on device")

    def make_two():
        with Work(tmp_path / "work") as work:
            work.piece("one", lambda part: (part / "a").write_text("a"))
            work.piece("two", fails)

    with pytest.raises(OSError, match="space"):
        make_two()
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["lock", "one"]
    with Work(tmp_path / "work") as work:
        assert work.has("one") and not work.has("two")
        work.keep_only(["three"])
        assert not work.has("one")
    assert not (tmp_path / "work").exists()


def test_names_follow_content():
    assert digest("a", "b") != digest("ab", "") != digest("a", "b", "")
