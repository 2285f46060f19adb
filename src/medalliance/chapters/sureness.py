"""The chapter on how sure we can be: inference and reasons for doubt, side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..diagnostics.leave_one_out import leave_one_out
from ..diagnostics.minimum_detectable_effect import minimum_detectable_effect
from ..diagnostics.placebo_dates import placebo_dates
from ..diagnostics.pretrend_test import pretrend_test
from ..diagnostics.twfe_weights import twfe_weights
from ..errors import DesignError, what_is_wrong
from ..estimators.att_gt import att_gt
from ..estimators.twfe import twfe
from ..inference.choose_inference import choose_inference
from ..inference.honest_did import honest_did
from ..inference.neyman_variance import neyman_variance
from ..inference.randomisation_test import randomisation_test
from ..inference.robust_variance import robust_variance
from ..inference.romano_wolf import romano_wolf
from ..inference.wild_bootstrap import wild_bootstrap
from ..outcomes import outcome_label
from ..panel import Panel
from ..registered.estimates import PREFERRED, stated
from ..results import Effects
from ..show.exhibits import Exhibit, Sentence, figure, sentence

if TYPE_CHECKING:
    import pandas as pd

RELATIVE = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
CURVES = (0.0, 0.25, 0.5, 1.0)
N_PERMUTED = 199
N_DRAWN = 100
HOLD = 1


@dataclass(frozen=True, eq=False)
class Checks:
    """One outcome of a panel with the effects that are put to the test.

    Attributes
    ----------
    panel : Panel
    outcome : str
    cells : Effects
        Group-time effects by cohort and year, universal base, one year of anticipation.
    event_study : Effects
        Their averages by event time, balanced over the years that every cohort is seen.
    regression : Effects
        Two-way event study, whose regression every bootstrap can use; the static one where the
        panel has no controls for an event study.
    """

    panel: Panel
    outcome: str
    cells: Effects
    event_study: Effects
    regression: Effects

    @property
    def source(self) -> str:
        """Where the numbers come from."""
        return self.panel.source

    @property
    def unit(self) -> str:
        """Unit of measure of the outcome."""
        return self.event_study.design.unit_of_measure or self.outcome

    def say(self, text: str) -> Sentence:
        """Wrap a sentence with badge and source."""
        return sentence(text, badge=self.panel.badge, source=self.source)

    def try_to_say(self, write: Callable[[], str]) -> Sentence:
        """Wrap a computed sentence, or why the panel does not support it."""
        try:
            return self.say(write())
        except DesignError as problem:
            return self.say(f"Not available here: {what_is_wrong(problem)}")


def run(panel: Panel, outcome: str | None = None) -> Checks:
    """Estimate the effects that the chapter puts to the test.

    Parameters
    ----------
    panel : Panel
    outcome : str, optional
        Without it the first of three registered outcomes that the panel can give.
    """
    name = outcome or possible_outcomes(panel)[0]
    cells = stated(att_gt(panel, name, base_period="universal", anticipation=HOLD))
    inside = panel.cohort_by_unit[panel.cohort_by_unit <= panel.years[-1]]
    horizon = max(int(panel.years[-1] - inside.max()), 0)
    by_event = _balanced(cells, horizon)
    try:
        regression = twfe(panel, name, event_study=True)
    except DesignError:
        regression = twfe(panel, name)
    return Checks(panel, name, cells, by_event, regression)


def _balanced(cells: Effects, horizon: int) -> Effects:
    """Average by event time over the cohorts seen longest, up to ``horizon`` years."""
    for years in range(horizon, 0, -1):
        try:
            return cells.aggregate("event_time", balance=years)
        except DesignError:
            continue
    return cells.aggregate("event_time")


def possible_outcomes(panel: Panel) -> list[str]:
    """List the registered headlines that a panel can give."""
    from ..outcomes import outcome_values

    found = []
    for name in PREFERRED:
        try:
            outcome_values(panel, name)
        except DesignError:
            continue
        found.append(name)
    if not found:
        raise DesignError(f"the panel gives none of {', '.join(PREFERRED)}.\n  Name an outcome.")
    return found


def choice_sentence(checks: Checks) -> Sentence:
    """Say which inference the number of clusters asks for."""
    return checks.try_to_say(lambda: choose_inference(checks.regression).words)


def inference_table(checks: Checks) -> Exhibit:
    """Set one coefficient under every way to say how sure we are."""
    import pandas as pd

    from ..show.tables import table

    effects = checks.regression
    rows: list[dict[str, Any]] = []
    for label, kind, options in (
        ("clustered (CRV1)", "crv1", {}),
        ("bias-reduced (CRV2)", "crv2", {}),
        ("cluster jackknife (CRV3)", "crv3", {}),
        ("clusters and years (two-way)", "two_way", {}),
        ("Driscoll-Kraay, 2 lags", "driscoll_kraay", {"lags": 2}),
    ):
        rows.append(_attempt(label, partial(_robust, effects, kind, options)))
    rows.append(_attempt("Neyman by cohort, Welch's t", lambda: _normal(neyman_variance(effects))))
    for label, imposed in (("wild bootstrap, null imposed", True), ("wild bootstrap, not", False)):
        rows.append(_attempt(label, partial(_bootstrap, effects, imposed)))
    rows.append(_attempt("randomisation", partial(_permuted, effects, checks.panel)))
    columns = ["method", "std_error", "conf_low", "conf_high", "p_value", "remark"]
    frame = pd.DataFrame(rows, columns=columns)
    estimate = float(effects.overall.estimate[0])
    caption = (
        f"One estimate of the effect on {outcome_label(checks.outcome)}, {estimate:.4f} "
        f"({checks.unit}), and several ways to say how sure we are. The wild bootstrap and "
        "randomisation have no standard error."
    )
    decimals = dict.fromkeys(("std_error", "conf_low", "conf_high"), 4)
    return table(
        frame, caption=caption, badge=checks.panel.badge, source=checks.source,
        decimals=decimals, blank="",
    )  # fmt: skip


def _attempt(label: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return {"method": label, "remark": "", **find()}
    except DesignError as problem:
        return {"method": label, "remark": what_is_wrong(problem)}


def _robust(effects: Effects, kind: Any, options: dict[str, Any]) -> dict[str, float]:
    return _normal(robust_variance(effects, kind, **options))


def _normal(effects: Effects) -> dict[str, float]:
    row = effects.overall.to_frame(bands=False).iloc[0]
    if not np.isfinite(row["std_error"]):
        raise DesignError("clusters leave nothing to learn their variance from.")
    return {name: float(row[name]) for name in ("std_error", "conf_low", "conf_high", "p_value")}


def _bootstrap(effects: Effects, imposed: bool) -> dict[str, Any]:
    row = wild_bootstrap(effects, impose_null=imposed).iloc[0]
    numbers = {name: float(row[name]) for name in ("conf_low", "conf_high", "p_value")}
    return {**numbers, "remark": row["note"]}


def _permuted(effects: Effects, panel: Panel) -> dict[str, float]:
    known = bool(np.isfinite(effects.overall.std_error[0]))
    found = randomisation_test(
        effects, panel, statistic="t" if known else "estimate", n_draws=N_PERMUTED
    )
    return {"p_value": float(found["p_value"].iloc[0])}


def family_table(checks: Checks) -> Exhibit:
    """Set the p-values of the registered headlines, alone and as a family."""
    from ..show.tables import table

    names = possible_outcomes(checks.panel)
    effects = [stated(att_gt(checks.panel, n)).aggregate("event_time") for n in names]
    tested = romano_wolf(effects)
    frame = tested.frame.assign(outcome=[outcome_label(name) for name in names])
    shown = frame[["outcome", "estimate", "std_error", "p_value", "p_adjusted"]]
    shown = shown.rename(columns={"p_adjusted": "adjusted_p_value"})
    caption = (
        f"The registered headlines tested together. {tested.foot} Standard errors: "
        f"{effects[0].design.std_errors}. The adjusted column "
        "bounds the chance of one false rejection or more."
    )
    return table(
        shown, caption=caption, badge=checks.panel.badge, source=checks.source,
        decimals={"estimate": 4, "std_error": 4},
    )  # fmt: skip


def pretrend_sentence(checks: Checks) -> Sentence:
    """Say what the pre-trend test found and what it could have found."""
    return checks.try_to_say(lambda: pretrend_test(checks.event_study).reading)


def sensitivity_figure(checks: Checks) -> Exhibit:
    """Draw intervals that allow for violations of parallel trends."""
    import matplotlib.pyplot as plt

    from ..show.plots import style

    scale = float(np.nanmean(checks.event_study.std_error))
    found = honest_did(
        checks.event_study, relative_magnitude=RELATIVE, smoothness=[c * scale for c in CURVES]
    )
    names = {
        "relative_magnitude": "steps after treatment, as multiples\nof the largest step before",
        "smoothness": f"change of slope a year\n({checks.unit})",
    }
    with style():
        _, axes = plt.subplots(1, 2, figsize=(6.4, 3.2), sharey=True, layout="constrained")
        for ax, (name, label) in zip(axes, names.items(), strict=True):
            _draw_intervals(ax, found[found["restriction"] == name], label)
        axes[0].set_ylabel(f"effect, {checks.unit}")
    low, high = found["conf_low"].min(), found["conf_high"].max()
    return figure(
        axes,
        caption=f"95 % intervals of the {found.target} on {outcome_label(checks.outcome)} if "
        "parallel trends fails by no more than the bound on the horizontal axis.",
        alt=f"Two panels of intervals that widen as the bound grows, from {low:.4f} to {high:.4f}.",
        badge=checks.panel.badge,
        source=checks.source,
        summary=found.frame,
    )


def _draw_intervals(ax: Any, part: pd.DataFrame, label: str) -> None:
    from ..show.plots import INK, PALETTE

    ax.axhline(0, color=INK, linewidth=1)
    ax.vlines(part["bound"], part["conf_low"], part["conf_high"], color=PALETTE[0], linewidth=3)
    ax.set_xlabel(label)
    ax.margins(x=0.08)


def breakdown_sentence(checks: Checks) -> Sentence:
    """Say how large a violation the finding survives."""
    return checks.try_to_say(
        lambda: honest_did(checks.event_study, relative_magnitude=(0,), smoothness=(0,)).reading
    )


def weights_sentence(checks: Checks) -> Sentence:
    """Say how many effects the static two-way coefficient weighs negatively."""

    def write() -> str:
        weights = twfe_weights(checks.panel, checks.outcome)
        text = (
            f"The static two-way coefficient weighs {len(weights)} effects of a cohort in a year; "
            f"{weights.n_negative} of them get a negative weight"
        )
        total = weights.sum_negative
        return f"{text}, {total:.3f} in all." if weights.n_negative else f"{text}."

    return checks.try_to_say(write)


def leave_out_figure(checks: Checks) -> Exhibit:
    """Draw the headline without each cohort and without the clusters that move it most."""
    import pandas as pd

    from ..show.plots import forest

    cohorts = _without_each(checks, "cohort")
    clusters = _without_each(checks, "cluster").head(5)
    if cohorts.empty and clusters.empty:
        raise DesignError("one cohort and too few clusters: there is nothing to leave out.")
    everyone = checks.event_study.overall.to_frame(bands=False).iloc[[0]]
    frame = pd.concat(
        [
            everyone.assign(label="all counties", left_out="nothing"),
            cohorts.assign(label=[f"without cohort {c}" for c in cohorts["left_out"]]).assign(
                left_out="a cohort"
            ),
            clusters.assign(
                label=[f"without influential cluster {n + 1}" for n in range(len(clusters))],
                left_out="a cluster",
            ),
        ]
    ).dropna(subset=["estimate"])
    ax = forest(frame, unit=f"effect, {checks.unit}")
    low, high = frame["estimate"].min(), frame["estimate"].max()
    return figure(
        ax,
        caption=f"Effect on {outcome_label(checks.outcome)} without each cohort, and without each "
        "of the five clusters that move it most, with 95 % intervals.",
        alt=f"One row an estimate; they run from {low:.4f} to {high:.4f}.",
        badge=checks.panel.badge,
        source=checks.source,
    )


def _without_each(checks: Checks, by: Literal["cohort", "cluster"]) -> pd.DataFrame:
    import pandas as pd

    try:
        return leave_one_out(checks.event_study, checks.panel, by=by).frame
    except DesignError:
        return pd.DataFrame({"left_out": [], "estimate": [], "conf_low": [], "conf_high": []})


def placebo_table(checks: Checks) -> Exhibit:
    """Set the effects of reforms that had not happened yet."""
    from ..show.tables import table

    frame = placebo_dates(checks.cells, checks.panel).frame
    caption = (
        f"Effect on {outcome_label(checks.outcome)} as if the reform had come 1, 2 or 3 years "
        "earlier, on years before anybody could respond."
    )
    return table(
        frame.rename(columns={"note": "remark"}), caption=caption, badge=checks.panel.badge,
        source=checks.source, decimals=dict.fromkeys(frame.columns[1:4], 4), blank="",
    )  # fmt: skip


def detectable_sentence(checks: Checks) -> Sentence:
    """Say the smallest effect that the design would detect."""

    def write() -> str:
        found = minimum_detectable_effect(checks.event_study, checks.panel, n_draws=N_DRAWN).iloc[0]
        return (
            f"With these counties and years, an effect of {found['minimum_detectable_effect']:.4f} "
            f"{checks.unit} is detected with probability 0.8 at the 5 % level "
            f"({found['n_draws']} draws of other cohorts)."
        )

    return checks.try_to_say(write)
