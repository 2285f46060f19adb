"""Effects of reforms that had not happened yet."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
import pandas as pd

from ..errors import DesignError, listed_numbers
from ..inference._refit import HEADLINE, attempt, need_refit, used_panel
from ..panel import NEVER_TREATED, Panel
from ..results import Effects, findings_of
from ..show.findings import Findings
from ..show.plots import forest


def placebo_dates(
    effects: Effects, panel: Panel, *, shifts: Iterable[int] = (1, 2, 3), level: float = 0.95
) -> Findings:
    """Estimate the headline as if reforms had come earlier, on untreated years alone.

    Parameters
    ----------
    effects : Effects
    panel : Panel
        The panel that the effects were estimated on. Years from treatment on (less the anticipation
        of the effects) are left out.
    shifts : iterable of int
        Years by which cohorts are moved to earlier dates, beyond those of anticipation.
    level : float

    Returns
    -------
    Findings, columns ``shift estimate std_error conf_low conf_high p_value n_units note``
        ``note`` says why there is no estimate, as when no earlier year is left.

    Raises
    ------
    DesignError
        If the effects cannot be estimated again, or a shift is not a positive whole number.
    """
    refit = need_refit(effects, "placebo_dates")
    moves = listed_numbers("shifts", shifts)
    if not moves or any(move < 1 or move != int(move) for move in moves):
        raise DesignError(f"shifts {moves}.\n  Give positive numbers of years, as (1, 2, 3).")
    panel = used_panel(effects, panel)
    cohort, year = (panel.frame[name].to_numpy(np.int64) for name in (panel.cohort, panel.year))
    never = cohort == NEVER_TREATED
    early = effects.design.anticipation
    untreated = panel.keep(never | (year < cohort - early))
    left = untreated.frame[panel.cohort].to_numpy(np.int64)
    rows = [
        {
            "shift": shift,
            **attempt(
                refit,
                untreated.with_columns(
                    **{panel.cohort: np.where(left == NEVER_TREATED, left, left - early - shift)}
                ),
                level,
            ),
        }
        for shift in map(int, moves)
    ]
    table = pd.DataFrame(rows, columns=["shift", *HEADLINE, "n_units", "note"])
    return findings_of(
        effects.design,
        table,
        f"Effects on {effects.design.outcome} of reforms that had not happened yet",
        draw=partial(forest, label="shift"),
    )
