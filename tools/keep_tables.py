"""Write the results that data/published keeps of public files, from the files in hand.

Usage: python tools/keep_tables.py [mssp] [england]

Tests compare the kept tables with what the files give; run this after a change of rules or years.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pandas as pd

from medalliance.chapters import (
    ledger_kept,
    ledger_new_year,
    ledger_renewals,
    pay_england,
    settlements,
)
from medalliance.mssp import read_mssp
from medalliance.paths import data_dir


def mssp() -> dict[str, pd.DataFrame]:
    """Return the settlements, the elements of the rules, the ledger's means and its headlines."""
    return (
        settlements.kept_tables(read_mssp())
        | ledger_kept.kept_tables(ledger_kept.load_ledger())
        | {"mssp_new_year": ledger_new_year.kept_new_year()}
        | {"mssp_rebasing": ledger_renewals.kept_rebasing(ledger_kept.load_ledger().panel)}
    )


def england() -> dict[str, pd.DataFrame]:
    """Return the registered headlines of England's contracts with the parts of income."""
    return {"england_effects": pay_england.kept_pay_effects()}


KEPT: dict[str, Callable[[], dict[str, pd.DataFrame]]] = {"mssp": mssp, "england": england}


def main() -> int:
    """Write every kept table of the collections that are named; all without a name."""
    for name in sys.argv[1:] or list(KEPT):
        for table, frame in KEPT[name]().items():
            frame.to_csv(
                data_dir() / "published" / f"{table}.csv", index=False, lineterminator="\n"
            )
            print(f"{table}: {len(frame)} rows")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
