"""From settlement rule files to the contracts of the incentive model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..errors import RuleError
from ..reforms import need_rules
from ..reforms.steps import Share
from .contract import Contract
from .technology import GROUPS

if TYPE_CHECKING:
    from ..reforms import Rules

_INF = float("inf")
# A contract that writes no steps retains a share and bears a share, as in a settlement.
_PLAIN = (
    Share(op="share", side="surplus", rate="surplus_retention_share"),
    Share(op="share", side="deficit", rate="overspend_sharing_share"),
)


def contract_from_rules(
    rules: Rules,
    year: int,
    *,
    track: str | None = None,
    ledger: Mapping[str, float] | None = None,
    **terms: Any,
) -> Contract:
    """Read the incentives of a rule file: its shares, caps, minima, bands and split in a year.

    The steps of the file are walked in their order. Rounding, reserves and event adjustments do
    not change what a further yuan is worth on average and are passed over. Edges are parts of the
    budget.

    Parameters
    ----------
    rules : Rules
        With its steps.
    year : int
    track : str, optional
    ledger : mapping, optional
        What a settlement would read from its ledger, by column: scores and flags as 0-1,
        elected rates, amounts as parts of the budget.
    **terms
        Terms of the contract that are given here and not read: ``budget``, ``audit``,
        ``pay_share``, ``split``, ``discount`` and the like.

    Returns
    -------
    Contract
        A scenario's name is kept; a real case's is not, for what follows is not its record.

    Raises
    ------
    RuleError
        If a value that is needed is stated nowhere, needs a ledger column that is not given, or
        the steps do something that the model does not hold.
    """
    need_rules(rules)
    reader = _Reader(rules, year, track, dict(ledger or {}))
    gain, loss = _Side(), _Side()
    parties: dict[str, str] = {}
    uses: dict[str, str] = {}
    for step in rules.steps or _PLAIN:
        if not reader.holds(step):
            continue
        if step.op == "split" and step.side == "surplus":
            parties, uses = step.among or parties, step.uses or uses
        elif step.op not in ("split", "deduct", "adjust", "round"):
            _apply(step, gain if step.side == "surplus" else loss, reader)
    found: dict[str, Any] = {"edges": "budget", "name": _name(rules)}
    found.update(gain.terms("gain"), **loss.terms("loss"))
    found["first_dollar"] = _first_dollar(rules, gain, loss)
    if "out_of_county" not in terms:
        found["out_of_county"] = reader.optional("out_of_county", "included")
    if "split" not in terms:
        found["split"] = _split(parties, reader)
    if "pay_share" not in terms:
        found["pay_share"] = reader.rate(uses.get("pay", "surplus_pay_share"))
    if float(terms.get("discount", 0.0)) > 0:
        found["rebasing"] = reader.rate("rebasing_share")
        found["growth"] = reader.rate("budget_growth_rate")
    return Contract(**{**found, **terms})


@dataclass(frozen=True)
class _Reader:
    """Read references of steps as plain numbers, refusing what is not stated."""

    rules: Rules
    year: int
    track: str | None
    ledger: dict[str, float]

    def rate(self, ref: str) -> float:
        if ref.startswith("ledger."):
            return self.column(ref)
        column = self._elected(ref)
        if column in self.ledger:
            return float(self.ledger[str(column)])
        value = self.rules.value(ref, self.year, self.track)
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            raise RuleError(
                f"{self.rules.id}: {ref} is {value!r} in {self.year}, which is no number "
                f"({self.rules.file}).\n  Pass a number with rules.replace({ref}=…)."
            )
        return float(value)

    def _elected(self, ref: str) -> str | None:
        try:
            return self.rules.dated(ref, self.year, self.track).elected
        except RuleError:
            return None

    def column(self, ref: str) -> float:
        name = ref.removeprefix("ledger.")
        if name not in self.ledger:
            raise RuleError(
                f"{self.rules.id}: the steps read {name} from a ledger.\n"
                f'  Pass it: contract_from_rules(…, ledger={{"{name}": …}}).'
            )
        return float(self.ledger[name])

    def optional(self, name: str, default: Any) -> Any:
        """Return a value, or the default where the field does not apply or is not mentioned."""
        if name not in self.rules.parameters:
            return default
        if self.rules.dated(name, self.year, self.track).status == "not_applicable":
            return default
        return self.rules.value(name, self.year, self.track)

    def holds(self, step: Any) -> bool:
        if step.tracks and self.track not in step.tracks:
            return False
        if not (step.valid_from or 0) <= self.year <= (step.valid_to or 9999):
            return False
        if step.only_if and not any(self.column(ref) for ref in step.only_if):
            return False
        return not any(self.column(ref) for ref in step.unless)


@dataclass
class _Side:
    """Collect one side: what is paid per yuan by band, from which minimum, up to which cap."""

    bands: list[tuple[float, float]] = field(default_factory=lambda: [(_INF, 1.0)])
    score: float = 1.0
    minimum: float = 0.0
    first_dollar: bool = True
    cap: float = _INF

    def scale(self, factor: float) -> None:
        self.bands = [(upto, share * factor) for upto, share in self.bands]
        self.cap = self.cap * factor if self.cap < _INF else _INF

    def terms(self, side: str) -> dict[str, Any]:
        """Return the terms of the contract for this side."""
        minimum = {"gain": "minimum_savings", "loss": "minimum_losses"}[side]
        out: dict[str, Any] = {
            f"{side}_bands": tuple(self.bands),
            f"{side}_cap": self._where_paid(self.cap),
            minimum: self.minimum,
        }
        if side == "gain":
            out["quality"] = self.score
        elif self.score != 1.0:
            out["loss_bands"] = tuple((upto, share * self.score) for upto, share in self.bands)
        return out

    def _where_paid(self, amount: float) -> float:
        """Return the surplus (deficit) at which so much is paid."""
        start = 0.0 if self.first_dollar else self.minimum
        left, low = amount, start
        for upto, share in self.bands:
            share = share * self.score
            if upto <= low:
                continue
            if left < share * (upto - low):
                return low + left / share
            if upto == _INF:
                return _INF
            left, low = left - share * (upto - low), upto
        return _INF


def _apply(step: Any, side: _Side, reader: _Reader) -> None:
    """Let one step act on its side."""
    if step.op == "share":
        side.scale(_share(step, reader))
    elif step.op == "gate":
        _gate(step, side, reader)
    elif step.op == "band":
        edges = [reader.rate(ref) for ref in step.edges] + [_INF]
        shares = [reader.rate(ref) for ref in step.shares]
        shares = [1 - share for share in shares] if step.of_fund else shares
        kept = side.bands[0][1]  # shares taken before the bands
        side.bands = [(edge, kept * share) for edge, share in zip(edges, shares, strict=True)]
    elif step.op == "cap":
        _cap(step, side, reader)
    elif step.op == "sequester" or (step.op == "withhold" and step.rate):
        side.scale(1 - reader.rate(step.rate))
    elif step.op == "withhold":
        _score(side, reader.column(step.unearned))
    elif step.op == "scale" and step.schedule is None:
        _score(side, reader.column(step.by))
    elif step.op == "scale":
        pairs = reader.rules.value(step.schedule, reader.year, reader.track)
        score = reader.column(step.by)
        _score(side, max((float(v) for at, v in pairs if float(at) <= score), default=0.0))
    else:
        raise RuleError(
            f"{reader.rules.id}: the incentive model holds no step {step.op!r} on the "
            f"{step.side}.\n  Build a Contract by hand for this rule."
        )


def _first_dollar(rules: Rules, gain: _Side, loss: _Side) -> bool:
    """Return whether minima let the whole amount pass; both sides must say the same."""
    said = {side.first_dollar for side in (gain, loss) if side.minimum > 0}
    if len(said) > 1:
        raise RuleError(
            f"{rules.id}: one side shares from the first yuan, the other the excess alone, which "
            "the incentive model does not hold.\n  Build a Contract by hand for this rule."
        )
    return said.pop() if said else True


def _score(side: _Side, score: float) -> None:
    side.score *= score
    side.cap = side.cap * score if side.cap < _INF else _INF


def _share(step: Any, reader: _Reader) -> float:
    if step.rate is not None:
        return reader.rate(step.rate)
    product = 1.0
    for ref in step.one_minus:
        product *= reader.rate(ref)
    share = 1 - product
    share = max(share, reader.rate(step.floor)) if step.floor else share
    return min(share, reader.rate(step.ceiling)) if step.ceiling else share


def _gate(step: Any, side: _Side, reader: _Reader) -> None:
    if step.rate is not None:
        if step.otherwise is not None and reader.column(step.otherwise_if):
            raise RuleError(
                f"{reader.rules.id}: a reduced share below the minimum is not held by the "
                "incentive model.\n  Build a Contract by hand for this rule."
            )
        side.minimum, side.first_dollar = reader.rate(step.rate), not step.excess
    elif step.score is not None:
        if reader.column(step.score) < reader.rate(step.at_least):
            _score(side, 0.0)
    elif not any(reader.column(ref) for ref in step.any_of):
        _score(side, 0.0)


def _cap(step: Any, side: _Side, reader: _Reader) -> None:
    for limit in step.limits:
        if limit.rate is None:
            raise RuleError(
                f"{reader.rules.id}: a cap that is no share of the budget is not held by the "
                "incentive model.\n  Build a Contract by hand for this rule."
            )
        of = 1.0
        if limit.of != "budget":
            name = limit.of.removeprefix("ledger.")
            if name not in reader.ledger:
                continue  # as in a settlement, a limit whose base is blank does not bind
            of = reader.column(limit.of)
        side.cap = min(side.cap, reader.rate(limit.rate) * of)


def _split(parties: Mapping[str, str], reader: _Reader) -> list[float]:
    among = dict(parties) or {
        "lead_hospital": "split_lead_share",
        "township": "split_township_share",
        "village": "split_village_share",
    }
    strange = [name for name in among if name not in GROUPS]
    if strange:
        raise RuleError(
            f"{reader.rules.id}: {', '.join(strange)} is no group of the incentive model.\n"
            "  Pass split= with a share for each group of the technology."
        )
    return [reader.rate(among[name]) if name in among else 0.0 for name in GROUPS]


def _name(rules: Rules) -> str:
    return rules.name.en if rules.kind == "scenario" else ""
