"""``medalliance messages``: bring the catalogues of the Chinese edition up to date."""

from __future__ import annotations

import typer


def run() -> None:
    """Write the messages of the book's prose and exhibits into its catalogues.

    Translations stay; a changed sentence keeps its old Chinese, marked fuzzy.

    Example: medalliance messages
    """
    import tempfile
    from pathlib import Path

    from ..errors import need_extra
    from ..paths import book_dir, ours_to_write
    from ..press.book import gettext_templates, stage
    from ..press.edition import update_catalogues

    need_extra("book")
    source = ours_to_write(book_dir())
    with tempfile.TemporaryDirectory() as folder:
        staged = stage(source, Path(folder) / "source")
        left = update_catalogues(source, gettext_templates(staged, Path(folder) / "pages"))
    for name, count in left.items():
        if count:
            typer.echo(f"{name}: {count} to translate")
    typer.echo(f"{sum(left.values())} messages lack Chinese")
