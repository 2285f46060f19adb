"""The front door of exhibits: ``show`` a result, ``say`` a sentence of computed numbers."""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import singledispatch
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import DataError, first_three
from ..provenance import Provenance, mixed, provenance_of
from .exhibits import Content, Displayed, Exhibit, Sentence, new_record
from .pictures import PROVENANCE, axes_of, drawn_numbers, picture, rounded
from .tables import BLANK, set_table

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["figure", "table"]


def show(
    value: Any,
    caption: str = "",
    *,
    kind: Kind | None = None,
    alt: str = "",
    about: Any = None,
    foot: str = "",
    decimals: int | Mapping[str, int] | None = None,
    labels: str | Mapping[str, str] = "codebook",
    lang: str = "en",
    blank: str | None = None,
    assumed: pd.DataFrame | None = None,
    fill: pd.DataFrame | None = None,
    summary: pd.DataFrame | None = None,
    **drawing: Any,
) -> Exhibit:
    """Show a result as a picture or a table, with its badge, caption, foot and source.

    Parameters
    ----------
    value : Effects, Findings, Settlement, Equilibrium, Axes, DataFrame, dict of Effects
        What is shown. Badge and source are its own.
    caption : str
        What the exhibit shows; results have words of their own where it is empty.
    kind : {"figure", "table"}, optional
        A picture where the result has one, by default.
    alt : str, optional
        What a picture shows to someone who cannot see it; by default the caption with the
        numbers drawn.
    about : panel, result, Provenance, or several of them, optional
        What the numbers were computed from, where the value itself does not know (Axes, frames
        of your own). Where both know, the weakest badge counts.
    foot : str, optional
        What stands below besides the source; a result's own foot comes first.
    decimals, labels, lang, blank
        For tables: decimals by column, column headings, language, what a blank prints.
    assumed, fill : DataFrame, optional
        For tables: which cells are assumed and printed grey; a colour behind each cell.
    summary : DataFrame, optional
        For pictures: the numbers behind them; by default read off the marks.
    **drawing
        Passed to what draws the result.

    Returns
    -------
    Exhibit
        A notebook displays it; ``repr`` gives its text.

    Raises
    ------
    DataError
        If there is nothing that can be shown, no caption, or no provenance.
    """
    content = _content(value, kind, drawing)
    provenance = mixed([content.provenance, about])
    caption = caption or content.caption
    if provenance is None:
        raise DataError(
            f"this {type(value).__name__} does not know where its numbers come from.\n"
            "  Pass about= with the panel or the result that it was computed from."
        )
    if not caption.strip():
        raise DataError("the caption is empty.\n  Say what is shown: show(value, caption).")
    foot = " ".join(text for text in (content.foot, foot) if text)
    unknown = BLANK if hasattr(value, "columns") and not hasattr(value, "_exhibit_") else ""
    if content.draw is None:
        return set_table(
            content.frame, provenance, caption,
            foot=foot, decimals=decimals, labels=labels, lang=lang,
            blank=unknown if blank is None else blank, assumed=assumed, fill=fill,
        )  # fmt: skip
    drawn = content.draw()
    if summary is None:
        summary = content.numbers
    if summary is None:
        summary = drawn_numbers(axes_of(drawn))
        if summary.empty and content.frame is not None:
            summary = content.frame
    numbers = rounded(summary)
    told = alt or content.alt or _two_sentences(caption, _in_words(numbers))
    return picture(drawn, provenance, caption, told, foot=foot, summary=numbers, lang=lang)


