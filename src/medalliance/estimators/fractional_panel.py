"""Fractional response panel models with correlated random effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, DesignError, check_choice, first_three, needed
from ..outcomes import outcome_values
from ..panel import Panel
from ..results import Design, Effects, Units, terms_frame
from ..results._cluster import cluster_sums
from ..results.few_clusters import MANY_CLUSTERS
from ._collinear import absorbed, drop_collinear, independent
from ._sample import blank_phrases, count_blank, gap_notes, refuse_constant, usable_rows
from ._separation import at_fault, separating_direction
from ._share_families import Logit, Probit

Array = NDArray[np.float64]
Link = Literal["probit", "logit"]
FAMILIES: dict[str, Probit | Logit] = {"probit": Probit(), "logit": Logit()}
STD_ERRORS = "clustered sandwich, no small-sample factor"


@dataclass(frozen=True, eq=False)
class _Data:
    """Arrays of the rows used, shape (n_obs, ...)."""

    y: Array
    x: Array
    names: tuple[str, ...]
    z: Array | None
    unit: NDArray[np.intp]
    rows: NDArray[np.intp]
    w: Array
    left_out: tuple[str, ...]
    wanted: tuple[str, ...]
    controls: tuple[str, ...]


def fractional_panel(
    panel: Panel,
    outcome: str,
    *,
    covariates: Sequence[str],
    controls: Sequence[str] = (),
    link: Link = "probit",
    method: Literal["pooled", "gee"] = "pooled",
    endogenous: str | None = None,
    instruments: Sequence[str] = (),
    scale: Literal["ape", "coefficient"] = "ape",
) -> Effects:
    """Estimate average partial effects on a share.

    The mean is ``G(year + x b + x-bar c + controls d)``: time means of the covariates stand for
    the unit's unobserved effect. With ``endogenous``, first-stage residuals are added as a
    control function, and standard errors count both steps.

    Parameters
    ----------
    panel : Panel
        Its weight is used, with ``method="pooled"``.
    outcome : str
        A share between 0 and 1, ends included.
    covariates : sequence of str
        Columns that vary over time; their unit means enter too.
    controls : sequence of str
        Columns without unit means (e.g. starting values times years).
    link : str
        ``"probit"`` or ``"logit"``.
    method : str
        ``"pooled"`` quasi-likelihood, or ``"gee"`` with exchangeable working correlation.
    endogenous, instruments : str, sequence of str
        A covariate that responds to shocks of the outcome, and the columns left out of the
        outcome that move it.
    scale : str
        ``"ape"``: average partial effects, shares per unit of the covariate, and for columns of 0
        and 1 the change of the mean share from 0 to 1; ``"coefficient"``: coefficients of the
        index.

    Returns
    -------
    Effects
        One term a covariate (the endogenous one first), with influence functions by unit.
        Copies, constants and what year effects determine are dropped by name in the foot.

    Raises
    ------
    DataError
        Shares outside 0 and 1.
    DesignError
        No instruments for the endogenous column, a covariate that does not vary over time, no
        convergence, or no maximum: the share does not vary, or columns tell shares of 0 or 1 apart
        (separation).

    References
    ----------
    Papke and Wooldridge (2008), Journal of Econometrics 145, equations 3.9 (pooled), 3.11
    (GEE), 4.8 (control function) and 3.10 (average partial effects). Wooldridge (2010), equation
    15.17 for the change from 0 to 1.
    """
    _check_request(link, method, scale, endogenous, instruments)
    if method == "gee" and panel.weight is not None:
        raise DesignError(
            f"method='gee' takes no weights, and the panel has the weight {panel.weight!r}.\n"
            "  Use method='pooled', or a panel made without weight."
        )
    covariates, controls, instruments = (
        (names,) if isinstance(names, str) else tuple(names)
        for names in (covariates, controls, instruments)
    )
    data = _collect(panel, outcome, covariates, controls, endogenous, instruments)
    _check_maximum(data, outcome, link)
    coefficient, influence, first = _fit(data, link, method, endogenous is not None)
    wanted = data.wanted
    switches = _switches(data, len(wanted)) if scale == "ape" else []
    if scale == "ape":
        estimate, influence = _partial_effects(
            data, coefficient, influence, first, link, len(wanted), switches
        )
    else:
        estimate, influence = coefficient[: len(wanted)], influence[:, : len(wanted)]
    units = _units(panel, data)
    n_clusters = int(units.cluster.max()) + 1
    design = Design(
        outcome=outcome,
        estimator=f"fractional_panel ({method} {link}, {scale})",
        n_units=len(units.ids),
        n_obs=len(data.y),
        n_clusters=n_clusters,
        linear=False,
        keeps_size="wild_bootstrap (score bootstrap)" if n_clusters < MANY_CLUSTERS else "",
        clusters=panel.cluster or panel.unit,
        std_errors=STD_ERRORS,
        provenance=panel.provenance,
        covariates=(*wanted, *data.controls),
        weights=panel.weight,
        data_hash=panel.data_hash,
        step=panel.step,
        left_out=data.left_out,
        notes=(
            *_notes(endogenous, instruments, [wanted[j] for j in switches]),
            *gap_notes(
                units.cohort, panel.years[np.unique(panel.year_codes[data.rows])], panel.step
            ),
        ),
    )
    return Effects(
        estimate=estimate,
        terms=terms_frame(outcome, list(wanted)),
        design=design,
        units=units,
        influence_function=influence,
    )


def _check_request(
    link: str, method: str, scale: str, endogenous: str | None, instruments: Sequence[str]
) -> None:
    check_choice("link", link, FAMILIES)
    check_choice("method", method, ("pooled", "gee"))
    check_choice("scale", scale, ("ape", "coefficient"))
    if endogenous is not None and not instruments:
        raise DesignError(
            f"{endogenous} is named endogenous without instruments.\n"
            "  Name instruments, or list it with the covariates."
        )


def _units(panel: Panel, data: _Data) -> Units:
    used = np.unique(panel.unit_codes[data.rows])
    return Units(
        ids=panel.units[used],
        cohort=panel.cohort_by_unit[used],
        weight=panel.weight_by_unit[used],
        cluster=pd.factorize(panel.cluster_by_unit[used])[0],
    )


def _notes(
    endogenous: str | None, instruments: Sequence[str], switches: Sequence[str]
) -> tuple[str, ...]:
    notes = []
    if endogenous is not None:
        notes.append(f"Control function for {endogenous}; instruments {', '.join(instruments)}.")
    if switches:
        notes.append(f"Of {', '.join(switches)}: the change of the mean share from 0 to 1.")
    return tuple(notes)


def _check_maximum(data: _Data, outcome: str, link: Link) -> None:
    """Refuse shares for which the likelihood has no maximum."""
    refuse_constant(outcome, data.y, np.ones(len(data.y), bool))
    direction = separating_direction(data.x, data.y == 0, data.y == 1)
    if direction is not None:
        raise DesignError(
            f"separation: shares of 0 or 1 are told apart without an error by "
            f"{first_three(at_fault(direction, data.names))}, so the {link} fit does not exist.\n"
            "  Leave these columns out, or compare means with twfe."
        )


def _switches(data: _Data, k: int) -> list[int]:
    """List the first k columns that are 0 or 1."""
    return [j for j in range(k) if np.isin(data.x[:, j], (0.0, 1.0)).all()]


def _collect(
    panel: Panel,
    outcome: str,
    covariates: Sequence[str],
    controls: Sequence[str],
    endogenous: str | None,
    instruments: Sequence[str],
) -> _Data:
    listed = [*covariates, *controls, *instruments] + ([endogenous] if endogenous else [])
    columns = {name: outcome_values(panel, name) for name in dict.fromkeys(listed)}
    y = outcome_values(panel, outcome)
    if not listed:
        raise DesignError("no covariates.\n  Name a list of columns, as covariates=['pay'].")
    complete = usable_rows([y, *columns.values()])
    left_out = blank_phrases((outcome, *columns), *count_blank(panel, complete))
    rows = np.flatnonzero(complete)
    y = y[rows]
    outside = rows[(y < 0) | (y > 1)]
    if outside.size:
        raise DataError(
            f"{outcome} lies outside 0 and 1 in row {first_three(outside)} of the panel.\n"
            "  Give a share, not a percentage."
        )
    unit = np.unique(panel.unit_codes[rows], return_inverse=True)[1]
    weight = panel.weight_by_unit[panel.unit_codes[rows]]
    weight = weight / weight.mean() if len(rows) else weight
    count = np.bincount(unit)
    parts = {name: values[rows] for name, values in columns.items()}
    first = () if endogenous is None else (endogenous,)
    order = (*first, *covariates, *controls)
    kept, copies = drop_collinear(order, np.stack([parts[name] for name in order]))
    left_out += copies
    order = tuple(order[j] for j in kept)
    years = panel.years[panel.year_codes[rows]]
    dummies = {f"year {t}": (years == t) * 1.0 for t in np.unique(years)}
    order, lost = _beside(dummies, {name: parts[name] for name in order})
    left_out += absorbed(lost, np.zeros(len(lost), bool), "year effects and other columns")
    if endogenous is not None and endogenous not in order:
        raise DesignError(f"nothing varies in {endogenous} but the year.\n  Name another column.")
    own = {n: parts[n] for n in order if n in covariates}
    _fail_if_fixed(own, unit)
    shared = {n: parts[n] for n in order if n in controls}
    means = {f"mean of {n}": (np.bincount(unit, v) / count)[unit] for n, v in own.items()}
    fixed = {**dummies, **own, **shared}
    shared = {**{n: means[n] for n in _beside(fixed, means)[0]}, **shared, **dummies}
    x, names = _stack({**own, **shared})
    z = None
    if endogenous is not None:
        told, lost = _beside({**own, **shared}, {n: parts[n] for n in instruments})
        left_out += absorbed(lost, np.zeros(len(lost), bool), "covariates and other instruments")
        if not told:
            raise DesignError(
                f"nothing is left of {first_three(instruments)} beside covariates and year "
                f"effects, so nothing moves {endogenous}.\n  Name another instrument."
            )
        z, _ = _stack({**own, **{n: parts[n] for n in told}, **shared})
        root = np.sqrt(weight)
        slopes = np.linalg.lstsq(root[:, None] * z, root * parts[endogenous], rcond=None)[0]
        residual = parts[endogenous] - z @ slopes
        x = np.column_stack([parts[endogenous], x, residual])
        names = (endogenous, *names, "first-stage residual")
    wanted, others = (*first, *own), tuple(n for n in order if n in controls)
    return _Data(y, x, names, z, unit, rows, weight, left_out, wanted, others)


def _beside(
    fixed: dict[str, Array], columns: dict[str, Array]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the columns that fixed ones and those before them leave, and the others."""
    x = np.stack([*fixed.values(), *columns.values()])
    gram = x @ x.T
    keep = independent(gram, np.diag(gram), len(fixed))[len(fixed) :]
    told = tuple(name for name, stays in zip(columns, keep, strict=True) if stays)
    return told, tuple(name for name in columns if name not in told)


