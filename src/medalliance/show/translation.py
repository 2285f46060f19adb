"""Exhibits in the second language: messages of a record, and the record translated."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..codebook import load_codebook
from ..errors import DataError, needed
from ..paths import book_dir

LANGUAGE = "zh"
FOLDER = "locale/zh_CN"  # of the book: catalogues of its prose and of its exhibits
WORDS = "words.po"  # the catalogue of exhibits
EDITIONS = "MEDALLIANCE_EDITIONS"  # set where pictures are also drawn in the second language
PICTURE = "application/vnd.medalliance.picture-zh"
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_])(?:[-\u2212+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]\d+)?(?![0-9a-f]{6})"
    r"|[0-9a-f]{12}(?:[0-9a-f]{4})?(?!\w))"
)
# a foot is a row of facts, a source one of citations, a caption may begin with a name
_PART = re.compile(
    r"(; |: (?=\d+ points from )|(?<=\w\w[.?!])(?<!et al\.)(?<!vs\.) (?=\S)|(?<=[)%][.?!]) (?=\S))"
)
_NAME = re.compile(r"([A-Z][\w() -]{0,34}): (?=[a-z0-9])")
_JOIN = {"; ": "；", ": ": "：", " ": ""}
_GAP = re.compile(r"\{(\d+)(?:\*([0-9.]+))?\}")
_SCALED = re.compile(r"(\{([A-Za-z_]\w*)\*(\d+))(?=[:}])")
_LATIN = re.compile(r"[A-Za-z]{2,}")
# names of the package, of columns, of sources, of sets stay
_NAMED = r"[a-z]\w*_\w+|[A-Z]+\d*_\w+|[A-Z]+\d+"
_CODE = re.compile(rf"(?:{_NAMED})(?:, (?:{_NAMED}))*|[A-Z~][A-Z~*+ ]*")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def needs_translation(text: object) -> bool:
    """Return whether a text is English: words that do not stand inside a Chinese text."""
    if not isinstance(text, str) or not _LATIN.search(text) or _CODE.fullmatch(text):
        return False
    return len(_CHINESE.findall(text)) * 3 < len(re.findall(r"[A-Za-z]", text))


def abstracted(text: str) -> tuple[str, tuple[str, ...]]:
    """Take the numbers out of a text.

    Parameters
    ----------
    text : str

    Returns
    -------
    message : str
        The text with ``{0}``, ``{1}`` in place of its numbers; braces of its own are doubled.
    numbers : tuple of str
        As they were printed.

    Examples
    --------
    >>> abstracted("1,234 of 2,800 counties")
    ('{0} of {1} counties', ('1,234', '2,800'))
    """
    numbers: list[str] = []

    def taken(found: re.Match[str]) -> str:
        numbers.append(found[0])
        return f"{{{len(numbers) - 1}}}"

    doubled = text.replace("{", "{{").replace("}", "}}")
    return _NUMBER.sub(taken, doubled), tuple(numbers)


def filled(message: str, numbers: tuple[str, ...]) -> str:
    """Put numbers back into a translated message.

    A gap ``{0*100}`` holds the number times a hundred: *{0} million yuan* is *{0*100}万元*.

    Examples
    --------
    >>> filled("{1}个县中的{0}个", ("1,234", "2,800"))
    '2,800个县中的1,234个'
    >>> filled("{0*100}万元", ("1.25",))
    '125万元'
    """

    def put(found: re.Match[str]) -> str:
        printed = numbers[int(found[1])]
        return printed if found[2] is None else _scaled(printed, found[2])

    return _GAP.sub(put, message).replace("{{", "{").replace("}}", "}")


def _scaled(printed: str, factor: str) -> str:
    from decimal import Decimal

    value = Decimal(printed.replace(",", "").replace("\u2212", "-")) * Decimal(factor)
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def gaps(message: str) -> set[str]:
    """Return the names of the gaps of a message, numbered or named."""
    found = {field for _, field, _, _ in string.Formatter().parse(message) if field is not None}
    return {re.split(r"[*.\[]", field)[0] for field in found}


def messages(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield every message of a record that the second language needs, numbers taken out."""
    for text, named in _texts(record):
        if needs_translation(text):
            yield text if named else abstracted(text)[0]


