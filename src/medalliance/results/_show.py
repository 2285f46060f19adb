"""How effects are shown: text, sentence, HTML, LaTeX, plot."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..show.exhibits import Content
from ._averages import Averages
from ._stack import split_by_outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HIDDEN_IF_BLANK = ("cohort", "year", "event_time", "band_low", "band_high", "n_units")


def number(value: float) -> str:
    """Write a number with three significant digits, never in exponents.

    >>> number(0.031415)
    '0.0314'
    >>> number(-1234.5)
    '-1,234'
    """
    if not np.isfinite(value):
        return "not available"
    if value == 0:
        return "0"
    digits = min(max(0, 2 - int(np.floor(np.log10(abs(value))))), 12)
    return f"{value:,.{digits}f}"


def shown_frame(effects: Averages, level: float = 0.95) -> pd.DataFrame:
    """Return the tidy frame without the columns that are blank and without the outcome."""
    frame = with_truth(effects, effects.to_frame(level))
    blank = [name for name in _HIDDEN_IF_BLANK if frame[name].isna().all()]
    same = ["outcome"] if (frame["outcome"] == frame["outcome"].iloc[0]).all() else []
    return frame.drop(columns=blank + same)


def with_truth(effects: Averages, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of effects with their provenance and, where it is known, the truth."""
    if effects.truth is not None:
        frame = frame.assign(truth=effects.truth)
    return effects.provenance.carried_by(frame)


def summary(effects: Averages, level: float) -> str:
    """Return the estimates as text with the foot."""
    design = effects.design
    unit = f" ({design.unit_of_measure})" if design.unit_of_measure else ""
    title = f"[{design.badge}] {design.estimator}: effect on {design.outcome}{unit}"
    frame = shown_frame(effects, level)
    body = frame.to_string(index=False, na_rep="", float_format=lambda value: f"{value:.4g}")
    return f"{title}\n{body}\n{100 * level:g} % intervals. {design.foot()}"


def describe(effects: Averages, level: float) -> str:
    """Return plain sentences with the numbers."""
    if len(set(effects.terms["outcome"])) > 1:
        return " ".join(describe(part, level) for part in split_by_outcome(effects))
    design = effects.design
    if effects.are_coefficients:
        return _describe_coefficients(effects, level)
    one = effects.overall
    event = effects.terms["event_time"].to_numpy(float, na_value=np.nan)
    value = number(float(one.estimate[0]))
    unit = f" ({design.unit_of_measure})" if design.unit_of_measure else ""
    text = f"The estimated effect on {design.outcome}{unit}{_span(effects, event)} is {value}"
    low, high = one.conf_int(level)[0]
    if np.isfinite(low):
        place = "contains zero" if low <= 0 <= high else "does not contain zero"
        ends = f"{number(float(low))} to {number(float(high))}"
        text += f" ({100 * level:g} % interval {ends}, which {place})"
    elif design.n_treated_clusters < 2:
        text += "; one treated cluster gives no standard error"
    text += f", by {design.estimator} with {design.n_clusters:,} clusters."
    return text + _describe_pre(effects, event, level)


def _describe_coefficients(effects: Averages, level: float) -> str:
    design = effects.design
    told = [
        f"{term} {number(float(value))} ({number(float(low))} to {number(float(high))})"
        for term, value, (low, high) in zip(
            effects.terms["term"], effects.estimate, effects.conf_int(level), strict=True
        )
    ]
    return (
        f"Coefficients on {design.outcome}, with {100 * level:g} % intervals: {'; '.join(told)}; "
        f"by {design.estimator} with {design.n_clusters:,} clusters."
    )


def _span(effects: Averages, event: np.ndarray) -> str:
    """Say what the overall effect averages."""
    if effects.mass is not None:
        return ", averaged over treated units and years,"
    if (event >= 0).sum() > 1:
        return f", averaged over event times {int(event[event >= 0].min())} to {int(event.max())},"
    if len(effects.estimate) > 1 and effects.terms["cohort"].notna().all():
        return ", averaged over cohorts by their size,"
    if len(effects.estimate) > 1 and effects.terms["year"].notna().all():
        return ", averaged over years,"
    return ""


def _describe_pre(effects: Averages, event: np.ndarray, level: float) -> str:
    pre = (event < -effects.design.anticipation) & np.isfinite(effects.std_error)
    if not pre.any():
        return ""
    ends = effects.conf_int(level)[pre]
    outside = int(((ends[:, 0] > 0) | (ends[:, 1] < 0)).sum())
    largest = effects.estimate[pre][np.abs(effects.estimate[pre]).argmax()]
    return (
        f" Before treatment, {outside} of {int(pre.sum())} estimates have an interval without "
        f"zero; the largest is {number(float(largest))}."
    )


def content(effects: Averages, kind: str | None, **drawing: Any) -> Content:
    """Return what ``show`` shows: several terms as a picture, one as a table."""
    as_table = kind == "table" or (kind is None and len(effects.estimate) == 1)
    return Content(
        effects.provenance,
        f"Effect on {effects.design.outcome}.",
        effects.design.foot(),
        "" if as_table else describe(effects, 0.95),
        frame=shown_frame(effects) if as_table else None,
        draw=None if as_table else lambda: plot(effects, None, **drawing),
    )


def latex(effects: Averages, level: float) -> str:
    """Return the estimates as a LaTeX table."""
    from ..show.tables import to_latex

    return to_latex(
        shown_frame(effects, level),
        caption=f"Effect on {escape(effects.design.outcome)}",
        foot=effects.design.foot(),
    )


def plot(effects: Averages, ax: Axes | None, **options: Any) -> Axes:
    """Draw cells by cohort and year, event times along time, anything else as a forest."""
    from ..show import plots

    frame = with_truth(effects, effects.to_frame())
    design = effects.design
    unit = f"effect, {design.unit_of_measure}" if design.unit_of_measure else "effect"
    if effects.mass is not None and len(set(frame["outcome"])) == 1:
        return plots.group_time(frame, unit=unit, ax=ax, **options)
    if frame["event_time"].notna().all():
        if len(set(frame["outcome"])) > 1:
            options.setdefault("by", "outcome")
        return plots.event_study(frame, unit=unit, ax=ax, **options)
    several = len(frame) > 1 and frame["outcome"].is_unique
    options.setdefault("label", "outcome" if several else "term")
    return plots.forest(frame, unit=unit, ax=ax, **options)
