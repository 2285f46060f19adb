"""Averages: the verbs that turn estimates into fewer estimates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError
from ._aggregate import Plan, cell_times, count_units, mass_influence, plan_average, read_kind
from ._combine import average_truth, combine_effects, combine_terms, one_term
from ._estimates import Estimates
from ._stack import split_by_outcome, stack_effects
from ._terms import terms_frame

Kind = Literal["simple", "event_time", "cohort", "year"]
RKind = Literal["dynamic", "group", "calendar"]


class Averages(Estimates):
    """Estimates that can be averaged and combined."""

    def aggregate(self, kind: Kind | RKind = "simple", *, balance: int | None = None) -> Self:
        """Average cohort-by-year effects.

        ``"simple"`` weights all treated cells by size, ``"event_time"`` averages by years since
        treatment, ``"cohort"`` by cohort, ``"year"`` by calendar year, each as R ``did`` does,
        with the influence of the estimated weights.

        Parameters
        ----------
        kind : {"simple", "event_time", "cohort", "year"}
            R's words do too: ``"dynamic"``, ``"group"``, ``"calendar"``.
        balance : int, optional
            With ``"event_time"``: keep the cohorts that have effects from 0 to ``balance``.

        Returns
        -------
        Effects
            One term an average; ``.overall`` averages them.

        Raises
        ------
        DesignError
            If the estimate has no cohort-by-year cells, or none of those asked for.

        References
        ----------
        Callaway, Sant'Anna (2021), section 3.2; Corollary 2 for the estimated weights.
        """
        kind = cast(Kind, read_kind(kind))
        if len(set(self.terms["outcome"])) > 1:
            parts = split_by_outcome(self)
            return stack_effects([part.aggregate(kind, balance=balance) for part in parts])
        if self.mass is None or self.units is None:
            return self._already(kind, balance)
        plan = plan_average(kind, self.terms, self.mass, balance, self.design.step)
        estimate = plan.weights.T @ self.estimate
        if self.influence_function is None and self.given_vcov is not None:
            return self._average_drawn(plan, kind, balance)
        influence = self.project(plan.weights)
        if plan.by_mass and self.mass_estimated:
            member = plan.weights > 0
            total = (member * self.mass[:, None]).sum(axis=0)
            slopes = member * (self.estimate[:, None] - estimate) / total
            influence += self._mass_influence(slopes, self.terms)
        overall = float(plan.overall @ estimate)
        overall_influence = influence @ plan.overall
        if kind == "cohort" and self.mass_estimated:
            cohort = cell_times(self.terms)[0]
            size = np.array([self.mass[cohort == c].max() for c in plan.labels["cohort"]])
            slopes = ((estimate - overall) / size.sum())[:, None]
            keys = pd.DataFrame({"cohort": plan.labels["cohort"], "year": plan.labels["cohort"]})
            overall_influence = overall_influence + self._mass_influence(slopes, keys)[:, 0]
        result = self._averaged(plan, kind, balance, influence, None)
        if len(estimate) == 1:
            return result
        return replace(
            result, overall_effect=one_term(result, overall, overall_influence, plan.overall)
        )

    @property
    def are_coefficients(self) -> bool:
        """Whether the terms are coefficients of different regressors, which have no average."""
        timed = self.terms[["cohort", "year", "event_time"]].notna().any(axis=None)
        return len(self.estimate) > 1 and self.overall_effect is None and not timed

    @property
    def overall(self) -> Self:
        """The average of what is shown, as one term.

        Cells give R ``did``'s ``"simple"``; event times and years a plain mean of those after
        treatment starts; cohorts their mean by size.
        """
        if self.overall_effect is not None:
            return self.overall_effect
        if len(self.estimate) == 1:
            return self
        if len(set(self.terms["outcome"])) > 1:
            return stack_effects([part.overall for part in split_by_outcome(self)])
        if self.mass is not None:
            return self.aggregate("simple")
        if self.are_coefficients:
            raise DesignError(
                f"{self.design.estimator} holds {len(self.estimate)} coefficients, and different "
                "coefficients have no average.\n"
                "  Take one from to_frame(), or a linear combination with combine(weights)."
            )
        event = self.terms["event_time"].to_numpy(float, na_value=np.nan)
        post = event >= 0
        if not post.any():
            raise DesignError(
                f"{self.design.estimator} shows no effect after treatment starts, so there is "
                "no average of them.\n  Take one term from to_frame()."
            )
        return combine_effects(self, post / post.sum())

    def combine(self, weights: NDArray[np.float64]) -> Self:
        """Return a linear combination of the terms, in the outcome's unit, as one term.

        Parameters
        ----------
        weights : ndarray, shape (k,)
            One a term.

        Returns
        -------
        Effects
            One term, "overall". Estimated again, it takes the terms of the same names.
        """
        return combine_terms(self, weights)

    def _averaged(
        self,
        plan: Plan,
        kind: Kind,
        balance: int | None,
        influence: NDArray[np.float64] | None,
        vcov: NDArray[np.float64] | None,
    ) -> Self:
        counts = count_units(self.terms, plan.weights)
        return replace(
            self,
            estimate=plan.weights.T @ self.estimate,
            terms=terms_frame(self.design.outcome, n_units=counts, **plan.labels),  # type: ignore[arg-type]
            influence_function=influence,
            given_vcov=vcov,
            mass=None,
            regression=None,
            refit=_average_of(self.refit, kind, balance),
            universal=_average_of(self.universal, kind, balance),
            unit_trend=None if self.unit_trend is None else self.unit_trend @ plan.weights,
            overall_effect=None,
            given_truth=average_truth(self.truth, plan.weights),
            treated_clusters=_most(self.held_by, plan.weights),
        )

    def _average_drawn(self, plan: Plan, kind: Kind, balance: int | None) -> Self:
        """Average where draws gave a variance; cell sizes count as given."""
        used = (plan.weights != 0).any(axis=1)
        weights = plan.weights[used]
        vcov = weights.T @ self.vcov[np.ix_(used, used)] @ weights
        result = self._averaged(plan, kind, balance, None, vcov)
        if len(vcov) == 1:
            return result
        return replace(result, overall_effect=combine_effects(result, plan.overall))

    def _mass_influence(
        self, slopes: NDArray[np.float64], terms: pd.DataFrame
    ) -> NDArray[np.float64]:
        units = self.units
        if units is None:
            raise DesignError("this estimate carries no units.\n  Average it where it was made.")
        seen = None
        if units.years is not None and units.observed is not None:
            seen = (units.years, units.observed)
        weight = units.relative_weight
        if units.outcome is not None:
            weight = weight * (units.outcome == self.design.outcome)
        return mass_influence(slopes, terms, units.cohort, weight, seen)

    def _already(self, kind: str, balance: int | None) -> Self:
        shown = self.terms["event_time"].notna().all()
        if kind == "event_time" and shown and balance is None:
            return self
        can = 'aggregate("event_time") and .overall' if shown else ".overall"
        raise DesignError(
            f'{self.design.estimator} has no cohort-by-year effects to average by "{kind}"'
            f"{'' if balance is None else f' with balance={balance}'}.\n"
            f"  It offers {can}; att_gt and did_imputation offer every average."
        )


def _average_of(
    make: Callable[..., Any] | None, kind: Kind, balance: int | None
) -> Callable[..., Any] | None:
    return None if make is None else partial(_average_again, make, kind, balance)


def _average_again(
    refit: Callable[..., Any], kind: Kind, balance: int | None, *args: Any, **options: Any
) -> Any:
    return refit(*args, **options).aggregate(kind, balance=balance)


def _most(held_by: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count the treated clusters of the cell that has most, in each average, shape (m,)."""
    return np.where(weights != 0, held_by[:, None], 0).max(axis=0)
