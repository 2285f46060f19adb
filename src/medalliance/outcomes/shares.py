"""Visit shares of the insured residents, by place of care. Arrays have shape (n_obs,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def share(part: Array, whole: Array) -> Array:
    """Compute a share of 0-1; NaN where the whole is not positive."""
    return part / np.where(whole > 0, whole, np.nan)


def primary_care_visit_share(village: Array, township: Array, county: Array, out: Array) -> Array:
    """Compute the primary-care share of all visits of the insured residents."""
    return share(village + township, village + township + county + out)


def in_county_visit_share(village: Array, township: Array, county: Array, out: Array) -> Array:
    """Compute the share of the insured residents' visits that stay in the county."""
    return share(village + township + county, village + township + county + out)


def primary_share_of_county_visits(village: Array, township: Array, county: Array) -> Array:
    """Compute the primary-care share of the visits made in the county."""
    return share(village + township, village + township + county)


def in_county_admission_share(township: Array, county: Array, out: Array) -> Array:
    """Compute the share of the insured residents' admissions that stay in the county."""
    return share(township + county, township + county + out)


def chinese_medicine_visit_share(
    chinese: Array, village: Array, township: Array, county: Array
) -> Array:
    """Compute the share of the visits made in the county that are Chinese medicine."""
    return share(chinese, village + township + county)


def log_visits_per_insured(visits: Array, insured: Array) -> Array:
    """Compute the log of visits per insured person."""
    ratio = share(visits, insured)
    return np.log(np.where(ratio > 0, ratio, np.nan))


def growth(values: Array, unit_codes: NDArray[np.intp], years: NDArray[np.int64]) -> Array:
    """Compute growth on the year before, NaN where that year is not seen.

    Rows are sorted by unit, then year.
    """
    out = np.full(len(values), np.nan)
    follows = (np.diff(unit_codes) == 0) & (np.diff(years) == 1)
    before = np.where(values[:-1] > 0, values[:-1], np.nan)
    out[1:] = np.where(follows, values[1:] / before - 1, np.nan)
    return out
