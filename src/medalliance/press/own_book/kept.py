"""Chapters that an unfinished build had finished: the next one on the same panel takes them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

from ...paths import PACKAGE
from ..fingerprints import sha256
from .kernels import ChapterRun


@lru_cache(maxsize=1)
def _code() -> str:
    return "".join(map(sha256, sorted(PACKAGE.rglob("*.py"))))


class Kept:
    """The store of finished chapters.

    Parameters
    ----------
    folder : Path
        Made with the first chapter.
    inputs : sequence of Path
        Files whose content, with the package's own, decides whether a chapter is the same.
    """

    def __init__(self, folder: Path, inputs: Sequence[Path]) -> None:
        self.folder = folder
        self._inputs = "".join([*map(sha256, inputs), _code()])

    def get(self, chapter: Path) -> ChapterRun | None:
        """Return the finished run of a chapter, ``None`` where there is none."""
        import nbformat

        try:
            held = json.loads(self._place(chapter).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        held["notebook"] = nbformat.reads(held["notebook"], as_version=4)
        held |= {name: tuple(held[name]) for name in ("refusals", "warnings")}
        return ChapterRun(**held)

    def put(self, chapter: Path, run: ChapterRun) -> None:
        """Store the run of a chapter, whole or not at all."""
        import nbformat

        held = {item.name: getattr(run, item.name) for item in fields(run)}
        held["notebook"] = nbformat.writes(run.notebook)
        self.folder.mkdir(exist_ok=True)
        place = self._place(chapter)
        draft = place.with_suffix(".draft")
        draft.write_text(json.dumps(held), encoding="utf-8")
        os.replace(draft, place)

    def clear(self) -> None:
        """Forget all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, chapter: Path) -> Path:
        name = hashlib.sha256((self._inputs + sha256(chapter)).encode()).hexdigest()
        return self.folder / f"{chapter.stem}-{name[:16]}.json"
