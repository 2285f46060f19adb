"""Run a chapter on a reader's panel: what cannot be estimated becomes a sentence in the page."""

from __future__ import annotations

import ast
import os
import re
import site
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...panel import YOURS
from ...show.front import say
from ...show.pictures import TAKE_ALONG
from ..notebooks import kernel_environment, notebook_text

KNOWN_TRUTH = "# where the truth is known"  # first line of cells that need a simulated panel
REFUSALS = ("DesignError", "RuleError")
_SOCKET_NAME = 90  # bytes of a socket's path that every system takes
_WARNED = re.compile(r"^(?:<[^>]*>|[^\s:][^:]*|[A-Za-z]:[^:]*):\d+: (\w*Warning): (.*)$")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")  # colours of a terminal
_MEMORY = "import resource as _r; print(_r.getrusage(_r.RUSAGE_SELF).ru_maxrss)"


@dataclass(frozen=True, eq=False)
class ChapterRun:
    """A chapter after its run.

    Attributes
    ----------
    name : str
        File name without suffix.
    notebook : NotebookNode
        With outputs; cells that hang on a refused one are gone.
    refusals : tuple of str
        What could not be estimated, in the words of the refusal.
    whole : bool
        False where the first step was refused, so that the page only says why.
    warnings : tuple of str
        What the code warned of, without its paths.
    seconds : float
    megabytes : float or None
        Peak memory of the kernel, where the system tells.
    failed : str
        What it died of by a bug; blank otherwise.
    """

    name: str
    notebook: Any
    refusals: tuple[str, ...]
    whole: bool
    warnings: tuple[str, ...]
    seconds: float
    megabytes: float | None
    failed: str = ""


@dataclass(eq=False)
class _Log:
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    whole: bool = True
    lost: set[str] = field(default_factory=set)  # names that refused cells would have set


def closed_environment(scratch: Path) -> dict[str, str]:
    """Return an environment in which programs keep every file of their own under one folder."""
    places = {
        "HOME": "home",
        "TMPDIR": "tmp",
        "TEMP": "tmp",
        "TMP": "tmp",
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "share",
        "XDG_STATE_HOME": "state",
        "XDG_RUNTIME_DIR": "run",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/run",
        "MPLCONFIGDIR": "matplotlib",
    }
    own = {}
    for name, folder in places.items():
        (scratch / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        own[name] = str((scratch / folder).resolve())
    user = site.getuserbase()
    return {**own, "PYTHONUSERBASE": user} if user else own


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Keep the temporary files of this process, such as those of workbooks, under one folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    before, tempfile.tempdir = tempfile.tempdir, str(folder.resolve())
    try:
        yield
    finally:
        tempfile.tempdir = before


def run_chapter(
    path: Path, *, panel: Path, scratch: Path, extra: Mapping[str, str] | None = None
) -> ChapterRun:
    """Execute a notebook on a panel.

    Parameters
    ----------
    path : Path
        The notebook; it is not written.
    panel : Path
        The panel in standard form.
    scratch : Path
        Folder for everything that kernels write.
    extra : mapping, optional
        Further variables of the kernel's environment.

    Returns
    -------
    ChapterRun

    Raises
    ------
    DataError
        If a cell fails by anything but a refused design or rule.
    """
    import nbformat

    started = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith(KNOWN_TRUTH)]
    environment = {
        **kernel_environment(panel),
        **closed_environment(scratch),
        TAKE_ALONG: "1",
        **(extra or {}),
    }
    with _kernel(scratch) as manager:
        log, megabytes = _execute(notebook, manager, environment, path)
    notebook = nbformat.reads(notebook_text(notebook), as_version=4)
    return ChapterRun(
        path.stem,
        notebook,
        tuple(dict.fromkeys(log.refusals)),
        log.whole,
        tuple(dict.fromkeys(log.warnings)),
        time.perf_counter() - started,
        megabytes,
    )


