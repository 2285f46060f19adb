"""Interactive fixed effects: what treated units would have shown, from factors of the untreated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np

from ..errors import DesignError, check_choice, first_three
from ..panel import Panel
from ..results import Effects, cell_terms
from ._factor_effects import FactorModel, Validation, cross_validate
from ._factor_rows import Status, Table, lay_out, read_status
from ._factor_tests import count_cells, factor_tests
from ._factors import EFFECT, FIT, Array, Rows, largest_singular_value, moments
from ._sample import CONTROL_GROUPS, Sample, describe_design

MOST_FACTORS = 5
PENALTIES = np.geomspace(0.9, 0.01, 18)
STD_ERRORS = {
    "influence": "clustered influence functions of the factor model, its size as given",
    "jackknife": "leaving out each cluster, factors fitted again, their number as given",
    "bootstrap": "clusters drawn within cohorts, factors fitted again, their number as given",
}


def interactive_effects(
    panel: Panel,
    outcome: str,
    *,
    method: Literal["ife", "mc"] = "ife",
    n_factors: int | None = None,
    penalty: float | None = None,
    control_group: Literal["not_yet_treated", "never_treated"] = "not_yet_treated",
    treatment: str | None = None,
    covariates: Sequence[str] = (),
    anticipation: int = 0,
    held_out: int = 2,
    variance: Literal["influence", "jackknife", "bootstrap"] = "influence",
    n_draws: int = 200,
    seed: int = 20260101,
    weights: str | None = None,
    progress: bool = False,
) -> Effects:
    """Estimate effects where units answer differently to shocks that all share.

    Untreated outcomes are unit effects, year effects, slopes of covariates, and a few unseen
    factors to each of which every unit has a loading of its own. They are fitted on rows not
    treated; effects are what treated rows show beyond that, by cohort and year.

    Parameters
    ----------
    panel : Panel
        Balanced or not. With a treatment path, or ``treatment``, units may leave treatment again.
    outcome : str
        Column or registered outcome.
    method : {"ife", "mc"}
        Interactive fixed effects: a number of factors by least squares. Matrix completion: factors
        shrunk by a penalty on the sum of their singular values; unit and year effects are not.
    n_factors : int, optional
        For ``"ife"``; cross-validated up to five without it.
    penalty : float, optional
        For ``"mc"``, as a share of the largest singular value of untreated outcomes net of unit
        and year effects, above 0 and up to 1; cross-validated without it.
    control_group : {"not_yet_treated", "never_treated"}
        Whose rows give factors, year effects and slopes: all untreated ones, or those of units that
        are never treated (Xu's generalised synthetic control), where others' untreated rows give
        their own effect and loadings only.
    treatment : str, optional
        Column of 0 and 1, where treatment may end; the panel's path without it.
    covariates : sequence of str
        Time-varying columns that treatment does not move.
    anticipation : int
        Years before the cohort that may already respond; their effects are shown too.
    held_out : int
        Years before treatment that the placebo test predicts as if they were treated, and years
        after treatment ends that the carry-over test does; 0 leaves these tests out.
    variance : {"influence", "jackknife", "bootstrap"}
        Influence functions, which every average, cluster and band takes; fits without each
        cluster, which give such functions too; or clusters drawn anew, which give a variance only.
    n_draws : int
        Bootstrap draws.
    seed : int
        Seed of the folds of the cross-validation and of the bootstrap.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.
    progress : bool
        Whether to show a line of progress.

    Returns
    -------
    Effects
        One term a cohort and year; averages weight treated rows equally (or by ``weights``).
        ``.tests`` holds ``"equivalence"`` (gaps before treatment are small), ``"placebo"``,
        ``"carry_over"`` where treatment ends, ``"factors"`` by year, and ``"cross_validation"``.

    Raises
    ------
    DesignError
        If nobody stays untreated, units have too few untreated years for the factors, or the
        treatment is not of 0 and 1.

    References
    ----------
    Bai (2009), equations 11 and 12; Gobillon, Magnac (2016), section 3.1, and Xu (2017) for effects
    from them; Athey, Bayati, Doudchenko, Imbens, Khosravi (2021), equation 4.3, for matrix
    completion; Liu, Wang, Xu (2024), sections 4.1 to 4.3, for the tests.
    """
    check_choice("method", method, ("ife", "mc"))
    check_choice("variance", variance, STD_ERRORS)
    check_choice("control_group", control_group, CONTROL_GROUPS)
    _check_size(method, n_factors, penalty)
    if variance == "bootstrap" and n_draws < 2:
        raise DesignError(f"n_draws={n_draws}.\n  Give two draws or more.")
    sample, status = read_status(panel, outcome, treatment, covariates, anticipation, weights)
    validation: Validation | None = None
    if method == "ife" and n_factors is None:
        validation = _choose_number(sample, status, control_group, seed)
        n_factors = int(validation.candidates[validation.chosen])
    table = lay_out(sample, status, n_factors, control_group)
    rank, largest = n_factors, 0.0
    if rank is None:
        rank, largest = min(table.rows.status.shape) - 1, _largest(table.rows)
        if penalty is None:
            validation = _choose_penalty(table.rows, rank, largest, seed)
            penalty = float(validation.candidates[validation.chosen])
    model = FactorModel(table.rows, rank, (penalty or 0.0) * largest)
    size = (
        f"{n_factors} factor{'' if n_factors == 1 else 's'}"
        if penalty is None
        else f"penalty {penalty:.3g}"
    )
    rule: dict[str, Any] = {"covariates": covariates, "weights": weights}
    design = describe_design(
        panel,
        table.sample,
        outcome,
        f"interactive_effects ({method}, {size}{', cross-validated' if validation else ''})",
        control_group=control_group,
        anticipation=anticipation,
        std_errors=STD_ERRORS[variance],
        seed=seed,
        notes=table.notes,
        **rule,
    )
    influence, vcov = _spread(model, table, variance, n_draws, seed, progress)
    _, cohort, year, used = model.members
    shown = used == EFFECT
    rule |= {"method": method, "n_factors": n_factors, "penalty": penalty, "seed": seed}
    rule |= {"control_group": control_group}
    rule |= {"treatment": treatment, "anticipation": anticipation, "held_out": held_out}
    return Effects(
        estimate=model.estimate[shown] * table.scale,
        terms=cell_terms(
            outcome,
            table.cohorts[cohort[shown]],
            table.sample.years[year[shown]],
            table.sample.step,
            n_units=count_cells(model)[shown],
        ),
        design=replace(design, n_draws=n_draws) if variance == "bootstrap" else design,
        units=table.sample.units(by_observation=True),
        influence_function=influence,
        given_vcov=vcov,
        mass=model.size[shown] / table.rows.weight.sum(),
        mass_estimated=False,
        refit=partial(
            interactive_effects, outcome=outcome, variance=variance, n_draws=n_draws, **rule
        ),
        tests=factor_tests(model, table, design, held_out, validation),
    )


def _check_size(method: str, n_factors: object, penalty: float | None) -> None:
    if method == "mc" and n_factors is not None:
        raise DesignError('n_factors belongs to method="ife".\n  Give penalty with method="mc".')
    if method == "ife" and penalty is not None:
        raise DesignError('penalty belongs to method="mc".\n  Give n_factors with method="ife".')
    whole = isinstance(n_factors, int | np.integer) and n_factors >= 0
    if n_factors is not None and not whole:
        raise DesignError(f"n_factors={n_factors!r}.\n  Give a whole number, from 0.")
    if penalty is not None and not 0 < penalty <= 1:
        raise DesignError(
            f"penalty={penalty!r}.\n  Give a share of the largest singular value: above 0, up to 1."
        )


def _choose_number(sample: Sample, status: Status, control_group: str, seed: int) -> Validation:
    """Cross-validate the number of factors, up to what every treated unit can bear."""
    own = (status == FIT).sum(axis=1)[(status == EFFECT).any(axis=1)]
    # one year is held out, and one is left to judge by
    most = min(MOST_FACTORS, int(own.min(initial=MOST_FACTORS + 3)) - 3)
    if most < 1:
        few = (status == EFFECT).any(axis=1) & ((status == FIT).sum(axis=1) < 4)
        raise DesignError(
            f"the number of factors cannot be cross-validated: {int(few.sum())} treated units have "
            f"fewer than 4 untreated {sample.step.unit}s ({first_three(sample.ids[few])}).\n"
            "  Give n_factors, leave these units out with panel.keep, or take did_imputation."
        )
    rows = lay_out(sample, status, most, control_group).rows
    return cross_validate(
        rows, (rows.status == EFFECT).any(axis=1), np.arange(most + 1), np.zeros(1), seed
    )


def _choose_penalty(rows: Rows, rank: int, largest: float, seed: int) -> Validation:
    """Cross-validate the penalty as a share of the largest singular value."""
    treated = (rows.status == EFFECT).any(axis=1)
    found = cross_validate(rows, treated, np.array([rank]), PENALTIES * largest, seed)
    return replace(found, candidates=PENALTIES)


def _largest(rows: Rows) -> float:
    patterns, code = rows.patterns()
    one = moments(rows, patterns, code, np.ones((1, len(rows.weight))))
    return float(largest_singular_value(one)[0])


def _spread(
    model: FactorModel, table: Table, variance: str, n_draws: int, seed: int, progress: bool
) -> tuple[Array | None, Array | None]:
    """Return influence functions of effects, shape (n_units, k), or a variance, (k, k)."""
    cluster, used = table.sample.cluster, model.members[3]
    if variance == "influence":
        shown = np.eye(len(used))[:, used == EFFECT]
        return model.influence(shown) * table.scale, None
    if variance == "jackknife":
        draws = model.jackknife(cluster, progress) * table.scale
        size = np.bincount(cluster)
        away = np.nan_to_num(np.nanmean(draws, axis=0) - draws)
        away *= np.sqrt((len(size) - 1) / len(size)) * len(cluster)
        return (away[:, used == EFFECT] / size[:, None])[cluster], None
    draws = model.bootstrap(cluster, table.rows.cohort, n_draws, seed, progress)
    draws = draws[:, used == EFFECT] * table.scale
    away = draws - np.nanmean(draws, axis=0)
    known = np.isfinite(away)
    away = np.where(known, away, 0.0)
    return None, away.T @ away / (known.T.astype(float) @ known - 1)
