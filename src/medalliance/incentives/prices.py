"""Service income: when a price is a lever for care, and who sets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RuleError
from .batch import BatchEquilibrium, solve_batch
from .contract import Contract
from .equilibrium import Equilibrium
from .participation import status_quo_utility
from .respond import respond
from .technology import Technology

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
SETTERS = ("list", "insurer", "consultation")


def service_income(equilibrium: Equilibrium) -> pd.DataFrame:
    """Return what a yuan on a price does to needed and to inducible services.

    At the equilibrium's r a yuan more brings ``(beta - kappa w r rho) / h^u`` needed services: a
    price draws care only from a member whose share of the surplus is small. Each is worth
    ``V + d - rho p`` to patients and fund together, while the fund pays ``rho`` more for all that
    are supplied. The same yuan on an inducible service brings ``(beta (1 - a (1 + phi)) -
    kappa w r rho) / h`` of what nobody needs.

    Parameters
    ----------
    equilibrium : Equilibrium

    Returns
    -------
    DataFrame
        One row a group, per member and yuan: ``group, needed_response, inducible_response,
        net_value`` (of one needed service), ``welfare`` (change of value less spending on needed
        services), ``draws_care`` and ``right`` (whether welfare rises).

    Raises
    ------
    RuleError
        If there are no needed services.
    """
    import pandas as pd

    t, p, k = equilibrium.technology, equilibrium.problem, equilibrium.chosen
    c = p.care
    if c is None or not np.any(c.need):
        raise RuleError("service income: no services are needed here.\n  State need and its cost.")
    contract = equilibrium.contract
    beta = t.margin_pay if contract.margin_pay is None else contract.margin_pay
    rho = float(t.fund_share)
    worth = p.belief[0] * equilibrium.perceived_share[k]
    supplied, wanted = equilibrium.needed[k], c.need[0]
    inner = (supplied > 0) & (supplied < wanted)
    response = np.where(inner, (beta - worth * rho) / c.needed_cost[0], 0.0)
    lost = float(contract.audit * (1 + contract.penalty))
    induced = (beta * (1 - lost) - worth * rho) / p.inducement_cost[0]
    induced = np.where(equilibrium.inducement[k] > 0, induced, 0.0)
    net = c.needed_value[0] - c.needed_fund[0]
    welfare = net * response - rho * supplied
    return pd.DataFrame(
        {
            "group": list(t.groups or ()),
            "needed_response": response,
            "inducible_response": induced,
            "net_value": net,
            "welfare": welfare,
            "draws_care": response > 0,
            "right": welfare > 0,
        }
    )


@dataclass(frozen=True, eq=False)
class Prices:
    """Hold prices that somebody set, with the equilibrium under them.

    Attributes
    ----------
    setter : str
        ``"list"``, ``"insurer"`` or ``"consultation"``.
    contract : Contract
        With the prices that were set.
    equilibrium : Equilibrium
    unlisted : tuple of str
        Groups whose inducible service left the list, for its value is below its price.
    """

    setter: str
    contract: Contract
    equilibrium: Equilibrium
    unlisted: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return prices, margins and services by group."""
        import pandas as pd

        t, k = self.equilibrium.technology, self.equilibrium.chosen
        price, needed = _prices(self.contract, t)
        return pd.DataFrame(
            {
                "setter": self.setter,
                "group": list(t.groups or ()),
                "inducible_price": price,
                "inducible_margin": np.where(price > 0, price - (t.price - t.margin), 0.0),
                "needed_price": needed,
                "needed_margin": needed - (t.needed_price - t.needed_margin),
                "induced": self.equilibrium.inducement[k],
                "needed": self.equilibrium.needed[k],
            }
        )


