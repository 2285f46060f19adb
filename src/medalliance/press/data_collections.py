"""Data collections: where each data file comes from, its terms, how to get what is not included.

``data/collections.yaml`` is the one source of REPLICATION.md's table and of the book's page.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from ..errors import DataError, first_three
from ..paths import data_dir

INCLUDED = {
    "yes": "yes",
    "results": "our results; not the data",
    "no": "no",
}


@dataclass(frozen=True)
class Collection:
    """Data that share origin and terms.

    Attributes
    ----------
    name : str
        What they are.
    files, not_files : tuple of str
        Patterns from the project's root (``*`` stays inside a folder); exceptions to them.
    origin, terms, get, cite : str
        Where they come from; what one may do with them; how to get them; how to cite them.
    included : str
        Key of ``INCLUDED``.
    """

    name: str
    files: tuple[str, ...]
    not_files: tuple[str, ...]
    origin: str
    terms: str
    included: str
    get: str
    cite: str

    def holds(self, file: str) -> bool:
        """Whether a path from the project's root belongs here."""
        return _matches(file, self.files) and not _matches(file, self.not_files)


def load_collections(path: Path | None = None) -> list[Collection]:
    """Read the collections.

    Parameters
    ----------
    path : Path, optional
        By default ``data/collections.yaml``.

    Raises
    ------
    DataError
        Naming every entry that lacks a text or says something else than yes, results or no.
    """
    path = path or data_dir() / "collections.yaml"
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except yaml.YAMLError as wrong:
        raise DataError(f"{path}: not YAML. {wrong}") from None
    wanted = {"name", "files", "from", "terms", "included", "get", "cite"}
    problems = []
    for number, entry in enumerate(entries, start=1):
        name = entry.get("name") or f"entry {number}"
        odd = wanted ^ (set(entry) - {"not_files"})
        empty = [key for key in wanted - {"files"} if key in entry and not entry[key].strip()]
        problems += [f"{name}: {key} is missing or not known" for key in sorted(odd)]
        problems += [f"{name}: {key} is empty" for key in empty]
        if entry.get("included", "yes") not in INCLUDED:
            problems.append(f"{name}: included is one of {', '.join(INCLUDED)}")
    if problems:
        raise DataError(f"{path}: {first_three(problems)}. Mend these entries.")
    sources = (data_dir() / "published" / "sources.csv").read_text(encoding="utf-8")
    count = str(sum(1 for _ in csv.DictReader(sources.splitlines())))
    return [_collection(entry, count) for entry in entries]


def _collection(entry: dict, sources: str) -> Collection:
    return Collection(
        name=entry["name"],
        files=tuple(entry["files"]),
        not_files=tuple(entry.get("not_files", ())),
        origin=entry["from"].replace("{sources}", sources),
        terms=entry["terms"],
        included=entry["included"],
        get=entry["get"],
        cite=entry["cite"],
    )


def _matches(file: str, patterns: tuple[str, ...]) -> bool:
    depth = file.count("/")
    return any(fnmatchcase(file, one) and one.count("/") == depth for one in patterns)
