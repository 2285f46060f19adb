"""Build a reader's book: run the chapters, gather the files, write the pages."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ...panel import load_panel
from ..book import fold_code, mathjax, render
from ..notebooks import kernel_environment, notebook_text
from ..pages import glossary
from . import files as exports
from . import manifest as manifests
from . import pages
from .chapters import CHAPTERS, GENERAL, Readiness, readiness
from .folder import NEW, own_folder
from .kernels import ChapterRun, closed_environment, run_chapter

PANEL = "panel.parquet"
TITLE = "Your panel"
_QUESTIONED = ("methods", "how-sure")
_KEEP_OUT = (
    "This folder holds the panel as it was read, in standard form. It is your data: pass it on\n"
    "only if you may pass on the table it was read from. The pages beside it do not need it.\n"
)


@dataclass(frozen=True, eq=False)
class OwnBook:
    """What a reader's book is made from.

    Attributes
    ----------
    frame : DataFrame
        The panel with the standard column names, checked.
    data : Path
        The file it was read from.
    problems : sequence
        What the check warned of, each with ``code`` and ``text``.
    others : dict of str to Path
        Further files that went in, by role: ``mapping``, ``rules``.
    environment : dict of str to str
        Further variables of the kernels.
    """

    frame: pd.DataFrame
    data: Path
    problems: Sequence[Any] = ()
    others: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def build_own_book(
    own: OwnBook, source: Path, output: Path, *, report: Callable[[str], None] = lambda line: None
) -> Path:
    """Build the book of a reader's panel.

    Parameters
    ----------
    own : OwnBook
    source : Path
        The book's sources.
    output : Path
        Folder of the finished book; an earlier book there is replaced by a whole one only.
    report : callable
        Gets a line of progress at a time.

    Returns
    -------
    Path
        ``output / "index.html"``.

    Raises
    ------
    DataError
        If the output is not ours, a cell fails by a bug, or the pages cannot be built.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    with own_folder(output) as building:
        new, scratch, staged = (building / name for name in (NEW, "scratch", "source"))
        (new / "work").mkdir()
        own.frame.to_parquet(new / "work" / PANEL, index=False)
        (new / "work" / "README.txt").write_text(_KEEP_OUT, encoding="utf-8")
        ready = readiness(load_panel(own.frame))
        runs = _run_all(own, source, new / "work" / PANEL, scratch, ready, report)
        shown, taken = _take_along(runs)
        _stage(source, staged)
        titles = {name: pages.title_of(source / f"{name}.ipynb") for name in CHAPTERS}
        _write_chapters(source, staged, runs, ready)
        facts = manifests.manifest(
            started=started.strftime("%Y-%m-%d %H:%M:%S UTC"),
            seconds=time.perf_counter() - clock,
            inputs=_inputs(own, new / "work" / PANEL),
            runs=runs,
            files=taken,
            environment=kernel_environment(),
        )
        _write_pages(own, staged, ready, runs, shown, taken, titles, facts)
        report("building the pages")
        html = render(staged, building / "pages", closed_environment(scratch))
        shutil.copytree(html, new, dirs_exist_ok=True)
        (new / exports.FOLDER).mkdir()
        for name, content in taken.items():
            (new / exports.FOLDER / name).write_bytes(content)
        text = json.dumps(facts, indent=1, ensure_ascii=False)
        (new / "manifest.json").write_text(text + "\n", encoding="utf-8")
    return output / "index.html"


def _run_all(
    own: OwnBook,
    source: Path,
    panel: Path,
    scratch: Path,
    ready: Mapping[str, Readiness],
    report: Callable[[str], None],
) -> list[ChapterRun]:
    runs = []
    for number, name in enumerate(CHAPTERS, start=1):
        place = f"[{number}/{len(CHAPTERS)}] {name}"
        if not ready[name].available:
            report(f"{place}: not possible on this panel")
            continue
        report(f"{place} …")
        run = run_chapter(
            source / f"{name}.ipynb", panel=panel, scratch=scratch, extra=own.environment
        )
        memory = "" if run.megabytes is None else f", {run.megabytes:.0f} MB"
        state = "" if run.whole else ", not possible on this panel"
        left = f", {len(run.refusals)} not shown" if run.whole and run.refusals else ""
        report(f"{place}: {run.seconds:.1f} s{memory}{state}{left}")
        runs.append(run)
    return runs


