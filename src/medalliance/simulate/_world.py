"""Draw a world: counties, their fixed traits, and shocks that do not depend on the reform."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._parameters import Parameters

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_YEAR = 2012
PER_PREFECTURE, PER_PROVINCE = 10, 5
TIERS = ("H", "T", "V")
# Per tier of the model: lead hospital, township, village.
MEMBERS = np.array([1.0, 12.0, 100.0])
TYPE_PAY = np.array([1.25, 0.95, 0.9, 0.8])
INFLATION = 0.021
STAFF = np.array([[210, 330, 110, 90], [190, 140, 80, 60], [260, 20, 10, 4]], dtype=float)


@dataclass(frozen=True, eq=False)
class World:
    """Hold what is the same whether a county reforms or not.

    Grids have shape (n_counties, n_years); tiers come last in the order lead hospital, township,
    village, outside. ``potency`` scales effort by cohort and years since; ``before`` is what the
    reform adds to log spending in the year before it; ``leak`` what a treated neighbour adds;
    ``hiring`` the log points a year by which township centres then shift to physicians.
    """

    keys: pd.DataFrame
    years: Ints
    cohort: Ints
    insured: Array
    adjustment: Array
    fiscal: Array
    score: Array
    effort_cost: Array
    log_cost: Array
    log_volume: Array
    appeal: Array
    log_wage: Array
    staff: Array
    income: Array
    overhead: Array
    employee_visits: Array
    drg: Array
    visit_def: Array
    out_exposure: Array
    rural: Array
    neighbours: pd.DataFrame
    fit: Parameters
    before: float = 0.0
    leak: float = 0.0
    hiring: float = 0.0
    dynamic: bool = False
    switches: tuple[str, ...] = field(default=())

    @property
    def shape(self) -> tuple[int, int]:
        """Counties, years."""
        return len(self.keys), len(self.years)

    @property
    def prefecture(self) -> Ints:
        """Prefecture of each county, 0..n_prefectures-1."""
        return self.keys["prefecture"].to_numpy(np.int64)

    @property
    def price_index(self) -> Array:
        """Growth of the capitation quota since the first year, shape (n_years,)."""
        return np.asarray(
            (1 + self.fit.quota_growth) ** np.arange(len(self.years)), dtype=np.float64
        )


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one block of shocks, so that switches leave the others alone."""
    return np.random.default_rng([seed, *name.encode()])


def draw_world(n_counties: int, n_years: int, seed: int, fit: Parameters) -> World:
    """Draw counties and shocks; nobody is treated yet."""
    county = np.arange(n_counties)
    prefecture = county // PER_PREFECTURE
    n_pref, t = int(prefecture[-1]) + 1, np.arange(n_years)
    n = n_counties

    def normal(name: str, scale: float, *shape: int) -> Array:
        return stream(seed, name).normal(0.0, scale, shape)

    fiscal = normal("fiscal", 0.8, n_pref)[prefecture] + normal("fiscal own", 0.6, n)
    level = normal("level", 0.07, n, 1) - 0.02
    area = normal("area", 0.008, n_pref, n_years).cumsum(axis=1)[prefecture]
    wage_area = normal("wage area", 0.004, n_pref, n_years).cumsum(axis=1)[prefecture]
    wage = normal("wage", 0.07, n, 1, 3) + normal("wage noise", 0.02, n, n_years, 3)
    appeal = fit.appeal + fit.yearly_drift * t[:, None]
    appeal = appeal + normal("place", 0.010, n_pref, n_years, 4)[prefecture]
    appeal = appeal + normal("taste", 0.18, n, 1, 4) + normal("taste noise", 0.04, n, n_years, 4)
    volume = normal("volume", 0.08, n, 1) + normal("volume noise", 0.02, n, n_years)
    staff = np.exp(normal("staff", 0.12, n, 1, 3, 1) + normal("heads", 0.03, n, n_years, 3, 4))
    start = stream(seed, "people").lognormal(np.log(420_000), 0.35, (n, 1))
    trend = -fit.price_lag(n_years) * t
    insured = np.round(start * 0.997**t * np.exp(normal("people noise", 0.004, n, n_years)))
    return World(
        keys=_keys(prefecture),
        years=FIRST_YEAR + t,
        cohort=np.zeros(n, np.int64),
        insured=insured,
        adjustment=np.exp(normal("risk", 0.02, n, 1)),
        fiscal=fiscal,
        score=np.round(stream(seed, "score").uniform(0.80, 0.98, (n, n_years)), 2),
        effort_cost=np.exp(normal("effort cost", 0.25, n, 3)),
        log_cost=level + trend + area + normal("cost noise", 0.025, n, n_years),
        log_volume=fit.visits_growth * t + volume,
        appeal=appeal,
        log_wage=np.log1p(fit.wage_growth) * t[:, None] + wage_area[:, :, None] + wage,
        staff=staff * STAFF,
        income=np.exp(normal("income", 0.01, n, n_years)),
        overhead=np.exp(np.log(0.38) + normal("overhead", 0.06, n, 1)
                        + normal("overhead noise", 0.02, n, n_years)),
        employee_visits=normal("employees", 0.08, n, 1) + 0.5 * area
        + normal("employees noise", 0.03, n, n_years),
        drg=np.zeros((n, n_years)),
        visit_def=np.ones((n, n_years)),
        out_exposure=normal("out", 0.5, n_pref)[prefecture] + normal("out own", 0.3, n),
        rural=np.clip(0.6 - 0.1 * fiscal + normal("rural", 0.08, n), 0.1, 0.95),
        neighbours=_neighbours(seed, prefecture),
        fit=fit,
    )  # fmt: skip


