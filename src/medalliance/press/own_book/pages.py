"""Pages of a reader's book that follow from the panel and the run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...intake import PanelReport
from ...panel import YOURS, Panel
from ...show.exhibits import Exhibit
from ...show.front import show
from .chapters import CHAPTERS, ONE_IS_ENOUGH, Readiness, reason
from .files import Shown, link_to
from .kernels import ChapterRun
from .verdict_page import STEM

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)\s#]+)(#[^)\s]*)?\)")
_TEACHING = re.compile(r"<!-- teaching panel -->.*?<!-- end -->\n*", re.DOTALL)
# what a chapter's outcomes warn of; what the whole table does stands on the front page
_READINGS = 6  # of a whole table that the front page lists
_OF_OUTCOME = re.compile(r"PanelWarning: (\w+: E\d+ .*)")
_MARKS = re.compile(r"([\\`*_\[\]<>$|~])")


def plain(text: object) -> str:
    """Return text as Markdown that shows it as it stands."""
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))


def raw(exhibit: Exhibit) -> str:
    """Return an exhibit as a block of a page."""
    return f"```{{raw}} html\n{exhibit._repr_html_()}\n```\n"


def drop_dead_links(text: str, present: Sequence[str]) -> str:
    """Turn links to pages that this book does not have into plain words."""
    kept = {name.rpartition(".")[0] for name in present}
    return _LINK.sub(
        lambda found: found[0] if found[2].rpartition(".")[0] in kept else found[1], text
    )


def for_own_panel(text: str) -> str:
    """Leave out what a chapter says of the teaching panel alone."""
    return _TEACHING.sub("", text)


# --- front page ---------------------------------------------------------------------------------
def front(
    panel: Panel,
    checked: PanelReport,
    facts: Mapping[str, str],
    shown: Sequence[tuple[Shown, Sequence[str]]],
    runs: Sequence[ChapterRun],
    titles: Mapping[str, str],
    failed: Mapping[str, str],
) -> str:
    """Write the front page: what was read, what it can carry, which chapters ran.

    Parameters
    ----------
    panel : Panel
    checked : PanelReport
    facts : mapping
        What was read, word to words.
    shown : sequence
        What the chapters show.
    runs : sequence of ChapterRun
        Chapters that were executed.
    titles : mapping
        Chapter to title.
    failed : mapping
        Chapters and files that could not be made -> why.
    """
    return "\n".join(
        [
            "# Your panel\n",
            "**Do not pass on the folder `work`: it holds your raw rows.** The chapters name "
            "counties and show small groups; what may leave is written by `medalliance release`.\n",
            "This book was computed on your machine, from your table. Nothing was sent anywhere.\n",
            _verdict_links(failed),
            "## In brief\n",
            _in_brief(shown, titles),
            "## What was read\n",
            raw(_read_table(panel, facts)),
            "## Who starts when\n",
            raw(_cohort_table(panel)),
            "## What the check found\n",
            _found(checked),
            "## What your table gives\n",
            raw(_outcome_table(checked)),
            "`medalliance check` says the same of every outcome that the package knows.\n",
            "## Chapters\n",
            _chapter_list(runs, titles),
            _failures(failed),
            "## Where things are\n",
            "- Each table comes as Excel and Word, each figure as PNG and PDF: "
            "[files to take away](files.md).\n"
            "- What was read, with which versions and seeds: [this run](run.md).\n"
            "- What badges, bands and blanks mean: [how to read this book](how-to-read.md).\n"
            "- The folder `work` holds your rows as they were read.\n",
        ]
    )


def _read_table(panel: Panel, facts: Mapping[str, str]) -> Exhibit:
    frame, years = panel.frame, panel.years
    missing = panel.n_units * len(years) - len(frame)
    treated = int((panel.cohort_by_unit > 0).sum())
    clusters = len(np.unique(panel.cluster_by_unit))
    rows = {
        **facts,
        "rows": f"{len(frame):,}",
        "counties": f"{panel.n_units:,}",
        "years": f"{years[0]} to {years[-1]} ({len(years)})",
        "county-years missing": f"{missing:,}",
        "counties that start a contract": f"{treated:,}",
        "counties that never do": f"{panel.n_units - treated:,}",
        "clusters": f"{clusters:,} ({panel.cluster or 'no prefecture code: each county alone'})",
    }
    listed = pd.DataFrame({"what": list(rows), "value": list(rows.values())})
    return show(
        listed,
        "What was read.",
        about=YOURS,
        labels={},
    )


def _cohort_table(panel: Panel) -> Exhibit:
    cohorts = panel.cohort_by_unit
    first = panel.years[panel.year_codes[panel.first_rows]]
    rows = []
    for cohort in np.unique(cohorts):
        mine = cohorts == cohort
        before = cohort - first[mine]
        words = "never" if cohort == 0 else str(cohort)
        remark = ""
        if cohort and cohort > panel.years[-1]:
            remark = "starts after the last year: a control until then"
        elif cohort and (before <= 0).all():
            remark = "under contract when first seen: left out of effects"
        clusters = len(np.unique(panel.cluster_by_unit[mine]))
        rows.append(
            {
                "first settled year": words,
                "counties": int(mine.sum()),
                "clusters": clusters,
                "fewest years seen before": None if cohort == 0 else int(max(before.min(), 0)),
                "remark": remark,
            }
        )
    return show(
        pd.DataFrame(rows),
        "Counties by the first year settled under a contract.",
        about=YOURS,
        decimals=0,
        labels={},
        blank="",
    )


def _in_brief(shown: Sequence[tuple[Shown, Sequence[str]]], titles: Mapping[str, str]) -> str:
    """Repeat the first sentence of each chapter, with its badge."""
    first: dict[str, str] = {}
    for item, _ in shown:
        told = item.number == 0 and "truth" not in item.record["made_by"]
        if told and item.chapter not in ONE_IS_ENOUGH:
            first.setdefault(item.chapter, item.output["data"]["text/html"])
    if not first:
        return "This panel carries no chapter; below it is said why.\n"
    return "".join(
        f"**[{plain(titles[name])}]({name}.ipynb)**\n\n```{{raw}} html\n{html}\n```\n\n"
        for name, html in first.items()
    )


def _found(checked: PanelReport) -> str:
    said = [f"{problem.code}: {problem.text}" for problem in checked.problems]
    whole = [reading.text for reading in checked.readings if not reading.column]
    cells = len(checked.readings) - len(whole)
    said += [f"Read: {text}" for text in whole[:_READINGS]]
    if cells or len(whole) > _READINGS:
        said.append(
            f"{cells + max(len(whole) - _READINGS, 0)} more readings of columns and cells: "
            "medalliance check lists them."
        )
    return "".join(f"- {plain(text)}\n" for text in said) or "Nothing to report.\n"


def _outcome_table(checked: PanelReport) -> Exhibit:
    used = {name for names in CHAPTERS.values() for name in names}
    rows = [
        {
            "outcome": need.label,
            "available": need.available,
            "rows with a value": need.coverage,
            "remark": reason(need),
        }
        for need in checked.needs
        if need.outcome in used
    ]
    return show(
        pd.DataFrame(rows),
        "Outcomes of the chapters that your table gives, and what the others lack. Rows "
        "as a share, 0-1.",
        about=YOURS,
        decimals=2,
        labels={},
        blank="",
    )


def _chapter_list(runs: Sequence[ChapterRun], titles: Mapping[str, str]) -> str:
    ran = {run.name: run for run in runs}
    lines = []
    for name in titles:
        run = ran.get(name)
        if run is not None and run.failed:
            said = "it failed by a fault of the program; its page says where"
        elif run is None or not run.whole:
            said = "not possible on this panel; the page says why"
        elif run.refusals:
            said = f"{len(run.refusals)} of its exhibits could not be made"
        else:
            said = "complete"
        lines.append(f"- [{plain(titles[name])}]({name}.ipynb): {said}.\n")
    return "".join(lines)


def _verdict_links(failed: Mapping[str, str]) -> str:
    if STEM in failed:
        return ""
    links = " · ".join(
        f'<a href="{STEM}.{kind}">{word}</a>'
        for kind, word in (("html", "page"), ("docx", "Word"), ("pdf", "PDF"))
    )
    return f"```{{raw}} html\n<p><strong>The verdict on one page</strong>: {links}</p>\n```\n"


def _failures(failed: Mapping[str, str]) -> str:
    if not failed:
        return ""
    listed = "".join(f"- {plain(name)}: {plain(why)}\n" for name, why in failed.items())
    return f"**Not made, by a fault of the program:**\n\n{listed}"


# --- chapters -----------------------------------------------------------------------------------
def missing_chapter(notebook: Any, sentences: Sequence[str]) -> Any:
    """Return a chapter's notebook with its question, and why there is no answer."""
    from nbformat.v4 import new_markdown_cell

    listed = "".join(f"- {plain(sentence)}\n" for sentence in sentences)
    because = new_markdown_cell(
        "## Why this chapter is empty\n\nYour panel does not carry it.\n\n"
        f"{listed}\nThe codebook lists every column with its unit; `medalliance template` "
        "writes a workbook with all of them."
    )
    because["id"] = "why-empty"
    notebook.cells = [_opening(notebook), because]
    return notebook


