"""What the contract promises: the inputs of the incentive model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import RuleError, first_three, raise_problems

OUT_OF_COUNTY = ("included", "excluded", "deducted_first")
EDGES = ("money", "budget")
TERM_BASES = ("last_year", "term_mean")


@dataclass(frozen=True, eq=False)
class Contract:
    """State who keeps a surplus, who bears a loss and what reaches pay.

    The retained transfer is ``gain_share * quality * min(S+, gain_cap)`` less
    ``loss_share * min(S-, loss_cap)``, where S is budget less spending in scope. Bands replace the
    single share of their side. Shares are 0-1.

    Parameters
    ----------
    split : array, shape (n_groups,)
        Share of each group in the transfer; sums to one. Members of a group share equally.
    gain_share, loss_share : float or array
        Retention share lambda+; share of an overspend borne, lambda-.
    quality : float or array
        Score q, 0-1, that scales gains.
    pay_share : float or array
        Part of a member's share that reaches pay, kappa.
    performance_pay : float or array
        Pay per unit of saving effort, b.
    budget : float, array or None
        Budget for the spending in scope; None sets it at baseline spending.
    gain_cap, loss_cap : float or array
        Largest surplus, largest deficit, that is shared.
    minimum_savings, minimum_losses : float or array
        Surplus (deficit) below which nothing is shared.
    first_dollar : bool
        Share the whole surplus once the minimum is met, or the excess alone.
    gain_bands, loss_bands : tuple of (upto, share)
        Marginal shares by band of surplus (deficit), in rising order; a band ends at ``upto``.
    edges : {"money", "budget"}
        Unit of caps, minima and bands: money, or parts of the budget base.
    audit, penalty : float or array
        Probability that induced volume is found, a; penalty rate phi on top of recovery.
    out_of_county : {"included", "excluded", "deducted_first"}
        Whether out-of-county spending counts. Deducted first, it leaves the pool as it occurs:
        the surplus in money is as if included, the base of the edges is smaller.
    rebasing : float or array
        Weight psi of last spending in the next budget.
    growth, discount : float or array
        Yearly growth of budgets gamma; discount factor of members, 0 when they look one year ahead.
    term : int
        Years for which a budget holds before it is rebased.
    term_base : {"last_year", "term_mean"}
        Spending that enters the next term's budget.
    score_weight : float or array
        Weight of the score's content: with it the score is an outcome,
        ``Q = clip(1 - weight * reliability * sum(chi s) + noise)``, and scales gains beside
        ``quality``. At 0 the score is the constant ``quality``.
    score_reliability : float or array
        Part of a change in care that the score records, r_Q, 0-1.
    score_noise : float or array
        Standard deviation of the noise in the score.
    score_budget : float or array
        Part of the budget by which next year's budget rises with a score of one against zero.
    margin_pay : float, array or None
        Pay per unit of margin, beta; None leaves it as in the technology.
    price, needed_price : float, array or None
        Price of inducible and of needed services; margins follow, ``m = p - c``, for costs stay.
        None leaves the price of the technology. At a price of 0 a service is off the list.
    disclosure : float or array
        d, 0-1: a member believes to hold ``(1 - d)`` of what it believed and ``d`` of the fact.
    takes_part : float or array, shape (n_groups,)
        Part of a group's members, 0-1, who take part when the insurer sets the budget.
    reserve_share : float or array
        Part of what the institutions keep of a gain that goes to a reserve, from which the
        alliance's losses are paid first.
    name : str
        Label for tables and figures.

    Raises
    ------
    RuleError
        Listing every field that is out of range.
    """

    split: Any
    gain_share: Any = 1.0
    loss_share: Any = 0.0
    quality: Any = 1.0
    pay_share: Any = 1.0
    performance_pay: Any = 0.0
    budget: Any = None
    gain_cap: Any = np.inf
    loss_cap: Any = np.inf
    minimum_savings: Any = 0.0
    minimum_losses: Any = 0.0
    first_dollar: bool = True
    gain_bands: tuple[tuple[float, float], ...] = ()
    loss_bands: tuple[tuple[float, float], ...] = ()
    edges: str = "money"
    audit: Any = 0.0
    penalty: Any = 0.0
    out_of_county: str = "included"
    rebasing: Any = 0.0
    growth: Any = 0.0
    discount: Any = 0.0
    term: int = 1
    term_base: str = "last_year"
    score_weight: Any = 0.0
    score_reliability: Any = 1.0
    score_noise: Any = 0.0
    score_budget: Any = 0.0
    margin_pay: Any = None
    price: Any = None
    needed_price: Any = None
    disclosure: Any = 1.0
    takes_part: Any = 0.0
    reserve_share: Any = 0.0
    name: str = ""

    _BY_GROUP = (
        "split", "pay_share", "performance_pay", "margin_pay", "price", "needed_price",
        "takes_part",
    )  # fmt: skip
    _SHARES = (
        "split", "gain_share", "loss_share", "quality", "pay_share", "audit", "rebasing",
        "score_reliability", "disclosure", "takes_part", "reserve_share",
    )  # fmt: skip
    _AMOUNTS = (
        "performance_pay", "budget", "gain_cap", "loss_cap", "minimum_savings", "minimum_losses",
        "penalty", "discount", "score_weight", "score_noise", "score_budget", "margin_pay",
        "price", "needed_price",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name in (*self._SHARES, *self._AMOUNTS, "growth"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, np.asarray(value, dtype=float))
        for name in ("gain_bands", "loss_bands"):
            bands = tuple((float(upto), float(share)) for upto, share in getattr(self, name))
            object.__setattr__(self, name, bands)
        problems = [
            *self._share_problems(),
            *self._amount_problems(),
            *self._band_problems(),
            *self._choice_problems(),
        ]
        raise_problems(
            problems,
            where=f"contract {self.name!r}" if self.name else "contract",
            advice="Correct these terms and build it again.",
            error=RuleError,
        )

    def _share_problems(self) -> list[str]:
        problems = []
        for name in self._SHARES:
            value = np.atleast_1d(getattr(self, name))
            bad = value[~((value >= 0) & (value <= 1))]
            if bad.size:
                problems.append(f"{name} must lie in [0, 1], found {first_three(bad.tolist())}")
        total = np.atleast_1d(self.split.sum(axis=-1) if self.split.ndim else self.split)
        if not np.allclose(total, 1.0, rtol=0, atol=1e-9):
            problems.append(f"split must sum to 1, sums to {first_three(total.round(6).tolist())}")
        n_groups = self.split.shape[-1] if self.split.ndim else 1
        for name in self._BY_GROUP[1:]:
            value = getattr(self, name)
            if value is not None and value.ndim and value.shape[-1] != n_groups:
                problems.append(f"{name} has {value.shape[-1]} groups where split has {n_groups}")
        return problems

    def _amount_problems(self) -> list[str]:
        problems = []
        for name in self._AMOUNTS:
            value = getattr(self, name)
            if value is None:
                continue
            bad = np.atleast_1d(value)[~(np.atleast_1d(value) >= 0)]
            if bad.size:
                problems.append(f"{name} must be zero or more, found {first_three(bad.tolist())}")
        if np.any(self.discount * (1 + self.growth) >= 1):
            problems.append("discount * (1 + growth) must be below 1")
        if np.any(self.growth <= -1):
            problems.append("growth must be above -1")
        for low, high in (("minimum_savings", "gain_cap"), ("minimum_losses", "loss_cap")):
            if np.any(getattr(self, low) > getattr(self, high)):
                problems.append(f"{low} is above {high}")
        return problems

    def _band_problems(self) -> list[str]:
        problems = []
        for name in ("gain_bands", "loss_bands"):
            bands = getattr(self, name)
            ends = [upto for upto, _ in bands]
            if any(not 0 <= share <= 1 for _, share in bands):
                problems.append(f"{name}: every share must lie in [0, 1]")
            if any(b <= a for a, b in zip([0.0, *ends], ends, strict=False)):
                problems.append(f"{name}: the ends must be positive and rise, found {ends}")
        return problems

    def _choice_problems(self) -> list[str]:
        problems = [
            f"{name} must be one of {', '.join(allowed)}; found {getattr(self, name)!r}"
            for name, allowed in (
                ("out_of_county", OUT_OF_COUNTY),
                ("edges", EDGES),
                ("term_base", TERM_BASES),
            )
            if getattr(self, name) not in allowed
        ]
        if int(self.term) != self.term or self.term < 1:
            problems.append(f"term must be a whole number of years, found {self.term}")
        return problems

    @property
    def n_groups(self) -> int:
        """Count the groups that share the transfer."""
        return int(self.split.shape[-1]) if self.split.ndim else 1

    def replace(self, **changes: Any) -> Contract:
        """Return a copy with some terms changed."""
        return replace(self, **changes)
