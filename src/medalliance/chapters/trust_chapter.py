"""Can we trust the estimators? The threat matrix and the grades, from stored draws."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from ..grading.grading import (
    FEW,
    INFERENCE,
    OUTCOMES,
    STATIC,
    SYNTHETIC,
    band,
    grade,
    powers,
    sizes,
)
from ..grading.stored_draws import read_draws
from ..grading.threats import RECIPES, matrix
from ..provenance import Badge, Provenance
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from ..show.pictures import rounded

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


SUMMARIES = {
    "matrix": ("threats", matrix),
    "grades": ("grading", grade),
    "sizes": ("grading", sizes),
    "powers": ("grading", powers),
}


@cache
def _summary(kind: str) -> pd.DataFrame:
    store, summarise = SUMMARIES[kind]
    return summarise(read_draws(store))


def _source(name: str, *kinds: str) -> Provenance:
    """Say how many draws there are of the designs whose names begin so, with which seeds."""
    draws = read_draws(name)
    if kinds:
        draws = draws[draws["name"].str.startswith(kinds)]
    designs = draws.groupby("name")["draw"].agg(["nunique", "min"])
    ends = sorted({int(designs["nunique"].min()), int(designs["nunique"].max())})
    count = " to ".join(f"{end:,}" for end in ends)
    seeds = " and ".join(str(first) for first in sorted(set(designs["min"])))
    said = f"the book's simulator, {count} draws of each design, seeds from {seeds}"
    return Provenance(Badge.SYNTHETIC, said)


def threats_table() -> Exhibit:
    """Set what each threat is, what fails, what fires and what survives."""
    m = _summary("matrix")
    rows = pd.DataFrame(
        {
            "threat": [RECIPES[t].words for t in m["threat"]],
            "outcome": [SHORT[o] for o in m["outcome"]],
            "what fails": [RECIPES[t].naive[0] for t in m["threat"]],
            "what gives it away": [RECIPES[t].diagnostic[0] for t in m["threat"]],
            "what survives": [RECIPES[t].survivor[0] for t in m["threat"]],
        }
    )
    return show(
        rows,
        f"{len(m)} threats, each a switch of the simulator, with the estimator that each "
        "misleads, the check that should notice and the estimator that should survive.",
        about=_source("threats"),
    )


def matrix_table() -> Exhibit:
    """Set the numbers of the threat matrix."""
    m = _summary("matrix")
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
            "of the drawn counties' effect": m["survivor_coverage_drawn"],
        }
    )
    shares = [
        "its coverage",
        "check fires",
        "fires without the threat",
        "coverage",
        "of the drawn counties' effect",
    ]
    fine = ["true effect", "bias of what fails", "± ", "bias of what survives", "±"]
    return show(
        rows,
        "The threat matrix. Bias is the mean of estimate less truth, with its Monte Carlo "
        "standard error. Coverage is the share of 95 % intervals, as the book states them, that "
        f"hold the population's effect; chance allows {band(int(m['n_draws'].min())):.3f} either "
        "way. The last column counts the effect on the counties drawn.",
        about=_source("threats"),
        decimals={**dict.fromkeys(shares, 3), **dict.fromkeys(fine, 4)},
    )


def matrix_figure() -> Exhibit:
    """Draw coverage of what fails beside coverage of what survives."""
    from ..show import plots

    m = _summary("matrix")
    frame = pd.DataFrame(
        {
            "threat": m["threat"].map(BRIEF),
            "naive": m["naive_coverage"],
            "survivor": m["survivor_coverage"],
        }
    )
    ax = plots.dumbbell(
        frame,
        label="threat",
        start="naive",
        end="survivor",
        unit="share of 95 % intervals that hold the effect",
        labels={"naive": "what fails", "survivor": "what survives"},
    )
    ax.axvline(0.95, color=plots.INK, linestyle="--", linewidth=1)
    told = "; ".join(f"{r.threat}: {r.naive:.2f} to {r.survivor:.2f}" for r in frame.itertuples())
    return show(
        ax,
        "How often the 95 % interval holds the population's effect, under each threat. The "
        "dashed line is 0.95.",
        about=_source("threats"),
        alt=f"Two dots a threat. {told}.",
        summary=rounded(frame, 3),
    )


def matrix_sentence() -> Sentence:
    """Count how often the pattern that theory predicts is found."""
    m = _summary("matrix")
    room = m["n_draws"].map(band)
    fails = m["naive_coverage"] < 0.95 - room
    fires = m["fired"] > 0.5
    low, high = (m["survivor_coverage"] < 0.95 - room, m["survivor_coverage"] > 0.95 + room)
    text = (
        f"Of {len(m)} threats, {int(fails.sum())} push the coverage of the first estimator "
        f"further below 0.95 than chance allows; the check fires in most draws under "
        f"{int(fires.sum())}; the second estimator keeps a coverage within chance of 0.95 under "
        f"{int((~low & ~high).sum())}, less under {int(low.sum())}, more under {int(high.sum())}."
    )
    for words, which, shown in (
        ("The first estimator does not fail, by coverage, under", ~fails, "naive_coverage"),
        ("The check stays quiet in most draws under", ~fires, "fired"),
        ("The second estimator covers too rarely under", low, "survivor_coverage"),
        ("The second estimator's intervals are too wide under", high, "survivor_coverage"),
    ):
        if which.any():
            told = zip(m.loc[which, "threat"], m.loc[which, shown], strict=True)
            text += f" {words}: {', '.join(f'{BRIEF[t]} ({value:.3f})' for t, value in told)}."
    return say(text, about=_source("threats"))


def grades_table(design: str) -> Exhibit:
    """Set bias, coverage and rejection of every estimator under one design."""
    g = _summary("grades")
    g = g[g["name"].str.endswith(f"/{design}")].sort_values(
        "outcome", key=lambda names: names.map(OUTCOMES.index), kind="stable"
    )
    rows = pd.DataFrame(
        {
            "outcome": g["outcome"].map(SHORT),
            "estimator": g["method"],
            "passes": np.where(
                g["bias_ok"] & g["coverage_ok"],
                "yes",
                np.where(
                    g["bias_ok"], "bias only", np.where(g["coverage_ok"], "coverage only", "no")
                ),
            ),
            "true effect": g["truth"],
            "bias": g["bias"],
            "±": g["bias_error"],
            "spread of estimates": g["sd"],
            "mean standard error": g["std_error"],
            "coverage": g["coverage"],
            "of the drawn counties' effect": g["coverage_drawn"],
            "by its own interval": g["coverage_own"],
        }
    )
    n, n_bias = int(g["n_draws"].max()), int(g["n_bias"].max())
    names = {
        "effect": "An effect that does not grow",
        "no effect": "No effect at all",
        "growing effect": "Effects that grow and differ by cohort",
    }
    null = " Here the size of a 5 % test is one less coverage." if design == "no effect" else ""
    fine = ["true effect", "spread of estimates", "mean standard error"]
    shares = ["coverage", "of the drawn counties' effect", "by its own interval"]
    return show(
        rows,
        f"{names[design]}: every estimator, {n:,} draws. Coverage is of the population's "
        "effect, by the stated interval: Neyman's errors by cohort with Welch's t, or for the "
        "synthetic estimator the bootstrap of clusters. A row passes if its bias lies within three "
        f"Monte Carlo errors or 2 % of the effect, over {n_bias:,} draws for the synthetic "
        f"estimator, and its coverage within chance of 0.95, which is {band(n):.3f}.{null}",
        about=_source("grading", "estimators/", "synthetic/"),
        decimals={
            **dict.fromkeys(fine, 4),
            **dict.fromkeys(["bias", "±"], 5),
            **dict.fromkeys(shares, 3),
        },
    )


def grades_sentence() -> Sentence:
    """Count how many estimators pass under each design, naming those that do not."""
    g = _summary("grades")
    parts = []
    for name in ("effect", "no effect", "growing effect"):
        d = g[g["name"].str.endswith(f"/{name}")]
        both = d["bias_ok"] & d["coverage_ok"]
        text = f"{name}: {int(both.sum())} of {len(d)} pass"
        if not both.all():
            text += f"; not {_pairs(d[~both])}"
        parts.append(text)
    text = f"Pairs of estimator and outcome, by design. {'. '.join(parts)}."
    return say(text, about=_source("grading"))


def _pairs(rows: pd.DataFrame) -> str:
    """List estimators with the outcomes, in their order."""
    listed = rows.groupby("method", sort=False)["outcome"]
    return ", ".join(
        f"{method} ({', '.join(SHORT[str(name)] for name in outcomes)})"
        for method, outcomes in listed
    )


def errors_sentence() -> Sentence:
    """Say what the stated intervals and the estimators' own ones cover."""
    g = _summary("grades")
    g = g[~g["method"].isin([STATIC, SYNTHETIC])]
    parts = []
    for words, column in (("stated", "coverage"), ("own", "coverage_own")):
        low, high = g.loc[g[column].idxmin()], g.loc[g[column].idxmax()]
        out = (g[column] - 0.95).abs() > g["n_draws"].map(band)
        parts.append(
            f"the {words} intervals cover between {low[column]:.3f} ({_where(low)}) and "
            f"{high[column]:.3f} ({_where(high)}), {int(out.sum())} of {len(g)} pairs further "
            "from 0.95 than chance allows"
        )
    return say(
        "Static and synthetic estimates aside, {parts_0}; {parts_1}.",
        parts_0=parts[0],
        parts_1=parts[1],
        about=_source("grading", "estimators/"),
    )


