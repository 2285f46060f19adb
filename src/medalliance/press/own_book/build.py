"""Build a reader's book: run the chapters, gather the files, write the pages."""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ...chapters.own_rules import VARIABLE
from ...codebook import load_codebook
from ...errors import DataError, first_three, need_extra
from ...intake import PanelReport
from ...panel import CHECKED, Panel, PanelWarning
from ...progress import counted
from ...registered.verdict import verdict
from ..book import fold_code, mathjax, render
from ..fingerprints import sha256
from ..finish import finish_pages
from ..notebooks import kernel_environment, notebook_text
from ..pages import glossary
from . import contract, pages
from . import files as exports
from . import manifest as manifests
from .chapters import CHAPTERS, GENERAL, Readiness, readiness
from .folder import KEPT, NEW, own_folder, publish
from .kept import Kept
from .kernels import ESCAPES, ChapterRun, closed_environment, run_chapter, temporary_files_in
from .verdict_page import STEM, verdict_files

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
    checked : PanelReport
        The panel under standard names, without errors.
    data : Path
        The file it was read from.
    mapping, rules : Path or None
        The mapping file that it was read with; the reader's contract.
    only : tuple of str
        Chapters to run; blank for all.
    lang : str
        Language of the verdict, ``"en"`` or ``"zh"``.
    environment : dict of str to str
        Further variables of the kernels.
    """

    checked: PanelReport
    data: Path
    mapping: Path | None = None
    rules: Path | None = None
    only: tuple[str, ...] = ()
    lang: str = "en"
    environment: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def panel(self) -> Panel:
        """The panel, with the columns that chapters can use: numbers, keys, known names."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PanelWarning)  # the report says all of them
            panel = self.checked.panel()
        known = load_codebook().variables
        frame = panel.frame
        kept = [n for n in frame if n in known or pd.api.types.is_numeric_dtype(frame[n])]
        return replace(panel, frame=frame[kept])


@dataclass(frozen=True)
class Built:
    """A finished book.

    Attributes
    ----------
    index : Path
        Its first page.
    failed : dict of str to str
        Chapters and files that are not in it -> one sentence each.
    """

    index: Path
    failed: Mapping[str, str]


def build_own_book(
    own: OwnBook, source: Path, output: Path, *, report: Callable[[str], None] = lambda line: None
) -> Built:
    """Build the book of a reader's panel; a chapter or a file that fails costs itself alone.

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
    Built

    Raises
    ------
    DataError
        If the output is not ours, another command writes into it, or no page can be built. What
        was finished until then is kept for the next run.
    """
    need_extra("book")
    import nbformat

    started, clock = datetime.now(UTC), time.perf_counter()
    with own_folder(output) as building:
        failed: dict[str, str] = {}
        answered = _publish_verdict(own, output, failed, report)
        new, scratch, staged = (building / name for name in (NEW, "scratch", "source"))
        for folder in (new / "work", scratch):
            folder.mkdir()
        own.panel.frame.to_parquet(new / "work" / PANEL, index=False)
        (new / "work" / "README.txt").write_text(_KEEP_OUT, encoding="utf-8")
        ready = readiness(own.checked.needs)
        chapters = {
            name: source / f"{name}.ipynb" for name in CHAPTERS if name in (own.only or CHAPTERS)
        }
        if own.rules is not None:
            shutil.copyfile(own.rules, new / "work" / own.rules.name)
            chapters[contract.NAME] = scratch / f"{contract.NAME}.ipynb"
            nbformat.write(contract.contract_notebook(), chapters[contract.NAME])
        kept = Kept(output / KEPT, [new / "work" / PANEL, *([own.rules] if own.rules else [])])
        runs = _run_all(own, chapters, new / "work", scratch, ready, kept, report)
        failed |= {run.name: run.failed for run in runs if run.failed}
        with temporary_files_in(scratch / "tmp"):
            shown, taken = _take_along(runs, failed)
        _stage(source, staged, list(chapters))
        titles = {name: pages.title_of(path) for name, path in chapters.items()}
        _write_chapters(source, staged, chapters, runs, ready)

        def facts() -> dict[str, Any]:
            return manifests.manifest(
                started=started.strftime("%Y-%m-%d %H:%M:%S UTC"),
                seconds=time.perf_counter() - clock,
                inputs=_inputs(own, new / "work" / PANEL),
                runs=runs,
                files=taken,
                failed=failed,
                environment=kernel_environment(),
            )

        known = facts()
        _write_pages(own, staged, ready, runs, shown, taken, titles, known)
        report("building the pages")
        try:
            html = render(staged, building / "pages", closed_environment(scratch))
        except DataError as error:
            runs = _without_pages(runs, str(error), failed)
            shown = [item for item in shown if item[0].chapter not in failed]
            report(f"these pages cannot be laid out: {first_three(failed)}; building the others")
            _write_chapters(source, staged, chapters, runs, ready)
            known = facts()
            _write_pages(own, staged, ready, runs, shown, taken, titles, known)
            html = render(staged, building / "pages", closed_environment(scratch))
        shutil.copytree(html, new, dirs_exist_ok=True)
        finish_pages(new, staged)
        (new / exports.FOLDER).mkdir()
        for name, content in taken.items():
            (new / exports.FOLDER / name).write_bytes(content)
        for name, content in answered.items():
            (new / name).write_bytes(content)
        text = json.dumps(known, indent=1, ensure_ascii=False)
        (new / "manifest.json").write_text(text + "\n", encoding="utf-8")
        if not failed:
            kept.clear()
    return Built(output / "index.html", failed)


