"""Findings: a tidy frame with what else was found, its foot and its badge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import DesignError
from ..provenance import Badge, Provenance, mixed
from .exhibits import Content
from .front import Shown, together

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Findings(Shown):
    """What a diagnostic or a method of inference found.

    ``found["column"]``, ``len(found)``, iteration over columns and the methods of a DataFrame
    reach the frame; what was found beside it is an attribute, as ``found.breakdown``.

    Attributes
    ----------
    frame : DataFrame
        Tidy, one row a finding.
    title : str
        What the table shows.
    foot : str
        How it was made.
    provenance : Provenance
        Kind of evidence and source.
    named : mapping of str to object
        What was found beside the frame, by name.
    draw : callable or None
        Draws the findings: ``draw(frame, ax=None)`` returns Axes.
    """

    frame: pd.DataFrame
    title: str
    foot: str
    provenance: Provenance
    named: Mapping[str, Any] = field(default_factory=dict)
    draw: Callable[..., Any] | None = None

    @property
    def badge(self) -> Badge:
        """Kind of evidence."""
        return self.provenance.badge

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the frame."""
        return self.frame.copy()

    @property
    def has_picture(self) -> bool:
        """Whether the findings can be drawn."""
        return self.draw is not None

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the findings; returns the Axes.

        Raises
        ------
        DesignError
            If they are a table only.
        """
        if self.draw is None:
            raise DesignError(f"no picture of {self.title}.\n  Show it as a table.")
        return self.draw(self.frame, ax=ax, **options)

    def to_latex(self) -> str:
        """Return the findings as a LaTeX table with their foot."""
        from .tables import to_latex

        return to_latex(self.frame, caption=self.title, foot=self.foot)

    def __getitem__(self, key: Any) -> Any:
        return self.frame[key]

    def __len__(self) -> int:
        return len(self.frame)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.frame)

    def __contains__(self, key: object) -> bool:
        return key in self.frame

    def __getattr__(self, name: str) -> Any:
        held = self.__dict__  # empty while a pickle is read
        if name in held.get("named", ()):
            return held["named"][name]
        if "frame" not in held or name.startswith("_") or not hasattr(held["frame"], name):
            found = ", ".join(held.get("named", ())) or "no other name"
            raise AttributeError(f"the findings hold .frame and {found}, not {name!r}")
        return getattr(held["frame"], name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.named})

    def __repr__(self) -> str:
        body = self.frame.to_string(index=False, na_rep="")
        beside = [
            f"{name}: {value}"
            for name, value in self.named.items()
            if isinstance(value, str | int | float)
        ]
        return "\n".join([f"[{self.badge}] {self.title}", body, *beside, self.foot])

    def _exhibit_(self, kind: str | None = None, **drawing: Any) -> Content:
        reading = str(self.named.get("reading", ""))
        foot = " ".join(text for text in (reading, self.foot) if text)
        if kind == "figure" or (kind is None and self.has_picture):
            plot = partial(self.plot, **drawing)
            return Content(self.provenance, self.title, foot, reading, self.frame, plot)
        return Content(self.provenance, self.title, foot, frame=self.frame)


@together.register
def _(first: Findings, named: Mapping[str, Any]) -> Findings:
    """Set findings of a kind one below the other, or draw them side by side."""
    import pandas as pd

    frame = pd.concat(
        [one.frame.assign(which=str(name))[["which", *one.frame.columns]]
         for name, one in named.items()],
        ignore_index=True,
    )  # fmt: skip
    feet = dict.fromkeys(one.foot for one in named.values())
    provenance = mixed(one.provenance for one in named.values()) or first.provenance
    drawn = partial(_side_by_side, named) if first.has_picture else None
    return Findings(frame, first.title, " ".join(feet), provenance, draw=drawn)


def _side_by_side(named: Mapping[str, Findings], frame: pd.DataFrame, ax: Any = None) -> Any:
    """Draw each of several findings on Axes of its own."""
    from .plots import small_multiples

    return small_multiples({name: one.plot for name, one in named.items()})
