"""Download public files, saying which came, which differ and which a reader must fetch by hand."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..england import payments_of
from ..errors import DataError
from ..paths import data_dir

CATALOGUE = "https://data.cms.gov/data.json"
TITLE = "performance year financial and quality results"
WAIT = 120  # seconds
Said = tuple[bool, str]  # whether all is well, and what to say


def known_files(collection: str) -> list[dict[str, str]]:
    """Return what is known of the files of a collection, a row each."""
    path = data_dir() / "downloads" / f"{collection}.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def listed(catalogue: dict[str, Any]) -> dict[int, str]:
    """Map performance years to addresses of the CSV files that the catalogue names."""
    found: dict[int, str] = {}
    for entry in catalogue.get("dataset", []):
        if TITLE not in str(entry.get("title", "")).lower():
            continue
        for part in entry.get("distribution", []):
            address = part.get("downloadURL", "")
            years = re.findall(r"20[0-9]{2}", f"{part.get('title', '')} {part.get('temporal', '')}")
            if years and address.lower().endswith(".csv"):
                found.setdefault(int(years[0]), address)
    return found


def fetch(address: str) -> bytes:
    """Return what an address answers."""
    with urllib.request.urlopen(address, timeout=WAIT) as answer:
        return bytes(answer.read())


def get_mssp(folder: Path, source: str = CATALOGUE) -> Iterator[Said]:
    """Download every year that the publisher's catalogue names, compared with our checksums.

    A file that differs from the one behind the book's numbers is kept as ``<year>.csv.differs``;
    a year that the book does not know is kept under its name.
    """
    wanted = {int(row["year"]): row["sha256"] for row in known_files("mssp")}
    addresses = listed(json.loads(fetch(source)))
    folder.mkdir(parents=True, exist_ok=True)
    for year in sorted({*wanted, *addresses}):
        if year not in addresses:
            yield False, f"{year}: not in the catalogue"
            continue
        content = fetch(addresses[year])
        if year not in wanted:
            (folder / f"{year}.csv").write_bytes(content)
            yield True, f"{year}: a year that the book does not know yet"
            continue
        same = hashlib.sha256(content).hexdigest() == wanted[year]
        name = f"{year}.csv" if same else f"{year}.csv.differs"
        (folder / name).write_bytes(content)
        yield same, f"{year}: {'as in the book' if same else 'differs, kept as ' + name}"


def get_england(folder: Path, source: str | None = None) -> Iterator[Said]:
    """Download the files whose address is known; name page and file for every other.

    The publisher revises files and ours lack names and addresses of practices, so a download is
    checked by reading it. A file that is already there is left alone.

    Parameters
    ----------
    source : str, optional
        Start of addresses to ask in place of the publisher's, for a mirror; the file's own path
        follows.
    """
    for row in known_files("england"):
        place = folder / row["file"]
        if place.is_file():
            yield True, f"{row['file']}: already there"
            continue
        address = f"{source.rstrip('/')}/{row['file']}" if source else row["address"]
        if not address:
            yield (
                False,
                f"{row['file']}: no address is known. Save {row['publisher_name']} from "
                f"{row['page']} as {place}",
            )
            continue
        yield _kept_if_it_reads(row["file"], place, address)


def _kept_if_it_reads(name: str, place: Path, address: str) -> Said:
    try:
        content = fetch(address)
    except OSError as problem:
        return False, f"{name}: no answer from {address} ({problem})"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    if not name.startswith("payments/"):
        return True, f"{name}: downloaded"
    try:
        rows = len(payments_of(place, 2000 + int(place.stem[:2])))
    except (DataError, ValueError) as problem:
        place.rename(place.with_name(f"{place.name}.differs"))
        return False, f"{name}: does not read, kept as {place.name}.differs ({problem})"
    return True, f"{name}: {rows:,} practices"


COLLECTIONS: dict[str, Callable[..., Iterator[Said]]] = {
    "england": get_england,
    "mssp": get_mssp,
}
