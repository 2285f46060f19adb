"""Pages that the build writes: exhibits, glossary, sources, data availability, status."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from ..codebook import load_codebook
from ..paths import data_dir
from .availability import sections, statement
from .contract_page import contract_page
from .exhibit_pages import cell_text, exhibit_page
from .status import status

GRADES = {
    "official": "read at its publisher",
    "official_copy": "an official text, read on a re-posted copy",
    "journal": "an article in a journal",
    "preprint": "a paper that no journal has reviewed yet",
    "conference": "a talk or a proceedings paper",
    "press": "a newspaper, an agency or a trade site",
    "computed": "worked out here from other sources, which it names",
}
_KINDS = {
    "key": "Keys of a panel",
    "panel": "Columns of a panel",
    "outcome": "Outcomes",
    "statistic": "Published statistics",
    "case": "Published figures of cases",
    "laboratory": "Settings and results of the rule laboratory",
}


def generated_pages(book: Path) -> dict[str, str]:
    """Write the pages that follow from data and machine.

    Parameters
    ----------
    book : Path
        The book's sources, whose notebooks are listed and counted.

    Returns
    -------
    dict
        File name to Markdown.
    """
    return {
        "glossary.md": glossary(),
        "sources.md": sources(),
        "data-availability.md": availability(),
        "exhibits.md": exhibit_page(book),
        "status.md": status(book),
        "contract.md": contract_page("en"),
        "contract-zh.md": contract_page("zh"),
    }


def glossary() -> str:
    """Write the English-Chinese glossary, terms first, then every variable of the codebook."""
    terms = "\n".join(
        _entry(row["english"], row["chinese"], row["identifier"], row["meaning"])
        for row in _rows("glossary.csv")
    )
    return (
        "# Glossary\n\nThe words of the field in both languages, with the name that each has in "
        f"the package.\n\n## Terms\n\n{terms}\n{_variables()}"
    )


def sources() -> str:
    """Write the list of sources by grade, each with an anchor that is its identifier."""
    rows = _rows("published/sources.csv")
    parts = [
        "# Sources\n",
        f"The book's facts come from {len(rows)} sources. A grade says how a source was read, "
        "not whether it is right.\n",
    ]
    for grade, meaning in GRADES.items():
        mine = sorted((row for row in rows if row["grade"] == grade), key=lambda row: row["title"])
        if mine:
            parts.append(f"## {grade.replace('_', ' ').capitalize()} ({len(mine)})\n")
            parts.append(f"{meaning[0].upper()}{meaning[1:]}.\n")
            parts.extend(map(_source, mine))
    return "\n".join(parts)


def availability() -> str:
    """Write the data availability statement with the counts of what is shipped."""
    rows = _rows("published/sources.csv")
    counts = Counter(row["grade"] for row in rows)
    grades = "\n".join(
        f"| {grade.replace('_', ' ')} | {meaning} | {counts[grade]} |"
        for grade, meaning in GRADES.items()
    )
    files = "\n".join(
        f"| `data/published/{path.name}` | {len(_rows(f'published/{path.name}')):,} |"
        for path in sorted((data_dir() / "published").glob("*.csv"))
    )
    gaps = {
        "statement": statement(),
        "collections": sections(),
        "grades": grades,
        "files": files,
    }
    page = (Path(__file__).parent / "availability.md").read_text(encoding="utf-8")
    for gap, text in gaps.items():
        page = page.replace(f"{{{{{gap}}}}}", text)
    return page


def _variables() -> str:
    book = load_codebook()
    parts = []
    for kind, title in _KINDS.items():
        parts.append(f"\n## {title}\n")
        for variable in book.variables.values():
            if variable.kind == kind:
                unit = book.units[variable.unit].en
                meaning = f"{variable.definition} Unit: {unit}."
                parts.append(_entry(variable.en, variable.zh, variable.name, meaning))
    return "\n".join(parts)


def _entry(english: str, chinese: str, name: str, meaning: str) -> str:
    return f"**{cell_text(english)}** · {cell_text(chinese)} · `{name}`\n: {cell_text(meaning)}\n"


def _source(row: dict[str, str]) -> str:
    written = ", ".join(filter(None, (row["authors"], row["year"])))
    head = f"({_anchor(row['source_id'])})=\n**{cell_text(row['title'])}**"
    tail = [text for text in (written, row["venue"]) if text]
    link = f"<{row['url']}>" if row["url"].startswith("http") else row["url"]
    notes = "; ".join(filter(None, (row["read_as"], row["remark"])))
    said = ". ".join(cell_text(text) for text in (*tail, notes) if text)
    return f"{head}  \n{said}. `{row['source_id']}` {link}\n"


def _anchor(identifier: str) -> str:
    return "source-" + re.sub(r"[^a-z0-9]+", "-", identifier.lower()).strip("-")


def _rows(name: str) -> list[dict[str, str]]:
    path = data_dir() / name
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
