"""Write a release: protected tables, their figures, and the checker's log, whole or not at all."""

from __future__ import annotations

import csv
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from ...disclosure import Limits
from ...errors import DataError, first_three
from ...outcomes import outcome_label
from ...panel import Panel
from ...provenance import Badge, Provenance
from ...show.documents import excel
from ...show.exhibits import new_record
from ...show.front import show
from ...show.html import exhibit_html
from ...show.packed import csv_text
from ...show.tables import heading
from ...spreadsheet import csv_of
from ..fingerprints import commit, sha256
from ..own_book.folder import BUILDING, LOCK, MARKER, NEW, own_folder, refuse_foreign
from ._contents import release_contents
from ._figures import figures
from ._items import Contents, Item
from ._log import log_files

SOURCE = "a panel that stays where it is; protected tables only"
BLANK = "not shown"
HISTORY = "releases.csv"
_PAST = ("made", "panel", "limits")
README = """What may leave, if the person who checks agrees: index.html, tables/, figures/.
What stays with the data: checker/ (the log, with limits and reasons).

A blank number in a table is hidden where the column ending in _na reads "suppressed"; where it
reads "not_applicable" there is nothing to show.
"""


def write_release(
    panel: Panel,
    folder: Path,
    limits: Limits | None = None,
    *,
    command: str = "",
    data: Path | None = None,
    checked_together: str = "",
    report: Callable[[str], None] = lambda line: None,
) -> Path:
    """Write what may leave of a panel, with the log for the person who checks it.

    The rules guard against a number that shows a county, an institution or a few persons: by
    itself, by difference from other released numbers, or to somebody who knows one contribution.
    They do not guard against differences between this release and another one of nearly the same
    data, against what is known from elsewhere, or against two contributors who pool what they
    know.

    Parameters
    ----------
    panel : Panel
    folder : Path
        New, empty, or an earlier release, which is replaced by a whole one only.
    limits : Limits, optional
    command : str
        The command that makes it, for the log.
    data : Path, optional
        The file that the panel was read from, for its hash.
    checked_together : str
        Who checked this release together with earlier ones of overlapping tables in the folder
        or beside it; without a name such a release is refused.
    report : callable
        Gets a line of progress at a time.

    Returns
    -------
    Path
        ``folder / "checker" / "log.html"``.

    Raises
    ------
    DataError
        If nothing may leave, the folder holds files that no release made, or an earlier release
        of other rows or limits stands there and nobody checked the two together.
    """
    limits = limits or Limits()
    _refuse_others(folder)
    facts = _facts(panel, limits, command, data)
    with own_folder(folder) as building:
        before = _earlier(folder)
        contents = release_contents(panel, limits, report=report)
        files = _released(contents)
        warning = _difference([*before, *_beside(folder)], facts)
        if warning and not checked_together.strip():
            raise DataError(
                f"{warning}\n  Nothing was written. Whoever checks releases lets it through with "
                '--checked-together "name", which the log keeps.'
            )
        if warning:
            warning = f"{warning} Checked together by {checked_together.strip()}."
            report(f"warning: {warning}")
        files_of_log = log_files(contents, files, facts, warning)
        history = [
            *before,
            {
                "made": facts["made"],
                "panel": facts["panel sha256, short"],
                "limits": facts["limits"],
            },
        ]
        files_of_log[f"checker/{HISTORY}"] = _history(history)
        for name, content in {**files, **files_of_log}.items():
            place = building / NEW / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        (building / NEW / "README.txt").write_text(README, encoding="utf-8")
    return folder / "checker" / "log.html"


