"""Map every exhibit of the book to the notebook, the call and the function that make it."""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import yaml

from ..errors import DataError
from .notebooks import find_notebooks, read_cells
from .records import stored_exhibits

# a stop ends a sentence unless it belongs to an abbreviation or a small letter follows
_END = re.compile(r"(?<=[.!?])(?<!vs\.)(?<!e\.g\.)(?<!i\.e\.)\s+(?=[^a-z])|(?<=[。！？])")
KINDS = {"figure": "Figure", "table": "Table", "sentence": "Sentence"}


@dataclass(frozen=True)
class Listed:
    """One exhibit as it stands in a notebook.

    Attributes
    ----------
    notebook : str
        Path under the book, without its ending: ``cases/youxi_fujian``.
    kind, number : str, int
        ``figure``, ``table`` or ``sentence`` (of computed numbers); place among those of
        its kind in the notebook, from 1.
    badge : str
        ``REAL``, ``SYNTHETIC``, ``ILLUSTRATIVE`` or ``YOURS``.
    caption : str
        What it shows: first sentence of the caption, or of the sentence itself.
    cell : int
        Place of the cell in the notebook, from 1.
    call : str
        The call that made it, as it is written in the cell, in one line; blank where the cell
        does not end with it.
    module, function : str
        Of the function that was called, or of the result that was displayed.
    """

    notebook: str
    kind: str
    number: int
    badge: str
    caption: str
    cell: int
    call: str
    module: str
    function: str

    @property
    def name(self) -> str:
        """Kind and number: ``Figure 2``."""
        return f"{KINDS[self.kind]} {self.number}"

    @property
    def made_by(self) -> str:
        """The function by its own name, with the arguments of the call: ``table("effect")``."""
        if not self.call:
            return self.function
        called = self.function.rpartition(".")[2]
        return f"{self.function}({self.call.partition(f'{called}(')[2]}"


@dataclass(frozen=True)
class Chapter:
    """A notebook with its title, its part of the book and its exhibits in order."""

    notebook: str
    title: str
    part: str
    exhibits: tuple[Listed, ...]

    def count(self, kind: str) -> int:
        """Count the exhibits of a kind."""
        return sum(listed.kind == kind for listed in self.exhibits)

    @property
    def badges(self) -> tuple[str, ...]:
        """Badges that occur, most frequent first."""
        found = Counter(listed.badge for listed in self.exhibits)
        return tuple(name for name, _ in found.most_common())

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules whose functions make the exhibits, in order of name."""
        return tuple(sorted({listed.module for listed in self.exhibits}))


def read_chapters(book: Path) -> list[Chapter]:
    """Read the exhibits of every notebook of a book from its stored outputs.

    Parameters
    ----------
    book : Path
        Folder of the notebooks, with ``_toc.yml`` for their order.

    Returns
    -------
    list of Chapter
        In the book's order; notebooks that ``_toc.yml`` does not name come last.

    Raises
    ------
    DataError
        If an exhibit holds no record.
    """
    listed = {path.relative_to(book).with_suffix("").as_posix() for path in find_notebooks(book)}
    order = [(name, part) for name, part in _order(book / "_toc.yml") if name in listed]
    rest = sorted(listed - {name for name, _ in order})
    return [_chapter(book, name, part) for name, part in [*order, *((name, "") for name in rest)]]


def _order(toc: Path) -> Iterator[tuple[str, str]]:
    def walk(entries: list[dict[str, Any]], part: str) -> Iterator[tuple[str, str]]:
        for entry in entries:
            yield entry["file"], part
            yield from walk(entry.get("sections", []), part)

    if not toc.is_file():
        return
    content = yaml.safe_load(toc.read_text(encoding="utf-8"))
    yield content["root"], ""
    for part in content.get("parts", []):
        yield from walk(part["chapters"], part["caption"])


def _chapter(book: Path, name: str, part: str) -> Chapter:
    cells = read_cells(book / f"{name}.ipynb")
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    shown = stored_exhibits(cells, f"{name}.ipynb")
    calls = [
        _last_call("".join(cell["source"])) if cell["cell_type"] == "code" else "" for cell in cells
    ]
    numbers, exhibits = Counter[str](), []
    for one in shown:
        numbers[one.kind] += 1
        module, function = _home(str(one.record["made_by"]))
        called = function.rpartition(".")[2]
        call = calls[one.cell - 1] if f"{called}(" in calls[one.cell - 1] else ""
        exhibits.append(
            Listed(
                name, one.kind, numbers[one.kind], one.badge, first_sentence(one.text), one.cell,
                call, module, function,
            )
        )  # fmt: skip
    return Chapter(name, title[1].strip() if title else name, part, tuple(exhibits))


def _home(made_by: str) -> tuple[str, str]:
    """Split the name of a function or class into its module and its own name."""
    parts = made_by.split(".")
    for end in range(len(parts) - 1, 0, -1):
        module, name = ".".join(parts[:end]), ".".join(parts[end:])
        with suppress(ImportError, AttributeError):
            attrgetter(name)(importlib.import_module(module))
            return module, name
    raise DataError(f"{made_by} is not there any more. Run the notebook again.")


def _last_call(source: str) -> str:
    """Return what the last line of a cell calls, in one line; blank where it calls nothing."""
    if not source.strip():
        return ""
    last = ast.parse(source).body[-1]
    shows = isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)
    return short_call(last.value) if shows else ""  # type: ignore[attr-defined]


def first_sentence(text: str) -> str:
    """Return the first sentence of a text, in one line; a stop inside a number ends nothing."""
    line = " ".join(text.split())
    return _END.split(line, maxsplit=1)[0].strip()


def short_call(node: ast.expr, width: int = 64) -> str:
    """Write a call in one line; long arguments give way to an ellipsis."""
    text = ast.unparse(node)
    if len(text) <= width or not isinstance(node, ast.Call):
        return text if len(text) <= width else f"{text[: width - 1]}…"
    given = [ast.unparse(argument) for argument in node.args]
    given += [f"{word.arg}={ast.unparse(word.value)}" for word in node.keywords]
    head = f"{ast.unparse(node.func)}("
    kept: list[str] = []
    for argument in given:
        if len(head) + len(", ".join([*kept, argument])) > width - 4:
            break
        kept.append(argument)
    return f"{head}{', '.join([*kept, '…'])})"
