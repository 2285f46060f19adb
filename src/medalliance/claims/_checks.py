"""Checks of claims: every problem is found before any is raised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import first_three, raise_problems
from ._schema import Rule

if TYPE_CHECKING:
    from ibis.expr.types import Table


class Findings:
    """What is wrong with the claims, counted over batches and buckets."""

    def __init__(self, ignore_unknown: bool = False):
        self.ignore_unknown = ignore_unknown
        self._counts: dict[str, int] = {}
        self._shown: dict[str, list[str]] = {}
        self._advice: dict[str, str] = {}
        self._files: dict[str, list[str]] = {}

    @property
    def problems(self) -> bool:
        """Whether anything was found."""
        return bool(self._counts)

    def add(
        self,
        text: str,
        count: int,
        shown: Sequence[str],
        advice: str = "",
        files: Sequence[Path] = (),
    ) -> None:
        """Note that some rows or claims have a problem; the same text is counted on."""
        self._counts[text] = self._counts.get(text, 0) + count
        self._shown.setdefault(text, []).extend(shown)
        self._files.setdefault(text, []).extend(str(path) for path in files)
        self._advice[text] = advice

    def refuse(self) -> None:
        """Raise everything found as one error, or return.

        Raises
        ------
        DataError
        """
        problems = []
        for text, count in self._counts.items():
            number = "1 row" if count == 1 else f"{count:,} rows"
            listed = ", ".join(sorted(set(self._shown[text]))[:3])
            where = f" in {first_three(self._files[text])}" if self._files[text] else ""
            advice = f" {self._advice[text]}" if self._advice[text] else ""
            problems.append(f"{text} in {number}{where}: {listed}.{advice}")
        raise_problems(problems, where="claims", advice="Correct the rows; nothing was written.")


def check_rows(
    raw: Table, columns: dict[str, Any], rules: list[Rule], files: Sequence[Path], found: Findings
) -> dict[str, Any]:
    """Count the rows of a batch and those that break a rule.

    Returns
    -------
    dict
        ``rows``, and ``settled``: the last date of settlement, or None.
    """
    sums = {rule.name: rule.broken.sum() for rule in rules}
    asked = raw.aggregate(rows=raw.count(), settled=columns["settle_date"].max(), **sums)
    counts = asked.execute().iloc[0]
    for rule in rules:
        count = counts[rule.name]
        if not count or count != count:
            continue
        few = raw.filter(rule.broken).select(claim=columns["claim_id"], shown=rule.shown)
        rows = few.order_by(few.claim, few.shown).limit(3).execute()
        shown = [
            f"claim {row.claim}" + (f" ({row.shown!r})" if row.shown else "")
            for row in rows.itertuples()
        ]
        found.add(rule.text, int(count), shown, rule.advice, files)
    settled = counts["settled"]
    return {"rows": int(counts["rows"]), "settled": None if settled != settled or settled is None
            else str(settled)[:10]}  # fmt: skip


def check_netted(
    rows: Table, netted: Table, reversals: Table, conflicts: Table, found: Findings
) -> dict[str, int]:
    """Count what happened in a bucket, and what contradicts itself."""
    n_rows = int(rows.count().execute())
    over = (netted.total_fen < 0) | (netted.fund_fen < 0)
    kept = netted.aggregate(
        n=netted.count(), gone=(~netted.stands).sum(), over=over.sum()
    ).execute().iloc[0]  # fmt: skip
    unknown, other = reversals.original.isnull(), ~reversals.same_person
    back = reversals.aggregate(
        n=reversals.count(), unknown=unknown.sum(), other=other.sum()
    ).execute().iloc[0]  # fmt: skip
    clash = int(conflicts.count().execute())
    kept, back = kept.fillna(0).astype(int), back.fillna(0).astype(int)
    if clash:
        shown = [f"claim {name}" for name in _few(conflicts, "claim_id")]
        advice = "Keep the row that is right."
        found.add("claim_id stands on rows that differ", clash, shown, advice)
    if kept["over"]:
        shown = [f"claim {name}" for name in _few(netted.filter(over), "claim_id")]
        text = "reversals take back more than the claim holds"
        found.add(text, int(kept["over"]), shown)
    if back["other"]:
        shown = [f"claim {name}" for name in _few(reversals.filter(other), "claim_id")]
        found.add("a reversal names a claim of another person", int(back["other"]), shown)
    if back["unknown"] and not found.ignore_unknown:
        few = reversals.filter(unknown).select("claim_id", "reversal_of").order_by("claim_id")
        pairs = few.limit(3).execute().itertuples(index=False)
        shown = [f"claim {name} (of {original})" for name, original in pairs]
        advice = (
            "Add the files of the earlier years, or leave such reversals out with "
            "--ignore-unknown-reversals. A reversal cannot be reversed."
        )
        found.add("a reversal names no claim in the files", int(back["unknown"]), shown, advice)
    return {
        "duplicates": n_rows - int(kept["n"]) - int(back["n"]),
        "reversals": int(back["n"]),
        "cancelled": int(kept["gone"]),
        "unknown": int(back["unknown"]),
    }


def _few(table: Table, column: str) -> list[str]:
    return list(table.select(column).order_by(column).limit(3).execute()[column])