def _refuse_others(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier release, so that nothing else leaves."""
    refuse_foreign(folder)
    if not folder.is_dir():
        return
    there = sorted(
        path.name for path in folder.iterdir() if path.name not in (MARKER, BUILDING, LOCK)
    )
    ours = {"index.html", "README.txt", "tables", "figures", "checker"}
    other = [name for name in there if name not in ours]
    if other or (there and not (folder / "checker" / HISTORY).is_file()):
        raise DataError(
            f"{folder} holds more than a release: {first_three(other or there)}.\n"
            "  Name a new or an empty folder, so that nothing else leaves with it."
        )


def _facts(panel: Panel, limits: Limits, command: str, data: Path | None) -> dict[str, str]:
    return {
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command or "medalliance.press.release.write_release",
        "limits": limits.described(),
        "panel sha256, short": panel.data_hash,
        "file sha256": "" if data is None else sha256(data),
        "program": f"medalliance {metadata.version('medalliance')}, commit {commit() or 'none'}, "
        f"Python {platform.python_version()}, scipy {metadata.version('scipy')}",
    }


def _earlier(folder: Path) -> list[dict[str, str]]:
    """Return the releases that this folder has seen."""
    place = folder / "checker" / HISTORY
    if not place.is_file():
        return []
    with place.open(encoding="utf-8-sig", newline="") as opened:
        return [dict(row) for row in csv.DictReader(opened)]


def _beside(folder: Path) -> list[dict[str, str]]:
    """Return the releases of the folders beside this one."""
    found: list[dict[str, str]] = []
    here = folder.resolve()
    for place in sorted(here.parent.glob(f"*/checker/{HISTORY}")):
        if place.parent.parent != here:
            found += _earlier(place.parent.parent)
    return found


def _difference(before: list[dict[str, str]], facts: Mapping[str, str]) -> str:
    """Warn of earlier releases that differ: what one hides the other can show by difference."""
    now = {"panel": facts["panel sha256, short"], "limits": facts["limits"]}
    other = [row for row in before if any(row.get(name) != text for name, text in now.items())]
    if not other:
        return ""
    what = [name for name in now if any(row.get(name) != now[name] for row in other)]
    return (
        f"{len(other)} earlier release here or in a folder beside had another "
        f"{' and other '.join(what)}. What one release hides the other can show by difference: "
        "let only one of them leave, or have them checked together."
    )


def _history(rows: list[dict[str, str]]) -> bytes:
    listed = [[row.get(name, "") for name in _PAST] for row in rows]
    return csv_text([_PAST, *listed]).encode("utf-8-sig")


def _released(contents: Contents) -> dict[str, bytes]:
    items = {item.name: item for item in contents.items}
    made = {
        f"tables/{name}.csv": csv_of(item.rounded).encode("utf-8-sig")
        for name, item in items.items()
    }
    made["tables/all-tables.xlsx"] = excel([_sheet(item) for item in items.values()], list(items))
    drawn = figures(items)
    made |= {f"figures/{name}.png": content for name, content in drawn.items()}
    made["index.html"] = _page(contents, list(drawn)).encode("utf-8")
    return made


def _sheet(item: Item) -> dict[str, Any]:
    """Return a table as the workbook's writer takes it."""
    columns = []
    for name, column in item.rounded.items():
        number = str(column.dtype) in ("Int64", "float64")
        values = [
            None if value != value or value is None else value
            for value in column.astype(object).where(column.notna(), None)
        ]
        places = item.decimals.get(str(name), 2)
        printed = [
            BLANK if value is None else f"{value:,.{places}f}" if number else str(value)
            for value in values
        ]
        columns.append(
            {
                "heading": heading(name),
                "number": number,
                "values": values,
                "printed": printed,
                "grey": [],
            }
        )
    return {"caption": item.title, "badge": Badge.YOURS.value, "source": SOURCE, "columns": columns}


_STYLE = (
    "body{font:16px/1.55 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1f24;background:#fff}.exhibit-scroll{overflow-x:auto}"
    ".exhibit-badge{font-size:.7rem;border:1px solid currentColor;border-radius:3px;"
    "padding:0 .35em;margin-right:.4em}.exhibit-source{font-size:.8rem}"
    "figure{margin:2rem 0}img{max-width:100%;height:auto;box-sizing:border-box}"
    "summary{cursor:pointer}"
    "@media (prefers-color-scheme:dark){body{color:#e6e8eb;background:#16191d}"
    "img{background:#fff;padding:.5rem;border-radius:4px}}"
)


def _page(contents: Contents, drawn: list[str]) -> str:
    parts = []
    for item in contents.items:
        shown = item.rounded.drop(
            columns=[n for n in item.frame.columns if str(n).endswith("_na") or n == "na"]
        )
        exhibit = show(
            shown.astype({n: float for n in item.decimals if n in shown.columns}),
            f"{item.title}. {item.note}".strip(),
            about=Provenance(Badge.YOURS, SOURCE),
            decimals=dict(item.decimals),
            blank=BLANK,
        )
        pictures = "".join(
            _picture(item, name) for name in drawn if name.split("--")[0] == item.name
        )
        body = exhibit._repr_html_()
        if len(shown) > 40:
            body = f"<details><summary>{item.title}: {len(shown):,} rows</summary>{body}</details>"
        parts.append(f"<h2>{item.title}</h2>{pictures}{body}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Protected results</title><style>{_STYLE}</style></head><body><h1>Protected "
        "results</h1><p>Tables and figures that may leave once they are checked. A number that "
        f"reads <em>{BLANK}</em> is hidden, or there is none; the column ending in <code>_na"
        f"</code> of the CSV file says which.</p>{''.join(parts)}</body></html>\n"
    )


def _picture(item: Item, name: str) -> str:
    what, caption = name.split("--")[1], f"{item.title}."
    if item.name == "estimates":
        label = outcome_label(what)
        caption = f"Effects on {label} by years since the reform. Bars: 95 % intervals."
    alt = f"{caption} Its numbers stand in the table below."
    words = {"caption": caption, "alt": alt, "foot": "", "columns": []}
    record = new_record("figure", Provenance(Badge.YOURS, SOURCE), "en", words)
    return exhibit_html(record, f"figures/{name}.png")