def write_verdict(
    own: OwnBook, output: Path, *, report: Callable[[str], None] = lambda line: None
) -> Built:
    """Write the verdict alone, beside a book that may stand in the folder.

    Raises
    ------
    DataError
        If the output is not ours, or another command writes into it.
    """
    with own_folder(output):
        failed: dict[str, str] = {}
        _publish_verdict(own, output, failed, report)
    return Built(output / f"{STEM}.html", failed)


def _publish_verdict(
    own: OwnBook, output: Path, failed: dict[str, str], report: Callable[[str], None]
) -> dict[str, bytes]:
    """Put the verdict into the folder before anything else; return its files by name."""
    clock = time.perf_counter()
    report("verdict …")
    try:
        files = verdict_files(verdict(own.panel), own.lang)
    except Exception as error:  # a fault in it costs itself alone
        failed[STEM] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
        report(f"verdict: FAILED: {failed[STEM]}")
        return {}
    publish(output, files)
    took = time.perf_counter() - clock
    report(f"verdict: {took:.1f} s: {output / f'{STEM}.html'}, also as .docx and .pdf")
    return files


def _run_all(
    own: OwnBook,
    chapters: Mapping[str, Path],
    work: Path,
    scratch: Path,
    ready: Mapping[str, Readiness],
    kept: Kept,
    report: Callable[[str], None],
) -> list[ChapterRun]:
    """Run the chapters, two at a time where there are two processors, in the order of the book."""
    extra = {**own.environment, CHECKED: sha256(work / PANEL)}
    if own.rules is not None:
        extra[VARIABLE] = str((work / own.rules.name).resolve())
    done = count(1)

    def run(name: str) -> ChapterRun | None:
        if name in ready and not ready[name].available:
            report(f"[{next(done)}/{len(chapters)}] {name}: not possible on this panel")
            return None
        path = chapters[name]
        found = kept.get(path)
        if found is None:
            place = scratch / name
            found = _run_one(path, work / PANEL, place, extra)
            if not found.failed:
                kept.put(path, found)
            state = _state(found)
        else:
            state = "kept from the run before"
        report(f"[{next(done)}/{len(chapters)}] {name}: {state}")
        return found

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        runs = list(counted(pool.map(run, chapters), title="chapters", total=len(chapters)))
    return [found for found in runs if found is not None]


def _run_one(path: Path, panel: Path, scratch: Path, extra: Mapping[str, str]) -> ChapterRun:
    """Run a chapter; what it dies of is told on its page and costs no other one."""
    import nbformat

    try:
        return run_chapter(path, panel=panel, scratch=scratch, extra=extra)
    except Exception as error:  # whatever a kernel or a chapter's bug raises
        said = ESCAPES.sub("", str(error)).strip().splitlines() or [type(error).__name__]
        notebook = nbformat.read(path, as_version=4)
        return ChapterRun(path.stem, notebook, (), False, (), 0.0, None, said[-1][:300])


def _without_pages(
    runs: Sequence[ChapterRun], said: str, failed: dict[str, str]
) -> list[ChapterRun]:
    """Return the runs with those as failed that the pages' builder names, or all if it names none.

    Their files to take away stay.
    """
    named = [run.name for run in runs if f"{run.name}.ipynb" in said] or [run.name for run in runs]
    why = "its page cannot be laid out; its tables and figures are among the files"
    failed.update({name: failed.get(name, why) for name in named})
    return [replace(run, failed=failed[run.name]) if run.name in named else run for run in runs]


