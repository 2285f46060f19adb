"""Who should hold how much: thresholds, conditions, the second-best split, corrective pay."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RuleError

Array = NDArray[np.float64]


def threshold_share(inducement_gain: Any, fund_price: Any, pay_share: Any, share: Any) -> Array:
    """Return the share of the transfer from which a member stops inducing volume.

    ``w_bar = beta (m - a (1 + phi) p) / (kappa r rho p)``; zero where inducement does not pay
    even without a share, infinite where no share is enough.

    Parameters
    ----------
    inducement_gain : float or array
        beta (m - a (1 + phi) p): what one induced unit adds to pay.
    fund_price : float or array
        rho p.
    pay_share : float or array
        kappa.
    share : float or array
        Marginal retained share r, as members perceive it.
    """
    gain = np.maximum(np.asarray(inducement_gain, dtype=float), 0.0)
    cost = np.asarray(pay_share, float) * np.asarray(share, float) * np.asarray(fund_price, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gain == 0, 0.0, gain / cost)


def largest_equal_alliance(threshold: Any) -> Array:
    """Return how many equal members may share before each induces again, floor(1 / w_bar)."""
    with np.errstate(divide="ignore"):
        return np.floor(1 / np.asarray(threshold, dtype=float) + 1e-12)


def corrective_pay(saving: Any, pay_share: Any, share_held: Any, share: Any) -> Array:
    """Return the pay per unit of effort that makes private effort theta/g, (1 - kappa w r) theta.

    It does not depend on how many members there are except through their share w.
    """
    return (1 - np.asarray(pay_share) * np.asarray(share_held) * np.asarray(share)) * saving


def second_best_split(power: Any, strength: float, members: Any = None) -> dict[str, Any]:
    """Return the split that maximises saving net of effort cost when shares must sum to one.

    Maximises ``sum n_j k_j (x_j - x_j^2/2)`` over ``x_j = kappa w_j r >= 0`` with
    ``sum n_j x_j = strength``: ``x_j = max(0, 1 - nu/k_j)``. Inducement is left out.

    Parameters
    ----------
    power : array, shape (n_groups,)
        k = theta^2 / g of a member: the saving that a full incentive draws from it.
    strength : float
        kappa r, the incentive there is to divide.
    members : array, shape (n_groups,), optional
        Members in each group; one each by default.

    Returns
    -------
    dict
        ``incentive`` x by member, ``split`` by group (sums to one), ``shadow_price`` nu.

    Raises
    ------
    RuleError
        If a power or the strength is not positive, or lengths differ.
    """
    k = np.asarray(power, dtype=float)
    n = np.ones_like(k) if members is None else np.asarray(members, dtype=float)
    if k.shape != n.shape or k.ndim != 1:
        raise RuleError(f"second-best split: {k.size} powers for {n.size} groups. Give one each.")
    if np.any(k <= 0) or not strength > 0 or np.any(n < 1):
        raise RuleError("second-best split: powers and strength must be positive, members >= 1.")
    active = np.ones(k.size, dtype=bool)
    while True:
        nu = max(0.0, float((n[active].sum() - strength) / (n[active] / k[active]).sum()))
        dropped = active & (k <= nu)
        if not dropped.any():
            break
        active &= ~dropped
    x = np.where(active, 1 - nu / k, 0.0)
    return {"incentive": x, "split": n * x / (n * x).sum(), "shadow_price": nu}


def referral_conditions(
    claim: Any,
    share: float,
    fund_share: float,
    prices: tuple[float, float, float],
    margin_gain: float,
    *,
    out_of_county: str = "included",
) -> dict[str, float]:
    """Return what the lead hospital gains by moving one visit down, or by keeping one in.

    Parameters
    ----------
    claim : float
        kappa w of the lead hospital.
    share : float
        Marginal retained share r.
    fund_share : float
        rho.
    prices : tuple of float
        Price of the visit at the hospital, at the township, outside the county.
    margin_gain : float
        beta m: pay that the hospital's own visit brings.
    out_of_county : {"included", "excluded", "deducted_first"}

    Returns
    -------
    dict
        ``down_referral``: kappa w r rho (p_h - p_T) - beta m_h; ``retention``: kappa w r rho
        (p_o - p_h) + beta m_h, where an excluded p_o counts as zero; ``export``: minus
        ``retention``. Positive means that it pays.
    """
    hospital, township, outside = prices
    per_yuan = float(claim) * share * fund_share
    counted = 0.0 if out_of_county == "excluded" else outside
    retention = per_yuan * (counted - hospital) + margin_gain
    return {
        "down_referral": per_yuan * (hospital - township) - margin_gain,
        "retention": retention,
        "export": -retention,
    }


def optimal_linear_share(risk_aversion: Any, effort_cost: Any, sigma: Any, saving: Any) -> Array:
    """Return the linear share that trades effort against risk, 1 / (1 + alpha g sigma^2/theta^2).

    References
    ----------
    Holmström and Milgrom (1987), for one member with constant absolute risk aversion.
    """
    burden = np.asarray(risk_aversion, float) * effort_cost * np.asarray(sigma, float) ** 2
    return 1 / (1 + burden / np.asarray(saving, float) ** 2)
