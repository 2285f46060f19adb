"""Effects on outcomes that the reform cannot reach."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd

from ..errors import DesignError
from ..inference._refit import HEADLINE, attempt, need_refit
from ..outcomes import need_outcome
from ..panel import Panel
from ..results import Effects, findings_of
from ..show.findings import Findings
from ..show.plots import forest


def placebo_outcomes(
    effects: Effects, panel: Panel, outcomes: Sequence[str], *, level: float = 0.95
) -> Findings:
    """Estimate the headline for outcomes that should not move.

    Parameters
    ----------
    effects : Effects
    panel : Panel
    outcomes : sequence of str
        Out-of-scope drugs, or visits of a scheme that the contract does not cover.
    level : float

    Returns
    -------
    Findings, columns ``role outcome estimate std_error conf_low conf_high p_value n_units note``
        The first row is the outcome of the effects. ``note`` says why there is no estimate, where
        the panel or the design cannot give one.

    Raises
    ------
    DesignError
        If the effects cannot be estimated again, no outcome is given, or one is neither a column
        of the panel nor a registered outcome.
    """
    refit = need_refit(effects, "placebo_outcomes")
    names = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    if not names:
        raise DesignError("no placebo outcome.\n  Name columns that the reform cannot reach.")
    own = effects.design.outcome
    for name in (own, *names):
        need_outcome(panel, name)
    rows = [
        {"role": role, "outcome": name, **attempt(refit, panel, level, outcome=name)}
        for role, name in [("headline", own), *(("placebo", name) for name in names)]
    ]
    table = pd.DataFrame(rows, columns=["role", "outcome", *HEADLINE, "n_units", "note"])
    return findings_of(
        effects.design,
        table,
        "Effects on outcomes that the reform cannot reach",
        draw=partial(forest, label="outcome"),
    )
