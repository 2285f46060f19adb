"""The picture of the exact split between spending and budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..show import plots

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@plots.styled
def draw_split(frame: pd.DataFrame) -> Axes:
    """Draw the split of the effect on spending over budget by years since the reform.

    Parameters
    ----------
    frame : DataFrame
        As ``surplus_split`` returns it, by event time.
    """
    ax = plots.new_axes()
    time = frame["event_time"].to_numpy(float)
    spent, budgeted = frame["log_spending_per_insured"], -frame["log_budget_per_insured"]
    whole = frame["log_spending_to_budget"]
    ax.bar(time - 0.2, spent, 0.36, color=plots.PALETTE[0], label="less is spent")
    ax.bar(time + 0.2, budgeted, 0.36, color=plots.PALETTE[1], label="more is budgeted")
    ax.plot(time, whole, "D", color=plots.INK, label="sum: log(1 - surplus rate)")
    ax.axhline(0, color=plots.INK, linewidth=1)
    ax.set(xlabel="years since the reform", ylabel="part of the effect, log points")
    ax.set_xticks(time)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=10)
    return ax