def _fail_if_fixed(columns: dict[str, Array], unit: NDArray[np.intp]) -> None:
    """Refuse covariates that are their own unit means."""
    first = np.unique(unit, return_index=True)[1][unit]
    fixed = [name for name, column in columns.items() if (column == column[first]).all()]
    if fixed:
        raise DesignError(
            f"{first_three(fixed)} does not vary over time, so it cannot be told from its unit "
            "mean.\n  Move it to controls, or leave it out."
        )


def _stack(columns: dict[str, Array]) -> tuple[Array, tuple[str, ...]]:
    x = np.column_stack(list(columns.values()))
    if len(x) <= x.shape[1]:
        raise DesignError(
            f"{len(x)} rows without a missing value for {x.shape[1]} coefficients, year effects "
            "and unit means included.\n  Check missing values, or take more units."
        )
    return x, tuple(columns)


def _link_parts(eta: Array, link: Link) -> tuple[Array, Array, Array]:
    """Return G, its first and its second derivative, shapes (n_obs,)."""
    index = eta[:, None]
    mean, density = FAMILIES[link].mean(index)[:, 0], FAMILIES[link].slope(index)[:, 0, 0]
    return mean, density, density * (-eta if link == "probit" else 1 - 2 * mean)


def _fit(
    data: _Data, link: Link, method: str, control_function: bool
) -> tuple[Array, Array, Array | None]:
    """Return coefficients, their influence (n_units, k) and the first stage's, if any."""
    coefficient, correlation = _coefficients(data, link, method)
    mean, density, bend = _link_parts(data.x @ coefficient, link)
    variance = (mean * (1 - mean)).clip(1e-300)
    spread = np.sqrt(variance)
    n_units = int(data.unit.max()) + 1
    slope = data.x * (density / spread)[:, None]
    whitened = _whiten(slope, data.unit, n_units, correlation)
    standard = (data.y - mean) / spread
    score = cluster_sums(whitened * (data.w * standard)[:, None], data.unit, n_units)
    sensitivity = whitened * (density / spread)[:, None]
    if method == "pooled":
        # observed information, as maximum-likelihood software reports it; GEE uses the expected
        curve = (bend - density**2 * (1 - 2 * mean) / variance) / variance
        sensitivity = sensitivity - data.x * ((data.y - mean) * curve)[:, None]
    sensitivity = sensitivity * data.w[:, None]
    first = None
    if control_function and data.z is not None:
        z = data.z
        moments = cluster_sums(z * (data.w * data.x[:, -1])[:, None], data.unit, n_units)
        gram = z.T @ (data.w[:, None] * z)
        first = np.asarray(np.linalg.solve(gram, moments.T).T * n_units, dtype=float)
        score = score + first @ (coefficient[-1] * sensitivity.T @ z).T / n_units
    information = sensitivity.T @ data.x
    return coefficient, np.linalg.solve(information, score.T).T * n_units, first


