"""Why do members not respond? The figures, tables and sentences of the chapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..incentives.batch import solve_batch
from ..incentives.collective import collective_optimum
from ..incentives.contract import Contract
from ..incentives.equilibrium import Equilibrium
from ..incentives.respond import respond
from ..incentives.split import threshold_share
from ..incentives.technology import Technology
from ..provenance import Badge, Provenance
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show

if TYPE_CHECKING:
    pass

SOURCE = Provenance(
    Badge.ILLUSTRATIVE,
    "the book's incentive model; units and numbers chosen to show how the rules work",
)
SPLIT = (0.6, 0.3, 0.1)
NAMES = {
    "lead_hospital": "lead hospital",
    "township": "township health centre",
    "village": "village clinic",
}


def example_alliance() -> Technology:
    """Return the example alliance: a lead hospital, ten township centres, a hundred clinics."""
    return Technology(
        members=[1, 10, 100],
        saving=[40, 20, 6],
        effort_cost=[40, 20, 6],
        margin_pay=0.3,
        price=[60, 12, 2],
        margin=[12, 2.4, 0.4],
        inducement_cost=[12, 2.4, 0.4],
        fund_share=0.7,
        sigma=40.0,
        baseline_spending=1000.0,
    )


def example_contract(**terms: Any) -> Contract:
    """Return the 6:3:1 contract of the example, with some terms changed."""
    return Contract(**{"split": SPLIT, "pay_share": 0.5, "penalty": 1.0, **terms})


def alliance_table() -> Exhibit:
    """Set the example alliance as a table."""
    import pandas as pd

    t, share = example_alliance(), np.array(SPLIT)
    frame = pd.DataFrame(
        {
            "group": [NAMES[name] for name in t.groups or ()],
            "members": t.members.astype(int),
            "share of the group": share,
            "share of one member": share / t.members,
            "saving per unit of effort": t.saving,
            "cost of effort": t.effort_cost,
            "price per induced unit": t.price,
            "margin per induced unit": t.margin,
        }
    )
    caption = (
        f"The example alliance. Half of a share reaches pay; staff earn {t.margin_pay[0]:.0%} of "
        f"the margin; the fund pays {float(t.fund_share):.0%} of a price; the surplus has a "
        f"standard deviation of {float(t.sigma):.0f} around its mean."
    )
    decimals = {"share of the group": 1, "share of one member": 3, "margin per induced unit": 1}
    return show(
        frame,
        caption,
        about=SOURCE,
        decimals=decimals,
    )


def share_figure() -> Exhibit:
    """Draw effort with inducement against the share that one member holds."""
    import pandas as pd

    from ..show import plots

    t = example_alliance()
    barrier = _barrier(1.0)
    w = np.geomspace(5e-4, 1.0, 300)
    induced = np.clip(1 - w / barrier, 0, None)
    held = np.array(SPLIT) / t.members
    ax = plots.new_axes()
    with plots.style():
        ax.plot(w, w, label="saving effort, part of what the whole transfer would draw")
        ax.plot(w, induced, label="induced volume, part of what there is without a share")
        ax.axvline(barrier, color=plots.INK, linestyle="--", linewidth=1.2)
        upright = {"rotation": 90, "ha": "right", "va": "bottom", "fontsize": 10}
        ax.text(barrier * 0.93, 0.56, "threshold share", **upright)
        ax.scatter(held, held, color=plots.PALETTE[0], zorder=3)
        ax.scatter(held, np.clip(1 - held / barrier, 0, None), color=plots.PALETTE[1], zorder=3)
        ax.vlines(held, 0, 1, color=plots.INK, linestyle=":", linewidth=1)
        for name, x, y in zip(t.groups or (), held, (0.68, 0.16, 0.16), strict=True):
            ax.text(x * 0.93, y, NAMES[name], **upright)
        ax.set_xscale("log")
        ax.set_xlabel("share of the transfer that one member holds")
        ax.set_ylabel("part of the full answer")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=10)
    summary = pd.DataFrame(
        {
            "member": [NAMES[name] for name in t.groups or ()],
            "share held": held,
            "effort, part of full": held,
            "induced volume, part of baseline": np.clip(1 - held / barrier, 0, None),
        }
    )
    return show(
        ax,
        "What one member does, against the share that it holds, under a two-sided contract "
        "that shares every yuan. The dots are the members of the example under 6:3:1.",
        about=SOURCE,
        alt="A rising and a falling curve on a logarithmic axis. Saving effort rises in proportion "
        f"to the share. Induced volume falls to zero at a share of {barrier:.3f}. The lead "
        "hospital lies to the right of that threshold; township centres and village clinics lie "
        "far to the left, with almost no effort and almost full inducement.",
        summary=summary,
    )


def threshold_sentence() -> Sentence:
    """Say where the threshold share lies, with how many equal members may share."""
    barrier = _barrier(1.0)
    return say(
        "A member stops inducing volume once it holds a share of {barrier:.3f}. So at most "
        "{barrier_2} equal members can share before each of them induces again. In the "
        "example the lead hospital holds {SPLIT_0:.3f}, a township centre {SPLIT_1:.3f}, a "
        "village clinic {SPLIT_2:.3f}.",
        barrier=barrier,
        barrier_2=int(1 / barrier),
        SPLIT_0=SPLIT[0],
        SPLIT_1=SPLIT[1] / 10,
        SPLIT_2=SPLIT[2] / 100,
        about=SOURCE,
    )


def _barrier(r: float, audit: float = 0.0) -> float:
    t = example_alliance()
    gain = t.margin_pay * (t.margin - audit * 2 * t.price)
    return float(threshold_share(gain, t.fund_share * t.price, 0.5, r)[0])


RULES: dict[str, dict[str, Any]] = {
    "two-sided, whole surplus": {"loss_share": 1.0},
    "one-sided, whole surplus": {},
    "one-sided, half the surplus": {"gain_share": 0.5},
    "two-sided, audited": {"loss_share": 1.0, "audit": 0.1},
}


def rules_table() -> Exhibit:
    """Set what members do under four contracts."""
    import pandas as pd

    columns: dict[str, list[Any]] = {}
    groups = list(NAMES.values())
    for name, terms in RULES.items():
        found = respond(example_contract(**terms), example_alliance())
        columns[name] = [
            found.marginal_share[0],
            found.mean_surplus[0],
            *found.effort[0],
            *found.inducement[0],
        ]
    rows = ["r", "expected surplus"]
    rows += [f"{act}, {group}" for act in ("effort", "inducement") for group in groups]
    frame = pd.DataFrame({"per member": rows, **columns})
    return show(
        frame,
        "Equilibrium under four contracts, split 6:3:1. The budget equals spending in the "
        "status quo, without retention and without audits, which no contract moves.",
        about=SOURCE,
        decimals=4,
    )


def gap_table() -> Exhibit:
    """Set each member's effort beside the collective optimum, with the pay that closes the gap."""
    found = respond(example_contract(loss_share=1.0), example_alliance())
    frame = found.members()
    whole = collective_optimum(found)
    frame = frame.assign(
        group=frame["group"].map(NAMES), collective_effort=whole["collective_effort"]
    )
    columns = {
        "group": "group",
        "members": "members",
        "effort": "effort of a member",
        "collective_effort": "effort that serves the alliance",
        "effort_ratio": "part of it",
        "corrective_pay": "pay per unit that makes effort earn all it saves",
    }
    return show(
        frame[list(columns)].rename(columns=columns),
        "Private effort beside the effort that serves the alliance as a whole, two-sided "
        "contract. The last column is the performance pay with which a unit of effort would earn "
        "its member all that it saves.",
        about=SOURCE,
        decimals={
            "effort of a member": 4,
            "effort that serves the alliance": 4,
            "part of it": 4,
            "pay per unit that makes effort earn all it saves": 2,
        },
    )


