"""The answer of the incentive model: every equilibrium, with tables, words and a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..provenance import Badge, Provenance
from ..show.front import Shown
from .best_response import (
    Problem,
    effort,
    inducement,
    mean_surplus,
    private_value,
    worth_of_surplus,
)
from .contract import Contract
from .split import corrective_pay, largest_equal_alliance, referral_conditions, threshold_share
from .technology import Technology
from .transfer import expected_transfer, marginal_share

if TYPE_CHECKING:
    import pandas as pd

    from ..show.exhibits import Content

MODEL = Provenance(Badge.ILLUSTRATIVE, "the incentive model, with numbers chosen to show it")
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Equilibrium(Shown):
    """Hold every fixed point of the incentive model.

    Arrays have one row per fixed point, in rising order of the mean surplus; group arrays have
    shape (n_points, n_groups) and are per member.

    Attributes
    ----------
    marginal_share : array
        r, what the alliance retains of a further unit of surplus.
    perceived_share : array
        r after the ratchet.
    mean_surplus : array
        mu, in money.
    slope : array
        Slope of Phi_R(mu(r)) at the fixed point.
    stable : array of bool
        The slope is below one: gradual adjustment returns to the point.
    best_response : array of bool
        No member gains by any other own effort with inducement.
    effort, inducement, pay, utility : array
        Per member; pay is the share of the transfer, margin pay less expected penalties, and
        performance pay, without the basic wage.
    expected_transfer : array
        E[R], in money.
    contraction : float
        Bound on the slope; below one there is one fixed point. NaN where the risk term is used.
    chosen : int
        Row that the verbs report: of the stable best responses the one with the lowest surplus,
        where an alliance arrives that starts without retention.
    """

    contract: Contract
    technology: Technology
    marginal_share: Array
    perceived_share: Array
    mean_surplus: Array
    slope: Array
    stable: NDArray[np.bool_]
    best_response: NDArray[np.bool_]
    effort: Array
    inducement: Array
    pay: Array
    utility: Array
    expected_transfer: Array
    contraction: float
    chosen: int
    problem: Problem
    provenance: Provenance = MODEL

    @property
    def badge(self) -> Badge:
        """Kind of evidence."""
        return self.provenance.badge

    @property
    def unique(self) -> bool:
        """Tell whether the sufficient condition for one equilibrium holds."""
        return bool(self.contraction < 1)

    @property
    def n_equilibria(self) -> int:
        """Count the fixed points that survive."""
        return int(self.best_response.sum())

    def pick(self, which: int | str) -> Equilibrium:
        """Return the same answer with another row reported: ``"lowest"``, ``"highest"``, a row."""
        rows = np.flatnonzero(self.best_response & self.stable)
        rows = rows if rows.size else np.arange(len(self.mean_surplus))
        row = {"lowest": int(rows[0]), "highest": int(rows[-1])}.get(str(which))
        return replace(self, chosen=int(which) if row is None else row)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per fixed point and group.

        Returns
        -------
        DataFrame
            ``equilibrium, chosen, marginal_share, mean_surplus, stable, best_response, group,
            members, share_of_member, effort, inducement, pay, utility, threshold_share,
            largest_equal_alliance, collective_effort, effort_ratio, corrective_pay``.
            ``collective_effort`` is what a member does that holds the whole transfer at the same
            r; ``effort_ratio`` is private over collective effort.
        """
        import pandas as pd

        rows = [self._rows(k) for k in range(len(self.mean_surplus))]
        return pd.concat(rows, ignore_index=True)

    def _rows(self, k: int) -> pd.DataFrame:
        import pandas as pd

        p, t, c = self.problem, self.technology, self.contract
        share = self.perceived_share[k]
        kappa = np.broadcast_to(c.pay_share, t.members.shape)
        barrier = threshold_share(p.inducement_gain[0], p.fund_price[0], kappa, share)
        collective = np.maximum(kappa * share * p.saving[0] + p.bonus[0], 0) / p.effort_cost[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(collective > 0, self.effort[k] / collective, np.nan)
        held = np.atleast_1d(c.split) / t.members
        return pd.DataFrame(
            {
                "equilibrium": k + 1,
                "chosen": k == self.chosen,
                "marginal_share": self.marginal_share[k],
                "mean_surplus": self.mean_surplus[k],
                "stable": bool(self.stable[k]),
                "best_response": bool(self.best_response[k]),
                "group": list(t.groups or ()),
                "members": t.members.astype(int),
                "share_of_member": held,
                "effort": self.effort[k],
                "inducement": self.inducement[k],
                "pay": self.pay[k],
                "utility": self.utility[k],
                "threshold_share": barrier,
                "largest_equal_alliance": largest_equal_alliance(barrier),
                "collective_effort": collective,
                "effort_ratio": ratio,
                "corrective_pay": corrective_pay(t.saving, kappa, held, share),
            }
        )

    def members(self) -> pd.DataFrame:
        """Return the rows of the chosen equilibrium."""
        frame = self.to_frame()
        return frame[frame["chosen"]].reset_index(drop=True)

    def referral(
        self, *, outside_price: float, hospital: int = 0, township: int = 1
    ) -> dict[str, float]:
        """Return whether down-referral, or keeping a patient in the county, pays the hospital.

        Parameters
        ----------
        outside_price : float
            Price of the visit outside the county.
        hospital, township : int
            Positions of the groups.
        """
        t, p = self.technology, self.problem
        return referral_conditions(
            p.claim[0, hospital],
            float(self.perceived_share[self.chosen]),
            float(t.fund_share),
            (float(t.price[hospital]), float(t.price[township]), outside_price),
            float(t.margin_pay[hospital] * t.margin[hospital]),
            out_of_county=self.contract.out_of_county,
        )

    def summary(self) -> str:
        """Return a table of the fixed points with the members' answers in the chosen one."""
        name = f": {self.contract.name}" if self.contract.name else ""
        head = f"[{self.badge.value}] Incentive model{name}"
        lines = [head, "", "fixed point       r   mean surplus   slope   stable   best response"]
        for k in range(len(self.mean_surplus)):
            mark = "*" if k == self.chosen else " "
            lines.append(
                f"{k + 1:>10}{mark} {self.marginal_share[k]:9.6f} {self.mean_surplus[k]:12.4f} "
                f"{self.slope[k]:9.4f}   {_yes(self.stable[k]):>4}"
                f"     {_yes(self.best_response[k])}"
            )
        columns = ["group", "members", "share_of_member", "effort", "inducement", "pay"]
        lines += ["", self.members()[columns].to_string(index=False), "", self._foot()]
        return "\n".join(lines)

    def _foot(self) -> str:
        if np.isnan(self.contraction):
            rule = "Uniqueness: not established with a risk term; all brackets were searched."
        elif self.unique:
            rule = f"Uniqueness: the condition holds ({self.contraction:.4f} < 1)."
        else:
            rule = (
                f"Uniqueness: the sufficient condition fails ({self.contraction:.4f} >= 1); "
                "all brackets were searched."
            )
        return f"{rule} * reported."

    def describe(self) -> str:
        """Return the answer in one or two plain sentences."""
        k = self.chosen
        rows = self.members()
        parts = [
            f"{name.replace('_', ' ')} {value:.4g}"
            for name, value in zip(rows["group"], rows["effort"], strict=True)
        ]
        text = (
            f"A further yuan of surplus leaves the alliance {self.marginal_share[k]:.3f} yuan; "
            f"the expected surplus is {self.mean_surplus[k]:.4g}. "
            f"Effort of a member: {', '.join(parts)}."
        )
        others = self.n_equilibria - int(self.best_response[k])
        if not self.best_response[k]:
            return f"{text} No member-by-member equilibrium was found: some member would deviate."
        if others:
            steady = int((self.best_response & self.stable).sum()) - int(self.stable[k])
            noun = "equilibrium" if others == 1 else "equilibria"
            text += f" Further {noun}: {others}, stable: {steady}."
        return text

    def curve(self, n_points: int = 401) -> pd.DataFrame:
        """Return Phi_R(mu(r)) on a grid of r, the map whose fixed points are the equilibria."""
        import pandas as pd

        p = self.problem
        top = max(1.0, float(self.marginal_share.max()) * 1.05)
        r = np.linspace(0.0, top, n_points)
        worth = (p.claim[0] * p.weight[0])[None, None] * r[None, :, None]
        image = marginal_share(p.transfer, mean_surplus(p, worth), p.sigma)[0]
        return pd.DataFrame({"r": r, "image": image})

    def plot(self, ax: Any = None) -> Any:
        """Draw Phi_R(mu(r)) against r, with the 45-degree line and the fixed points.

        Returns
        -------
        matplotlib Axes
        """
        from ..show import plots

        ax = plots.new_axes() if ax is None else ax
        curve = self.curve()
        with plots.style():
            ax.plot(curve["r"], curve["image"], label="what members' answers make of r")
            ends = [0.0, float(curve["r"].max())]
            ax.plot(ends, ends, color=plots.INK, linewidth=1.2, label="r itself")
            for held, marker, label in (
                (self.stable & self.best_response, "o", "stable equilibrium"),
                (~self.stable & self.best_response, "s", "unstable equilibrium"),
                (~self.best_response, "X", "fixed point that a member would leave"),
            ):
                if held.any():
                    at = self.marginal_share[held]
                    ax.scatter(at, at, marker=marker, s=60, zorder=3, label=label)
            ax.set_xlabel("retained part of a further yuan that members expect, r")
            ax.set_ylabel("retained part that results")
            ax.legend()
        return ax

    def _exhibit_(self, kind: str | None = None, **drawing: Any) -> Content:
        from ..show.exhibits import Content

        words = self.describe()
        if kind == "figure":
            caption = "What members' answers make of the retained part that they expect."
            return Content(
                self.provenance, caption, self._foot(), words, draw=lambda: self.plot(**drawing)
            )
        columns = ["group", "members", "share_of_member", "effort", "inducement", "pay"]
        return Content(self.provenance, words, self._foot(), frame=self.members()[columns])

    def __repr__(self) -> str:
        return f"Equilibrium({self.describe()})"


def _yes(value: Any) -> str:
    return "yes" if value else "no"


def answers(problem: Problem, mean: Array) -> dict[str, Array]:
    """Return members' answers at given mean surpluses, shapes (n, n_points[, n_groups])."""
    p = problem
    share = marginal_share(p.transfer, mean, p.sigma)
    worth = worth_of_surplus(p, mean)
    gain = expected_transfer(p.transfer, mean, p.sigma)
    e, v = effort(p, worth), inducement(p, worth)
    received = p.claim[:, None] * gain[..., None]
    pay = received + p.bonus[:, None] * e + p.inducement_gain[:, None] * v
    return {
        "marginal_share": share,
        "perceived_share": share * p.weight[:, None],
        "effort": e,
        "inducement": v,
        "pay": pay,
        "utility": received + private_value(p, worth),
        "expected_transfer": gain,
        "worth": worth,
    }