def say(template: str, *, about: Any = None, lang: str = "en", **numbers: Any) -> Sentence:
    """Say a sentence of computed numbers, with its badge and source.

    Template and numbers are kept apart, so that the sentence can be translated and checked.

    Parameters
    ----------
    template : str
        Text with a field a number, formatted as ``str.format`` does: ``"{points:+.1f} points"``.
    about : panel, result, Provenance, or several of them, optional
        What the numbers were computed from. Not needed where a number is itself a result.
    lang : {"en", "zh"}
    **numbers
        One a field; a result of one number (``effects.overall``) stands for its estimate.

    Returns
    -------
    Sentence

    Raises
    ------
    DataError
        If a field has no number, a number no field, or no provenance is known.

    Examples
    --------
    >>> from medalliance.provenance import Provenance
    >>> said = say("{n} of {all} rose.", n=3, all=4, about=Provenance("REAL", "a yearbook"))
    >>> said
    [REAL] 3 of 4 rose. Source: a yearbook
    """
    if not template.strip():
        raise DataError("the template is empty.\n  Write the sentence, with a {field} a number.")
    fields = {
        name.partition(".")[0].partition("[")[0]
        for _, name, _, _ in string.Formatter().parse(template)
        if name is not None
    }
    lacking, unused = sorted(fields - numbers.keys()), sorted(numbers.keys() - fields)
    if lacking or unused:
        wrong = [f"no number for {first_three(lacking)}"] if lacking else []
        wrong += [f"no field for {first_three(unused)}"] if unused else []
        raise DataError(
            f"{'; '.join(wrong)}, in {template!r}.\n  Give each field one number of its name."
        )
    provenance = mixed([about, *numbers.values()])
    if provenance is None:
        raise DataError(
            "the numbers do not know where they come from.\n"
            "  Pass about= with the panel or the result that they were computed from."
        )
    plain = {name: _number(value) for name, value in numbers.items()}
    words = {"text": template.format(**plain), "template": template, "numbers": plain}
    return Sentence(new_record("sentence", provenance, lang, words))


class Shown:
    """A result that a notebook displays as ``show`` sets it: as a table."""

    def _repr_html_(self) -> str:
        return show(self, kind="table")._repr_html_()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        exhibit = show(self, kind="table")
        return {**exhibit._repr_mimebundle_(), "text/plain": repr(self)}


@singledispatch
def together(first: Any, named: Mapping[str, Any]) -> Any:
    """Return what shows several results of a kind side by side, chosen by the first; or None."""
    return None


def _number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return float(value) if provenance_of(value) is not None else value


def _content(value: Any, kind: str | None, drawing: Mapping[str, Any]) -> Content:
    """Ask a value for what it shows; frames are tables, Axes are pictures."""
    if kind not in (None, "figure", "table"):
        raise DataError(f"kind={kind!r}.\n  Use 'figure', 'table' or nothing.")
    if isinstance(value, Displayed):
        raise DataError("this is an exhibit already.\n  Show the result that it was made from.")
    if hasattr(value, "_exhibit_"):
        return value._exhibit_(kind, **drawing)  # type: ignore[no-any-return]
    if isinstance(value, Mapping) and value:
        compared = together(next(iter(value.values())), value)
        if compared is not None:
            return compared._exhibit_(kind or "figure", **drawing)  # type: ignore[no-any-return]
    if hasattr(value, "to_frame") and hasattr(value, "index"):
        value = value.to_frame().reset_index()
    if hasattr(value, "columns") and kind != "figure":
        return Content(provenance_of(value), frame=value)
    axes = axes_of(value) if not hasattr(value, "columns") else []
    if not axes:
        raise DataError(
            f"a {type(value).__name__} cannot be shown{' as a figure' if kind else ''}.\n"
            "  Pass a result of this package, matplotlib Axes, or a DataFrame (as a table)."
        )
    return Content(_drawn_from(axes), draw=lambda: value)


def _drawn_from(axes: list[Any]) -> Provenance | None:
    """Return the provenance of the frames that Axes were drawn from, mixed."""
    return mixed(getattr(ax, PROVENANCE, None) for ax in axes)


def _two_sentences(first: str, second: str) -> str:
    ended = first if first[-1:] in ".?!。" or not second else f"{first}."
    return f"{ended} {second}".strip()


def _in_words(numbers: pd.DataFrame) -> str:
    """Say what was drawn, one clause a series, for a reader who cannot see it."""
    if "series" in numbers.columns:
        rows = [
            f"{row['series']}: {row['points']} points from {row['lowest']} to {row['highest']}"
            for _, row in numbers.head(6).iterrows()
        ]
    else:
        rows = []
        for name in numbers.columns[1:7]:
            column = numbers[name]
            seen = sorted((cell for cell in column if _is_number(cell)), key=float)
            if seen:
                rows.append(f"{name}: {len(seen)} points from {seen[0]} to {seen[-1]}")
    return f"{'; '.join(rows)}." if rows else ""


def _is_number(text: str) -> bool:
    """Return whether a printed cell is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
