"""Extended two-way fixed effects: a saturated design under a quasi-likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ..errors import DesignError, first_three
from ..inference._cluster import small_sample_factor
from ..panel import Panel
from ..results import FIXEST, Effects, terms_frame
from ._families import Family, Gaussian, Poisson
from ._sample import describe_design, draw_sample
from ._saturated import SaturatedFit, fit_saturated, make_cells

FAMILIES: dict[str, Family] = {"gaussian": Gaussian(), "poisson": Poisson()}


def etwfe(
    panel: Panel,
    outcome: str,
    *,
    family: str = "gaussian",
    covariates: Sequence[str] = (),
    control_group: str = "not_yet_treated",
    anticipation: int = 0,
    weights: str | None = None,
) -> Effects:
    """Estimate cohort-by-year effects from one saturated regression.

    The mean without treatment is a link of cohort effects, year effects and covariates, each with
    slopes by cohort and by year. Parallel trends hold for that index: in levels for
    ``"gaussian"``, in logs for ``"poisson"``.

    Parameters
    ----------
    panel : Panel
    outcome : str
        Column or registered outcome.
    family : {"gaussian", "poisson"}
    covariates : sequence of str
        Columns; they may vary over years, but must not respond to treatment.
    control_group : {"not_yet_treated", "never_treated"}
        With ``"never_treated"`` the years before treatment have effects too, except the last.
    anticipation : int
        Years before the cohort that may already respond; they have effects of their own.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.

    Returns
    -------
    Effects
        One term a cohort and year. Standard errors are clustered with fixest's small-sample
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
    if family not in FAMILIES:
        raise DesignError(f"no family {family!r}.\n  Use one of {', '.join(FAMILIES)}.")
    sample = draw_sample(panel, outcome, covariates=covariates, weights=weights)
    cells = make_cells(sample, control_group=control_group, anticipation=anticipation)
    fit = fit_saturated(sample, sample.outcome[:, :, None], cells, FAMILIES[family])
    design = describe_design(
        panel,
        sample,
        outcome,
        f"etwfe ({family})",
        covariates=covariates,
        weights=weights,
        control_group=control_group,
        anticipation=anticipation,
        base_period="universal" if control_group == "never_treated" else None,
        std_errors=FIXEST,
        notes=refusal_notes(fit),
    )
    return Effects(
        estimate=fit.estimate[:, 0],
        terms=terms_frame(
            outcome,
            [f"cohort {g} in {t}" for g, t in zip(fit.cohort, fit.year, strict=True)],
            cohort=fit.cohort,
            year=fit.year,
            event_time=fit.year - fit.cohort,
            n_units=fit.n_units,
        ),
        design=replace(design, dof=design.n_clusters - 1.0, n_obs=fit.n_obs),
        units=sample.units(by_observation=True),
        influence_function=fit.influence,
        variance_factor=small_sample_factor(fit.n_obs, fit.n_params, design.n_clusters),
        mass=fit.mass,
        mass_estimated=False,
        refit=partial(
            etwfe,
            outcome=outcome,
            family=family,
            covariates=covariates,
            control_group=control_group,
            anticipation=anticipation,
            weights=weights,
        ),
    )


def refusal_notes(fit: SaturatedFit) -> tuple[str, ...]:
    """Say which effects were refused because nobody is untreated in their years."""
    if not fit.refused:
        return fit.notes
    return (
        *fit.notes,
        f"E109 No untreated unit reaches {first_three(fit.refused)}; "
        "these effects are not estimated.",
    )
