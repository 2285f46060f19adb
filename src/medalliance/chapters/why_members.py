"""Pictures of the chapter on why members do not respond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..incentives.contract import Contract
from ..incentives.equilibrium import Equilibrium
from ..incentives.technology import Technology
from ..show import plots

if TYPE_CHECKING:
    import pandas as pd

NAMES = {
    "lead_hospital": "lead hospital",
    "township": "township centre",
    "village": "village clinic",
}


def draw_legs(legs: pd.DataFrame) -> Any:
    """Draw surplus, harm and welfare gained under each leg, a panel an outcome.

    Parameters
    ----------
    legs : DataFrame
        One row a contract, named by the index; one column an outcome.
    """
    import matplotlib.pyplot as plt

    with plots.style():
        figure, axes = plt.subplots(1, legs.shape[1], figsize=(9.2, 3.0), sharey=True)
        for number, (ax, name) in enumerate(zip(axes, legs, strict=True)):
            at = np.arange(len(legs))[::-1]
            ax.barh(at, legs[name], color=plots.PALETTE[number])
            for y, value in zip(at, legs[name], strict=True):
                ax.annotate(f"{value:.1f}", (max(value, 0), y), xytext=(3, 0),
                            textcoords="offset points", va="center", fontsize=10)  # fmt: skip
            ax.set_yticks(at, legs.index)
            ax.set_xlim(min(0, legs[name].min() * 1.1), max(legs[name].max() * 1.25, 1e-9))
            ax.axvline(0, color=plots.INK, linewidth=1)
            ax.set_xlabel(f"{name}, 100,000 yuan")
        figure.tight_layout()
    return axes[0]


def draw_share(technology: Technology, held: Any, barrier: float) -> Any:
    """Draw effort with inducement against the share of one member, parts of the full answer.

    Parameters
    ----------
    technology : Technology
    held : array, shape (n_groups,)
        Share of one member of each group.
    barrier : float
        Share from which a member induces nothing.
    """
    w, held = np.geomspace(5e-4, 1.0, 300), np.asarray(held)
    ax = plots.new_axes()
    with plots.style():
        ax.plot(w, w, label="saving effort")
        ax.plot(w, np.clip(1 - w / barrier, 0, None), label="induced volume")
        ax.axvline(barrier, color=plots.INK, linestyle="--", linewidth=1.2)
        ax.scatter(held, held, color=plots.PALETTE[0], zorder=3)
        ax.scatter(held, np.clip(1 - held / barrier, 0, None), color=plots.PALETTE[1], zorder=3)
        upright = {"rotation": 90, "ha": "right", "va": "bottom", "fontsize": 10}
        ax.text(barrier * 0.93, 0.4, "threshold share", **upright)
        for name, x in zip(technology.groups or (), held, strict=True):
            ax.axvline(x, color=plots.INK, linestyle=":", linewidth=1)
            ax.text(x * 0.93, 0.3, NAMES.get(name, name), **upright)
        ax.set_xscale("log")
        ax.set_xlabel("share of the transfer that one member holds")
        ax.set_ylabel("part of the full answer")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
    return ax


def draw_trap(found: dict[str, Equilibrium]) -> Any:
    """Draw what members' answers make of r under several budgets, with the equilibria."""
    ax = plots.new_axes()
    with plots.style():
        for number, (name, one) in enumerate(found.items()):
            color, curve = plots.PALETTE[number], one.curve()
            ax.plot(curve["r"], curve["image"], color=color, label=name)
            for r, steady in zip(one.marginal_share, one.stable, strict=True):
                face = color if steady else "none"
                ax.scatter([r], [r], s=52, facecolors=face, edgecolors=color, zorder=3)
        ax.plot([0, 1], [0, 1], color=plots.INK, linewidth=1.2, label="expected = kept")
        ax.set_xlabel("part of a further yuan that members expect to keep, r")
        ax.set_ylabel("part that they then keep")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
    return ax


def draw_places(shares: pd.DataFrame) -> Any:
    """Draw where patients go, a bar a row.

    Parameters
    ----------
    shares : DataFrame
        One row a rule, named by the index; one column a place; shares of visits.
    """
    from matplotlib.ticker import PercentFormatter

    ax = plots.new_axes()
    with plots.style():
        left, at = np.zeros(len(shares)), np.arange(len(shares))[::-1]
        for number, name in enumerate(shares):
            ax.barh(at, shares[name], left=left, color=plots.PALETTE[number], label=name)
            left = left + shares[name].to_numpy()
        ax.set_yticks(at, shares.index)
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(PercentFormatter(1))
        ax.set_xlabel("share of visits")
        ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=4, fontsize=10)
    return ax


def draw_paths(paths: dict[str, pd.DataFrame], outcome: str, label: str) -> Any:
    """Draw an outcome over the years, a line a contract."""
    ax = plots.new_axes()
    with plots.style():
        for number, (name, path) in enumerate(paths.items()):
            ax.plot(path["year"], path[outcome], marker=plots.MARKERS[number], label=name)
        ax.set_xlabel("year of the contract")
        ax.set_ylabel(label)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
    return ax


def random_alliances(n: int = 20_000, seed: int = 1) -> tuple[Contract, Technology]:
    """Draw contracts with technologies for the count of signs that turn; one-sided contracts."""
    rng = np.random.default_rng(seed)
    u = rng.uniform
    technology = Technology(
        members=rng.integers(1, 12, (n, 3)),
        saving=u(2, 40, (n, 3)),
        effort_cost=u(5, 40, (n, 3)),
        sigma=u(5, 60, n),
        price=u(2, 60, (n, 3)),
        margin=u(0.5, 12, (n, 3)),
        inducement_cost=u(1, 12, (n, 3)),
        margin_pay=u(0.1, 0.6, (n, 3)),
        fund_share=u(0.4, 0.8, n),
        baseline_spending=1000.0,
    )
    contract = Contract(
        split=rng.dirichlet([2, 2, 2], n), pay_share=0.5, penalty=1.0, audit=0.02,
        budget=u(980, 1020, n), rebasing=0.2, discount=0.5,
    )  # fmt: skip
    return contract, technology
