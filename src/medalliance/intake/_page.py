"""The report of a check as one web page: no script, no request, light and dark."""

from __future__ import annotations

from html import escape
from typing import Any

from ..errors import first_three
from ..panel import Problem
from ..provenance import MEANING, Badge
from ._needs import Need

_LIGHT = (
    "--ink:#1c2024;--soft:#565d66;--line:#d9dce0;--ground:#ffffff;--raised:#f5f6f8;"
    "--error:#a3201d;--warning:#7a5200;--note:#2a5d8f"
)
_DARK = (
    "--ink:#e8eaed;--soft:#aeb4bc;--line:#3a4048;--ground:#15181c;--raised:#1e2228;"
    "--error:#ff9a94;--warning:#f2c14e;--note:#8fc2f5"
)
_THEMES = (
    f".panel-report{{{_LIGHT}}}@media (prefers-color-scheme:dark){{.panel-report{{{_DARK}}}}}"
    f'html[data-theme="light"] .panel-report{{{_LIGHT}}}'
    f'html[data-theme="dark"] .panel-report{{{_DARK}}}'
)
_STYLE = """
.panel-report{color:var(--ink);background:var(--ground);
font:16px/1.5 system-ui,"Noto Sans","Noto Sans CJK SC",sans-serif;overflow-wrap:anywhere}
.panel-report h1{font-size:1.4em;margin:0 0 .2em}
.panel-report h2{font-size:1.1em;margin:1.6em 0 .5em}
.panel-report p{margin:.3em 0}.panel-report .soft{color:var(--soft)}
.panel-report .verdict{border-left:4px solid var(--note);padding:.4em .8em;background:var(--raised)}
.panel-report .verdict.refused{border-color:var(--error)}
.panel-report ol{list-style:none;margin:0;padding:0}
.panel-report li.found{border-top:1px solid var(--line);padding:.6em 0}
.panel-report .kind{display:inline-block;font-weight:600;margin-right:.5em}
.panel-report .error{color:var(--error)}.panel-report .warning{color:var(--warning)}
.panel-report .note{color:var(--note)}
.panel-report ul{margin:.3em 0;padding-left:1.2em}
.panel-report .wide{overflow-x:auto}
.panel-report table{border-collapse:collapse;width:100%;font-size:.92em;color:inherit}
.panel-report caption{text-align:left;color:var(--soft);padding-bottom:.3em}
.panel-report th,.panel-report td{text-align:left;vertical-align:top;padding:.35em .6em .35em 0;
border-top:1px solid var(--line);background:transparent;color:inherit}
.panel-report code{font:.92em ui-monospace,monospace}
.panel-report .badge{border:1px solid currentColor;border-radius:3px;padding:0 .35em;font-size:.8em}
"""
_PAGE = """body{margin:0;background:#fff}
@media (prefers-color-scheme:dark){body{background:#15181c}}
main{max-width:56rem;margin:0 auto;padding:1.2rem}"""
_WORDS = {"error": "Error", "warning": "Warning", "note": "Note"}
_FAMILY = {"surplus": "Surplus", "remuneration": "Pay", "shares": "Visits and fund shares"}


def page(report: Any) -> str:
    """Write a :class:`PanelReport` as a whole page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>Check of {escape(report.name)}</title>\n<style>{_PAGE}</style>\n</head>\n"
        f"<body><main>{fragment(report, level=1)}</main></body>\n</html>\n"
    )


def fragment(report: Any, level: int = 2) -> str:
    """Write the report as a part of a page."""
    badge = Badge.YOURS
    ok = "" if report.ok else " refused"
    head = (
        f"<h{level}>Check of {escape(report.name)}</h{level}>"
        f'<p class="soft"><span class="badge" title="{MEANING[badge]}">{badge.value}</span> '
        f"{escape(report.shape())}</p>"
        f'<p class="verdict{ok}">{escape(report.verdict())}</p>'
    )
    below = level + 1
    return (
        f'<section class="panel-report" data-badge="{badge.value}">'
        f"<style>{_THEMES}{_STYLE}</style>{head}"
        f"{_problems(report, below)}{_readings(report, below)}{_outcomes(report, below)}</section>"
    )


def _problems(report: Any, level: int) -> str:
    if not report.problems:
        return ""
    items = []
    for found in report.problems:
        place = where(found)
        below = f'<p class="soft">{escape(place)}</p>' if place else ""
        items.append(
            f'<li class="found"><p><span class="kind {found.severity}">'
            f"{_WORDS[found.severity]} {found.code}</span>{_with_code(found.text)}</p>{below}</li>"
        )
    return f"<h{level}>What was found</h{level}><ol>{''.join(items)}</ol>"


def _with_code(text: str) -> str:
    """Escape a text, setting what stands between backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if k % 2 else part for k, part in enumerate(parts))


def _readings(report: Any, level: int) -> str:
    if not report.readings:
        return ""
    items = "".join(f"<li>{escape(reading.text)}</li>" for reading in report.readings)
    return f"<h{level}>How the file was read</h{level}><ul>{items}</ul>"


def _outcomes(report: Any, level: int) -> str:
    there = sum(need.available for need in report.needs)
    head = "<tr><th>Outcome</th><th>Can it be computed?</th></tr>"
    tables = []
    for family, title in _FAMILY.items():
        own = [need for need in report.needs if need.family == family]
        can = sum(need.available for need in own)
        rows = "".join(
            f"<tr><td>{escape(need.label)}<br><code>{need.outcome}</code></td>"
            f"<td>{escape(_said(need))}</td></tr>"
            for need in own
        )
        tables.append(
            f'<div class="wide" tabindex="0"><table><caption>{title}: {can} of {len(own)}</caption>'
            f"<thead>{head}</thead><tbody>{rows}</tbody></table></div>"
        )
    return (
        f"<h{level}>What can be estimated</h{level}><p>{there} of {len(report.needs)} outcomes can "
        f"be computed.</p>{''.join(tables)}"
    )


def _said(need: Need) -> str:
    if need.missing:
        return f"No: needs {', '.join(need.missing)}"
    if need.reason:
        return f"No: {need.reason}"
    if need.coverage < 1:
        return f"Yes, in {100 * need.coverage:.0f}% of rows"
    return "Yes"


def where(found: Problem) -> str:
    """Say in which rows a problem stands and which values they hold, ``""`` if nowhere."""
    said = []
    if found.rows and f"({first_three(found.rows)})" not in found.text:
        noun = "row" if len(found.rows) == 1 else "rows"
        said.append(f"{noun} {first_three(found.rows)}")
    if found.column:
        said.append(f"column {found.column}")
    if found.values:
        said.append(f"values {', '.join(found.values)}")
    return "; ".join(said)
