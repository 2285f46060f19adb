"""Exhibits: figures, tables and sentences, each made of one record of plain data."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..paths import files_read
from ..provenance import Badge, Provenance
from .html import SOURCE, exhibit_html, printed_rows, sentence_html

if TYPE_CHECKING:
    import pandas as pd

RECORD = "application/vnd.medalliance.exhibit+json"
_ROOT = __name__.partition(".")[0]


@dataclass(frozen=True, eq=False)
class Content:
    """What a result gives ``show``: a frame to set or a picture to draw, and its words.

    A result is shown if it has a method ``_exhibit_(kind, **drawing)`` that returns one of these;
    ``kind`` is ``"figure"``, ``"table"`` or None where the result may choose.

    Attributes
    ----------
    provenance : Provenance or None
    caption, foot, alt : str
        Used where ``show`` is given no other; the foot says how the numbers were made.
    frame : DataFrame or None
        What a table sets.
    draw : callable or None
        What draws a picture and returns its Axes; called only when it is shown.
    numbers : DataFrame or None
        The numbers drawn; without them they are read off the marks.
    """

    provenance: Provenance | None
    caption: str = ""
    foot: str = ""
    alt: str = ""
    frame: Any = None
    draw: Callable[[], Any] | None = None
    numbers: Any = None


class Displayed:
    """What a notebook displays by its record, its HTML and its text."""

    record: Mapping[str, Any]

    @property
    def badge(self) -> Badge:
        """Kind of evidence."""
        return Badge(self.record["badge"])

    @property
    def source(self) -> str:
        """Where the numbers come from."""
        return str(self.record["source"])

    @property
    def provenance(self) -> Provenance:
        """Kind of evidence, source and files."""
        return Provenance(self.badge, self.source, files=tuple(self.record["files"]))

    def _repr_html_(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self), RECORD: self.record}


@dataclass(frozen=True, eq=False, repr=False)
class Exhibit(Displayed):
    """A figure or a table as the book shows it.

    Attributes
    ----------
    record : mapping
        Everything but the picture, as plain data that JSON holds: ``kind`` (``"figure"`` or
        ``"table"``), ``badge``, ``caption``, ``alt``, ``foot``, ``source``, ``lang``, ``made_by``
        (the function that was called), ``files`` (data read so far) and ``columns``. A column
        has its ``name``, ``heading``, ``printed`` cells and, where it holds numbers, ``values``;
        ``grey`` lists rows that are assumed or blank, ``fill`` colours behind cells.
    png : bytes
        The picture; empty for a table.
    pictures : dict of str to bytes
        A figure for print by media type, where a build takes it along.
    """

    record: Mapping[str, Any]
    png: bytes = b""
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """``"figure"`` or ``"table"``."""
        return str(self.record["kind"])

    @property
    def caption(self) -> str:
        """What is shown."""
        return str(self.record["caption"])

    @property
    def alt(self) -> str:
        """What a reader who cannot see it is told."""
        return str(self.record["alt"])

    @property
    def foot(self) -> str:
        """How the numbers were made."""
        return str(self.record["foot"])

    @property
    def summary(self) -> pd.DataFrame:
        """The numbers as printed, in the table or below the picture."""
        import pandas as pd

        head, *rows = printed_rows(self.record) or [[]]
        return pd.DataFrame(rows, columns=head, dtype=object)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Give a notebook the record beside what it shows."""
        encoded = {kind: _base64(content) for kind, content in self.pictures.items()}
        return {**super()._repr_mimebundle_(), **encoded}

    def _repr_html_(self) -> str:
        return exhibit_html(self.record, f"data:image/png;base64,{_base64(self.png)}", self._width)

    @property
    def _width(self) -> int:
        """Width on a page, half the picture's."""
        return int.from_bytes(self.png[16:20], "big") // 2

    def __repr__(self) -> str:
        body = self.summary.to_string(index=False) if self.record["columns"] else ""
        head = f"{self.kind.capitalize()} [{self.badge.value}] {self.caption}"
        said = f"{SOURCE[self.record['lang']]}{self.source}"
        return "\n".join(text for text in (head, body, self.foot, said) if text)


@dataclass(frozen=True, eq=False, repr=False)
class Sentence(Displayed):
    """A sentence of computed numbers that carries its badge.

    Attributes
    ----------
    record : mapping
        ``kind`` (``"sentence"``), ``badge``, ``text``, ``template``, ``numbers`` (by field),
        ``source``, ``lang``, ``made_by``, ``files``.
    """

    record: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The sentence as it is read."""
        return str(self.record["text"])

    @property
    def template(self) -> str:
        """The sentence with a field a number."""
        return str(self.record["template"])

    @property
    def numbers(self) -> Mapping[str, Any]:
        """The number of each field."""
        return dict(self.record["numbers"])

    def _repr_html_(self) -> str:
        return sentence_html(self.record)

    def __repr__(self) -> str:
        return f"[{self.badge.value}] {self.text} {SOURCE[self.record['lang']]}{self.source}"


def new_record(
    kind: str, provenance: Provenance, lang: str, words: Mapping[str, Any]
) -> dict[str, Any]:
    """Make the record of an exhibit: its words, its provenance, what made it from which files.

    Raises
    ------
    ValueError
        If a text that every exhibit needs is empty.
    """
    needed = {name: words[name] for name in ("caption", "alt", "text") if name in words}
    empty = [name for name, text in {**needed, "source": provenance.source}.items()
             if not str(text or "").strip()]  # fmt: skip
    if empty:
        raise ValueError(f"{', '.join(empty)} is empty. Say it: every exhibit needs it.")
    read = dict.fromkeys((*provenance.files, *files_read()))
    made = {"source": provenance.source, "lang": lang, "made_by": made_by(), "files": [*read]}
    return {"kind": kind, "badge": provenance.badge.value, **words, **made}


def made_by() -> str:
    """Name the function of the package that the user called: module and name, with dots.

    Where a notebook displays a result by itself, it is the result's class.
    """
    frame: Any = sys._getframe(1)
    found = ""
    while frame is not None:
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_qualname
        if module.partition(".")[0] == _ROOT:
            shown = frame.f_locals.get("self") if "._repr_" in name else None
            kind = type(shown)
            found = f"{module}.{name}" if shown is None else f"{kind.__module__}.{kind.__name__}"
        frame = frame.f_back
    return found


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
