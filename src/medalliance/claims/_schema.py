"""The columns of a claims table, how each is read, and what each row must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, Table, Value

FIRST_YEAR, LAST_YEAR = 2005, 2035

REQUIRED = {
    "claim_id": "text",
    "person_key": "text",
    "enrol_county": "code",
    "provider_county": "code",
    "provider_tier": "choice",
    "setting": "choice",
    "service_date": "date",
    "total_fen": "fen",
    "fund_fen": "fen",
    "in_scope": "flag",
    "reversal_of": "text",
}
OPTIONAL = {"provider_id": "text", "settle_date": "date"}
# named in the claims schema, carried by nothing here
IGNORED = ("selfpay_fen", "referral_flag", "diag_group")

TIERS = {
    "village": "village",
    "township": "township",
    "community": "township",
    "township/community": "township",
    "county": "county",
    "above": "county",
    "other": "other",
}
SETTINGS = ("op", "er", "ip")
_MEANT = {
    "text": "text",
    "code": "text of six digits",
    "choice": "text",
    "date": "a date, or text as 2019-03-05",
    "fen": "whole fen",
    "flag": "true or false, or 1 and 0",
}
_YES, _NO = ("true", "t", "yes", "1"), ("false", "f", "no", "0")


@dataclass(frozen=True, eq=False)
class Rule:
    """One thing that every row must keep.

    Attributes
    ----------
    name : str
    broken : BooleanValue
        True where a row breaks it.
    shown : Value
        What to print of such a row, beside its claim.
    text : str
        What is wrong.
    advice : str
        What to write instead.
    """

    name: str
    broken: BooleanValue
    shown: Value
    text: str
    advice: str = ""


def wrong_columns(types: dict[str, Any]) -> list[str]:
    """Return one problem for each column that is absent or of a type that cannot be read.

    Parameters
    ----------
    types : dict
        Column name -> Ibis type.
    """
    import difflib

    problems = []
    for name, kind in (REQUIRED | OPTIONAL).items():
        if name not in types:
            if name in REQUIRED:
                close = difflib.get_close_matches(name, types, n=1, cutoff=0.6)
                hint = f" Is it {close[0]!r}? Rename it." if close else ""
                problems.append(f"no column {name!r} ({_MEANT[kind]}).{hint}")
        elif not _readable(types[name], kind):
            problems.append(f"column {name!r} is {types[name]}; it must be {_MEANT[kind]}.")
    return problems


def _readable(dtype: Any, kind: str) -> bool:
    if dtype.is_string() or dtype.is_null():
        return True
    if kind == "date":
        return bool(dtype.is_date() or dtype.is_timestamp())
    if kind == "fen":
        return bool(dtype.is_numeric())
    if kind == "flag":
        return bool(dtype.is_boolean() or dtype.is_integer())
    return bool(dtype.is_integer())


def read_columns(raw: Table) -> tuple[dict[str, Any], list[Rule]]:
    """Read the columns of a claims table.

    Returns
    -------
    columns : dict
        Name -> expression of the type that the later steps take; missing where a cell cannot
        be read.
    rules : list of Rule
    """
    import ibis

    columns: dict[str, Any] = {}
    rules: list[Rule] = []
    for name, kind in (REQUIRED | OPTIONAL).items():
        if name not in raw.columns:
            columns[name] = ibis.null("date" if kind == "date" else "string")
            continue
        reader = {"fen": _fen, "date": _date, "flag": _flag}.get(kind, _text)
        columns[name], broken = reader(raw[name])
        shown = raw[name].cast("string")
        if broken is not None:
            text = f"{name} cannot be read"
            rules.append(Rule(f"{name}_unread", broken, shown, text, f"Write {_MEANT[kind]}."))
        if name in REQUIRED and name != "reversal_of":
            absent = _blank(raw[name])
            rules.append(Rule(f"{name}_absent", absent, ibis.literal(""), f"{name} is missing"))
    return columns, rules + row_rules(columns)


def row_rules(columns: dict[str, Any]) -> list[Rule]:
    """Return what each row must keep once its cells can be read."""
    import ibis

    c = columns
    reversal = c["reversal_of"].notnull()
    rules = []
    for name in ("enrol_county", "provider_county"):
        broken = c[name].length() != 6
        text = f"{name} is not six digits"
        rules.append(Rule(f"{name}_code", broken, c[name], text, "Use area codes of GB/T 2260."))
    for name, known in (("provider_tier", tuple(TIERS)), ("setting", SETTINGS)):
        text, advice = f"{name} is not known", f"Use {', '.join(known)}."
        rules.append(Rule(f"{name}_known", ~c[name].isin(known), c[name], text, advice))
    year = c["service_date"].year()
    text = f"service_date is outside {FIRST_YEAR}-{LAST_YEAR}"
    outside = ~year.between(FIRST_YEAR, LAST_YEAR)
    rules.append(Rule("year", outside, c["service_date"].cast("string"), text))
    for name in ("total_fen", "fund_fen"):
        shown = c[name].cast("string")
        text = f"{name} is negative and the row reverses nothing"
        advice = "Name the claim that it takes back in reversal_of."
        rules.append(Rule(f"{name}_negative", ~reversal & (c[name] < 0), shown, text, advice))
        text = f"{name} of a reversal is positive"
        advice = "A reversal carries minus the money that it takes back."
        rules.append(Rule(f"{name}_positive", reversal & (c[name] > 0), shown, text, advice))
    both = c["total_fen"].cast("string") + ibis.literal(" < ") + c["fund_fen"].cast("string")
    over = c["fund_fen"].abs() > c["total_fen"].abs()
    rules.append(Rule("over", over, both, "the fund pays more than the total"))
    itself = (c["reversal_of"] == c["claim_id"]).fill_null(False)
    rules.append(Rule("itself", itself, c["reversal_of"], "reversal_of names its own claim"))
    return rules


def _blank(column: Any) -> Any:
    if column.type().is_string():
        return column.isnull() | (column == "")
    if column.type().is_floating():
        return column.isnull() | column.isnan()
    return column.isnull()


def _text(column: Any) -> tuple[Any, Any]:
    if column.type().is_string():
        return column.nullif(""), None
    return column.cast("string"), None


def _fen(column: Any) -> tuple[Any, Any]:
    kind = column.type()
    if kind.is_integer():
        return column.cast("int64"), None
    if kind.is_string():
        whole = column.re_search(r"^-?[0-9]{1,17}$")
        return whole.ifelse(column, None).try_cast("int64"), ~_blank(column) & ~whole
    whole = (column == column.floor()) & (column.abs() < 10**17)
    return whole.ifelse(column, None).cast("int64"), ~_blank(column) & ~whole


def _date(column: Any) -> tuple[Any, Any]:
    if not column.type().is_string():
        return column.date() if column.type().is_timestamp() else column.cast("date"), None
    dated = column.re_search(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T].*)?$")
    read = dated.ifelse(column.substr(0, 10), None).try_cast("date")
    return read, ~_blank(column) & read.isnull()


def _flag(column: Any) -> tuple[Any, Any]:
    import ibis

    if column.type().is_boolean():
        return column, None
    text = column.cast("string").lower()
    read = ibis.cases((text.isin(_YES), True), (text.isin(_NO), False), else_=None)
    return read.cast("boolean"), ~_blank(column) & read.isnull()
