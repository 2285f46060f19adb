"""``medalliance new case``: start a case with its rule file and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    slug: Annotated[str, typer.Argument(help="county_province, such as deqing_zhejiang.")],
    folder: Annotated[
        Path | None, typer.Option(help="Project that holds data/ and book/; here by default.")
    ] = None,
) -> None:
    """Write the skeleton of a rule file with the page of a new case, listed in the book.

    Nothing is overwritten; if one file cannot be written, none is.

    Example: medalliance new case deqing_zhejiang
    """
    from ..press.case_template import case_notebook_text, case_rules_text, listed_case
    from ._output import write_whole

    root = folder or Path.cwd()
    rules = root / "data" / "reforms" / f"{slug}.yaml"
    page = root / "book" / "cases" / f"{slug}.ipynb"
    texts = {rules: case_rules_text(slug), page: case_notebook_text(slug)}
    _refuse(root, texts)
    for path in texts:
        path.parent.mkdir(exist_ok=True)
    order = root / "book" / "_toc.yml"
    listed = listed_case(order.read_text(encoding="utf-8"), slug) if order.is_file() else None
    try:
        for path, text in texts.items():
            write_whole(path, text)
        if listed is not None:
            write_whole(order, listed)
    except OSError:
        for path in texts:
            path.unlink(missing_ok=True)
        raise
    typer.echo(f"{rules}\n{page}")
    by_hand = "" if listed else f" Then add `- file: cases/{slug}` to book/_toc.yml."
    typer.echo(
        "Fill the rules, add codes to a sheet in data/coding, "
        f"run `medalliance notebooks {page}`.{by_hand}",
        err=True,
    )


def _refuse(root: Path, texts: dict[Path, str]) -> None:
    from ..errors import DataError, first_three

    there = [path for path in texts if path.exists()]
    if there:
        raise DataError(f"{first_three(there)}: there already. Nothing was written.")
    missing = [name for name in ("data/reforms", "book") if not (root / name).is_dir()]
    if missing:
        raise DataError(
            f"{root} has no folder {first_three(missing)}.\n"
            "  Run this in the project's folder, or name it with --folder."
        )
