"""Output files: refused before the work, whole or not there after it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def need_place(
    path: Path, *, replace: bool = False, hint: str = "Add --force to replace it."
) -> None:
    """Refuse a path that a file cannot be written to.

    Parameters
    ----------
    path : Path
        Where the file shall stand.
    replace : bool
        Whether an existing file may be replaced.
    hint : str
        What to do about an existing file.

    Raises
    ------
    FileExistsError
        If something stands there that may not be replaced.
    FileNotFoundError
        If its folder does not exist.
    """
    if path.exists() and not replace:
        raise FileExistsError(f"{path} exists. {hint}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent} is no folder. Make it first.")


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
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
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
