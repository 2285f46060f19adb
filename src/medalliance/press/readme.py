"""Fill the parts of README, REPLICATION and data/README that follow from files."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from ..errors import DataError
from .availability import readme_table, references, sections, statement
from .command_times import command_table, short_table
from .exhibit_map import Chapter, read_chapters
from .exhibit_pages import FilesRead, counts, exhibit_file, exhibit_table, outside
from .fingerprints import package_seeds
from .records import files_behind


def project_texts(project: Path) -> dict[Path, str]:
    """Write README.md, REPLICATION.md, data/README.md and EXHIBITS.md as they should stand.

    Parameters
    ----------
    project : Path
        A checkout, with ``README.md``, ``pyproject.toml`` and ``requirements.lock``.

    Returns
    -------
    dict
        Path to text. Nothing is written.

    Raises
    ------
    DataError
        If the folder is no checkout, a mark is missing, or the function behind an
        exhibit cannot be told.
    """
    book = project / "book"
    documents = ("README.md", "REPLICATION.md", "data/README.md")
    needed = (*documents, "pyproject.toml", "requirements.lock")
    missing = [name for name in needed if not (project / name).is_file()]
    if missing:
        raise DataError(f"{project}: no {missing[0]}. Run this in a checkout of the project.")
    chapters, read = read_chapters(book), files_behind(book)
    inside = (
        {"times": short_table(), "statement": statement()},
        {**blocks(project), "exhibits": exhibit_words(chapters, read)},
        {"collections": sections()},
    )
    texts = {
        project / name: fill(project / name, parts)
        for name, parts in zip(documents, inside, strict=True)
    }
    return {**texts, project / "EXHIBITS.md": exhibit_file(chapters, read)}


def blocks(project: Path) -> dict[str, str]:
    """Write REPLICATION.md's generated parts but for the exhibits, by the name of their mark."""
    return {
        "data": f"{statement()}\n\n{readme_table()}",
        "software": software(project),
        "run-times": command_table(),
        "seeds": seed_table(),
        "references": references(),
    }


def fill(path: Path, parts: Mapping[str, str]) -> str:
    """Return a file's text with each part between its marks, a begin and an end.

    Raises
    ------
    DataError
        If a mark is missing or stands twice.
    """
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin, end = f"<!-- {name}: written by make readme -->", f"<!-- /{name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise DataError(f"{path}: the marks {begin} and {end} stand once each. Mend them.")
        before, _, rest = text.partition(begin)
        if end not in rest:
            raise DataError(f"{path}: {end} stands before {begin}. Put it below.")
        text = f"{before}{begin}\n\n{part}\n\n{end}{rest.partition(end)[2]}"
    return text


def exhibit_words(chapters: list[Chapter], read: FilesRead) -> str:
    """Say how many exhibits there are and what they need; add the table by chapter."""
    needing = outside(read)
    named = " and ".join(f"[{name}](book/{name}.ipynb)" for name in sorted(needing))
    variables = sorted({file.split("/")[0] for files in needing.values() for file in files})
    without = (
        f"Only {named} read files that are not included (`{'`, `'.join(variables)}`, see above); "
        "their outputs are stored."
        if needing
        else "None reads a file that is not included."
    )
    return (
        f"{counts(chapters)} [EXHIBITS.md](EXHIBITS.md) lists every one with the function that "
        "makes it, the cell that calls it and the data that its notebook reads. "
        f"{without}\n\n{exhibit_table(chapters)}"
    )


def software(project: Path) -> str:
    """List Python and the direct dependencies with the versions that the lock holds."""
    asked = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", lock, re.MULTILINE)
    locked = {_plain(name): version for name, version in found}
    groups = {
        "The package": asked["dependencies"],
        "The book": asked["optional-dependencies"]["book"],
    }
    lines = []
    for name, wanted in groups.items():
        names = [_plain(re.split(r"[\[=<>!~; ]", one, maxsplit=1)[0]) for one in wanted]
        lines.append(f"{name}: {', '.join(f'{one} {locked[one]}' for one in names)}.")
    pythons = re.findall(r":: (3\.\d+)$", "\n".join(asked["classifiers"]), re.MULTILINE)
    return (
        f"Python {pythons[0]} to {pythons[-1]} and the {len(locked)} packages of "
        "`requirements.lock`, each with version and hash; `make env` installs those that the "
        "system needs.\n" + "\n".join(lines)
    )


def seed_table() -> str:
    """List the seeds that the package fixes: a constant, or the default of an argument."""
    found: dict[int, list[str]] = defaultdict(list)
    for module, name, seed in package_seeds():
        found[seed].append(f"`{module}.{name}`")
    rows = [f"| {seed} | {_few(names)} |" for seed, names in sorted(found.items())]
    return "\n".join(["| seed | fixed by |", "|---:|---|", *rows])


def _few(names: list[str], shown: int = 4) -> str:
    if len(names) <= shown:
        return ", ".join(names)
    homes = sorted({name.strip("`").split(".")[0] for name in names})
    return f"the default of {len(names)} functions in {', '.join(f'`{home}`' for home in homes)}"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
