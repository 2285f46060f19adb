"""Map every exhibit of the book to the notebook, the call and the function that make it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from ..errors import DataError
from .notebooks import find_notebooks, read_cells
from .stored_exhibits import stored_exhibits

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
        First sentence of the caption; empty for a sentence, which is its own text.
    cell : int
        Place of the cell in the notebook, from 1.
    call : str
        What the cell shows, as it is written there, in one line.
    module, function : str
        Of the function that is called; empty where it cannot be told.
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
        return f"{self.function}({self.call.partition('(')[2]}" if self.function else self.call


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
        return tuple(sorted({listed.module for listed in self.exhibits} - {""}))


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
        If an exhibit holds no badge or no caption.
    """
    listed = {path.relative_to(book).with_suffix("").as_posix() for path in find_notebooks(book)}
    order = [(name, part) for name, part in _order(book / "_toc.yml") if name in listed]
    rest = sorted(listed - {name for name, _ in order})
    return [_chapter(book, name, part) for name, part in [*order, *((name, "") for name in rest)]]


def unresolved(chapters: list[Chapter]) -> list[str]:
    """List the exhibits whose function cannot be told from the cell."""
    return [
        f"{chapter.notebook}.ipynb, cell {listed.cell}: {listed.call}"
        for chapter in chapters
        for listed in chapter.exhibits
        if not listed.function
    ]


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
    scope, numbers, exhibits = _Scope(), Counter[str](), []
    for place, cell in enumerate(cells, start=1):
        if cell["cell_type"] != "code":
            continue
        call, module, function = scope.run("".join(cell["source"]))
        for kind, badge, caption in _shown(cell, f"{name}.ipynb, cell {place}"):
            numbers[kind] += 1
            exhibits.append(
                Listed(name, kind, numbers[kind], badge, caption, place, call, module, function)
            )
    return Chapter(name, title[1].strip() if title else name, part, tuple(exhibits))


def _shown(cell: dict[str, Any], where: str) -> Iterator[tuple[str, str, str]]:
    for found in stored_exhibits([cell]):
        if found.kind not in KINDS or not found.badge or not found.text:
            raise DataError(f"{where}: an exhibit without kind, badge or caption. Run it again.")
        caption = "" if found.kind == "sentence" else first_sentence(found.text)
        yield found.kind, found.badge, caption


def first_sentence(text: str) -> str:
    """Return the first sentence of a text, in one line; a stop inside a number ends nothing."""
    line = " ".join(text.split())
    return _END.split(line, maxsplit=1)[0].strip()


class _Instance:
    """A value of which only the class is known."""

    def __init__(self, kind: type) -> None:
        self.kind = kind


class _Scope:
    """What the names of a notebook stand for, followed from cell to cell without running it."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def run(self, source: str) -> tuple[str, str, str]:
        """Take up a cell; return the call of its last line, the function's module and name."""
        statements = ast.parse(source).body
        for statement in statements:
            self._bind(statement)
        last = statements[-1] if statements else None
        if not isinstance(last, ast.Expr) or not isinstance(last.value, ast.Call):
            return "", "", ""
        return short_call(last.value), *_home(self._value(last.value.func))

    def _bind(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                module = importlib.import_module(alias.name)
                top = importlib.import_module(alias.name.split(".")[0])
                self.names[alias.asname or alias.name.split(".")[0]] = (
                    module if alias.asname else top
                )
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            for alias in statement.names:
                self.names[alias.asname or alias.name] = _imported(statement.module, alias.name)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    self.names[target.id] = self._value(statement.value)

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._value(node.value)
            if owner is None:
                return None
            return getattr(owner.kind if isinstance(owner, _Instance) else owner, node.attr, None)
        if isinstance(node, ast.Call):
            called = self._value(node.func)
            kind = called if inspect.isclass(called) else _returned(called)
            return _Instance(kind) if inspect.isclass(kind) else None
        return None


def _imported(module: str, name: str) -> Any:
    found = getattr(importlib.import_module(module), name, None)
    return importlib.import_module(f"{module}.{name}") if found is None else found


def _returned(function: Any) -> Any:
    try:
        return get_type_hints(function).get("return")
    except (NameError, TypeError):  # a hint that is imported for the type checker alone
        return None


def _home(value: Any) -> tuple[str, str]:
    if not callable(value) or isinstance(value, _Instance):
        return "", ""
    return value.__module__, value.__qualname__


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
