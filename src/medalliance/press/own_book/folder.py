"""The folder of a reader's book: replaced whole, and never a folder that somebody else made."""

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
BUILDING = ".building"
NEW = "new"
_OLD, _MOVING = "old", "moving.json"


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
        replaces the earlier book when the block ends well; otherwise that stays as it was.

    Raises
    ------
    DataError
        If the folder holds anything else, or a file of the reader's stands in the way.
    """
    refuse_foreign(output)
    made = not output.exists()
    output.mkdir(parents=True, exist_ok=True)
    building = output / BUILDING
    _restore(output)
    if not (output / MARKER).exists():
        _write_marker(output, [])
    try:
        (building / NEW).mkdir(parents=True)
        yield building
        _swap(output)
    except BaseException:
        _restore(output)
        if not _entries(output):
            (output / MARKER).unlink(missing_ok=True)
            if made and not any(output.iterdir()):
                output.rmdir()
        raise


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
    found = sorted(path.name for path in output.iterdir())
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
    return [name for name in listed if Path(name).name == name and name not in (MARKER, BUILDING)]


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