def _where(row: pd.Series) -> str:
    return f"{row['method']}, {SHORT[str(row['outcome'])]}, {row['name'].split('/')[1]}"


def synthetic_sentence() -> Sentence:
    """Say how the bias of the synthetic estimates looks on the last draws and on all."""
    draws = read_draws("grading")
    every = draws[draws["name"].isin(["synthetic/no effect", "points/no effect"])]
    parts = []
    for words, part in (("the last", every[every["std_error"].notna()]), ("all", every)):
        z = part.groupby("outcome", sort=False)["estimate"].agg(lambda e: e.mean() / e.sem())
        told = ", ".join(f"{SHORT[str(name)]} {value:+.1f}" for name, value in z.items())
        parts.append(f"on {words} {part['draw'].nunique():,} draws {told}")
    return say(
        "Mean error of the synthetic estimates without an effect, in Monte Carlo errors: {parts}.",
        parts="; ".join(parts),
        about=_source("grading", "synthetic/", "points/"),
    )


def static_sentence() -> Sentence:
    """Say what growing effects do to the static regression."""
    g = _summary("grades")
    d = g[(g["name"] == "estimators/growing effect") & (g["method"] == STATIC)]
    told = ", ".join(f"{SHORT[r.outcome]} {r.bias / r.truth:+.1%}" for r in d.itertuples())
    return say(
        "With growing effects the static regression is off by, as part of the effect: "
        "{told}. It fails on bias for {bias_ok} of {n_d} outcomes.",
        told=told,
        bias_ok=int((~d["bias_ok"]).sum()),
        n_d=len(d),
        about=_source("grading", "estimators/"),
    )


