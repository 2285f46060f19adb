"""A step is one class: its fields say by their types what it reads, and it settles by itself."""

from typing import ClassVar, Literal

import medalliance as ma
from medalliance.reforms import exact
from medalliance.reforms._step import BaseStep, Ref, Sum
from medalliance.reforms.steps import Cap, Gate, Limit, Share


class Halve(BaseStep):
    """Multiply by a share under a field name that no other step has."""

    verb: ClassVar[str] = "Cut"
    posted: ClassVar[str] = "cut"
    op: Literal["halve"] = "halve"
    side: Literal["surplus", "deficit"]
    by_what: Ref

    def apply(self, run, value, rows):
        """Multiply by the share."""
        return exact.times(value, run.look.rate(self.by_what, rows)[0])


def test_a_new_step_settles_and_its_assumed_value_is_reported():
    rules = ma.load_rules("split_631").replace(quality_withhold_share="0.25")
    place = next(k for k, step in enumerate(rules.steps) if step.op == "share") + 1
    new = Halve(side="surplus", by_what="quality_withhold_share")
    steps = (*rules.steps[:place], new, *rules.steps[place:])
    ledger = ma.example_ledger()
    alliance, year = ledger["alliance"].iloc[0], int(ledger["year"].iloc[0])
    plain = ma.settle(rules, ledger)
    found = ma.settle(rules.model_copy(update={"steps": steps}), ledger)
    assert abs(int(found.settled[0]) - int(plain.settled[0]) / 4) <= 1
    assert "Cut: " in found.explain(alliance, year)
    assert "quality_withhold_share 0.25, assumed" in found.explain(alliance, year)
    posted = found.to_frame().query("account == 'cut'")
    assert set(posted["status"]) == {"assumed"}
    assert set(posted["why"]) == {"quality_withhold_share"}


def test_references_follow_the_types_of_fields():
    gate = Gate(
        op="gate", side="surplus", score="ledger.score", at_least="mark", only_if=("ledger.x",)
    )
    assert gate.references() == ("ledger.x", "ledger.score", "mark")
    assert gate.fields == ("mark",)
    assert gate.reason == "ledger.score"
    cap = Cap(
        op="cap", side="surplus", limits=(Limit(rate="top", of="ledger.base"), Limit(amount="sum"))
    )
    assert cap.references() == ("top", "ledger.base", "sum")
    assert cap.references(Sum) == ("ledger.base", "sum")
    share = Share(op="share", side="surplus", one_minus=("a", "b"), floor="c")
    assert share.references() == ("a", "b", "c")
