"""The chapter "Run it on your data": a messy file, its report, the mapping that mends it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ..claims import ClaimsReport
from ..codebook import label
from ..disclosure import Limits
from ..intake import PanelReport, check_panel, missing_groups, where
from ..panel import Panel, Problem, load_mapping, read_table
from ..press.own_book.chapters import CHAPTERS, readiness
from ..press.release import release_contents
from ..provenance import Badge, Provenance
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .example_claims import known_visits, panel_of_claims
from .messy_file import MAPPING, MESSY

SOURCE = "messy_county_panel.csv, made from the teaching panel; no county of it exists"
_CLAIMS = Provenance(Badge.SYNTHETIC, "claims written for this page; nobody made them")
_SYNTHETIC = Provenance(Badge.SYNTHETIC, SOURCE)
_SHOWN = ("县区代码", "县区名称", "年度", "试点启动时间", "医保基金支出（万元）", "县外支出")
_FAMILIES = {"surplus": "surplus", "remuneration": "pay", "shares": "visits and fund shares"}


def first_check() -> PanelReport:
    """Check the file as it arrived."""
    return check_panel(MESSY)


def mended_check() -> PanelReport:
    """Check the file with the mapping that was written and looked at."""
    return check_panel(MESSY, MAPPING)


def raw_table() -> Exhibit:
    """Show some cells of the file as they stand."""
    cells = read_table(MESSY, known=lambda name: name in _SHOWN).frame
    rows = [0, 1, 5, 12, 45]
    return show(
        cells.loc[rows, list(_SHOWN)].astype(str),
        "Some cells of the file as they stand: a zero is lost from 2017 on, money is in "
        "万元, years are dates and words.",
        labels={},
        about=_SYNTHETIC,
    )


def verdict(report: PanelReport) -> Sentence:
    """Say how large the table is, with what the check found."""
    return say(
        "{shape}. {verdict}",
        shape=report.shape().capitalize(),
        verdict=report.verdict(),
        about=_SYNTHETIC,
    )


def problem_table(report: PanelReport) -> Exhibit:
    """Show every problem: its rule, the sentence, rows and values."""
    rows = [
        {
            "rule": f"{found.code} {found.severity}",
            "text": f"{found.text} {_where(found)}".replace("`", "").strip(),
        }
        for found in report.problems
    ]
    return show(
        pd.DataFrame(rows),
        "What the check finds. Errors stop estimation; rows are numbered as in the file.",
        labels={"text": "what is wrong, where, and what to do"},
        blank="",
        about=_SYNTHETIC,
    )


def _where(found: Problem) -> str:
    place = where(found)
    return f"({place})" if place else ""


def reading_table(report: PanelReport, about: str) -> Exhibit:
    """Show what was read as something else, for columns whose names hold a word.

    Parameters
    ----------
    about : str
        Words that the sentences hold, split by ``|``.
    """
    words = about.split("|")
    said = [item.text for item in report.readings if any(word in item.text for word in words)]
    return show(
        pd.DataFrame({"reading": said}),
        "How cells were read. Nothing is changed in silence, and nothing in your file.",
        labels={"reading": "what was read as what"},
        about=_SYNTHETIC,
    )


def mapping_table() -> Exhibit:
    """Show the mapping that mends the file, column by column."""
    plan = load_mapping(MAPPING)
    rows = [
        {
            "yours": name,
            "ours": column.to,
            "unit": column.unit or "",
            "more": column.date or "; ".join(f"{a} is {b}" for a, b in column.words.items()),
        }
        for name, column in plan.columns.items()
    ]
    rows += [
        {"yours": old, "ours": new, "unit": "", "more": "a changed area code"}
        for old, new in plan.crosswalk.items()
    ]
    return show(
        pd.DataFrame(rows),
        "The mapping file: what each column is, its unit, its dates, words and codes.",
        labels={"yours": "your column", "ours": "standard column", "more": "how it is read"},
        blank="",
        about=_SYNTHETIC,
    )


def need_table(report: PanelReport) -> Exhibit:
    """Show how many outcomes of each family can be computed, with what is missing."""
    rows = []
    for family, title in _FAMILIES.items():
        own = tuple(need for need in report.needs if need.family == family)
        can = sum(need.available for need in own)
        lacking = [name for missing in missing_groups(own) for name in missing]
        rows.append(
            {
                "family": title,
                "available": f"{can} of {len(own)}",
                "needs": ", ".join(dict.fromkeys(lacking)) or "nothing more",
            }
        )
    return show(
        pd.DataFrame(rows),
        "Outcomes that the file can carry, and the columns that the others need.",
        labels={"available": "can be computed", "needs": "columns that the others need"},
        about=_SYNTHETIC,
    )


def chapter_table(report: PanelReport) -> Exhibit:
    """Show what the file gives the chapters of a reader's book."""
    rows = [
        {
            "chapter": chapter.replace("-", " "),
            "outcomes": f"{len(found.available)} of {len(CHAPTERS[chapter])}",
            "why": found.sentences[0] if found.sentences and not found.available else "",
        }
        for chapter, found in readiness(report.needs).items()
    ]
    return show(
        pd.DataFrame(rows),
        "Chapters of a book made from this file. A chapter that has no outcome says why.",
        labels={"outcomes": "outcomes it can show", "why": "why it has none"},
        blank="",
        about=_SYNTHETIC,
    )


