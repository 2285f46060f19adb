"""Recipes of the settlement chapter: real settlements reproduced, rules side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..evidence.quoting import facts
from ..mssp import ONE_SIDED, mssp_ledger
from ..reforms import load_rules
from ..settlement.settle import settle

if TYPE_CHECKING:
    from ..reforms import Rules

# settlements known not to come out; in later files the reason alone decides
MSSP_EXCEPTIONS = ((2019, "A2392"), (2023, "A1241"), (2023, "A4627"), (2023, "A5293"))
REVENUE_CAP = "its loss was capped by the participants' revenue, which the files do not hold"
NO_REASON = "no rule in hand explains it"
_DOLLAR = 100


def mssp_reproduced(files: pd.DataFrame, rules: Rules | None = None) -> pd.DataFrame:
    """Settle every organisation and year by the programme's rules, beside what was published.

    Parameters
    ----------
    files : DataFrame
        From ``read_mssp``.
    rules : Rules or None
        None: the programme's own.

    Returns
    -------
    DataFrame
        ``year, aco_id, track, budget, savings, earned`` (published, cents), ``settled, low,
        high`` (cents; both ends of what rounding of the score leaves) and ``result``: "to the
        dollar", "in the interval" or "not reproduced".
    """
    rules = load_rules("mssp") if rules is None else rules
    ends = {
        end: settle(rules, mssp_ledger(files, end=end), progress=False).settled
        for end in (-1, 0, 1)
    }
    earned = files["earned"].to_numpy(np.int64)
    low, high = np.minimum(ends[-1], ends[1]), np.maximum(ends[-1], ends[1])
    exact = np.abs(ends[0] - earned) < _DOLLAR
    inside = (low - _DOLLAR < earned) & (earned < high + _DOLLAR)
    inside &= (earned != 0) | (ends[0] == 0)
    return pd.DataFrame(
        {
            "year": files["year"],
            "aco_id": files["aco_id"],
            "track": files["track"],
            "budget": files["benchmark"].to_numpy(np.int64),
            "savings": files["savings"].to_numpy(np.int64),
            "earned": earned,
            "settled": ends[0],
            "low": low,
            "high": high,
            "result": np.select(
                [exact, inside], ["to the dollar", "in the interval"], "not reproduced"
            ),
        }
    )


def mssp_missed(done: pd.DataFrame) -> pd.DataFrame:
    """List the settlements that the rules do not reproduce.

    Parameters
    ----------
    done : DataFrame
        From ``mssp_reproduced``.

    Returns
    -------
    DataFrame
        ``year, aco_id, track, earned, settled`` (cents) and ``reason``: a published loss smaller
        than the settled one, in a track whose losses are capped by revenue too; or none.
    """
    missed = done[done["result"] == "not reproduced"]
    capped_tracks = load_rules("mssp").parameters["loss_cap_revenue_share"]
    tracks = [value.track for value in capped_tracks]
    capped = missed["track"].isin(tracks) & (missed["earned"] < 0)
    capped &= missed["settled"] < missed["earned"]
    reason = np.where(capped, REVENUE_CAP, NO_REASON)
    columns = ["year", "aco_id", "track", "earned", "settled"]
    return missed[columns].assign(reason=reason).reset_index(drop=True)


def mssp_table(files: pd.DataFrame, done: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count reproduced settlements by year and track.

    Parameters
    ----------
    files : DataFrame
        From ``read_mssp``.
    done : DataFrame or None
        What ``mssp_reproduced`` gives for them, if it is at hand.

    Returns
    -------
    DataFrame
        ``year, track, settlements, gains, losses, zeros, to_the_dollar, in_the_interval,
        not_reproduced, paid_usd, owed_usd`` (published, whole dollars).
    """
    done = mssp_reproduced(files) if done is None else done
    earned = done["earned"]
    counted = pd.DataFrame(
        {
            "year": done["year"],
            "track": done["track"],
            "settlements": 1,
            "gains": (earned > 0).astype(int),
            "losses": (earned < 0).astype(int),
            "zeros": (earned == 0).astype(int),
            "to_the_dollar": (done["result"] == "to the dollar").astype(int),
            "in_the_interval": (done["result"] == "in the interval").astype(int),
            "not_reproduced": (done["result"] == "not reproduced").astype(int),
            "paid_usd": earned.clip(lower=0) // _DOLLAR,
            "owed_usd": (-earned).clip(lower=0) // _DOLLAR,
        }
    )
    return counted.groupby(["year", "track"], as_index=False).sum()


