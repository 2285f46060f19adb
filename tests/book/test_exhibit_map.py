"""The map of tables and figures is complete, current and true."""

import ast
import importlib
import json
import re
from collections import Counter

import pytest

from medalliance.__main__ import main
from medalliance.errors import DataError
from medalliance.paths import PROJECT
from medalliance.press.exhibit_map import Listed, first_sentence, read_chapters, short_call
from medalliance.press.exhibit_pages import exhibit_page
from medalliance.press.fingerprints import seeds_in
from medalliance.press.readme import fill, project_texts
from medalliance.show.exhibits import RECORD

BOOK = PROJECT / "book"
NOTEBOOKS = sorted(path for path in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
ROW = re.compile(
    r"^\| (Figure|Table|Sentence) (\d+) \| (\w+) \| (.*) "
    r"\| \[`([\w.]+)(?:\((.*))?`\]\(([\w/.]+)\) \| (\d+) \|$"
)


def listed_rows() -> list[tuple]:
    """Read EXHIBITS.md: notebook, kind, number, badge, function, file, cell."""
    rows, notebook = [], None
    for line in (PROJECT / "EXHIBITS.md").read_text(encoding="utf-8").splitlines():
        heading = re.match(r"^### \[.*\]\(book/(.+)\.ipynb\)$", line)
        notebook = heading[1] if heading else notebook
        if line.startswith("| ") and not line.startswith("| exhibit"):
            found = ROW.match(line)
            assert found, f"a row that cannot be read: {line}"
            kind, number, badge, shown, function, _, file, cell = found.groups()
            assert shown, f"it is not said what is shown: {line}"
            rows.append((notebook, kind, int(number), badge, function, file, int(cell)))
    return rows


def stored_exhibits() -> Counter:
    """Count the exhibits that the notebooks hold, by notebook, cell, kind and badge."""
    found: Counter = Counter()
    kinds = {"figure": "Figure", "table": "Table", "text": "Sentence"}
    for path in NOTEBOOKS:
        name = path.relative_to(BOOK).with_suffix("").as_posix()
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for place, cell in enumerate(cells, start=1):
            for output in cell.get("outputs", []):
                html = "".join(output.get("data", {}).get("text/html", ""))
                for kind, badge in re.findall(
                    r'class="exhibit exhibit-(\w+)" data-badge="(\w+)"', html
                ):
                    found[name, place, kinds[kind], badge] += 1
    return found


def test_every_exhibit_is_listed_exactly_once():
    rows = listed_rows()
    shown = Counter((notebook, cell, kind, badge) for notebook, kind, _, badge, _, _, cell in rows)
    assert shown == stored_exhibits()
    assert max(Counter(row[:3] for row in rows).values()) == 1
    for name in {row[0] for row in rows}:
        for kind in ("Figure", "Table", "Sentence"):
            numbers = [row[2] for row in rows if row[0] == name and row[1] == kind]
            assert numbers == list(range(1, len(numbers) + 1))


def test_every_function_exists_in_the_file_that_is_named():
    for function, file in {(row[4], row[5]) for row in listed_rows()}:
        module = file.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
        module = module.replace("/", ".")
        value = importlib.import_module(module)
        assert f"medalliance.{function}".startswith(f"{module}.")
        path = f"medalliance.{function}".removeprefix(f"{module}.").split(".")
        for part in path:
            value = getattr(value, part)
        assert callable(value)
        text = (PROJECT / file).read_text(encoding="utf-8")
        assert re.search(rf"^ *(def|class) {path[-1]}\b", text, re.MULTILINE)


def test_the_files_are_current():
    stale = [
        path.relative_to(PROJECT).as_posix()
        for path, text in project_texts(PROJECT).items()
        if path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make readme` and commit what it writes"


def test_the_books_page_lists_the_same(tmp_path):
    page = exhibit_page(BOOK)
    assert len(re.findall(r"^\| (Figure|Table|Sentence)&nbsp;", page, re.MULTILINE)) == len(
        listed_rows()
    )
    for path in NOTEBOOKS:
        assert f"]({path.relative_to(BOOK).as_posix()})" in page


RECORDED = {
    "kind": "table", "badge": "REAL", "caption": "Rates & 0.5 shares. More.", "source": "s",
    "made_by": "medalliance.show.front.show", "files": ["data/a.csv"], "columns": [],
}  # fmt: skip


def write_book(folder, *sources: str, **changed) -> None:
    """Write a book of one notebook whose last cell shows an exhibit."""
    cells = [{"cell_type": "markdown", "source": ["# A page\n"]}]
    cells += [{"cell_type": "code", "source": [text], "outputs": []} for text in sources]
    data = {RECORD: {**RECORDED, **changed}, "text/html": ['<figure data-badge="REAL"/>']}
    cells[-1]["outputs"] = [{"data": data}]
    (folder / "page.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    (folder / "_toc.yml").write_text("root: index\nparts: []\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "made_by", "listed"),
    [
        ("x = 1\nma.show(x, y)", "show.front.show", ("show.front", "show", "show(x, y)")),
        ("ma.show(e)", "show.front.show", ("show.front", "show", "show(e)")),
        ("both", "results.compare.Comparison", ("results.compare", "Comparison", "Comparison")),
        ("t.summary()", "chapters.case_page.CasePage.summary",
         ("chapters.case_page", "CasePage.summary", "CasePage.summary()")),
        ("for x in y:\n    display(x)", "show.front.show", ("show.front", "show", "show")),
    ],
)  # fmt: skip
def test_the_record_says_what_made_it_and_the_cell_with_what(tmp_path, source, made_by, listed):
    write_book(tmp_path, "import medalliance as ma", source, made_by=f"medalliance.{made_by}")
    (chapter,) = read_chapters(tmp_path)
    (found,) = chapter.exhibits
    module, function, call = listed
    assert (found.module, found.function) == (f"medalliance.{module}", function)
    assert (found.made_by, found.cell) == (call, 3)
    assert (chapter.title, found.caption, found.badge) == ("A page", "Rates & 0.5 shares.", "REAL")


def test_a_sentence_shows_itself(tmp_path):
    write_book(tmp_path, "ma.say('')", kind="sentence", text="It is 3. More.")
    assert read_chapters(tmp_path)[0].exhibits[0].caption == "It is 3."


def test_an_exhibit_without_its_record_is_refused(tmp_path):
    write_book(tmp_path, "import medalliance")
    path = tmp_path / "page.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace(RECORD, "x"), encoding="utf-8")
    with pytest.raises(DataError, match=r"page\.ipynb, cell 2: an exhibit without record"):
        read_chapters(tmp_path)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One."),
        ("Log(1 - x) of 0.05 vs. 0.1 holds. Next", "Log(1 - x) of 0.05 vs. 0.1 holds."),
        ("It is found. 40 of 50 are. End.", "It is found."),
        ("只有一句。第二句。", "只有一句。"),
        ("No stop\n at all", "No stop at all"),
    ],
)
def test_first_sentence(text, first):
    assert first_sentence(text) == first


def test_a_long_call_keeps_its_head_and_closes():
    call = ast.parse("a.table('x', " + ", ".join(f"word_{n}={n}" for n in range(30)) + ")")
    text = short_call(call.body[0].value)
    assert text.startswith("a.table('x', word_0=0") and text.endswith(", …)") and len(text) <= 64


def test_made_by_carries_the_functions_own_name():
    found = Listed("x", "table", 1, "REAL", "c", 1, "alias.f(2, g(3))", "medalliance.m", "K.f")
    assert (found.made_by, found.name) == ("K.f(2, g(3))", "Table 1")


def test_parts_go_between_their_marks_and_nowhere_else(tmp_path):
    path = tmp_path / "README.md"
    mark = "<!-- a: written by make readme -->"
    path.write_text(f"before\n{mark}\nold\n<!-- /a -->\nafter\n", encoding="utf-8")
    once = fill(path, {"a": "new"})
    assert once == f"before\n{mark}\n\nnew\n\n<!-- /a -->\nafter\n"
    path.write_text(once, encoding="utf-8")
    assert fill(path, {"a": "new"}) == once
    for wrong in ("no mark", f"<!-- /a --> {mark}", once + once, mark):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(DataError, match=r"marks|stands before"):
            fill(path, {"a": "new"})


def test_seeds_are_found_where_they_are_fixed():
    source = (
        "SEED = 5\nMY_SEED: int = 6\nother = 7\nSEEDED = 'no'\n"
        "def f(seed=8, *, n=1): ...\ndef g(*, seed: int = 9): ...\ndef h(seed, rng=None): ..."
    )
    assert sorted(seeds_in(source), key=lambda pair: pair[1]) == [
        ("SEED", 5),
        ("MY_SEED", 6),
        ("f", 8),
        ("g", 9),
    ]


@pytest.fixture
def checkout(tmp_path):
    """Make a small checkout whose README is as the command wrote it."""
    for name in ("README.md", "REPLICATION.md", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_bytes((PROJECT / name).read_bytes())
    for name in ("data", "book"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "README.md").write_bytes((PROJECT / "data" / "README.md").read_bytes())
    write_book(tmp_path / "book", "import medalliance as ma", "ma.show(1)")
    assert main(["readme", "--project", str(tmp_path)]) == 0
    return tmp_path


def test_the_command_checks_then_writes_then_rests(checkout, capsys):
    asked = ["readme", "--project", str(checkout)]
    readme, exhibits = checkout / "REPLICATION.md", checkout / "EXHIBITS.md"
    good, listed = readme.read_text(encoding="utf-8"), exhibits.read_text(encoding="utf-8")
    assert "1 notebook holds 0 figures, 1 table and 0 sentences" in listed
    readme.write_text(good.replace("| yes |", "| maybe |"), encoding="utf-8")
    exhibits.unlink()
    capsys.readouterr()
    assert main([*asked, "--check"]) == 1
    assert "REPLICATION.md, EXHIBITS.md. Run `make readme`" in capsys.readouterr().err
    assert not exhibits.exists()
    assert main(asked) == 0
    assert capsys.readouterr().out.count("\n") == 2
    assert readme.read_text(encoding="utf-8") == good
    assert exhibits.read_text(encoding="utf-8") == listed
    assert main(asked) == 0
    assert capsys.readouterr().out == ""


def test_nothing_is_written_where_something_is_wrong(checkout, capsys):
    asked = ["readme", "--project", str(checkout)]
    (checkout / "EXHIBITS.md").write_text("old", encoding="utf-8")
    readme = (checkout / "README.md").read_bytes()
    (checkout / "README.md").write_text("no marks", encoding="utf-8")
    assert main(asked) == 1
    (checkout / "README.md").write_bytes(readme)
    write_book(checkout / "book", "ma.show(1)", made_by="medalliance.gone.no_such_function")
    assert main(asked) == 1
    assert "no_such_function is not there" in capsys.readouterr().err
    assert (checkout / "EXHIBITS.md").read_text(encoding="utf-8") == "old"
    assert main(["readme", "--project", str(checkout / "nowhere")]) == 1
    assert "Run this in a checkout" in capsys.readouterr().err
