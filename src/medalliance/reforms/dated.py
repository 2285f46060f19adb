"""Values with their dates, their status and their source."""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .fields import RuleField, rule_fields

STATUSES = ("documented", "reported", "assumed", "not_stated", "not_read", "not_applicable")
_SOURCED = ("documented", "reported")
_SILENT = ("not_stated", "not_read", "not_applicable")
# what a cell says that holds no value
SILENCE = {
    "not_stated": "not stated (text read whole)",
    "not_read": "not in what was read",
    "not_applicable": "does not apply",
}
_WHEN = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")
Status = Literal[
    "documented", "reported", "assumed", "not_stated", "not_read", "not_applicable"
]  # fmt: skip
Pairs = tuple[tuple[Decimal, Decimal], ...]
Number = Decimal | Pairs


def _day(text: str, *, last: bool) -> date:
    """Return the first or last day of a year, month or day written ``2018[-01[-31]]``."""
    match = _WHEN.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a year, 2018-01 or 2018-01-31")
    year, month, day = (int(part) if part else 0 for part in match.groups())
    month = month or (12 if last else 1)
    if not 1 <= month <= 12:
        raise ValueError(f"{text!r} has no month {month}")
    return date(year, month, day or (calendar.monthrange(year, month)[1] if last else 1))


def _when(raw: Any) -> Any:
    text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
    if isinstance(text, str):
        _day(text, last=False)
    return text


When = Annotated[str, BeforeValidator(_when)]


