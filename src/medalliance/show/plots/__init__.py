"""Pictures of plain tidy frames: one visual language, Axes in, Axes out."""

from ._cases import timeline, xy_plot
from ._estimates import event_study, forest, group_time, small_event_studies, widening
from ._look import (
    FONTS,
    INK,
    MARKERS,
    PALETTE,
    as_percent,
    legend,
    new_axes,
    small_multiples,
    style,
    styled,
    whole_years,
)
from ._series import bars, dumbbell, fit_paths, lines
from ._shapes import flow, heatmap, ternary, tiles

__all__ = [
    "FONTS",
    "INK",
    "MARKERS",
    "PALETTE",
    "as_percent",
    "bars",
    "dumbbell",
    "event_study",
    "fit_paths",
    "flow",
    "forest",
    "group_time",
    "heatmap",
    "legend",
    "lines",
    "new_axes",
    "small_event_studies",
    "small_multiples",
    "style",
    "styled",
    "ternary",
    "tiles",
    "timeline",
    "whole_years",
    "widening",
    "xy_plot",
]
