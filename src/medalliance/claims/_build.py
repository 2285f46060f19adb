"""Build the county-year panel: check and scatter, net by claim, count by person, add up."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from . import _steps
from ._checks import Findings, check_netted, check_rows
from ._engine import Engine, memory_bytes, open_engine, plain_errors
from ._finish import check_name, finish, write_table
from ._inputs import Input, Paths, batches, find_files, look_into
from ._join import join_county_years
from ._schema import read_columns
from ._work import Work, digest

# memory that one row of a bucket may need while visits are counted
BYTES_A_ROW = 600
MOST_BUCKETS = 1024


@dataclass(frozen=True, eq=False)
class ClaimsReport:
    """A county-year panel built from claims, with what was found on the way.

    Attributes
    ----------
    frame : DataFrame
        One row a county of enrolment and year of service, sorted; money in yuan.
    rows : int
        Rows read.
    duplicates : int
        Rows removed because the same claim stood there before.
    reversals : int
        Rows that take back another claim.
    cancelled : int
        Claims that reversals took back whole.
    unknown_reversals : int
        Reversals left out because no claim has the number they name.
    remarks : tuple of str
        What a reader should know of before using the panel.
    engine : str
    seconds : float
    resumed : int
        Pieces of work that an earlier run had finished.
    """

    frame: pd.DataFrame
    rows: int
    duplicates: int
    reversals: int
    cancelled: int
    unknown_reversals: int
    remarks: tuple[str, ...]
    engine: str
    seconds: float
    resumed: int = field(default=0)

    def __str__(self) -> str:
        f = self.frame
        lines = [
            f"{f['county_code'].nunique()} counties, {f['year'].min()}-{f['year'].max()}, "
            f"{len(f)} county-years from {self.rows:,} rows of claims.",
            f"Duplicates removed: {self.duplicates:,}. Reversals netted: "
            f"{self.reversals - self.unknown_reversals:,}; claims taken back whole: "
            f"{self.cancelled:,}.",
        ]
        if self.resumed:
            lines.append(f"{self.resumed} pieces were there from an earlier run.")
        return "\n".join([*lines, *(f"Note: {text}" for text in self.remarks)])


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is to be done: batches of input files and the names of all pieces."""

    groups: list[list[Input]]
    buckets: int
    scattered: list[str]
    netted: list[str]
    counted: list[str]

    @property
    def names(self) -> list[str]:
        return [*self.scattered, *self.netted, *self.counted]


