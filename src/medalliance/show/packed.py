"""Texts and archives that are the same bytes for the same content."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence

from ..spreadsheet import guarded

_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Write rows as CSV with plain line ends; the first row names the columns."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(map(guarded, row) for row in rows)
    return buffer.getvalue()


def archive(files: Mapping[str, bytes]) -> bytes:
    """Pack files in the order given; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, content)
    return buffer.getvalue()