def _state(run: ChapterRun) -> str:
    if run.failed:
        return f"FAILED: {run.failed}"
    memory = "" if run.megabytes is None else f", {run.megabytes:.0f} MB"
    state = "" if run.whole else ", not possible on this panel"
    left = f", {len(run.refusals)} not shown" if run.whole and run.refusals else ""
    return f"{run.seconds:.1f} s{memory}{state}{left}"


def _take_along(
    runs: Sequence[ChapterRun], failed: dict[str, str]
) -> tuple[list[tuple[exports.Shown, list[str]]], dict[str, bytes]]:
    """Return what is shown with the names of its files, and the files' content.

    A file that cannot be made is named in ``failed``, and is left out.
    """
    listed = [item for run in runs if run.whole for item in exports.shown_in(run)]
    taken: dict[str, bytes] = {}
    shown = []

    def made(name: str, make: Callable[[], dict[str, bytes]]) -> list[str]:
        try:
            files = make()
        except Exception as error:  # a library that writes files may refuse any of them
            failed[name] = f"{type(error).__name__}: {error}"[:300]
            return []
        taken.update(files)
        return list(files)

    made("all-tables", lambda: exports.collected(listed))
    for item in listed:
        shown.append((item, made(item.name, partial(exports.files_of, item))))
    for item, names in shown:
        exports.link(item, names)
    return shown, taken


# --- sources ------------------------------------------------------------------------------------
def _stage(source: Path, staged: Path, chapters: Sequence[str]) -> None:
    """Copy what every page needs: styles, the script for formulas, the general chapters."""
    ignored = shutil.ignore_patterns("laboratory")
    shutil.copytree(source / "_static", staged / "_static", ignore=ignored)
    shutil.copy2(mathjax(), staged / "_static" / "tex-svg.js")
    config = yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8"))
    config["title"] = config["sphinx"]["config"]["html_title"] = TITLE
    config["sphinx"]["config"]["html_theme_options"]["logo"]["text"] = TITLE
    _write_yaml(staged / "_config.yml", config)
    last = (*_QUESTIONED, contract.NAME)
    parts = {
        "Your results": [name for name in chapters if name not in last],
        "Your results, questioned": [name for name in chapters if name in _QUESTIONED],
        "Your contract": [name for name in chapters if name == contract.NAME],
        "This run": ["files", "run"],
        "How to read it": [name.rpartition(".")[0] for name in (*GENERAL, "glossary.md")],
    }
    listed = [
        {"caption": caption, "chapters": [{"file": name} for name in names]}
        for caption, names in parts.items()
        if names
    ]
    _write_yaml(staged / "_toc.yml", {"format": "jb-book", "root": "index", "parts": listed})


def _write_yaml(path: Path, content: Any) -> None:
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def _present(chapters: Iterable[str]) -> list[str]:
    own = ["index.md", "files.md", "run.md", "glossary.md", *GENERAL]
    return [*own, *(f"{name}.ipynb" for name in chapters)]


def _write_chapters(
    source: Path,
    staged: Path,
    chapters: Mapping[str, Path],
    runs: Sequence[ChapterRun],
    ready: Mapping[str, Readiness],
) -> None:
    import nbformat

    ran, present = {run.name: run for run in runs}, _present(chapters)
    for name, path in chapters.items():
        if name in ran:
            notebook = pages.annotate(ran[name], ready.get(name))
        else:
            notebook = nbformat.read(path, as_version=4)
            notebook = pages.missing_chapter(notebook, ready[name].sentences)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = pages.for_own_panel(cell.source)
        _write_notebook(staged / f"{name}.ipynb", notebook, present)
    for name in GENERAL:
        if name.endswith(".md"):
            text = (source / name).read_text(encoding="utf-8")
            _write_text(staged / name, pages.drop_dead_links(text, present))
        else:
            _write_notebook(staged / name, nbformat.read(source / name, as_version=4), present)


def _write_notebook(path: Path, notebook: Any, present: Sequence[str]) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = pages.drop_dead_links(cell.source, present)
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
    read = {"file": own.data.name, "size": f"{own.data.stat().st_size:,} bytes"}
    front = pages.front(own.panel, own.checked, read, shown, runs, titles, facts["failed"])
    whole = [name for name in taken if name.startswith("all-tables")]
    _write_text(staged / "index.md", front)
    _write_text(staged / "files.md", pages.files(shown, whole, titles))
    _write_text(staged / "run.md", pages.run_page(facts))
    _write_text(staged / "glossary.md", glossary())


def _inputs(own: OwnBook, panel: Path) -> dict[str, Any]:
    given = {"data": own.data, "mapping": own.mapping, "rules": own.rules, "panel as read": panel}
    return {role: manifests.file_facts(path) for role, path in given.items() if path}