def _texts(record: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield the texts of a record, each with whether it is a template of named numbers."""
    yield from ((part, False) for part in record["source"].split("; "))
    if record["kind"] == "sentence":
        yield record["template"], bool(record["numbers"])
        yield from ((value, False) for value in record["numbers"].values())
        return
    yield from ((part, False) for part in _parts(record["caption"]))
    yield from ((part, False) for part in _PART.split(record["foot"]))
    if record["kind"] == "figure":
        yield from ((part, False) for part in _PART.split(record["alt"]))
    yield from ((part, False) for word in record.get("words", ()) for part in _lines(word))
    for column in record["columns"]:
        yield column["heading"], False
        yield from ((cell, False) for cell in column["printed"])


def _lines(word: str) -> list[str]:
    """Split a text of a picture at its dots; where its lines break is no part of the message."""
    return " ".join(word.split()).split(" · ")


def _parts(caption: str) -> list[str]:
    """Split a caption into its sentences, and from a name that it begins with."""
    name = _NAME.match(caption)
    start = [name[1], ": "] if name else []
    return [*start, *_PART.split(caption[name.end() if name else 0 :])]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Translated messages.

    Attributes
    ----------
    known : mapping
        English message to its translation.
    """

    known: Mapping[str, str]

    def say(self, text: str) -> str | None:
        """Return a text in the second language; None where its message is not translated."""
        if not needs_translation(text):
            return text
        message, numbers = abstracted(text)
        found = self.known.get(message)
        return None if found is None else filled(found, numbers)

    def word(self, text: str) -> str | None:
        """Return a text of a picture in the second language; None where it is not translated."""
        if not needs_translation(text):
            return text
        said = [self.say(part) for part in _lines(text)]
        return None if None in said else " · ".join(map(str, said))

    def missing(self, record: Mapping[str, Any]) -> list[str]:
        """List the messages of a record that are not translated."""
        return [message for message in dict.fromkeys(messages(record)) if message not in self.known]

    def record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record of an exhibit in the second language.

        Raises
        ------
        DataError
            If a message is not translated; it says which, and where to write it.
        """
        lacking = self.missing(record)
        if lacking:
            shown = "\n".join(f"  {message!r}" for message in lacking[:3])
            raise DataError(
                f"{len(lacking)} messages have no Chinese:\n{shown}\n"
                f"  Run `make messages`, then write them in book/{FOLDER}/{WORDS}."
            )
        put = self._put
        made = {**record, "lang": LANGUAGE, "source": self._cited(record["source"])}
        if record["kind"] == "sentence":
            made["text"] = self._sentence(record["template"], record["numbers"])
            return made
        made |= {"caption": self._joined(_parts(record["caption"]))}
        made["foot"] = self._facts(record["foot"])
        figure = record["kind"] == "figure"
        made["alt"] = self._facts(record["alt"]) if figure else f"表：{made['caption']}"
        made["columns"] = [
            {
                **column,
                "heading": put(column["heading"]),
                "printed": [put(cell) for cell in column["printed"]],
            }
            for column in record["columns"]
        ]
        return made

    def _put(self, text: str) -> str:
        return self.say(text) or text

    def _facts(self, text: str) -> str:
        return self._joined(_PART.split(text)) if needs_translation(text) else text

    def _cited(self, source: str) -> str:
        return "；".join(map(self._put, source.split("; ")))

    def _joined(self, parts: list[str]) -> str:
        return "".join(_JOIN.get(part, self._put(part)) for part in parts)

    def _sentence(self, template: str, numbers: Mapping[str, Any]) -> str:
        if not numbers:
            return self._put(template)
        said = {
            name: self._put(value) if isinstance(value, str) else value
            for name, value in numbers.items()
        }
        message = self.known.get(template, template)
        for gap, name, factor in _SCALED.findall(message):
            message = message.replace(gap, f"{{{name}_by_{factor}")
            said[f"{name}_by_{factor}"] = numbers[name] * float(factor)
        return message.format(**said)


@cache
def load_catalogue(path: Path | None = None) -> Catalogue:
    """Return the translated messages of exhibits: the catalogue's, then the codebook's labels.

    Parameters
    ----------
    path : Path, optional
        The catalogue; the book's own by default. Fuzzy and empty messages do not count.
    """
    place = path or book_dir() / FOLDER / WORDS
    return Catalogue({**codebook_labels(), **read_messages(place)})


def read_messages(path: Path) -> dict[str, str]:
    """Return the messages of a catalogue that are translated and not marked fuzzy."""
    if not path.is_file():
        return {}
    with needed("book"):
        from babel.messages.pofile import read_po
    with path.open("rb") as handle:
        read = read_po(handle)
    return {
        str(message.id): str(message.string)
        for message in read
        if message.id and message.string and not message.fuzzy
    }


def codebook_labels() -> dict[str, str]:
    """Return English labels of the codebook to their Chinese ones."""
    book = load_codebook()
    named: list[Any] = [*book.variables.values(), *book.columns.values(), *book.units.values()]
    return {one.en: one.zh for one in named if one.en and one.zh}


@contextmanager
def words_seen(seen: dict[str, None]) -> Iterator[None]:
    """Collect the English texts that matplotlib sets while something is drawn."""

    def note(text: str) -> str:
        if needs_translation(text):
            seen[text] = None
        return text

    with _texts_as(note):
        yield


@contextmanager
def words_translated(catalogue: Catalogue) -> Iterator[None]:
    """Let matplotlib set every text in the second language while something is drawn."""
    with _texts_as(lambda text: catalogue.word(text) or text):
        yield


@contextmanager
def _texts_as(change: Any) -> Iterator[None]:
    from unittest.mock import patch

    from matplotlib.text import Text

    plain = Text.get_text
    with patch.object(Text, "get_text", lambda self: change(plain(self))):
        yield


def known_words(catalogue: Catalogue, words: Iterable[str]) -> bool:
    """Return whether every text of a picture is translated."""
    return all(catalogue.word(word) is not None for word in words)
