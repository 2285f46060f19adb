"""The picture of what one place gains and the others lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..show import plots
from .share_lessons import PARTS, SHORT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import Effects


@plots.styled
def draw_parts(effects: Effects) -> Axes:
    """Draw effects on the four parts, by event time, as bars that sum to zero."""
    frame = effects.to_frame(bands=False).query("event_time >= 0")
    wide = frame.pivot_table(index="event_time", columns="outcome", values="estimate", sort=False)
    wide = wide[list(PARTS)].rename(columns=SHORT)
    time = wide.index.to_numpy(float)
    ax = plots.new_axes()
    above, below = np.zeros(len(time)), np.zeros(len(time))
    for number, part in enumerate(wide.columns):
        values = wide[part].to_numpy()
        base = np.where(values >= 0, above, below)
        ax.bar(time, values, 0.6, bottom=base, color=plots.PALETTE[number], label=part)
        above, below = above + np.clip(values, 0, None), below + np.clip(values, None, 0)
    ax.axhline(0, color=plots.INK, linewidth=1)
    ax.set(xlabel="years since the reform", ylabel="effect on the share of visits")
    ax.set_xticks(time)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
    return ax
