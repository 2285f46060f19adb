"""Can we trust the estimators? Words for the stored draws of threats and grades."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..grading.grading import FEW, INFERENCE, OUTCOMES, STATIC, SYNTHETIC, band
from ..grading.threats import RECIPES

SHORT = dict(zip(OUTCOMES, ("spending", "township pay", "primary-care share"), strict=True))
BRIEF = {
    "het_dynamic": "growing effects", "anticipation": "anticipation",
    "select_on_level": "selection on level", "select_on_shock": "selection on a shock",
    "covid": "pandemic", "coreform": "another reform", "spillover": "spillovers",
    "pooling": "pooling", "def_break": "new definition", "few_treated": "few treated",
    "pt_scale": "scale of trends",
}  # fmt: skip
MATRIX = {
    "threat": "threat", "truth": "true effect", "naive_bias": "bias of what fails",
    "naive_bias_error": "± ", "naive_coverage": "its coverage", "fired": "check fires",
    "fired_without": "fires without the threat", "survivor_bias": "bias of what survives",
    "survivor_bias_error": "±", "survivor_coverage": "coverage",
    "survivor_coverage_drawn": "of the drawn counties' effect",
}  # fmt: skip
GRADES = {
    "outcome": "outcome", "method": "estimator", "passes": "passes", "truth": "true effect",
    "bias": "bias", "bias_error": "±", "sd": "spread of estimates",
    "std_error": "mean standard error", "coverage": "coverage",
    "coverage_drawn": "of the drawn counties' effect", "coverage_own": "by its own interval",
}  # fmt: skip


def recipes() -> pd.DataFrame:
    """Return what each threat is, with what fails, what fires and what survives."""
    rows = [
        (one.words, SHORT[one.outcome], one.naive[0], one.diagnostic[0], one.survivor[0])
        for one in RECIPES.values()
    ]
    named = ["threat", "outcome", "what fails", "what gives it away", "what survives"]
    return pd.DataFrame(rows, columns=named)


def shown_matrix(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return the threat matrix with each threat in words, in the order of its columns."""
    return matrix.assign(threat=[RECIPES[name].words for name in matrix["threat"]])[[*MATRIX]]


def of_design(grades: pd.DataFrame, design: str) -> pd.DataFrame:
    """Return the grades of one design, by outcome, with whether each row passes."""
    g = grades[grades["name"].str.endswith(f"/{design}")]
    g = g.sort_values("outcome", key=lambda names: names.map(OUTCOMES.index), kind="stable")
    passes = np.select(
        [g["bias_ok"] & g["coverage_ok"], g["bias_ok"], g["coverage_ok"]],
        ["yes", "bias only", "coverage only"], "no",
    )  # fmt: skip
    return g.assign(outcome=g["outcome"].map(SHORT), passes=passes)[[*GRADES]]


def passed(grades: pd.DataFrame) -> pd.DataFrame:
    """Return how many pairs of estimator and outcome pass each design, naming the others."""
    rows = []
    for design in ("effect", "no effect", "growing effect"):
        d = grades[grades["name"].str.endswith(f"/{design}")]
        both = d["bias_ok"] & d["coverage_ok"]
        listed = d[~both].groupby("method", sort=False)["outcome"]
        named = [
            f"{method} ({', '.join(SHORT[str(name)] for name in pairs)})"
            for method, pairs in listed
        ]
        rows.append((design, len(d), int(both.sum()), "; ".join(named)))
    frame = pd.DataFrame(rows, columns=["design", "pairs", "pass", "do not pass"])
    return _like(grades, frame)


def covered(grades: pd.DataFrame) -> pd.DataFrame:
    """Return the ends of what the stated intervals and the estimators' own ones cover."""
    g = grades[~grades["method"].isin([STATIC, SYNTHETIC])]
    rows = []
    for words, column in (("stated in the book", "coverage"), ("the estimator's", "coverage_own")):
        low, high = g.loc[g[column].idxmin()], g.loc[g[column].idxmax()]
        out = (g[column] - 0.95).abs() > g["n_draws"].map(band)
        rows.append((words, low[column], _where(low), high[column], _where(high), int(out.sum())))
    columns = ["interval", "lowest", "lowest at", "highest", "highest at", "beyond chance"]
    return _like(grades, pd.DataFrame(rows, columns=columns).assign(pairs=len(g)))


def _where(row: pd.Series) -> str:
    return f"{row['method']}, {SHORT[str(row['outcome'])]}, {row['name'].split('/')[1]}"


def errors_of_synthetic(draws: pd.DataFrame) -> pd.DataFrame:
    """Return the mean error of synthetic estimates without an effect, in Monte Carlo errors."""
    every = draws[draws["name"].isin(["synthetic/no effect", "points/no effect"])]
    rows = {
        "last grading": every[every["std_error"].notna()],
        "all gradings": every,
    }
    found = {
        words: part.groupby("outcome", sort=False)["estimate"].agg(lambda e: e.mean() / e.sem())
        for words, part in rows.items()
    }
    frame = pd.DataFrame(found).T.rename(columns=SHORT).rename_axis("draws").reset_index()
    frame.insert(1, "number", [part["draw"].nunique() for part in rows.values()])
    return _like(draws, frame)


def largest_bias(grades: pd.DataFrame) -> pd.DataFrame:
    """Return the largest bias over outcomes, part of the effect, by estimator and design."""
    g = grades.assign(
        part=(grades["bias"] / grades["truth"]).abs(), design=grades["name"].str.split("/").str[1]
    )
    g = g[g["design"] != "no effect"]
    return g.pivot_table(
        index="method", columns="design", values="part", aggfunc="max", sort=False
    ).reset_index()


def by_clusters(sizes: pd.DataFrame) -> pd.DataFrame:
    """Return rejection rates with a row a method, a column a number of treated clusters."""
    wide = sizes.pivot_table(index="method", columns="clusters", values="rejection", sort=False)
    wide = wide.reindex(index=list(INFERENCE), columns=list(FEW))
    return wide.rename(columns=lambda name: name.replace(" clusters treated", ""))


def kept(sizes: pd.DataFrame) -> pd.DataFrame:
    """Return how many methods keep their size by treated clusters, naming the others."""
    rows = []
    for clusters in FEW:
        d = sizes[sizes["clusters"] == clusters]
        wrong = [f"{r.method} {r.rejection:.3f}" for r in d[~d["size_ok"]].itertuples()]
        rows.append((clusters, len(d), int(d["size_ok"].sum()), "; ".join(wrong)))
    frame = pd.DataFrame(rows, columns=["clusters", "methods", "keep it", "do not"])
    return _like(sizes, frame)


def _like(of: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame that carries the provenance of the one it was computed from."""
    frame.attrs.update(of.attrs)
    return frame
