"""The outcome chapters run unchanged on a reader's panel, and their badges turn to YOURS."""

import ast
import json
import re

import pytest

from medalliance.errors import DesignError
from medalliance.paths import PROJECT
from medalliance.press.own_book.kernels import KNOWN_TRUTH
from medalliance.provenance import Badge
from medalliance.show.exhibits import Exhibit, Sentence
from medalliance.simulate import simulate_panel

CHAPTERS = [
    "estimate-surplus",
    "estimate-pay",
    "estimate-visits",
    "money-and-behaviour",
    "how-wrong",
]


@pytest.fixture(scope="module")
def own_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("reader") / "panel.csv"
    drawn = simulate_panel(60, 10, seed=11, rules=["one_sided", "split_631"], channels=False)
    drawn.panel.frame.to_csv(path, index=False)
    return path


def shown_by(source: str, names: dict) -> object:
    """Run a cell and return what its last line shows."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return (
        None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    )


def fewer_draws(source: str) -> str:
    return re.sub(r"n_draws=\d+", "n_draws=20", source)


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_runs_on_a_readers_panel(chapter, own_file, monkeypatch):
    monkeypatch.setenv("MEDALLIANCE_PANEL", str(own_file))
    book = json.loads((PROJECT / "book" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    names: dict = {}
    exhibits, refused = [], []
    for cell in book["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or source.startswith(KNOWN_TRUTH):
            continue
        try:
            exhibits.append(shown_by(fewer_draws(source), names))
        except DesignError as refusal:  # a sentence in a reader's book
            refused.append(str(refusal))
        except NameError:  # hangs on a refused one
            assert refused
    exhibits = [shown for shown in exhibits if shown is not None]
    assert len(exhibits) > len(refused)
    assert exhibits
    for shown in exhibits:
        assert isinstance(shown, Exhibit | Sentence)
        assert shown.badge == Badge.YOURS
        assert "teaching panel" not in shown.source
        text = getattr(shown, "text", "")
        assert "true effect" not in text or "not available" in text
