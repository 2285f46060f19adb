"""Badge and source travel with values; nobody passes them to what shows a value."""

import ast
import json

import medalliance as ma
from medalliance.paths import PROJECT
from medalliance.press.notebooks import find_notebooks

HAND = {"badge", "source"}
DOORS = {"from_frame", "from_people", "_from_path"}  # where a value is told what it is made of


def by_hand(text: str) -> list[str]:
    """List the calls of a source that pass a badge or a source, doors aside."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and {word.arg for word in node.keywords} >= HAND:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            found += [] if name in DOORS else [f"line {node.lineno}: {name}"]
    return found


def test_no_call_of_the_package_passes_badge_and_source():
    assert by_hand('table(frame, caption="c", badge="REAL", source="s")') == ["line 1: table"]
    sources = list((PROJECT / "src/medalliance").rglob("*.py"))
    assert len(sources) > 300
    found = {path.name: by_hand(path.read_text(encoding="utf-8")) for path in sources}
    assert not {name: calls for name, calls in found.items() if calls}


def test_no_cell_of_the_book_passes_badge_and_source():
    cells = [
        "".join(cell["source"])
        for path in find_notebooks(PROJECT / "book")
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    assert len(cells) > 300
    assert not [by_hand(text) for text in cells if by_hand(text)]


def test_what_takes_them_by_hand_is_no_public_name():
    assert not {"figure", "table", "sentence"} & set(ma.__all__)
