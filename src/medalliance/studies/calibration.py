"""Set the simulator beside published figures: what was matched, how far off, what could not be."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from ..evidence import load_evidence
from ..exhibits import Exhibit
from ..outcomes import outcome_values
from ..panel import Panel, PanelWarning
from ..provenance import Badge, weakest
from ..simulate import simulate_panel
from ..tables import table

SOURCE = "national bulletins by source; the book's simulator without a reform, five draws"
UNMATCHED = (
    "Not matched, for no figure is published for counties: the share of visits out of the county, "
    "the pay of township and village staff, the spread of spending between counties, "
    "the deviation of a county's surplus from its mean, and how patients answer effort. "
    "These are assumed."
)


def targets() -> pd.DataFrame:
    """Return the published moments that the simulator is held to.

    Returns
    -------
    DataFrame
        ``moment, year, unit, value, source``.
    """
    s = load_evidence().statistics
    s = s[(s["level"] == "national") & s["month_end"].isna() & (s["vintage"] == "final")]

    def value(name: str, year: int) -> tuple[float, str]:
        row = s[(s["variable"] == name) & (s["year"] == year)].iloc[0]
        return float(row["value"]), str(row["source_id"])

    rows = []
    county, origin = value("visits_county_hospital", 2022)
    for place, name in (
        ("village clinic", "village_clinic"),
        ("township centre", "township_centre"),
    ):
        visits, source = value(f"visits_{name}", 2022)
        rows.append((f"{place} visits to one county hospital visit", 2022, "visits",
                     visits / county, f"{source}, {origin}"))  # fmt: skip
    for year in (2021, 2022, 2023):
        money, source = value("residents_fund_spending", year)
        people, _ = value("residents_insured", year)
        rows.append(("residents' fund spending per insured", year, "yuan", money / people, source))
    pay, source = value("wage_county_public_hospital_staff", 2015)
    rows.append(("pay of county hospital staff", 2015, "yuan per year", pay, source))
    return pd.DataFrame(rows, columns=["moment", "year", "unit", "value", "source"])


def moments(panel: Panel) -> list[float]:
    """Return the same moments of a panel, in the order of :func:`targets`."""
    frame = panel.frame
    year = frame["year"].to_numpy()
    frame = frame.assign(
        pay=outcome_values(panel, "nominal_remuneration_per_fte_yuan_hospital"), year=year
    )
    at = {y: frame[frame["year"] == y] for y in (2015, 2021, 2022, 2023)}
    total = at[2022][["visits_village", "visits_township", "visits_county"]].sum()
    spent = [at[y]["spending"].sum() / at[y]["insured_n"].sum() for y in (2021, 2022, 2023)]
    return [
        float(total["visits_village"] / total["visits_county"]),
        float(total["visits_township"] / total["visits_county"]),
        *map(float, spent),
        float(at[2015]["pay"].mean()),
    ]


def fitted(n_draws: int = 5, n_counties: int = 400) -> pd.DataFrame:
    """Return targets beside the simulated moments without a reform.

    Returns
    -------
    DataFrame
        :func:`targets` with ``fitted``, ``spread`` (standard deviation over draws) and
        ``distance`` (fitted over value, less one).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        drawn = [
            moments(simulate_panel(n_counties, 12, seed, rules=None, channels=False).panel)
            for seed in range(n_draws)
        ]
    mean, spread = np.mean(drawn, axis=0), np.std(drawn, axis=0, ddof=1)
    found = targets().assign(fitted=mean, spread=spread)
    return found.assign(distance=found["fitted"] / found["value"] - 1)


def calibration_table() -> Exhibit:
    """Set targets beside fitted moments."""
    frame = fitted()
    frame = frame[["moment", "year", "unit", "value", "fitted", "spread", "distance", "source"]]
    large = frame["value"] > 100
    for name in ("value", "fitted", "spread"):
        frame[name] = [
            f"{v:,.0f}" if big else f"{v:.3f}" for v, big in zip(frame[name], large, strict=True)
        ]
    frame["distance"] = [f"{v:+.1%}" for v in frame["distance"]]
    return table(
        frame,
        caption="Published moments beside the simulated counties without a reform. " + UNMATCHED,
        badge=weakest(Badge.REAL, Badge.SYNTHETIC),
        source=SOURCE,
        labels={"value": "published", "spread": "spread over draws"},
    )
