"""The work folder: finished pieces are kept by the name of what they were made from."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..errors import DataError


def digest(*parts: str) -> str:
    """Return a short name for texts: other texts, another name.

    >>> digest("a", "b") == digest("ab")
    False
    """
    text = "\0".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class Work:
    """A folder of finished pieces; one run at a time.

    Parameters
    ----------
    folder : Path
        Made if it is not there; its parent must exist.
    restart : bool
        Throw away what an earlier run left.

    Raises
    ------
    DataError
        If another run works in it.
    """

    def __init__(self, folder: Path, *, restart: bool = False):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._lock = (folder / "lock").open("a+")
        try:
            _take(self._lock.fileno())
        except OSError as taken:
            self._lock.close()
            raise DataError(
                f"{folder}: another run is working here.\n"
                "  Wait until it ends, or give another output."
            ) from taken
        for path in self._pieces():
            if restart or path.suffix == ".part" or path.name == "scratch":
                _remove(path)

    @property
    def scratch(self) -> Path:
        """Folder for what an engine spills."""
        return self.folder / "scratch"

    def keep_only(self, names: Iterable[str]) -> None:
        """Remove pieces that this run does not need."""
        wanted = set(names)
        for path in self._pieces():
            if path.name not in wanted and path.name != "scratch":
                _remove(path)

    def piece(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return a finished piece, made into a folder of its own if it is not there.

        A piece gets its name when it is complete; nothing half-made ever carries it.
        """
        path = self.folder / name
        if path.is_dir():
            return path
        part = self.folder / f"{name}.part"
        _remove(part)
        part.mkdir()
        try:
            make(part)
            part.replace(path)
        finally:
            _remove(part)
        return path

    def has(self, name: str) -> bool:
        """Tell whether a piece is finished."""
        return (self.folder / name).is_dir()

    def _pieces(self) -> Iterator[Path]:
        yield from [path for path in self.folder.iterdir() if path.name != "lock"]

    def __enter__(self) -> Work:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Let the folder go: removed if all went well, else without the scratch."""
        _remove(self.scratch)
        self._lock.close()
        if kind is None or not any(self._pieces()):
            shutil.rmtree(self.folder)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _take(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two runs on one output are the user's care
        return
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