def build_panel_from_claims(
    claims: Paths,
    output: str | os.PathLike[str] | None = None,
    *,
    county_years: pd.DataFrame | None = None,
    engine: str = "duckdb",
    memory: str | None = None,
    rename: Mapping[str, str] | None = None,
    ignore_unknown_reversals: bool = False,
    restart: bool = False,
    progress: bool = False,
) -> ClaimsReport:
    """Build a county-year panel from insurance claims.

    Rows that repeat a claim are removed, reversals are taken off the claim they name, and the
    claims of one person at one provider on one day in one setting make a visit. Care outside
    the county of enrolment counts as out of county, whatever its tier. Only claims in scope
    count, except in ``out_of_scope_visits`` and ``out_of_scope_spending``. A year is the year of
    service.

    Parameters
    ----------
    claims : path or list of paths
        A folder of partitions ``year=.../prefecture=.../*.parquet``, a file, or a pattern.
        Columns: ``claim_id, person_key, enrol_county, provider_county, provider_tier, setting,
        service_date, total_fen, fund_fen, in_scope, reversal_of``; if given also
        ``provider_id``, without which visits of one day to one tier of one county are one
        visit, and ``settle_date``.
    output : path, optional
        A .parquet or .csv file, replaced whole at the end. Beside it stands ``<name>.work``
        while the build runs; what is finished there is used by the next run on the same files.
    county_years : DataFrame, optional
        The reader's own columns by ``county_code`` and ``year``, such as cohort and budget.
    engine : {"duckdb", "spark"}
    memory : str, optional
        As ``"3GB"``; half of the machine's if not given.
    rename : mapping, optional
        Your column name -> name above.
    ignore_unknown_reversals : bool
        Leave out reversals of claims that are not in the files, instead of refusing.
    restart : bool
        Begin anew, whatever an earlier run has finished.
    progress : bool
        Show a bar.

    Returns
    -------
    ClaimsReport

    Raises
    ------
    DataError
        Every problem of the files and rows at once; then, once rows are sound, every claim whose
        rows contradict each other and every reversal that does not fit.
    OSError
        If the disk is full or may not be written to.
    """
    started = time.monotonic()
    names = dict(rename or {})
    place = None if output is None else Path(output)
    folder = None if place is None else place.with_name(f"{place.name}.work")
    if place is not None:
        check_name(place)
    if place is not None and not place.parent.is_dir():
        raise FileNotFoundError(f"{place.parent} is no folder. Make it first.")
    leave_out = [p for p in (place, folder) if p is not None]
    inputs = look_into(find_files(claims, leave_out), names)
    amount = memory_bytes(memory)
    plan = _plan(inputs, amount, engine, names)
    with ExitStack() as stack:
        if folder is None:
            spare = stack.enter_context(tempfile.TemporaryDirectory(prefix="medalliance-"))
            folder = Path(spare) / "work"
        work = stack.enter_context(Work(folder, restart=restart))
        work.keep_only(plan.names)
        resumed = sum(map(work.has, plan.names))
        with open_engine(engine, amount, work.scratch) as running:
            _Run(running, plan, work, names).make_all(ignore_unknown_reversals, progress)
        report = _report(plan, work, county_years, engine, started, resumed)
        if place is not None:
            write_table(report.frame, work.scratch, place)
    return report


class _Run:
    """One run through the plan with a running engine."""

    def __init__(self, engine: Engine, plan: _Plan, work: Work, rename: dict[str, str]):
        self.engine, self.plan, self.work, self.rename = engine, plan, work, rename

    def make_all(self, ignore_unknown: bool, progress: bool) -> None:
        """Make every piece that is not there.

        Raises
        ------
        DataError
            After all files are read, or after all buckets are netted.
        """
        from tqdm import tqdm

        found = Findings(ignore_unknown)
        stages = (
            ("reading claims", self.plan.scattered, self._scatter),
            ("netting reversals", self.plan.netted, self._net),
            ("counting visits", self.plan.counted, self._count),
        )
        with tqdm(total=len(self.plan.names), disable=not progress, unit="piece") as bar:
            for title, names, make in stages:
                bar.set_description(title)
                for place, name in enumerate(names):
                    if not self.work.has(name):
                        make(name, place, found)
                        self.engine.let_go()
                    bar.update()
                found.refuse()

    def _scatter(self, name: str, place: int, found: Findings) -> None:
        """Check a batch of files; write its rows by bucket of the claim."""
        import ibis

        group = self.plan.groups[place]
        files = [one.path for one in group]
        with plain_errors(files):
            if group[0].separator:
                raw = self.engine.read_csv(files, group[0].separator)
            else:
                raw = self.engine.read_parquet(files)
            theirs = {ours: name for name, ours in self.rename.items() if name in raw.columns}
            raw = raw.rename(theirs)
            columns, rules = read_columns(raw)
            counts = check_rows(raw, columns, rules, files, found)
            if found.problems:
                return
            table = _steps.lean(columns, raw)
            root = ibis.coalesce(table.reversal_of, table.claim_id)
            table = table.mutate(bucket=self.engine.bucket(root, self.plan.buckets))

            def make(part: Path) -> None:
                self.engine.write_buckets(table, part / "rows")
                _write_counts(part, counts)

            self.work.piece(name, make)

    def _net(self, name: str, place: int, found: Findings) -> None:
        """Remove duplicates of a bucket, net its reversals, write its claims by person."""
        files = self._bucket_files(self.plan.scattered, place)
        with plain_errors(files):
            if not files:
                self.work.piece(name, lambda part: _write_counts(part, {}))
                return
            netted = _steps.net_claims(self.engine.read_parquet(files), self.engine.hold)
            counts = check_netted(netted, found)
            if found.problems:
                return
            cells = netted.standing.select(*_steps.VISIT, *_steps.CELL)
            cells = cells.mutate(bucket=self.engine.bucket(cells.person_key, self.plan.buckets))

            def make(part: Path) -> None:
                self.engine.write_buckets(cells, part / "rows")
                _write_counts(part, counts)

            self.work.piece(name, make)

    def _count(self, name: str, place: int, found: Findings) -> None:
        """Add up money, visits, admissions and patients of a bucket of persons."""
        files = self._bucket_files(self.plan.netted, place)
        with plain_errors(files):

            def make(part: Path) -> None:
                if files:
                    cells = self.engine.read_parquet(files)
                    _steps.money(cells).execute().to_parquet(part / "money.parquet")
                    _steps.visits(cells).execute().to_parquet(part / "visits.parquet")

            self.work.piece(name, make)

    def _bucket_files(self, names: Sequence[str], bucket: int) -> list[Path]:
        folders = [self.work.folder / name / "rows" / f"bucket={bucket}" for name in names]
        return [path for folder in folders for path in sorted(folder.glob("*.parquet"))]


