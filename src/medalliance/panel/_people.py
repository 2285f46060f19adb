"""Repeated cross-sections: people who are seen once, in areas that treatment reaches."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError, first_three
from ._checks import PanelWarning
from ._path import need_frame

PERSON = "person"


def from_people(make: Callable[..., Any], df: pd.DataFrame, area: str, **roles: Any) -> Any:
    """Make a panel in which each row is a unit of its own.

    Parameters
    ----------
    make : callable
        Makes a panel of a frame with columns by role.
    df : DataFrame
    area : str
        Column of the groups that treatment reaches.
    **roles
        As ``Panel.from_frame`` takes them.

    Raises
    ------
    DataError
        If an area is blank or has several cohorts, or the frame has a column ``"person"``.

    Warns
    -----
    PanelWarning
        If an area has no row in some year.
    """
    need_frame(df)
    if roles["cohort"] is None:
        raise DataError(
            "panel: a repeated cross-section needs the cohort of each area.\n"
            "  Pass cohort=, the year in which treatment reaches the area, 0 if never."
        )
    if PERSON in df.columns:
        raise DataError(
            f"panel: the table has a column {PERSON!r}, which numbers the rows here.\n"
            "  Rename or drop it."
        )
    if area not in df.columns:
        raise DataError(f"panel: no column {area!r}.\n  Name the column of areas as unit.")
    blank = np.flatnonzero(df[area].isna())
    if len(blank):
        raise DataError(
            f"panel: {area!r} is blank in {len(blank)} rows: {first_three(blank + 1)}.\n"
            "  Say where these people live, or drop them."
        )
    cluster = roles.pop("cluster") or area
    numbered = df.assign(**{PERSON: np.arange(1, len(df) + 1)})
    panel = replace(make(numbered, unit=PERSON, cluster=cluster, **roles), area=area)
    code, labels = pd.factorize(panel.frame[area])
    cohort = panel.frame[panel.cohort].to_numpy(np.int64)
    first = np.full(len(labels), 0, np.int64)
    first[code[::-1]] = cohort[::-1]
    mixed = np.unique(code[cohort != first[code]])
    if len(mixed):
        raise DataError(
            f"panel: people of one {area!r} have several cohorts: {first_three(labels[mixed])}.\n"
            "  Give each area the year in which treatment reaches it; name a finer area if "
            "treatment differs within."
        )
    seen = np.zeros((len(labels), len(panel.years)), bool)
    seen[code, panel.year_codes] = True
    lacking = np.flatnonzero(~seen.all(axis=1) & (seen.sum(axis=1) > 1))
    if len(lacking):
        warnings.warn(
            f"{len(lacking)} of {len(labels)} areas ({area}) have nobody in some "
            f"{panel.step.unit}: {first_three(labels[lacking])}. "
            "Estimators use the rows there are.",
            PanelWarning,
            stacklevel=4,
        )
    return panel
