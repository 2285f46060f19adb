"""What the project's commands took on a named machine, as ``make measure`` stored it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..paths import results_dir

MEANING = {
    "env": "make the environment (packages in the local cache)",
    "book": "build the book",
    "again": "build it again when nothing changed",
    "test": "run every test, and every notebook again",
    "pdf": "print the book",
    "notebooks": "run every notebook again",
    "bench": "compare our speed with other packages",
    "verdict": "answer on one page for 200 counties over 12 years",
    "verdict-large": "answer on one page for 2,800 counties over 12 years",
    "grade": "grade every estimator on draws with a known truth",
}
_BUSY = 0.5
_FIRST = ("env", "book", "test")


@dataclass(frozen=True)
class CommandTime:
    """One measured command.

    Attributes
    ----------
    run, command : str
        Key of ``MEANING``; the line that was typed.
    seconds, cpu_seconds : float
        Wall time; time of all processors together.
    peak_memory_mb, disk_mb : float
        Most memory that its processes held at once, a shared page counted once; growth of the
        folder on disk. Both in 10^6 bytes.
    said : str
        What the tests counted; empty for other runs.
    date, commit : str
        When, and of which commit.
    load_before : float
        Load of the machine in the minute before. Above about 0.5 the time is too long.
    machine, system, python : str
        Processor, operating system, version of Python.
    cores, memory_gb : int
        Of the machine.
    """

    run: str
    command: str
    seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    disk_mb: float
    said: str
    date: str
    commit: str
    load_before: float
    machine: str
    cores: int
    memory_gb: int
    system: str
    python: str

    @property
    def meaning(self) -> str:
        """What the command does."""
        return MEANING[self.run]

    @property
    def time(self) -> str:
        """Wall time in words: ``43 s``, ``4 min 30 s``, ``2 h 5 min``."""
        whole = round(self.seconds)
        if whole < 1:
            return "under 1 s"
        if whole < 60:
            return f"{whole} s"
        if whole < 3600:
            return f"{whole // 60} min {whole % 60} s"
        minutes = round(whole / 60)
        return f"{minutes // 60} h {minutes % 60} min"

    @property
    def minor(self) -> str:
        """The Python that ran it, such as ``3.13``."""
        return ".".join(self.python.split(".")[:2])

    @property
    def where(self) -> str:
        """The machine in words."""
        return f"{self.machine}, {self.cores} cores, {self.memory_gb} GB of memory, {self.system}"


def load_command_times(path: Path | None = None) -> list[CommandTime]:
    """Read the stored run times.

    Parameters
    ----------
    path : Path, optional
        By default ``benchmarks/results/run_times.csv``, which ``make measure`` writes.

    Returns
    -------
    list of CommandTime
        In the file's order; empty where nothing was measured.

    Raises
    ------
    DataError
        If a column is missing, a run has no meaning here, or a number is none.
    """
    path = path or results_dir() / "run_times.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        rows, columns = list(reader), set(reader.fieldnames or ())
    wanted = CommandTime.__dataclass_fields__
    if set(wanted) != columns:
        differs = ", ".join(sorted(set(wanted) ^ columns))
        raise DataError(f"{path}: the columns differ in {differs}. Run `make measure`.")
    problems, read = [], []
    for number, row in enumerate(rows, start=2):
        try:
            read.append(_typed(row))
        except ValueError as wrong:
            problems.append(f"line {number}: {wrong}")
    if problems:
        shown = "; ".join(problems[:3])
        raise DataError(f"{path}: {shown}. Run `make measure`; the file is not typed by hand.")
    return read


def command_table() -> str:
    """Set the measured run times with their machine; say what was not measured."""
    runs = load_command_times()
    if not runs:
        return "Not measured yet; `make measure` does it."
    rows = [
        f"| `{run.command}` | {run.meaning}{f' ({run.said})' if run.said else ''} | {run.minor} "
        f"| {run.time} | {_size(run.peak_memory_mb)} | {_size(run.disk_mb)} |"
        for run in runs
    ]
    head = (
        "| command | what it does | Python | time | memory | disk |\n|---|---|---:|---:|---:|---:|"
    )
    places = sorted({f"{run.where}, {run.date}" for run in runs})
    busy = dict.fromkeys(f"`{run.command}`" for run in runs if run.load_before > _BUSY)
    left = [f"`make {name}`" for name in MEANING if name not in {run.run for run in runs}]
    notes = [f"Measured on: {'; '.join(places)}. Memory is that of all processes at once."]
    if busy:
        notes.append(f"The machine was busy during {', '.join(busy)}: idle it takes less.")
    if left:
        notes.append(f"Not measured: {', '.join(left)}.")
    table = "\n".join([head, *rows])
    return f"{table}\n\n{' '.join(notes)}"


def short_table() -> str:
    """Set what the two commands and their environment take, a column a Python."""
    taken = {(run.run, run.minor): run.time for run in load_command_times()}
    pythons = sorted({minor for _, minor in taken}, key=lambda minor: int(minor.split(".")[1]))
    if not pythons:
        return "Not measured yet; `make measure` does it."
    rows = [
        f"| `make {name}` | {MEANING[name]} | "
        + " | ".join(taken.get((name, minor), "not measured") for minor in pythons)
        + " |"
        for name in _FIRST
    ]
    heads = " | ".join(f"Python {minor}" for minor in pythons)
    return "\n".join([f"| command | | {heads} |", f"|---|---|{'---:|' * len(pythons)}", *rows])


def _typed(row: dict[str, str]) -> CommandTime:
    if row["run"] not in MEANING:
        raise ValueError(f"no run is called {row['run']!r}")
    floats = ("seconds", "cpu_seconds", "peak_memory_mb", "disk_mb", "load_before")
    numbers = {name: float(row[name]) for name in floats}
    whole = {name: int(row[name]) for name in ("cores", "memory_gb")}
    return CommandTime(**{**row, **numbers, **whole})  # type: ignore[arg-type]


def _size(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
