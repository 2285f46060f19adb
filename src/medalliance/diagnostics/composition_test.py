"""Whether who is asked changes with treatment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, check_level
from ..estimators._sample import keep_usable
from ..estimators.att_gt import att_gt
from ..inference._fit import need_two_treated_clusters
from ..outcomes import outcome_values
from ..panel import Panel, need_panel
from ..results import Effects, findings_of
from ..show.findings import Findings
from ..show.plots import forest

Array = NDArray[np.float64]


def composition_test(
    panel: Panel,
    covariates: Sequence[str],
    *,
    outcome: str | None = None,
    control_group: Literal["not_yet_treated", "never_treated"] = "not_yet_treated",
    anticipation: int = 0,
    weights: str | None = None,
    level: float = 0.95,
) -> Findings:
    """Test that treatment does not change who is in a repeated cross-section.

    Effects of a repeated cross-section compare different people before and after. The first part
    takes each covariate that treatment cannot move as an outcome: an effect on it is a change of
    who is asked. The second, with ``outcome``, holds the effect that needs a stable composition
    against the one that does not.

    Parameters
    ----------
    panel : Panel
        Made with ``repeated_cross_section=True``.
    covariates : sequence of str
        Columns that treatment cannot move, as age or schooling.
    outcome : str, optional
        Column or registered outcome of the second part.
    control_group : {"not_yet_treated", "never_treated"}
    anticipation : int
    weights : str, optional
        Column of weights of people; the panel's own without it.
    level : float
        Of the intervals; one less the size of the tests in ``.reading``.

    Returns
    -------
    Findings, columns ``kind term estimate std_error conf_low conf_high p_value``
        Rows of kind ``"covariate"`` are in standard deviations of the covariate, those of kind
        ``"effect"`` in the outcome's unit: stable, changing, and their difference, whose p-value
        is the Hausman test's. ``.p_balance`` tests all covariates together, ``.p_hausman`` the
        difference (None without ``outcome``). The picture shows the covariates.

    Raises
    ------
    DesignError
        If the panel is no repeated cross-section, no covariate is named, or none varies.

    References
    ----------
    Sant'Anna, Xu (2023), "Difference-in-Differences with Compositional Changes", section 4, for
    the Hausman test; the variance of the difference is that of the difference of influences.
    """
    need_panel(panel)
    check_level(level)
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    if panel.area is None or not names:
        raise DesignError(
            "who is asked can change in a repeated cross-section alone, and covariates show it.\n"
            "  Make the panel with repeated_cross_section=True, and name covariates."
        )
    rule: dict[str, Any] = {
        "control_group": control_group, "anticipation": anticipation, "weights": weights,
    }  # fmt: skip
    used, _ = keep_usable(panel, [*names, *([outcome] if outcome else [])])
    found = [att_gt(_in_deviations(used, name), name, **rule).overall for name in names]
    need_two_treated_clusters(found[0], "composition_test")
    psi = np.column_stack([one.cluster_influence[:, 0] for one in found])
    gap = np.array([one.estimate[0] for one in found])
    p_balance = float(stats.chi2.sf(gap @ np.linalg.pinv(psi.T @ psi) @ gap,
                                    np.linalg.matrix_rank(psi.T @ psi)))  # fmt: skip
    rows = [_row("covariate", name, *one) for name, one in zip(names, zip(gap, psi.T, strict=True),
                                                               strict=True)]  # fmt: skip
    p_hausman, design = None, found[0].design
    if outcome is not None:
        stable, changing = (
            _with_covariates(used, outcome, names, kind, rule) for kind in ("stable", "changing")
        )
        design = stable.design
        sides = [
            (float(one.estimate[0]), one.cluster_influence[:, 0]) for one in (stable, changing)
        ]
        apart = sides[1][0] - sides[0][0], sides[1][1] - sides[0][1]
        labels = "stable composition", "changing composition", "changing less stable"
        rows += [_row("effect", label, *one) for label, one in zip(labels, (*sides, apart),
                                                                   strict=True)]  # fmt: skip
        p_hausman = float(rows[-1]["p_value"])
    frame = pd.DataFrame(rows)
    half = stats.norm.ppf((1 + level) / 2) * frame["std_error"]
    frame.insert(4, "conf_low", frame["estimate"] - half)
    frame.insert(5, "conf_high", frame["estimate"] + half)
    return findings_of(
        design,
        frame,
        "Whether treatment changes who is asked",
        draw=_draw,
        p_balance=p_balance,
        p_hausman=p_hausman,
        reading=_reading(p_balance, p_hausman, len(names), level),
    )


def _in_deviations(panel: Panel, name: str) -> Panel:
    values = outcome_values(panel, name)
    spread = values.std()
    if not spread > 0:
        raise DesignError(f"{name!r} does not vary.\n  Name another covariate.")
    return panel.with_columns(**{name: (values - values.mean()) / spread})


def _with_covariates(
    panel: Panel, outcome: str, names: list[str], composition: Any, rule: dict[str, Any]
) -> Effects:
    return att_gt(panel, outcome, covariates=names, composition=composition, **rule).overall


def _row(kind: str, term: str, estimate: float, psi: Array) -> dict[str, Any]:
    error = float(np.sqrt(psi @ psi))
    p_value = 2 * stats.norm.sf(abs(estimate) / error) if error > 0 else float(estimate == 0)
    return {"kind": kind, "term": term, "estimate": estimate, "std_error": error,
            "p_value": p_value}  # fmt: skip


def _draw(frame: pd.DataFrame, ax: Any = None, **options: Any) -> Any:
    """Draw the covariates, which share a unit."""
    mine = frame[frame["kind"] == "covariate"]
    return partial(forest, label="term", unit="standard deviations")(mine, ax=ax, **options)


def _reading(p_balance: float, p_hausman: float | None, count: int, level: float) -> str:
    def verdict(p_value: float) -> str:
        rejected = "rejected" if p_value <= 1 - level else "not rejected"
        return f"{rejected} at {100 * (1 - level):.3g} % (p = {p_value:.3f})"

    said = f"That treatment moves none of {count} covariates is {verdict(p_balance)}."
    if p_hausman is None:
        return said
    return (
        f"{said} That the effects with a stable and with a changing composition are equal is "
        f"{verdict(p_hausman)}."
    )
