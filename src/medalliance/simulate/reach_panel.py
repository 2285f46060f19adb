"""Panels on which a plain before-and-after comparison answers another question."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import check_choice
from ..panel import Panel

Array = NDArray[np.float64]
FIRST, COHORTS = 2012, (2016, 2018)
GAIN = {"small": 0.2, "large": 1.0}
CURVE = 2.0, -0.8  # what a dose and its square add


def reach_panel(
    threat: str, n_counties: int = 240, n_years: int = 10, seed: int = 0, *, shift: float = 0.5
) -> Panel:
    """Simulate counties with one threat that the estimators of reach are for.

    Ten counties make a prefecture, which reforms as a whole; four in ten never do.

    Parameters
    ----------
    threat : {"trait", "doses", "switches", "people"}
        ``"trait"``: large counties gain 1, small ones 0.2, and large ones, which reform more often,
        are on another trend. ``"doses"``: a dose d has the effect ``2 d - 0.8 d^2``.
        ``"switches"``: half of the reforming prefectures end the reform after two years, and a year
        under it adds 1. ``"people"``: surveys of new people each year (24 a county's prefecture),
        among whom those who gain more (``1 + x``) answer more often once the reform is there.
    n_counties, n_years, seed : int
        Years from 2012.
    shift : float
        By how much the mean of ``x`` of those asked moves.

    Returns
    -------
    Panel
        Badge SYNTHETIC, clustered by prefecture, with the outcome ``y`` and the true ``effect`` of
        each row.
    """
    check_choice("threat", threat, _MAKE)
    rng = np.random.default_rng([seed, list(_MAKE).index(threat)])
    prefecture = np.arange(n_counties) // 10
    n_prefectures = int(prefecture[-1]) + 1
    start = rng.permutation(np.resize([0, 0, *COHORTS, COHORTS[0]], n_prefectures))
    years = FIRST + np.arange(n_years)
    frame = _MAKE[threat](rng, prefecture, start, years, shift)
    frame["y"] = frame["y"] + frame["effect"]
    return Panel.from_frame(
        frame,
        unit="prefecture" if threat == "people" else "county",
        year="year",
        cohort="cohort",
        cluster="prefecture",
        badge="SYNTHETIC",
        source=f"invented counties with known effects ({threat})",
        repeated_cross_section=threat == "people",
    )


def _long(
    prefecture: NDArray[np.intp], years: NDArray[np.int64], **columns: NDArray
) -> pd.DataFrame:
    """Lay values by county, or by county and year, out in rows."""
    n, t = len(prefecture), len(years)
    wide = {"county": np.arange(1, n + 1), "prefecture": prefecture, **columns}
    frame = {
        name: np.repeat(values, t) if values.ndim == 1 else values.ravel()
        for name, values in wide.items()
    }
    return pd.DataFrame({**frame, "year": np.tile(years, n)})


def _noise(
    rng: np.random.Generator, prefecture: NDArray[np.intp], years: NDArray[np.int64]
) -> Array:
    """Levels of counties, a common trend, shocks of prefectures and of counties."""
    shape = len(prefecture), len(years)
    shock = 0.2 * rng.normal(size=(int(prefecture[-1]) + 1, shape[1]))
    level = rng.normal(size=(shape[0], 1)) + 0.1 * (years - FIRST)
    return np.asarray(level + shock[prefecture] + 0.5 * rng.normal(size=shape))


def _trait(
    rng: np.random.Generator, prefecture: NDArray, start: NDArray, years: NDArray, shift: float
) -> pd.DataFrame:
    cohort = start[prefecture]
    large = rng.random(len(cohort)) < np.where(cohort > 0, 0.65, 0.35)
    treated = (cohort > 0)[:, None] & (years >= cohort[:, None])
    y = _noise(rng, prefecture, years) + 0.15 * large[:, None] * (years - FIRST)
    gain = np.where(large, GAIN["large"], GAIN["small"])
    return _long(
        prefecture, years, cohort=cohort, size=np.where(large, "large", "small"),
        treated=treated * 1.0, treated_large=treated * large[:, None] * 1.0,
        effect=treated * gain[:, None], y=y,
    )  # fmt: skip


def _doses(
    rng: np.random.Generator, prefecture: NDArray, start: NDArray, years: NDArray, shift: float
) -> pd.DataFrame:
    cohort = start[prefecture]
    dose = np.where(cohort > 0, rng.uniform(0.1, 1.5, len(cohort)), 0.0)
    treated = (cohort > 0)[:, None] & (years >= cohort[:, None])
    effect = (CURVE[0] * dose + CURVE[1] * dose**2)[:, None] * treated
    return _long(
        prefecture, years, cohort=cohort, dose=dose, level=treated * dose[:, None], effect=effect,
        y=_noise(rng, prefecture, years),
    )  # fmt: skip


def _switches(
    rng: np.random.Generator, prefecture: NDArray, start: NDArray, years: NDArray, shift: float
) -> pd.DataFrame:
    ends = np.where(rng.random(len(start)) < 0.5, start + 2, years[-1] + 1)
    cohort, end = start[prefecture], ends[prefecture]
    level = (cohort > 0)[:, None] & (years >= cohort[:, None]) & (years < end[:, None])
    return _long(
        prefecture, years, cohort=cohort, level=level * 1.0, effect=level * 1.0,
        y=_noise(rng, prefecture, years),
    )  # fmt: skip


def _people(
    rng: np.random.Generator, prefecture: NDArray, start: NDArray, years: NDArray, shift: float
) -> pd.DataFrame:
    n_prefectures, t = len(start), len(years)
    cell = np.repeat(np.arange(n_prefectures * t), 24)
    where, year = cell // t, years[cell % t]
    treated = (start[where] > 0) & (year >= start[where])
    x = rng.normal(size=len(cell)) + shift * treated
    level = rng.normal(size=n_prefectures)[where] + 0.1 * (year - FIRST) + 0.8 * x
    return pd.DataFrame(
        {
            "prefecture": where, "year": year, "cohort": start[where], "x": x,
            "effect": treated * (1 + x), "y": level + rng.normal(size=len(cell)),
        }
    )  # fmt: skip


_MAKE: dict[str, Callable[..., pd.DataFrame]] = {
    "trait": _trait,
    "doses": _doses,
    "switches": _switches,
    "people": _people,
}
