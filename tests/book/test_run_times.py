"""Run times are measured, stored by a command, and read without loss."""

import csv
import os
import subprocess
import sys

import pytest

from medalliance.errors import DataError
from medalliance.paths import PROJECT
from medalliance.press import command_times
from medalliance.press.command_times import MEANING, CommandTime, load_command_times

sys.path.insert(0, str(PROJECT / "tools"))
import measure_runs

ROW = {
    **dict.fromkeys(measure_runs.COLUMNS, "x"),
    "run": "book",
    "python": "3.11.7",
    "seconds": "270.4",
    "cpu_seconds": "300.0",
    "peak_memory_mb": "812",
    "disk_mb": "119",
    "load_before": "0.1",
    "cores": "2",
    "memory_gb": "24",
}
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def measured(command: list[str]) -> dict[str, float]:
    """Measure in a process of its own: measuring adopts orphans."""
    code = (
        "import sys; sys.path.insert(0, 'tools'); import measure_runs as m; "
        "f = m.measure(sys.argv[1:], m.ROOT, dict(m.os.environ)); "
        "print(f.code, f.seconds, f.cpu_seconds, f.peak_memory_mb)"
    )
    asked = [sys.executable, "-c", code, *command]
    said = subprocess.run(asked, capture_output=True, text=True, cwd=PROJECT, check=True).stdout
    return dict(zip(("code", "seconds", "cpu", "peak"), map(float, said.split()), strict=True))


def touched(size: int) -> str:
    """Write code that holds so many bytes, and never more."""
    return f"held = bytearray({size}); held[::4096] = b'x' * len(range(0, {size}, 4096))"


@on_linux
def test_peak_memory_is_the_sum_over_children_and_orphans():
    hold = f"import time; {touched(150_000_000)}; time.sleep(1.5)"
    # one child that is waited for, one whose parent ends at once
    script = f'{sys.executable} -c "{hold}" & ({sys.executable} -c "{hold}" &) ; wait; sleep 0.7'
    found = measured(["bash", "-c", script])
    assert found["code"] == 0
    assert 300 < found["peak"] < 480
    assert found["seconds"] > 1.5


@on_linux
def test_shared_pages_count_once():
    script = (
        f"import os, time; {touched(200_000_000)}\n"
        "if os.fork() == 0: time.sleep(1); os._exit(0)\n"
        "time.sleep(0.6); os.wait()"
    )
    assert 200 < measured([sys.executable, "-c", script])["peak"] < 330


@on_linux
def test_a_command_that_fails_is_not_stored(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(measure_runs.RUNS, "book", ["false"])
    monkeypatch.setattr(measure_runs, "measure", lambda *_: measure_runs.Measured(2, 1, 1, 1, "no"))
    output = tmp_path / "run_times.csv"
    assert measure_runs.main(["book", "--folder", str(tmp_path), "--output", str(output)]) == 1
    assert not output.exists()
    assert "not stored" in capsys.readouterr().out


def test_an_unknown_run_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        measure_runs.main(["bok"])
    assert ended.value.code == 2
    assert "There are env, book" in capsys.readouterr().err


def test_storing_replaces_one_row_and_keeps_the_others(tmp_path):
    path = tmp_path / "run_times.csv"
    for row in (ROW, {**ROW, "run": "test"}, {**ROW, "seconds": "5.0"}):
        measure_runs.store(path, row)
    assert [(run.run, run.seconds) for run in load_command_times(path)] == [
        ("book", 5),
        ("test", 270.4),
    ]
    assert os.listdir(tmp_path) == ["run_times.csv"]


def test_each_python_keeps_its_own_row(tmp_path):
    path = tmp_path / "run_times.csv"
    for python, seconds in (("3.13.0", "9"), ("3.11.7", "8"), ("3.13.1", "7"), ("3.9.0", "6")):
        measure_runs.store(path, {**ROW, "python": python, "seconds": seconds})
    found = load_command_times(path)
    assert [(run.minor, run.seconds) for run in found] == [("3.9", 6), ("3.11", 8), ("3.13", 7)]


def test_the_readmes_table_has_a_column_a_python(tmp_path, monkeypatch):
    path = tmp_path / "run_times.csv"
    for run, python in (("test", "3.13.0"), ("book", "3.11.7"), ("test", "3.11.7")):
        measure_runs.store(path, {**ROW, "run": run, "python": python})
    monkeypatch.setattr(command_times, "results_dir", lambda: tmp_path)
    head, _, env, book, test = command_times.short_table().splitlines()
    assert head.endswith("| Python 3.11 | Python 3.13 |")
    assert env.endswith("| not measured | not measured |")
    assert book.endswith("| 4 min 30 s | not measured |")
    assert test.endswith("| 4 min 30 s | 4 min 30 s |")


def test_what_is_stored_is_what_is_read():
    assert set(CommandTime.__dataclass_fields__) == set(measure_runs.COLUMNS)
    assert list(MEANING) == list(measure_runs.RUNS)
    with (PROJECT / "benchmarks/results/run_times.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    read = load_command_times()
    assert [run.run for run in read] == [row["run"] for row in rows]
    assert all(run.seconds >= 0 and run.peak_memory_mb > 0 for run in read)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.03, "under 1 s"), (43.4, "43 s"), (59.7, "1 min 0 s"), (270.4, "4 min 30 s"),
     (3599.8, "1 h 0 min"), (7530, "2 h 6 min")],
)  # fmt: skip
def test_times_in_words(tmp_path, seconds, words):
    measure_runs.store(tmp_path / "t.csv", {**ROW, "seconds": str(seconds)})
    assert load_command_times(tmp_path / "t.csv")[0].time == words


def test_a_file_that_was_typed_by_hand_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    measure_runs.store(path, {**ROW, "seconds": "fast"})
    with pytest.raises(DataError, match=r"line 2.*fast.*make measure"):
        load_command_times(path)
    path.write_text("run,seconds\nbook,3\n", encoding="utf-8")
    with pytest.raises(DataError, match="columns differ"):
        load_command_times(path)
    assert load_command_times(tmp_path / "none.csv") == []


def test_a_variable_with_spaces_is_quoted_and_pytest_is_heard():
    assert measure_runs.shown(["make", "grade", "ARGS=--draws 9"]) == 'make grade ARGS="--draws 9"'
    said = "........\n2804 passed, 3 skipped, 12 warnings in 270.31s (0:04:30)\n"
    assert measure_runs.last_count(said) == "2804 passed, 3 skipped, 12 warnings"
    assert measure_runs.last_count("built") == ""