def gap_sentence() -> Sentence:
    """Say how much surplus is left on the table."""
    found = respond(example_contract(loss_share=1.0), example_alliance())
    whole = collective_optimum(found)
    top, own = whole.mean_surplus, float(found.mean_surplus[0])
    return say(
        "Acting for the whole, members would save {top:.1f}. Each acting for itself, they "
        "save {own:.1f}, which is {own_2:.0%} of it.",
        top=top,
        own=own,
        own_2=own / top,
        about=SOURCE,
    )


def audit_figure() -> Exhibit:
    """Draw the threshold share against the probability of an audit."""
    import pandas as pd

    from ..show import plots

    audit = np.linspace(0, 0.1, 101)
    t = example_alliance()
    one = solve_batch(example_contract(audit=audit), t).marginal_share
    two_sided = np.array([_barrier(1.0, a) for a in audit])
    one_sided = np.array([_barrier(r, a) for r, a in zip(one, audit, strict=True)])
    ax = plots.new_axes()
    with plots.style():
        ax.plot(audit, one_sided, label="one-sided contract")
        ax.plot(audit, two_sided, label="two-sided contract")
        for name, held in zip(t.groups or (), np.array(SPLIT) / t.members, strict=True):
            if held < one_sided.max():
                ax.axhline(held, color=plots.INK, linewidth=1, linestyle=":")
                ax.text(0.0, held + 0.003, f"share of a {NAMES[name]}", fontsize=10)
        ax.set_xlabel("probability that induced volume is found")
        ax.set_ylabel("share that stops inducement")
        ax.legend()
    picked = [0, 25, 50, 75, 100]
    summary = pd.DataFrame(
        {
            "audit probability": audit[picked],
            "threshold share, one-sided": one_sided[picked],
            "threshold share, two-sided": two_sided[picked],
        }
    )
    return show(
        ax,
        "The share that stops inducement, against the probability that induced volume is "
        "found. A found unit is repaid with a penalty of the same size.",
        about=SOURCE,
        alt=f"Two falling lines. Without audits the threshold share is {one_sided[0]:.3f} under "
        f"the one-sided and {two_sided[0]:.3f} under the two-sided contract. Both fall to zero at "
        "an audit probability of one tenth, crossing the small shares of township centres and "
        "village clinics shortly before.",
        summary=summary,
    )


