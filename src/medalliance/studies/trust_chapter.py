"""Can we trust the estimators? The threat matrix and the grades, from stored draws."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy import stats

from ..exhibits import Exhibit, Sentence, figure, rounded, sentence
from ..provenance import Badge
from ..tables import table
from .grading import FEW, INFERENCE, OUTCOMES, band, grade
from .stored_draws import read_draws
from .threats import RECIPES, matrix

SHORT = dict(zip(OUTCOMES, ("spending", "township pay", "primary-care share"), strict=True))

BRIEF = {
    "het_dynamic": "growing effects",
    "anticipation": "anticipation",
    "select_on_level": "selection on level",
    "select_on_shock": "selection on a shock",
    "covid": "pandemic",
    "coreform": "another reform",
    "spillover": "spillovers",
    "pooling": "pooling",
    "def_break": "new definition",
    "few_treated": "few treated",
    "pt_scale": "scale of trends",
}


@cache
def _matrix() -> pd.DataFrame:
    return matrix(read_draws("threats"))


@cache
def _grades() -> pd.DataFrame:
    return grade(read_draws("grading"))


def _source(name: str) -> str:
    draws = read_draws(name)
    least = draws.groupby("name")["draw"].nunique()
    count = f"{least.min()}" if least.min() == least.max() else f"{least.min()} to {least.max()}"
    return f"the book's simulator, {count} draws of each design, seeds 0 onwards"


def threats_table() -> Exhibit:
    """Set what each threat is, what fails, what fires and what survives."""
    m = _matrix()
    rows = pd.DataFrame(
        {
            "threat": [RECIPES[t].words for t in m["threat"]],
            "outcome": [SHORT[o] for o in m["outcome"]],
            "what fails": [RECIPES[t].naive[0] for t in m["threat"]],
            "what gives it away": [RECIPES[t].diagnostic[0] for t in m["threat"]],
            "what survives": [RECIPES[t].survivor[0] for t in m["threat"]],
        }
    )
    return table(
        rows,
        caption="Eleven threats, each a switch of the simulator, with the estimator that each "
        "misleads, the check that should notice and the estimator that should survive.",
        badge=Badge.SYNTHETIC,
        source=_source("threats"),
    )


def matrix_table() -> Exhibit:
    """Set the numbers of the threat matrix."""
    m = _matrix()
    rows = pd.DataFrame(
        {
            "threat": [RECIPES[t].words for t in m["threat"]],
            "true effect": m["truth"],
            "bias of what fails": m["naive_bias"],
            "± ": m["naive_bias_error"],
            "its coverage": m["naive_coverage"],
            "check fires": m["fired"],
            "fires without the threat": m["fired_without"],
            "bias of what survives": m["survivor_bias"],
            "±": m["survivor_bias_error"],
            "coverage": m["survivor_coverage"],
        }
    )
    small = dict.fromkeys(
        ["its coverage", "check fires", "fires without the threat", "coverage"], 2
    )
    fine = dict.fromkeys(
        ["true effect", "bias of what fails", "± ", "bias of what survives", "±"], 4
    )
    return table(
        rows,
        caption="The threat matrix. Bias is the mean of estimate less truth, with its Monte Carlo "
        "standard error; coverage is the share of 95 % intervals that hold the truth.",
        badge=Badge.SYNTHETIC,
        source=_source("threats"),
        decimals={**small, **fine},
    )


def matrix_figure() -> Exhibit:
    """Draw coverage of what fails beside coverage of what survives."""
    from .. import plots

    m = _matrix()
    frame = pd.DataFrame(
        {
            "threat": m["threat"].map(BRIEF),
            "naive": m["naive_coverage"],
            "survivor": m["survivor_coverage"],
        }
    )
    ax = plots.dumbbell(
        frame, label="threat", start="naive", end="survivor",
        unit="share of 95 % intervals that hold the truth",
        labels={"naive": "what fails", "survivor": "what survives"},
    )  # fmt: skip
    ax.axvline(0.95, color=plots.INK, linestyle="--", linewidth=1)
    told = "; ".join(f"{r.threat}: {r.naive:.2f} to {r.survivor:.2f}" for r in frame.itertuples())
    return figure(
        ax,
        caption="How often the 95 % interval holds the truth, under each threat. The dashed line "
        "is 0.95.",
        alt=f"Two dots a threat. {told}.",
        badge=Badge.SYNTHETIC,
        source=_source("threats"),
        summary=rounded(frame, 3),
    )


def matrix_sentence() -> Sentence:
    """Count how often the pattern that theory predicts is found."""
    m = _matrix()
    least = 0.95 - m["n_draws"].map(band)
    fails = m["naive_coverage"] < least
    fires = m["fired"] > 0.5
    survives = m["survivor_coverage"] >= least
    text = (
        f"Of {len(m)} threats, {int(fails.sum())} push the coverage of the first estimator "
        f"further below 0.95 than chance allows; the check fires in most draws under "
        f"{int(fires.sum())}; the second estimator stays within chance under "
        f"{int(survives.sum())}."
    )
    missed = m.loc[~(fails & fires & survives), "threat"]
    if len(missed):
        text += f" The pattern is not complete for: {', '.join(RECIPES[t].words for t in missed)}."
    return sentence(text, badge=Badge.SYNTHETIC, source=_source("threats"))


def grades_table(design: str) -> Exhibit:
    """Set bias, coverage and rejection of every estimator under one design."""
    g = _grades()
    g = g[g["name"] == f"estimators/{design}"]
    rows = pd.DataFrame(
        {
            "outcome": g["outcome"].map(SHORT),
            "estimator": g["method"],
            "true effect": g["truth"],
            "bias": g["bias"],
            "±": g["bias_error"],
            "spread of estimates": g["sd"],
            "mean standard error": g["std_error"],
            "coverage": g["coverage"],
            "rejects zero": g["rejection"],
            "passes": np.where(g["bias_ok"] & g["coverage_ok"], "yes",
                               np.where(g["bias_ok"], "bias only",
                                        np.where(g["coverage_ok"], "coverage only", "no"))),
        }
    )  # fmt: skip
    n = int(g["n_draws"].min())
    names = {"effect": "An effect that does not grow", "no effect": "No effect at all",
             "growing effect": "Effects that grow and differ by cohort"}  # fmt: skip
    fine = ["true effect", "bias", "±", "spread of estimates", "mean standard error"]
    return table(
        rows,
        caption=f"{names[design]}: every estimator on {n} draws. It passes if its bias lies within "
        "three Monte Carlo errors or 2 % of the effect, and its coverage within "
        f"{band(n):.3f} of 0.95.",
        badge=Badge.SYNTHETIC,
        source=_source("grading"),
        decimals={**dict.fromkeys(fine, 4), "coverage": 3, "rejects zero": 3},
    )


def grades_sentence() -> Sentence:
    """Count how many estimators pass under each design."""
    g = _grades()
    parts = []
    for name in ("effect", "no effect", "growing effect"):
        d = g[g["name"] == f"estimators/{name}"]
        if len(d):
            both = int((d["bias_ok"] & d["coverage_ok"]).sum())
            parts.append(
                f"{name}: {both} of {len(d)} pass both, {int(d['bias_ok'].sum())} on bias, "
                f"{int(d['coverage_ok'].sum())} on coverage"
            )
    text = f"Pairs of estimator and outcome, by design. {'. '.join(parts)}."
    return sentence(text, badge=Badge.SYNTHETIC, source=_source("grading"))


def bias_figure() -> Exhibit:
    """Draw the largest bias of every estimator under the two designs with an effect."""
    from .. import plots

    g = _grades()
    g = g[g["name"].isin(["estimators/effect", "estimators/growing effect"])]
    g = g.assign(part=(g["bias"] / g["truth"]).abs())
    wide = g.pivot_table(index="method", columns="name", values="part", aggfunc="max", sort=False)
    frame = wide.rename(columns=lambda c: c.removeprefix("estimators/")).reset_index()
    ax = plots.dumbbell(
        frame, label="method", start="effect", end="growing effect",
        unit="largest bias over three outcomes, part of the effect",
        labels={"effect": "constant effect", "growing effect": "growing effect"},
    )  # fmt: skip
    plots.as_percent(ax)
    ax.axvline(0.02, color=plots.INK, linestyle="--", linewidth=1)
    told = "; ".join(
        f"{r['method']}: {r['effect']:.1%} and {r['growing effect']:.1%}"
        for r in frame.to_dict("records")
    )
    return figure(
        ax,
        caption="The largest bias over three outcomes, as part of the true effect. The dashed "
        "line is 2 %.",
        alt=f"Two dots an estimator, for constant and for growing effects: {told}.",
        badge=Badge.SYNTHETIC,
        source=_source("grading"),
        summary=rounded(frame, 3),
    )


def size_figure() -> Exhibit:
    """Draw how often each method of inference rejects a true null, by number of clusters."""
    from .. import plots

    frame = _sizes()
    wide = frame.pivot_table(index="method", columns="clusters", values="rejection", sort=False)
    wide = wide.reindex(index=list(INFERENCE), columns=list(FEW))
    short = {name: name.replace(" clusters treated", "") for name in FEW}
    ax = plots.heatmap(
        wide, low=0.0, high=0.25, unit="share of true nulls rejected at 5 %", labels=short
    )
    ax.set_xlabel("clusters treated")
    told = "; ".join(f"{r.method}, {r.clusters}: {r.rejection:.2f}" for r in frame.itertuples())
    return figure(
        ax,
        caption="How often a 5 % test rejects where there is no effect, by method and by the "
        "number of treated clusters. Hatched: the method is not available.",
        alt=f"A matrix of rejection rates. {told}.",
        badge=Badge.SYNTHETIC,
        source=_source("grading"),
        summary=rounded(wide.reset_index(), 3),
    )


def size_table() -> Exhibit:
    """Set the same rejection rates with what chance allows."""
    frame = _sizes()
    frame = frame.assign(**{"within chance": np.where(frame["coverage_ok"], "yes", "no")})
    return table(
        frame[["clusters", "method", "rejection", "n_draws", "within chance"]],
        caption="Size of 5 % tests under a true null: two-way effects on log spending. Within "
        "chance means within three binomial standard deviations of 0.05.",
        badge=Badge.SYNTHETIC,
        source=_source("grading"),
        decimals={"rejection": 3},
        labels={"n_draws": "draws", "rejection": "share rejected"},
    )


def _sizes() -> pd.DataFrame:
    g = _grades()
    g = g[g["name"].str.startswith("inference/")]
    return g.assign(clusters=g["name"].str.removeprefix("inference/")).reset_index(drop=True)


def power_table() -> Exhibit:
    """Set the smallest effect that each estimator finds, with the power reached there."""
    draws = read_draws("grading")
    draws = draws[draws["name"] == "estimators/no effect"]
    dof = 39
    far, near = stats.t.ppf(0.975, dof), stats.t.ppf(0.8, dof)
    rows = []
    for (outcome, method), d in draws.groupby(["outcome", "method"], sort=False):
        least = (far + near) * d["estimate"].std(ddof=1)
        found = (d["estimate"] + least).abs() > far * d["std_error"]
        rows.append(
            {
                "outcome": SHORT[str(outcome)],
                "estimator": method,
                "smallest effect found": least,
                "power there": found.mean(),
            }
        )
    return table(
        pd.DataFrame(rows),
        caption="The smallest effect found four times in five by a 5 % test with t(39), from the "
        "spread of estimates where there is no effect; and how often that effect, added to every "
        "draw, is in fact found. 40 prefectures, 24 of them treated.",
        badge=Badge.SYNTHETIC,
        source=_source("grading"),
        decimals={"smallest effect found": 4, "power there": 3},
    )
