"""Output files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


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