@contextmanager
def _kernel(scratch: Path) -> Iterator[Any]:
    """Lend a manager whose kernel talks through files, not through the network, and then ends."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class OwnKernel(AsyncKernelManager):
        """A kernel of this very interpreter."""

        @property
        def kernel_spec(self) -> KernelSpec:
            program = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=program, display_name="Python 3", language="python")

    run = scratch / "jupyter" / "run"
    run.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = run.resolve() / "kernel.json"
    connection.unlink(missing_ok=True)
    manager = OwnKernel(connection_file=str(connection))
    with _sockets(run.resolve()) as place:
        if place:
            manager.transport, manager.ip = "ipc", place
        try:
            yield manager
        finally:
            process = getattr(manager.provisioner, "process", None)
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


@contextmanager
def _sockets(folder: Path) -> Iterator[str]:
    """Lend the start of the names of sockets; blank where the system has none."""
    if os.name == "nt":
        yield ""
    elif len(os.fsencode(folder / "s")) < _SOCKET_NAME:
        yield str(folder / "s")
    else:
        # sockets have short names only; these hold no data and are gone with the kernel
        with tempfile.TemporaryDirectory(prefix="ma-", dir=_short_folder()) as short:
            yield str(Path(short) / "s")


def _short_folder() -> str:
    """Return the system's folder for temporary files, whatever this process was told."""
    set_here, tempfile.tempdir = tempfile.tempdir, None
    try:
        return tempfile.gettempdir()
    finally:
        tempfile.tempdir = set_here


def _execute(
    notebook: Any, manager: Any, environment: dict[str, str], path: Path
) -> tuple[_Log, float | None]:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbformat.v4 import new_code_cell

    log, kept = _Log(), []
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=None,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    with client.setup_kernel(env=environment, cleanup_kc=True):
        for number, cell in enumerate(list(notebook.cells)):
            if cell.cell_type != "code":
                kept.append(cell)
                continue
            sets, reads = _names(cell.source)
            if reads & log.lost:
                log.lost |= sets
                continue
            log.lost -= sets
            try:
                client.execute_cell(cell, number)
            except CellExecutionError as failed:
                if failed.ename not in REFUSALS:
                    raise DataError(f"{path.name} fails on this panel.\n{failed}") from failed
                _say_refusal(cell, str(failed.evalue), log)
                log.lost |= sets
            kept.append(cell)
            _take_warnings(cell, log)
            if not log.whole:
                break
        probe = new_code_cell(_MEMORY)
        notebook.cells.append(probe)
        try:
            client.execute_cell(probe, len(notebook.cells) - 1)
        except CellExecutionError:  # a system without the module does not tell
            probe.outputs = []
    notebook.cells = kept
    return log, _megabytes(probe)


def _names(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell sets, with those that it reads."""
    named = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    sets = {node.id for node in named if isinstance(node.ctx, ast.Store)}
    return sets, {node.id for node in named if isinstance(node.ctx, ast.Load)} - sets


def _say_refusal(cell: Any, words: str, log: _Log) -> None:
    """Put the refusal in the place of what the cell would have shown."""
    from nbformat.v4 import new_output

    said = " ".join(line.strip() for line in words.splitlines() if line.strip())
    log.refusals.append(said)
    shows = isinstance(ast.parse(cell.source).body[-1], ast.Expr)
    log.whole = shows
    text = say("Not shown: {said}", said=said, about=YOURS)
    data = text._repr_mimebundle_()
    cell.outputs = [new_output("execute_result", data=data, execution_count=cell.execution_count)]


def _take_warnings(cell: Any, log: _Log) -> None:
    """Move what was warned of from the page to the log, without paths and lines of code."""
    kept = []
    for output in cell.outputs:
        if output.get("name") != "stderr":
            kept.append(output)
            continue
        for line in output["text"].splitlines():
            found = _WARNED.match(line)
            if found:
                log.warnings.append(f"{found[1]}: {found[2]}")
    cell.outputs = kept


def _megabytes(probe: Any) -> float | None:
    printed = "".join(output.get("text", "") for output in probe.outputs).strip()
    if not printed.isdigit():
        return None
    return int(printed) / (1024 if sys.platform != "darwin" else 1024**2)
