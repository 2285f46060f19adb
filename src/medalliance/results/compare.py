"""Estimates side by side: one table, one picture, files for a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DesignError, first_three
from ..provenance import Provenance, mixed
from ..show.exhibits import RECORD, Content, Exhibit, Sentence
from ..show.front import say, show, together
from ..show.tables import to_latex
from ..show.translation import PICTURE
from ._effects import Effects
from ._show import with_truth

if TYPE_CHECKING:
    import pandas as pd

MOST_ON_ONE_AXIS = 4
LABELS = {
    "method": "Method", "outcome": "Outcome", "term": "Term", "estimate": "Estimate",
    "std_error": "Standard error", "conf_low": "95 % from", "conf_high": "95 % to", "p_value": "p",
    "truth": "True effect", "n_units": "Units",
}  # fmt: skip


def headline(effects: Effects, horizon: int | None = None) -> Effects:
    """Average the effects of years 0 to a horizon since treatment, as one term.

    Parameters
    ----------
    effects : Effects
    horizon : int, optional
        Last year averaged; each cohort counts where it is seen throughout. Without it, the
        result's own ``overall``.

    Returns
    -------
    Effects

    Raises
    ------
    DesignError
        If the effects are not by event time, or none lies within the horizon.
    """
    if horizon is None:
        return effects.overall
    by_event = effects
    if effects.mass is not None:
        by_event = effects.aggregate("event_time", balance=horizon)
    event = by_event.terms["event_time"].to_numpy(float, na_value=np.nan)
    shown = (event >= 0) & (event <= horizon)
    if not shown.any():
        raise DesignError(
            f"{effects.design.estimator} has no effect by years since treatment up to {horizon}.\n"
            "  Leave the horizon out, or compare estimates by event time."
        )
    return by_event.combine(shown / shown.sum())


@dataclass(frozen=True, eq=False)
class Comparison:
    """Estimates side by side, as a table and a picture.

    Attributes
    ----------
    effects : dict of str to Effects
        By name, in the order given.
    caption : str
    horizon : int or None
        Years since treatment that the table averages over; None for each result's own average.
    level : float
        Of the intervals.
    refused : dict of str to str
        What could not be estimated, with its reason.
    """

    effects: Mapping[str, Effects]
    caption: str
    horizon: int | None = None
    level: float = 0.95
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def provenance(self) -> Provenance:
        """What the estimates were made from, mixed."""
        found = mixed(self.effects.values())
        if found is None:
            raise DesignError("the estimates do not know their panel.\n  Estimate them again.")
        return found

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row an estimate: ``method [term] estimate std_error conf_low conf_high p_value``.

        ``truth`` is there where it is known. Estimates that have no average (coefficients of a
        regression) have one row a term.
        """
        import pandas as pd

        rows = []
        for name, effects in self._compared.items():
            part = effects.to_frame(self.level, bands=False)
            part.insert(0, "method", name)
            part["truth"] = np.nan if effects.truth is None else effects.truth
            rows.append(part)
        found = pd.concat(rows, ignore_index=True)
        found = found[list(LABELS)]
        if found["method"].is_unique or len(set(found["outcome"])) == 1:
            found = found.drop(columns="outcome")
        if len(set(found["term"])) == 1 or found["method"].is_unique:
            found = found.drop(columns="term")
        found = found.drop(
            columns=[name for name in ("truth", "n_units") if found[name].isna().all()]
        )
        return self.provenance.carried_by(found)

    @property
    def foot(self) -> str:
        """What was averaged, and which errors each method states."""
        by_convention: dict[str, list[str]] = {}
        for name, effects in self.effects.items():
            by_convention.setdefault(effects.design.std_errors, []).append(name)
        parts = [f"{', '.join(names)}: {words}" for words, names in by_convention.items()]
        span = ""
        if self.horizon is not None:
            span = f"Mean effect of years 0 to {self.horizon} since treatment. "
        outcomes = list(dict.fromkeys(one.design.outcome for one in self.effects.values()))
        missing = "".join(f" Not available: {name} ({why})." for name, why in self.refused.items())
        return f"{span}Outcome {', '.join(outcomes)}. Standard errors: {'; '.join(parts)}.{missing}"

    @cached_property
    def table(self) -> Exhibit:
        """The estimates as a table."""
        return show(self, kind="table", labels=self._labels())

    @cached_property
    def figure(self) -> Exhibit:
        """The estimates by event time side by side, or one row each where there is no time."""
        return show(self, kind="figure")

    def to_frame(self) -> pd.DataFrame:
        """Return the table's numbers."""
        return self.frame.copy()

    def describe(self) -> Sentence:
        """Say how far the estimates lie apart, beside their errors and, where known, the truth."""
        frame = self.frame
        estimates, errors = frame["estimate"], frame["std_error"].dropna()
        numbers: dict[str, Any] = {"low": estimates.min(), "high": estimates.max()}
        text = "The estimates lie between {low:.4f} and {high:.4f}"
        if len(errors):
            numbers |= {"least": errors.min(), "most": errors.max()}
            text += "; their standard errors between {least:.4f} and {most:.4f}."
        else:
            text += "; too few clusters are treated for a standard error."
        if "truth" in frame and (frame["truth"] == frame["truth"].iloc[0]).all():
            truth = frame["truth"].iloc[0]
            held = frame["conf_low"].le(truth) & frame["conf_high"].ge(truth)
            numbers |= {"truth": truth, "held": int(held.sum()), "all": len(frame)}
            text += " The true effect is {truth:.4f}; {held} of {all} intervals hold it."
        return say(text, about=self.provenance, **numbers)

    def to_latex(self) -> str:
        """Return the table in LaTeX, with its caption and foot."""
        foot = f"{self.foot} Source: {self.provenance.source}."
        return to_latex(self.frame, caption=self.caption, foot=foot, labels=self._labels())

    def to_word(self, path: str | Path) -> Path:
        """Write the table as a Word document; returns its path."""
        from ..show.documents import word

        return _written(path, word([self.table.record], title=self.caption))

    def to_excel(self, path: str | Path) -> Path:
        """Write the table as an Excel workbook, numbers at full precision; returns its path."""
        from ..show.documents import excel

        return _written(path, excel([self.table.record], ["estimates"]))

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the estimates; returns the Axes."""
        import pandas as pd

        from ..show import plots

        units = {one.design.unit_of_measure for one in self.effects.values()}
        unit = "effect, each in its own unit" if len(units) > 1 else "effect"
        if len(units) == 1 and (measure := units.pop()):
            unit = f"effect, {measure}"
        by_event = {name: _by_event(one, self.horizon) for name, one in self.effects.items()}
        if all(one is not None for one in by_event.values()):
            frames = [one.assign(method=name) for name, one in by_event.items() if one is not None]
            frame = pd.concat(frames, ignore_index=True)
            if ax is None and self._apart:
                return plots.small_event_studies(frame, by="method", unit=unit, **options)
            return plots.event_study(frame, unit=unit, by="method", ax=ax, **options)
        frame = self.frame
        if "term" in frame.columns:
            frame = frame.assign(label=frame["term"] + ", " + frame["method"])
            return plots.forest(frame, label="label", group="method", unit=unit, ax=ax, **options)
        return plots.forest(frame, label="method", unit=unit, ax=ax, **options)

    @property
    def _apart(self) -> bool:
        """Whether each estimate needs Axes of its own: many, or of different outcomes."""
        outcomes = {one.design.outcome for one in self.effects.values()}
        return len(self.effects) > MOST_ON_ONE_AXIS or len(outcomes) > 1

    @cached_property
    def _compared(self) -> dict[str, Effects]:
        """What the table sets: the average of each, or its terms where it has none."""
        found = {}
        for name, effects in self.effects.items():
            try:
                found[name] = headline(effects, self.horizon)
            except DesignError:
                if self.horizon is not None or effects.terms["event_time"].notna().any():
                    raise
                found[name] = effects
        return found

    @property
    def _drawn(self) -> pd.DataFrame | None:
        """The estimates by event time, one column each; None where there is no time."""
        import pandas as pd

        parts = {}
        for name, effects in self.effects.items():
            frame = _by_event(effects, self.horizon)
            if frame is None:
                return None
            parts[name] = frame.set_index("event_time")["estimate"]
        return pd.DataFrame(parts).sort_index().rename_axis("event_time").reset_index()

    def _labels(self) -> dict[str, str]:
        percent = f"{100 * self.level:g} %"
        return LABELS | {"conf_low": f"{percent} from", "conf_high": f"{percent} to"}

    def _exhibit_(self, kind: str | None = None, **drawing: Any) -> Content:
        draw = None if kind == "table" else lambda: self.plot(**drawing)
        return Content(
            self.provenance, self.caption, self.foot,
            frame=self.frame, draw=draw, numbers=self._drawn,
        )  # fmt: skip

    def _repr_html_(self) -> str:
        return self.table._repr_html_() + self.figure._repr_html_()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundles = [one._repr_mimebundle_() for one in (self.table, self.figure)]
        records = [bundle[RECORD] for bundle in bundles if bundle.get(RECORD)]
        drawn = {kind: bundle[kind] for bundle in bundles for kind in bundle if kind == PICTURE}
        return {RECORD: records, **drawn} if records else {}

    def __repr__(self) -> str:
        return repr(self.table)


def compare(
    effects: Mapping[str, Effects],
    caption: str = "",
    *,
    horizon: int | None = None,
    level: float = 0.95,
) -> Comparison:
    """Set estimates side by side: a table, a picture, and files for a paper.

    Parameters
    ----------
    effects : dict of str to Effects
        Estimates by the name that they are to be shown under.
    caption : str, optional
    horizon : int, optional
        Average years 0 to this one since treatment, each cohort where it is seen throughout.
        Without it, each result's own average (``overall``).
    level : float
        Of the intervals.

    Returns
    -------
    Comparison
        A notebook displays table and picture; ``to_latex()``, ``to_word(path)`` and
        ``to_excel(path)`` write the table.

    Raises
    ------
    DesignError
        If there is nothing to compare, or something that is no estimate.
    """
    if not isinstance(effects, Mapping) or not effects:
        raise DesignError("nothing to compare.\n  Pass a dict of estimates by name.")
    odd = [f"{name} ({type(one).__name__})" for name, one in effects.items()
           if not isinstance(one, Effects)]  # fmt: skip
    if odd:
        raise DesignError(f"no estimates: {first_three(odd)}.\n  Pass Effects by name.")
    named = {str(name): one for name, one in effects.items()}
    outcomes = list(dict.fromkeys(one.design.outcome for one in named.values()))
    refused = dict(getattr(effects, "refused", {}))
    found = Comparison(
        named, caption or f"Effect on {', '.join(outcomes)}", horizon, level, refused
    )
    found.frame  # noqa: B018 - refuse here, not when it is displayed
    return found


@together.register
def _(first: Effects, named: Mapping[str, Any]) -> Comparison:
    return compare(named)


def _by_event(effects: Effects, horizon: int | None) -> pd.DataFrame | None:
    """Return effects by event time with their truth, or None where there is no time."""
    if len(set(effects.terms["outcome"])) > 1:
        return None
    if effects.mass is not None:
        effects = effects.aggregate("event_time", balance=horizon)
    if len(effects.estimate) < 2 or effects.terms["event_time"].isna().any():
        return None
    return with_truth(effects, effects.to_frame(bands=False))


def _written(path: str | Path, content: bytes) -> Path:
    path = Path(path)
    path.write_bytes(content)
    return path
