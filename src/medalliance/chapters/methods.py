"""The methods chapter: every estimator on one panel, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..diagnostics.bacon_decomposition import bacon_decomposition
from ..diagnostics.pretrend_test import pretrend_test
from ..errors import DesignError, what_is_wrong
from ..estimators.att_gt import att_gt
from ..estimators.twfe import twfe
from ..inference.choose_inference import choose_inference
from ..inference.neyman_variance import neyman_variance
from ..inference.robust_variance import robust_variance
from ..outcomes import outcome_label
from ..panel import NEVER_TREATED, Panel
from ..registered.estimates import (
    Runs,
    first_years,
    headline,
    stated,
    true_by_event,
    true_headline,
)
from ..registered.estimates import run as run
from ..results import Effects
from ..show.exhibits import Exhibit, Sentence, figure, rounded, sentence

if TYPE_CHECKING:
    import pandas as pd

ASSUMES = {
    "two-way effects": (
        "parallel trends for all pairs of years; the same effect in every cohort",
        "all rows, treated ones too",
        "by the variance of treatment",
    ),
    "group-time": (
        "parallel trends after the base year",
        "not yet treated",
        "by counties",
    ),
    "imputation": (
        "parallel trends in all years, before treatment too",
        "all rows not yet treated",
        "by counties",
    ),
    "saturated": (
        "parallel trends in all years, before treatment too",
        "all rows not yet treated",
        "by counties",
    ),
    "interaction-weighted": (
        "parallel trends after the base year",
        "never treated",
        "by counties",
    ),
    "stacked": (
        "parallel trends in the window",
        "untreated through the window",
        "by counties, the same cohorts in every year",
    ),
    "local projection": (
        "parallel trends after the base year",
        "untreated through the horizon",
        "by the variance of treatment",
    ),
    "local projection, equal": (
        "parallel trends after the base year",
        "untreated through the horizon",
        "by counties",
    ),
}


def design_table(panel: Panel) -> Exhibit:
    """Show the cohorts of a panel."""
    import pandas as pd

    from ..show.tables import table

    cohorts = panel.cohort_by_unit
    rows = []
    for cohort in np.unique(cohorts):
        mine = cohorts == cohort
        known = cohort != NEVER_TREATED
        rows.append(
            {
                "cohort": str(cohort) if known else "never",
                "counties": int(mine.sum()),
                "clusters": len(np.unique(panel.cluster_by_unit[mine])),
                "years before": int((panel.years < cohort).sum()) if known else len(panel.years),
                "years from treatment on": int((panel.years >= cohort).sum()) if known else 0,
            }
        )
    span = f"{panel.years[0]} to {panel.years[-1]}"
    caption = (
        f"Who is treated when: {panel.n_units} counties, {span}. "
        f"{panel.n_already_treated} counties were treated when first seen and are left out."
    )
    return table(pd.DataFrame(rows), caption=caption, badge=panel.badge, source=panel.source)


def event_study_figure(runs: Runs) -> Exhibit:
    """Draw the event study of each estimator, with the true effects where they are known."""
    frames = {name: _by_event(runs, effects) for name, effects in runs.effects.items()}
    truth = true_by_event(runs)
    axes = _panels(frames, truth, f"effect, {_unit(runs)}")
    known = "" if truth is None else " Crosses: the true effects."
    caption = f"{_title(runs)} by years since the reform, with 95 % intervals.{known}"
    wide = _stack(frames).pivot_table(
        index="event_time", columns="method", values="estimate", sort=False
    )
    alt = (
        f"One small event study an estimator: {', '.join(frames)}. Points with intervals by year "
        f"before and after the reform. {_alt_range(runs)}{known}"
    )
    return figure(
        axes,
        caption=caption,
        alt=alt,
        badge=runs.panel.badge,
        source=runs.foot,
        summary=rounded(wide.sort_index().reset_index(), 3),
    )


def _by_event(runs: Runs, effects: Effects) -> pd.DataFrame:
    frame = effects.aggregate("event_time").to_frame(bands=False)
    return frame[frame["event_time"].between(-5, max(runs.horizon, 3))]


def _stack(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Stack frames, their keys in a column ``method``."""
    import pandas as pd

    return pd.concat([frame.assign(method=name) for name, frame in frames.items()])