def assign(world: World, seed: int, *, rank: Array | None = None, few: bool = False) -> Ints:
    """Assign cohorts to prefectures: by chance, or to those that rank highest.

    Six in ten prefectures reform, in three cohorts spread over the years. ``few`` leaves five
    treated prefectures (two in a small panel).

    Parameters
    ----------
    rank : array, shape (n_prefectures,), optional
        Whoever ranks high reforms first.

    Returns
    -------
    array of int, shape (n_counties,)
        First treated year, 0 if never.
    """
    n_pref = int(world.prefecture.max()) + 1
    t = len(world.years)
    dates = [int(world.years[0]) + k for k in (t // 3, t // 2, (2 * t) // 3)]
    order = stream(seed, "cohorts").permutation(n_pref)
    if rank is not None:
        order = np.argsort(-rank, kind="stable")
    n_treated = min(5, max(2, n_pref // 4)) if few else max(3, round(0.6 * n_pref))
    n_treated = min(n_treated, n_pref)
    by_prefecture = np.zeros(n_pref, np.int64)
    treated = order[:n_treated]
    turns = np.arange(n_treated) % 3 if rank is None else np.arange(n_treated) * 3 // n_treated
    by_prefecture[treated] = np.asarray(dates)[turns]
    return by_prefecture[world.prefecture]


def _keys(prefecture: NDArray[np.intp]) -> pd.DataFrame:
    number = np.arange(len(prefecture))
    province = prefecture // PER_PROVINCE
    width = max(3, len(str(len(number))))
    return pd.DataFrame(
        {
            "county_code": [f"9{f:03d}{c % PER_PREFECTURE:02d}" for f, c in
                            zip(prefecture, number, strict=True)],
            "county_name": [f"County {c + 1:0{width}d}" for c in number],
            "prefecture_code": [f"9{f:03d}99" for f in prefecture],
            "province_code": [f"8{p:03d}00" for p in province],
            "prefecture": prefecture,
        }
    )  # fmt: skip


def _neighbours(seed: int, prefecture: NDArray[np.intp]) -> pd.DataFrame:
    """Return pairs of counties with the kilometres between them, up to 60."""
    from scipy.spatial import cKDTree

    n_pref = int(prefecture[-1]) + 1
    side = int(np.ceil(np.sqrt(n_pref)))
    corner = np.column_stack([prefecture % side, prefecture // side]) * 100.0
    place = corner + stream(seed, "map").uniform(0, 100, (len(prefecture), 2))
    pairs = cKDTree(place).query_pairs(60.0, output_type="ndarray")
    apart = np.hypot(*(place[pairs[:, 0]] - place[pairs[:, 1]]).T)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return pd.DataFrame(
        {"from": both[:, 0], "to": both[:, 1], "distance": np.concatenate([apart, apart])}
    )
