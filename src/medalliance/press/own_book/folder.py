"""The folder of a reader's book: one writer, replaced whole, never one that somebody else made."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import DataError, first_three

MARKER = ".medalliance-book.json"
LOCK = ".medalliance-book.lock"
KEPT = ".kept"  # what a build finished, for the next one
BUILDING = ".building"
NEW = "new"
_OLD, _MOVING = "old", "moving.json"
_OURS = (MARKER, LOCK, KEPT, BUILDING)


@contextmanager
def own_folder(output: Path) -> Iterator[Path]:
    """Lend a folder to build in, and put what was built in the place of the earlier book.

    Parameters
    ----------
    output : Path
        A folder that does not exist, is empty, or holds a book that this function made. Files
        that somebody put beside the book stay where they are.

    Yields
    ------
    Path
        A folder inside ``output``, gone afterwards. What the caller leaves in its folder ``new``
        replaces the earlier book when the block ends well; otherwise, and where it leaves
        nothing there, that stays as it was.

    Raises
    ------
    DataError
        If the folder holds anything else, or a file of the reader's stands in the way.
    """
    refuse_foreign(output)
    made = not output.exists()
    output.mkdir(parents=True, exist_ok=True)
    try:
        with _only_writer(output):
            _restore(output)
            if not (output / MARKER).exists():
                _write_marker(output, [])
            try:
                (output / BUILDING / NEW).mkdir(parents=True)
                yield output / BUILDING
                if any((output / BUILDING / NEW).iterdir()):
                    _swap(output)
                else:
                    _remove(output / BUILDING)
            except BaseException:
                _restore(output)
                if not _entries(output) and not (output / KEPT).exists():
                    (output / MARKER).unlink(missing_ok=True)
                raise
    finally:
        if made and not any(output.iterdir()):
            output.rmdir()


@contextmanager
def _only_writer(output: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back even from a process that was killed.

    Raises
    ------
    DataError
        If another process holds it.
    """
    place = output / LOCK
    handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(handle)
        if not place.exists() or not os.path.samestat(os.fstat(handle), place.stat()):
            raise BlockingIOError  # the one before us took it away as it ended
    except OSError:
        os.close(handle)
        raise DataError(
            f"another command is writing into {output}.\n"
            "  Wait until it has ended, or name another folder; nothing was changed."
        ) from None
    try:
        yield
    finally:
        if os.name == "nt":
            os.close(handle)
            place.unlink(missing_ok=True)
        else:
            place.unlink(missing_ok=True)
            os.close(handle)


def _lock(handle: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def publish(output: Path, files: dict[str, bytes]) -> None:
    """Put files into a folder that is being built, beside the earlier book, before the new one.

    Parameters
    ----------
    output : Path
        The folder that :func:`own_folder` was asked for; its block is still open.
    files : dict of str to bytes
        Name -> content. The next book replaces them.
    """
    listed = _entries(output)
    theirs = [name for name in files if name not in listed and (output / name).exists()]
    if theirs:
        raise DataError(
            f"{output} holds files of yours where ours would stand: {first_three(theirs)}.\n"
            "  Move them, or name another folder; nothing was changed."
        )
    _write_marker(output, sorted({*listed, *files}))
    for name, content in files.items():
        draft = output / BUILDING / name
        draft.write_bytes(content)
        draft.replace(output / name)


def refuse_foreign(output: Path) -> None:
    """Refuse an output that is a file, or a folder with content that no build made.

    Raises
    ------
    DataError
    """
    if output.exists() and not output.is_dir():
        raise DataError(f"{output} is a file.\n  Name a folder for the book.")
    if not output.is_dir() or (output / MARKER).is_file():
        return
    found = sorted(path.name for path in output.iterdir() if path.name != LOCK)
    if found:
        raise DataError(
            f"{output} holds files that this command did not make: {first_three(found)}.\n"
            "  Name a new or an empty folder; nothing was changed."
        )


def _entries(output: Path) -> list[str]:
    """Return the names that the last book put into the folder."""
    try:
        listed = json.loads((output / MARKER).read_text(encoding="utf-8"))["entries"]
    except (OSError, ValueError, KeyError):
        return []
    return [name for name in listed if Path(name).name == name and name not in _OURS]


def _write_marker(output: Path, entries: list[str]) -> None:
    text = json.dumps({"made by": "medalliance build --data", "entries": entries}, indent=1)
    draft = output / f"{MARKER}.new"
    draft.write_text(text + "\n", encoding="utf-8")
    os.replace(draft, output / MARKER)


def _swap(output: Path) -> None:
    """Move the earlier book aside and the new one in."""
    building = output / BUILDING
    fresh = sorted(path.name for path in (building / NEW).iterdir())
    before = _entries(output)
    theirs = [name for name in fresh if name not in before and (output / name).exists()]
    if theirs:
        raise DataError(
            f"{output} holds files of yours where the book's would stand: {first_three(theirs)}.\n"
            "  Move them, or name another folder; nothing was changed."
        )
    old = building / _OLD
    old.mkdir()
    plan = json.dumps({"before": before, "fresh": fresh})
    (building / _MOVING).write_text(plan, encoding="utf-8")
    for name in before:
        if (output / name).exists():
            (output / name).rename(old / name)
    for name in fresh:
        (building / NEW / name).rename(output / name)
    _write_marker(output, fresh)
    (building / _MOVING).unlink()
    _remove(building)


def _restore(output: Path) -> None:
    """Clear the building site; undo an exchange that was cut off, so the earlier book stands."""
    building = output / BUILDING
    old, moving = building / _OLD, building / _MOVING
    if moving.is_file():
        plan = json.loads(moving.read_text(encoding="utf-8"))
        for name in plan["fresh"]:
            arrived = not (building / NEW / name).exists()
            if arrived and (name not in plan["before"] or (old / name).exists()):
                _remove(output / name)
        for path in sorted(old.iterdir()):
            path.rename(output / path.name)
        _write_marker(output, plan["before"])
        moving.unlink()
    if building.exists():
        _remove(building)


def _remove(path: Path, *, tries: int = 20) -> None:
    """Remove a file or a folder; a program that is just ending may still write into it."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for left in reversed(range(tries)):
        try:
            shutil.rmtree(path)
        except OSError:
            if not left:
                raise
            time.sleep(0.1)
        else:
            return
