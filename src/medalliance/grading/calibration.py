"""Fit the simulator to published figures: what was matched, how far off, what could not be."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..evidence.quoting import facts
from ..panel import PanelWarning
from ..provenance import Badge, Provenance
from ..show.exhibits import Exhibit
from ..show.front import show
from ..simulate import Parameters, fitted_parameters, simulate_panel

Array = NDArray[np.float64]

SEEDS, N_COUNTIES = (0, 1, 2), 200
SOURCE = Provenance(
    Badge.SYNTHETIC,
    "published figures by source; the book's simulator without a reform, three draws",
)
UNMATCHED = (
    "Scope says what a figure covers. National counts include cities, so they are held to a wider "
    "tolerance; no count of all county residents' visits is published. Not matched, for nothing "
    "is published for counties: what a visit or an admission costs by tier, the spread of "
    "spending and of surpluses between counties, and how members and patients answer a rule. "
    "These are assumed."
)
# How far a fitted moment may lie from a figure of each scope before it counts as one unit.
RELATIVE = {
    "county tiers": 0.02,
    "residents' scheme": 0.02,
    "national, with cities": 0.05,
    "rural scheme": 0.03,
    "one place": 0.15,
}
ABSOLUTE = 0.02
TOLERANCE = 0.005  # part of a parameter that a refit may move it
PILOTS = {
    "in_county_visit_share": "visits in the county, share",
    "in_county_share_of_fund": "fund spent in the county, share",
    "primary_care_share_of_fund": "primary care's share of the fund spent in the county",
    "primary_care_outpatient_share": "primary care's share of visits in the county",
}
PLACES = (
    ("dali_county_yunnan", "township_staff_self_reported_income_median", "pay_T", "township staff"),
    (
        "dali_county_yunnan",
        "village_clinic_self_reported_income_median",
        "pay_V",
        "village clinic staff",
    ),
    ("qianjiang_hubei", "village_doctor_mean_annual_income", "pay_V", "village doctors"),
    ("haixi_qinghai", "village_doctor_mean_annual_income", "pay_V", "village doctors"),
)

Row = tuple[str, int, str, float, str, str, float]
COLUMNS = ("moment", "year", "unit", "value", "scope", "source", "tolerance")


@dataclass(frozen=True)
class Fit:
    """Parameters that bring simulated moments closest to published ones."""

    parameters: Parameters
    distance: float
    evaluations: int
    converged: bool


def targets() -> pd.DataFrame:
    """Return the published moments that the simulator is held to.

    Returns
    -------
    DataFrame
        ``moment year unit value scope source tolerance``. ``tolerance`` is the standard error
        of a mean over pilot counties, else a stated part of the value (``RELATIVE``, by scope)
        or a stated difference of rates (``ABSOLUTE``).
    """
    rows = [*_visits(), *_pilot_counties(), *_fund(), *_pay()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _national(name: str, year: int) -> tuple[float, str]:
    s = facts().statistics
    s = s[(s["level"] == "national") & s["month_end"].isna() & (s["vintage"] == "final")]
    row = s[(s["variable"] == name) & (s["year"] == year)].iloc[0]
    return float(row["value"]), str(row["source_id"])


def _ratio(name: str, over: str, year: int, under_year: int = 0) -> tuple[float, str]:
    top, source = _national(name, year)
    bottom, other = _national(over, under_year or year)
    return top / bottom, ", ".join(dict.fromkeys((source, other)))


def _visits() -> Iterator[Row]:
    scope = "county tiers"
    for words in ("village", "township"):
        name = {"village": "visits_village_clinic", "township": "visits_township_centre"}[words]
        value, source = _ratio(name, "visits_county_hospital", 2022)
        label = f"{words} visits to one county hospital visit"
        yield label, 2022, "visits", value, scope, source, RELATIVE[scope] * value
    scope = "national, with cities"
    for year in (2021, 2022):
        value, source = _ratio("visits_total", "all_schemes_insured", year)
        yield "visits per insured", year, "visits", value, scope, source, RELATIVE[scope] * value
    value, source = _ratio("visits_total", "visits_total", 2019, 2014)
    yield "growth of visits since 2014", 2019, "log", np.log(value), scope, source, ABSOLUTE
    early, late = (_national("primary_care_share_of_visits", year) for year in (2014, 2021))
    yield (
        "change of primary care's share of visits since 2014",
        2021,
        "share",
        late[0] - early[0],
        scope,
        f"{late[1]}, {early[1]}",
        ABSOLUTE,
    )


def _pilot_counties() -> Iterator[Row]:
    cases = facts().cases
    cases = cases[cases["source_id"] == "S19"]
    for name, words in PILOTS.items():
        values = cases.loc[cases["variable"] == name, "value"].astype(float)
        error = float(values.std(ddof=1) / np.sqrt(len(values)))
        scope = f"{len(values)} pilot counties"
        yield words, 2019, "share", float(values.mean()), scope, "S19", error


def _fund() -> Iterator[Row]:
    scope = "residents' scheme"
    for year in (2021, 2022, 2023):
        value, source = _ratio("residents_fund_spending", "residents_insured", year)
        room = RELATIVE[scope] * value
        yield "fund spending per insured", year, "yuan", value, scope, source, room
    for year in (2021, 2022, 2023):
        kept, source = _ratio("residents_fund_spending", "residents_fund_revenue", year)
        yield "fund surplus, part of income", year, "share", 1 - kept, scope, source, ABSOLUTE
    scope = "rural scheme"
    value, source = _ratio("ncms_fund_raised", "ncms_enrollees", 2011)
    yield "fund income per insured", 2011, "yuan", value, scope, source, RELATIVE[scope] * value


def _pay() -> Iterator[Row]:
    scope = "county tiers"
    value, source = _national("wage_county_public_hospital_staff", 2015)
    room = RELATIVE[scope] * value
    yield "pay of county hospital staff", 2015, "yuan a year", value, scope, source, room
    scope = "national, with cities"
    for year in (2016, 2017):
        value, source = _national("wage_health_sector_growth", year)
        yield "growth of health workers' pay", year, "a year", value, scope, source, ABSOLUTE
    value, source = _ratio("wage_health_sector", "wage_health_sector", 2022, 2021)
    yield "growth of health workers' pay", 2022, "a year", value - 1, scope, source, ABSOLUTE
    cases, scope = facts().cases, "one place"
    for slug, variable, _, words in PLACES:
        row = cases[(cases["case_slug"] == slug) & (cases["variable"] == variable)].iloc[0]
        value = float(row["value"])
        yield (
            f"pay of {words}",
            int(row["year_start"]),
            "yuan a year",
            value,
            scope,
            str(row["source_id"]),
            RELATIVE[scope] * value,
        )


def moments(frame: pd.DataFrame) -> Array:
    """Return the same moments of a panel's table, in the order of :func:`targets`."""
    total = frame.groupby("year").sum(numeric_only=True)
    visits = total[[f"visits_{place}" for place in ("village", "township", "county", "out")]]
    per_head = visits.sum(axis=1) / total["insured_n"]
    primary = visits[["visits_village", "visits_township"]].sum(axis=1)
    inside = visits.drop(columns="visits_out").sum(axis=1)
    share = primary / visits.sum(axis=1)
    held = total["spending"] - total["out_of_county_spending"]
    spent = total["spending"] / total["insured_n"]
    income = total["county_account_income"] / total["insured_n"]
    surplus = 1 - total["spending"] / total["county_account_income"]
    pay = {f"pay_{tier}": _pay_per_head(total, tier) for tier in "HTV"}
    growth = pay["pay_H"] / pay["pay_H"].shift() - 1
    found = [
        visits["visits_village"][2022] / visits["visits_county"][2022],
        visits["visits_township"][2022] / visits["visits_county"][2022],
        per_head[2021],
        per_head[2022],
        np.log(per_head[2019] / per_head[2014]),
        share[2021] - share[2014],
        inside[2019] / visits.loc[2019].sum(),
        held[2019] / total.loc[2019, "spending"],
        total.loc[2019, "primary_care_spending"] / held[2019],
        primary[2019] / inside[2019],
        *spent[[2021, 2022, 2023]],
        *surplus[[2021, 2022, 2023]],
        income[2012] ** 2 / income[2013],  # one year back at the first year's growth
        pay["pay_H"][2015],
        *growth[[2016, 2017, 2022]],
        *(pay[column][_year_of(slug, name)] for slug, name, column, _ in PLACES),
    ]
    return np.array(found, dtype=float)


