"""Execution of notebooks in one fixed environment, so that a second run changes no byte."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..panel import CHECKED
from ..paths import PACKAGE
from ..show.translation import EDITIONS

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}
# what a panel warns of stands in the foot of each exhibit; the warning itself names paths;
# pictures are drawn in both languages of the book
QUIET = {"PYTHONWARNINGS": "ignore::UserWarning", EDITIONS: "zh"}
METADATA: dict[str, Any] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def find_notebooks(folder: Path) -> list[Path]:
    """Return the notebooks under a folder in order of name."""
    found = folder.rglob("*.ipynb")
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def read_cells(notebook: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook as they are stored."""
    return list(json.loads(notebook.read_text(encoding="utf-8"))["cells"])


def execute(path: Path, *, panel: Path | None = None, timeout: int = 600) -> tuple[str, float]:
    """Execute a notebook and return its text with outputs, which is not written.

    Parameters
    ----------
    path : Path
        The notebook; its kernel starts in its folder and imports this package.
    panel : Path, optional
        A reader's panel, given to ``load_panel()`` through ``MEDALLIANCE_PANEL``.
    timeout : int
        Seconds that a cell may take.

    Returns
    -------
    text : str
        The notebook as JSON, without clocks and versions.
    seconds : float
        Wall time.

    Raises
    ------
    DataError
        If a cell fails; the message holds the cell and its error.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    started = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env={**kernel_environment(panel), **QUIET})
    except CellExecutionError as failed:
        raise DataError(f"{path} fails. Mend the cell and run it again.\n{failed}") from failed
    return notebook_text(notebook), time.perf_counter() - started


def kernel_environment(panel: Path | None = None) -> dict[str, str]:
    """Return the environment of a kernel: this package first, one thread, fixed seed and zone."""
    ours = ("MEDALLIANCE_PANEL", CHECKED)
    inherited = {name: text for name, text in os.environ.items() if name not in ours}
    search = [str(PACKAGE.parent), inherited.get("PYTHONPATH", "")]
    own = {"PYTHONPATH": os.pathsep.join(filter(None, search))}
    chosen = {} if panel is None else {"MEDALLIANCE_PANEL": str(panel.resolve())}
    return {**inherited, **ENVIRONMENT, **own, **chosen}


def notebook_text(notebook: Any) -> str:
    """Return a notebook as JSON with the book's metadata and nothing that changes by itself."""
    import nbformat

    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    for number, cell in enumerate(notebook.cells):
        kept = {name: cell.metadata[name] for name in ("tags", "mystnb") if name in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        cell["id"] = f"cell-{number:02d}"
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
