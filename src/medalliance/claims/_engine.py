"""The engines that run the expressions: DuckDB inside the process, or Spark."""

from __future__ import annotations

import errno
import glob
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import DataError, needed

if TYPE_CHECKING:
    from ibis.expr.types import Table

ENGINES = ("duckdb", "spark")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Engine(Protocol):
    """What the build asks of an engine."""

    con: Any
    name: str

    def read_parquet(self, files: Sequence[Path]) -> Table:
        """Open Parquet files that share their columns."""

    def read_csv(self, files: Sequence[Path], separator: str) -> Table:
        """Open CSV files that share their columns, every cell as text."""

    def bucket(self, column: Any, n: int) -> Any:
        """Return the bucket 0..n-1 of each value: the engine's own hash."""

    def hold(self, table: Table) -> Table:
        """Work a table out once for the steps that follow, until ``let_go``."""

    def let_go(self) -> None:
        """Forget the tables that are held."""

    def write_buckets(self, table: Table, folder: Path) -> None:
        """Write a table, one folder ``bucket=k`` for each value of its column ``bucket``."""

    def close(self) -> None:
        """Let go of memory, processes and files."""


def memory_bytes(text: str | None) -> int:
    """Read an amount of memory, half of the machine's where none is given.

    >>> memory_bytes("3GB")
    3000000000

    Raises
    ------
    DataError
        If the text is no amount, or less than 100 MB.
    """
    if text is None:
        return _machine_memory() // 2
    match = re.fullmatch(r"\s*([0-9.]+)\s*([kmgt]?)(i?)b?\s*", str(text).lower())
    if match is None or match[1].count(".") > 1 or match[1] == ".":
        raise DataError(f"memory {text!r} is no amount.\n  Write it as 3GB or 800MB.")
    amount = int(float(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2]])
    if amount < 100 * 10**6:
        raise DataError(f"memory {text!r} is too little.\n  Give at least 100MB.")
    return amount


def _machine_memory() -> int:
    sizes = [16 * 10**9]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        path = Path(name)
        if path.is_file() and (text := path.read_text().strip()).isdigit():
            sizes.append(int(text))
    return min(sizes)


@contextmanager
def open_engine(name: str, memory: int, scratch: Path) -> Iterator[Engine]:
    """Start an engine that spills into a scratch folder, and stop it afterwards.

    Raises
    ------
    DataError
        If the engine is unknown or not installed.
    """
    if name not in ENGINES:
        raise DataError(f"engine {name!r} is not known.\n  Use one of {', '.join(ENGINES)}.")
    scratch.mkdir(parents=True, exist_ok=True)
    engine: Engine
    with plain_errors():
        if name == "duckdb":
            engine = DuckDB(memory, scratch)
        else:
            from ._spark import Spark

            engine = Spark(memory, scratch)
    try:
        yield engine
    finally:
        engine.close()


class DuckDB:
    """DuckDB inside this process: no network, no extension, spills to the scratch folder."""

    name = "duckdb"

    def __init__(self, memory: int, scratch: Path):
        with needed("claims"):
            import ibis
            import ibis.expr.datatypes as dt

            self.con = ibis.duckdb.connect(
                memory_limit=f"{memory // 1000}KB",
                temp_directory=str(scratch),
                preserve_insertion_order=False,
                autoinstall_known_extensions=False,
                autoload_known_extensions=False,
            )
        # in a notebook without widgets the bar is off, and DuckDB refuses even to turn it off
        if self.con.raw_sql("SELECT current_setting('enable_progress_bar')").fetchone()[0]:
            self.con.raw_sql("SET enable_progress_bar = false")
        self._held: list[str] = []

        def hash_of(value):  # type: ignore[no-untyped-def]
            ...

        self._hash = ibis.udf.scalar.builtin(
            hash_of, name="hash", signature=((dt.string,), dt.uint64)
        )

    def read_parquet(self, files: Sequence[Path]) -> Table:
        """Open Parquet files; the folders' names are no columns."""
        return self.con.read_parquet(_escaped(files), hive_partitioning=False)

    def read_csv(self, files: Sequence[Path], separator: str) -> Table:
        """Open CSV files, every cell as text."""
        return self.con.read_csv(
            _escaped(files), all_varchar=True, header=True, delim=separator, quote='"', escape='"'
        )

    def bucket(self, column: Any, n: int) -> Any:
        """Return the bucket of each value."""
        return (self._hash(column) % n).cast("int32")

    def hold(self, table: Table) -> Table:
        """Store a table in memory, from where it may spill."""
        name = f"held_{len(self._held)}"
        self._held.append(name)
        return self.con.create_table(name, table, temp=True)

    def let_go(self) -> None:
        """Drop what is held."""
        while self._held:
            self.con.raw_sql(f"DROP TABLE {self._held.pop()}")

    def write_buckets(self, table: Table, folder: Path) -> None:
        """Write one folder a bucket."""
        folder.mkdir(parents=True, exist_ok=True)
        self.con.to_parquet(
            table, folder, partition_by=("bucket",), compression="lz4", dictionary_size_limit=2000
        )

    def close(self) -> None:
        """Close the connection, which removes what was spilled."""
        self.con.disconnect()


def _escaped(files: Sequence[Path]) -> list[str]:
    return [glob.escape(str(path)) for path in files]


@contextmanager
def plain_errors(files: Sequence[Path] = ()) -> Iterator[None]:
    """Turn an engine's errors into ours, which say what to do.

    Raises
    ------
    OSError
        Disk full, memory full, no permission.
    DataError
        A file that cannot be decoded.
    """
    try:
        yield
    except (DataError, OSError):
        raise
    except Exception as failed:
        text = str(failed)
        first = text.strip().splitlines()[0] if text.strip() else type(failed).__name__
        low = text.lower()
        if "no space left" in low or "file too large" in low or "disk full" in low:
            raise OSError(errno.ENOSPC, f"The disk is full. {first}") from failed
        if "permission denied" in low:
            raise PermissionError(errno.EACCES, first) from failed
        if type(failed).__name__ == "OutOfMemoryException" or "outofmemoryerror" in low:
            raise OSError(errno.ENOMEM, f"Give more with --memory. {first}") from failed
        if _is_of_engine(failed):
            names = ", ".join(str(path) for path in files[:3])
            names += f" and {len(files) - 3} more" if len(files) > 3 else ""
            raise DataError(
                f"{names or 'the claims'}: cannot be read. {first}\n"
                "  Write or copy the file again; if it is CSV, save it as UTF-8."
            ) from failed
        raise


def _is_of_engine(failed: Exception) -> bool:
    module = type(failed).__module__.partition(".")[0]
    return module in ("duckdb", "_duckdb", "pyspark", "py4j")
