"""The contract apart from the ratchet: renewals that stay one-sided as the comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..estimators.att_gt import att_gt
from ..estimators.rebasing import rebasing_regression
from ..outcomes import outcome_values
from ..panel import Panel
from ..registered.ledger_effects import REGISTERED, Specification

Array = NDArray[np.float64]


def with_renewals(panel: Panel) -> Panel:
    """Add what a row has to do with agreements.

    Returns
    -------
    Panel
        With ``renewed`` (a new agreement since the organisation's row before, 0/1; NaN in its
        first row), ``was_one_sided`` (0/1) and ``budget_per_person``, ``surplus``,
        ``surplus_before``, ``deficit_before`` (of the row before, if it is the year before).
    """
    frame = panel.frame
    by = frame.groupby(panel.unit)
    start, side = by["agreement_start"].shift(), by["two_sided"].shift()
    surplus = pd.Series(outcome_values(panel, "fund_surplus_rate"))
    before = surplus.groupby(frame[panel.unit]).shift()
    before = before.where(by[panel.year].shift() == frame[panel.year] - 1)
    return panel.with_columns(
        renewed=(frame["agreement_start"] != start).astype(float).mask(start.isna()),
        was_one_sided=(side == 0).astype(float).mask(side.isna()),
        budget_per_person=frame["budget"] / frame["insured_n"],
        surplus=surplus,
        surplus_before=before.clip(lower=0),
        deficit_before=(-before).clip(lower=0),
    )


def moves(panel: Panel) -> pd.DataFrame:
    """Count first two-sided years by whether a new agreement begins with them.

    Returns
    -------
    DataFrame
        ``cohort new_agreement same_agreement``.
    """
    frame = with_renewals(panel).frame
    first = frame[frame[panel.year] == frame[panel.cohort]]
    counts = pd.crosstab(first[panel.cohort], first["renewed"])
    counts = counts.reindex(columns=[1.0, 0.0], fill_value=0)
    counts.columns = pd.Index(["new_agreement", "same_agreement"])
    return counts.reset_index()


def renewal_effects(panel: Panel, outcome: str, spec: Specification = REGISTERED) -> pd.DataFrame:
    """Compare renewals into two-sided risk with renewals in the same year that stay one-sided.

    Within each renewal year those that turn two-sided are compared with those that renew and do
    not (yet); event time counts the years of the new agreement from 0. Renewal years are averaged
    by the organisations that turned. Influence is added up by organisation, for one that stays
    at one renewal may turn at the next.

    Returns
    -------
    DataFrame
        ``when estimate std_error conf_low conf_high n_moved n_controls``, a row an event time
        from -3 on and one for the mean from 0 to the horizon.
    """
    whole = with_renewals(panel)
    frame = whole.frame
    starts = frame[(frame["renewed"] == 1) & (frame["was_one_sided"] == 1)]
    found: dict[int, list[tuple[float, float, pd.Series]]] = {}
    size, controls = {}, 0
    for year, part in starts.groupby(panel.year):
        if part["two_sided"].nunique() < 2:
            continue
        cells = att_gt(
            whole.keep(frame[panel.unit].isin(part[panel.unit])),
            outcome,
            control_group=spec.control_group,
            anticipation=spec.anticipation,
            base_period=spec.base_period,
        )
        own = (cells.terms["cohort"] == year).to_numpy(bool)
        event = (cells.terms["year"] - year).to_numpy()
        if not (own & (event == spec.horizon)).any() or cells.units is None:
            continue
        size[year] = int(part["two_sided"].sum())
        controls += int((part["two_sided"] == 0).sum())
        for place in np.flatnonzero(own):
            one = np.zeros((len(own), 1))
            one[place] = 1
            share = pd.Series(cells.project(one)[:, 0] / len(cells.units.ids), cells.units.ids)
            found.setdefault(int(event[place]), []).append(
                (size[year], float(cells.estimate[place]), share)
            )
    rows, post = [], []
    for when in sorted(key for key in found if -3 <= key <= spec.horizon):
        value, influence = _average(found[when])
        rows.append(_row(str(when), value, influence, sum(n for n, _, _ in found[when])))
        if when >= 0:
            post.append((1.0, value, influence))
    value, influence = _average(post)
    rows.append(_row("mean", value, influence, sum(size.values())))
    return pd.DataFrame(rows).assign(n_controls=controls)


def _average(parts: list[tuple[float, float, pd.Series]]) -> tuple[float, pd.Series]:
    total = sum(n for n, _, _ in parts)
    value = sum(n * estimate for n, estimate, _ in parts) / total
    influence = pd.concat([n / total * share for n, _, share in parts])
    return float(value), influence.groupby(level=0).sum()


def _row(when: str, value: float, influence: pd.Series, n_moved: float) -> dict[str, object]:
    error = float(np.sqrt((influence**2).sum()))
    error = error if error > 1e-12 else np.nan
    half = float(stats.norm.ppf(0.975)) * error
    return {
        "when": when,
        "estimate": value,
        "std_error": error,
        "conf_low": value - half,
        "conf_high": value + half,
        "n_moved": int(n_moved),
    }


def rebasing_table(panel: Panel) -> pd.DataFrame:
    """Estimate how far the next budget per person follows a surplus, by what begins next year.

    Returns
    -------
    DataFrame
        ``next_year`` (an agreement that goes on, a new one that stays one-sided, a new one under
        two-sided risk), ``psi_plus``, ``psi_minus`` with standard errors, the smaller first-stage
        F statistic ``first_stage_f``, and ``rows``.
    """
    whole = with_renewals(panel)
    frame = whole.frame
    by = frame.groupby(panel.unit)
    renewed, two_sided = by["renewed"].shift(-1), by["two_sided"].shift(-1)
    one_sided = frame["two_sided"] == 0
    cases = {
        "the agreement goes on": (renewed == 0),
        "a new agreement, one-sided as before": (renewed == 1) & one_sided & (two_sided == 0),
        "a new agreement, two-sided from then on": (renewed == 1) & one_sided & (two_sided == 1),
    }
    rows = []
    for name, case in cases.items():
        chosen = whole.with_columns(surplus=frame["surplus"].where(case))
        fit = rebasing_regression(
            chosen,
            budget="budget_per_person",
            surplus_rate="surplus",
            instruments=("surplus_before", "deficit_before"),
        )
        plus, minus = fit.estimate
        rows.append(
            {
                "next_year": name,
                "psi_plus": float(plus),
                "psi_plus_std_error": float(fit.std_error[0]),
                "psi_minus": float(minus),
                "psi_minus_std_error": float(fit.std_error[1]),
                "first_stage_f": float(fit.tests["first_stage"]["f_statistic"].min()),
                "rows": fit.design.n_obs,
            }
        )
    return pd.DataFrame(rows)


def kept_rebasing(panel: Panel) -> pd.DataFrame:
    """Return the table that ``data/published`` keeps of what the next budget takes of a surplus."""
    found = rebasing_table(panel)
    value, error = found["psi_plus"], found["psi_plus_std_error"]
    half = float(stats.norm.ppf(0.975)) * error
    kept = {"estimate": value, "std_error": error, "conf_low": value - half}
    numbers = pd.DataFrame({**kept, "conf_high": value + half}).round(5)
    names = [f"mr{number:03d}" for number in range(1, len(found) + 1)]
    named = pd.DataFrame({"row_id": names, "next_year": found["next_year"]})
    return named.join(numbers).assign(unit_years=found["rows"], source_id="I09")
