"""The closed list of rule fields: what each means, in which unit and within which range."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import RuleError, raise_problems
from ..paths import data_dir
from .yaml_text import read_yaml

GROUPS = (
    "budget", "scope", "surplus", "quality", "split", "pay", "loss", "governance", "gatekeeping",
)  # fmt: skip
NUMERIC = ("share", "rate", "money", "count", "number")


class Bilingual(BaseModel):
    """A text in English and Chinese."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    en: str
    zh: str


class RuleField(BaseModel):
    """One field of a contract.

    ``kind`` decides how values are read: ``share`` and ``rate`` are ``Decimal`` (a share lies in
    0-1), ``money`` is ``Decimal`` of at most two places, ``count`` an integer, ``number`` any
    ``Decimal``, ``flag`` true or false, ``choice`` one of ``choices``, ``schedule`` pairs of
    numbers in rising order of the first, ``text`` words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    group: Literal[GROUPS]  # type: ignore[valid-type]
    label: Bilingual
    kind: Literal["share", "rate", "money", "count", "number", "flag", "choice", "schedule", "text"]
    unit: str
    definition: str
    core: bool = False
    low: Decimal | None = None
    high: Decimal | None = None
    choices: tuple[str, ...] = ()

    def read(self, raw: Any) -> Any:
        """Turn a raw value into the field's type.

        Raises
        ------
        ValueError
            With a sentence that names what is wrong.
        """
        if isinstance(raw, float):
            raise ValueError(f'{raw!r} is a binary float; write it as text, "{raw}"')
        if self.kind in NUMERIC:
            return self._number(raw)
        if self.kind == "schedule":
            return self._schedule(raw)
        if self.kind == "flag":
            if not isinstance(raw, bool):
                raise ValueError(f"{raw!r} is neither true nor false")
            return raw
        if self.kind == "choice" and raw not in self.choices:
            raise ValueError(f"{raw!r} is not one of {', '.join(self.choices)}")
        if not isinstance(raw, str) or not raw.strip():
            raise ValueError(f"{raw!r} is not text")
        return raw

    def _number(self, raw: Any) -> Decimal | int:
        if isinstance(raw, bool) or not isinstance(raw, int | str | Decimal):
            raise ValueError(f"{raw!r} is not a number")
        try:
            number = Decimal(raw)
        except InvalidOperation:
            raise ValueError(f"{raw!r} is not a number") from None
        if not number.is_finite():
            raise ValueError(f"{raw!r} is not a finite number")
        self._in_range(number)
        if self.kind == "count":
            if number != number.to_integral_value():
                raise ValueError(f"{raw} is not a whole number")
            return int(number)
        if self.kind == "money" and number != number.quantize(Decimal("0.01")):
            raise ValueError(f"{raw} has more than two decimals; money has two")
        return number

    def _in_range(self, number: Decimal) -> None:
        low = Decimal(0) if self.kind in ("share", "money", "count") else None
        low = self.low if self.low is not None else low
        high = (
            self.high if self.high is not None else (Decimal(1) if self.kind == "share" else None)
        )
        if low is not None and number < low:
            raise ValueError(f"{number} is below {low}")
        if high is not None and number > high:
            hint = " (shares are 0-1, never percent)" if self.kind == "share" else ""
            raise ValueError(f"{number} is above {high}{hint}")

    def _schedule(self, raw: Any) -> tuple[tuple[Decimal, Decimal], ...]:
        pairs = raw if isinstance(raw, list | tuple) else []
        if not pairs or any(not isinstance(p, list | tuple) or len(p) != 2 for p in pairs):
            raise ValueError("is not a list of pairs such as [[5000, 0.039], [60000, 0.02]]")
        if any(isinstance(x, float | bool) for p in pairs for x in p):
            raise ValueError("holds a binary float; write the numbers as text")
        try:
            read = tuple((Decimal(a), Decimal(b)) for a, b in pairs)
        except (InvalidOperation, TypeError, ValueError):
            raise ValueError(f"{raw!r} holds something that is not a number") from None
        if any(later[0] <= earlier[0] for earlier, later in pairwise(read)):
            raise ValueError("is not in rising order")
        for _, number in read:
            self._in_range(number)
        return read


@cache
def rule_fields() -> dict[str, RuleField]:
    """Return the closed list of rule fields, by name, in the order of their groups."""
    path = data_dir() / "reforms" / "_fields.yaml"
    content, problems = read_yaml(path)
    fields: dict[str, RuleField] = {}
    for name, raw in content.items():
        try:
            fields[name] = RuleField(name=name, **raw)
        except (ValidationError, TypeError) as error:
            problems.append(f"{name}: {error}")
    raise_problems(problems, where=path.name, advice="Mend the list of fields.", error=RuleError)
    order = {group: rank for rank, group in enumerate(GROUPS)}
    return dict(sorted(fields.items(), key=lambda item: order[item[1].group]))


def core_fields() -> tuple[str, ...]:
    """Return the fields that every case must speak about, if only that nothing was read."""
    return tuple(name for name, field in rule_fields().items() if field.core)
