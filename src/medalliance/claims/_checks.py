"""Checks of claims: every problem is found before any is raised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import first_three, raise_problems
from ._schema import Rule
from ._steps import Netted

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
        self._nouns: dict[str, str] = {}

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
        of: str = "row",
    ) -> None:
        """Note that some rows or claims have a problem; the same text is counted on."""
        self._counts[text] = self._counts.get(text, 0) + count
        self._shown.setdefault(text, []).extend(shown)
        self._files.setdefault(text, []).extend(str(path) for path in files)
        self._advice[text] = advice
        self._nouns[text] = of

    def refuse(self) -> None:
        """Raise everything found as one error, or return.

        Raises
        ------
        DataError
        """
        problems = []
        for text, count in self._counts.items():
            number = f"{count:,} {self._nouns[text]}{'' if count == 1 else 's'}"
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
    if "settle_date" in raw.columns:
        sums["settled"] = columns["settle_date"].max()
    counts = raw.aggregate(rows=raw.count(), **sums).execute().iloc[0]
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
    settled = counts.get("settled")
    return {"rows": int(counts["rows"]), "settled": None if settled != settled or settled is None
            else str(settled)[:10]}  # fmt: skip


def check_netted(netted: Netted, found: Findings) -> dict[str, int]:
    """Count what happened in a bucket, and what contradicts itself.

    Returns
    -------
    dict
        ``duplicates, reversals, cancelled, unknown``.
    """
    once, touched, back = netted.kept, netted.touched, netted.reversals
    differ = once.group_by("claim_id").agg(n_rows=once.count())
    differ = differ.filter(differ.n_rows > 1)
    over = touched.filter((touched.total_net < 0) | (touched.fund_net < 0))
    strange = back.filter(~back.same_person)
    unknown = back.filter(back.original.isnull())
    for text, table, advice in (
        ("claim_id stands on rows that differ", differ, "Keep the row that is right."),
        ("reversals take back more than the claim holds", over, ""),
        ("a reversal names a claim of another person", strange, ""),
    ):
        if count := int(table.count().execute()):
            found.add(text, count, _few(table), advice, of="claim")
    n_unknown = int(unknown.count().execute())
    if n_unknown and not found.ignore_unknown:
        found.add(
            "a reversal names no claim in the files",
            n_unknown,
            _few(unknown),
            "Add the files of the earlier years, or leave such reversals out with "
            "--ignore-unknown-reversals. A reversal cannot be reversed.",
            of="reversal",
        )
    n_rows = netted.repeated.n_rows.sum().execute()
    return {
        "duplicates": int(0 if n_rows is None or n_rows != n_rows else n_rows)
        - int(once.count().execute()),
        "reversals": int(back.count().execute()),
        "cancelled": int(touched.filter(~touched.stands).count().execute()),
        "unknown": n_unknown,
    }


def _few(table: Table) -> list[str]:
    names = table.select("claim_id").order_by("claim_id").limit(3).execute()["claim_id"]
    return [f"claim {name}" for name in names]
