"""Effects of treatments that start, stop, return or change their level."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three
from ..panel import NEVER_TREATED, Panel, need_panel
from ..results import Effects, terms_frame
from ._sample import Sample, describe_design, draw_sample
from ._switching import NEVER, Horizon, Paths, Switching, path_levels, read_paths

Array = NDArray[np.float64]
REFERENCE = -1
SIGNS = {"all": (1, -1), "in": (1,), "out": (-1,)}
CONTROLS = ("not_yet_switched", "never_switched")
STD_ERRORS = (
    "clustered; changes about the mean of their cohort, n/(n-1) in each (de Chaisemartin, "
    "D'Haultfoeuille)"
)


def switching_did(
    panel: Panel,
    outcome: str,
    *,
    treatment: str | None = None,
    switchers: Literal["all", "in", "out"] = "all",
    control_group: Literal["not_yet_switched", "never_switched"] = "not_yet_switched",
    normalised: bool = False,
    n_effects: int | None = None,
    n_placebos: int | None = None,
    weights: str | None = None,
) -> Effects:
    """Estimate effects of having left the first level of a treatment.

    A unit that changes is compared, from the year before its first change on, with units that had
    the same first level and have not changed by then. Event time 0 is the year of the first
    change, whatever comes after it: a return, a second rise. Falls count with the opposite sign,
    so that every effect is one of more treatment.

    Parameters
    ----------
    panel : Panel
        Made with ``path=``, or with any cohort and a ``treatment`` named here.
    outcome : str
        Column or registered outcome.
    treatment : str, optional
        Column of the treatment's level in each year; the panel's own path without it.
    switchers : {"all", "in", "out"}
        Whose effects are averaged: units whose first change is a rise, a fall, or either.
    control_group : {"not_yet_switched", "never_switched"}
    normalised : bool
        Whether each effect is divided by the treatment that switchers have had more by then, added
        up over years: an average of effects of current and past treatment, per unit of it.
    n_effects, n_placebos : int, optional
        Years shown from the change on, and before the year before it; all that have a control
        without them, and no more placebos than effects.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.

    Returns
    -------
    Effects
        One term an event time; those before -1 are placebos on the same switchers. ``.overall``
        is the average total effect per unit of treatment: effects of all years shown over the
        treatment that caused them, to be set against what a unit of treatment costs.

    Raises
    ------
    DesignError
        If no unit changes, nobody of the same first level is left to compare with, or the
        treatment is missing.

    References
    ----------
    De Chaisemartin, D'Haultfoeuille (2024), Review of Economics and Statistics 106(6): equations 3
    and 5, section 3.2 for normalised and total effects, section 3.3 for the variance, in which
    cohorts share first level, year and level of the change.
    """
    check_choice("switchers", switchers, SIGNS)
    check_choice("control_group", control_group, CONTROLS)
    sample, paths, column = read_treatment(panel, outcome, treatment, weights)
    design = Switching(
        outcome=sample.outcome,
        seen=sample.mask,
        weight=sample.weight,
        cluster=sample.cluster,
        paths=paths,
        only_never=control_group == "never_switched",
    )
    signs = SIGNS[switchers]
    found = _horizons(design, signs, len(sample.years), n_effects, n_placebos)
    keys = sorted(found)
    scale = {
        key: one.dose if normalised and key != REFERENCE else 1.0 for key, one in found.items()
    }
    flat = [key for key, dose in scale.items() if abs(dose) < 1e-12]
    if flat:
        raise DesignError(
            f"at event time {first_three(flat)} switchers have had no more treatment on average, "
            "so effects per unit of it do not exist.\n  Use normalised=False, or one direction."
        )
    rule: dict[str, Any] = {"switchers": switchers, "normalised": normalised}
    rule |= {"n_effects": n_effects, "n_placebos": n_placebos, "weights": weights}
    again = partial(switching_did, outcome=outcome, control_group=control_group, **rule)
    effects = Effects(
        estimate=np.array([found[key].estimate / scale[key] for key in keys]),
        terms=terms_frame(
            outcome,
            [f"event time {key}" for key in keys],
            event_time=keys,
            n_units=[found[key].n_switchers for key in keys],
        ),
        design=describe_design(
            panel,
            sample,
            outcome,
            _name(column, switchers, normalised),
            control_group=control_group,
            base_period="universal",
            std_errors=STD_ERRORS,
            weights=weights,
            notes=_notes(paths, sample),
        ),
        units=sample.units(),
        influence_function=np.column_stack([found[key].influence / scale[key] for key in keys]),
        refit=again if treatment is None else None,
    )
    return replace(effects, overall_effect=_total(effects, found))


def read_treatment(
    panel: Panel, outcome: str, treatment: str | None, weights: str | None
) -> tuple[Sample, Paths, str]:
    """Draw the sample of a treatment path, its cohorts being the years of the first change.

    Raises
    ------
    DesignError
        If there is no path, it is missing where the outcome is known, or it does not agree with
        the cohorts of a panel made from it.
    """
    need_panel(panel)
    column = treatment or panel.path
    if column is None:
        raise DesignError(
            "this panel knows a cohort, not how treatment moved.\n"
            "  Name the column of its level: treatment=..., or make the panel with path=..."
        )
    sample = draw_sample(panel, outcome, weights=weights, keep_already_treated=True, path=True)
    level = path_levels(panel, sample, column)
    paths = read_paths(level)
    if (paths.first == NEVER).all():
        raise DesignError(
            f"{column!r} changes in no unit between {sample.years[0]} and {sample.years[-1]}.\n"
            "  Check the column, or take more years."
        )
    changed = paths.first != NEVER
    cohort = np.where(
        changed, sample.years[np.where(changed, paths.first, 0)], NEVER_TREATED
    ).astype(np.int64)
    if treatment is None and column == panel.path:
        other = changed & (sample.cohort != cohort)
        if other.any():
            raise DesignError(
                f"cohorts do not agree with the path {column!r} for "
                f"{first_three(sample.ids[other])}.\n  Cohorts of a path cannot be moved."
            )
    return replace(sample, cohort=cohort), paths, column


def _horizons(
    design: Switching,
    signs: Iterable[int],
    n_years: int,
    n_effects: int | None,
    n_placebos: int | None,
) -> dict[int, Horizon]:
    """Estimate every event time that has switchers with controls, and the reference."""
    directions = tuple(signs)
    most = n_years - 1 if n_effects is None else _whole("n_effects", n_effects, 1)
    effects, placebos = {}, {}
    for length in range(1, most + 1):
        one = design.horizon(length, directions)
        if one is not None:
            effects[length - 1] = one
    if not effects:
        raise DesignError(
            "no unit that changes has a unit of the same first level that has not changed yet.\n"
            "  Add such units, coarsen the levels, or take the other direction."
        )
    most = max(effects) + 1 if n_placebos is None else _whole("n_placebos", n_placebos, 0)
    for length in range(1, min(most, max(effects) + 1) + 1):
        one = design.horizon(length, directions, placebo=True)
        if one is not None:
            placebos[REFERENCE - length] = one
    first = effects[min(effects)]
    nothing = np.zeros(len(first.influence))
    reference = Horizon(0.0, nothing, first.n_switchers, first.weight, 1.0, 1.0)
    return {**placebos, REFERENCE: reference, **effects}


def _whole(name: str, value: object, least: int) -> int:
    if not isinstance(value, int | np.integer) or value < least:
        raise DesignError(f"{name}={value!r}.\n  Give a whole number of years, from {least}.")
    return int(value)


def _total(effects: Effects, found: dict[int, Horizon]) -> Effects | None:
    """Average total effect per unit of treatment over the event times shown."""
    shown = [one for key, one in found.items() if key >= 0]
    weight = np.array([one.weight for one in shown])
    share = weight / weight.sum()
    dose = float(share @ [one.last_dose for one in shown])
    if abs(dose) < 1e-12:
        return None
    return replace(
        effects,
        estimate=np.array([share @ [one.estimate for one in shown]]) / dose,
        terms=terms_frame(
            effects.design.outcome,
            ["total effect per unit of treatment"],
            n_units=[max(one.n_switchers for one in shown)],
        ),
        influence_function=(np.column_stack([one.influence for one in shown]) @ share / dose)[
            :, None
        ],
        refit=None if effects.refit is None else partial(_total_again, effects.refit),
    )


def _total_again(refit: Any, *args: Any, **options: Any) -> Effects:
    return refit(*args, **options).overall


def _name(column: str, switchers: str, normalised: bool) -> str:
    extra = [f"switchers {switchers}"] if switchers != "all" else []
    extra += ["normalised"] if normalised else []
    return f"switching_did ({', '.join([column, *extra])})"


def _notes(paths: Paths, sample: Sample) -> tuple[str, ...]:
    turned = np.flatnonzero((~paths.usable & sample.mask).any(axis=1))
    if not len(turned):
        return ()
    return (
        f"{len(turned)} units are left out from the year in which they have been above and below "
        f"their first level, or after which their change is hidden: "
        f"{first_three(pd.Index(sample.ids)[turned])}.",
    )
