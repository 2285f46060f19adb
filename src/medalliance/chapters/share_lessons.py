"""Why a share needs its own estimator: two designs whose effect is known, and a panel."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from ..estimators.etwfe import etwfe
from ..estimators.log_ratio_did import log_ratio_did
from ..outcomes.composition import composition_values, share_change_table
from ..panel import Panel, load_panel
from ..provenance import Badge
from ..registered.estimates import stated
from ..results import Effects
from ..show import plots
from ..show.exhibits import Exhibit, Sentence, figure, rounded, sentence
from ..show.tables import table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXAMPLE = "two groups of units made up for this page; the untreated share is known"
PARTS = ("visits_village", "visits_township", "visits_county", "visits_out")
SHORT = {
    "visits_village": "village",
    "visits_township": "township or community",
    "visits_county": "county hospital",
    "visits_out": "out of county",
}


def two_group_panel(
    treated: float,
    control: float,
    trend: float,
    effect: float,
    *,
    years: int,
    start: int,
    spread: float = 0.0,
) -> Panel:
    """Make shares with a common trend on the logit, 200 units a group.

    Parameters
    ----------
    treated, control : float
        Share of each group's median unit in the first year.
    trend, effect : float
        Change a year, and effect from the year ``start`` on, on the logit.
    spread : float
        Standard deviation of units on the logit (normal quantiles, no noise).

    Returns
    -------
    Panel
        Columns ``share`` and ``untreated_share``; badge ILLUSTRATIVE.
    """
    time, size = np.arange(years), 200
    own = np.tile(spread * norm.ppf((np.arange(size) + 0.5) / size), 2)
    group = np.repeat([0, 1], size)
    index = logit(np.array([treated, control]))[group, None] + own[:, None] + trend * time
    on = (group == 0)[:, None] & (time >= start)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(2 * size), years),
            "year": np.tile(1 + time, 2 * size),
            "cohort": np.repeat(np.where(group == 0, 1 + start, 0), years),
            "share": expit(index + effect * on).ravel(),
            "untreated_share": expit(index).ravel(),
        }
    )
    return Panel.from_frame(
        frame, unit="unit", year="year", cohort="cohort", badge=Badge.ILLUSTRATIVE
    )


def two_period_case() -> Panel:
    """Return the closed-form case: two years, 0.45 against 0.70."""
    return two_group_panel(0.45, 0.70, -0.3, 0.2, years=2, start=1)


def many_period_case() -> Panel:
    """Return the case of six years: 0.45 against 0.85, units that differ."""
    return two_group_panel(0.45, 0.85, -0.12, 0.2, years=6, start=3, spread=0.45)


def true_effect(panel: Panel) -> float:
    """Return the mean over treated rows of the share less the untreated share."""
    frame = panel.frame
    on = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
    return float((frame["share"] - frame["untreated_share"])[on].mean())


@cache
def _estimates() -> pd.DataFrame:
    rows = []
    for name, panel in (("two years", two_period_case()), ("six years", many_period_case())):
        truth = true_effect(panel)
        for family, method in (("gaussian", "linear"), ("logit", "fractional logit")):
            estimate = float(etwfe(panel, "share", family=family).overall.estimate[0])
            rows.append([name, method, truth, estimate, estimate - truth])
    columns = ["design", "estimator", "true_effect", "estimate", "error"]
    return pd.DataFrame(rows, columns=columns)


def bias_table() -> Exhibit:
    """Set truth, linear and fractional estimate of both designs side by side."""
    return table(
        _estimates(),
        caption="The effect that was put in, and what two estimators find (share of visits, 0-1).",
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
        decimals=4,
        labels={
            "design": "Design",
            "estimator": "Estimator",
            "true_effect": "True effect",
            "estimate": "Estimate",
            "error": "Error",
        },
    )


def bias_sentence() -> Sentence:
    """Say the many-period result in words."""
    rows = _estimates().set_index(["design", "estimator"])
    linear, share = rows.loc[("six years", "linear")], rows.loc[("six years", "fractional logit")]
    lost = -linear["error"] / linear["true_effect"]
    return sentence(
        f"In the six-year design the true effect is {linear['true_effect']:.3f}. The linear "
        f"estimator finds {linear['estimate']:.3f} and so loses {lost:.0%} of it. The fractional "
        f"logit finds {share['estimate']:.3f}.",
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
    )


def paths_figure() -> Exhibit:
    """Draw the mean shares of the six-year design beside the path without treatment."""
    frame = many_period_case().frame
    group = np.where(frame["cohort"] > 0, "reform", "no reform")
    long = pd.concat(
        [
            frame.assign(path=group, share=frame["share"]),
            frame[frame["cohort"] > 0].assign(
                path="reform group without the reform", share=lambda d: d["untreated_share"]
            ),
        ]
    )
    mean = long.groupby(["path", "year"], as_index=False, sort=False)["share"].mean()
    ax = plots.lines(mean, x="year", y="share", by="path")
    ax.set(xlabel="year", ylabel="primary-care share of visits")
    return figure(
        ax,
        caption="Parallel on the logit, not in points: the same trend moves a share of one half "
        "further than a share near one.",
        alt="Lines over six years. The group without a reform starts near 0.85 and falls slowly. "
        "The reform group starts near 0.45, falls faster, and rises at the reform above the path "
        "that it would have followed.",
        badge=Badge.ILLUSTRATIVE,
        source=EXAMPLE,
        summary=rounded(mean, 3),
    )


@cache
def _parts_effects() -> Effects:
    return stated(etwfe(load_panel(), PARTS, family="multinomial"))


def parts_figure() -> Exhibit:
    """Draw the effects on the four parts by years since the reform."""
    panel, effects = load_panel(), _parts_effects()
    frame = effects.aggregate("event_time").to_frame()
    frame["outcome"] = frame["outcome"].map(SHORT)
    shown = frame[["outcome", "event_time", "estimate", "conf_low", "conf_high"]]
    ax = plots.event_study(frame, unit="effect on the share of visits", by="outcome")
    return figure(
        ax,
        caption="Effects on the four parts of visits, estimated together: what one part gains the "
        "others lose.",
        alt="Points with intervals for four places of care by years since the reform.",
        badge=panel.badge,
        source=effects.design.foot(),
        summary=rounded(shown, 3),
    )


def parts_table() -> Exhibit:
    """Set overall effects on the parts from two estimators beside each other."""
    panel = load_panel()
    columns = {}
    for name, effects in (
        ("multinomial", _parts_effects()),
        ("log_ratio", log_ratio_did(panel, PARTS)),
    ):
        frame = effects.aggregate("event_time").overall.to_frame(bands=False).set_index("outcome")
        columns[name], columns[f"{name}_error"] = frame["estimate"], frame["std_error"]
    merged = pd.DataFrame(columns).loc[list(PARTS)]
    merged.loc["sum of the parts"] = merged.sum()
    merged.loc["sum of the parts", [c for c in merged if c.endswith("_error")]] = np.nan
    merged = merged.where(merged.abs() > 1e-12, 0.0).mask(merged.isna())
    merged.insert(0, "part", [SHORT.get(name, name) for name in merged.index])
    return table(
        merged.reset_index(drop=True),
        caption="Overall effect on each part (share of visits, 0-1), averaged over years since "
        "the reform.",
        badge=panel.badge,
        source="fractional multinomial logit, and log-ratios with group-time effects",
        decimals=4,
        blank="",
        labels={
            "part": "Part",
            "multinomial": "Multinomial logit",
            "multinomial_error": "Standard error",
            "log_ratio": "Log-ratios",
            "log_ratio_error": "Standard error (log-ratios)",
        },
    )


def draw_visit_shares(panel: Panel, group: NDArray[np.object_]) -> tuple[Axes, pd.DataFrame]:
    """Draw the mean composition of each group's visits, a point a year, in the triangle.

    Parameters
    ----------
    panel : Panel
    group : ndarray of str, shape (n_obs,)

    Returns
    -------
    ax : Axes
    mean : DataFrame
        ``group, year`` and the three shares.
    """
    shares, _ = composition_values(panel, "visits")
    frame = pd.DataFrame(
        {
            "group": group,
            "year": panel.years[panel.year_codes],
            "primary care": shares[:, 0] + shares[:, 1],
            "county hospital": shares[:, 2],
            "out of county": shares[:, 3],
        }
    ).dropna()
    mean = frame.groupby(["group", "year"], as_index=False).mean()
    parts = ["county hospital", "out of county", "primary care"]
    ax = plots.ternary(mean, parts=parts, by="group", zoom=True)
    return ax, mean


def triangle_figure() -> Exhibit:
    """Draw the mean composition of reformed and other units through the years."""
    panel = load_panel()
    group = np.where(panel.cohort_by_unit > 0, "joins a reform", "never joins")[panel.unit_codes]
    ax, mean = draw_visit_shares(panel, group)
    return figure(
        ax,
        caption="Where visits go, a point a year, in a small part of the triangle: each corner "
        "names the share that its part has there.",
        alt="A triangle with corners county hospital, out of county and primary care, and the "
        "path of the mean composition of two groups of units over the years.",
        badge=panel.badge,
        source=f"{panel.n_units:,} units, {panel.years[0]} to {panel.years[-1]}",
        summary=rounded(mean, 3),
    )


def identity_table() -> Exhibit:
    """Split the change of each share over the panel's years into what each volume brought."""
    panel = load_panel()
    frame = panel.frame
    treated = frame[frame[panel.cohort] > 0]
    volume = treated.groupby(panel.year)[list(PARTS)].sum()
    change = share_change_table(
        volume.iloc[0].to_numpy(float), volume.iloc[-1].to_numpy(float), list(PARTS)
    )
    change["part"] = change["part"].map(SHORT)
    change.columns = [_FROM.get(c, c) for c in change.columns]
    return table(
        change,
        caption=f"Change of each share of visits from {volume.index[0]} to {volume.index[-1]} in "
        "units that join a reform, and the growth of which volume brought it (0-1).",
        badge=panel.badge,
        source="count-share identity with logarithmic means; the last four columns sum to the "
        "change",
        decimals=3,
        labels={
            "part": "Part",
            "share_before": "Share before",
            "share_after": "Share after",
            "change": "Change",
            "log_volume_growth": "Growth of its visits (log)",
        },
    )


_FROM = {f"from {name}": f"From {short}" for name, short in SHORT.items()}


def visits_sentence() -> Sentence:
    """Say what happened to visits while the primary-care share moved."""
    panel = load_panel()
    linear = {
        name: stated(etwfe(panel, name, family="poisson")).aggregate("event_time").overall
        for name in PARTS[1:3]
    }
    words = []
    for name, effects in linear.items():
        base = float(effects.estimate[0])
        low, high = effects.conf_int()[0]
        words.append(f"{SHORT[name]} visits {base:+,.0f} ({low:+,.0f} to {high:+,.0f})")
    return sentence(
        "The same panel, in visits a unit and year: " + "; ".join(words) + ". A share can rise "
        "because its own visits grow or because the others shrink; only the volumes tell which.",
        badge=panel.badge,
        source="Poisson extended two-way fixed effects, 95 % intervals",
    )