def kept_tables(files: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables that ``data/published`` keeps, so that the chapter renders without files.

    Returns
    -------
    dict of str to DataFrame
        ``mssp_settlement`` (counts by year and track) and ``mssp_elements``.
    """
    counts = mssp_table(files)
    counts.insert(0, "row_id", [f"ms{number:03d}" for number in range(1, len(counts) + 1)])
    elements = mssp_elements(files)
    elements.insert(0, "row_id", [f"me{number:03d}" for number in range(1, len(elements) + 1)])
    tables = {"mssp_settlement": counts, "mssp_elements": elements}
    return {name: table.assign(source_id="I09") for name, table in tables.items()}


def load_mssp_table() -> pd.DataFrame:
    """Load the kept counts of reproduced settlements by year and track."""
    return facts().mssp_settlement.drop(columns="grade")


def load_mssp_elements() -> pd.DataFrame:
    """Load the kept counts of settlements that fail without each element."""
    return facts().mssp_elements.drop(columns="grade")


def mssp_without(element: str, files: pd.DataFrame, before: pd.DataFrame | None = None) -> int:
    """Count the settlements that are no longer reproduced without one element of the rules.

    Parameters
    ----------
    element : str
        One of ``MSSP_ELEMENTS``.
    files : DataFrame
        From ``read_mssp``.
    before : DataFrame or None
        What ``mssp_reproduced`` gives for the same files, if it is at hand.
    """
    rules, change = _WITHOUT[element](load_rules("mssp"))
    before = mssp_reproduced(files) if before is None else before
    after = mssp_reproduced(files if change is None else change(files), rules)
    lost = (before["result"] != "not reproduced") & (after["result"] == "not reproduced")
    return int(lost.sum())


def mssp_elements(files: pd.DataFrame) -> pd.DataFrame:
    """Count, element by element, the settlements that fail without it.

    Returns
    -------
    DataFrame
        ``element``, ``fails_without``; the element that matters most first.
    """
    before = mssp_reproduced(files)
    lost = [(name, mssp_without(name, files, before)) for name in MSSP_ELEMENTS]
    table = pd.DataFrame(lost, columns=["element", "fails_without"])
    return table.sort_values("fails_without", ascending=False, ignore_index=True)


_Change = tuple["Rules", Callable[[pd.DataFrame], pd.DataFrame] | None]


def _drop(**match: Any) -> Callable[[Rules], _Change]:
    """Leave out the steps whose attributes match."""

    def change(rules: Rules) -> _Change:
        kept = tuple(
            step
            for step in rules.steps
            if not all(getattr(step, key, None) == value for key, value in match.items())
        )
        return rules.model_copy(update={"steps": kept}), None

    return change


def _assume(**fields: Any) -> Callable[[Rules], _Change]:
    return lambda rules: (rules.replace(**fields), None)


def _without_first_dollar(rules: Rules) -> _Change:
    """Share only what exceeds the minimum savings rate."""
    steps = tuple(
        step.model_copy(update={"excess": True}) if step.op == "gate" and step.rate else step
        for step in rules.steps
    )
    return rules.model_copy(update={"steps": steps}), None


def _without_bounds(rules: Rules) -> _Change:
    steps = tuple(
        step.model_copy(update={"floor": None, "ceiling": None}) if step.op == "share" else step
        for step in rules.steps
    )
    return rules.model_copy(update={"steps": steps}), None


def _full_year(rules: Rules) -> _Change:
    return rules, lambda files: files.assign(months=12)


_ONE_SIDED = dict.fromkeys(ONE_SIDED, "0")
_WITHOUT: dict[str, Callable[[Rules], _Change]] = {
    "sequester": _drop(op="sequester"),
    "sequester suspension": _assume(sequester_rate="0.02"),
    "minimum savings gate": _drop(op="gate", side="surplus", rate="minimum_savings_rate"),
    "first dollar": _without_first_dollar,
    "quality score": _drop(op="scale", side="surplus"),
    "quality gate": _drop(op="gate", side="surplus", rate=None),
    "loss gate": _drop(op="gate", side="deficit"),
    "fixed loss rate": _assume(loss_rate=dict.fromkeys(("1+", "C", "D", "E"), "1") | _ONE_SIDED),
    "loss rate floor and ceiling": _without_bounds,
    "disaster adjustment": _drop(op="adjust", side="deficit"),
    "forgiven losses": _assume(losses_due_share="1"),
    "rate by size": _assume(minimum_savings_rate_by_size=[[500, "0.02"]]),
    "half-year adjustment": _full_year,
}
MSSP_ELEMENTS = tuple(_WITHOUT)
