"""Which designs the published effects come from, and which questions they leave open."""

from __future__ import annotations

from ..evidence import Evidence
from ..evidence.quoting import cite
from ..show.exhibits import Exhibit, Sentence, sentence
from .effect_words import DESIGNS


def design_table(evidence: Evidence) -> Exhibit:
    """Count published effects by design, with how many print a size and an interval."""
    from ..show.tables import table

    rows = evidence.effects
    counted = rows.groupby("design_family").agg(
        studies=("study_slug", "nunique"),
        effects=("row_id", "size"),
        sized=("estimate", "count"),
        intervals=("conf_low", "count"),
    )
    counted = counted.reindex([name for name in DESIGNS if name in counted.index])
    counted.insert(0, "design", [DESIGNS[name] for name in counted.index])
    return table(
        counted,
        caption="Published effects by design.",
        badge=evidence.badge,
        source="data/published/published_effects.csv, all rows",
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
    return sentence(
        f"We hold {len(rows)} effects from {rows['source_id'].nunique()} sources, "
        f"{len(chinese)} of the effects from China. {rows['estimate'].count()} print a size and "
        f"{rows['conf_low'].count()} an interval. {_count(len(surplus))} of the Chinese effects "
        f"is on the surplus of an alliance and {_count(len(pay)).lower()} of all effects is on "
        "the size of staff pay.",
        badge=evidence.badge,
        source=cite(evidence, rows),
    )


def _count(number: int) -> str:
    return "None" if number == 0 else str(number)
