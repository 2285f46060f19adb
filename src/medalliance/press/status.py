"""The status page: which state of the project made the book, on what, from which files."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from ..paths import PACKAGE, data_dir
from .command_times import command_table
from .fingerprints import commit, sha256
from .notebooks import find_notebooks, read_cells
from .run_times import read_times

_STACK = (
    "numpy", "scipy", "pandas", "statsmodels", "linearmodels", "matplotlib", "seaborn",
    "great-tables", "pydantic", "pandera", "pyarrow", "jupyter-book", "sphinx",
)  # fmt: skip
_GROUPS = (
    ("Published figures", "data/published/"),
    ("Rules of the cases", "data/reforms/"),
    ("Codes of the cases", "data/coding/"),
    ("Teaching panel and stored draws", "src/medalliance/teaching/"),
    ("Codebook and descriptions", "data/"),
)
_SHOWN = 12  # characters of a checksum or a commit on the page


def status(book: Path) -> str:
    """Write the status page.

    Parameters
    ----------
    book : Path
        The book's sources, with its notebooks and their run times.

    Returns
    -------
    str
        Markdown: versions, run times of notebooks and of commands, checksums.
    """
    versions = "\n".join(f"| {name} | {metadata.version(name)} |" for name in _STACK)
    return (
        "# Status\n\nThis page is made when the book is built. Outputs in the notebooks hold no "
        f"version and no clock.\n\n{_built()}\n\n"
        f"## Notebooks\n\n{_notebooks(book)}\n\n"
        f"## Commands\n\n{command_table()}\n\n"
        f"## Data files\n\n{_files()}\n\n"
        f"## Packages\n\n| package | version |\n|---|---|\n{versions}\n"
    )


def checksums() -> dict[str, str]:
    """Return the SHA-256 of every data file by its path in the project."""
    roots = {"data": data_dir(), "src/medalliance/teaching": PACKAGE / "teaching"}
    return {
        f"{place}/{path.relative_to(folder).as_posix()}": sha256(path)
        for place, folder in roots.items()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def checksum_file() -> str:
    """Return the checksums as ``sha256sum --check`` reads them from the project's root."""
    return "".join(f"{digest}  {name}\n" for name, digest in checksums().items())


def _built() -> str:
    at = commit()
    state = (
        f"commit `{at[:_SHOWN]}{at[40:]}`"
        if at
        else "an installed package or an unpacked copy, whose commit is unknown"
    )
    return (
        f"Built from {state}: medalliance {metadata.version('medalliance')}, "
        f"Python {platform.python_version()} on {platform.system()} ({platform.machine()}, "
        f"{os.cpu_count()} cores)."
    )


def _notebooks(book: Path) -> str:
    times = read_times(book)
    lines, total = [], 0.0
    for path in find_notebooks(book):
        code = [cell for cell in read_cells(path) if cell["cell_type"] == "code"]
        written = sum(len("".join(cell["source"]).splitlines()) for cell in code)
        page = path.relative_to(book).as_posix()
        seconds, _ = times.get(page, ("not measured", ""))
        total += float(seconds) if page in times else 0.0
        lines.append(
            f"| [{page.removesuffix('.ipynb')}]({page}) | {len(code)} | {written} | {seconds} |"
        )
    measured = " · ".join(sorted({machine for _, machine in times.values()}))
    head = "| notebook | code cells | lines of code | seconds |\n|---|---:|---:|---:|\n"
    said = (
        f"Seconds of the run that wrote the outputs, start of the kernel included, two notebooks "
        f"at a time: {total:,.0f} in all. Machine: {measured}.\n\n"
        if times
        else "No run time is stored yet; `make notebooks` measures.\n\n"
    )
    return said + head + "\n".join(lines)


def _files() -> str:
    left = checksums()
    parts = [
        f"The first {_SHOWN} characters of each file's SHA-256. The list that this page offers "
        "holds them whole; `sha256sum --check` reads it from the project's root.\n"
    ]
    for title, prefix in _GROUPS:
        mine = {name: digest for name, digest in left.items() if name.startswith(prefix)}
        left = {name: digest for name, digest in left.items() if name not in mine}
        rows = "\n".join(
            f"| `{name.removeprefix(prefix)}` | `{digest[:_SHOWN]}` |"
            for name, digest in mine.items()
        )
        parts.append(f"### {title}\n\nIn `{prefix}`.\n\n| file | SHA-256 |\n|---|---|\n{rows}\n")
    return "\n".join(parts)
