"""The log for the person who checks an output: what leaves, under which rules, what does not."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from ...show.documents import undated
from ...spreadsheet import csv_of
from ._items import Contents, Item

DECISION = ("decision (yes / no / ask)", "checked by", "date", "remark")
COLUMNS = (
    "what",
    "rules",
    "rows",
    "published",
    "hidden, primary",
    "hidden, complementary",
    "hidden, derived",
    "hidden, rule by rule",
    "fewest contributors",
    "method",
)
_ORDER = {"tables": 0, "figures": 1}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:78rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1f24;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;min-width:60rem}"
    "td:nth-child(2),td:nth-child(3),td:nth-child(9),"
    "td:nth-child(11){min-width:14rem}"
    "th,td{border:1px solid #b8bec6;padding:.35rem .5rem;text-align:left;vertical-align:top}"
    "th{background:#eef1f4}td.blank{min-width:7rem;background:#fffbe8}"
    "code{font-size:.85em;overflow-wrap:anywhere}.warn{border-left:4px solid #b54708;"
    "padding:.5rem .8rem;background:#fff4e5}"
    "@media (prefers-color-scheme:dark){body{color:#e6e8eb;background:#16191d}"
    "th{background:#262b31}th,td{border-color:#4a5058}td.blank{background:#2e2b1d}"
    ".warn{background:#33260f}}"
)


def log_frame(contents: Contents, files: Mapping[str, bytes], facts: Mapping[str, str]):
    """List every released file, one row each, with blank columns for the decision.

    Parameters
    ----------
    contents : Contents
    files : mapping
        Content of the released files by path.
    facts : mapping
        Facts of the run, the same in every row: command, limits, hashes.
    """
    items = {item.name: item for item in contents.items}
    rows = []
    for path, content in sorted(files.items(), key=_place):
        stem = path.rpartition("/")[2].rpartition(".")[0]
        item = items.get(stem.split("--")[0])
        rows.append(_row(path, content, item) | dict(facts) | dict.fromkeys(DECISION, ""))
    return pd.DataFrame(rows)


def _place(file: tuple[str, bytes]) -> tuple[int, str]:
    return _ORDER.get(file[0].partition("/")[0], 2), file[0]


def _row(path: str, content: bytes, item: Item | None) -> dict[str, Any]:
    row: dict[str, Any] = {"file": path} | dict.fromkeys(COLUMNS, "")
    if item is None:
        row["what"] = "a copy of released tables, for reading; no other number"
    elif path.startswith("figures/"):
        row["what"] = f"figure drawn from the released table {item.name} alone"
        row["rules"] = "those of the table; a hidden number leaves a gap"
    else:
        row |= {
            "what": item.title,
            "rules": item.rules,
            "rows": len(item.frame),
            "published": item.count("published"),
            "hidden, primary": item.count("primary"),
            "hidden, complementary": item.count("complementary"),
            "hidden, derived": item.count("derived"),
            "hidden, rule by rule": rule_by_rule(item),
            "fewest contributors": "" if item.contributors is None else item.contributors,
            "method": item.method,
        }
    return row | {"sha256": hashlib.sha256(content).hexdigest()}


def rule_by_rule(item: Item) -> str:
    """Count the primary cells of a table by the rules that hide them; a cell may break several."""
    broken = item.record.loc[item.record["status"] == "primary", "reason"].str.split("; ")
    counted = broken.explode().value_counts().sort_index()
    return "; ".join(f"{rule}: {count}" for rule, count in counted.items()) or "none"


def hidden_frame(contents: Contents) -> pd.DataFrame:
    """List every hidden number by its labels, with the reason and no number."""
    parts = []
    for item in contents.items:
        rows = item.record[item.record["status"] != "published"]
        labels = rows.columns.drop(["variable", "status", "reason"])
        where = rows[labels].astype(str).apply(
            lambda row: ", ".join(f"{name} {text}" for name, text in row.items() if text), axis=1
        )  # fmt: skip
        part = pd.DataFrame({"table": item.name, "number": rows["variable"], "cell": where,
                             "status": rows["status"], "reason": rows["reason"]})  # fmt: skip
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def withheld_frame(contents: Contents) -> pd.DataFrame:
    """List what does not leave, with the reason."""
    rows = [(one.name, one.title, one.reason) for one in contents.withheld]
    return pd.DataFrame(rows, columns=["name", "what", "reason"])


def log_files(
    contents: Contents, files: Mapping[str, bytes], facts: Mapping[str, str], earlier: str
) -> dict[str, bytes]:
    """Write the log as CSV, as a page, and as a workbook.

    Parameters
    ----------
    contents, files, facts
        As for :func:`log_frame`.
    earlier : str
        Warning about an earlier release in the same folder, or nothing.
    """
    frames = {
        "released": log_frame(contents, files, facts),
        "hidden": hidden_frame(contents),
        "withheld": withheld_frame(contents),
    }
    made = {f"checker/{name}.csv": csv_of(frame).encode("utf-8-sig")
            for name, frame in frames.items()}  # fmt: skip
    made["checker/log.xlsx"] = _workbook(frames)
    made["checker/log.html"] = _page(frames, facts, earlier).encode("utf-8")
    return made


def _workbook(frames: Mapping[str, pd.DataFrame]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.worksheets[0])
    blank = PatternFill("solid", fgColor="FFF6CC")
    for name, frame in frames.items():
        sheet = book.create_sheet(name)
        for place, column in enumerate(frame.columns, start=1):
            sheet.cell(1, place, str(column)).font = Font(bold=True)
            for row, value in enumerate(frame[column], start=2):
                cell = sheet.cell(row, place)
                cell.value = value if isinstance(value, int | float) else str(value)
                if isinstance(cell.value, str):
                    cell.data_type = "s"
                if column in DECISION:
                    cell.fill = blank
            longest = max([len(str(column)), *(len(str(v)) for v in frame[column])])
            sheet.column_dimensions[get_column_letter(place)].width = min(2 + longest, 50)
        sheet.freeze_panes = "B2"
    buffer = io.BytesIO()
    book.save(buffer)
    return undated(buffer.getvalue())


def _page(frames: Mapping[str, pd.DataFrame], facts: Mapping[str, str], earlier: str) -> str:
    listed = "".join(f"<li>{escape(name)}: <code>{escape(text)}</code></li>"
                     for name, text in facts.items())  # fmt: skip
    warning = f'<p class="warn" role="alert">{escape(earlier)}</p>' if earlier else ""
    short = frames["released"].drop(columns=list(facts))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Log of a release</title><style>{_STYLE}</style></head><body>"
        "<h1>Log of a release, for the person who checks it</h1>"
        "<p>This folder stays with the data: it says which numbers are hidden for their own sake, "
        "and under which limits. It holds no hidden number. Everything beside it may leave if it "
        f"is passed.</p>{warning}<ul>{listed}</ul>"
        f"<h2>What is to leave</h2>{_html(short)}"
        f"<h2>What does not leave</h2>{_html(frames['withheld'])}"
        f"<h2>Hidden numbers, by cell</h2>{_html(frames['hidden'])}"
        "</body></html>\n"
    )


def _html(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "<p>None.</p>"
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in frame.columns)
    body = "".join(
        "<tr>"
        + "".join(
            '<td class="blank"></td>' if name in DECISION else f"<td>{_cell(name, value)}</td>"
            for name, value in zip(frame.columns, row, strict=True)
        )
        + "</tr>"
        for row in frame.itertuples(index=False)
    )
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(name: str, value: Any) -> str:
    text = escape(str(value))
    return f"<code>{text[:16]}…</code>" if name == "sha256" else text
