"""What speaks for a factor model: gaps before treatment, years held out, its factors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..panel import NEVER_TREATED
from ..results import Design
from ..results._cluster import cluster_sums
from ..results._findings import findings_of
from ..show.findings import Findings
from ._factor_effects import FactorModel, Validation
from ._factor_rows import Table
from ._factors import EFFECT, FIT, HELD, Array

BOUND = 0.36


def factor_tests(
    model: FactorModel,
    table: Table,
    design: Design,
    held_out: int,
    validation: Validation | None,
) -> dict[str, Findings]:
    """Test a factor model.

    Parameters
    ----------
    model : FactorModel
    table : Table
    design : Design
    held_out : int
        Years that the placebo and the carry-over test predict.
    validation : Validation or None

    Returns
    -------
    dict of str to Findings
        ``equivalence``, ``placebo``, ``carry_over``, ``factors``, ``cross_validation``: those that
        there are.

    References
    ----------
    Liu, Wang, Xu (2024), sections 4.1 to 4.3; bounds of 0.36 residual standard deviations after
    Hartman, Hidalgo (2018).
    """
    found = {"factors": _paths(model, table, design)}
    before = _before(model, table, design)
    if before is not None:
        found["equivalence"] = before
    if held_out > 0:
        for name, (status, title) in _held_out(model, table, held_out).items():
            found[name] = _held(model, status, title, table, design)
    if validation is not None:
        found["cross_validation"] = _validated(validation, model, table, design)
    return found


def count_cells(model: FactorModel) -> NDArray[np.intp]:
    """Count the units of each cell, shape (n_cells,)."""
    size = np.bincount(model.code, minlength=len(model.patterns.cohort))
    return np.rint(model.members[0] @ size).astype(np.intp)


def _held_out(
    model: FactorModel, table: Table, years: int
) -> dict[str, tuple[NDArray[np.int8], str]]:
    """Mark rows to be predicted although untreated, where units keep enough of the others."""
    status, sample = table.rows.status, table.sample
    need = model.rank + 1 if not model.penalty else 2
    treated = (status == EFFECT).any(axis=1)
    place = np.arange(status.shape[1])
    first = np.where(treated, np.argmax(status == EFFECT, axis=1), len(place))
    ended = np.zeros(status.shape, bool)
    since = np.full(len(status), years)
    for t in place:
        since = np.where(status[:, t] == EFFECT, 0, since + (status[:, t] == FIT))
        ended[:, t] = (status[:, t] == FIT) & (since <= years) & (t > first)
    late = (place < first[:, None]) & (place >= first[:, None] - years) & treated[:, None]
    span = f"{years} {sample.step.unit}{'s' if years > 1 else ''}"
    marks = {
        "placebo": (late, f"Placebo: {span} before treatment predicted as if treated"),
        "carry_over": (ended, f"Carry-over: {span} after treatment ends predicted as if treated"),
    }
    found = {}
    for name, (mark, title) in marks.items():
        mark = mark & (status == FIT)
        mark &= ((status == FIT) & ~mark).sum(axis=1, keepdims=True) >= need
        rest = (status == FIT) & ~mark
        mark &= rest.sum(axis=0) >= need
        if mark.any():
            found[name] = (np.where(mark, HELD, status).astype(np.int8), title)
    return found


def _gaps(
    model: FactorModel, table: Table, mine: NDArray[np.bool_], keys: NDArray[Any]
) -> tuple[Array, Array]:
    """Average the gaps of some cells by key, shape (n_cells,), with clustered errors."""
    member = (np.unique(keys[mine])[:, None] == keys) & mine
    weight = member * model.size
    weight = weight / weight.sum(axis=1, keepdims=True)
    cluster = table.sample.cluster
    sums = cluster_sums(model.influence(weight.T), cluster, int(cluster.max()) + 1)
    error = np.sqrt((sums**2).sum(axis=0)) / len(cluster)
    return weight @ model.estimate * table.scale, error * table.scale


def _tested(
    estimate: Array, error: Array, model: FactorModel, table: Table
) -> tuple[pd.DataFrame, float]:
    """Test that gaps are zero, and that they lie within bounds; return the bound too."""
    gaps, rows = model.unit_gaps[0], model.rows
    fit = (rows.status == FIT) * rows.weight[:, None]
    bound = BOUND * table.scale * float(np.sqrt((gaps**2 * fit).sum() / fit.sum()))
    outside = np.maximum(
        stats.norm.sf((estimate + bound) / error), stats.norm.sf((bound - estimate) / error)
    )
    columns = {
        "estimate": estimate,
        "std_error": error,
        "p_value": 2 * stats.norm.sf(np.abs(estimate / error)),
        "p_outside_bounds": outside,
    }
    return pd.DataFrame(columns), bound


def _findings(
    frame: pd.DataFrame, bound: float, title: str, table: Table, design: Design
) -> Findings:
    step = table.sample.step.unit
    foot = (
        f"{design.estimator}, {design.outcome}; bounds are {bound:.3g} on either side, "
        f"{BOUND} standard deviations of residuals; p_outside_bounds is small where gaps lie "
        f"within them; {design.n_clusters:,} clusters ({design.clusters}), by influence functions; "
        f"event time in {step}s; data {design.data_hash}."
    )
    largest = float(frame["p_outside_bounds"].max())
    return findings_of(design, frame, title, foot=foot, bound=bound, p_outside_bounds=largest)


def _before(model: FactorModel, table: Table, design: Design) -> Findings | None:
    """Show gaps of treated units before treatment; they were fitted, so they are near zero."""
    _, cohort, year, status = model.members
    start = table.cohorts[cohort]
    event = table.sample.years[year] - start
    mine = (status == FIT) & (start != NEVER_TREATED) & (event < 0)
    if not mine.any():
        return None
    frame, bound = _tested(*_gaps(model, table, mine, event), model, table)
    frame.insert(0, "event_time", np.unique(event[mine]))
    title = f"Gaps of {design.outcome} before treatment starts"
    return _findings(frame, bound, title, table, design)


def _held(
    model: FactorModel, status: NDArray[np.int8], title: str, table: Table, design: Design
) -> Findings:
    other = FactorModel(replace(table.rows, status=status), model.rank, model.penalty)
    mine = other.members[3] == HELD
    frame, bound = _tested(*_gaps(other, table, mine, np.zeros(len(mine))), other, table)
    frame.insert(0, "n_rows", [int((status == HELD).sum())])
    return _findings(frame, bound, title, table, design)


def _paths(model: FactorModel, table: Table, design: Design) -> Findings:
    """Tabulate factors by year, scaled to a mean square of one, strongest first."""
    factors = model.fit.factors[0]
    size = np.sqrt((factors**2).mean(axis=0))
    kept = size > 1e-6 * size.max(initial=0.0)
    factors = factors[:, kept] / size[kept]
    own = model.unit_gaps[1][:, kept] * size[kept] * table.scale
    spread = np.sqrt(np.average(own**2, axis=0, weights=model.rows.weight))
    order = np.argsort(-spread)
    names = [f"factor_{k + 1}" for k in range(len(order))]
    frame = pd.DataFrame(factors[:, order], columns=names)
    frame.insert(0, "year", [table.sample.step.label(year) for year in table.sample.years])
    sizes = pd.Series(spread[order], index=names)
    return findings_of(design, frame, f"Factors of untreated {design.outcome}", loading_size=sizes)


def _validated(
    validation: Validation, model: FactorModel, table: Table, design: Design
) -> Findings:
    name, type_ = ("penalty", float) if model.penalty else ("n_factors", int)
    frame = pd.DataFrame(
        {
            name: validation.candidates.astype(type_),
            "mean_square_error": validation.error * table.scale**2,
        }
    )
    frame["chosen"] = np.arange(len(frame)) == validation.chosen
    return findings_of(design, frame, f"How held-out {design.outcome} is predicted")