def _pay_per_head(total: pd.DataFrame, tier: str) -> pd.Series:
    money = total[[name for name in total if name.startswith(f"pay_{tier}_")]].sum(axis=1)
    return money / total[[name for name in total if name.startswith(f"fte_{tier}_")]].sum(axis=1)


def _year_of(slug: str, variable: str) -> int:
    cases = facts().cases
    row = cases[(cases["case_slug"] == slug) & (cases["variable"] == variable)].iloc[0]
    return int(row["year_start"])


def drawn(parameters: Parameters) -> Array:
    """Return simulated moments by draw, always on the same random numbers.

    Returns
    -------
    ndarray, shape (n_draws, n_moments)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return np.array(
            [
                moments(
                    simulate_panel(
                        N_COUNTIES,
                        12,
                        seed,
                        None,
                        channels=False,
                        outcomes=(),
                        parameters=parameters,
                    ).panel.frame
                )
                for seed in SEEDS
            ]
        )


def calibrate(start: Parameters | None = None) -> Fit:
    """Fit all parameters by the method of simulated moments.

    Every evaluation draws the same counties with the same random numbers, so that the distance is
    a smooth function of the parameters. It is the sum of squared differences between simulated
    and published moments, each divided by the tolerance of the published one.

    Parameters
    ----------
    start : Parameters, optional
        Where the search starts; the stored ones without it.

    Returns
    -------
    Fit

    References
    ----------
    McFadden (1989), Econometrica 57(5); Gouriéroux and Monfort (1996), chapter 2.
    """
    from scipy.optimize import least_squares

    first = np.array(astuple(start or fitted_parameters()))
    found = least_squares(
        residuals,
        np.ones(len(first)),
        args=(first, targets()),
        diff_step=1e-4,
        xtol=1e-9,
        ftol=1e-9,
        gtol=1e-9,
    )
    return Fit(
        _at(found.x, first),
        float(2 * found.cost),
        int(found.nfev),
        bool(found.status in (1, 2, 3, 4)),
    )


def residuals(scale: Array, first: Array, wanted: pd.DataFrame) -> Array:
    """Return differences of moments in units of their tolerance.

    Parameters
    ----------
    scale, first : ndarray, shape (n_parameters,)
        Parameters are their product.
    wanted : DataFrame
        As :func:`targets`.
    """
    simulated = drawn(_at(scale, first)).mean(axis=0)
    return np.asarray((simulated - wanted["value"]) / wanted["tolerance"], dtype=float)


def _at(scale: Array, first: Array) -> Parameters:
    names = [field.name for field in fields(Parameters)]
    return Parameters(**dict(zip(names, map(float, scale * first), strict=True)))


def fitted(parameters: Parameters | None = None) -> pd.DataFrame:
    """Return targets beside the simulated moments without a reform.

    Returns
    -------
    DataFrame
        :func:`targets` with ``fitted``, ``spread`` (standard deviation over draws) and
        ``distance`` (fitted less published, in units of the tolerance).
    """
    draws = drawn(parameters or fitted_parameters())
    found = targets().assign(fitted=draws.mean(axis=0), spread=draws.std(axis=0, ddof=1))
    return found.assign(distance=(found["fitted"] - found["value"]) / found["tolerance"])


def calibration_table() -> Exhibit:
    """Set targets beside fitted moments."""
    frame = fitted()
    large = frame["value"] > 100
    for name in ("value", "tolerance", "fitted", "spread"):
        frame[name] = [
            f"{v:,.0f}" if big else f"{v:.3f}" for v, big in zip(frame[name], large, strict=True)
        ]
    frame["distance"] = [f"{v:+.1f}" for v in frame["distance"]]
    shown = [
        "moment",
        "year",
        "unit",
        "scope",
        "value",
        "fitted",
        "spread",
        "tolerance",
        "distance",
        "source",
    ]
    return show(
        frame[shown],
        "Published moments beside the simulated counties without a reform. Distance is "
        f"the difference in units of the tolerance. {UNMATCHED}",
        about=SOURCE,
        labels={"value": "published", "spread": "spread over draws"},
    )


def parameters_table() -> Exhibit:
    """Set the fitted parameters."""
    values = asdict(fitted_parameters())
    rows = pd.DataFrame(
        {
            "parameter": [name.replace("_", " ") for name in values],
            "fitted": [f"{value:,.6g}" for value in values.values()],
        }
    )
    return show(
        rows,
        "Parameters that were fitted to these moments. Everything else that the "
        "simulator needs is assumed.",
        about=Provenance(
            Badge.SYNTHETIC, "medalliance calibrate, by the method of simulated moments"
        ),
    )
