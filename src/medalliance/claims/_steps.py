"""The steps from claims to county-years, each a function from expressions to expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._schema import TIERS

if TYPE_CHECKING:
    from ibis.expr.types import Table

# what goes on to the bucket of the person
CELL = ("place", "in_scope", "total_fen", "fund_fen")
PLACES = ("village", "township", "county", "out")
KEYS = ("enrol_county", "year")
# a visit: one person, one provider, one day, one setting
VISIT = (*KEYS, "person_key", "service_date", "setting", "provider_county", "tier", "provider_id")


def lean(columns: dict[str, Any], raw: Table) -> Table:
    """Keep the columns that the panel needs; where a claim counts stands in ``place``."""
    import ibis

    tier = ibis.cases(
        *((columns["provider_tier"] == name, ours) for name, ours in TIERS.items()), else_=None
    )
    away = columns["enrol_county"] != columns["provider_county"]
    taken = {name: c for name, c in columns.items() if name not in ("provider_tier", "settle_date")}
    return raw.select(
        **taken,
        year=columns["service_date"].year().cast("int32"),
        tier=tier,
        place=away.ifelse("out", tier),
    )


@dataclass(frozen=True, eq=False)
class Netted:
    """Claims of a bucket with duplicates and reversals taken out.

    Attributes
    ----------
    standing : Table
        Claims that are no reversals and not taken back whole, their money net. Not worked out
        yet; all others are small and held.
    repeated : Table
        ``claim_id, n_rows`` of claims that stand more than once.
    kept : Table
        The rows of these that differ.
    reversals : Table
        ``claim_id, reversal_of, original, same_person``; original is missing if none is found.
    touched : Table
        ``claim_id, total_net, fund_net, stands`` of claims that reversals name.
    """

    standing: Table
    repeated: Table
    kept: Table
    reversals: Table
    touched: Table


def net_claims(rows: Table, hold: Callable[[Table], Table]) -> Netted:
    """Keep one row of each claim, then take each reversal off the claim that it names.

    Few claims are repeated or reversed, so these are worked out apart; the others pass through.

    Parameters
    ----------
    rows : Table
        All rows of some claims and of their reversals.
    hold : callable
        Works a table out once that several expressions use.
    """
    counted = rows.group_by("claim_id").agg(n_rows=rows.count())
    repeated = hold(counted.filter(counted.n_rows > 1))
    kept = hold(rows.semi_join(repeated, "claim_id").distinct())
    once = rows.anti_join(repeated, "claim_id").union(kept)
    back = once.filter(once.reversal_of.notnull())
    back = hold(back.select("claim_id", "reversal_of", "person_key", "total_fen", "fund_fen"))
    originals = once.filter(once.reversal_of.isnull())
    named = originals.semi_join(back, originals.claim_id == back.reversal_of)
    named = hold(named.select("claim_id", "person_key", "total_fen", "fund_fen"))
    touched = hold(_touched(named, back))
    owners = named.select(original=named.claim_id, owner=named.person_key)
    reversals = back.left_join(owners, back.reversal_of == owners.original)
    same = (reversals.owner == reversals.person_key).fill_null(True)
    reversals = hold(reversals.mutate(same_person=same))
    all_claims = originals.left_join(touched, "claim_id")
    net = all_claims.mutate(
        total_fen=all_claims.total_net.coalesce(all_claims.total_fen),
        fund_fen=all_claims.fund_net.coalesce(all_claims.fund_fen),
    )
    standing = net.filter(net.stands.fill_null(True))
    return Netted(standing, repeated, kept, reversals, touched)


def _touched(named: Table, back: Table) -> Table:
    """Net the money of claims that reversals name."""
    taken = back.group_by("reversal_of").agg(
        total_back=back.total_fen.sum(), fund_back=back.fund_fen.sum()
    )
    both = named.inner_join(taken, named.claim_id == taken.reversal_of)
    net = both.select(
        "claim_id",
        total_net=(both.total_fen + both.total_back).cast("int64"),
        fund_net=(both.fund_fen + both.fund_back).cast("int64"),
    )
    return net.mutate(stands=(net.total_net != 0) | (net.fund_net != 0))


def money(standing: Table) -> Table:
    """Add the money of standing claims up by county of enrolment, in whole fen."""
    t = standing
    inside, stay = t.in_scope & (t.place != "out"), t.setting == "ip"
    funds = {
        f"fund_{place}": t.fund_fen.sum(where=t.in_scope & (t.place == place)) for place in PLACES
    }
    return t.group_by(*KEYS).agg(
        spending=t.fund_fen.sum(where=t.in_scope),
        **funds,
        inpatient_spending=t.total_fen.sum(where=inside & stay),
        out_of_scope_spending=t.fund_fen.sum(where=~t.in_scope),
        claims_n=t.count(),
    )


def visits(standing: Table) -> Table:
    """Count visits, admissions and patients by county of enrolment.

    A visit is in scope if one of its claims is. Claims at ``other`` providers, such as
    pharmacies, make patients but no visits.
    """
    t = standing.group_by(*VISIT, "place").agg(in_scope=standing.in_scope.any())
    stay, real = t.setting == "ip", t.tier != "other"
    ours = t.in_scope & real
    by_person = t.group_by(*KEYS, "person_key").agg(
        **{f"visits_{p}": (ours & ~stay & (t.place == p)).sum() for p in PLACES},
        inpatient_admissions_n=(ours & stay & (t.place != "out")).sum(),
        admissions_township=(ours & stay & t.place.isin(("village", "township"))).sum(),
        admissions_county=(ours & stay & (t.place == "county")).sum(),
        admissions_out=(ours & stay & (t.place == "out")).sum(),
        out_of_scope_visits=(~t.in_scope & real & ~stay).sum(),
        patient=t.in_scope.any(),
        unnamed=(ours & t.provider_id.isnull()).sum(),
    )
    p = by_person
    summed = {name: p[name].sum() for name in p.columns if name not in (*KEYS, "person_key")}
    summed["patients_n"] = p.patient.sum()
    del summed["patient"]
    return p.group_by(*KEYS).agg(**summed)