def _plan(inputs: Sequence[Input], memory: int, engine: str, rename: Mapping[str, str]) -> _Plan:
    """Group the files, choose the number of buckets, name the pieces."""
    rows = sum(one.rows for one in inputs)
    buckets = 1
    while buckets < MOST_BUCKETS and rows / buckets > memory / BYTES_A_ROW:
        buckets *= 2
    groups = batches(inputs)
    how = digest(code_hash(), engine, str(buckets), json.dumps(sorted(rename.items())))
    scattered = ["read-" + digest(how, *(one.identity for one in group)) for group in groups]
    everything = digest(*scattered)
    return _Plan(
        groups,
        buckets,
        scattered,
        [f"net-{everything}-{k}" for k in range(buckets)],
        [f"count-{everything}-{k}" for k in range(buckets)],
    )


@cache
def code_hash() -> str:
    """Hash the source of this package, which pieces of work depend on."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return digest(*(path.read_text(encoding="utf-8") for path in sources))


def _report(
    plan: _Plan,
    work: Work,
    county_years: pd.DataFrame | None,
    engine: str,
    started: float,
    resumed: int,
) -> ClaimsReport:
    """Add the pieces up."""
    read = [_read_counts(work.folder / name) for name in plan.scattered]
    netted = [_read_counts(work.folder / name) for name in plan.netted]
    total = {
        name: sum(counts.get(name, 0) for counts in netted)
        for name in ("duplicates", "reversals", "cancelled", "unknown")
    }
    frame, remarks = finish(
        _tables(work, plan.counted, "money"),
        _tables(work, plan.counted, "visits"),
        [one["settled"] for one in read],
    )
    if total["unknown"]:
        remarks.append(
            f"{total['unknown']:,} reversals name claims that are not in the files; left out."
        )
    if county_years is not None:
        frame, said = join_county_years(frame, county_years)
        remarks += said
    return ClaimsReport(
        frame=frame,
        rows=sum(one["rows"] for one in read),
        duplicates=total["duplicates"],
        reversals=total["reversals"],
        cancelled=total["cancelled"],
        unknown_reversals=total["unknown"],
        remarks=tuple(remarks),
        engine=engine,
        seconds=time.monotonic() - started,
        resumed=resumed,
    )


def _tables(work: Work, names: Sequence[str], table: str) -> list[pd.DataFrame]:
    paths = [work.folder / name / f"{table}.parquet" for name in names]
    return [pd.read_parquet(path) for path in paths if path.is_file()]


def _write_counts(part: Path, counts: dict[str, Any]) -> None:
    (part / "counts.json").write_text(json.dumps(counts), encoding="utf-8")


def _read_counts(piece: Path) -> dict[str, Any]:
    return dict(json.loads((piece / "counts.json").read_text(encoding="utf-8")))
