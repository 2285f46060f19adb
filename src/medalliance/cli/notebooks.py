"""``medalliance notebooks``: re-execute notebooks in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Notebooks; all of the book by default.")
    ] = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Kernels at a time.")] = 2,
) -> None:
    """Execute the book's notebooks again and write them back where their outputs changed.

    The time of a run that changed outputs is kept in ``run-times.csv`` for the status page.

    Example: medalliance notebooks book/public-figures.ipynb
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed

    from ..errors import DataError, need_extra
    from ..paths import book_dir, ours_to_write
    from ..press.notebooks import execute, find_notebooks
    from ..press.run_times import FILE, updated_times
    from ._output import write_whole

    need_extra("book")
    chosen = paths or find_notebooks(ours_to_write(book_dir()))
    missing = [str(path) for path in chosen if not path.is_file()]
    if missing:
        raise DataError(f"no such notebook: {', '.join(missing)}. Name a file under book/.")
    took: dict[Path, tuple[float, bool]] = {}
    with ThreadPoolExecutor(jobs) as kernels:
        waiting = {kernels.submit(execute, path): path for path in chosen}
        try:
            for number, done in enumerate(as_completed(waiting), start=1):
                path, (text, seconds) = waiting[done], done.result()
                changed = text != path.read_text(encoding="utf-8")
                if changed:
                    write_whole(path, text)
                took[path] = (seconds, changed)
                said = f"{path} {seconds:.1f} s, {'written' if changed else 'unchanged'}"
                typer.echo(f"[{number}/{len(chosen)}] {said}", err=True)
        finally:
            kernels.shutdown(cancel_futures=True)
            book = book_dir()
            times = updated_times(book, took)
            if times is not None:
                write_whole(book / FILE, times)
