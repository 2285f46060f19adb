"""Process tracing of the cases: what happened when, and what it says about two hypotheses."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ..embedding.process import load_process, odds_sensitivity
from ..evidence.quoting import cited
from ..provenance import Badge, Provenance
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .contract_anatomy import unbroken
from .embedding_chapter import project_coding

if TYPE_CHECKING:
    import pandas as pd

KINDS = {"rule": "what happened", "finding": "a finding that tests a hypothesis"}


@cache
def project_steps() -> pd.DataFrame:
    """Return the project's steps, read once."""
    return load_process()


def timeline_figure(steps: pd.DataFrame | None = None) -> Exhibit:
    """Draw the steps of every case on one axis of years."""
    from ..show.plots import timeline

    steps = project_steps() if steps is None else steps
    names = _names()
    frame = steps.assign(
        case=steps["case"].map(names),
        year=[_year(date) for date in steps["date"]],
        kind=["rule" if not text else "finding" for text in steps["hypothesis"]],
    )
    ax = timeline(frame, row="case", when="year", kind="kind", labels=KINDS)
    years = frame.groupby("case", sort=False)["year"].agg(["min", "max", "size"])
    told = "; ".join(
        f"{case} {int(row['size'])} steps from {int(row['min'])} to {int(row['max'])}"
        for case, row in years.iterrows()
    )
    return show(
        ax,
        "What happened when in the cases, as far as texts in hand date it",
        about=cited(steps["source_id"]),
        alt=f"Marks on a line for each case. {told}.",
        summary=frame[["case", "date", "act"]],
    )


def steps_table(name: str | None = None, steps: pd.DataFrame | None = None) -> Exhibit | Sentence:
    """Set the steps of one case, or of all: date, who, what, source."""
    steps = project_steps() if steps is None else steps
    found = steps if name is None else steps[steps["case"] == name]
    if found.empty:
        return say(
            "The book's process tracing holds no step of this case.",
            about=Provenance(Badge.REAL, "data/coding/process.csv"),
        )
    frame = found[["case", "date", "actor", "act", "source_id"]].copy()
    frame["case"] = frame["case"].map(_names())
    frame["date"] = frame["date"].map(unbroken)
    caption = "The steps of the cases" if name is None else f"{frame['case'].iloc[0]}: the steps"
    return show(
        (frame if name is None else frame.drop(columns="case")).reset_index(drop=True),
        caption,
        about=cited(found["source_id"]),
        labels={"source_id": "source"},
    )


def odds_table(hypothesis: str, steps: pd.DataFrame | None = None) -> Exhibit:
    """Set what each finding does to the odds, with its weight halved, doubled and left out.

    The weights are judgements, so no place is named beside them.
    """
    pieces, odds = _weighed(hypothesis, steps)
    frame = odds[odds["piece"] >= 0].drop(columns="piece").reset_index(drop=True)
    frame.insert(0, "finding", pieces["act"] + " (" + pieces["source_id"] + ")")
    frame.insert(1, "test", pieces["test"])
    frame.insert(2, "likelihood ratio", pieces["likelihood_ratio"])
    return show(
        frame.drop(columns="as_judged").rename(columns={"left_out": "without"}),
        f"{_said(hypothesis)} Odds when one weight is halved, doubled or left out",
        about=Provenance(
            Badge.ILLUSTRATIVE,
            "weights are our judgement; findings by source id, as in the table of steps",
        ),
        labels={
            "halved": "odds, halved",
            "doubled": "odds, doubled",
            "without": "odds without it",
        },
        decimals=2,
    )


def odds_sentence(hypothesis: str, steps: pd.DataFrame | None = None) -> Sentence:
    """Say what all findings together do to even odds."""
    pieces, odds = _weighed(hypothesis, steps)
    row = odds.iloc[-1]
    if row["halved"] < 1 < row["doubled"]:
        verdict = "If all weights are halved or all doubled, the odds change sides"
    else:
        verdict = "Halving or doubling all weights does not change sides"
    return say(
        "{said} From even odds, {findings} to {as_judged:.2f} to 1. {verdict}: {halved:.2f} "
        "and {doubled:.2f}.",
        said=_said(hypothesis),
        findings=_findings(len(pieces)),
        as_judged=row["as_judged"],
        verdict=verdict,
        halved=row["halved"],
        doubled=row["doubled"],
        about=Provenance(Badge.ILLUSTRATIVE, "weights are our judgement, data/coding/process.csv"),
    )


def _weighed(hypothesis: str, steps: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    steps = project_steps() if steps is None else steps
    pieces = steps[steps["hypothesis"] == hypothesis].reset_index(drop=True)
    return pieces, odds_sensitivity(pieces["likelihood_ratio"])


def _said(hypothesis: str) -> str:
    return project_coding().grid.hypotheses[hypothesis]["en"]


def _names() -> dict[str, str]:
    from ..embedding._sheets import case_names

    return case_names()


def _year(date: str) -> float:
    parts = [int(text) for text in date.split("-")]
    month = parts[1] if len(parts) > 1 else 1
    return parts[0] + (month - 1) / 12


def _findings(count: int) -> str:
    return "one finding leads" if count == 1 else f"{count} findings lead"
