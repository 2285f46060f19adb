"""What the official indicators ask, which sums fail, how the facts are graded."""

from __future__ import annotations

from ..codebook import label, load_codebook
from ..evidence import STRONG_GRADES, Evidence, identity_checks
from ..evidence.quoting import at_highest, grade_label, national, percent
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show


def indicator_table(evidence: Evidence) -> Exhibit:
    """Set the official indicators of 2024 beside the outcomes that operationalise them."""
    ours: dict[int, list[str]] = {}
    for variable in load_codebook().variables.values():
        if variable.indicator is not None:
            ours.setdefault(variable.indicator, []).append(variable.en.partition(" (our")[0])
    rows = evidence.criteria[evidence.criteria["criterion_kind"] == "monitoring_2024"]
    shown = rows[["indicator", "dimension", "title", "title_zh"]].copy()
    shown["ours"] = ["; ".join(ours.get(int(n), [])) or None for n in rows["indicator"]]
    return show(
        shown,
        "The official monitoring indicators of 2024 and our operationalisation of them. "
        "Titles are shortened; the translation is ours.",
        about=evidence.behind(rows),
        labels={"indicator": "no.", "title_zh": "title in Chinese", "ours": "in this project"},
        blank="none",
    )


def indicator_sentence(evidence: Evidence) -> Sentence:
    """Say how many indicators our names answer."""
    answered = {
        variable.indicator
        for variable in load_codebook().variables.values()
        if variable.indicator is not None
    }
    rows = evidence.criteria[evidence.criteria["criterion_kind"] == "monitoring_2024"]
    return say(
        "Our names answer {n_answered} of the {n_rows} indicators.",
        n_answered=len(answered),
        n_rows=len(rows),
        about=evidence.behind(rows),
    )


def target_table(evidence: Evidence) -> Exhibit:
    """Set out the targets that documents name."""
    rows = evidence.criteria[evidence.criteria["criterion_kind"] == "target"]
    shown = rows[["document", "title", "printed", "by_year"]].copy()
    shown["grade"] = [grade_label(name) for name in rows["grade"]]
    shown["note"] = rows["remark"]
    return show(
        shown,
        "Targets as the documents print them.",
        about=evidence.behind(rows),
        labels={"printed": "target", "by_year": "by"},
        blank="",
    )


# ---- identities and grades


def target_sentence(evidence: Evidence) -> Sentence:
    """Set the highest target for primary care's share beside the nation's share."""
    targets = evidence.criteria
    targets = targets[targets["title"] == "primary share of visits"]
    top = at_highest(targets, "threshold")
    nation = national(evidence, "primary_care_share_of_visits")
    nation = nation[nation["grade"] != "journal"]
    low, high = nation["value"].min(), nation["value"].max()
    return say(
        "The highest target for primary care's share of visits is {top_threshold} by "
        "{top_by_year}. The bulletins print between {low} and {high} for the nation.",
        top_threshold=percent(top["threshold"], 0),
        top_by_year=top["by_year"],
        low=percent(low),
        high=percent(high),
        about=evidence.behind(nation, targets.loc[[top.name]]),
    )


def identity_table(evidence: Evidence) -> Exhibit:
    """Set out the accounting identities that fail."""
    rows = evidence.identity_exceptions
    kept = ["identity", "geography", "year", "left_value", "right_value", "difference"]
    shown = rows[kept].copy()
    shown.insert(3, "variable", [label(name) for name in rows["variable"]])
    shown[["left_value", "right_value", "difference"]] /= 1e6
    return show(
        shown,
        "Accounting identities that fail by more than rounding, million yuan.",
        about=evidence.behind(rows),
        decimals={"left_value": 2, "right_value": 2, "difference": 3},
    )


def identity_notes(evidence: Evidence) -> Exhibit:
    """Set out what the sources say about the gaps."""
    rows = evidence.identity_exceptions
    shown = rows.drop_duplicates(["geography", "explanation"])[["geography", "explanation"]]
    return show(
        shown,
        "What the sources say about these gaps.",
        about=evidence.behind(rows),
    )


def identity_sentence(evidence: Evidence) -> Sentence:
    """Say how many identities were checked and how many fail."""
    checks = identity_checks(evidence)
    failing = checks[~checks["holds"]]
    return say(
        "We checked {n_checks} identities. {n_checks_2} hold within the rounding of the "
        "printed numbers and {n_failing} do not.",
        n_checks=len(checks),
        n_checks_2=len(checks) - len(failing),
        n_failing=len(failing),
        about=evidence.behind(failing),
    )


def grade_table(evidence: Evidence) -> Exhibit:
    """Count the published numbers by grade of their source."""
    import pandas as pd

    counted = pd.DataFrame(
        {
            name: frame["grade"].value_counts()
            for name, frame in (
                ("statistics", evidence.statistics),
                ("cases", evidence.cases),
                ("effects", evidence.effects),
                ("rules", evidence.contract_rules),
            )
        }
    ).reindex(list(load_codebook().grades))
    counted.insert(0, "grade", [grade_label(name) for name in counted.index])
    counted["shown"] = [
        "plainly" if name in STRONG_GRADES else "with its grade" for name in counted.index
    ]
    return show(
        counted.fillna(0),
        "Rows of the published tables by grade of their source.",
        about=evidence.provenance.saying("data/published, all tables"),
        decimals=0,
        labels={"shown": "how we show it"},
    )