def _take_along(
    runs: Sequence[ChapterRun],
) -> tuple[list[tuple[exports.Shown, list[str]]], dict[str, bytes]]:
    """Return what is shown with the names of its files, and the files' content."""
    listed = [item for run in runs if run.whole for item in exports.shown_in(run)]
    taken: dict[str, bytes] = exports.collected(listed)
    shown = []
    for item in listed:
        own = exports.files_of(item)
        taken |= own
        shown.append((item, list(own)))
    for item, names in shown:
        exports.link(item, names)
    return shown, taken


# --- sources ------------------------------------------------------------------------------------
def _stage(source: Path, staged: Path) -> None:
    """Copy what every page needs: styles, the script for formulas, the general chapters."""
    ignored = shutil.ignore_patterns("laboratory", "*.svg.bak")
    shutil.copytree(source / "_static", staged / "_static", ignore=ignored)
    shutil.copy2(mathjax(), staged / "_static" / "tex-svg.js")
    config = yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8"))
    config["title"] = config["sphinx"]["config"]["html_title"] = TITLE
    config["sphinx"]["config"]["html_theme_options"]["logo"]["text"] = TITLE
    _write_yaml(staged / "_config.yml", config)
    chapters = [{"file": name} for name in CHAPTERS if name not in _QUESTIONED]
    parts = [
        {"caption": "Your results", "chapters": chapters},
        {
            "caption": "Your results, questioned",
            "chapters": [{"file": name} for name in _QUESTIONED],
        },
        {"caption": "This run", "chapters": [{"file": "files"}, {"file": "run"}]},
        {
            "caption": "How to read it",
            "chapters": [{"file": name.rpartition(".")[0]} for name in (*GENERAL, "glossary.md")],
        },
    ]
    _write_yaml(staged / "_toc.yml", {"format": "jb-book", "root": "index", "parts": parts})


def _write_yaml(path: Path, content: Any) -> None:
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def _present() -> list[str]:
    own = ["index.md", "files.md", "run.md", "glossary.md", *GENERAL]
    return [*own, *(f"{name}.ipynb" for name in CHAPTERS)]


def _write_chapters(
    source: Path, staged: Path, runs: Sequence[ChapterRun], ready: Mapping[str, Readiness]
) -> None:
    import nbformat

    ran = {run.name: run for run in runs}
    for name in CHAPTERS:
        if name in ran:
            notebook = pages.annotate(ran[name], ready[name])
        else:
            notebook = nbformat.read(source / f"{name}.ipynb", as_version=4)
            notebook = pages.missing_chapter(notebook, ready[name].sentences)
        _write_notebook(staged / f"{name}.ipynb", notebook)
    for name in GENERAL:
        if name.endswith(".md"):
            text = (source / name).read_text(encoding="utf-8")
            _write_text(staged / name, pages.drop_dead_links(text, _present()))
        else:
            _write_notebook(staged / name, nbformat.read(source / name, as_version=4))


def _write_notebook(path: Path, notebook: Any) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = pages.drop_dead_links(cell.source, _present())
    _write_text(path, fold_code(notebook_text(notebook)))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _write_pages(
    own: OwnBook,
    staged: Path,
    ready: Mapping[str, Readiness],
    runs: Sequence[ChapterRun],
    shown: Sequence[tuple[exports.Shown, Sequence[str]]],
    taken: Mapping[str, bytes],
    titles: Mapping[str, str],
    facts: Mapping[str, Any],
) -> None:
    panel = load_panel(own.frame)
    read = {"file": own.data.name, "size": f"{own.data.stat().st_size:,} bytes"}
    front = pages.front(panel, read, own.problems, ready, runs, titles)
    whole = [name for name in taken if name.startswith("all-tables")]
    _write_text(staged / "index.md", front)
    _write_text(staged / "files.md", pages.files(shown, whole, titles))
    _write_text(staged / "run.md", pages.run_page(facts))
    _write_text(staged / "glossary.md", glossary())


def _inputs(own: OwnBook, panel: Path) -> dict[str, Any]:
    given = {"data": own.data, **own.others, "panel as read": panel}
    return {role: manifests.file_facts(path) for role, path in given.items()}
