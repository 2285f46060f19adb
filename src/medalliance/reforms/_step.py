"""What every step of a contract has in common, and what its operation may look at."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, ClassVar, Protocol, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .exact import Exact

Rows = NDArray[np.bool_]
Ref = Annotated[str, Field(pattern=r"^(ledger\.)?[a-z][a-z0-9_]*$")]
Sum = Annotated[Ref, "money"]  # a reference to an amount, not to a share or a score
_NO_REFERENCE = ("budget", "rest")


class Held(Protocol):
    """What an operation may look at.

    Attributes
    ----------
    book : Ledger
    look : Lookup
    budget : ndarray of int64, shape (n,)
        After prior deductions; minor units.
    initial : dict of str to ndarray of int64
        Surplus and deficit before any step, by side.
    """

    book: Any
    look: Any
    budget: NDArray[np.int64]
    initial: dict[str, NDArray[np.int64]]


class Reading(BaseModel):
    """Anything whose fields refer to rule fields and ledger columns, by their types."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def references(self, kind: Any = Ref) -> tuple[str, ...]:
        """Return every reference in the order of the fields; ``Sum`` asks for amounts alone."""
        return tuple(dict.fromkeys(self._read(kind)))

    def _read(self, kind: Any) -> Iterator[str]:
        for name, own in _typed(type(self)).items():
            value = getattr(self, name)
            parts = value.values() if isinstance(value, dict) else value
            for part in parts if isinstance(parts, tuple | type({}.values())) else (value,):
                if isinstance(part, Reading):
                    yield from part._read(kind)
                elif kind in own and part and part not in _NO_REFERENCE:
                    yield part


@cache
def _typed(kind: type[BaseModel]) -> dict[str, set[Any]]:
    """Return the types that make up the hint of each field."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: set(_parts(hints[name])) for name in kind.model_fields}


def _parts(hint: Any) -> Iterator[Any]:
    if hint == Sum:
        yield from (Sum, Ref)
    elif hint == Ref:
        yield Ref
    else:
        for part in get_args(hint):
            yield from _parts(part)


class BaseStep(Reading):
    """What every step has in common.

    Parameters
    ----------
    tracks : tuple of str
        Tracks the step holds for; none named means all.
    valid_from, valid_to : int or None
        First and last year in which the step is taken.
    only_if : tuple of str
        Ledger flags of which at least one must be 1.
    unless : tuple of str
        Ledger flags that must all be 0.
    why : str or None
        The field printed as the reason; by default the first field that the step reads.
    """

    verb: ClassVar[str] = ""  # what the step is called in words
    posted: ClassVar[str] = "kept"  # the insurer's account that takes what the step moves
    tracks: tuple[str, ...] = ()
    valid_from: int | None = None
    valid_to: int | None = None
    only_if: tuple[Ref, ...] = ()
    unless: tuple[Ref, ...] = ()
    why: str | None = None

    @model_validator(mode="after")
    def _flags_are_columns(self) -> BaseStep:
        wrong = [ref for ref in (*self.only_if, *self.unless) if not ref.startswith("ledger.")]
        if wrong:
            raise ValueError(f"{wrong[0]} is no ledger column; conditions read ledger.<flag>")
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """Rule fields that the step reads."""
        return tuple(ref for ref in self.references() if not ref.startswith("ledger."))

    @property
    def reason(self) -> str:
        """The field (or ledger column) that a posting names."""
        conditions = len({*self.only_if, *self.unless})
        return self.why or next(iter(self.references()[conditions:]), self.op)  # type: ignore[attr-defined]

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Return what the step makes of a balance, exact, in all rows."""
        return value