def failed_chapter(run: ChapterRun) -> Any:
    """Return a chapter's notebook with its question, and what the program died of."""
    from nbformat.v4 import new_markdown_cell

    said = new_markdown_cell(
        "## Why this chapter is empty\n\nThe program failed here; your data may be sound. The "
        f"other chapters do not depend on it.\n\n- {plain(run.failed)}\n\nRun the same command "
        "again: finished chapters are kept, and only this one is tried again."
    )
    said["id"] = "why-failed"
    run.notebook.cells = [_opening(run.notebook), said]
    return run.notebook


def _opening(notebook: Any) -> Any:
    return next(cell for cell in notebook.cells if cell.cell_type == "markdown")


def annotate(run: ChapterRun, ready: Readiness | None) -> Any:
    """Return the notebook of a run: why it is empty, or what is not on its page."""
    from nbformat.v4 import new_markdown_cell

    lacking = ready.sentences if ready and run.name not in ONE_IS_ENOUGH else ()
    if run.failed:
        return failed_chapter(run)
    if not run.whole:
        return missing_chapter(run.notebook, list(dict.fromkeys([*lacking, *run.refusals])))
    found = [_OF_OUTCOME.match(warning) for warning in run.warnings]
    notes = [*lacking, *(match[1] for match in found if match)]
    if notes:
        listed = "".join(f"- {plain(note)}\n" for note in notes)
        said = new_markdown_cell(f"**Notes on your panel.**\n\n{listed}")
        said["id"] = "notes-on-the-panel"
        place = run.notebook.cells.index(_opening(run.notebook)) + 1
        run.notebook.cells.insert(place, said)
    return run.notebook


