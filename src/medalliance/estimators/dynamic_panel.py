"""Dynamic panel models by generalised method of moments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError
from ..outcomes import outcome_values
from ..panel import Panel, need_panel
from ..results import Design, Effects, findings_of, terms_frame
from ..results.few_clusters import MANY_CLUSTERS
from ._dynamic import GmmFit, Moments, gmm, serial_correlation, stack, well_conditioned


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
        Terms ``lag 1`` and each covariate. ``.tests["moments"]`` holds the Hansen, Sargan and
        serial-correlation tests. Carries no influence functions.

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
    stacked = stack(
        _every_year(panel, outcome),
        [_every_year(panel, name) for name in exogenous],
        [_every_year(panel, name) for name in predetermined],
        system=system,
        max_lag=max_lag,
        collapse=collapse,
    )
    _check_moments(stacked, (outcome, *exogenous, *predetermined))
    n_instruments = stacked.z.shape[-1]
    moments = well_conditioned(stacked)
    fit = gmm(moments, steps)
    names = ["lag 1", *exogenous, *predetermined]
    n_units = int(moments.seen.any(axis=1).sum())
    design = Design(
        outcome=outcome,
        estimator=f"dynamic_panel ({'system' if system else 'difference'}, {steps}-step)",
        n_units=n_units,
        n_obs=int(moments.seen[:, : moments.n_differenced].sum()),
        n_clusters=n_units,
        clusters=panel.unit,
        std_errors="robust by unit" + (", Windmeijer-corrected" if steps == 2 else ""),
        provenance=panel.provenance,
        covariates=(*exogenous, *predetermined),
        data_hash=panel.data_hash,
        notes=_notes(n_instruments, n_units),
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


def _every_year(panel: Panel, name: str) -> NDArray[np.float64]:
    """Lay a column out by unit and every year from first to last, so that a lag is one year."""
    place = panel.years - panel.years[0]
    grid = np.full((panel.n_units, int(place[-1]) + 1), np.nan)
    grid[:, place] = panel.grid(outcome_values(panel, name))
    return grid


def _notes(n_instruments: int, n_units: int) -> tuple[str, ...]:
    note = f"{n_instruments} instruments for {n_units} units."
    if n_instruments > n_units:
        note += " More instruments than units: the Hansen test has no force; use collapse=True."
    if n_units < MANY_CLUSTERS:
        note += f" With {n_units} units none of these intervals is known to keep its size."
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