def set_prices(
    contract: Contract,
    technology: Technology,
    setter: str = "consultation",
    *,
    weights: Any = None,
    value: Any = 0.0,
    access: bool = True,
) -> Prices:
    """Set the prices of inducible and needed services: by list, by the insurer, in consultation.

    Prices move by one factor for each kind of service. The list leaves them where they are. The
    insurer alone takes the factors under which services cost the fund least. Consultation takes
    those that maximise the product of gains, ``prod (U_j - U_j^0)^pi_j * (W - W^0)^pi_0``, where
    U is a group's utility, U0 that of the status quo, and W the purchaser's aim, welfare;
    services whose value lies below their price leave the list first (market access).

    Parameters
    ----------
    contract, technology
    setter : {"list", "insurer", "consultation"}
    weights : array, shape (n_groups + 1,), optional
        Bargaining weights of the groups, the purchaser last; equal by default.
    value : float or array, shape (n_groups,)
        What an inducible service is worth to patients.
    access : bool
        Whether services below their value leave the list in a consultation.

    Returns
    -------
    Prices

    Raises
    ------
    RuleError
        If the setter or the weights do not fit, or no prices give everybody with a say a gain.
    """
    if setter not in SETTERS:
        raise RuleError(f"prices: {setter!r} sets no prices. Choose of {', '.join(SETTERS)}.")
    t = technology
    price, needed = _prices(contract, t)
    worth = np.broadcast_to(np.asarray(value, dtype=float), price.shape)
    listed = np.ones(price.shape, dtype=bool)
    if setter == "consultation" and access:
        listed = worth >= price
    base = contract.replace(price=np.where(listed, price, 0.0), needed_price=needed)
    if setter != "list":
        aim = _insurer if setter == "insurer" else _Bargain(base, t, weights)
        factors = _best_factors(base, t, aim)
        base = base.replace(
            price=base.price * factors[0], needed_price=np.asarray(base.needed_price) * factors[1]
        )
    gone = tuple(g for g, kept in zip(t.groups or (), listed, strict=True) if not kept)
    return Prices(setter, base, respond(base, t), gone)


def _prices(contract: Contract, technology: Technology) -> tuple[Array, Array]:
    t, c = technology, contract
    price = t.price if c.price is None else np.broadcast_to(c.price, t.price.shape)
    needed = t.needed_price if c.needed_price is None else c.needed_price
    return np.asarray(price, float), np.broadcast_to(np.asarray(needed, float), t.price.shape)


def _insurer(found: BatchEquilibrium) -> Array:
    return -found.spending


class _Bargain:
    """The logarithm of the generalised Nash product over the status quo and the list."""

    def __init__(self, base: Contract, technology: Technology, weights: Any) -> None:
        n = technology.n_groups
        say = np.ones(n + 1) if weights is None else np.asarray(weights, dtype=float)
        if say.shape != (n + 1,) or np.any(say < 0) or not say.sum() > 0:
            raise RuleError(
                "prices: give one weight a group with the purchaser's last, zero or more."
            )
        self._say = say / say.sum()
        self._before = status_quo_utility(technology)
        nothing = base.replace(gain_share=0.0, loss_share=0.0, gain_bands=(), loss_bands=())
        self._welfare = float(solve_batch(nothing.replace(score_weight=0.0), technology).welfare[0])

    def __call__(self, found: BatchEquilibrium) -> Array:
        welfare = found.welfare - self._welfare
        gains = np.concatenate([found.utility - self._before, welfare[:, None]], axis=1)
        heard = gains[:, self._say > 0]
        agreed = np.log(np.maximum(heard, 1e-300)) @ self._say[self._say > 0]
        return np.where((heard > 0).all(axis=1), agreed, -1e6 + np.minimum(heard, 0).sum(axis=1))


def _best_factors(base: Contract, technology: Technology, aim: Any) -> Array:
    """Search both factors on a grid from nothing to twice the list, refined around the best."""
    low, high = np.zeros(2), np.full(2, 2.0)
    best = np.ones(2)
    for _ in range(7):
        grid = [np.linspace(low[k], high[k], 17) for k in range(2)]
        first, second = (x.ravel() for x in np.meshgrid(*grid, indexing="ij"))
        offers = base.replace(
            price=base.price * first[:, None],
            needed_price=np.asarray(base.needed_price) * second[:, None],
        )
        worth = aim(solve_batch(offers, technology))
        k = int(np.argmax(worth))
        best = np.array([first[k], second[k]])
        width = (high - low) / 8
        low, high = np.maximum(best - width, 0.0), np.minimum(best + width, 2.0)
    if isinstance(aim, _Bargain) and worth.max() <= -1e5:
        raise RuleError(
            "prices: no prices give everybody with a say a gain.\n"
            "  Give some group no weight, or raise the budget."
        )
    return best
