"""England's practices as a panel: who moved from a negotiated to the national contract."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..england import CONTRACTS
from ..panel import Panel, PanelWarning
from ..provenance import Provenance, provenance_of

NEGOTIATED, NATIONAL = "PMS", "GMS"
SMALLEST_LIST = 500
FACTOR = 10
PARTS = ("global_sum", "mpig", "pms_balance", "quality_payments", "local_schemes", "premises",
         "seniority", "network_participation")  # fmt: skip
PART_WORDS = {
    "national_core": "national price list (global sum with its correction)",
    "pms_balance": "negotiated contract",
    "quality_payments": "quality payments",
    "local_schemes": "local schemes",
    "premises": "premises",
    "rest": "everything else",
}


@dataclass(frozen=True, eq=False)
class Practices:
    """The panel with an account of every row that did not enter it.

    Attributes
    ----------
    panel : Panel
        Practices under the negotiated contract in the first year; pounds, financial years named
        by the calendar year in which they begin; clusters are payers held constant.
    back : DataFrame
        Rows of those that moved back to the negotiated contract, shown apart.
    losses : DataFrame
        ``step reason practices rows``; the rows add up to those of the files.
    payers : DataFrame
        ``payer kept`` : every payer's code and the one that took it over in the last year.
    """

    panel: Panel
    back: pd.DataFrame
    losses: pd.DataFrame
    payers: pd.DataFrame

    @property
    def provenance(self) -> Provenance:
        """Kind of evidence and currency."""
        return self.panel.provenance


def constant_payers(payments: pd.DataFrame) -> pd.DataFrame:
    """Follow payers through mergers by where most of their practices are in the next year.

    Returns
    -------
    DataFrame
        ``payer kept``, one row a code that any file holds.
    """
    held = payments[["practice", "year", "payer"]].sort_values(["practice", "year"])
    following = held.groupby("practice")["payer"].shift(-1)
    moved = held.assign(following=following).dropna(subset=["following"])
    last = held.groupby("payer")["year"].transform("max")
    ended = moved[(last.loc[moved.index] == moved["year"])]
    counts = ended.groupby(["payer", "following"]).size().rename("n").reset_index()
    heir = counts.sort_values(["n", "following"]).groupby("payer")["following"].last().to_dict()
    kept = {}
    for code in held["payer"].unique():
        now, seen = code, {code}
        while heir.get(now, now) not in seen:
            now = heir[now]
            seen.add(now)
        kept[code] = now
    return pd.DataFrame({"payer": list(kept), "kept": list(kept.values())}).sort_values(
        "payer", ignore_index=True
    )


def practices(payments: pd.DataFrame) -> Practices:
    """Arrange payments as a panel with an account of every row.

    The cohort is the first year in which a practice of the negotiated contract is paid under the
    national one. Rows of other contracts, of less than a year, with lists below 500 patients, with
    payments of nothing or far off the median are artefacts or other questions; practices that move
    back are set apart.

    Parameters
    ----------
    payments : DataFrame
        From ``read_england_payments``.
    """
    rows = payments.sort_values(["practice", "year"], ignore_index=True)
    payers = constant_payers(rows)
    kept_code = rows["payer"].map(payers.set_index("payer")["kept"])
    rows["cluster"] = kept_code.groupby(rows["practice"]).transform("first")
    first = int(rows["year"].min())
    start = rows[rows["year"] == first].set_index("practice")["contract"]
    begun = rows["practice"].map(start)
    national = (rows["contract"] == NATIONAL) & (begun == NEGOTIATED)
    cohort = rows["year"].where(national).groupby(rows["practice"]).transform("min")
    returns = (rows["contract"] == NEGOTIATED) & (rows["year"] > cohort)
    moved_back = returns.groupby(rows["practice"]).transform("any")
    tests = {
        "not under the negotiated contract in the first year": begun != NEGOTIATED,
        "moved back to the negotiated contract (shown apart)": moved_back,
        "under another contract, or one that is not known": ~rows["contract"].isin(CONTRACTS[:2]),
        "less than a year": rows["part_year"],
        f"list below {SMALLEST_LIST} patients": (
            rows[["patients", "weighted_patients"]].min(axis=1) < SMALLEST_LIST
        ),
        "nothing paid, or less": (rows["income"] <= 0) | (rows["total"] <= 0),
    }
    rate = rows["income"] / rows["weighted_patients"].where(rows["weighted_patients"] > 0)
    usual = rate.groupby(rows["year"]).transform("median")
    tests[f"income a patient more than {FACTOR} times off the year's median"] = ~(
        rate.between(usual / FACTOR, usual * FACTOR)
    )
    left = pd.Series("", index=rows.index)
    for reason, failed in tests.items():
        left = left.where((left != "") | ~failed, reason)
    rows["cohort"] = cohort.fillna(0).astype("int64")
    made = with_income(rows[left == ""])
    parts = [("read", "rows of the files", rows)]
    parts += [("left out", reason, rows[left == reason]) for reason in tests]
    parts += [("kept", "rows of the panel", made)]
    losses = pd.DataFrame(
        {"step": step, "reason": reason, "practices": part["practice"].nunique(),
         "rows": len(part)} for step, reason, part in parts
    )  # fmt: skip
    provenance = provenance_of(payments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)  # practices that close are counted in losses
        panel = Panel.from_frame(
            made,
            unit="practice",
            year="year",
            cohort="cohort",
            cluster="cluster",
            currency="GBP",
            badge=provenance.badge if provenance else "YOURS",
            source=provenance.source if provenance else "",
        )
    return Practices(panel, with_income(rows[moved_back]), losses, payers)


def with_income(rows: pd.DataFrame) -> pd.DataFrame:
    """Add income by weighted patient and its parts.

    Returns
    -------
    DataFrame
        Pounds a weighted patient and year: ``income_per_patient`` (without drugs),
        ``income_with_drugs``, ``income_all_money`` (with networks and the pandemic), each also as
        ``log_…``; the parts ``national_core``, ``pms_balance``, ``quality_payments``,
        ``local_schemes``, ``premises``, ``rest`` (they add up to ``income_per_patient``);
        ``log_patients``. ``core_first`` is what the contract itself paid in the first year,
        ``list_first`` its patients and ``rural_ever`` the place; all three are constant.
    """
    weighted = rows["weighted_patients"]
    out = rows.drop(columns=[*PARTS, "network"])
    out["income_per_patient"] = rows["income"] / weighted
    out["income_with_drugs"] = rows["total"] / weighted
    out["income_all_money"] = (rows["total_all"] - rows["drug_money"]) / weighted
    out["national_core"] = (rows["global_sum"] + rows["mpig"]) / weighted
    for part in ("pms_balance", "quality_payments", "local_schemes", "premises"):
        out[part] = rows[part] / weighted
    named = out[["national_core", "pms_balance", "quality_payments", "local_schemes", "premises"]]
    out["rest"] = out["income_per_patient"] - named.sum(axis=1)
    for name in ("income_per_patient", "income_with_drugs", "income_all_money"):
        out[f"log_{name}"] = np.log(out[name].where(out[name] > 0))
    out["log_patients"] = np.log(rows["patients"].where(rows["patients"] > 0))
    first = out.groupby("practice")
    out["rural_ever"] = first["rural"].transform("max")
    out["list_first"] = first["patients"].transform("first")
    core = out["national_core"] + out["pms_balance"]
    out["core_first"] = core.groupby(out["practice"]).transform("first")
    return out.replace([np.inf, -np.inf], np.nan)
