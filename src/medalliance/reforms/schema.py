"""Contract rules as data: who a contract is for, its dated values, its steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ..errors import RuleError, first_three, need_type
from ..provenance import Badge, Provenance
from .dated import SILENCE, DatedValue, read_parameters, shown
from .fields import Bilingual, rule_fields
from .steps import Step, step_problems

KINDS = ("case", "city_scheme", "province", "national", "programme", "analogue", "scenario")
Kind = Literal["case", "city_scheme", "province", "national", "programme", "analogue", "scenario"]


class Rules(BaseModel):
    """A contract: who it is for, what its fields say when, in which order they are applied.

    Parameters
    ----------
    id, kind, name, place, currency, summary
        What the contract is called, what it is, where it holds, in which money, in a sentence.
    within : tuple of str
        Places that contain this one; their dated events are its events too.
    figures, studies : tuple of str
        Further names under which the published tables hold its figures; its studies.
    parameters : dict
        ``{field: (DatedValue, ...)}``.
    steps : tuple
        What a settlement does, in order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    name: Bilingual
    place: Bilingual
    currency: Literal["CNY", "USD", "EUR"]
    summary: str = ""
    within: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    parameters: dict[str, tuple[DatedValue, ...]] = Field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    _file: str = PrivateAttr(default="")

    @field_validator("parameters", mode="before")
    @classmethod
    def _read(cls, raw: Any) -> dict[str, tuple[DatedValue, ...]]:
        parameters, problems = read_parameters(raw)
        if problems:
            raise PydanticCustomError("parameters", "{joined}", {"joined": "\n".join(problems)})
        return parameters

    @model_validator(mode="after")
    def _ordered(self) -> Rules:
        known = rule_fields()
        problems = step_problems(self.steps) + [
            f"step {place} ({step.op}): {name} is no rule field"
            for place, step in enumerate(self.steps, start=1)
            for name in step.fields
            if name not in known
        ]
        if problems:
            raise PydanticCustomError("parameters", "{joined}", {"joined": "\n".join(problems)})
        return self

    @property
    def file(self) -> str:
        """Path of the file these rules were read from, or their id."""
        return self._file or self.id

    @property
    def assumed(self) -> tuple[str, ...]:
        """Fields of which some value is assumed."""
        return tuple(
            name
            for name, values in self.parameters.items()
            if any(value.status == "assumed" for value in values)
        )

    @property
    def badge(self) -> Badge:
        """Provenance: ``REAL``, or ``ILLUSTRATIVE`` as soon as one value is assumed."""
        return self.provenance.badge

    @property
    def provenance(self) -> Provenance:
        """Kind of evidence, the rules by name, their currency and file."""
        made_up = bool(self.assumed) or self.kind == "scenario"
        source = f"rules of {self.name.en} ({self.id})"
        if self.assumed:
            source += f"; assumed: {', '.join(self.assumed)}"
        files = (f"data/reforms/{Path(self._file).name}",) if self._file else ()
        badge = Badge.ILLUSTRATIVE if made_up else Badge.REAL
        return Provenance(badge, source, self.currency, files)

    def dated(self, field: str, year: int, track: str | None = None) -> DatedValue:
        """Return the dated value of a field in a year.

        Where a rule changed inside the year, the one in force at the year's end counts.
        A value without a track holds for every track that has none of its own.

        Raises
        ------
        RuleError
            If the field is unknown, is not stated for that year, or needs a track.
        """
        if field not in rule_fields():
            raise RuleError(f"{self.id}: {field} is no rule field; see data/reforms/_fields.yaml.")
        year_start, year_end = date(year, 1, 1), date(year, 12, 31)
        values = [
            value
            for value in self.parameters.get(field, ())
            if value.starts <= year_end and value.ends >= year_start
        ]
        own = [value for value in values if value.track == track]
        found = own or [value for value in values if value.track is None]
        if found:
            return max(found, key=lambda value: value.starts)
        if values:
            tracks = sorted({str(value.track) for value in values})
            raise RuleError(
                f"{self.id}: {field} differs by track in {year} ({self.file}).\n"
                f"  Pass track=, one of {', '.join(tracks)}."
            )
        raise self._unstated(field, f"has no value for {year}")

    def value(self, field: str, year: int, track: str | None = None) -> Any:
        """Return what a field is in a year: ``Decimal``, ``int``, ``bool``, text or pairs.

        Raises
        ------
        RuleError
            If no text in hand states the value, it does not apply, or it is only bounded.
        """
        found = self.dated(field, year, track)
        if found.status in ("not_stated", "not_read"):
            raise self._unstated(field, f"is {SILENCE[found.status]} for {year}")
        if found.status == "not_applicable":
            raise self._unstated(field, f"does not apply in {year}")
        if found.at_most is not None or found.at_least is not None:
            raise self._unstated(field, f"is only bounded for {year} ({shown(found)})")
        return found.value

    def _unstated(self, field: str, what: str) -> RuleError:
        return RuleError(
            f"{self.id}: {field} {what} ({self.file}).\n"
            f'  Pass rules.replace({field}=…) to assume a value; tables will say "assumed".'
        )

    def replace(self, **fields: Any) -> Rules:
        """Return a copy in which the named fields are assumed.

        Parameters
        ----------
        **fields
            A value for all years, or a mapping from track to value. Rates are text or
            ``Decimal``: ``rules.replace(surplus_retention_share="0.5")``.

        Raises
        ------
        RuleError
            If a field is unknown or a value breaks its field's type or range.
        """
        raw = {
            name: [
                {"value": one, "track": track, "status": "assumed"}
                for track, one in (value.items() if isinstance(value, Mapping) else [(None, value)])
            ]
            for name, value in fields.items()
        }
        assumed, problems = read_parameters(raw)
        if problems:
            raise RuleError(
                f"{self.id}: {first_three(p.removeprefix('parameters.') for p in problems)}."
            )
        return self.model_copy(update={"parameters": {**self.parameters, **assumed}})

    def missing(self, fields: tuple[str, ...], year: int) -> tuple[str, ...]:
        """Return those of the named fields that have no usable value in a year."""
        return tuple(name for name in fields if not self._usable(name, year))

    def _usable(self, field: str, year: int) -> bool:
        return any(
            value.value is not None
            and value.starts <= date(year, 12, 31)
            and value.ends >= date(year, 1, 1)
            for value in self.parameters.get(field, ())
        )


def rules_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a rule file, its field names closed."""
    schema = Rules.model_json_schema()
    schema["properties"]["parameters"]["propertyNames"] = {"enum": list(rule_fields())}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Rules of a county medical alliance"
    return schema


def need_rules(value: object) -> None:
    """Refuse what is no rule file.

    Raises
    ------
    RuleError
    """
    need_type("rules", value, Rules, advice="Load them: ma.load_rules(name).", error=RuleError)
