"""Output files: refused before the work, whole or not there after it."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

IN_PART = 4  # exit code: done in part, and what is missing is named


def need_place(
    path: Path,
    *,
    replace: bool = False,
    hint: str = "Add --force to replace it.",
    inputs: Iterable[Path | str | None] = (),
) -> None:
    """Refuse a path that a file cannot, or must not, be written to.

    Parameters
    ----------
    path : Path
        Where the file shall stand.
    replace : bool
        Whether an existing file may be replaced; never a link, a device or a folder.
    hint : str
        What to do about an existing file.
    inputs : iterable of Path
        Files that the command reads, which are never written.

    Raises
    ------
    FileExistsError
        If something stands there that may not be replaced.
    FileNotFoundError
        If its folder does not exist.
    """
    if any(_same(path, Path(given)) for given in inputs if given):
        raise FileExistsError(f"{path} is read by this command. Name another output.")
    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
        kind = "a link" if path.is_symlink() else "a folder" if path.is_dir() else "a device"
        raise FileExistsError(f"{path} is {kind}, never replaced. Name a file.")
    if path.exists() and not replace:
        raise FileExistsError(f"{path} exists. {hint}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent} is no folder. Make it first.")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.exists() and other.exists() and one.samefile(other)
    except OSError:
        return False


def write_whole(path: Path, content: str | bytes | Callable[[Path], object]) -> Path:
    """Write a file beside its place, then move it there.

    Parameters
    ----------
    path : Path
        Where the file shall stand. Its folder must exist. An existing file is replaced.
    content : str, bytes or callable
        Text (UTF-8), bytes, or a function that writes to the path it is given.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    OSError
        If it cannot be written; then nothing stands at ``path`` that did not stand there before.
    """
    need_place(path, replace=True)
    _clear_drafts(path)
    start = f".{path.name}.{os.getpid()}-"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=start, suffix=path.suffix)
    os.close(handle)
    draft = Path(name)
    try:
        if callable(content):
            content(draft)
        else:
            draft.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _clear_drafts(path: Path) -> None:
    """Remove drafts of this file that commands left behind which were killed."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*-*{glob.escape(path.suffix)}"):
        number = draft.name.removeprefix(f".{path.name}.").partition("-")[0]
        if number.isdigit() and draft.is_file() and not _alive(int(number)):
            draft.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    if os.name == "nt":  # a signal would end it there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
