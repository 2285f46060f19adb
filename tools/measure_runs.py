#!/usr/bin/env python3
"""Measure the project's commands in a fresh clone of the committed tree and store what they took.

usage: tools/measure_runs.py [RUN ...] [--python P] [--folder FOLDER] [--draws N] [--output FILE]

RUN is among env, book, again, test, pdf, notebooks, bench, verdict, verdict-large, grade; by
default all but grade. The verdicts are those of simulated panels, drawn before the clock starts.
Runs go in this order in one clone, so that `again` is a second `make book` and `test` finds the
book built. Measure on an idle machine: the load before each run is stored with it.
A run that fails is not stored. Rows of other runs, and of other Pythons, stay. Needs Linux (/proc).
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import datetime
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STORE = ROOT / "benchmarks" / "results" / "run_times.csv"
COLUMNS = (
    "run", "command", "seconds", "cpu_seconds", "peak_memory_mb", "disk_mb", "said", "date",
    "commit", "load_before", "machine", "cores", "memory_gb", "system", "python",
)  # fmt: skip
PROGRAM = [".venv/bin/python", "-m", "medalliance"]


def _panel(counties: int) -> str:
    return f"build/panel-{counties}.csv"


def _verdict(counties: int) -> list[str]:
    return [*PROGRAM, "build", "--data", _panel(counties), "--verdict", "-o", "build/verdict"]


def _drawn(counties: int) -> list[str]:
    given = ["--counties", str(counties), "--years", "12", "--force"]
    return [*PROGRAM, "simulate", *given, "-o", _panel(counties)]


RUNS = {
    "env": ["make", "env"],
    "book": ["make", "book"],
    "again": ["make", "book"],
    "test": ["make", "test"],
    "pdf": ["make", "pdf"],
    "notebooks": ["make", "notebooks"],
    "bench": ["make", "bench"],
    "verdict": _verdict(200),
    "verdict-large": _verdict(2800),
    "grade": ["make", "grade"],
}
BEFORE = {"verdict": _drawn(200), "verdict-large": _drawn(2800)}  # not measured
INTERVAL = 0.2
PR_SET_CHILD_SUBREAPER = 36
MB = 1e6


@dataclass(frozen=True)
class Measured:
    """What a command took: wall and processor seconds, peak memory of all its processes."""

    code: int
    seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    said: str


def main(arguments: list[str] | None = None) -> int:
    """Clone, run, store; return 1 if a command failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar="RUN", help=f"among {', '.join(RUNS)}")
    parser.add_argument(
        "--python", help="program that makes the clone's .venv; by default the newest"
    )
    parser.add_argument("--folder", type=Path, help="keep the clone here; made if it is not there")
    parser.add_argument("--draws", type=int, help="draws of each design for `make grade`")
    parser.add_argument("--output", type=Path, default=STORE)
    given = parser.parse_args(arguments)
    unknown = [name for name in given.runs if name not in RUNS]
    if unknown:
        parser.error(f"no such run: {', '.join(unknown)}. There are {', '.join(RUNS)}.")
    if not Path("/proc/self/smaps_rollup").is_file():
        print("memory is read from /proc: measure on Linux.", file=sys.stderr)
        return 3
    asked = [name for name in RUNS if name in (given.runs or set(RUNS) - {"grade"})]
    if given.python:
        os.environ["PYTHON"] = given.python
    with tempfile.TemporaryDirectory(prefix="measure-") as scratch:
        clone = (given.folder or Path(scratch) / "clone").resolve()
        if not clone.is_dir():
            subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        for name in asked:
            row = measure_run(name, clone, given.draws)
            if row is None:
                return 1
            store(given.output, row)
    return 0


