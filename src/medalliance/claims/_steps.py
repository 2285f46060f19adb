"""The steps from claims to county-years, each a function from expressions to expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._schema import TIERS

if TYPE_CHECKING:
    from ibis.expr.types import Table

    Hold = Callable[[Table], Table]

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


def deduplicate(claims: Table, hold: Hold) -> tuple[Table, Table]:
    """Keep one row of each claim.

    Parameters
    ----------
    claims : Table
    hold : callable
        Works a table out that several expressions use.

    Returns
    -------
    once : Table
        Rows that are the same in every column stand once.
    conflicts : Table
        ``claim_id`` of claims whose rows differ.
    """
    rows = claims.group_by("claim_id").agg(n_rows=claims.count())
    twice = hold(rows.filter(rows.n_rows > 1).select("claim_id"))
    repeated = hold(claims.semi_join(twice, "claim_id").distinct())
    once = claims.anti_join(twice, "claim_id").union(repeated)
    left = repeated.group_by("claim_id").agg(n_rows=repeated.count())
    return once, left.filter(left.n_rows > 1).select("claim_id")


def net_reversals(once: Table, hold: Hold) -> tuple[Table, Table]:
    """Take each reversal off the claim that it names.

    Returns
    -------
    netted : Table
        Claims that are no reversals, with their money net, and ``stands``: false where
        reversals took back all of it.
    reversals : Table
        Reversals with ``original``, the claim found (missing if none), and ``same_person``.
    """
    back = once.filter(once.reversal_of.notnull())
    back = hold(back.select("claim_id", "reversal_of", "person_key", "total_fen", "fund_fen"))
    kept = once.filter(once.reversal_of.isnull()).drop("reversal_of")
    taken = back.group_by("reversal_of").agg(
        back_total=back.total_fen.sum(), back_fund=back.fund_fen.sum()
    )
    joined = kept.left_join(taken, kept.claim_id == taken.reversal_of)
    netted = joined.mutate(
        total_fen=joined.total_fen + joined.back_total.fill_null(0),
        fund_fen=joined.fund_fen + joined.back_fund.fill_null(0),
    )
    gone = netted.back_total.notnull() & (netted.total_fen == 0) & (netted.fund_fen == 0)
    named = kept.semi_join(back, kept.claim_id == back.reversal_of)
    named = named.select(original=named.claim_id, owner=named.person_key)
    reversals = back.left_join(named, back.reversal_of == named.original)
    same = (reversals.owner == reversals.person_key).fill_null(True)
    return netted.mutate(stands=~gone), reversals.mutate(same_person=same)


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
