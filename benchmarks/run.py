"""Compare our speed with the peers', on the same simulated panels, in one run.

usage: python benchmarks/run.py [--sizes S L XL] [--tasks ...] [--peers PYTHON] [--threads 1]

Each task runs in a process of its own: one cold call, then warm ones; the median warm call is
kept. A table goes in, an estimate with its error comes out; making our ``Panel`` is counted.
Results go to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from bench_cases import CASES, OURS, PLAN
from bench_panels import SIZES, staggered_panel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
WORK = ROOT / "build" / "bench"
COLUMNS = ("cpu_seconds", "wall_seconds", "cold_wall_seconds", "peak_mb", "estimate", "std_error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["S", "L", "XL"], choices=list(SIZES))
    parser.add_argument("--tasks", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--peers", type=Path, default=ROOT / "build" / "peers" / "bin" / "python")
    parser.add_argument("--threads", type=int, default=1, help="waiting threads count as CPU")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=300)
    options = parser.parse_args()
    if not options.peers.exists():
        sys.exit(f"{options.peers} is missing: make build/peers/.stamp, or pass --peers PYTHON")
    WORK.mkdir(parents=True, exist_ok=True)
    for size in options.sizes:
        table, rows = write_panel(size), []
        for task, libraries in PLAN[size].items():
            if task not in options.tasks:
                continue
            for library in libraries:
                rows.append(run_one(table, size, task, library, options))
                print(line(rows[-1]), flush=True)
        if rows:
            write(pd.DataFrame(rows), options.threads)


def write_panel(size: str) -> Path:
    """Simulate the panel of a size and store it with the event study that bounds start from."""
    data = staggered_panel(*SIZES[size], seed=1)[["unit", "year", "cohort", "y"]]
    data["region"] = data["unit"] % 31
    if size == "S":
        data.attrs["event_study"] = event_study(data)
    path = WORK / f"{size}.pkl"
    data.to_pickle(path)
    return path


def event_study(data: pd.DataFrame) -> dict[str, object]:
    sys.path.insert(0, str(ROOT / "src"))
    import medalliance as ma

    panel = ma.Panel.from_frame(data, unit="unit", year="year", cohort="cohort")
    effects = ma.twfe(panel, "y", event_study=True)
    event = effects.terms["event_time"].to_numpy(int)
    used = ((event >= -5) & (event != -1) & (event <= 4)).nonzero()[0]
    return {
        "beta": effects.estimate[used].tolist(),
        "sigma": effects.vcov[used][:, used].tolist(),
        "n_pre": int((event[used] < 0).sum()),
    }


def run_one(
    table: Path, size: str, task: str, library: str, options: argparse.Namespace
) -> dict[str, object]:
    python = sys.executable if library == OURS else str(options.peers)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src") if library == OURS else ""}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(options.threads)
    row: dict[str, object] = {"task": task, "size": size, "library": library}
    row["version"] = "" if library == OURS else peer_version(options.peers, library)
    command = [python, str(HERE / "bench_one.py"), str(table), task, library, str(options.repeats)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=options.timeout,
            env=environment,
            cwd=HERE,
        )
    except subprocess.TimeoutExpired:
        return {**row, "status": f"no answer in {options.timeout} s"}
    answer = [text for text in done.stdout.splitlines() if text.startswith("RESULT ")]
    if not answer:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {**row, "status": f"failed: {last[:80]}"}
    found = json.loads(answer[0].removeprefix("RESULT "))
    return {**row, "status": "ok", **{name: found[name] for name in COLUMNS}}


def peer_version(python: Path, library: str) -> str:
    code = f"from importlib.metadata import version; print(version({library!r}))"
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True).stdout.strip()


def line(row: dict[str, object]) -> str:
    if row["status"] != "ok":
        return f"{row['size']:>2}  {row['task']:<32} {row['library']:<13} {row['status']}"
    return (
        f"{row['size']:>2}  {row['task']:<32} {row['library']:<13} "
        f"{row['cpu_seconds']:8.3f} CPU s  {row['wall_seconds']:8.3f} s  {row['peak_mb']:6.0f} MB"
    )


def write(table: pd.DataFrame, threads: int) -> None:
    """Store the table, a page and a figure, with the ratio to our CPU time.

    A run of some tasks replaces those and keeps the others; ratios are always of one run.
    """
    RESULTS.mkdir(exist_ok=True)
    stored = RESULTS / "speed.csv"
    if stored.exists():
        before = pd.read_csv(stored)
        done = set(zip(table["size"], table["task"], strict=True))
        known = {(size, task) for size, tasks in PLAN.items() for task in tasks}
        keys = list(zip(before["size"], before["task"], strict=True))
        kept = before[[key in known and key not in done for key in keys]]
        table = pd.concat([kept, table], ignore_index=True)
    order = {(s, t): n for n, (s, t) in enumerate((s, t) for s in PLAN for t in PLAN[s])}
    place = [order[key] for key in zip(table["size"], table["task"], strict=True)]
    table = table.assign(place=place).sort_values("place", kind="stable").drop(columns="place")
    ours = table[table["library"] == OURS].set_index(["size", "task"])["cpu_seconds"]
    base = [ours.get((s, t)) for s, t in zip(table["size"], table["task"], strict=True)]
    table["cpu_ratio"] = table["cpu_seconds"] / pd.array(base, dtype="Float64").astype(float)
    rounded = table.round(
        {name: 3 for name in COLUMNS if name.endswith("seconds")} | {"peak_mb": 0, "cpu_ratio": 1}
    ).round({"estimate": 6, "std_error": 6})
    rounded.to_csv(RESULTS / "speed.csv", index=False)
    (RESULTS / "speed.md").write_text(page(rounded, threads), encoding="utf-8")
    draw(table)


def page(table: pd.DataFrame, threads: int) -> str:
    head = "| task | size | library | CPU s | wall s | peak MB | CPU, times ours | |"
    rows = [head, "|---|---|---|---:|---:|---:|---:|---|"]
    for row in table.astype(object).where(table.notna(), "").itertuples():
        name = f"**{row.library}**" if row.library == OURS else f"{row.library} {row.version}"
        note = "" if row.status == "ok" else row.status
        rows.append(
            f"| {row.task} | {row.size} | {name} | {row.cpu_seconds} | {row.wall_seconds} | "
            f"{row.peak_mb} | {row.cpu_ratio} | {note} |"
        )
    sizes = "; ".join(f"{key}: {n:,} units x {t} years" for key, (n, t) in SIZES.items())
    foot = (
        f"{sizes}. Median warm call, threads of linear algebra: {threads}, "
        f"Python {platform.python_version()}, numpy {version('numpy')}, pandas {version('pandas')}."
    )
    return "\n".join(rows) + f"\n\n{foot}\n"


def draw(table: pd.DataFrame) -> None:
    sys.path.insert(0, str(ROOT / "src"))
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown = table[table["status"] == "ok"]
    keys = [key for key in shown.groupby(["task", "size"], sort=False).groups if key[1] != "XL"]
    _, ax = plt.subplots(figsize=(6.4, 0.34 * len(keys) + 1.2))
    for place, key in enumerate(reversed(keys)):
        group = shown[(shown["task"] == key[0]) & (shown["size"] == key[1])]
        for row in group.itertuples():
            mine = row.library == OURS
            color, marker = ("#0b6e8f", "o") if mine else ("#b5532a", "s")
            ax.plot(
                row.cpu_seconds, place, marker, color=color, fillstyle="full" if mine else "none"
            )
        ax.hlines(
            place, group["cpu_seconds"].min(), group["cpu_seconds"].max(), color="#888888", lw=1
        )
    ax.set_yticks(range(len(keys)), [f"{task} ({size})" for task, size in reversed(keys)])
    ax.set_xscale("log")
    ax.set_xlabel("CPU seconds (filled: medalliance; open: peers)")
    ax.figure.savefig(RESULTS / "speed.png", dpi=150, bbox_inches="tight", transparent=True)
    plt.close(ax.figure)


if __name__ == "__main__":
    main()
