"""Set-theoretic comparison shown on a published example, because our own cases are too few.

The example is Lipset's question why some European democracies survived between the wars, with
the 18 cases of Rihoux and Ragin (2009). Their data are read in place where they lie and are not
part of the project. The project keeps only its own results, which ``method_results`` makes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import first_three
from ..paths import data_dir, reading, shared_dir
from ..provenance import Badge, Provenance
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show

if TYPE_CHECKING:
    import pandas as pd

    from ..embedding.qca import Kind

OUTCOME = "SURV"
CONDITIONS = ("DEV", "URB", "LIT", "IND", "STB")
ANCHORS = {
    "DEV": (400.0, 550.0, 900.0),
    "URB": (25.0, 50.0, 65.0),
    "LIT": (50.0, 75.0, 90.0),
    "IND": (20.0, 30.0, 40.0),
    "STB": (15.0, 9.5, 5.0),
    "SURV": (-9.0, 0.0, 10.0),
}
MEANINGS = {
    "DEV": "developed: gross national product a head",
    "URB": "urban: share of people in towns",
    "LIT": "literate: share of people who read",
    "IND": "industrial: share of workers in industry",
    "STB": "stable: few changes of government",
    "SURV": "the democracy survived",
}
KINDS: tuple[Kind, ...] = ("conservative", "intermediate", "parsimonious")
SOURCE = Provenance(
    Badge.REAL,
    "our computation; data and anchors of Rihoux and Ragin (2009), Configurational Comparative "
    "Methods, after Lipset (1959); 18 European states between the wars",
)
_CUTS = (0.75, 0.80, 0.85)


def method_results() -> dict[str, pd.DataFrame]:
    """Compute the stored results afresh from the example's data.

    Returns
    -------
    dict of DataFrame
        ``solutions``, ``necessity``, ``robustness``.

    Raises
    ------
    FileNotFoundError
        If the example's data do not lie beside the project.
    """
    import pandas as pd

    from ..embedding.qca import minimise, necessity
    from ..embedding.robustness import robustness
    from ..embedding.truth_table import truth_table

    fuzzy = _read("fuzzy")
    found = truth_table(fuzzy, OUTCOME, list(CONDITIONS), inclusion_cut=0.8)
    expected = dict.fromkeys(CONDITIONS, True)
    parts = []
    for kind in KINDS:
        hopes = expected if kind == "intermediate" else None
        frame = minimise(found, kind, expectations=hopes).to_frame()
        parts.append(frame.assign(kind=kind))
    columns = ["kind", "model", "term", "inclusion", "pri", "coverage", "unique_coverage"]
    variants = robustness(_read("raw"), OUTCOME, ANCHORS, cuts=_CUTS)
    return {
        "solutions": pd.concat(parts, ignore_index=True)[columns].round(4),
        "necessity": necessity(fuzzy, OUTCOME, list(CONDITIONS)).round(4),
        "robustness": variants,
    }


def set_table() -> Exhibit:
    """Set the sets of the example with their anchors."""
    import pandas as pd

    rows = [(name, MEANINGS[name], *ANCHORS[name]) for name in (*CONDITIONS, OUTCOME)]
    frame = pd.DataFrame(rows, columns=["set", "meaning", "out", "cross-over", "in"])
    return show(
        frame.astype({"out": str, "cross-over": str, "in": str}),
        "The published example: five conditions and an outcome, with their anchors",
        about=SOURCE,
        labels={},
    )


def solution_table() -> Exhibit:
    """Set the three solutions with the fit of every term."""
    frame = _stored("solutions")
    frame["term"] = frame["term"].where(frame["term"] != "(model)", "all terms together")
    return show(
        frame.drop(columns="model"),
        "Which combinations went with survival: three solutions, inclusion cut 0.80",
        about=SOURCE,
        foot="A star joins conditions, a tilde is absence",
        labels={"pri": "PRI", "unique_coverage": "coverage of its own"},
        decimals=3,
        blank="",
    )


def necessity_table() -> Exhibit:
    """Set how necessary each condition, or its absence, is."""
    frame = _stored("necessity").sort_values("inclusion", ascending=False, ignore_index=True)
    return show(
        frame,
        "Was a condition there whenever democracy survived? Necessity and its relevance",
        about=SOURCE,
        labels={"relevance": "relevance of necessity"},
        decimals=3,
    )


def robustness_table() -> Exhibit:
    """Set the solutions under other cuts and anchors, and without each case, grouped."""
    frame = _stored("robustness")
    grouped = frame.groupby(["variant", "solution"], sort=False)["detail"].agg(["size", list])
    rows = grouped.reset_index().rename(columns={"size": "variants"})
    rows["which"] = [first_three(names) for names in rows["list"]]
    return show(
        rows[["variant", "variants", "which", "solution"]],
        "How far the conservative solution hangs on cuts, anchors and single cases",
        about=SOURCE,
        labels={},
    )


def robustness_sentence() -> Sentence:
    """Say in how many variants the solution stayed as it was."""
    frame = _stored("robustness")
    moved = frame[frame["variant"] != "base"]
    counts = moved.groupby("variant", sort=False)["same_as_base"].agg(["sum", "size"])
    words = {"cut": "other inclusion cuts", "anchor": "moved anchors", "case": "left-out cases"}
    parts = [
        f"{int(row['sum'])} of {int(row['size'])} {words[name]}" for name, row in counts.iterrows()
    ]
    return say(
        "The conservative solution stays the same under {first} and {last}.",
        first=", ".join(parts[:-1]),
        last=parts[-1],
        about=SOURCE,
    )


def membership_figure() -> Exhibit | Sentence:
    """Draw the cases' membership in the conservative solution against the outcome."""
    from ..embedding.fit import coverage, inclusion
    from ..embedding.qca import minimise
    from ..embedding.truth_table import truth_table
    from ..show.plots import xy_plot

    try:
        fuzzy = _read("fuzzy")
    except FileNotFoundError:
        return say(
            "The picture needs the example's data, which are not part of this project.",
            about=SOURCE,
        )
    import pandas as pd

    found = truth_table(fuzzy, OUTCOME, list(CONDITIONS), inclusion_cut=0.8)
    x = minimise(found).membership()
    y = found.outcome_membership
    ax = xy_plot(
        x,
        y,
        labels=found.cases,
        x_title="membership in the solution",
        y_title="membership in the outcome",
    )
    fit = pd.DataFrame(
        {
            "cases": [len(y)],
            "inclusion": [inclusion(x, y)],
            "coverage": [coverage(x, y)],
            "contradicting cases": [int(((x > 0.5) & (y < 0.5)).sum())],
        }
    )
    row = fit.iloc[0]
    return show(
        ax,
        "Each state's membership in the conservative solution and in survival",
        about=SOURCE,
        alt=f"{len(y)} points in a square with its diagonal. Inclusion {row['inclusion']:.3f}, "
        f"coverage {row['coverage']:.3f}, contradicting cases {int(row['contradicting cases'])}.",
        summary=fit,
    )


@cache
def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    path: Path = shared_dir() / "oracles" / f"lipset_{name}.csv"
    return pd.read_csv(reading(path), index_col="case")


def _stored(name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(reading(data_dir() / "coding" / "method_example" / f"{name}.csv"))