def title_of(path: Path) -> str:
    """Return the first heading of a notebook."""
    import nbformat

    opening = _opening(nbformat.read(path, as_version=4)).source
    return opening.splitlines()[0].lstrip("# ").strip()


# --- files and run ------------------------------------------------------------------------------
def files(
    shown: Sequence[tuple[Shown, Sequence[str]]], whole: Sequence[str], titles: Mapping[str, str]
) -> str:
    """Write the list of files with a link to each."""
    parts = ["# Files to take away\n"]
    parts.append(
        "Tables have three rules, the caption above, the badge and the source below. "
        "Figures are on white ground as PNG, and as vectors in PDF. "
        "Excel holds the numbers at full precision.\n"
    )
    if whole:
        links = " · ".join(link_to(name) for name in whole)
        parts.append(f"All tables in one file: {links}\n")
    for chapter in dict.fromkeys(item.chapter for item, _ in shown):
        parts.append(f"## {plain(titles[chapter])}\n")
        lines = []
        for item, names in shown:
            if item.chapter == chapter and names:
                links = " · ".join(link_to(name) for name in names)
                lines.append(f"<li>{escape(item.told)} {links}</li>")
        parts.append(f"<ul>\n{chr(10).join(lines)}\n</ul>\n" if lines else "No file.\n")
    return "\n".join(parts)


def run_page(manifest: Mapping[str, Any]) -> str:
    """Write the manifest so that a person can read it."""
    parts = ["# This run\n", "The same facts stand in `manifest.json` beside these pages.\n"]
    for head, entries in manifest.items():
        if isinstance(entries, Mapping):
            parts.append(f"## {plain(head)}\n")
            parts.append("| | |\n|---|---|\n" + "".join(_lines(entries)))
        elif isinstance(entries, list):
            parts.append(f"## {plain(head)}\n")
            names = list(entries[0]) if entries else []
            parts.append(f"| {' | '.join(map(plain, names))} |\n|{'---|' * len(names)}\n")
            parts[-1] += "".join(
                f"| {' | '.join(_said(entry[name]) for name in names)} |\n" for entry in entries
            )
        else:
            parts.append(f"{plain(head)}: {_said(entries)}\n")
    return "\n".join(parts)


def _lines(entries: Mapping[str, Any]) -> list[str]:
    return [f"| {plain(name)} | {_said(value)} |\n" for name, value in entries.items()]


def _said(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(_said, value))
    if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{40,}", value):
        return f"`{value[:16]}…`"
    return plain("–" if value is None or value == "" else value)
