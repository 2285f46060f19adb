"""What a text file is written in: its encoding, separator and header line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from pathlib import Path
from typing import IO

from ..errors import DataError

SAMPLE = 1 << 20
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DISGUISED = (
    (b"PK\x03\x04", "an Excel workbook", ".xlsx"),
    (b"PAR1", "a Parquet file", ".parquet"),
    (b"\xd0\xcf\x11\xe0", "an old or locked Excel workbook", ".xls"),
    (b"<stata_dta>", "a Stata file", ".dta"),
)
HEADER_LINES = 18


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, unpacking it if its name ends in .gz."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def find_encoding(path: Path, named: str | None = None) -> str:
    """Return the encoding of a text file, reading it once from end to end.

    Parameters
    ----------
    path : Path
    named : str, optional
        The encoding that the reader names; it is tried alone.

    Raises
    ------
    DataError
        If the file is empty, is no text, mixes encodings, or is in none of UTF-8, UTF-16 and
        GB 18030.
    """
    with open_bytes(path) as file:
        head = file.read(SAMPLE)
    _refuse_other_kinds(path, head)
    if named is not None:
        return _named_encoding(path, named)
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return _whole_text(path, encoding)
    if b"\0" in head[:4096]:
        even, odd = head[0:4096:2].count(0), head[1:4096:2].count(0)
        return _whole_text(path, "utf-16-le" if odd > even else "utf-16-be")
    stop, seen = _first_bad_byte(path, "utf-8")
    if stop is None:
        return "utf-8"
    if seen:
        raise DataError(
            f"{path.name}: line {_line_of(path, stop)} is not UTF-8, though text before it is: "
            "the file mixes encodings.\n  Open it in a text editor, mend that line and save it as "
            "UTF-8, or name its encoding."
        )
    bad, _ = _first_bad_byte(path, "gb18030")
    if bad is None:
        return "gb18030"
    raise DataError(
        f"{path.name}: line {_line_of(path, bad)} is in none of UTF-8, UTF-16 and GB 18030.\n"
        '  Save the file as "CSV UTF-8", or name its encoding, e.g. encoding: big5 in the mapping.'
    )


def _whole_text(path: Path, encoding: str) -> str:
    """Return an encoding that the file's own marks name, if it holds nothing else.

    Raises
    ------
    DataError
        If bytes of the file are no text in it.
    """
    bad, _ = _first_bad_byte(path, encoding)
    zero = bad is None and "\0" in first_lines(path, encoding)
    if bad is not None or zero:
        place = f"line {_line_of(path, bad)}" if bad is not None else "its beginning"
        raise DataError(
            f"{path.name}: {place} holds bytes that are no text.\n  The file is damaged, or no "
            "table. Save it again as CSV UTF-8."
        )
    return encoding


def _refuse_other_kinds(path: Path, head: bytes) -> None:
    if not head.strip(b"\0 \r\n\t\xef\xbb\xbf\xff\xfe"):
        raise DataError(f"{path.name}: the file is empty.\n  Give a table with a header and rows.")
    for magic, kind, suffix in _DISGUISED:
        if head.startswith(magic):
            raise DataError(
                f"{path.name} is {kind}, not text.\n  Give it the suffix {suffix}, or save it as "
                "CSV."
            )


def _named_encoding(path: Path, named: str) -> str:
    try:
        codecs.lookup(named)
    except LookupError:
        raise DataError(
            f"encoding {named!r} is not known.\n  Use e.g. utf-8, gb18030, utf-16 or big5."
        ) from None
    bad, _ = _first_bad_byte(path, named)
    if bad is not None:
        raise DataError(
            f"{path.name}: line {_line_of(path, bad)} is not {named}.\n  Leave the encoding out "
            "to have it found."
        )
    return named


def _first_bad_byte(path: Path, encoding: str) -> tuple[int | None, bool]:
    """Return where decoding fails (None if nowhere), and whether real text stood before."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done, seen = 0, False
    with open_bytes(path) as file:
        while True:
            block = file.read(SAMPLE)
            pending = decoder.getstate()[0] if block else b""
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                valid = (pending + block)[: error.start]
                return done - len(pending) + error.start, seen or _has_chinese(valid, encoding)
            seen = seen or (not text.isascii() and _is_chinese(text))
            done += len(block)
            if not block:
                return None, seen


def _has_chinese(valid: bytes, encoding: str) -> bool:
    return _is_chinese(valid.decode(encoding, errors="ignore"))


def _is_chinese(text: str) -> bool:
    return sum("\u4e00" <= letter <= "\u9fff" for letter in text) >= 2


def _line_of(path: Path, position: int) -> int:
    lines, done = 1, 0
    with open_bytes(path) as file:
        while done < position and (block := file.read(min(SAMPLE, position - done))):
            lines += block.count(b"\n")
            done += len(block)
    return lines


def first_lines(path: Path, encoding: str) -> str:
    """Return the beginning of a text file, up to its last whole line."""
    with open_bytes(path) as file:
        head = file.read(SAMPLE)
    text = codecs.getincrementaldecoder(encoding)().decode(head)
    return text if len(head) < SAMPLE else text[: text.rfind("\n") + 1]


def find_separator(text: str) -> str:
    r"""Return the character that splits the lines of a text most evenly.

    >>> find_separator("a;b;c\n1,5;2;3\n")
    ';'
    """
    best, score = ",", (0, 0)
    for mark in SEPARATORS:
        widths = [len(row) for row in some_rows(text, mark) if row]
        wide = [width for width in widths if width > 1]
        if not wide:
            continue
        common = max(set(wide), key=wide.count)
        found = (wide.count(common), common)
        if found > score:
            best, score = mark, found
    return best


def find_layout(path: Path) -> tuple[str, str]:
    """Return the encoding and the separator of a text file.

    Raises
    ------
    DataError
        If the file is empty, is no text, or is in no known encoding.
    """
    encoding = find_encoding(path)
    return encoding, find_separator(first_lines(path, encoding))


def some_rows(text: str, separator: str, stop: int = HEADER_LINES) -> list[list[str]]:
    """Return the cells of the first lines of a text."""
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    rows = []
    try:
        for row in reader:
            rows.append(row)
            if len(rows) == stop:
                break
    except csv.Error:  # a cell beyond the csv module's limit: the lines before it are enough
        return rows
    return rows
