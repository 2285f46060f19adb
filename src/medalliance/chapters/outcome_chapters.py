"""What the outcome chapters share: registered event studies with the truth where it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DesignError, what_is_wrong
from ..estimators.att_gt import att_gt
from ..estimators.did_imputation import did_imputation
from ..outcomes import outcome_label, outcome_values
from ..panel import NEVER_TREATED, Panel, Truth
from ..registered.estimates import first_years, headline, last_horizon, stated
from ..results import Effects
from ..show.exhibits import Exhibit, Sentence, figure, rounded, sentence

if TYPE_CHECKING:
    import pandas as pd

ANTICIPATION = 1


@dataclass(frozen=True, eq=False)
class Study:
    """Registered event studies of some outcomes on one panel.

    Attributes
    ----------
    panel : Panel
    horizon : int
        Last year since the reform that every cohort is seen; headlines average 0 to it.
    effects : dict of str to Effects
        Group-time effects, base two years before the reform, by outcome.
    refused : dict of str to str
        Outcomes that the panel cannot give, with the reason.
    truth : Truth or None
        True effects where the panel is simulated.
    origin : str
        Where the panel comes from; the teaching panel or the reader's file if blank.
    """

    panel: Panel
    horizon: int
    effects: dict[str, Effects]
    refused: dict[str, str]
    truth: Truth | None
    origin: str = ""

    @property
    def source(self) -> str:
        """Where the numbers come from."""
        if self.origin:
            return self.origin
        return self.panel.source

    def of(self, outcome: str) -> Effects:
        """Return the effects on an outcome.

        Raises
        ------
        DesignError
            If the panel cannot give them, in the words of the refusal.
        """
        if outcome not in self.effects:
            raise DesignError(self.refused.get(outcome, f"{outcome} was not estimated."))
        return self.effects[outcome]

    def shown(self, names: Sequence[str]) -> list[str]:
        """Return those of the named outcomes that were estimated.

        Raises
        ------
        DesignError
            If none was, with the reasons.
        """
        found = [name for name in names if name in self.effects]
        if not found:
            first = next(self.refused[name] for name in names)
            more = f" The other {len(names) - 1} are refused too." if len(names) > 1 else ""
            raise DesignError(f"{first}{more}")
        return found

    def true_by_event(self, outcome: str) -> pd.Series | None:
        """Return the true effect by years since the reform, None where nobody knows it."""
        if self.truth is None:
            return None
        if not self.truth.knows(outcome):
            return None
        return self.truth.by_event(outcome, horizon=self.horizon)


def study(
    panel: Panel,
    outcomes: Sequence[str],
    *,
    origin: str = "",
) -> Study:
    """Estimate the registered specification for each outcome.

    Parameters
    ----------
    panel : Panel
    outcomes : sequence of str
    origin : str
        Where the panel comes from, in words; its own source if blank.

    Raises
    ------
    DesignError
        If the panel gives none of the outcomes, or nobody is treated inside it.
    """
    effects: dict[str, Effects] = {}
    refused: dict[str, str] = {}
    for name in outcomes:
        try:
            effects[name] = registered(panel, name)
        except DesignError as error:
            refused[name] = what_is_wrong(error)
    if not effects:
        reasons = dict.fromkeys(refused.values())
        raise DesignError("\n  ".join(["the panel gives none of these outcomes.", *reasons]))
    return Study(panel, last_horizon(panel, ANTICIPATION), effects, refused, panel.truth, origin)


def registered(panel: Panel, outcome: str) -> Effects:
    """Estimate group-time effects with a clean year left between base and reform."""
    return stated(att_gt(panel, outcome, anticipation=ANTICIPATION, base_period="universal"))


def event_figure(
    found: Study,
    names: Sequence[str],
    *,
    caption: str,
    unit: str,
    titles: Mapping[str, str] | None = None,
) -> Exhibit:
    """Draw one event study an outcome, crosses marking true effects where they are known."""
    import matplotlib.pyplot as plt
    import pandas as pd

    from ..show.plots import INK, event_study, style

    shown = found.shown(names)
    rows = -(-len(shown) // 2)
    frames, known = [], False
    with style():
        size = (6.4, 2.2 * rows + 0.5) if len(shown) > 1 else (6.4, 3.6)
        fig, axes = plt.subplots(
            rows, min(2, len(shown)), figsize=size, sharex=True, sharey=True,
            constrained_layout=True, squeeze=False,
        )  # fmt: skip
        for ax, name in zip(axes.ravel(), shown, strict=False):
            frame = window(found, name)
            frames.append(frame.assign(outcome=_title(name, titles)))
            event_study(frame, ax=ax)
            if ax.get_legend():
                ax.get_legend().remove()
            ax.set_title(_title(name, titles), loc="left", fontsize=10)
            ax.set_xlabel("")
            truth = found.true_by_event(name)
            if truth is not None:
                known = True
                ax.plot(truth.index, truth, "x", color=INK, markersize=7, zorder=4)
        for ax in axes.ravel()[len(shown) :]:
            ax.set_visible(False)
            if rows > 1:
                axes[-2, -1].tick_params(labelbottom=True)
        fig.supxlabel("years since the reform", fontsize=11)
        fig.supylabel(unit, fontsize=11)
    every = pd.concat(frames)
    words = " Bars: 95 % intervals; shade: the simultaneous band."
    if not (every["std_error"] > 0).any():
        words = f" {NO_INTERVAL[0].upper()}{NO_INTERVAL[1:]}."
    words += " Crosses: the true effects." if known else ""
    wide = every.pivot_table(index="event_time", columns="outcome", values="estimate", sort=False)
    last = "; ".join(
        f"{_title(name, titles)}: {headline(found.effects[name], found.horizon)[0]:+.3f}"
        for name in shown
    )
    return figure(
        list(axes.ravel()[: len(shown)]),
        caption=caption + words,
        alt=f"Event studies with intervals by years since the reform. Mean of "
        f"{first_years(found.horizon)}: {last}.",
        badge=found.panel.badge,
        source=found.source,
        summary=rounded(wide.sort_index().reset_index(), 3),
    )


def window(found: Study, name: str) -> pd.DataFrame:
    """Return effects by event time, five years before to the horizon."""
    frame = found.of(name).aggregate("event_time").to_frame()
    return frame[frame["event_time"].between(-5, max(found.horizon, 3))]


def headline_row(found: Study, name: str) -> dict[str, Any]:
    """Return the headline of one outcome, its interval, its p-value, the truth."""
    from scipy import stats

    effects = found.of(name)
    estimate, error, dof = headline(effects, found.horizon)
    half = error * stats.t.ppf(0.975, dof)
    row: dict[str, Any] = {
        "estimate": estimate,
        "std_error": error,
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "p_value": 2 * stats.t.sf(abs(estimate / error), dof),
    }
    if found.truth is not None:
        truth = found.true_by_event(name)
        row["truth"] = np.nan if truth is None else float(truth.mean())
    return row


def headline_table(
    found: Study,
    names: Sequence[str],
    *,
    caption: str,
    titles: Mapping[str, str] | None = None,
) -> Exhibit:
    """Set the headlines of outcomes as a table."""
    import pandas as pd

    from ..show.tables import table

    rows = [
        {"outcome": _title(name, titles), **headline_row(found, name)}
        for name in found.shown(names)
    ]
    refused = "".join(
        f" Not available: {_title(k, titles)} ({v})" for k, v in found.refused.items()
    )
    first = next(iter(found.effects.values()))
    return table(
        pd.DataFrame(rows),
        caption=f"{caption} Mean of {first_years(found.horizon)}.{refused}",
        badge=found.panel.badge,
        source=f"{found.source}. {first.design.foot()}",
        decimals=4,
        labels={"std_error": "standard error", "conf_low": "95 % from", "conf_high": "to",
                "p_value": "p", "truth": "true effect"},
        blank="",
    )  # fmt: skip


def robustness_table(found: Study, name: str) -> Exhibit:
    """Set one headline under other reference years, controls, weights and estimators."""
    import pandas as pd

    from ..show.tables import table

    found.of(name)
    panel = found.panel
    heavy = with_person_weights(panel)
    recipes: dict[str, Any] = {
        "registered: group-time, one year left out": lambda: registered(panel, name),
        "no year left out": lambda: att_gt(panel, name),
        "two years left out": lambda: att_gt(panel, name, anticipation=2),
        "never-treated controls": lambda: att_gt(
            panel, name, anticipation=1, control_group="never_treated"
        ),
        "counties weighted by residents insured before": lambda: att_gt(
            heavy, name, anticipation=1, weights="insured_before"
        ),
        "imputation": lambda: did_imputation(panel, name, anticipation=1),
        "without 2020 to 2022": lambda: registered(
            panel.keep(~panel.frame[panel.year].isin([2020, 2021, 2022])), name
        ),
        "outliers pulled in to the 1st and 99th percentile of the year": lambda: registered(
            winsorised(panel, name), f"{name}_winsorised"
        ),
    }
    rows = []
    for label, recipe in recipes.items():
        row: dict[str, Any] = {"specification": label}
        try:
            effects = stated(recipe())
            row["estimate"], row["std_error"], _ = headline(effects, found.horizon)
        except (DesignError, KeyError) as error:
            row["remark"] = what_is_wrong(error)
        rows.append(row)
    frame = pd.DataFrame(rows)
    return table(
        frame,
        caption=f"The headline for {outcome_label(name)} under other choices. Without some years "
        "the mean is over other effects too.",
        badge=panel.badge,
        source=found.source,
        decimals=4,
        labels={"std_error": "standard error"},
        blank="",
    )


def with_person_weights(panel: Panel) -> Panel:
    """Add the mean number of insured before the first cohort, fixed within a county."""
    if "insured_n" not in panel.frame.columns:
        return panel
    treated = panel.cohort_by_unit[panel.cohort_by_unit != NEVER_TREATED]
    first = treated.min() if len(treated) else panel.years[-1]
    early = panel.years < max(first, panel.years[0] + 1)
    people = np.nanmean(panel.grid(panel.frame["insured_n"])[:, early], axis=1)
    return panel.with_columns(insured_before=people[panel.unit_codes])


def winsorised(panel: Panel, name: str) -> Panel:
    """Add an outcome pulled in to its 1st and 99th percentile within each year."""
    import pandas as pd

    values = pd.Series(outcome_values(panel, name))
    by_year = values.groupby(panel.frame[panel.year].to_numpy())
    low, high = by_year.transform("quantile", 0.01), by_year.transform("quantile", 0.99)
    return panel.with_columns(**{f"{name}_winsorised": values.clip(low, high).to_numpy()})


def describe(found: Study, name: str) -> Sentence:
    """Say one headline in a sentence made from its numbers."""
    row = headline_row(found, name)
    unit = found.of(name).design.unit_of_measure or "units of the outcome"
    text = (
        f"{outcome_label(name)}: {row['estimate']:+.4f} ({unit}), {_interval(row)}, mean of "
        f"{first_years(found.horizon)}."
    )
    if "truth" not in row or not np.isfinite(row["truth"]):
        text += " The true effect is not available."
    else:
        inside = row["conf_low"] <= row["truth"] <= row["conf_high"]
        text += (
            f" The true effect is {row['truth']:+.4f}; the interval "
            f"{'holds' if inside else 'does not hold'} it."
        )
    return sentence(text, badge=found.panel.badge, source=found.source)


NO_INTERVAL = "no interval, because too few treated clusters show how their shocks vary"


def _interval(row: Mapping[str, Any]) -> str:
    if not np.isfinite(row["std_error"]):
        return NO_INTERVAL
    return f"95 % interval {row['conf_low']:+.4f} to {row['conf_high']:+.4f}"


def _title(name: str, titles: Mapping[str, str] | None) -> str:
    return (titles or {}).get(name) or outcome_label(name)
