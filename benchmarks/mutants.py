"""Change the numeric core at random places, one at a time, to see whether a test notices.

Run by ``make mutants`` with the Python of ``build/mutants``. A mutant counts if it changes a
result of ``mutant_probe.py`` or if a test notices; what changes neither is taken as equivalent.
The sample is drawn anew in every run unless ``--seed`` is given.
"""

from __future__ import annotations

import argparse
import ast
import csv
import os
import random
import secrets
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TESTS = {
    "estimators": "tests/unit/test_att_gt.py tests/unit/test_twfe.py tests/unit/test_etwfe.py "
    "tests/unit/test_did_imputation.py tests/unit/test_event_regressions.py "
    "tests/unit/test_few_clusters.py tests/unit/test_separation.py tests/unit/test_edges.py "
    "tests/unit/test_link.py tests/unit/test_spillovers.py tests/unit/test_rebasing.py "
    "tests/unit/test_s*_*.py tests/unit/test_triple_did.py tests/unit/test_panel_regression.py "
    "tests/unit/test_refusals.py tests/unit/test_wrong_calls.py tests/oracle "
    "tests/property/test_every_estimator.py tests/property/test_did_properties.py "
    "tests/property/test_synthetic_properties.py",
    "inference": "tests/unit/inference tests/unit/diagnostics tests/unit/test_edges.py "
    "tests/oracle tests/property/test_inference_properties.py",
    "settlement": "tests/unit/test_settle_engine.py tests/unit/test_settle_exact.py "
    "tests/unit/test_settle_command.py tests/property/test_settle_properties.py "
    "tests/oracle/test_settle_mssp_settlements.py",
    "outcomes": "tests/unit/test_outcomes.py tests/property/test_compositions.py "
    "tests/unit/test_spillovers.py tests/unit/test_link.py tests/oracle/test_share_etwfe.py",
}


def draw(tree: Path, seed: int, size: int) -> list:
    """Draw mutations, evenly over the places where one can be made."""
    modules = [
        path for room in TESTS for path in sorted((tree / "src/medalliance" / room).glob("*.py"))
    ]
    with tempfile.TemporaryDirectory() as folder:
        database = WorkDB(Path(folder) / "work.sqlite", WorkDB.Mode.create)
        init(modules, database, {})
        found = [item.mutations[0] for item in database.work_items]
        database.close()
    found.sort(key=lambda m: (str(m.module_path), m.operator_name, m.occurrence))
    random.Random(seed).shuffle(found)
    return found[: 4 * size]


class _Plain(ast.NodeTransformer):
    """Take out what never runs: annotations and docstrings."""

    def visit_FunctionDef(self, node):
        node.returns = None
        for arg in (*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs):
            arg.annotation = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node):
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def runs_alike(one: str, two: str) -> bool:
    """Say whether two texts are one programme, or the second none at all."""
    try:
        ast.parse(two)
    except SyntaxError:  # the tool takes ``**columns`` for a power
        return True
    return ast.dump(_Plain().visit(ast.parse(one))) == ast.dump(_Plain().visit(ast.parse(two)))


def run(command: str, tree: Path, limit: int) -> tuple[int, str]:
    """Run a command; one that takes too long was noticed."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MEDALLIANCE_SHARED": os.environ.get("MEDALLIANCE_SHARED", str(ROOT.parent / "shared")),
    }
    try:
        done = subprocess.run(
            command, shell=True, cwd=tree, env=environment, timeout=limit, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 1, "too long"
    return done.returncode, done.stdout


def nearest_first(tree: Path, room: str, module: Path) -> str:
    """List the tests of a room, those named like the module first: most are caught there."""
    words = [word for word in module.stem.split("_") if len(word) > 2]
    files = [file for name in TESTS[room].split() for file in sorted(tree.glob(name))]
    files.sort(key=lambda file: not any(word in file.name for word in words))
    return " ".join(str(file.relative_to(tree)) for file in files)


def judge(mutation, tree: Path, python: str, expected: str) -> tuple[str, int, str]:
    """Say whether a mutant is ``caught``, ``equivalent`` or ``survived``, with line and text."""
    path = Path(mutation.module_path)
    room = path.relative_to(tree / "src" / "medalliance").parts[0]
    operator = get_operator(mutation.operator_name)(**(mutation.operator_args or {}))
    with use_mutation(path, operator, mutation.occurrence) as (before, after):
        if after is None or runs_alike(before, after):
            return "never runs", 0, ""
        lines = zip(before.splitlines(), after.splitlines(), strict=False)
        line, text = next((k, b.strip()) for k, (a, b) in enumerate(lines, start=1) if a != b)
        code, numbers = run(f"{python} benchmarks/mutant_probe.py", tree, 300)
        changed = code != 0 or numbers != expected
        flags = "-x -q -p no:cacheprovider -m 'not slow'"
        code, _ = run(f"{python} -m pytest {nearest_first(tree, room, path)} {flags}", tree, 1800)
        if code:
            return "caught", line, text
        return "survived" if changed else "equivalent", line, text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=40, help="mutants that run")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--python", default=str(ROOT / ".venv" / "bin" / "python"))
    chosen = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        archive = subprocess.run(
            ["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True
        )
        subprocess.run(["tar", "x", "-C", folder], input=archive.stdout, check=True)
        code, expected = run(f"{chosen.python} benchmarks/mutant_probe.py", tree, 300)
        if code:
            sys.exit("the probe does not run on the code as it is.")
        for mutation in draw(tree, chosen.seed, chosen.size):
            verdict, line, text = judge(mutation, tree, chosen.python, expected)
            if verdict == "never runs":
                continue
            where = Path(mutation.module_path).relative_to(tree)
            print(f"{verdict:10} {where}:{line}  {text}", flush=True)
            rows.append((verdict, f"{where}:{line}", mutation.operator_name, text))
            write(rows, chosen.seed, chosen.size)
            if len(rows) == chosen.size:
                break
    print((RESULTS / "mutants.md").read_text(encoding="utf-8"))


def write(rows: list[tuple[str, str, str, str]], seed: int, asked: int) -> None:
    """Store verdicts and score beside the speed table, as far as a run has come."""
    with (RESULTS / "mutants.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["verdict", "place", "operator", "mutated_line"])
        writer.writerows(rows)
    count = {name: sum(row[0] == name for row in rows) for name in ("caught", "survived")}
    total = sum(count.values())
    share = count["caught"] / total if total else float("nan")
    short = "" if len(rows) == asked else f"The run was stopped after {len(rows)} of {asked}. "
    said = (
        f"{short}{count['caught']} of {total} mutants that change a result or fail a test "
        f"were caught ({share:.0%}); {len(rows) - total} more change nothing. "
        f"Drawn with seed {seed} on {date.today().isoformat()}; each stands in mutants.csv.\n"
    )
    (RESULTS / "mutants.md").write_text(said, encoding="utf-8")


if __name__ == "__main__":
    main()