def bias_figure() -> Exhibit:
    """Draw the largest bias of every estimator under the two designs with an effect."""
    from ..show import plots

    g = _summary("grades")
    g = g.assign(part=(g["bias"] / g["truth"]).abs(), design=g["name"].str.split("/").str[1])
    g = g[g["design"].isin(["effect", "growing effect"])]
    wide = g.pivot_table(index="method", columns="design", values="part", aggfunc="max", sort=False)
    frame = wide.reset_index()
    ax = plots.dumbbell(
        frame,
        label="method",
        start="effect",
        end="growing effect",
        unit="largest bias over three outcomes, part of the effect",
        labels={"effect": "constant effect", "growing effect": "growing effect"},
    )
    plots.as_percent(ax, decimals=1)
    ax.axvline(0.02, color=plots.INK, linestyle="--", linewidth=1)
    told = "; ".join(
        f"{r['method']}: {r['effect']:.1%} and {r['growing effect']:.1%}"
        for r in frame.to_dict("records")
    )
    return show(
        ax,
        "The largest bias over three outcomes, as part of the true effect. The dashed line is 2 %.",
        about=_source("grading"),
        alt=f"Two dots an estimator, for constant and for growing effects: {told}.",
        summary=rounded(frame, 3),
    )


def size_figure() -> Exhibit:
    """Draw how often each method of inference rejects a true null, by number of clusters."""
    from ..show import plots

    frame = _summary("sizes")
    wide = frame.pivot_table(index="method", columns="clusters", values="rejection", sort=False)
    wide = wide.reindex(index=list(INFERENCE), columns=list(FEW))
    short = {name: name.replace(" clusters treated", "") for name in FEW}
    ax = plots.heatmap(
        wide, low=0.0, high=0.25, unit="share of true nulls rejected at 5 %", labels=short
    )
    ax.set_xlabel("clusters treated")
    told = "; ".join(f"{r.method}, {r.clusters}: {r.rejection:.2f}" for r in frame.itertuples())
    return show(
        ax,
        "How often a 5 % test rejects where there is no effect, by method and by the "
        "number of treated clusters. Hatched: the method is not available.",
        about=_source("grading", "inference/"),
        alt=f"A matrix of rejection rates. {told}.",
        summary=rounded(wide.reset_index(), 3),
    )


