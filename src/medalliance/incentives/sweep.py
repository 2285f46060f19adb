"""One term of a contract moved along its range, everything else held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RuleError
from ..show.findings import Findings
from .batch import solve_batch
from .contract import Contract
from .equilibrium import MODEL
from .technology import Technology

if TYPE_CHECKING:
    import pandas as pd

_TOTALS = ("mean_surplus", "spending", "harm", "needed_value", "welfare", "score")


def sweep(
    contract: Contract,
    technology: Technology,
    term: str,
    values: Any,
    under: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    at: Sequence[float] | None = None,
) -> Findings:
    """Solve a contract at each value of one of its terms.

    Parameters
    ----------
    contract, technology
    term : str
        A term of :class:`~medalliance.Contract`.
    values : array, shape (n,) or (n, n_groups)
    under : mapping of str to terms, optional
        Contracts to compare along the range, by name; by default the one given.
    at : sequence of float, optional
        What stands on the axis for each value; needed where values come by group.

    Returns
    -------
    Findings
        One row a contract and value: ``contract``, the term, ``surplus, spending, harm,
        needed_value, welfare, score``, and ``effort_, induced_, withheld_, pay_`` with the group's
        name. Drawn as lines: ``y`` is an
        outcome, or several where there is one contract; ``names`` are words for what is drawn.

    Raises
    ------
    RuleError
        If a contract has no such term.
    """
    import pandas as pd

    if term not in Contract.__dataclass_fields__:
        raise RuleError(f"sweep: a contract has no term {term!r}.")
    given = np.asarray(values, dtype=float)
    place = given if at is None else np.asarray(at, dtype=float)
    level = given[:, None] if given.ndim == 1 and term in Contract._BY_GROUP else given
    level = np.broadcast_to(level, (len(given), technology.n_groups)) if level.ndim > 1 else level
    frames = []
    for name, terms in (under or {"the contract": {}}).items():
        found = solve_batch(contract.replace(**{**terms, term: level}), technology)
        columns = {n: getattr(found, n) for n in _TOTALS}
        for act, word in (("effort", "effort"), ("inducement", "induced"),
                          ("withheld", "withheld"), ("pay", "pay")):  # fmt: skip
            by_group = getattr(found, act)
            columns |= {
                f"{word}_{g}": by_group[:, j] for j, g in enumerate(technology.groups or ())
            }
        frames.append(pd.DataFrame({"contract": name, term: place, **columns}))
    frame = pd.concat(frames, ignore_index=True).rename(columns={"mean_surplus": "surplus"})
    return Findings(
        frame,
        "What a contract brings as one of its terms moves",
        "Of several equilibria the one with the lowest surplus.",
        MODEL,
        draw=_draw,
    )


def _draw(
    frame: pd.DataFrame, ax: Any = None, y: str | Sequence[str] = "surplus",
    names: Mapping[str, str] | None = None,
) -> Any:  # fmt: skip
    from ..show import plots

    term, words = frame.columns[1], dict(names or {})
    ax = plots.new_axes() if ax is None else ax
    wanted = [y] if isinstance(y, str) else list(y)
    parts = frame.groupby("contract", sort=False) if len(wanted) == 1 else [("", frame)]
    drawn = [
        (words.get(str(key) or one, str(key) or one.replace("_", " ")), part[term], part[one])
        for key, part in parts
        for one in wanted
    ]
    with plots.style():
        for number, (name, x, value) in enumerate(drawn):
            ax.plot(x.to_numpy(), value.to_numpy(), color=plots.PALETTE[number], label=name)
        values = frame[wanted].to_numpy()
        if values.min() < 0 < values.max():
            ax.axhline(0, color=plots.INK, linewidth=1)
        if len(drawn) > 1:
            ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
        ax.set_xlabel(words.get(term, term.replace("_", " ")))
        ax.set_ylabel(words.get("y", wanted[0].replace("_", " ")))
    return ax