def audit_sentence() -> Sentence:
    """Say from which audit probability each small member stops inducing."""
    top = _barrier(1.0)
    needed = [0.1 * (1 - share / top) for share in (SPLIT[1] / 10, SPLIT[2] / 100)]
    return say(
        "Under the two-sided contract a township centre stops inducing at an audit "
        "probability of {needed_0:.3f}, a village clinic at {needed_1:.4f}. The lead "
        "hospital needs none.",
        needed_0=needed[0],
        needed_1=needed[1],
        about=SOURCE,
    )


TRAP_BUDGETS = {"roomy budget": 98.5, "tight budget": 97.5, "tighter budget": 96.5}


def trap(budget: float = 97.5) -> Equilibrium:
    """Solve the example of the low-effort trap: ten equal members, a tight one-sided budget."""
    ten = Technology(
        members=[10], saving=[10], effort_cost=[20], sigma=1.0, baseline_spending=100.0
    )
    return respond(Contract(split=[1.0], budget=budget), ten)


def trap_figure() -> Exhibit:
    """Draw Phi_R(mu(r)) against r under three budgets."""
    import pandas as pd

    from ..show import plots

    ax, rows = plots.new_axes(), []
    with plots.style():
        for number, (name, budget) in enumerate(TRAP_BUDGETS.items()):
            found, color = trap(budget), plots.PALETTE[number]
            curve = found.curve()
            ax.plot(curve["r"], curve["image"], color=color, label=f"{name} ({budget:g})")
            for r, steady in zip(found.marginal_share, found.stable, strict=True):
                face = color if steady else "none"
                ax.scatter([r], [r], s=52, facecolors=face, edgecolors=color, zorder=3)
                kind = "stable" if steady else "unstable"
                rows.append({"budget": budget, "equilibrium r": r, "kind": kind})
        ax.plot([0, 1], [0, 1], color=plots.INK, linewidth=1.2, label="expected = resulting")
        ax.set_xlabel("part of a further yuan that members expect to keep, r")
        ax.set_ylabel("part that they then keep")
        ax.legend(fontsize=10)
    middle = trap()
    roots = ", ".join(f"{r:.6f}" for r in middle.marginal_share)
    return show(
        ax,
        "The low-effort trap. Where a curve meets the straight line, members' answers "
        "confirm what they expected. Filled: stable. Open: unstable. Spending without effort "
        "is 100.",
        about=SOURCE,
        alt="Three S-shaped curves and a diagonal. The roomy budget meets the diagonal once, near "
        f"one. The tight budget meets it three times, at {roots}; the middle one is unstable. The "
        "tighter budget meets it once, near zero.",
        summary=pd.DataFrame(rows),
    )


def trap_sentence() -> Sentence:
    """Say what separates the two outcomes of the trap."""
    found = trap()
    low, high = (found.pick(which) for which in ("lowest", "highest"))
    return say(
        "The same members, the same budget, the same contract: in one stable equilibrium a "
        "member makes an effort of {n0:.4f}, in the other {n0_2:.4f}. No member gains by "
        "leaving either alone.",
        n0=low.effort[low.chosen, 0],
        n0_2=high.effort[high.chosen, 0],
        about=SOURCE,
    )