def size_table() -> Exhibit:
    """Set the same rejection rates with what chance allows."""
    frame = _summary("sizes")
    frame = frame.assign(
        outcome=frame["outcome"].map(SHORT),
        **{"within chance": np.where(frame["size_ok"], "yes", "no")},
    )
    return show(
        frame[["clusters", "method", "outcome", "rejection", "n_draws", "within chance"]],
        "Size of 5 % tests under a true null: two-way effects on log spending, and the "
        "fractional logit of the primary-care share. Within chance means within three binomial "
        "standard deviations of 0.05.",
        about=_source("grading", "inference/"),
        decimals={"rejection": 3},
        labels={"n_draws": "draws", "rejection": "share rejected"},
    )


def size_sentence() -> Sentence:
    """Name the methods that keep their size, by the number of treated clusters."""
    frame = _summary("sizes")
    parts = []
    for clusters in FEW:
        d = frame[frame["clusters"] == clusters]
        wrong = [f"{r.method} {r.rejection:.3f}" for r in d[~d["size_ok"]].itertuples()]
        kept = f"{int(d['size_ok'].sum())} of {len(d)} methods keep it"
        parts.append(f"{clusters}: {kept}" + (f", not {'; '.join(wrong)}" if wrong else ""))
    return say(
        "A 5 % test of a true null should reject in 0.05 of draws. {parts}.",
        parts=". ".join(parts),
        about=_source("grading", "inference/"),
    )


def power_table() -> Exhibit:
    """Set the smallest effect that each estimator finds, with the power reached there."""
    found = _summary("powers")
    rows = pd.DataFrame(
        {
            "outcome": found["outcome"].map(SHORT),
            "estimator": found["method"],
            "smallest effect found": found["effect"],
            "power there": found["power"],
            "draws": found["n_draws"],
            "within chance of 0.8": np.where(found["power_ok"], "yes", "no"),
        }
    )
    return show(
        rows,
        "The smallest effect found four times in five by the 5 % test that the book "
        "states: the sum of two t quantiles times the standard error where there is no effect. "
        "Beside it, how often that effect, added to every draw, is in fact found. 40 prefectures, "
        "24 of them treated.",
        about=_source("grading", "estimators/no", "synthetic/no"),
        decimals={"smallest effect found": 4, "power there": 3},
    )


def power_sentence() -> Sentence:
    """Say how often the promised power is kept."""
    found = _summary("powers")
    return say(
        "The power found lies between {min_power:.3f} and {max_power:.3f}; {power_ok} of "
        "{n_found} lie within chance of 0.8.",
        min_power=found["power"].min(),
        max_power=found["power"].max(),
        power_ok=int(found["power_ok"].sum()),
        n_found=len(found),
        about=_source("grading", "estimators/no", "synthetic/no"),
    )
