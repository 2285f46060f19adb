"""Dynamic panel models by generalised method of moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError
from ..outcomes import outcome_values
from ..panel import Panel, common_step, many, need_panel
from ..results import Design, Effects, findings_of, terms_frame
from ..results.few_clusters import MANY_CLUSTERS
from ._collinear import absorbed, drop_collinear
from ._dynamic import (
    GmmFit,
    Moments,
    gmm,
    serial_correlation,
    stack,
    told_apart,
    well_conditioned,
)
from ._sample import blank_phrases, count_blank, gap_notes, usable_rows


def dynamic_panel(
    panel: Panel,
    outcome: str,
    *,
    exogenous: Sequence[str] = (),
    predetermined: Sequence[str] = (),
    system: bool = False,
    steps: int = 2,
    max_lag: int | None = None,
    collapse: bool = False,
) -> Effects:
    """Estimate how strongly an outcome persists.

    The outcome depends on its own lag, on covariates and on year effects; unit effects are taken
    out by differencing (Arellano-Bond), and with ``system`` level equations are added
    (Blundell-Bond). An appendix tool: it answers how long a surplus lasts, not what a reform did.

    Parameters
    ----------
    panel : Panel
        Its cluster and its weight are used. A lag is one step of its time; on a panel of every
        second year, two years.
    outcome : str
        A registered outcome or a numeric column.
    exogenous, predetermined : sequence of str
        Covariates unrelated to all errors, and covariates related to past errors only.
    system : bool
        Whether to add level equations; needs starting values that are stationary.
    steps : int
        1, or 2 with Windmeijer-corrected standard errors.
    max_lag : int, optional
        Longest lag used as an instrument; all by default.
    collapse : bool
        One instrument a lag instead of one a lag and year, against too many instruments.

    Returns
    -------
    Effects
        Terms ``lag 1`` and each covariate; copies, constants and what unit and year effects
        determine are dropped by name in the foot. ``.tests["moments"]`` holds the Hansen, Sargan
        and serial-correlation tests. Carries no influence functions.

    Raises
    ------
    DesignError
        Fewer than three years in a row, moments that do not identify the coefficients, or
        ``steps`` not 1 or 2.

    References
    ----------
    Arellano and Bond (1991); Blundell and Bond (1998); Windmeijer (2005); Roodman (2009).
    """
    _check_request(panel, steps, max_lag)
    exogenous, predetermined = _names(exogenous), _names(predetermined)
    listed = (outcome, *exogenous, *predetermined)
    columns = [outcome_values(panel, name) for name in listed]
    usable = usable_rows(columns)
    used = np.stack([column[usable] for column in columns])
    kept, dropped = drop_collinear(listed[1:], used[1:]) if usable.any() else ([], ())

    def stacked_by(kept: list[int]) -> Moments:
        grids = [_every_step(panel, columns[j], usable) for j in (0, *(k + 1 for k in kept))]
        n = 1 + sum(k < len(exogenous) for k in kept)
        return stack(
            grids[0], grids[1:n], grids[n:], system=system, max_lag=max_lag, collapse=collapse
        )

    stacked = stacked_by(kept)
    if kept and stacked.seen.any():
        stays = told_apart(stacked, len(kept))
        names = [listed[k + 1] for k in kept]
        dropped += absorbed(names, stays, "unit and year effects and other columns")
        if not stays.all():
            kept = [k for k, stay in zip(kept, stays, strict=True) if stay]
            stacked = stacked_by(kept)
    if panel.cluster is not None:
        stacked = replace(stacked, cluster=panel.cluster_by_unit)
    _check_moments(stacked, listed)
    if panel.weight is not None:
        stacked = stacked.weighted(panel.weight_by_unit)
    n_instruments = stacked.z.shape[-1]
    moments = well_conditioned(stacked)
    fit = gmm(moments, steps)
    covariates = tuple(listed[k + 1] for k in kept)
    names = ["lag 1", *covariates]
    n_units = int(moments.seen.any(axis=1).sum())
    design = Design(
        outcome=outcome,
        estimator=f"dynamic_panel ({'system' if system else 'difference'}, {steps}-step)",
        n_units=n_units,
        n_obs=int(moments.seen[:, : moments.n_differenced].sum()),
        n_clusters=moments.n_clusters,
        clusters=panel.cluster or panel.unit,
        std_errors=f"robust by {panel.cluster or 'unit'}"
        + (", Windmeijer-corrected" if steps == 2 else ""),
        provenance=panel.provenance,
        covariates=covariates,
        weights=panel.weight,
        data_hash=panel.data_hash,
        step=panel.step,
        left_out=(*_left_out(panel, usable, moments, listed), *dropped),
        notes=(
            *_notes(n_instruments, n_units, moments.n_clusters),
            *gap_notes(panel.cohort_by_unit, panel.years[_seen_years(panel, usable)], panel.step),
        ),
    )
    tests = findings_of(design, _tests(moments, fit, n_instruments), "Tests of the moments")
    return Effects(
        estimate=fit.coefficient[: len(names)],
        terms=terms_frame(outcome, names),
        design=design,
        given_vcov=fit.vcov[: len(names), : len(names)],
        tests={"moments": tests},
    )


def _check_request(panel: Panel, steps: int, max_lag: int | None) -> None:
    if steps not in (1, 2):
        raise DesignError(f"steps={steps}.\n  Use 1 or 2.")
    need_panel(panel)
    if max_lag is not None and max_lag < 1:
        raise DesignError(f"max_lag={max_lag}.\n  Give 1 or more, or None for every lag.")
    if len(panel.years) < 3:
        raise DesignError(
            f"{len(panel.years)} distinct years: a differenced equation needs three in a row.\n"
            "  Take a longer panel."
        )


def _check_moments(moments: Moments, columns: Sequence[str]) -> None:
    if not moments.seen.any():
        raise DesignError(
            f"no unit has {', '.join(columns)} in three years in a row.\n"
            "  Look for years that are missing."
        )
    n_instruments, n_coefficients = moments.z.shape[-1], moments.x.shape[-1]
    if n_instruments < n_coefficients:
        raise DesignError(
            f"{n_instruments} instruments for {n_coefficients} coefficients.\n"
            "  Allow longer lags (max_lag), or add years."
        )


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else tuple(columns)


def _seen_years(panel: Panel, usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.bincount(panel.year_codes[usable], minlength=len(panel.years)) > 0


def _every_step(
    panel: Panel, column: NDArray[np.float64], usable: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Lay a column out by unit and every step from first to last, so that a lag is one step.

    A step is one year, or what all years are apart that anybody is seen in.
    """
    seen = _seen_years(panel, usable)
    years = panel.years[seen]
    if not len(years):
        return np.full((panel.n_units, 3), np.nan)
    place = (years - years[0]) // common_step(years)
    grid = np.full((panel.n_units, int(place[-1]) + 1), np.nan)
    grid[:, place] = panel.grid(np.where(usable, column, np.nan))[:, seen]
    return grid


