"""Write the map of exhibits: a page of the book, EXHIBITS.md, a table of REPLICATION.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path

from ..paths import PACKAGE
from .exhibit_map import KINDS, Chapter, Listed, read_chapters
from .records import files_behind

FilesRead = Mapping[str, tuple[str, ...]]
_CASES = "cases/"
_OUTSIDE = "MEDALLIANCE_"


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
    chapters = read_chapters(book)
    head = "| exhibit | what it shows | made by |\n|---|---|---|"
    return (
        f"# Every table and figure\n\n{counts(chapters)} Exhibits are counted from the top of "
        "their chapter. A sentence is one whose numbers are computed. Each line names the function "
        "that makes the exhibit, with what it is given, and the module where it is.\n\n"
        f"{_sections(chapters, files_behind(book), head, _page_line, '')}\n"
    )


def exhibit_file(chapters: list[Chapter], read: FilesRead) -> str:
    """Write EXHIBITS.md: the same list, with the cell and links to notebooks and code."""
    head = "| exhibit | evidence | what it shows | made by | cell |\n|---|---|---|---|---:|"
    return (
        "# Every table and figure\n\n"
        "Written by `make readme` from the stored notebooks; do not edit.\n\n"
        f"{counts(chapters)} `make notebooks` makes them all; "
        "`make notebooks NB=book/<notebook>.ipynb` makes those of a chapter.\n\n"
        "Exhibits and cells are counted from the top of their notebook. A sentence is one whose "
        "numbers are computed. *Made by* is the function that the cell calls, with what it is "
        "given, linked to its module. Every chapter reads `data/codebook.yaml` for words and "
        "units.\n\n"
        f"{_sections(chapters, read, head, _file_line, 'book/')}\n"
    )


def exhibit_table(chapters: list[Chapter]) -> str:
    """Write the table of REPLICATION.md: a row a chapter, the case pages in one."""
    rows = []
    for chapter in chapters:
        if not chapter.notebook.startswith(_CASES):
            link = f"[{cell_text(chapter.title)}](book/{chapter.notebook}.ipynb)"
            rows.append(_row(link, [chapter]))
    cases = [chapter for chapter in chapters if chapter.notebook.startswith(_CASES)]
    if cases:
        rows.append(_row(f"[{len(cases)} case pages](book/cases)", cases))
    head = "| chapter | figures | tables | sentences | evidence | made by |"
    return "\n".join([head, "|---|---:|---:|---:|---|---|", *rows])


def counts(chapters: list[Chapter]) -> str:
    """Say how many notebooks there are, and how many exhibits of each kind."""
    totals = [_number(sum(c.count(kind) for c in chapters), KINDS[kind].lower()) for kind in KINDS]
    books = _number(len(chapters), "notebook")
    verb = "holds" if len(chapters) == 1 else "hold"
    return f"{books} {verb} {', '.join(totals[:-1])} and {totals[-1]} with computed numbers."


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def outside(read: FilesRead) -> dict[str, list[str]]:
    """Map notebooks to the files that they read and that are not included."""
    found = {
        name: [file for file in files if file.startswith(_OUTSIDE)] for name, files in read.items()
    }
    return {name: files for name, files in found.items() if files}


def _sections(
    chapters: list[Chapter],
    read: FilesRead,
    head: str,
    line: Callable[[Listed], str],
    folder: str,
) -> str:
    parts = []
    for part, inside in groupby(chapters, key=lambda chapter: chapter.part or "Home"):
        parts.append(f"## {part}")
        for chapter in inside:
            parts.append(f"### [{cell_text(chapter.title)}]({folder}{chapter.notebook}.ipynb)")
            files = read.get(chapter.notebook, ())
            if files:
                parts.append(f"Reads {', '.join(f'`{file}`' for file in files)}.")
            parts.append("\n".join([head, *map(line, chapter.exhibits)]))
    return "\n\n".join(parts)


def _page_line(listed: Listed) -> str:
    badge = f'<span class="exhibit-badge badge-{listed.badge.lower()}">{listed.badge}</span>'
    home = f"<br>in `{_short(listed.module)}`" if listed.module else ""
    name = listed.name.replace(" ", "&nbsp;")
    return f"| {name}<br>{badge} | {cell_text(listed.caption)} | {_code(listed.made_by)}{home} |"


def _file_line(listed: Listed) -> str:
    call = f"{_short(listed.module)}.{listed.made_by}"
    return (
        f"| {listed.name} | {listed.badge} | {cell_text(listed.caption)} "
        f"| [{_code(call)}]({_file(listed.module)}) | {listed.cell} |"
    )


def _code(text: str) -> str:
    return f"`{text}`".replace("|", r"\|")


def _row(link: str, chapters: list[Chapter]) -> str:
    numbers = [str(sum(chapter.count(kind) for chapter in chapters)) for kind in KINDS]
    badges = sorted({badge for chapter in chapters for badge in chapter.badges})
    modules = sorted({module for chapter in chapters for module in chapter.modules})
    made = ", ".join(f"[{_short(name)}]({_file(name)})" for name in modules)
    return f"| {' | '.join([link, *numbers, ', '.join(badges), made])} |"


def _short(module: str) -> str:
    return module.removeprefix("medalliance.")


def _file(module: str) -> str:
    """Return the path of a module's file from the project's root."""
    stem = Path(*module.split(".")[1:])
    package = (PACKAGE / stem).is_dir()
    return f"src/medalliance/{stem.as_posix()}{'/__init__' if package else ''}.py"


def cell_text(text: str) -> str:
    """Return text on one line with the signs of Markdown and tables escaped."""
    return re.sub(r"([|*_<>\[\]$~`])", r"\\\1", " ".join(text.split()))
