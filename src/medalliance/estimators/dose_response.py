"""Effects by the size of a treatment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from ..errors import DesignError, check_choice, first_three, listed_numbers
from ..outcomes import outcome_values
from ..panel import NEVER_TREATED, Panel, need_panel
from ..results import Effects, terms_frame
from ._cells import check_controls, list_cells
from ._local_dose import Local, make_local
from ._sample import CONTROL_GROUPS, Sample, describe_design, draw_sample

Array = NDArray[np.float64]
ASSUMED = {
    "level": "Under parallel trends: the effect of dose d on units that have it, against no dose.",
    "slope": (
        "Under strong parallel trends (units of all doses would have responded alike to each): "
        "what one more unit of dose adds. Under parallel trends alone it also holds selection."
    ),
}
N_POINTS = 10


def dose_response(
    panel: Panel,
    outcome: str,
    *,
    dose: str,
    target: Literal["level", "slope"] = "level",
    at: Sequence[float] | None = None,
    method: Literal["spline", "local"] = "spline",
    degree: int | None = None,
    n_knots: int = 0,
    bandwidth: float | None = None,
    covariates: Sequence[str] = (),
    control_group: Literal["not_yet_treated", "never_treated"] = "not_yet_treated",
    anticipation: int = 0,
    weights: str | None = None,
) -> Effects:
    """Estimate effects by the dose that a unit has from its cohort's year on.

    Within each cohort and year the change since the base year is fitted as a smooth function of the
    dose and held against units without any. The level and the slope need different assumptions,
    which the foot states: a curve of levels that rises is no proof that more causes more.

    Parameters
    ----------
    panel : Panel
    outcome : str
        Column or registered outcome.
    dose : str
        Column: positive and constant from the cohort's year on. Never-treated units have none.
    target : {"level", "slope"}
        ATT(d|d), or the average causal response ACRT(d|d), its derivative.
    at : sequence of float, optional
        Doses shown, within those of the treated; ten quantiles from 0.05 to 0.95 without it.
    method : {"spline", "local"}
        One spline in the dose, or at each dose a polynomial of the doses near it.
    degree : int, optional
        Of the spline (3 without it), or of the local polynomial (1, and 2 for slopes).
    n_knots : int
        Of the spline, at quantiles of the doses of the treated. Without knots it is a polynomial.
    bandwidth : float, optional
        Of the local polynomial, in units of the dose: Epanechnikov's kernel is zero beyond it.
        Without it ``2.34 s n^(-1/4)`` with the doses' spread and number, narrower than the rate
        that is best for the mean squared error so that bias is small beside the error.
    covariates : sequence of str
        Values in the base year. For levels: parallel trends are then assumed within values of the
        covariates, whose trend without treatment is fitted on controls by least squares. Slopes
        refuse them: units of near doses differ in covariates, so that the slope of the averaged
        levels would hold that difference.
    control_group : {"not_yet_treated", "never_treated"}
    anticipation : int
        Years before the cohort that may already respond.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.

    Returns
    -------
    Effects
        One term a dose, averaged over cohorts by their share of the treated and evenly over their
        years; shares count as given. ``.overall`` averages over the doses that units have.
        Simultaneous bands cover the whole set of doses shown.

    Raises
    ------
    DesignError
        If doses are missing, not positive or move; if nobody has no dose; if no cohort has as many
        doses as the curve has coefficients; if a dose asked for lies outside, or has too few near
        it; if covariates are asked for with slopes.

    References
    ----------
    Callaway, Goodman-Bacon, Sant'Anna (2024), "Difference-in-Differences with a Continuous
    Treatment": Theorems 3.1-3.3 (level, slope, strong parallel trends), section 4 and appendix C
    for several dates. Fan, Gijbels (1996), section 3.1, for the local polynomial. Heckman,
    Ichimura, Todd (1997) for covariates.
    """
    check_choice("target", target, ASSUMED)
    check_choice("control_group", control_group, CONTROL_GROUPS)
    need_panel(panel)
    check_choice("method", method, ("spline", "local"))
    if len(covariates) and target == "slope":
        raise DesignError(
            "slopes take no covariates: units of near doses differ in them, and nothing published "
            "says how to tell that from the response.\n  Use target='level', or subgroup_effects."
        )
    sample = draw_sample(
        panel, outcome, covariates=covariates, weights=weights, anticipation=anticipation
    )
    size = _doses(panel, sample, dose)
    treated = sample.cohort != NEVER_TREATED
    points = _points(size[treated], at)
    slope = target == "slope"
    if degree is None:
        degree = 3 if method == "spline" else 1 + slope
    curve: _Curve | Local
    if method == "spline":
        curve = _curve(size[treated], degree, n_knots)
        basis, words = curve.design(points, derivative=slope), f"degree {degree}, {n_knots} knots"
    else:
        _curve(size[treated], degree, 0)
        curve = make_local(size[treated], points, degree, bandwidth, slope=slope)
        basis = np.eye(len(curve.points))[: len(points)]
        words = f"local, degree {degree}, bandwidth {curve.bandwidth:.4g}"
    rule: dict[str, Any] = {"control_group": control_group, "anticipation": anticipation}
    fit = _fit(sample, size, curve, slope, **rule)
    estimate = basis @ fit.coefficients
    influence = fit.coefficient_influence @ basis.T
    shape: dict[str, Any] = {
        "target": target, "method": method, "degree": degree, "n_knots": n_knots,
        "bandwidth": bandwidth, "covariates": covariates,
    }  # fmt: skip
    again = partial(dose_response, outcome=outcome, dose=dose, at=at, weights=weights)
    effects = Effects(
        estimate=estimate,
        terms=terms_frame(
            outcome,
            [f"dose {point:.6g}" for point in points],
            n_units=[int(treated.sum())] * len(points),
        ),
        design=describe_design(
            panel,
            sample,
            outcome,
            f"dose_response ({dose}, {target}, {words})",
            covariates=covariates,
            base_period="universal",
            notes=(ASSUMED[target], *fit.notes),
            weights=weights,
            **rule,
        ),
        units=sample.units(),
        influence_function=influence,
        refit=partial(again, **shape, **rule),
    )
    overall = replace(
        effects,
        estimate=np.array([fit.overall]),
        terms=terms_frame(
            outcome, ["average over doses of the treated"], n_units=[int(treated.sum())]
        ),
        influence_function=fit.overall_influence[:, None],
        refit=partial(_overall_again, effects.refit),
    )
    return replace(effects, overall_effect=overall)


def _overall_again(refit: Any, *args: Any, **options: Any) -> Effects:
    return refit(*args, **options).overall


def _doses(panel: Panel, sample: Sample, dose: str) -> Array:
    """Return the dose of each unit of the sample, zero for the never treated."""
    values = panel.grid(outcome_values(panel, dose))
    cohort = panel.cohort_by_unit
    after = (cohort != NEVER_TREATED)[:, None] & (panel.years >= cohort[:, None])
    after &= panel.grid(np.ones(len(panel.frame))) == 1
    low = np.where(after, values, np.inf).min(axis=1)
    high = np.where(after, values, -np.inf).max(axis=1)
    rows = panel.units.get_indexer(sample.ids)
    treated = sample.cohort != NEVER_TREATED
    low, high = np.where(treated, low[rows], 0.0), np.where(treated, high[rows], 0.0)
    blank = treated & (np.isnan(low) | (after[rows].sum(axis=1) == 0))
    problems = (
        (blank, "is missing after treatment starts"),
        (treated & ~blank & (low <= 0), "is not positive after treatment starts"),
        (treated & ~blank & (low != high), "moves after treatment starts"),
    )
    for wrong, what in problems:
        if wrong.any():
            raise DesignError(
                f"{dose!r} {what} for {first_three(sample.ids[wrong])}.\n"
                "  Give each treated unit one positive dose from its cohort's year on; for doses "
                "that move use switching_did."
            )
    return low


@dataclass(frozen=True, eq=False)
class _Curve:
    """A spline in the dose.

    Attributes
    ----------
    knots : ndarray
        With the ends repeated.
    degree : int
    """

    knots: Array
    degree: int

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return len(self.knots) - self.degree - 1

    def design(self, doses: Array, *, derivative: bool = False) -> Array:
        """Return the basis at doses, or its derivative, shape (n, size)."""
        spline = BSpline(self.knots, np.eye(self.size), self.degree)
        return np.asarray((spline.derivative() if derivative else spline)(doses))


def _curve(doses: Array, degree: int, n_knots: int) -> _Curve:
    for name, value, least in (("degree", degree, 1), ("n_knots", n_knots, 0)):
        if not isinstance(value, int | np.integer) or value < least:
            raise DesignError(f"{name}={value!r}.\n  Give a whole number from {least}.")
    if not len(doses) or doses.min() == doses.max():
        raise DesignError(
            "all treated units have the same dose, so effects do not vary with it.\n  Use att_gt."
        )
    inner = np.quantile(doses, np.arange(1, n_knots + 1) / (n_knots + 1))
    ends = np.repeat([doses.min(), doses.max()], degree + 1)
    return _Curve(np.r_[ends[: degree + 1], inner, ends[degree + 1 :]], degree)


def _points(doses: Array, at: Sequence[float] | None) -> Array:
    """Return the doses shown."""
    if at is None:
        return np.unique(np.quantile(doses, np.linspace(0.05, 0.95, N_POINTS)))
    points = np.array(listed_numbers("at", at))
    outside = ~((points >= doses.min()) & (points <= doses.max()))
    if not len(points) or outside.any():
        raise DesignError(
            f"at={first_three(points[outside])} lies outside the doses of the treated, "
            f"{doses.min():.4g} to {doses.max():.4g}.\n  Nothing is known there: ask inside."
        )
    return points


@dataclass(frozen=True, eq=False)
class _Fit:
    """The curve averaged over cells, with influence functions scaled to the mean over units."""

    coefficients: Array
    coefficient_influence: Array
    overall: float
    overall_influence: Array
    notes: tuple[str, ...]


def _fit(
    sample: Sample,
    dose: Array,
    curve: _Curve | Local,
    slope: bool,
    *,
    control_group: str,
    anticipation: int,
) -> _Fit:
    """Fit each cohort and year, then average."""
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    cells = list_cells(
        cohorts,
        sample.years,
        control_group=control_group,
        anticipation=anticipation,
        base_period="universal",
    )
    try:
        check_controls(cells, sample.years, control_group, anticipation)
    except DesignError as problem:
        raise DesignError(
            f"{str(problem).splitlines()[0]}\n  Nobody has dose zero: only differences between "
            "doses are known, under strong parallel trends. Add untreated units."
        ) from problem
    post = sample.years[cells.year] >= cohorts[cells.group]
    cells = cells.keep(post & cells.control.any(axis=1))
    found: dict[int, list[tuple[Array, ...]]] = {}
    lost: list[str] = []
    for cell in range(len(cells.group)):
        own, year, base = (int(part[cell]) for part in (cells.group, cells.year, cells.base))
        seen = sample.mask[:, year] & sample.mask[:, base]
        treated, control = (group == own) & seen, cells.control[cell][group] & seen
        least = curve.least if isinstance(curve, Local) else curve.size
        if not control.any() or len(np.unique(dose[treated])) < least:
            lost.append(f"{cohorts[own]} in {sample.years[year]}")
            continue
        change = sample.outcome[:, year] - sample.outcome[:, base]
        x = np.column_stack([np.ones(sample.n_units), *sample.covariates[:, :, base]])
        one = _one_cell(sample, change, dose, (treated, control), (curve, slope), x)
        found.setdefault(own, []).append(one)
    if not found:
        raise DesignError(
            f"no cohort has {least} different doses and a control, which the curve needs.\n"
            "  Lower degree or n_knots, or widen the bandwidth."
        )
    size = np.bincount(group, weights=sample.weight)
    total = sum(size[own] for own in found)
    parts = [np.zeros(1)] * 4
    for own, several in found.items():
        share = size[own] / total / len(several)
        for one in several:
            parts = [old + share * new for old, new in zip(parts, one, strict=True)]
    why = f"Cells left out for too few doses or no control: {first_three(lost)}."
    return _Fit(
        parts[0],
        parts[1],
        float(parts[2][0]),
        parts[3],
        (why,) if lost else (),
    )


def _one_cell(
    sample: Sample,
    change: Array,
    dose: Array,
    sides: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    kind: tuple[_Curve | Local, bool],
    x: Array,
) -> tuple[Array, ...]:
    """Fit one cohort in one year.

    Returns
    -------
    coefficients, their influence, overall effect, its influence
    """
    n_units = sample.n_units
    treated, control = sides
    curve, slope = kind
    weight = sample.weight * treated / sample.weight[treated].sum()
    mean, mean_influence = np.zeros(n_units), np.zeros((n_units, x.shape[1]))
    if not slope:  # what the outcome does without treatment, by covariates
        spread = sample.weight * control / sample.weight[control].sum()
        inverse = _inverse(x.T @ (spread[:, None] * x), int(control.sum()))
        mean = x @ (inverse @ (x.T @ (spread * change)))
        mean_influence = n_units * (spread * (change - mean))[:, None] * x @ inverse
    change = np.where(treated, change - mean, 0.0)
    if isinstance(curve, Local):
        smoother, residual = curve.smoother(dose, weight, change)
        coefficients = smoother @ change
        influence = n_units * (smoother * residual).T - mean_influence @ (smoother @ x).T
        if slope:
            overall = float(curve.average @ coefficients)
            overall_influence = influence @ curve.average
        else:
            overall = float(weight @ change)
            overall_influence = n_units * weight * (change - overall)
            overall_influence -= mean_influence @ (weight @ x)
        return (coefficients, influence, np.array([overall]), overall_influence)
    basis = np.zeros((n_units, curve.size))
    basis[treated] = curve.design(dose[treated])
    gram = basis.T @ (weight[:, None] * basis)
    inverse = np.linalg.pinv(gram, hermitian=True)
    coefficients = inverse @ (basis.T @ (weight * change))
    residual = np.where(treated, change - basis @ coefficients, 0.0)
    influence = n_units * (weight * residual)[:, None] * basis @ inverse
    influence -= mean_influence @ (inverse @ (basis.T @ (weight[:, None] * x))).T
    inside = basis.copy()
    if slope:
        inside[treated] = curve.design(dose[treated], derivative=True)
    average = weight @ inside
    overall = float(average @ coefficients)
    overall_influence = influence @ average
    overall_influence += n_units * weight * (inside @ coefficients - overall)
    return coefficients, influence, np.array([overall]), overall_influence


def _inverse(gram: Array, n_rows: int) -> Array:
    scale = np.sqrt(np.diag(gram))
    if n_rows < len(gram) or np.linalg.eigvalsh(gram / np.outer(scale, scale))[0] < 1e-12:
        raise DesignError(
            f"{n_rows} controls cannot fit {len(gram)} coefficients of covariates.\n"
            "  Use fewer covariates, or drop those that do not vary."
        )
    return np.asarray(np.linalg.inv(gram))