def _left_out(
    panel: Panel, usable: NDArray[np.bool_], moments: Moments, names: Sequence[str]
) -> tuple[str, ...]:
    """Count blank rows, and units that are not seen long enough."""
    blank = count_blank(panel, usable)
    short = panel.n_units - blank[1] - int(moments.seen.any(axis=1).sum())
    said = (f"{many(short, 'unit')} without three {panel.step.unit}s in a row",) if short else ()
    return (*blank_phrases(names, *blank), *said)


def _notes(n_instruments: int, n_units: int, n_clusters: int) -> tuple[str, ...]:
    note = f"{n_instruments} instruments for {n_units} units."
    what = "units" if n_clusters == n_units else "clusters"
    if n_instruments > n_clusters:
        note += f" More instruments than {what}: the Hansen test has no force; use collapse=True."
    if n_clusters < min(n_units, n_instruments):
        note += f" With {many(n_clusters, 'cluster')} the second step's weights count units."
    if n_clusters < MANY_CLUSTERS:
        note += f" With {n_clusters} {what} none of these intervals is known to keep its size."
    return (note,)


def _tests(moments: Moments, fit: GmmFit, n_instruments: int) -> pd.DataFrame:
    rows = [
        ("Hansen", fit.hansen, float(fit.hansen_dof), _chi2(fit.hansen, fit.hansen_dof)),
        ("Sargan", fit.sargan, float(fit.hansen_dof), _chi2(fit.sargan, fit.hansen_dof)),
    ]
    for order in (1, 2):
        statistic, p_value = serial_correlation(moments, fit, order)
        rows.append((f"serial correlation, order {order}", statistic, np.nan, p_value))
    rows.append(("instruments", float(n_instruments), np.nan, np.nan))
    return pd.DataFrame(rows, columns=["test", "statistic", "dof", "p_value"])


def _chi2(statistic: float, dof: int) -> float:
    return float(stats.chi2.sf(statistic, dof)) if dof > 0 else float("nan")
