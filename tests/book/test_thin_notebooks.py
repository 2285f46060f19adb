"""Chapters call the package and tell what it shows; they hold no logic and read no file."""

import ast
import json

import pytest

from medalliance import _HOME
from medalliance.paths import PROJECT
from medalliance.press.notebooks import METADATA, find_notebooks

NOTEBOOKS = find_notebooks(PROJECT / "book")
CELL_LINES = 18
LOGIC = {
    ast.FunctionDef: "def",
    ast.AsyncFunctionDef: "def",
    ast.ClassDef: "class",
    ast.AsyncFor: "a loop",
    ast.While: "a loop",
    ast.With: "with",
    ast.Try: "try",
}
READERS = {"open", "Path", "loadtxt", "genfromtxt", "load"}
# Chapters whose cells a reader may copy into a session: most call the package itself.
OWN_WORDS = (
    *(
        "methods",
        "how-sure",
        "shares",
        "how-wrong",
        "estimate-surplus",
        "estimate-pay",
        "estimate-visits",
    ),
    *("money-and-behaviour", "who-gets-each-yuan", "trust", "ledger"),
    "own-data",
)
SHARE_OF_CALLS = 0.6
ROOMS = (
    *("estimators", "diagnostics", "inference", "registered", "results", "settlement"),
    *("incentives", "embedding", "simulate", "show", "outcomes"),
)
LEAKS = ("object at 0x", "/site-packages/", "/home/", "/tmp/", "/root/", "Traceback")


def thin_problems(cells: list[str]) -> list[str]:
    """List what breaks the rules in the code cells of a notebook."""
    problems = []
    for number, source in enumerate(cells):
        lines = [line for line in source.splitlines() if line.strip()]
        if len(lines) > CELL_LINES:
            problems.append(f"cell {number} has {len(lines)} lines; {CELL_LINES} are allowed")
        try:
            tree = ast.parse(source)
        except SyntaxError as error:
            problems.append(f"cell {number} is not plain Python: {error.msg}")
            continue
        for node in ast.walk(tree):
            problems += [
                f"cell {number}: {word}" for kind, word in LOGIC.items() if type(node) is kind
            ]
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in READERS or name.startswith("read_"):
                    problems.append(f"cell {number} reads a file: {name}")
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "plt"
                and node.attr != "show"
            ):
                problems.append(f"cell {number}: plt.{node.attr}")
    return problems


def output_problems(cells: list[dict]) -> list[str]:
    """List what breaks the rules in the outputs of a notebook."""
    problems, badges = [], 0
    for number, cell in enumerate(cells):
        if cell["execution_count"] is None:
            problems.append(f"cell {number} was not run")
        for output in cell["outputs"]:
            text = json.dumps(output, ensure_ascii=False)
            data = output.get("data", {})
            html = "".join(data.get("text/html", ""))
            badges += html.count("data-badge=")
            problems += [f"cell {number} shows {leak!r}" for leak in LEAKS if leak in text]
            if output["output_type"] == "error":
                problems.append(f"cell {number} failed")
            if output.get("name") == "stderr":
                problems.append(f"cell {number} warned: {''.join(output['text'])[:80]}")
            if any(kind.startswith("image/") for kind in data):
                problems.append(f"cell {number} shows a picture without badge; use exhibits.figure")
            if ("<table" in html or "<img" in html) and "data-badge=" not in html:
                problems.append(f"cell {number} shows a table without badge; use tables.table")
    if not badges:
        problems.append("no exhibit carries a badge")
    return problems


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_thin_executed_and_badged(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    problems = thin_problems(["".join(cell["source"]) for cell in code]) + output_problems(code)
    if notebook["metadata"] != METADATA:
        problems.append("metadata holds more than the kernel; run `make notebooks`")
    assert not problems, f"{path.name}:\n" + "\n".join(problems)


@pytest.mark.parametrize("stem", OWN_WORDS)
def test_most_cells_call_the_package(stem):
    notebook = json.loads((PROJECT / "book" / f"{stem}.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    calls = [bool(public_calls(source)) for source in cells]
    assert sum(calls) >= SHARE_OF_CALLS * len(calls), f"{sum(calls)} of {len(calls)} cells"


def public_calls(source: str) -> list[str]:
    """Return the public estimators, diagnostics, models and showers that a cell calls."""
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "ma"
    }
    return sorted(name for name in called if _HOME.get(name, "").startswith(ROOMS))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f():\n    pass", "def"),
        ("while x:\n    x", "a loop"),
        ("pd.read_csv('x.csv')", "reads a file"),
        ("plt.plot(x)", "plt.plot"),
        ("%time x", "not plain Python"),
        ("\n".join("abcdefghijklmnopqrs"), "19 lines"),
    ],
)
def test_the_rules_can_fail(source, said):
    assert any(said in problem for problem in thin_problems([source]))


def test_plt_show_is_allowed():
    assert thin_problems(["plt.show()"]) == []


def test_a_bare_picture_is_refused():
    output = {"output_type": "display_data", "data": {"image/png": "x"}, "metadata": {}}
    problems = output_problems([{"execution_count": 1, "outputs": [output]}])
    assert any("without badge" in problem for problem in problems)
