"""Download the public Shared Savings files of each year, as 2013.csv, 2014.csv and so on.

Usage: python tools/get_mssp.py FOLDER [--catalogue URL]

The catalogue of data.cms.gov names the files of "Performance Year Financial and Quality Results".
Every file is compared with tools/mssp_files.csv, the checksums of the copies behind the book's
numbers. The publisher revises files, and some of our copies carry rates rounded by a
redistributor: a file that differs is kept as <year>.csv.differs, and the command ends with 1.
Compare its rows, rename it, and run the settlement test on it before relying on it.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import sys
import urllib.request
from pathlib import Path

CATALOGUE = "https://data.cms.gov/data.json"
TITLE = "performance year financial and quality results"
CHECKSUMS = Path(__file__).with_name("mssp_files.csv")


def listed(catalogue: dict) -> dict[int, str]:
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
    with urllib.request.urlopen(address, timeout=120) as answer:
        return answer.read()


def main() -> int:
    """Download every year; 1 if one is missing or differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--catalogue", default=CATALOGUE)
    given = parser.parse_args()
    with CHECKSUMS.open(encoding="utf-8", newline="") as lines:
        wanted = {int(row["year"]): row["sha256"] for row in csv.DictReader(lines)}
    try:
        addresses = listed(json.loads(fetch(given.catalogue)))
    except OSError as problem:
        print(f"no answer from {given.catalogue}: {problem}\n  Try again later.", file=sys.stderr)
        return 1
    given.folder.mkdir(parents=True, exist_ok=True)
    wrong = 0
    for year, checksum in wanted.items():
        if year not in addresses:
            print(f"{year}: not in the catalogue", file=sys.stderr)
            wrong += 1
            continue
        content = fetch(addresses[year])
        same = hashlib.sha256(content).hexdigest() == checksum
        wrong += not same
        name = f"{year}.csv" if same else f"{year}.csv.differs"
        (given.folder / name).write_bytes(content)
        print(f"{year}: {'as in the book' if same else 'differs, kept as ' + name}")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
