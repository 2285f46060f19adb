"""The teaching panel: one draw of the simulator, frozen, with its true effects beside it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from . import simulate_panel

SEED = 20_240_601
N_COUNTIES, N_YEARS = 200, 12
THREATS = ("het_dynamic",)
HIRING = 0.02


def generate(seed: int = SEED) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the teaching panel: effects that grow with time and differ by cohort.

    Returns
    -------
    panel : DataFrame, shape (2400, n_columns)
        Raw columns of the county-year schema, with invented names and codes.
    truth : DataFrame
        ``outcome, cohort, year, att, n_units``: mean difference between the run under the rule
        and the run without it.
    """
    found = simulate_panel(
        N_COUNTIES, N_YEARS, seed, threats=THREATS, channels=False, hiring=HIRING
    )
    return found.panel.frame, found.truth.drop(columns="channel")


def write(folder: Path) -> None:
    """Write the frozen files ``panel.csv`` and ``truth.csv`` into a folder."""
    panel, truth = generate()
    panel.to_csv(folder / "panel.csv", index=False, lineterminator="\n")
    truth.to_csv(folder / "truth.csv", index=False, float_format="%.12g")
