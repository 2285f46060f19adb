"""Data availability: the statement of the book and of the documents, from one table."""

from __future__ import annotations

from .data_collections import INCLUDED, Collection, load_collections


def statement() -> str:
    """Write the summary that the README and the book's page hold."""
    kept_back = [entry.name for entry in load_collections() if entry.included == "no"]
    return (
        "Every table, figure and number can be made again from data that are public. "
        "What we may pass on is included; for the rest it is said how to get it. "
        f"{' and '.join(kept_back)} cannot be made public; nothing in the book uses them.\n\n"
        "We have the right to use these data and to pass on those that are included. "
        "None of them holds data on persons."
    )


def readme_table() -> str:
    """Write the collections for REPLICATION.md: a table, then how to get what is not included."""
    entries = load_collections()
    rows = [
        f"| {entry.name} | {entry.origin} | {entry.terms} | {INCLUDED[entry.included]} |"
        for entry in entries
    ]
    head = "| data | from | terms | included |\n|---|---|---|---|"
    rest = [f"- *{entry.name}:* {entry.get}." for entry in entries if entry.included != "yes"]
    return "\n".join([head, *rows, "", "How to get what is not included:", "", *rest])


def references() -> str:
    """Write how to cite the data that are not ours."""
    ours = ("the ", "as ")
    cited = [entry.cite for entry in load_collections() if not entry.cite.startswith(ours)]
    return "\n".join(f"- {text}." for text in cited)


def sections() -> str:
    """Write the collections in full, one section each, for data/README.md and the book's page."""
    return "\n\n".join(f"### {entry.name}\n\n{_lines(entry)}" for entry in load_collections())


def _lines(entry: Collection) -> str:
    said = {
        "From": entry.origin,
        "Terms": entry.terms,
        "Included": INCLUDED[entry.included],
        "Files": ", ".join(f"`{name}`" for name in entry.files) or "none here",
        "How to get them": entry.get,
        "Cite": entry.cite,
    }
    return "\n".join(f"- **{name}:** {text.rstrip('.')}." for name, text in said.items())
