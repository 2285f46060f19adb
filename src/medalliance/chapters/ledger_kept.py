"""The small tables of the ledger chapter that are published with the project."""

from __future__ import annotations

from functools import cache

import pandas as pd

from ..evidence.quoting import facts
from ..mssp import ONE_SIDED, read_mssp
from ..outcomes import outcome_values
from ..panel import Panel
from ..registered.ledger_effects import LABELS, REGISTERED, headline_table
from ..registered.ledger_panel import Ledger, ledger

_MEANS = {
    "surplus": "surplus_rate",
    "budget_person": "budget_per_person_usd",
    "spending_person": "spending_per_person_usd",
    "share_primary": "primary_share",
    "share_physician": "physician_share",
}


@cache
def load_ledger(last_year: int | None = REGISTERED.last_year) -> Ledger:
    """Read the public files of the Shared Savings Program as a panel.

    Parameters
    ----------
    last_year : int or None
        Last year that is read: that of the registration, or None for every year in the folder.
        A later year also changes who counts as a control, so it is never read by default.

    Returns
    -------
    Ledger
        ``.panel`` with an account of the rows that did not enter it. Read once; later calls
        return the same.

    Raises
    ------
    DataError
        If ``MEDALLIANCE_MSSP_DIR`` holds no file; ``make data-mssp`` downloads them.
    """
    return ledger(read_mssp(last_year=last_year))


def by_year_and_track(made: Ledger) -> pd.DataFrame:
    """Describe every row of the files, also those left out of effects, by year and track.

    Returns
    -------
    DataFrame
        ``year track side organisations in_panel`` and means over organisations: ``surplus_rate``
        (0-1), ``budget_per_person_usd``, ``spending_per_person_usd`` (whole dollars),
        ``primary_share``, ``physician_share`` (0-1; blank in 2013).
    """
    rows = made.rows.assign(
        surplus=1 - made.rows["spending_cents"] / made.rows["budget_cents"],
        budget_person=made.rows["budget"] / made.rows["insured_n"],
        spending_person=made.rows["spending"] / made.rows["insured_n"],
        in_panel=made.rows["aco"].isin(made.panel.units),
    )
    groups = rows.groupby(["year", "track"])
    table = groups[list(_MEANS)].mean().rename(columns=_MEANS)
    table = table.round(dict.fromkeys(table, 4))
    for money in ("budget_per_person_usd", "spending_per_person_usd"):
        table[money] = table[money].round().astype("int64")
    table.insert(0, "organisations", groups.size())
    table.insert(1, "in_panel", groups["in_panel"].sum().astype("int64"))
    table = table.reset_index()
    side = table["track"].isin(ONE_SIDED).map({True: "one-sided", False: "two-sided"})
    table.insert(2, "side", side)
    return table


def trends(made: Ledger) -> pd.DataFrame:
    """Average both primary-care shares by year over the organisations of the panel.

    Returns
    -------
    DataFrame
        ``year``, ``share_physician``, ``share_primary``, ``surplus``; the first two from 2014.
    """
    panel: Panel = made.panel
    frame = panel.frame.assign(surplus=outcome_values(panel, "fund_surplus_rate"))
    return (
        frame.groupby("year")[["share_physician", "share_primary", "surplus"]].mean().reset_index()
    )


def kept_tables(made: Ledger) -> dict[str, pd.DataFrame]:
    """Return the tables that ``data/published`` keeps.

    Returns
    -------
    dict of str to DataFrame
        ``mssp_ledger`` (means by year and track) and ``mssp_effects`` (registered headlines).
    """
    means = by_year_and_track(made)
    means.insert(0, "row_id", [f"ml{number:03d}" for number in range(1, len(means) + 1)])
    found = headline_table(made.panel)
    effects = pd.DataFrame(
        {
            "row_id": [f"mf{number:03d}" for number in range(1, len(found) + 1)],
            "outcome": found["outcome"].map(LABELS),
            **{
                name: found[name].round(5)
                for name in ("estimate", "std_error", "conf_low", "conf_high")
            },
            "p_value": found["p_value"].round(4),
            "p_adjusted": found["p_adjusted"].round(4),
            "organisations": found["n_units"],
            "moved": found["n_moved"],
        }
    )
    return {
        name: table.assign(source_id="I09")
        for name, table in (("mssp_ledger", means), ("mssp_effects", effects))
    }


def load_by_year_and_track() -> pd.DataFrame:
    """Load the kept means by year and track."""
    return facts().mssp_ledger.drop(columns="grade")


def load_headlines() -> pd.DataFrame:
    """Load the kept registered headlines."""
    return facts().mssp_effects.drop(columns="grade")