class DatedValue(BaseModel):
    """One value of one field while it is in force.

    Parameters
    ----------
    value, at_most, at_least
        Either a value or bounds. A bound is what an inequality in the source says; it is shown
        and does not settle. What is silent (the last three states) carries neither.
    status : str
        ``documented`` in a rule's own text, ``reported`` by somebody else, ``assumed`` by the
        reader; ``not_stated`` if the source was read whole and says nothing; ``not_read`` if no
        more than an abstract, an opening or a passage was read, or nothing; ``not_applicable``.
    source : str or None
        Id in the bibliography; required for ``documented`` and ``reported``.
    valid_from, valid_to : str or None
        A year, month or day, both ends included. None: no date is given.
    track : str or None
        Which variant of the contract, scheme or grade this value belongs to.
    elected : str or None
        Ledger column in which each contract states its own choice.
    unit, evidence, remark, confidence : str or None
        Unit where it differs from the field's; the source's own words; what to know; a grade.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    value: bool | int | Decimal | str | Pairs | None = None
    at_most: Number | None = None
    at_least: Number | None = None
    status: Status
    source: str | None = None
    valid_from: When | None = None
    valid_to: When | None = None
    track: str | None = None
    elected: str | None = None
    unit: str | None = None
    evidence: str | None = None
    remark: str | None = None
    confidence: Literal["high", "medium", "low"] | None = None

    @model_validator(mode="after")
    def _meaningful(self) -> DatedValue:
        problems = value_problems(self.__dict__)
        if problems:
            raise PydanticCustomError("rules", "{joined}", {"joined": "; ".join(problems)})
        return self

    @property
    def starts(self) -> date:
        """First day in force; the earliest day there is if no date is given."""
        return _day(self.valid_from, last=False) if self.valid_from else date.min

    @property
    def ends(self) -> date:
        """Last day in force; the latest day there is if no date is given."""
        return _day(self.valid_to, last=True) if self.valid_to else date.max

    @property
    def is_number(self) -> bool:
        """Whether one number is stated (no words, bounds or silence)."""
        return isinstance(self.value, int | Decimal) and not isinstance(self.value, bool)


def value_problems(raw: Mapping[str, Any]) -> list[str]:
    """Return what contradicts itself in one dated value: one sentence a problem."""
    problems = []
    status, source = raw.get("status"), raw.get("source")
    bounds = [raw.get(key) for key in ("at_most", "at_least")]
    stated = raw.get("value") is not None
    bounded = any(bound is not None for bound in bounds)
    if stated and bounded:
        problems.append("has a value and a bound; keep one")
    if status in _SILENT and (stated or bounded):
        problems.append(f"is {status} yet has a value")
    if (
        status in STATUSES
        and status not in _SILENT
        and not (stated or bounded or raw.get("elected"))
    ):
        problems.append(f"is {status} yet has no value")
    if status in _SOURCED and not source:
        problems.append(f"is {status} yet has no source")
    if status == "assumed" and source:
        problems.append("is assumed yet has a source; an assumption is nobody's rule")
    try:
        if raw.get("valid_from") and raw.get("valid_to"):
            first = _day(str(raw["valid_from"]), last=False)
            if first > _day(str(raw["valid_to"]), last=True):
                problems.append(
                    f"valid_from {raw['valid_from']} is after valid_to {raw['valid_to']}"
                )
    except ValueError:
        pass  # a malformed date is reported by its own field
    return problems


def read_parameters(raw: Any) -> tuple[dict[str, tuple[DatedValue, ...]], list[str]]:
    """Read ``{field: [dated values]}``.

    Returns
    -------
    tuple
        The values that could be read, then every problem found, each with its path.
    """
    if not isinstance(raw, Mapping):
        return {}, ["parameters: is not a mapping from field to dated values"]
    known, parameters, problems = rule_fields(), {}, []
    for name, items in raw.items():
        if name not in known:
            problems.append(f"parameters.{name}: unknown field; see data/reforms/_fields.yaml")
            continue
        if not isinstance(items, list | tuple) or not items:
            problems.append(f"parameters.{name}: is not a list of dated values")
            continue
        read = []
        for place, item in enumerate(items):
            value, wrong = _read_value(known[name], item)
            problems += [f"parameters.{name}[{place}]: {text}" for text in wrong]
            if value is not None:
                read.append(value)
        problems += [f"parameters.{name}: {text}" for text in _overlaps(read)]
        parameters[name] = tuple(read)
    return parameters, problems


def _read_value(field: RuleField, item: Any) -> tuple[DatedValue | None, list[str]]:
    if isinstance(item, DatedValue):
        item = item.model_dump()
    if not isinstance(item, Mapping):
        return None, ["is not a mapping such as {value: 0.5, status: documented, source: R05}"]
    item, problems = dict(item), []
    for key in ("value", "at_most", "at_least"):
        if item.get(key) is None:
            continue
        try:
            item[key] = field.read(item[key])
        except ValueError as error:
            problems.append(f"{key} {error}")
            item[key] = Decimal(0)
    try:
        value = DatedValue.model_validate(item)
    except ValidationError as error:
        details = error.errors()
        problems += [text for detail in details for text in problem_sentence(detail).split("; ")]
        if not any(detail["type"] == "rules" for detail in details):
            problems += value_problems(item)
        return None, problems
    return (None if problems else value), problems


def problem_sentence(detail: Mapping[str, Any]) -> str:
    """Say where a rule file breaks its form, from a detail of pydantic's error."""
    where = ".".join(str(part) for part in detail["loc"] if not str(part).startswith("tuple["))
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    if detail["type"] == "missing":
        return f"{where}: is missing"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _overlaps(values: list[DatedValue]) -> list[str]:
    by_track: dict[str | None, list[DatedValue]] = defaultdict(list)
    for value in values:
        by_track[value.track].append(value)
    problems = []
    for track, dated in by_track.items():
        label = f" of track {track}" if track else ""
        for earlier, later in pairwise(dated):
            if later.starts < earlier.starts:
                problems.append(f"values{label} are out of order at {later.valid_from}")
            elif later.starts <= earlier.ends:
                problems.append(
                    f"values{label} overlap: one ends {earlier.valid_to or 'never'}, "
                    f"the next starts {later.valid_from or 'without a date'}"
                )
    return problems


def shown(value: DatedValue) -> str:
    """Return a dated value as a reader sees it; silence is an empty text."""
    low, high = value.at_least, value.at_most
    if low is not None and high is not None:
        return f"{low} to {high}"
    if high is not None:
        return f"at most {high}"
    if low is not None:
        return f"at least {low}"
    if isinstance(value.value, bool):
        return "yes" if value.value else "no"
    if isinstance(value.value, tuple):
        return "; ".join(f"{a}: {b}" for a, b in value.value)
    return "" if value.value is None else str(value.value)
