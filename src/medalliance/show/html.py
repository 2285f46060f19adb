"""The HTML of exhibits, written from their records."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from ..errors import needed
from ..provenance import MEANING, Badge

SOURCE = {"en": "Source: ", "zh": "来源："}
_DRAWN = {"en": "The numbers drawn", "zh": "图中的数字"}
_CHINESE = {
    Badge.REAL: ("实际数据", "已公布的数字或公开记录，均注明来源"),
    Badge.YOURS: ("您的数据", "由您载入的面板计算得出"),
    Badge.SYNTHETIC: ("合成数据", "模拟数据，真实效应已知"),
    Badge.ILLUSTRATIVE: ("举例", "为说明规则如何起作用而设定的数字"),
}
_ASSUMED_INK = "#7d838c"
_STYLE = (
    "<style>#table table{border-collapse:collapse;margin:0;background:transparent;color:inherit;"
    "font-size:.9em;border-top:1.5px solid #8a8f98;border-bottom:1.5px solid #8a8f98}"
    "#table th,#table td{padding:5px 10px;vertical-align:top;background:transparent;"
    "color:inherit;border:0;border-top:1px solid rgba(128,128,128,.25)}"
    "#table th{font-weight:600;vertical-align:bottom;border-bottom:1px solid #8a8f98}"
    "#table .gt_left{text-align:left}#table .gt_right{text-align:right}</style>"
)


def printed_rows(record: Mapping[str, Any]) -> list[list[str]]:
    """Return the cells of an exhibit as printed, column headings first; none of a sentence."""
    columns = record.get("columns", ())
    if not columns:
        return []
    cells = zip(*(column["printed"] for column in columns), strict=True)
    return [[column["heading"] for column in columns], *(list(row) for row in cells)]


def exhibit_html(record: Mapping[str, Any], picture: str = "", width: int = 0) -> str:
    """Write a figure or a table from its record.

    Parameters
    ----------
    record : mapping
        As ``Exhibit`` describes it; a translated one gives the page of another language.
    picture : str
        Address of the picture, for a figure.
    width : int
        Of the picture, in pixels of the page.
    """
    caption = f"<figcaption>{_badge_html(record)} {escape(record['caption'])}</figcaption>"
    below = f'<p class="exhibit-source">{SOURCE[record["lang"]]}{escape(record["source"])}</p>'
    if record["foot"]:
        below = f'<p class="exhibit-foot">{escape(record["foot"])}</p>{below}'
    if record["kind"] == "table":
        body = f'<div class="exhibit-scroll" tabindex="0">{table_html(record)}</div>'
        inside = f"{caption}{body}"
    else:
        alt = escape(record["alt"], quote=True)
        image = (
            f'<img class="exhibit-image dark-light" alt="{alt}" width="{width}" '
            f'style="max-width:100%;height:auto" src="{picture}"/>'
        )
        inside = f"{image}{caption}{_numbers_html(record)}"
    return (
        f'<figure class="exhibit exhibit-{record["kind"]}" data-badge="{record["badge"]}" '
        f'style="margin:1.2em 0">{inside}{below}</figure>'
    )


def sentence_html(record: Mapping[str, Any]) -> str:
    """Write a sentence from its record."""
    said = f"{SOURCE[record['lang']]}{escape(record['source'])}"
    return (
        f'<p class="exhibit exhibit-text" data-badge="{record["badge"]}">'
        f"{_badge_html(record)} {escape(record['text'])} "
        f'<span class="exhibit-source">{said}</span></p>'
    )


def _numbers_html(record: Mapping[str, Any]) -> str:
    rows = printed_rows(record)
    if not rows:
        return ""
    head, *body = rows
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in body
    )
    return (
        '<details class="exhibit-data"><summary>' + _DRAWN[record["lang"]] + "</summary>"
        f'<div class="exhibit-scroll" tabindex="0"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div></details>"
    )


def _badge_html(record: Mapping[str, Any]) -> str:
    badge = Badge(record["badge"])
    word, meaning = _CHINESE[badge] if record["lang"] == "zh" else (badge.value, MEANING[badge])
    return (
        f'<span class="exhibit-badge badge-{badge.value.lower()}" title="{meaning}">{word}</span>'
    )


def table_html(record: Mapping[str, Any]) -> str:
    """Write a table's HTML from its record: numbers to the right, assumptions and blanks grey."""
    import pandas as pd

    with needed():
        from great_tables import GT, loc, style

    columns = {f"c{place}": column for place, column in enumerate(record["columns"])}
    numbers = [key for key, column in columns.items() if "values" in column]
    shown = {
        key: [cell.replace("-", "\u2212", 1) for cell in column["printed"]]
        if key in numbers
        else column["printed"]
        for key, column in columns.items()
    }
    digest = hashlib.sha256(record["caption"].encode("utf-8")).hexdigest()[:10]
    laid = (
        GT(pd.DataFrame(shown, dtype=object), id=f"table-{digest}", auto_align=False)
        .cols_label({key: column["heading"] for key, column in columns.items()})
        .cols_align("left", columns=[key for key in columns if key not in numbers])
        .cols_align("right", columns=numbers)
    )
    for key, column in columns.items():
        if column.get("grey"):
            grey = style.text(color=_ASSUMED_INK, style="italic")
            laid = laid.tab_style(grey, loc.body(columns=key, rows=column["grey"]))
        for color in sorted(set(column.get("fill", ())) - {""}):
            rows = [row for row, own in enumerate(column["fill"]) if own == color]
            behind = style.css(f"background-color: {color};")
            laid = laid.tab_style(behind, loc.body(columns=key, rows=rows))
    if numbers and shown[numbers[0]]:
        digits = style.css("font-variant-numeric: tabular-nums; white-space: nowrap;")
        laid = laid.tab_style(digits, loc.body(columns=numbers))
    own = _STYLE.replace("#table", f"#table-{digest}")
    return re.sub(r"<style>.*?</style>", own, laid.as_raw_html(), count=1, flags=re.DOTALL)