def _whiten(values: Array, unit: NDArray[np.intp], n_units: int, correlation: float) -> Array:
    """Apply the inverse of an exchangeable correlation matrix within units."""
    if correlation == 0:
        return values
    size = np.bincount(unit, minlength=n_units)
    share = correlation / (1 + (size - 1) * correlation)
    totals = cluster_sums(values, unit, n_units) * share[:, None]
    return (values - totals[unit]) / (1 - correlation)


def _coefficients(data: _Data, link: Link, method: str) -> tuple[Array, float]:
    with needed():
        import statsmodels.api as sm

    links = {"probit": sm.families.links.Probit(), "logit": sm.families.links.Logit()}
    family = sm.families.Binomial(link=links[link])
    options: dict[str, Any] = {"family": family}
    if method == "pooled":
        fit = sm.GLM(data.y, data.x, var_weights=data.w, **options).fit(maxiter=200, tol=1e-12)
        correlation = 0.0
    else:
        working = sm.cov_struct.Exchangeable()
        model = sm.GEE(data.y, data.x, groups=data.unit, cov_struct=working, **options)
        fit = model.fit(maxiter=200, ctol=1e-10)
        correlation = float(working.dep_params)
    if not fit.converged:
        raise DesignError(
            f"the {method} {link} fit did not converge in 200 steps.\n"
            "  Look for a covariate that separates shares of 0 or 1, and rescale large columns."
        )
    return np.asarray(fit.params), correlation


