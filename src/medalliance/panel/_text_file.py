"""Read a delimited text file in blocks, so that a long one fits in memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError, first_three, needed
from ..spreadsheet import GUARDED
from ._encoding import SEPARATORS, find_encoding, find_separator, first_lines, some_rows
from ._head import Head, find_head
from ._limits import refuse_beyond
from ._problems import Problem, Reading, many, problem
from ._table import BIG, TRUNCATED, Layout, Table, finish, left_out, progress, truncated_gzip

BLOCK = 8 << 20
LOOK = 1_000_000  # rows after which a file must look like a panel
PER_KEY = 3  # rows a key from which it does not


def read_text(
    path: Path,
    layout: Layout,
    *,
    known: Callable[[str], bool],
    codes: Collection[str],
    key: Collection[str],
) -> Table:
    """Read a delimited text file; see :func:`read_table`."""
    try:
        encoding = find_encoding(path, layout.encoding)
        head = first_lines(path, encoding)
    except (*TRUNCATED, zlib.error) as error:
        raise truncated_gzip(path, error) from None
    separator = layout.separator or find_separator(head)
    top = find_head(some_rows(head, separator), known, layout.header_rows)
    number, header = top.last, [name.strip() for name in top.names]
    refuse_beyond(path.name, "MEDALLIANCE_MOST_COLUMNS", len(header))
    if not any(header):
        raise DataError(f"{path.name}: line {number} holds no column names.\n  Name the header.")
    big = path.stat().st_size >= BIG
    wanted = [k for k, name in enumerate(header) if name and (not big or known(name))]
    reader = _Reader(path, header, number, encoding, separator)
    columns, bad = reader.read(wanted, codes=codes, key=key)
    readings = _how_it_was_read(encoding, separator, top)
    readings += left_out([n for n in header if n], [header[k] for k in wanted])
    frame = pd.DataFrame({k: _unguarded(columns[k]) for k in wanted})
    frame.columns = pd.RangeIndex(len(wanted))
    rows = _row_numbers(len(frame), number + 1, [line for line, _, _ in bad])
    problems = _ragged(bad, len(header))
    table = Table(path.name, frame, rows, readings, problems)
    return finish(table, [GUARDED.sub("", header[k], count=1) for k in wanted])


def _unguarded(column: Any) -> Any:
    """Take away the apostrophe that keeps a text from being read as a formula."""
    if isinstance(column, pd.Series):
        return column.str.replace(rf"^{GUARDED.pattern}", "", regex=True)
    return column


class _Reader:
    """A text file as blocks of columns."""

    def __init__(
        self, path: Path, header: list[str], number: int, encoding: str, separator: str
    ) -> None:
        self.path, self.header, self.number = path, header, number
        self.encoding, self.separator = encoding, separator
        self.bad: list[tuple[int, int, str]] = []

    def read(
        self, wanted: list[int], *, codes: Collection[str], key: Collection[str]
    ) -> tuple[dict[int, Any], list[tuple[int, int, str]]]:
        """Return the wanted columns as numbers or text, with the rows that were skipped."""
        text = {k for k in wanted if self.header[k] in codes}
        keys = [k for k in wanted if self.header[k] in key]
        parts: dict[int, list[Any]] = {k: [] for k in wanted}
        seen = _KeysSeen(self.path.name, len(keys))
        for batch, share in self._blocks(wanted):
            for place, k in enumerate(wanted):
                parts[k].append(_as_numbers(batch.column(place), keep_text=k in text))
            seen.add([batch.column(wanted.index(k)) for k in keys], batch.num_rows, share)
        return {k: _joined(parts[k]) for k in wanted}, self.bad

    def _blocks(self, wanted: list[int]) -> Iterator[tuple[Any, float]]:
        with needed():
            import pyarrow as pa
            import pyarrow.csv as pc

        names = [str(k) for k in range(len(self.header))]
        encoding = "utf8" if self.encoding in ("utf-8", "utf-8-sig") else self.encoding
        size = self.path.stat().st_size
        try:
            with pa.OSFile(str(self.path)) as file:
                packed = self.path.suffix.lower() == ".gz"
                source = pa.CompressedInputStream(file, "gzip") if packed else file
                reader = pc.open_csv(
                    source,
                    read_options=pc.ReadOptions(
                        use_threads=False,
                        block_size=BLOCK,
                        skip_rows=self.number,
                        column_names=names,
                        encoding=encoding,
                    ),
                    parse_options=pc.ParseOptions(
                        delimiter=self.separator,
                        newlines_in_values=True,
                        ignore_empty_lines=False,
                        invalid_row_handler=self._skip,
                    ),
                    convert_options=pc.ConvertOptions(
                        column_types={name: pa.string() for name in names},
                        include_columns=[str(k) for k in wanted],
                        strings_can_be_null=True,
                        null_values=[""],
                    ),
                )
                for batch in reader:
                    share = min(1.0, file.tell() / size) if size else 1.0
                    if size >= BIG:
                        progress(f"{self.path.name}: {100 * share:.0f}% read")
                    yield batch, share
                if size >= BIG:
                    progress("")
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return
            raise DataError(
                f"{self.path.name}: not a readable table ({str(error).splitlines()[0]}).\n"
                "  Look for a quotation mark that is not closed; save the table again."
            ) from None
        except (*TRUNCATED, zlib.error, OSError) as error:
            if isinstance(error, PermissionError):
                raise
            raise truncated_gzip(self.path, error) from None

    def _skip(self, row: Any) -> str:
        self.bad.append((int(row.number or 0), int(row.actual_columns), str(row.text)[:80]))
        return "skip"


class _KeysSeen:
    """Counts rows and distinct keys, and stops when a file is no panel."""

    def __init__(self, name: str, width: int) -> None:
        self.name, self.width, self.rows = name, width, 0
        self.keys: set[tuple[Any, ...]] = set()

    def add(self, columns: list[Any], rows: int, share: float) -> None:
        if self.width < 2 or self.rows >= LOOK:
            return
        import pyarrow as pa

        table = pa.table(columns, names=[str(k) for k in range(len(columns))])
        distinct = table.group_by(table.column_names).aggregate([])
        self.keys.update(zip(*(column.to_pylist() for column in distinct.columns), strict=True))
        self.rows += rows
        if self.rows < LOOK or self.rows < PER_KEY * len(self.keys):
            return
        ahead = f" in the first {100 * share:.0f}% of the file" if share < 0.99 else ""
        raise DataError(
            f"E101 {self.name} holds {self.rows:,} rows{ahead} for {len(self.keys):,} pairs of "
            f"county and year, about {self.rows / len(self.keys):,.0f} a pair; the panel needs one "
            "row per county and year.\n"
            "  These look like claims or records of institutions. Run `medalliance panel` on "
            "claims, or add the records up by county and year. Reading stopped here; the file was "
            "not changed."
        )


def _as_numbers(column: Any, *, keep_text: bool) -> Any:
    """Return a block of text as whole numbers or floats where every cell is one, else as text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if keep_text or _has_codes(column):
        return column
    for kind in (pa.int64(), pa.float64()):
        try:
            cast = pc.cast(column, kind)
        except pa.ArrowInvalid:
            continue
        if kind == pa.int64() and cast.null_count == 0:
            return cast.to_numpy(zero_copy_only=False)
        if kind == pa.float64():
            return cast.to_numpy(zero_copy_only=False).astype(np.float64)
    return column


