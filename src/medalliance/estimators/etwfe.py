"""Extended two-way fixed effects: a saturated design under a quasi-likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three
from ..outcomes import outcome_values
from ..outcomes.composition import composition_values
from ..panel import Panel
from ..results import FIXEST, Effects, cell_terms
from ..results._cluster import small_sample_factor
from ._balance import settle_balance
from ._families import Family, Gaussian, Poisson
from ._sample import Sample, describe_design, draw_sample, keep_usable, people_notes
from ._saturated import SaturatedFit, fit_saturated
from ._saturated_cells import make_cells
from ._saturated_units import fit_with_unit_effects
from ._share_families import Logit, Multinomial, Probit

FAMILIES: dict[str, Family] = {
    "gaussian": Gaussian(),
    "poisson": Poisson(),
    "logit": Logit(),
    "probit": Probit(),
    "multinomial": Multinomial(),
}


def etwfe(
    panel: Panel,
    outcome: str | Sequence[str],
    *,
    family: str = "gaussian",
    covariates: Sequence[str] = (),
    control_group: str = "not_yet_treated",
    anticipation: int = 0,
    weights: str | None = None,
    unbalanced: str = "rows",
    fixed_effects: str = "cohort",
    exposure: str | None = None,
) -> Effects:
    """Estimate cohort-by-year effects from one saturated regression.

    The mean without treatment is a link of cohort effects, year effects and covariates, each with
    slopes by cohort and by year. Parallel trends are assumed for that index: in levels for
    ``"gaussian"``, in logs for ``"poisson"``, in log-odds for ``"logit"`` (shares, ends included),
    in log-ratios of the parts for ``"multinomial"``. Effects are on the mean itself.

    Parameters
    ----------
    panel : Panel
        Of units, or a repeated cross-section (clustered by area).
    outcome : str or sequence of str
        Column or registered outcome; for ``"multinomial"`` a composition (``"visits"``) or the
        columns of its parts.
    family : {"gaussian", "poisson", "logit", "probit", "multinomial"}
    covariates : sequence of str
        Columns; they may vary over years, but must not respond to treatment.
    control_group : {"not_yet_treated", "never_treated"}
        With ``"never_treated"`` the years before treatment have effects too, except the last.
    anticipation : int
        Years before the cohort that may already respond; they have effects of their own.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.
    unbalanced : {"rows", "balance"}
        Whether all rows are used, or those of units seen in every year.
    fixed_effects : {"cohort", "unit"}
        ``"unit"`` puts an effect of each unit in place of each cohort's, as Stata's ``jwdid`` does
        without ``group``; least squares without covariates only. The same estimates on a balanced
        panel; on others it compares within units.
    exposure : str, optional
        For ``"poisson"``: positive column that counts are taken out of (person-years, visits); its
        logarithm is the offset. Effects are on counts, exposure held fixed.

    Returns
    -------
    Effects
        One term a cohort and year, for a composition in blocks by part; the effects of the parts
        sum to 0. Standard errors are clustered with fixest's small-sample
        factor; covariates are held fixed in averages.

    Raises
    ------
    DesignError
        If the family, the control group or the outcome does not fit, the fit does not exist or
        converge, or no untreated observation reaches any effect.

    References
    ----------
    Wooldridge (2025), Empirical Economics, section 5, for least squares; Wooldridge (2023),
    Econometrics Journal, equations 3.1-3.5, for the other families.
    """
    check_choice("family", family, FAMILIES)
    rule: dict[str, Any] = {"control_group": control_group, "anticipation": anticipation}
    adjust: dict[str, Any] = {"covariates": covariates, "weights": weights}
    choices: dict[str, Any] = {
        "unbalanced": unbalanced,
        "fixed_effects": fixed_effects,
        "exposure": exposure,
    }
    listed = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    _check_choices(family, listed, fixed_effects, exposure)
    names, panel = _parts(panel, outcome, family)
    blank: dict[str, Any] = {}
    if exposure is not None:
        panel, blank = keep_usable(panel, (names[0], *listed, exposure))
    sample = draw_sample(panel, names[0], anticipation=anticipation, people=True, **adjust)
    sample = replace(sample, **blank) if blank else sample
    sample, said = settle_balance(sample, unbalanced)
    exposed = None if exposure is None else _exposure(panel, sample, exposure)
    cells = make_cells(sample, **rule)
    if fixed_effects == "unit" and panel.area is not None:
        raise DesignError(
            "people are seen once, so they have no effects of their own.\n"
            "  Use fixed_effects='cohort'."
        )
    if fixed_effects == "unit":
        fit = fit_with_unit_effects(sample, cells)
    else:
        outcomes = _outcomes(panel, sample, names)
        fit = fit_saturated(sample, outcomes, cells, FAMILIES[family], exposed)
    design = describe_design(
        panel,
        sample,
        ", ".join(names),
        f"etwfe ({family}{', unit effects' if fixed_effects == 'unit' else ''})",
        base_period="universal" if control_group == "never_treated" else None,
        std_errors=FIXEST,
        notes=(
            *refusal_notes(fit),
            *((f"Exposure {exposure}.",) if exposure else ()),
            *said.get("notes", ()),
            *people_notes(panel, sample),
        ),
        left_out=said.get("left_out", ()),
        linear=FAMILIES[family].linear,
        **adjust,
        **rule,
    )
    k, r = len(fit.cohort), len(names)
    by_part = np.arange(k * r).reshape(k, r).T.ravel()
    cohort, year = np.tile(fit.cohort, r), np.tile(fit.year, r)
    return Effects(
        estimate=fit.estimate.ravel()[by_part],
        terms=cell_terms(
            [name for name in names for _ in range(k)],
            cohort,
            year,
            sample.step,
            n_units=np.tile(fit.n_units, r),
        ),
        design=replace(design, dof=design.n_clusters - 1.0, n_obs=fit.n_obs),
        units=sample.units(by_observation=True),
        influence_function=fit.influence.take(by_part) if r > 1 else fit.influence,
        variance_factor=small_sample_factor(fit.n_obs, fit.n_params, design.n_clusters),
        mass=np.tile(fit.mass, r),
        mass_estimated=False,
        refit=partial(etwfe, outcome=outcome, family=family, **adjust, **rule, **choices),
    )


def _check_choices(
    family: str, covariates: Sequence[str], fixed_effects: str, exposure: str | None
) -> None:
    check_choice("fixed_effects", fixed_effects, ("cohort", "unit"))
    if fixed_effects == "unit" and (family != "gaussian" or covariates):
        raise DesignError(
            "effects of units are taken out by least squares without covariates only.\n"
            "  Use fixed_effects='cohort', or did_imputation, which takes both."
        )
    if exposure is not None and family != "poisson":
        raise DesignError(
            f"exposure={exposure!r} goes with family='poisson', not {family!r}.\n"
            "  Divide the outcome by it, or leave it out."
        )


def _exposure(panel: Panel, sample: Sample, name: str) -> NDArray[np.float64]:
    """Lay exposure out like the sample, shape (n_units, n_years)."""
    grid = np.where(sample.mask, _laid_out(panel, sample, name), 1.0)
    unit, year = sample.rows
    low = np.flatnonzero(grid[sample.mask] <= 0)
    if len(low):
        where = [
            f"{sample.ids[unit[row]]} in {sample.step.label(sample.years[year[row]])}"
            for row in low
        ]
        raise DesignError(
            f"exposure {name!r} is not positive for {first_three(where)}.\n"
            "  Leave these rows blank, or correct them."
        )
    return grid


def _parts(
    panel: Panel, outcome: str | Sequence[str], family: str
) -> tuple[tuple[str, ...], Panel]:
    """Name the outcomes; a composition is closed first."""
    if family == "multinomial":
        shares, names = composition_values(panel, outcome)
        return names, panel.with_columns(**dict(zip(names, shares.T, strict=True)))
    if not isinstance(outcome, Sequence):
        outcome_values(panel, outcome)
    if not isinstance(outcome, str):
        raise DesignError(
            f"{len(outcome)} outcomes for family {family!r}.\n"
            "  Name one, or use family='multinomial' for the parts of a composition."
        )
    return (outcome,), panel


def _outcomes(panel: Panel, sample: Sample, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Lay the outcomes out like the sample, shape (n_units, n_years, r)."""
    if len(names) == 1:
        return sample.outcome[:, :, None]
    grids = [_laid_out(panel, sample, name) for name in names]
    return np.where(sample.mask[:, :, None], np.stack(grids, axis=-1), 0.0)


def _laid_out(panel: Panel, sample: Sample, name: str) -> NDArray[np.float64]:
    """Lay a column out like the sample, NaN where a unit is not seen."""
    rows, values = panel.units.get_indexer(sample.ids), outcome_values(panel, name)
    if sample.when is not None:
        return values[rows][:, None]
    return panel.grid(values)[rows][:, np.isin(panel.years, sample.years)]


def refusal_notes(fit: SaturatedFit) -> tuple[str, ...]:
    """Say which effects were refused because nobody is untreated in their years."""
    if not fit.refused:
        return fit.notes
    return (
        *fit.notes,
        f"E109 No untreated unit reaches {first_three(fit.refused)}; "
        "these effects are not estimated.",
    )