def _panels(
    frames: dict[str, pd.DataFrame], truth: pd.Series | None, unit: str
) -> np.ndarray[Any, Any]:
    """Draw one small event study a method on common axes."""
    import matplotlib.pyplot as plt

    from ..show.plots import INK, event_study, style

    n_rows = -(-len(frames) // 2)
    with style():
        _, axes = plt.subplots(
            n_rows, 2, figsize=(6.4, 1.75 * n_rows + 0.6), sharex=True, sharey=True,
            constrained_layout=True,
        )  # fmt: skip
        flat = axes.ravel()
        for ax, (name, frame) in zip(flat, frames.items(), strict=False):
            event_study(frame, ax=ax)
            ax.set_title(name, loc="left", fontsize=10)
            ax.set_xlabel("")
            if truth is not None:
                ax.plot(truth.index, truth, "x", color=INK, markersize=7, zorder=4)
        for ax in flat[len(frames) :]:
            ax.set_visible(False)
        flat[0].figure.supxlabel("years since the reform", fontsize=11)
        flat[0].figure.supylabel(unit, fontsize=11)
    return flat[: len(frames)]


def headline_figure(runs: Runs) -> Exhibit:
    """Draw the headline of every estimator, with the truth where it is known."""
    from ..show.plots import forest

    frame = runs.headlines
    truth = true_headline(runs)
    ax = forest(frame, label="method", unit=f"effect, {_unit(runs)}", reference=truth or 0.0)
    line = "The line is the true effect." if truth is not None else "The line is zero."
    caption = f"{_title(runs)}, mean of {first_years(runs.horizon)}. {line}"
    alt = f"One row an estimator with its 95 % interval. {_alt_range(runs)} {line}"
    return figure(ax, caption=caption, alt=alt, badge=runs.panel.badge, source=runs.foot)


def headline_table(runs: Runs) -> Exhibit:
    """Set the headline of every estimator as a table with what it assumes."""
    from ..show.tables import table

    frame = runs.headlines
    columns = zip(*(ASSUMES[name] for name in frame["method"]), strict=True)
    texts = dict(zip(("assumes", "compares with", "averages"), columns, strict=True))
    frame = frame.drop(columns=["conf_low", "conf_high"]).assign(**texts)
    note = "".join(f" Not available: {k} ({v})" for k, v in runs.refused.items())
    caption = (
        f"{_title(runs)}: mean of {first_years(runs.horizon)}, its standard error, and "
        f"what each method assumes, compares with and averages.{note}"
    )
    return table(frame, caption=caption, badge=runs.panel.badge, source=runs.foot, decimals=4)


def spread_sentence(runs: Runs) -> Sentence:
    """Say how far the estimators lie apart, beside their standard errors."""
    frame = runs.headlines
    low, high = frame["estimate"].min(), frame["estimate"].max()
    text = f"The headlines lie between {low:.4f} and {high:.4f}; "
    errors = frame["std_error"].dropna()
    if len(errors):
        text += f"their standard errors between {errors.min():.4f} and {errors.max():.4f}."
    else:
        text += "too few clusters are treated for a standard error."
    truth = true_headline(runs)
    if truth is None:
        text += " The true effect of your panel is not available."
    else:
        inside = frame["conf_low"].le(truth) & frame["conf_high"].ge(truth)
        text += (
            f" The true effect is {truth:.4f}; {int(inside.sum())} of {len(frame)} intervals "
            "hold it."
        )
    return sentence(text, badge=runs.panel.badge, source=runs.source)


def identity_sentence(runs: Runs) -> Sentence:
    """Say which methods are one and the same on a balanced panel, from the numbers."""
    pairs = [("imputation", "saturated"), ("group-time", "local projection, equal")]
    words = []
    for one, two in pairs:
        if one in runs.effects and two in runs.effects:
            gap = _largest_gap(runs.effects[one], runs.effects[two])
            same = "the same number" if gap < 1e-9 else f"apart by up to {gap:.4f}"
            words.append(f"{one} and {two}: {same}")
    if not words:
        raise DesignError("too few of the methods can be used on this panel to compare them.")
    return sentence(
        f"Effects by year since the reform, compared pair by pair: {'; '.join(words)}.",
        badge=runs.panel.badge,
        source=runs.source,
    )


def bacon_sentence(runs: Runs) -> Sentence:
    """Say how much of the static two-way estimate compares late with already treated counties."""
    try:
        found = bacon_decomposition(runs.panel, runs.outcome)
    except DesignError as error:
        return sentence(
            f"The decomposition is not available: {what_is_wrong(error)}",
            badge=runs.panel.badge,
            source=runs.source,
        )
    frame = found.frame
    late = frame[frame["comparison"].isin(["later_vs_earlier", "treated_vs_already"])]
    mean = np.average(late["estimate"], weights=late["weight"]) if len(late) else np.nan
    never = frame[frame["comparison"] == "treated_vs_never"]
    text = f"The static two-way estimate is {found.twfe:.4f}."
    if len(late):
        text += (
            f" {late['weight'].sum():.1%} of its weight lies on comparisons with counties that "
            f"are already treated; their mean is {mean:.4f}."
        )
    if len(never):
        mean = np.average(never["estimate"], weights=never["weight"])
        text += f" The mean of the comparisons with never-treated counties is {mean:.4f}."
    return sentence(text, badge=runs.panel.badge, source=runs.source)


def pretrend_sentence(runs: Runs) -> Sentence:
    """Say what a joint test of the years before treatment rejects, and what it would have seen."""
    effects = runs.effects.get("stacked")
    if effects is None:
        text = f"The test is not available: {runs.refused['stacked']}"
        return sentence(text, badge=runs.panel.badge, source=runs.source)
    try:
        found = pretrend_test(effects)
    except DesignError as error:
        text = f"The test is not available: {what_is_wrong(error)}"
        return sentence(text, badge=runs.panel.badge, source=runs.source)
    return sentence(found.reading, badge=runs.panel.badge, source=found.foot)


def control_table(runs: Runs) -> Exhibit:
    """Show the group-time headline by control group and years of anticipation."""
    import pandas as pd

    from ..show.tables import table

    rows = []
    for control_group in ("not_yet_treated", "never_treated"):
        for anticipation in (0, 1, 2):
            row: dict[str, Any] = {
                "controls": control_group.replace("_", " "),
                "anticipation, years": anticipation,
            }
            try:
                effects = stated(
                    att_gt(
                        runs.panel,
                        runs.outcome,
                        control_group=control_group,
                        anticipation=anticipation,
                    )
                )
                row["estimate"], row["std_error"], _ = headline(effects, runs.horizon)
            except DesignError as error:
                row["remark"] = what_is_wrong(error)
            rows.append(row)
    frame = pd.DataFrame(rows)
    caption = "The group-time headline under other controls and other reference years."
    return table(
        frame, caption=caption, badge=runs.panel.badge, source=_att_gt_foot(runs),
        decimals={"estimate": 4, "std_error": 4}, blank="",
    )  # fmt: skip


def _neyman_error(effects: Effects) -> float:
    """Return the error by cohort, blank where the panel does not support it."""
    try:
        return float(neyman_variance(effects).std_error[0])
    except DesignError:
        return float("nan")


def convention_table(runs: Runs) -> Exhibit:
    """Show one two-way coefficient under the conventions that packages use."""
    import pandas as pd

    from ..show.tables import table

    effects = twfe(runs.panel, runs.outcome)
    design, fit = effects.design, effects.regression
    if fit is None:
        raise DesignError("the regression was not kept.\n  Use twfe.")
    g, n, k = design.n_clusters, design.n_obs, fit.n_params
    nested = k + design.n_units - 1
    ours = float(effects.std_error[0])
    plain = ours / np.sqrt(effects.variance_factor)
    crv2, crv3 = (float(robust_variance(effects, k).std_error[0]) for k in ("crv2", "crv3"))
    rows = [
        ("no factor", "R did; our group-time default", plain),
        ("G/(G-1)", "the first factor alone", plain * np.sqrt(g / (g - 1))),
        ("G/(G-1) · (N-1)/(N-K), nested effects not counted",
         "fixest, pyfixest, reghdfe; our regressions' default", ours),
        ("N/(N-K), nested effects counted, without G/(G-1)",
         "linearmodels' default", plain * np.sqrt(n / (n - nested))),
        ("CRV2, bias-reduced", "clubSandwich; robust_variance", crv2),
        ("CRV3, cluster jackknife", "summclust; robust_variance", crv3),
        ("Neyman, n/(n-1) in each cohort", "staggered; neyman_variance; stated by the chapters",
         _neyman_error(effects)),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["convention", "who", "std_error"])
    frame["against fixest"] = frame["std_error"] / ours - 1
    caption = (
        f"One coefficient, {float(effects.estimate[0]):.4f}, and its clustered standard error "
        f"under several conventions: G = {g} clusters, N = {n:,} rows, K = {k} parameters."
    )
    return table(
        frame, caption=caption, badge=runs.panel.badge, source=runs.source,
        decimals={"std_error": 5, "against fixest": 4}, blank="",
    )  # fmt: skip


def inference_sentence(runs: Runs) -> Sentence:
    """Say which inference the number of clusters asks for."""
    effects = next(iter(runs.effects.values()))
    return sentence(choose_inference(effects).words, badge=runs.panel.badge, source=runs.source)


def _largest_gap(one: Effects, two: Effects) -> float:
    frames = [e.aggregate("event_time").to_frame(bands=False) for e in (one, two)]
    joined = frames[0].merge(frames[1], on="event_time")
    joined = joined[joined["event_time"] >= 0]
    return float((joined["estimate_x"] - joined["estimate_y"]).abs().max())


def _title(runs: Runs) -> str:
    return f"Effect on {outcome_label(runs.outcome)}"


def _unit(runs: Runs) -> str:
    first = next(iter(runs.effects.values()))
    return first.design.unit_of_measure or runs.outcome


def _alt_range(runs: Runs) -> str:
    frame = runs.headlines
    return f"Headlines run from {frame['estimate'].min():.4f} to {frame['estimate'].max():.4f}."


def _att_gt_foot(runs: Runs) -> str:
    effects = runs.effects.get("group-time")
    if effects is None:
        return runs.source
    return f"{runs.source}. Standard errors: {effects.design.std_errors}."
