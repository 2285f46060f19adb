"""The result of a settlement: postings and totals, in words, tables and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import DataError
from ..show.front import Shown
from . import budgets, explain
from .ledger import MAIN_UNIT
from .postings import SIGNS, Postings, money

if TYPE_CHECKING:
    from ..show.exhibits import Content


class Settlement(Shown, Postings):
    """Who gets each yuan, for every alliance and year of a ledger.

    The attributes, totals and frames are those of ``Postings``; here they are shown.
    """

    def to_latex(self, *, caption: str = "Who gets each yuan") -> str:
        """Return what each party receives as a LaTeX table."""
        from ..show.tables import to_latex

        return to_latex(self._shown_totals(), caption=caption, foot=self._foot())

    def _exhibit_(self, kind: str | None = None, **drawing: Any) -> Content:
        from ..show.exhibits import Content

        name = self.rules.name.en
        if kind == "figure":
            caption = f"{name}: where each yuan went."
            chosen = {name: value for name, value in drawing.items() if name != "ax"}
            return Content(
                self.provenance, caption, self._foot(), draw=lambda: self.plot(**drawing),
                numbers=self.flows(**chosen)[["target", "amount"]],
            )  # fmt: skip
        caption = f"{name}: what each party receives in all (below zero: pays)."
        return Content(self.provenance, caption, self._foot(), frame=self._shown_totals())

    def _shown_totals(self) -> pd.DataFrame:
        totals = self.party_totals().rename(columns={"amount_main": MAIN_UNIT[self.rules.currency]})
        return totals.drop(columns=["amount"])

    def _foot(self) -> str:
        assumed = f"; assumed: {', '.join(self.assumed)}" if self.assumed else ""
        return f"{len(self):,} settlements under {self.rules.file}; inputs {self.digest}{assumed}"

    def summary(self) -> str:
        """Return the settlement in a few lines of text."""
        sign = SIGNS[self.rules.currency]
        gain = int(self.settled[self.settled > 0].sum())
        loss = -int(self.settled[self.settled < 0].sum())
        lines = [
            f"{self.rules.name.en}: {len(self):,} settlements",
            f"  in surplus {int((self.surplus > 0).sum()):,}, "
            f"in deficit {int((self.surplus < 0).sum()):,}",
            f"  paid to alliances {money(gain, sign)}, owed by alliances {money(loss, sign)}",
            f"  evidence {self.badge.value}; inputs and rules {self.digest}",
        ]
        if self.assumed:
            lines.append(f"  assumed: {', '.join(self.assumed)}")
        return "\n".join(lines)

    def explain(self, alliance: str | None = None, year: int | None = None) -> str:
        """Return one settlement step by step, in words."""
        return explain.explain(self, self.position(alliance, year))

    def steps(self, alliance: str | None = None, year: int | None = None) -> pd.DataFrame:
        """Return what each step did to one settlement: before, after (main units), why, status."""
        return explain.steps_frame(self, self.position(alliance, year))

    def flows(
        self, alliance: str | None = None, year: int | None = None, *, result_only: bool = False
    ) -> pd.DataFrame:
        """Return where each yuan went: ``source, target, amount`` (main units) and ``status``.

        Without an alliance and year: all settlements together. With ``result_only`` the flows
        follow the surplus or the deficit and leave out the claims that the budget covers.
        """
        every = alliance is None and year is None and len(self) != 1
        row = None if every else self.position(alliance, year)
        return explain.flows(self, row, result_only=result_only)

    def next_budget(self) -> pd.DataFrame:
        """Return next year's budget of each alliance (minor units) by the contract's own rule."""
        return budgets.next_budget(self)

    def plot(
        self,
        ax: Any = None,
        alliance: str | None = None,
        year: int | None = None,
        *,
        result_only: bool = False,
    ) -> Any:
        """Draw where each yuan went; returns the Axes."""
        from ..show.plots import flow

        frame = self.flows(alliance, year, result_only=result_only)
        if frame.empty:
            raise DataError("spending equals the budget: there is no surplus or deficit to draw.")
        return flow(
            frame, total=frame["source"].iloc[0], unit=MAIN_UNIT[self.rules.currency], ax=ax
        )

    def __repr__(self) -> str:
        return self.summary()
