"""Record which data files a notebook reads while it is run."""

from __future__ import annotations

import csv
import os
import sys
from collections import defaultdict
from pathlib import Path

from ..errors import DataError
from ..paths import PACKAGE, book_dir, data_dir, mssp_dir, shared_dir
from ..show.packed import csv_text

REPORT = "MEDALLIANCE_FILES_READ"  # environment variable: where a kernel writes what it read
STORE = "files_read.csv"
_MANY = 5
_CODE = {".py", ".pyc", ".so", ".md"}
# read for the words and units of every exhibit; said once instead of beside each
_EVERYWHERE = {"data/codebook.yaml"}


def watch() -> None:
    """Report every data file that this process opens to read, from now on.

    Does nothing where ``MEDALLIANCE_FILES_READ`` names no file. Files that another process opens,
    and files opened outside Python, are not seen.
    """
    report = os.environ.get(REPORT)
    if report is None:
        return
    seen: set[str] = set()
    out = open(report, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - as long as the process

    def hook(event: str, arguments: tuple) -> None:
        if event != "open" or not isinstance(arguments[0], str | os.PathLike):
            return
        path, mode = os.fspath(arguments[0]), arguments[1] or "r"
        if isinstance(path, bytes) or path in seen or "r" not in str(mode):
            return
        seen.add(path)
        name = known_name(Path(path))
        if name:
            out.write(f"{name}\n")

    sys.addaudithook(hook)


def known_name(path: Path) -> str | None:
    """Return the name of a data file as the map prints it, or None for any other file.

    Files of the project keep their path in the repository. Files that are read where they lie
    begin with the name of their environment variable.
    """
    path = Path(os.path.abspath(path))
    if path.suffix in _CODE or not path.suffix:
        return None
    places = (
        (data_dir(), "data"),
        (PACKAGE, "src/medalliance"),
        (mssp_dir(), "MEDALLIANCE_MSSP_DIR"),
        (shared_dir(), "MEDALLIANCE_SHARED"),
    )
    for folder, name in places:
        if path.is_relative_to(folder):
            return f"{name}/{path.relative_to(folder).as_posix()}"
    return None


def grouped(names: set[str]) -> list[str]:
    """Return files in order of name; five or more of one folder become the folder."""
    folders = defaultdict(set)
    for name in names - _EVERYWHERE:
        folders[name.rpartition("/")[0]].add(name)
    kept: list[str] = []
    for folder, inside in folders.items():
        kept += [f"{folder}/"] if len(inside) >= _MANY else inside
    return sorted(kept)


def load_files_read(book: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Return the data files that each notebook read when it was last run.

    Parameters
    ----------
    book : Path, optional
        Folder that holds ``files_read.csv``.

    Returns
    -------
    dict
        Notebook without its ending, such as ``cases/youxi_fujian``, to files; empty if nothing
        was recorded.

    Raises
    ------
    DataError
        If the file has other columns.
    """
    path = (book or book_dir()) / STORE
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if reader.fieldnames != ["notebook", "file"]:
            raise DataError(f"{path}: the columns are not notebook, file. Run `make notebooks`.")
        rows = list(reader)
    found = defaultdict(list)
    for row in rows:
        found[row["notebook"]].append(row["file"])
    return {name: tuple(files) for name, files in found.items()}


def merged(
    before: dict[str, tuple[str, ...]], ran: dict[Path, tuple[str, ...]], book: Path
) -> dict[str, tuple[str, ...]]:
    """Return the record with new runs in it, without notebooks that the book no longer holds."""
    inside = {path.resolve(): files for path, files in ran.items()}
    new = {
        path.relative_to(book.resolve()).with_suffix("").as_posix(): files
        for path, files in inside.items()
        if path.is_relative_to(book.resolve())
    }
    both = {**before, **new}
    return {name: files for name, files in both.items() if (book / f"{name}.ipynb").is_file()}


def files_read_text(read: dict[str, tuple[str, ...]]) -> str:
    """Write the record of all notebooks, in order of name, as ``load_files_read`` reads it."""
    rows = [(name, file) for name in sorted(read) for file in read[name]]
    return csv_text([("notebook", "file"), *rows])
