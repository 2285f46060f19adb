"""The chapter "Run it on your data": what a report, a mapping and a release hold, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from ..claims import ClaimsReport
from ..intake import PanelReport, missing_groups, where
from ..panel import Panel, PanelMapping, read_table
from ..provenance import Badge, Provenance
from .example_claims import known_visits
from .messy_file import MESSY

MADE_UP = Provenance(
    Badge.SYNTHETIC,
    "messy_county_panel.csv, made from the teaching panel; no county of it exists",
)
CLAIMS = Provenance(Badge.SYNTHETIC, "claims written for this page; nobody made them")
_SHOWN = ("县区代码", "县区名称", "年度", "试点启动时间", "医保基金支出（万元）", "县外支出")
_FAMILIES = {"surplus": "surplus", "remuneration": "pay", "shares": "visits and fund shares"}


def raw_cells() -> pd.DataFrame:
    """Return some cells of the file as they stand."""
    cells = read_table(MESSY, known=lambda name: name in _SHOWN).frame
    return cells.loc[[0, 1, 5, 12, 45], list(_SHOWN)].astype(str)


def problems(report: PanelReport) -> pd.DataFrame:
    """Return every problem: its rule, the sentence, rows and values."""
    rows = []
    for found in report.problems:
        place = where(found)
        told = f"{found.text} {f'({place})' if place else ''}".replace("`", "").strip()
        rows.append((f"{found.code} {found.severity}", told))
    return pd.DataFrame(rows, columns=["rule", "what is wrong, where, and what to do"])


def readings(report: PanelReport, about: str) -> pd.DataFrame:
    """Return what was read as something else.

    Parameters
    ----------
    about : str
        Words that the sentences hold, split by ``|``.
    """
    words = about.split("|")
    said = [item.text for item in report.readings if any(word in item.text for word in words)]
    return pd.DataFrame({"what was read as what": said})


def mapping_lines(plan: PanelMapping) -> pd.DataFrame:
    """Return a mapping, column by column, then its changed area codes."""
    rows = [
        (
            *(name, column.to, column.unit or ""),
            column.date or "; ".join(f"{a} is {b}" for a, b in column.words.items()),
        )
        for name, column in plan.columns.items()
    ]
    rows += [(old, new, "", "a changed area code") for old, new in plan.crosswalk.items()]
    return pd.DataFrame(rows, columns=["your column", "standard column", "unit", "how it is read"])


def needs(report: PanelReport) -> pd.DataFrame:
    """Return how many outcomes of each family can be computed, with what is missing."""
    rows = []
    for family, title in _FAMILIES.items():
        own = tuple(need for need in report.needs if need.family == family)
        can = sum(need.available for need in own)
        lacking = [name for missing in missing_groups(own) for name in missing]
        said = ", ".join(dict.fromkeys(lacking)) or "nothing more"
        rows.append((title, f"{can} of {len(own)}", said))
    names = ["family", "can be computed", "columns that the others need"]
    return pd.DataFrame(rows, columns=names)


def chapters(ready: Mapping[str, Any]) -> pd.DataFrame:
    """Return what a file gives the chapters of a reader's book, from their readiness."""
    rows = [
        (
            chapter.replace("-", " "),
            f"{len(found.available)} of {len(found.available) + len(found.reasons)}",
            found.sentences[0] if found.sentences and not found.available else "",
        )
        for chapter, found in ready.items()
    ]
    return pd.DataFrame(rows, columns=["chapter", "outcomes it can show", "why it has none"])


def beside_claims(report: ClaimsReport) -> pd.DataFrame:
    """Return the panel made from claims, with what differs from the visits behind the claims."""
    places = [name for name in known_visits().columns if name.startswith("visits_")]
    keys = ["county_code", "year"]
    both = report.frame[[*keys, *places, "spending"]].merge(known_visits(), on=keys)
    off = [(both[f"{name}_x"] - both[f"{name}_y"]).abs() for name in places]
    shown = both[[*keys, *[f"{name}_x" for name in places], "spending"]]
    shown = shown.rename(columns={f"{name}_x": name for name in places})
    return shown.assign(**{"visits that differ": pd.concat(off, axis=1).sum(axis=1)})


def example_panel(report: PanelReport) -> Panel:
    """Return the panel of the example file, badged as what it is."""
    panel = report.panel()
    return replace(panel, provenance=replace(panel.provenance, badge=Badge.SYNTHETIC))


def released(contents: Any) -> pd.DataFrame:
    """Return what may leave of a panel: tables, numbers shown and hidden, tables withheld."""
    rows = []
    for item in contents.items:
        shown, every = item.count("published"), len(item.record)
        rows.append((item.title, str(shown), str(every - shown), item.rules))
    whole = [one for one in contents.withheld if not one.title.startswith("estimates")]
    rows += [(one.title, "0", "all", one.reason) for one in whole]
    names = ["table", "numbers shown", "numbers hidden", "rule or reason"]
    return pd.DataFrame(rows, columns=names)
