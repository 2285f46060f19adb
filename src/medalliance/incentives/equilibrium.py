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
    Worth,
    contribution,
    effort,
    exported,
    inducement,
    mean_surplus,
    needed,
    private_value,
    withheld,
    worth_of,
)
from .contract import Contract
from .split import corrective_pay, largest_equal_alliance, referral_conditions, threshold_share
from .technology import Technology
from .transfer import expected_transfer, marginal_share, two_sides

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
    effort, inducement, withheld, needed, exported : array
        Acts per member: saving effort, induced volume, needed care withheld, needed services
        supplied, part of high-cost patients sent out of the county.
    pay, utility : array
        Per member; pay is the share of the transfer, margin pay less expected penalties, and
        performance pay, without the basic wage.
    score : array
        Expected score, which scales gains.
    harm, needed_value, spending, welfare : array
        In money, all members and patients: harm of withheld care and of sending patients out,
        value of needed services supplied, all spending of the fund on services, inside the
        contract's scope or not, and ``-spending - harm + needed_value``.
    certified : bool
        Whether the search proved that no fixed point is missing (up to rounding).
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
    withheld: Array
    needed: Array
    exported: Array
    pay: Array
    utility: Array
    expected_transfer: Array
    score: Array
    harm: Array
    needed_value: Array
    spending: Array
    welfare: Array
    contraction: float
    chosen: int
    problem: Problem
    certified: bool = True
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
            members, share_of_member, effort, inducement, withheld, needed, exported, pay,
            utility, threshold_share,
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
                "withheld": self.withheld[k],
                "needed": self.needed[k],
                "exported": self.exported[k],
                "pay": self.pay[k],
                "utility": self.utility[k],
                "threshold_share": barrier,
                "largest_equal_alliance": largest_equal_alliance(barrier),
                "collective_effort": collective,
                "effort_ratio": ratio,
                "corrective_pay": corrective_pay(t.saving, kappa, held, share),
            }
        )

    def totals(self) -> pd.Series:
        """Return what the chosen equilibrium brings the fund, patients, staff.

        Returns
        -------
        Series
            ``surplus`` in scope; ``fund``, what of it the fund keeps; ``spending``, ``harm``,
            ``needed_value``, ``welfare``; ``bonus``, all pay over the basic wage, and
            ``bonus_over_wage``, the largest part of the wage among groups that state one.
        """
        import pandas as pd

        k, t = self.chosen, self.technology
        paid = self.expected_transfer[k]
        with np.errstate(divide="ignore", invalid="ignore"):
            over = np.where(t.wage > 0, self.pay[k] / t.wage, np.nan)
        return pd.Series(
            {
                "surplus": self.mean_surplus[k],
                "fund": self.mean_surplus[k] - paid,
                "spending": self.spending[k],
                "harm": self.harm[k],
                "needed_value": self.needed_value[k],
                "welfare": self.welfare[k],
                "score": self.score[k] * float(np.mean(self.contract.quality)),
                "bonus": float((t.members * self.pay[k]).sum()),
                "bonus_over_wage": float(np.nanmax(over)) if np.isfinite(over).any() else np.nan,
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
        if not self.certified:
            rule = "Uniqueness: not established; the search left places that it could not settle."
        elif np.isnan(self.contraction):
            rule = "Uniqueness: no simple condition holds here; all places were searched."
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
        if self.problem.care is not None:
            text += (
                f" Harm to patients is {self.harm[k]:.4g}; needed services are worth "
                f"{self.needed_value[k]:.4g}; welfare is {self.welfare[k]:.4g}."
            )
        over = float(self.totals()["bonus_over_wage"])
        if over > 1:
            text += (
                f" A bonus of {over:.1f} times the wage is implausible: the setting holds at no "
                "such pay."
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

        top = max(1.0, float(self.marginal_share.max()) * 1.05)
        r = np.linspace(0.0, top, n_points)
        return pd.DataFrame({"r": r, "image": self.image(r)})

    def image(self, r: Array) -> Array:
        """Return what members' answers make of a marginal share r, shape (n_points,).

        Where the score answers to care, score and withheld care are held as they are in the
        chosen equilibrium.
        """
        p, k = self.problem, self.chosen
        worth = (p.belief[0] * p.weight[0])[None, None] * np.asarray(r)[None, :, None]
        if p.care is None or not p.care.scored:
            return marginal_share(p.transfer, mean_surplus(p, worth), p.sigma)[0]
        added = contribution(p, worth) + (p.care.withholding_saving * self.withheld[k])[:, None]
        mean = p.offset[:, None] + (p.members[:, None] * added).sum(axis=-1)
        gain, _, loss, _ = two_sides(p.transfer, mean, p.sigma)
        return (gain * self.score[k] + loss)[0]

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


def answers(problem: Problem, mean: Array, worth: Worth | None = None) -> dict[str, Array]:
    """Return members' answers at given mean surpluses, shapes (n, n_points[, n_groups]).

    Parameters
    ----------
    problem : Problem
    mean : array, shape (n, n_points)
    worth : Worth, optional
        What members weigh; by default what goes with the mean surplus.
    """
    p = problem
    at = worth_of(p, mean) if worth is None else worth
    if at.latent is None or p.care is None or at.mean_score is None:
        gain = expected_transfer(p.transfer, mean, p.sigma)
        score = np.ones_like(gain)
    else:
        _, won, _, lost = two_sides(p.transfer, mean, p.sigma)
        score = at.mean_score / p.care.quality[:, None]
        gain = won * score + lost
    e, v = effort(p, at.surplus), inducement(p, at.surplus)
    u, z = needed(p, at.surplus), exported(p, at.surplus)
    s = withheld(p, at.surplus, at.score)
    received = p.claim[:, None] * gain[..., None]
    pay = received + p.bonus[:, None] * e + p.inducement_gain[:, None] * v
    if p.care is not None:
        pay = pay + p.care.needed_gain[:, None] * u
    return {
        "marginal_share": at.share,
        "perceived_share": at.share * p.weight[:, None],
        "effort": e,
        "inducement": v,
        "withheld": s,
        "needed": u,
        "exported": z,
        "pay": pay,
        "utility": received + private_value(p, at.surplus, at.score),
        "expected_transfer": gain,
        "score": score,
        "worth": at.surplus,
    }
