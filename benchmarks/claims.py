"""Time the panel from claims beside plain DuckDB SQL that does the same work.

usage: python benchmarks/claims.py [--rows 1e6 1e7 1e8] [--memory 3GB] [--repeats 1] [--keep]

Claims are generated with a known panel into --folder (build/bench); each contender runs in a
process of its own, in turns, and must return that panel to the fen. Plain SQL is
claims_plain.sql, under the same memory limit. Results go to benchmarks/results/claims.*.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
OURS, PLAIN = "medalliance", "plain DuckDB SQL"
COLUMNS = ["rows", "contender", "wall_seconds", "cpu_seconds", "rows_per_second", "peak_mb",
           "wall_ratio", "cpu_ratio", "memory", "load"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", type=float, default=[1e6, 1e7, 1e8])
    parser.add_argument("--memory", default="3GB")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--contenders", nargs="+", default=[OURS, PLAIN], choices=[OURS, PLAIN])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--keep", action="store_true", help="keep the generated claims")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, claims, work = options.one
        print("RESULT " + json.dumps(run_one(name, Path(claims), Path(work), options.memory)))
        return
    for rows in map(int, options.rows):
        claims = options.folder / f"claims-{rows}"
        truth = generate(claims, rows)
        runs = []
        for _ in range(options.repeats):
            for name in options.contenders:
                found = run_apart(name, claims, truth, options)
                runs.append({"rows": rows, "contender": name, "memory": options.memory, **found})
                print(runs[-1], flush=True)
        write(pd.DataFrame(runs))
        if not options.keep:
            shutil.rmtree(claims)
            truth.unlink()


def generate(claims: Path, rows: int) -> Path:
    """Write claims that give a known panel, unless they are there; return the panel's path."""
    truth = claims.with_suffix(".truth.parquet")
    if truth.exists():
        return truth
    sys.path.insert(0, str(ROOT / "src"))
    import medalliance as ma
    from medalliance.simulate import simulate_claims

    shutil.rmtree(claims, ignore_errors=True)
    counties, years = (40, 6) if rows < 5_000_000 else (100, 12)
    world = ma.simulate_panel(counties, years, channels=False)
    simulate_claims(world, claims, rows=rows, n_jobs=-1, progress=True).to_parquet(truth)
    return truth


def run_apart(
    name: str, claims: Path, truth: Path, options: argparse.Namespace
) -> dict[str, float]:
    work = options.folder / f"work-{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    command = [sys.executable, str(Path(__file__).resolve()), "--memory", options.memory]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    load = os.getloadavg()[0]
    done = subprocess.run(
        [*command, "--one", name, str(claims), str(work)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    answer = [text for text in done.stdout.splitlines() if text.startswith("RESULT ")]
    if not answer:
        sys.exit(f"{name} failed:\n{done.stderr[-3000:]}")
    panel, known = pd.read_parquet(work / "panel.parquet"), pd.read_parquet(truth)
    pd.testing.assert_frame_equal(
        panel, known[list(panel.columns)], check_dtype=False, check_exact=True
    )
    shutil.rmtree(work)
    return {**json.loads(answer[0].removeprefix("RESULT ")), "load": round(load, 1)}


def run_one(name: str, claims: Path, work: Path, memory: str) -> dict[str, float]:
    """Build the panel once in this process; the time of imports counts."""
    output = work / "panel.parquet"
    started = time.perf_counter()
    if name == OURS:
        from medalliance.claims import build_panel_from_claims

        build_panel_from_claims(claims, output, memory=memory)
    else:
        plain(claims, output, memory)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "wall_seconds": time.perf_counter() - started,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }


def plain(claims: Path, output: Path, memory: str) -> None:
    import duckdb

    settings = {"memory_limit": memory, "temp_directory": str(output.parent / "spill"),
                "preserve_insertion_order": False}  # fmt: skip
    text = (HERE / "claims_plain.sql").read_text(encoding="utf-8")
    text = text.format(claims=f"{claims}/*/*/*.parquet", output=output)
    with duckdb.connect(":memory:", config=settings) as connection:
        for statement in text.split(";"):
            if statement.strip():
                connection.execute(statement)


def write(runs: pd.DataFrame) -> None:
    """Store the best run of each contender; sizes that were not run keep their rows."""
    best = runs.sort_values("cpu_seconds").groupby(["rows", "contender"], as_index=False).first()
    stored = RESULTS / "claims.csv"
    if stored.exists():
        before = pd.read_csv(stored)
        done = set(zip(best["rows"], best["contender"], strict=True))
        keys = zip(before["rows"], before["contender"], strict=True)
        best = pd.concat([before[[key not in done for key in keys]], best], ignore_index=True)
    best = best.sort_values(["rows", "contender"], ignore_index=True)
    best["rows_per_second"] = best["rows"] / best["wall_seconds"]
    ours = best[best["contender"] == OURS].set_index("rows")
    for kind in ("wall", "cpu"):
        base = best["rows"].map(ours[f"{kind}_seconds"])
        best[f"{kind}_ratio"] = base / best[f"{kind}_seconds"]
    decimals = {"wall_seconds": 1, "cpu_seconds": 1, "rows_per_second": 0, "peak_mb": 0,
                "wall_ratio": 2, "cpu_ratio": 2}  # fmt: skip
    best = best.round(decimals)[COLUMNS]
    best.to_csv(stored, index=False)
    (RESULTS / "claims.md").write_text(page(best), encoding="utf-8")


def page(table: pd.DataFrame) -> str:
    lines = [
        "| rows | | wall s | CPU s | rows a second | peak MB | ours over it, wall | CPU |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in table.itertuples():
        name = f"**{OURS}**" if row.contender == OURS else row.contender
        lines.append(
            f"| {row.rows:,} | {name} | {row.wall_seconds:,.1f} | {row.cpu_seconds:,.1f} | "
            f"{row.rows_per_second:,.0f} | {row.peak_mb:,.0f} | {row.wall_ratio} | "
            f"{row.cpu_ratio} |"
        )
    foot = (
        f"Memory limit {table['memory'].iloc[-1]} for both, {os.cpu_count()} processors, DuckDB "
        f"{version('duckdb')}, Ibis {version('ibis-framework')}, Python "
        f"{platform.python_version()}; imports counted. Both return the known panel to the fen. "
        "Ours also resumes after an interruption and names the rows that are wrong."
    )
    return "\n".join(lines) + f"\n\n{foot}\n"


if __name__ == "__main__":
    main()
