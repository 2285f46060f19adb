"""Write the map of exhibits: a page of the book, a file of the project, a table of the README."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path

from ..paths import PACKAGE
from .exhibit_map import KINDS, Chapter, Listed, read_chapters
from .files_read import load_files_read

_CASES = "cases/"
_OUTSIDE = "MEDALLIANCE_"
_PLURAL = {"figure": "figures", "table": "tables", "text": "sentences with computed numbers"}


def exhibit_page(book: Path) -> str:
    """Write the book's page of every table and figure.

    Parameters
    ----------
    book : Path
        Folder of the notebooks whose stored outputs are listed.

    Returns
    -------
    str
        Markdown; each chapter's heading links to the chapter.
    """
    chapters, read = read_chapters(book), load_files_read(book)
    return (
        "# Every table and figure\n\n"
        f"{counts(chapters)} Each line names the kind of evidence, the call that stands in the "
        "notebook and the function that is called.\n\n"
        f"{_sections(chapters, read, lambda listed: f'`{_place(listed)}`', '')}\n"
    )


def exhibit_file(book: Path) -> str:
    """Write EXHIBITS.md: the same list, with links to notebooks and code."""
    chapters, read = read_chapters(book), load_files_read(book)
    return (
        "# Every table and figure\n\n"
        "Written by `make readme` from the stored notebooks; do not edit.\n\n"
        f"{counts(chapters)} All are made by `make notebooks`, chapter by chapter.\n"
        "A cell is counted from the top of its notebook. "
        "A sentence is numbered like a figure and stands in the text as the cell writes it.\n"
        "Every chapter reads `data/codebook.yaml` for words and units.\n\n"
        f"{_sections(chapters, read, _linked_code, 'book/')}\n"
    )


def exhibit_table(book: Path) -> str:
    """Write the README's table: a row a chapter, the case pages in one."""
    chapters, read = read_chapters(book), load_files_read(book)
    rows = []
    for chapter in chapters:
        if not chapter.notebook.startswith(_CASES):
            link = f"[{_cell(chapter.title)}](book/{chapter.notebook}.ipynb)"
            rows.append(_row(link, [chapter], read))
    cases = [chapter for chapter in chapters if chapter.notebook.startswith(_CASES)]
    if cases:
        rows.append(_row(f"[{len(cases)} case pages](book/cases)", cases, read))
    head = "| chapter | figures | tables | sentences | evidence | made by | reads |"
    return "\n".join([head, "|---|---:|---:|---:|---|---|---|", *rows])


def counts(chapters: list[Chapter]) -> str:
    """Say how many exhibits of each kind there are, and how many need data that are not here."""
    totals = [f"{sum(c.count(kind) for c in chapters)} {_PLURAL[kind]}" for kind in KINDS]
    return f"{len(chapters)} notebooks hold {', '.join(totals[:-1])} and {totals[-1]}."


def outside(read: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Map notebooks to the files that they read and that are not included."""
    found = {
        name: [file for file in files if file.startswith(_OUTSIDE)] for name, files in read.items()
    }
    return {name: files for name, files in found.items() if files}


def _sections(
    chapters: list[Chapter],
    read: Mapping[str, tuple[str, ...]],
    code: Callable[[Listed], str],
    folder: str,
) -> str:
    parts = []
    for part, inside in groupby(chapters, key=lambda chapter: chapter.part or "Home"):
        parts.append(f"## {part}")
        for chapter in inside:
            files = ", ".join(f"`{file}`" for file in read.get(chapter.notebook, ()))
            parts.append(f"### [{_cell(chapter.title)}]({folder}{chapter.notebook}.ipynb)")
            if files:
                parts.append(f"Reads {files}.")
            head = "| exhibit | evidence | what it shows | call | cell | function |\n"
            rows = "\n".join(_line(listed, code) for listed in chapter.exhibits)
            parts.append(f"{head}|---|---|---|---|---:|---|\n{rows}")
    return "\n\n".join(parts)


def _line(listed: Listed, code: Callable[[Listed], str]) -> str:
    call = listed.call.replace("|", r"\|")
    return (
        f"| {listed.name} | {listed.badge} | {_cell(listed.caption)} | `{call}` "
        f"| {listed.cell} | {code(listed)} |"
    )


def _row(link: str, chapters: list[Chapter], read: Mapping[str, tuple[str, ...]]) -> str:
    numbers = [str(sum(chapter.count(kind) for chapter in chapters)) for kind in KINDS]
    badges = sorted({badge for chapter in chapters for badge in chapter.badges})
    modules = sorted({module for chapter in chapters for module in chapter.modules})
    files = sorted({_folder(file) for c in chapters for file in read.get(c.notebook, ())})
    made = "<br>".join(f"[{_short(name)}]({_file(name)})" for name in modules)
    cells = [link, *numbers, ", ".join(badges), made, "<br>".join(f"`{name}`" for name in files)]
    return f"| {' | '.join(cells)} |"


def _folder(file: str) -> str:
    """Return the folder of a file, which is what the README has room for."""
    if file.startswith(_OUTSIDE):
        return file.split("/")[0]
    return file if file.endswith("/") else f"{file.rpartition('/')[0]}/"


def _place(listed: Listed) -> str:
    return f"{_short(listed.module)}.{listed.function}"


def _linked_code(listed: Listed) -> str:
    return f"[`{_place(listed)}`]({_file(listed.module)})"


def _short(module: str) -> str:
    return module.removeprefix("medalliance.")


def _file(module: str) -> str:
    """Return the path of a module's file from the project's root."""
    stem = Path(*module.split(".")[1:])
    package = (PACKAGE / stem).is_dir()
    return f"src/medalliance/{stem.as_posix()}{'/__init__' if package else ''}.py"


def _cell(text: str) -> str:
    return re.sub(r"([|*_<>\[\]$~`])", r"\\\1", " ".join(text.split()))