def claims_check() -> ClaimsReport:
    """Build the panel of the example claims."""
    return panel_of_claims()


def claims_sentence(report: ClaimsReport) -> Sentence:
    """Say how many rows of claims became how many county-years."""
    frame = report.frame
    return say(
        "{rows:,} rows of claims became {made} county-years of {counties} counties. {duplicates} "
        "rows stood there twice. {reversals} rows took back another claim, and {cancelled} claims "
        "were taken back whole.",
        rows=report.rows,
        made=len(frame),
        counties=frame["county_code"].nunique(),
        duplicates=report.duplicates,
        reversals=report.reversals,
        cancelled=report.cancelled,
        about=_CLAIMS,
    )


def claims_table(report: ClaimsReport) -> Exhibit:
    """Show the panel made from claims beside the visits that the claims were made from."""
    places = [name for name in known_visits().columns if name.startswith("visits_")]
    keys = ["county_code", "year"]
    both = report.frame[[*keys, *places, "spending"]].merge(known_visits(), on=keys)
    off = [(both[f"{name}_x"] - both[f"{name}_y"]).abs() for name in places]
    shown = both[[*keys, *[f"{name}_x" for name in places], "spending"]]
    shown = shown.rename(columns={f"{name}_x": name for name in places})
    return show(
        shown.assign(difference=pd.concat(off, axis=1).sum(axis=1)),
        "The panel made from claims. The last column is the sum of differences from the "
        "visits that the claims were made from.",
        labels={
            **{name: label(name) for name in (*keys, *places, "spending")},
            "difference": "visits that differ",
        },
        about=_CLAIMS,
    )


def example_panel(report: PanelReport) -> Panel:
    """Return the panel of the example file, badged as what it is."""
    panel = report.panel()
    return replace(panel, provenance=replace(panel.provenance, badge=Badge.SYNTHETIC))


def release_table(panel: Panel) -> Exhibit:
    """Show what may leave of a panel: tables, numbers shown and hidden, tables withheld."""
    contents = release_contents(panel, Limits())
    rows = []
    for item in contents.items:
        shown, every = item.count("published"), len(item.record)
        rows.append(
            {"table": item.title, "shown": shown, "hidden": every - shown, "why": item.rules}
        )
    whole = [one for one in contents.withheld if not one.title.startswith("estimates")]
    rows += [{"table": one.title, "shown": 0, "hidden": "all", "why": one.reason} for one in whole]
    frame = pd.DataFrame(rows).astype({"shown": str, "hidden": str})
    return show(
        frame,
        "What a release of this panel holds: numbers shown, numbers hidden, and why.",
        labels={"shown": "numbers shown", "hidden": "numbers hidden", "why": "rule or reason"},
        about=_SYNTHETIC,
    )
