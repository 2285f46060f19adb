"""Which designs the published effects come from, and which questions they leave open."""

from __future__ import annotations

from ..evidence import Evidence
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .effect_words import DESIGNS


def design_table(evidence: Evidence) -> Exhibit:
    """Count published effects by design, with how many print a size and an interval."""
    rows = evidence.effects
    counted = rows.groupby("design_family").agg(
        studies=("study_slug", "nunique"),
        effects=("row_id", "size"),
        sized=("estimate", "count"),
        intervals=("conf_low", "count"),
    )
    counted = counted.reindex([name for name in DESIGNS if name in counted.index])
    counted.insert(0, "design", [DESIGNS[name] for name in counted.index])
    return show(
        counted,
        "Published effects by design.",
        about=evidence.provenance.saying("data/published/published_effects.csv, all rows"),
        decimals=0,
        labels={
            "design": "design",
            "sized": "with a printed size",
            "intervals": "with a printed interval",
        },
    )


def coverage_sentence(evidence: Evidence) -> Sentence:
    """Say how many effects there are, how many have an interval, and which question is open."""
    rows = evidence.effects
    chinese = rows[rows["country"] == "CN"]
    surplus = chinese[chinese["outcome_family"] == "surplus_rate"]
    pay = rows[rows["outcome"].str.contains("income|remuneration|pay of")]
    return say(
        "We hold {n_rows} effects from {source_id} sources, {n_chinese} of the effects from "
        "China. {sized} print a size and {intervals} an interval. {on_surplus} of the Chinese "
        "effects is on the surplus of an alliance and {on_pay} of all effects is on the "
        "size of staff pay.",
        n_rows=len(rows),
        source_id=rows["source_id"].nunique(),
        n_chinese=len(chinese),
        sized=rows["estimate"].count(),
        intervals=rows["conf_low"].count(),
        on_surplus=_count(len(surplus)),
        on_pay=_count(len(pay)).lower(),
        about=evidence.behind(rows),
    )


def _count(number: int) -> str:
    return "None" if number == 0 else str(number)