def _has_codes(column: Any) -> bool:
    """Return whether a block holds texts that a number would spoil: 010101, 330521199001010000."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(column, r"^\s*(0[0-9]|[0-9]{16,})")).as_py())


def _joined(parts: list[Any]) -> Any:
    """Join the blocks of a column: numbers if all are, else text as it stood."""
    if not parts:
        return np.array([], dtype=object)
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    import pyarrow as pa

    texts = [_text_again(part) if isinstance(part, np.ndarray) else part for part in parts]
    return pa.chunked_array(texts).to_pandas().astype("str")


def _text_again(block: np.ndarray) -> Any:
    import pyarrow as pa

    if block.dtype == np.int64:
        return pa.array(block.astype(str))
    return pa.array([None if value != value else repr(value) for value in block.tolist()])


def _how_it_was_read(encoding: str, separator: str, top: Head) -> list[Reading]:
    readings = []
    if encoding not in ("utf-8", "utf-8-sig"):
        readings.append(Reading(f"the text was read as {encoding.upper()}"))
    if separator != ",":
        readings.append(Reading(f"columns are split by {SEPARATORS.get(separator, separator)}"))
    if top.last > 1:
        lines = (
            f"lines {top.first} to {top.last} were"
            if top.first < top.last
            else f"line {top.last} was"
        )
        text = f"{lines} read as the header; {many(top.first - 1, 'line')} above left out"
        readings.append(Reading(text))
    if top.units:
        readings.append(Reading(f"units of the line above the table: {'、'.join(top.units)}"))
    return readings


def _row_numbers(count: int, first: int, skipped: list[int]) -> Any:
    numbers = np.arange(first, first + count + len(skipped))
    return numbers[~np.isin(numbers, skipped)][:count]


def _ragged(bad: list[tuple[int, int, str]], width: int) -> list[Problem]:
    if not bad:
        return []
    shown = first_three(f"row {line} has {cells}" for line, cells, _ in bad)
    text = (
        f"the header has {width} cells, but {shown}. Put text that holds the separator in "
        "quotation marks, close every quotation mark, or fill the row up."
    )
    values = [line for _, _, line in bad]
    return [problem("E134", text, values=values, count=len(bad))]
