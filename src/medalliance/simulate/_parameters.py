"""Parameters of the simulated counties that are fitted to published moments."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..paths import reading

Array = NDArray[np.float64]

FITTED = Path(__file__).with_name("fitted.json")
FUND_SHARE = 0.70
# Assumed: prices and drifts of tiers against each other, before they are scaled.
_TIER_PRICE = np.array([1.0, 0.39, 0.146, 1.0])
_TIER_DRIFT = np.array([0.018, -0.012, -0.028, 0.0])


@dataclass(frozen=True)
class Parameters:
    """What the simulator takes from published figures; fitted by ``medalliance calibrate``.

    Attributes
    ----------
    visits : float
        Visits per insured resident in the first year, outside the county included.
    visits_growth : float
        Log points a year.
    appeal_hospital, appeal_township, appeal_village : float
        Log odds of a tier's visits against those outside the county, in the first year.
    drift : float
        Scales the yearly drift from village and township to the hospital.
    price_primary, price_outside : float
        Price of a visit in primary care, as a multiple of an assumed one, and outside the county,
        as a multiple of the county hospital's.
    quota : float
        Fund spending per insured resident in the first year, yuan.
    quota_growth : float
        A year.
    slack : float
        Log of the notional budget over spending, on average in the first three years.
    pay_hospital, pay_township, pay_village : float
        Mean pay of full-time staff in the first year, yuan.
    wage_growth : float
        A year.
    """

    visits: float
    visits_growth: float
    appeal_hospital: float
    appeal_township: float
    appeal_village: float
    drift: float
    price_primary: float
    price_outside: float
    quota: float
    quota_growth: float
    slack: float
    pay_hospital: float
    pay_township: float
    pay_village: float
    wage_growth: float

    @cached_property
    def appeal(self) -> Array:
        """Log odds of the four tiers in the first year."""
        return np.array([self.appeal_hospital, self.appeal_township, self.appeal_village, 0.0])

    @cached_property
    def yearly_drift(self) -> Array:
        """Change of the log odds a year."""
        return self.drift * _TIER_DRIFT

    @cached_property
    def price(self) -> Array:
        """Price of a visit in the first year, yuan, such that the fund spends the quota."""
        relative = self._relative_price
        share = _shares(self.appeal)
        scale = self.quota / (self.visits * FUND_SHARE * (share @ relative))
        return np.asarray(relative * scale)

    @cached_property
    def tier_pay(self) -> Array:
        """Mean pay at hospital, township and village, yuan a year."""
        return np.array([self.pay_hospital, self.pay_township, self.pay_village])

    def price_lag(self, n_years: int) -> float:
        """Return how far prices fall behind the quota a year, so that spending keeps pace with it.

        Visits grow and move to dearer tiers; prices give way by as much.
        """
        last = n_years - 1
        dear = [_shares(self.appeal + t * self.yearly_drift) @ self._relative_price
                for t in (0, last)]  # fmt: skip
        return float(self.visits_growth + np.log(dear[1] / dear[0]) / last)

    @property
    def _relative_price(self) -> Array:
        factor = [1.0, self.price_primary, self.price_primary, self.price_outside]
        return np.asarray(_TIER_PRICE * factor)


def _shares(appeal: Array) -> Array:
    weight = np.exp(appeal)
    return np.asarray(weight / weight.sum())


@cache
def fitted_parameters() -> Parameters:
    """Read the parameters that come with the package."""
    return Parameters(**json.loads(reading(FITTED).read_text(encoding="utf-8")))


def as_json(parameters: Parameters) -> str:
    """Return parameters as text, six significant digits."""
    rounded = {name: float(f"{value:.6g}") for name, value in asdict(parameters).items()}
    return json.dumps(rounded, indent=2) + "\n"
