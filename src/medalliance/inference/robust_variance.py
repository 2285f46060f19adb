"""Effects with another variance of their regression."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, DesignError, check_choice, first_three
from ..results import Effects
from ._fit import Fit, need_two_treated_clusters, read_fit
from .clustered import clustered_variance
from .conley import conley_variance
from .driscoll_kraay import driscoll_kraay_variance

Array = NDArray[np.float64]
Kind = Literal["crv1", "crv2", "crv3", "two_way", "driscoll_kraay", "conley"]
Kernel = Literal["uniform", "bartlett"]
KINDS = ("crv1", "crv2", "crv3", "two_way", "driscoll_kraay", "conley")


def robust_variance(
    effects: Effects,
    kind: Kind,
    *,
    lags: int | None = None,
    coordinates: pd.DataFrame | None = None,
    cutoff_km: float | None = None,
    kernel: Kernel = "bartlett",
    small_sample: bool = True,
) -> Effects:
    """Return regression effects with another variance.

    Parameters
    ----------
    effects : Effects
        Of a regression (``twfe``).
    kind : {"crv1", "crv2", "crv3", "two_way", "driscoll_kraay", "conley"}
        By the panel's clusters; by clusters and years; correlated across all units in nearby years;
        correlated in space. CRV2 and CRV3 estimate the year effects again without each cluster.
    lags : int, optional
        Years of correlation: Driscoll-Kraay (fixest's rule if not given), Conley within a unit (0).
    coordinates : DataFrame, index unit, two columns, optional
        Latitude, longitude in degrees, for ``"conley"``.
    cutoff_km : float, optional
        Distance without correlation, for ``"conley"``.
    kernel : {"uniform", "bartlett"}
    small_sample : bool
        fixest's factor (CRV1, CRV3, two-way, Driscoll-Kraay). It counts the effects that are not
        nested in a clustering: years for clusters, none for two ways, all without clusters.

    Returns
    -------
    Effects
        The same estimates with this variance alone; the convention is in its design. The influence
        functions are dropped, so there is no band. A two-way variance can be negative, for it
        subtracts what both clusterings share: then there is no standard error, and a note says so.

    Raises
    ------
    DesignError
        If there is no regression, one treated cluster, or an argument is missing.
    DataError
        If a unit has no coordinates.

    References
    ----------
    See ``inference.clustered``, ``inference.driscoll_kraay`` and ``inference.conley``.
    """
    check_choice("kind", kind, KINDS)
    need_two_treated_clusters(effects, "robust_variance")
    fit = read_fit(
        effects,
        need="robust_variance",
        instead="Use its own clustered influence functions, or wild_bootstrap.",
    )
    if kind == "driscoll_kraay":
        vcov, dof, words = _driscoll_kraay(fit, lags, small_sample)
    elif kind == "conley":
        place = _places(effects, coordinates)[fit.regression.unit_codes]
        vcov, dof, words = _conley(fit, place, cutoff_km, kernel, lags or 0)
    else:
        vcov, dof, words = _clustered(fit, kind, small_sample)
    shown = fit.select @ vcov @ fit.select.T if np.isfinite(vcov).all() else _blanks(fit, vcov)
    notes = effects.design.notes
    found = replace(effects, given_vcov=shown, influence_function=None, overall_effect=None)
    lost = found.terms["term"][fit.select.any(axis=1) & ~np.isfinite(found.std_error)]
    if kind == "two_way" and len(lost):
        notes = (
            *notes,
            f"The two-way variance of {first_three(lost)} is not positive, so there is no standard "
            "error; cluster by units, or use wild_bootstrap.",
        )
    design = replace(effects.design, std_errors=words, dof=dof, notes=notes)
    return replace(found, design=design)


def _blanks(fit: Fit, vcov: Array) -> Array:
    """Map a variance with unknown coefficients, keeping what is known."""
    known = np.where(np.isfinite(vcov), vcov, 0.0)
    shown = fit.select @ known @ fit.select.T
    lost = fit.select @ np.isnan(np.diag(vcov)) > 0
    shown[lost] = np.nan
    shown[:, lost] = np.nan
    return shown


def _clustered(fit: Fit, kind: str, small_sample: bool) -> tuple[Array, float, str]:
    clusters = fit.regression.cluster
    found = clustered_variance(
        fit.design,
        fit.residuals,
        [clusters, fit.regression.year_codes] if kind == "two_way" else clusters,
        kind="crv1" if kind == "two_way" else kind,  # type: ignore[arg-type]
        n_params=_count_params(fit, units=False, years=kind != "two_way"),
        nuisance=fit.year_columns() if kind in ("crv2", "crv3") else None,
        small_sample=small_sample,
    )
    shown = fit.select.any(axis=0)
    return found.vcov, float(found.dof[shown].min()), found.convention


def _count_params(fit: Fit, *, units: bool, years: bool) -> int:
    """Count slopes, the constant and the effects that no clustering contains, as fixest does."""
    regression = fit.regression
    n_years = len(np.unique(regression.year_codes))
    n_units = len(np.unique(regression.unit_codes))
    slopes_and_constant = regression.n_params - (n_years - 1)
    return slopes_and_constant + (n_years - 1) * years + (n_units - 1) * units


def _driscoll_kraay(fit: Fit, lags: int | None, small_sample: bool) -> tuple[Array, float, str]:
    years = fit.regression.year_codes
    vcov = driscoll_kraay_variance(
        fit.design,
        fit.residuals,
        years,
        lags=lags,
        n_params=_count_params(fit, units=True, years=True),
        small_sample=small_sample,
    )
    n_years = len(np.unique(years))
    shown = int(n_years**0.25) if lags is None else lags
    return vcov, n_years - 1.0, f"Driscoll-Kraay, {shown} lags, Bartlett"


def _conley(
    fit: Fit,
    place: Array,
    cutoff_km: float | None,
    kernel: Literal["uniform", "bartlett"],
    lags: int,
) -> tuple[Array, float, str]:
    if cutoff_km is None:
        raise DesignError("conley needs cutoff_km.\n  Pass the distance without correlation.")
    vcov = conley_variance(
        fit.design,
        fit.residuals,
        place,
        cutoff_km=cutoff_km,
        units=fit.regression.unit_codes,
        times=fit.regression.year_codes,
        kernel=kernel,
        time_lags=lags,
        n_params=_count_params(fit, units=True, years=True),
    )
    return vcov, np.inf, f"Conley, {cutoff_km:g} km, {kernel}, {lags} lags"


def _places(effects: Effects, coordinates: pd.DataFrame | None) -> Array:
    if coordinates is None or coordinates.shape[1] != 2 or effects.units is None:
        raise DesignError(
            "conley needs coordinates.\n  Pass a table of latitude, longitude, indexed by unit."
        )
    known = coordinates.reindex(effects.units.ids)
    lost = known.index[known.isna().any(axis=1)]
    if len(lost):
        raise DataError(
            f"coordinates are missing for {first_three(lost)}.\n  Give one place a unit."
        )
    return known.to_numpy(float)