def measure_run(name: str, clone: Path, draws: int | None = None) -> dict[str, str] | None:
    """Run one command in the clone and return its row, or None if it failed."""
    command = list(RUNS[name])
    if name == "grade" and draws is not None:
        command.append(f"ARGS=--draws {draws}")
    if name in BEFORE:
        (clone / "build").mkdir(exist_ok=True)
        ran = subprocess.run(BEFORE[name], cwd=clone, env=environment(), check=False)
        if ran.returncode != 0:
            print(f"{shown(BEFORE[name])} ends with {ran.returncode}; not stored.")
            return None
    load, before = os.getloadavg()[0], disk(clone)
    if load > 0.5:
        print(f"note: the machine is busy (load {load:.1f}); times will be too long", flush=True)
    print(f"{name}: {shown(command)}", flush=True)
    found = measure(command, clone, environment())
    if found.code != 0:
        print(f"{shown(command)} ends with {found.code}; not stored.\n{found.said}")
        return None
    print(f"  {found.seconds:.1f} s, peak {found.peak_memory_mb:,.0f} MB {last_count(found.said)}")
    return {
        "run": name,
        "command": shown(command),
        "seconds": f"{found.seconds:.1f}",
        "cpu_seconds": f"{found.cpu_seconds:.1f}",
        "peak_memory_mb": f"{found.peak_memory_mb:.0f}",
        "disk_mb": f"{max(disk(clone) - before, 0) / MB:.0f}",
        "said": last_count(found.said),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit(clone),
        "load_before": f"{load:.1f}",
        **machine(clone),
    }


def environment() -> dict[str, str]:
    """Return this process's environment without what another checkout or make put there."""
    sys.path.insert(0, str(ROOT / "src"))
    from medalliance.paths import shared_dir

    left_out = ("MAKE", "MFLAGS", "PYTHONPATH", "VIRTUAL_ENV", "MEDALLIANCE_PANEL")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(left_out)}
    if shared_dir().is_dir():
        kept["MEDALLIANCE_SHARED"] = str(shared_dir())
    return kept


def measure(command: list[str], folder: Path, env: dict[str, str]) -> Measured:
    """Run a command to its end and watch the memory of every process that comes from it.

    Memory is the sum of proportional set sizes (shared pages count once), read every 0.2 s.
    Processes whose parent ends stay in the sum: they become ours.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    stop, peak = threading.Event(), [0.0]

    def watch() -> None:
        while not stop.is_set():
            peak[0] = max(peak[0], sum(map(proportional_bytes, descendants(os.getpid()))))
            stop.wait(INTERVAL)

    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out:
        ran = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        watcher = threading.Thread(target=watch)
        watcher.start()
        code = ran.wait()
        seconds = time.perf_counter() - started
        stop.set()
        watcher.join()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        out.seek(0)
        said = "".join(out.readlines()[-30:])
    used = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return Measured(code, seconds, used, peak[0] / MB, said)


def descendants(root: int) -> list[int]:
    """Return the processes below one, at any depth."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:  # it ended meanwhile
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def proportional_bytes(process: int) -> float:
    """Return the memory of a process, a page shared by n of them counted as 1/n; 0 if it ended."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return 1024.0 * int(found[1]) if found else 0.0


def machine(clone: Path) -> dict[str, str]:
    """Return processor, cores, memory, system and the Python of the clone."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    python = clone / ".venv" / "bin" / "python"
    asked = [str(python if python.exists() else sys.executable), "--version"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[-1]
    return {
        "machine": cpu[1].strip() if cpu else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory_gb": f"{pages / 2**30:.0f}",
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "python": version,
    }


def commit(clone: Path) -> str:
    """Return the commit that was measured."""
    asked = ["git", "-C", str(clone), "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def disk(folder: Path) -> int:
    """Return the bytes that a folder takes on disk."""
    asked = subprocess.run(["du", "-sk", str(folder)], capture_output=True, text=True, check=False)
    return 1024 * int(asked.stdout.split()[0])


def last_count(said: str) -> str:
    """Return what pytest counted, without its clock; empty where no test ran."""
    counts = re.findall(r"\d+ passed(?:, \d+ [a-z]+)*", said)
    return counts[-1] if counts else ""


def shown(command: list[str]) -> str:
    """Write a command as one types it; quotes around a variable's value that has spaces."""
    return " ".join(re.sub(r"^([A-Z]+)=(.* .*)$", r'\1="\2"', part) for part in command)


def key(row: dict[str, str]) -> tuple[int, tuple[int, ...]]:
    """Return a row's place: its run, then the minor version of its Python."""
    minor = re.findall(r"\d+", row["python"])[:2]
    return list(RUNS).index(row["run"]), tuple(map(int, minor))


def store(path: Path, row: dict[str, str]) -> None:
    """Put a row in its place, the others as they were; the file is replaced whole."""
    rows = {}
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as lines:
            rows = {key(old): old for old in csv.DictReader(lines)}
    rows[key(row)] = row
    draft = path.with_name(f".{path.name}.new")
    with draft.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows[place] for place in sorted(rows))
    shutil.move(draft, path)


if __name__ == "__main__":
    raise SystemExit(main())
