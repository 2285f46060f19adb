"""Classic panel regressions: within, pooled, between, differences, random effects, instruments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from ..errors import DesignError, check_choice, first_three
from ..outcomes import OUTCOMES, outcome_values
from ..panel import Panel, need_panel
from ..results import Design, Effects, Units, findings_of, terms_frame
from ..show.findings import Findings
from ._classic import CONSTANT, Classic, Rows, Specification, fit_classic
from ._classic_tests import tests_of
from ._sample import gap_notes, refuse_constant

Model = Literal["within", "pooled", "between", "first_difference", "random", "iv"]
StdErrors = Literal["clustered", "unadjusted", "robust", "driscoll_kraay"]
SmallSample = Literal["fixest", "plm", "none"]
_TITLES = {
    "fit": "How well the regression fits",
    "poolability": "Whether units and years may be pooled (F tests)",
    "hausman": "Whether random effects are consistent",
    "effects": "Whether units differ at all",
    "first_stage": "How far the instruments move the regressors",
    "endogeneity": "Whether instruments are needed, and valid",
}


def panel_regression(
    panel: Panel,
    outcome: str,
    regressors: Sequence[str],
    *,
    model: Model = "within",
    entity_effects: bool | None = None,
    time_effects: bool = False,
    constant: bool | None = None,
    endogenous: Sequence[str] = (),
    instruments: Sequence[str] = (),
    std_errors: StdErrors = "clustered",
    clusters: str | Sequence[str] | None = None,
    small_sample: SmallSample = "fixest",
    lags: int | None = None,
    weights: str | None = None,
) -> Effects:
    """Estimate a classic panel regression.

    The coefficients are linearmodels'. They are effects of a reform only where its design makes
    them so: with staggered treatment see ``att_gt`` and ``did_imputation``.

    Parameters
    ----------
    panel : Panel
        Balanced or not. A panel without treatment has a cohort column of zeros.
    outcome : str
        Column or registered outcome.
    regressors : sequence of str
        Columns or registered outcomes, the endogenous ones among them.
    model : {"within", "pooled", "between", "first_difference", "random", "iv"}
        Effects taken out; least squares; unit means; changes between a unit's rows; random effects
        (Swamy, Arora); two-stage least squares, with effects taken out if asked for.
    entity_effects : bool, optional
        With ``"within"`` (the default there) and ``"iv"``.
    time_effects : bool
        Whether years have effects; not for ``"between"``.
    constant : bool, optional
        Where effects are not taken out; a differenced equation has none by default (plm has one).
    endogenous, instruments : sequence of str
        With ``"iv"``: the regressors that are instrumented, and what is left out of the equation.
    std_errors : {"clustered", "unadjusted", "robust", "driscoll_kraay"}
        Unadjusted ones divide by N less all parameters.
    clusters : str or two of them, optional
        Columns; the panel's own (units without one) by default. Two columns cluster two ways.
    small_sample : {"fixest", "plm", "none"}
        ``G/(G-1) (N-1)/(N-K)`` without the effects nested in clusters and t with G - 1 degrees of
        freedom; plm's HC1, ``N/(N-K)`` with slopes alone; HC0 with normal quantiles.
    lags : int, optional
        Of Driscoll and Kraay; ``T^(1/4)`` rounded down if not given.
    weights : str, optional
        Column of positive weights; the panel's own without it.

    Returns
    -------
    Effects
        One term a regressor, then the constant. ``.tests`` holds ``fit``; ``poolability`` (within,
        pooled), ``hausman`` (within, random), ``effects`` (random), ``first_stage`` and
        ``endogeneity`` (iv), each Findings. No influence functions, hence no simultaneous band.

    Raises
    ------
    DesignError
        If a choice does not fit the model, regressors are collinear or absorbed, or too few rows
        are left.

    References
    ----------
    Wooldridge (2010), chapters 5, 10 and 11; Baltagi (2021), chapters 2 to 4; Swamy, Arora (1972);
    Hausman (1978); Driscoll, Kraay (1998).
    """
    regressors, endogenous, instruments = map(_listed, (regressors, endogenous, instruments))
    for name, value, kind in (
        ("model", model, Model),
        ("std_errors", std_errors, StdErrors),
        ("small_sample", small_sample, SmallSample),
    ):
        check_choice(name, value, get_args(kind))
    within = model == "within"
    absorbs = within or (model == "iv" and (bool(entity_effects) or time_effects))
    wanted = model != "first_difference" if constant is None else constant
    asked = Specification(
        model=model,
        entity_effects=within if entity_effects is None else entity_effects,
        time_effects=time_effects,
        constant=wanted and not absorbs,
        endogenous=endogenous,
        std_errors=std_errors,
        small_sample=small_sample,
        lags=lags,
    )
    _check(asked, regressors, instruments, clusters)
    names = _cluster_names(panel, clusters)
    rows = _draw(panel, (outcome, regressors, instruments), names, weights or panel.weight)
    fit = fit_classic(rows, asked)
    shown = [*regressors, *([CONSTANT] if asked.constant else [])]
    estimate, vcov = fit.of(shown)
    design = _design(panel, rows, asked, fit, (outcome, names, weights))
    options: dict[str, Any] = {
        "model": model, "entity_effects": entity_effects, "time_effects": time_effects,
        "constant": constant, "endogenous": endogenous, "instruments": instruments,
        "std_errors": std_errors, "clusters": clusters, "small_sample": small_sample,
        "lags": lags, "weights": weights,
    }  # fmt: skip
    first = np.flatnonzero(np.r_[True, np.diff(rows.unit) != 0])
    return Effects(
        estimate=estimate,
        terms=terms_frame(outcome, shown, n_units=[design.n_units] * len(shown)),
        design=design,
        units=Units(
            panel.units[rows.unit[first]],
            panel.cohort_by_unit[rows.unit[first]],
            np.ones(len(first)),
            pd.factorize(panel.cluster_by_unit[rows.unit[first]])[0].astype(np.intp),
        ),
        given_vcov=vcov,
        variance_factor=fit.factor,
        refit=partial(panel_regression, outcome=outcome, regressors=regressors, **options),
        tests=_Tests(rows, asked, design),
    )


@dataclass(frozen=True, eq=False)
class _Tests(Mapping[str, Findings]):
    """The tests of a regression, made when first asked for."""

    rows: Rows
    asked: Specification
    design: Design

    @cached_property
    def made(self) -> dict[str, Findings]:
        """Findings by name."""
        found = tests_of(self.rows, self.asked, fit_classic(self.rows, self.asked))
        return {name: findings_of(self.design, frame, _TITLES[name]) for name, frame in found}

    def __getitem__(self, name: str) -> Findings:
        return self.made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _check(
    asked: Specification,
    regressors: tuple[str, ...],
    instruments: tuple[str, ...],
    clusters: str | Sequence[str] | None,
) -> None:
    """Refuse choices that do not fit together."""
    if not regressors:
        raise DesignError("no regressors.\n  Name at least one column.")
    stray = [name for name in asked.endogenous if name not in regressors]
    if stray:
        raise DesignError(f"{first_three(stray)} is not a regressor.\n  Name it among regressors.")
    if asked.model != "iv" and (asked.endogenous or instruments):
        raise DesignError(f'model="{asked.model}" takes no instruments.\n  Use model="iv".')
    if asked.model == "iv" and len(instruments) < max(len(asked.endogenous), 1):
        raise DesignError(
            f"{len(instruments)} instruments for {len(asked.endogenous)} endogenous regressors.\n"
            "  Name endogenous=... and as many instruments or more."
        )
    if asked.model == "iv" and not asked.endogenous:
        raise DesignError("no endogenous regressor.\n  Name those that are instrumented.")
    if asked.entity_effects and asked.model not in ("within", "iv"):
        raise DesignError(
            f'model="{asked.model}" takes no entity_effects.\n  Use model="within" or "iv".'
        )
    if asked.model == "within" and not (asked.entity_effects or asked.time_effects):
        raise DesignError('within without effects.\n  Use model="pooled".')
    if asked.model == "between" and (asked.time_effects or asked.std_errors == "driscoll_kraay"):
        raise DesignError("between compares means of units, which have no years.\n  Leave it out.")
    if clusters is not None and asked.std_errors != "clustered":
        raise DesignError(
            f'std_errors="{asked.std_errors}" takes no clusters.\n  Use std_errors="clustered".'
        )
    if asked.lags is not None and asked.std_errors != "driscoll_kraay":
        raise DesignError('lags go with std_errors="driscoll_kraay".\n  Leave them out.')


def _cluster_names(panel: Panel, clusters: str | Sequence[str] | None) -> tuple[str, ...]:
    need_panel(panel)
    names = _listed(clusters) if clusters is not None else (panel.cluster or panel.unit,)
    lost = [name for name in names if name not in panel.frame.columns]
    if lost or not 1 <= len(names) <= 2:
        raise DesignError(
            f"clusters {names}: {first_three(lost) if lost else 'one or two'} "
            f"{'is no column' if lost else 'are taken'}.\n  Name one or two columns."
        )
    return names


def _draw(
    panel: Panel,
    columns: tuple[str, tuple[str, ...], tuple[str, ...]],
    clusters: tuple[str, ...],
    weights: str | None,
) -> Rows:
    """Take the rows that have every column."""
    outcome, regressors, instruments = columns
    names = [outcome, *regressors, *instruments, *([weights] if weights else [])]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DesignError(f"{first_three(twice)} is named twice.\n  Name each column once.")
    values = {name: outcome_values(panel, name) for name in names}
    usable = np.isfinite(np.column_stack(list(values.values()))).all(axis=1)
    usable &= panel.frame[list(clusters)].notna().all(axis=1).to_numpy()
    if not usable.any():
        raise DesignError(f"no row has {', '.join(names)}.\n  Check missing values.")
    refuse_constant(outcome, values[outcome], usable)
    table = pd.DataFrame(values)[usable].reset_index(drop=True)
    weight = table[weights].to_numpy(float) if weights else None
    if weight is not None and not (weight > 0).all():
        raise DesignError(f"weights {weights!r} are not all positive.\n  Leave such rows out.")
    codes = {name: pd.factorize(panel.frame[name][usable])[0] for name in clusters}
    return Rows(
        outcome=table[outcome].to_numpy(float),
        regressors=table[list(regressors)],
        instruments=table[list(instruments)],
        weight=weight,
        unit=panel.unit_codes[usable],
        year=panel.frame[panel.year].to_numpy(np.int64)[usable],
        clusters=pd.DataFrame(codes),
    )


def _design(
    panel: Panel,
    rows: Rows,
    asked: Specification,
    fit: Classic,
    choices: tuple[str, tuple[str, ...], str | None],
) -> Design:
    """Fill the design; ``choices`` are outcome, columns of clusters and weights."""
    outcome, clusters, weights = choices
    known = OUTCOMES.get(outcome)
    n_clusters = int(rows.clusters.nunique().min())
    marks = {"unit": asked.entity_effects, panel.step.unit: asked.time_effects}
    effects = [word for word, on in marks.items() if on]
    notes = [f"With {' and '.join(effects)} effects."] if effects else []
    cohort = panel.cohort_by_unit[np.unique(rows.unit)]
    notes.extend(gap_notes(cohort, np.unique(rows.year), panel.step))
    if fit.n_obs != len(rows.outcome):
        notes.append(f"{fit.n_obs:,} rows once the model has transformed them.")
    blank = len(panel.frame) - len(rows.outcome)
    return Design(
        outcome=outcome,
        estimator=f"panel_regression ({asked.model})",
        n_units=len(np.unique(rows.unit)),
        n_obs=len(rows.outcome),
        n_clusters=n_clusters,
        unit_of_measure=known.unit if known else "",
        clusters=" and ".join(clusters),
        std_errors=_words(asked, clusters),
        provenance=panel.provenance,
        weights=weights or panel.weight,
        dof=fit.dof,
        left_out=(f"{blank:,} rows with a blank",) if blank else (),
        step=panel.step,
        n_treated_clusters=n_clusters,
        data_hash=panel.data_hash,
        notes=tuple(notes),
    )


def _words(asked: Specification, clusters: tuple[str, ...]) -> str:
    """Say the convention of the standard errors."""
    if asked.std_errors == "unadjusted":
        return "unadjusted, N less all parameters (linearmodels, plm)"
    factor = {
        "fixest": "(N-1)/(N-K), effects nested in clusters not counted (fixest)",
        "plm": "N/(N-K), slopes alone counted (plm's HC1)",
        "none": "no small-sample factor (HC0)",
    }[asked.small_sample]
    if asked.std_errors == "robust":
        return f"robust to heteroskedasticity, {factor}"
    if asked.std_errors == "driscoll_kraay":
        return f"Driscoll-Kraay, Bartlett, {factor}"
    ways = "two ways, by" if len(clusters) == 2 else "by"
    return f"clustered {ways} {' and '.join(clusters)}, {factor}"
