"""Conley variance of a linear fit: errors correlated in space and, if asked, in time."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from ..errors import DataError, DesignError
from ..results._cluster import check_finite, cluster_codes, small_sample_factor
from .clustered import nearest_semidefinite

Array = NDArray[np.float64]
EARTH_RADIUS_KM = 6371.0088


def conley_variance(
    design: Array,
    residuals: Array,
    coordinates: Array,
    *,
    cutoff_km: float,
    units: ArrayLike | None = None,
    times: ArrayLike | None = None,
    kernel: Literal["uniform", "bartlett"] = "bartlett",
    time_lags: int = 0,
    n_params: int | None = None,
) -> Array:
    """Compute the variance that allows correlation between units within a distance.

    Pairs in the same period weigh ``1`` (uniform) or ``1 - distance / cutoff`` (bartlett), the
    distance being the great circle's; pairs of periods of one unit weigh
    ``1 - lag / (time_lags + 1)``. The factor is ``(N - 1) / (N - K)``.

    Parameters
    ----------
    design : ndarray, shape (n_obs, k)
        Regressors after the within transformation.
    residuals : ndarray, shape (n_obs,)
    coordinates : ndarray, shape (n_obs, 2)
        Latitude, longitude of each observation in degrees, constant in a unit.
    cutoff_km : float
        Distance in kilometres from which the weight is zero.
    units, times : array_like, shape (n_obs,), optional
        Unit and period of each observation; without them the data are one cross-section.
    kernel : {"uniform", "bartlett"}
    time_lags : int
        Lags of the same unit with positive weight; 0 for none.
    n_params : int, optional
        ``K`` of the factor; columns of the design if not given.

    Returns
    -------
    ndarray, shape (k, k)
        Negative eigenvalues, which the uniform kernel can give, are raised to zero.

    Raises
    ------
    DataError
        If coordinates are out of range, of the wrong shape, or move within a unit.
    DesignError
        If the cutoff is not positive, or the kernel is not known.

    References
    ----------
    Conley (1999), eq. 3.13; Newey, West (1987).
    """
    if not cutoff_km > 0 or kernel not in ("uniform", "bartlett") or time_lags < 0:
        raise DesignError(
            f"cutoff_km={cutoff_km}, kernel={kernel!r}, time_lags={time_lags}.\n"
            '  Give a positive distance, "uniform" or "bartlett", and lags of 0 or more.'
        )
    n_obs, k = design.shape
    check_finite(design=design, residuals=residuals)
    unit = cluster_codes(units, n_obs, name="units")
    place = _unit_places(np.asarray(coordinates, float), unit)
    time = np.zeros(n_obs, int) if times is None else np.asarray(times).astype(int)
    period = np.unique(time, return_inverse=True)[1]
    bread = np.linalg.inv(design.T @ design)
    spread = np.zeros((len(place), period.max() + 1, k))
    np.add.at(spread, (unit, period), (design * residuals[:, None]) @ bread)
    near = _kernel_matrix(place, cutoff_km, kernel)
    flat = spread.reshape(len(place), -1)
    smoothed = (near @ flat).reshape(spread.shape)
    vcov = np.einsum("utk,utl->kl", spread, smoothed)
    if time_lags:
        years = np.unique(time)
        weight = np.maximum(0, 1 - np.abs(years[:, None] - years[None, :]) / (time_lags + 1))
        np.fill_diagonal(weight, 0)
        vcov += np.einsum("utk,ts,usl->kl", spread, weight, spread, optimize=True)
    K = k if n_params is None else n_params
    return nearest_semidefinite(vcov * small_sample_factor(n_obs, K, n_obs) * (n_obs - 1) / n_obs)


def _unit_places(coordinates: Array, unit: NDArray[np.intp]) -> Array:
    """Return latitude, longitude of each unit in radians, shape (n_units, 2)."""
    if coordinates.shape != (len(unit), 2):
        raise DataError(
            f"coordinates {coordinates.shape} for {len(unit)} observations.\n"
            "  Give latitude, longitude of each observation."
        )
    check_finite(coordinates=coordinates)
    place = np.empty((unit.max() + 1, 2))
    place[unit] = coordinates
    if (place[unit] != coordinates).any():
        raise DataError("coordinates move within a unit.\n  Give one place a unit.")
    if (np.abs(place[:, 0]) > 90).any() or (np.abs(place[:, 1]) > 180).any():
        raise DataError(
            "coordinates out of range.\n  Latitude is -90 to 90, longitude -180 to 180 degrees."
        )
    return np.radians(place)


def _kernel_matrix(place: Array, cutoff_km: float, kernel: str) -> sparse.csr_array:
    """Weight pairs of places by distance, shape (n_units, n_units), ones on the diagonal."""
    latitude, longitude = place.T
    sphere = np.column_stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ]
    )
    angle = min(cutoff_km / EARTH_RADIUS_KM, np.pi)
    pairs = cKDTree(sphere).query_pairs(2 * np.sin(angle / 2), output_type="ndarray")
    chord = np.linalg.norm(sphere[pairs[:, 0]] - sphere[pairs[:, 1]], axis=1)
    distance = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0, 1))
    weight = np.ones(len(pairs)) if kernel == "uniform" else 1 - distance / cutoff_km
    upper = sparse.csr_array((np.maximum(weight, 0), tuple(pairs.T)), shape=(len(place),) * 2)
    return sparse.csr_array(upper + upper.T + sparse.eye_array(len(place)))
