"""The book: stage its sources with the generated pages, then build the HTML."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

from ..chapters.laboratory import script as laboratory_script
from ..errors import DataError, first_three, need_extra
from .contract_draft import clause_script
from .edition import pages_of, stage_chinese
from .finish import CHINESE_FOLDER, finish_chinese, finish_pages
from .pages import generated_pages

_IGNORED = shutil.ignore_patterns(".ipynb_checkpoints", "_build", "__pycache__")


def build_book(
    source: Path,
    work: Path,
    target: Path,
    *,
    report: Callable[[str], None] = lambda line: None,
) -> Path:
    """Build the book's HTML.

    Parameters
    ----------
    source : Path
        The book's sources.
    work : Path
        Folder for the staged sources and for what the builder keeps.
    target : Path
        Folder of the finished pages; replaced only by a whole book.
    report : callable
        Gets a line of progress at a time.

    Returns
    -------
    Path
        ``target / "index.html"``.

    Raises
    ------
    DataError
        If the builder warns, or no page was written.
    """
    staged = stage(source, work / "source")
    report(f"building {len(list(staged.rglob('*.ipynb')))} notebooks and the pages around them")
    chinese = work / "chinese"
    waiting = stage_chinese(staged, chinese)
    if waiting:
        report(f"{len(waiting)} pages wait for their Chinese: {first_three(sorted(waiting))}")
    with ThreadPoolExecutor(2) as builders:
        both = [builders.submit(render, staged, work / "pages"),
                builders.submit(render, chinese, work / "pages-zh")]  # fmt: skip
        built, translated = (one.result() for one in both)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.parent / f".{target.name}.new"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(built, draft)
    shutil.copytree(translated, draft / CHINESE_FOLDER)
    finish_pages(draft, staged)
    finish_chinese(draft, chinese, whole=pages_of(staged).keys() - waiting.keys())
    shutil.rmtree(target, ignore_errors=True)
    draft.replace(target)
    return target / "index.html"


def stage(source: Path, staged: Path) -> Path:
    """Copy the book's sources, add the generated pages and the one script for formulas.

    Files that did not change keep their time, so that the builder reads only what is new.
    """
    fresh = staged.parent / f".{staged.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(source, fresh, ignore=_IGNORED)
    for notebook in fresh.rglob("*.ipynb"):
        if notebook.stem not in MANUAL:
            text = fold_code(notebook.read_text(encoding="utf-8"))
            notebook.write_text(text, encoding="utf-8")
    for name, text in generated_pages(source).items():
        (fresh / name).write_text(text, encoding="utf-8")
    if (fresh / "laboratory.md").is_file():
        script = laboratory_script(source)
        (fresh / "_static" / "laboratory.js").write_text(script, encoding="utf-8")
        (fresh / "_static" / "laboratory-contract.js").write_text(clause_script(), encoding="utf-8")
    shutil.copy2(mathjax(), fresh / "_static" / "tex-svg.js")
    kept = set()
    for path in sorted(item for item in fresh.rglob("*") if item.is_file()):
        place = staged / path.relative_to(fresh)
        kept.add(place)
        if not place.is_file() or place.read_bytes() != path.read_bytes():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    for path in [item for item in staged.rglob("*") if item.is_file() and item not in kept]:
        path.unlink()
    shutil.rmtree(fresh)
    return staged


MANUAL = (
    "methods",
    "reach",
    "how-sure",
    "shares",
    "trust",
    "how-wrong",
    "estimate-surplus",
    "estimate-pay",
    "estimate-visits",
    "money-and-behaviour",
)  # code stands open here


def fold_code(notebook: str) -> str:
    """Fold the code of cells that show something; leave out the code of those that do not.

    A cell that has a tag for its input keeps it.
    """
    content = json.loads(notebook)
    for cell in content["cells"]:
        if cell["cell_type"] != "code":
            continue
        tags = cell["metadata"].setdefault("tags", [])
        if not any(tag.endswith("-input") for tag in tags):
            tags.append("hide-input" if cell["outputs"] else "remove-input")
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def mathjax() -> Path:
    """Return the one script that sets formulas in the pages."""
    package = metadata.distribution("sphinx-mathjax-offline")
    return Path(str(package.locate_file("sphinx-mathjax-offline/static/mathjax/tex-svg.js")))


def render(staged: Path, pages: Path, environment: Mapping[str, str] | None = None) -> Path:
    """Build the pages of a staged book.

    Parameters
    ----------
    staged : Path
        Sources with the generated pages.
    pages : Path
        Folder that the builder keeps; gone if it fails.
    environment : mapping, optional
        Variables of the builder that differ from ours.

    Returns
    -------
    Path
        The folder of finished pages.

    Raises
    ------
    DataError
        If the builder is not installed, or warns.
    OSError
        If the disk is full.
    """
    html = _built(staged, pages, ["-W", "--keep-going"], environment, "html")
    for page in html.rglob("*.html"):  # what the builder kept of pages that are gone
        place = staged / page.relative_to(html)
        known = any(place.with_suffix(ending).is_file() for ending in (".md", ".ipynb"))
        if not (known or page.stem in ("search", "genindex") or "_static" in page.parts):
            page.unlink()
    # the builder copies styles and scripts only when it writes a page
    shutil.copytree(staged / "_static", html / "_static", dirs_exist_ok=True)
    return html


def gettext_templates(staged: Path, pages: Path) -> Path:
    """Let the builder write the messages of a staged book's prose; return their folder."""
    return _built(staged, pages, ["--builder", "custom", "--custom-builder", "gettext"], {})


def _built(
    staged: Path,
    pages: Path,
    options: list[str],
    environment: Mapping[str, str] | None,
    kind: str = "gettext",
) -> Path:
    """Run the builder on a staged book; return the folder of what it wrote."""
    need_extra("book")
    start = (
        "import sys; from jupyter_book.cli.main import main; sys.argv[0] = 'jupyter-book'; main()"
    )
    command: list[str | Path] = [sys.executable, "-c", start, "build", staged]
    command += [*options, "--path-output", pages]
    fixed = {"LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore"}
    known = {**os.environ, **fixed, **(environment or {})}
    ran = subprocess.run(command, capture_output=True, text=True, env=known, check=False)
    said = ran.stdout + ran.stderr
    made = pages / "_build" / kind
    if ran.returncode != 0 or not (kind == "gettext" or (made / "index.html").is_file()):
        shutil.rmtree(pages, ignore_errors=True)
        if os.strerror(errno.ENOSPC) in said:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(pages))
        marks = ("WARNING", "ERROR", "Exception", "Traceback")
        found = [line for line in said.splitlines() if any(mark in line for mark in marks)]
        shown = "\n".join(found[:20] or said.splitlines()[-20:])
        raise DataError(f"the book does not build (warnings count as errors).\n{shown}")
    return made