def _partial_effects(
    data: _Data,
    coefficient: Array,
    influence: Array,
    first: Array | None,
    link: Link,
    k: int,
    switches: Sequence[int],
) -> tuple[Array, Array]:
    """Average effects over rows; propagate the influence of b, of the rows and of the residuals."""
    n_units, n_obs = len(influence), len(data.y)
    index = data.x @ coefficient
    _, density, bend = _link_parts(index, link)
    effect, bent = density[:, None] * coefficient[:k], bend[:, None] * coefficient[:k]
    weighted = data.x.T * data.w
    slope = weighted @ bent / n_obs
    slope[:k] += (data.w @ density / n_obs) * np.eye(k)
    for j in switches:
        off = index - coefficient[j] * data.x[:, j]
        (below, low, _), (above, high, _) = (
            _link_parts(at, link) for at in (off, off + coefficient[j])
        )
        effect[:, j], bent[:, j] = above - below, high - low
        slope[:, j] = weighted @ bent[:, j] / n_obs
        slope[j, j] = data.w @ high / n_obs
    estimate = data.w @ effect / n_obs
    rows = cluster_sums(data.w[:, None] * (effect - estimate), data.unit, n_units)
    total = influence @ slope + rows * (n_units / n_obs)
    if first is not None and data.z is not None:
        total = total - coefficient[-1] * first @ ((data.z.T * data.w) @ bent) / n_obs
    return estimate, total
