"""What the chapter on England's contracts cannot hold in a cell: counts, parts, bounds, pay."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from ..england import (
    read_england_earnings,
    read_england_payments,
    read_england_series,
    read_england_staff,
)
from ..estimators.att_gt import att_gt
from ..estimators.dose_response import dose_response
from ..estimators.panel_regression import panel_regression
from ..evidence.quoting import facts
from ..panel import Panel
from ..provenance import provenance_of
from ..registered.england_load import load_england
from ..registered.england_panel import PART_WORDS
from ..registered.england_pay import (
    LABELS,
    REGISTERED_PAY,
    pay_by_group,
    pay_effects,
    pay_headlines,
    pay_table,
)
from ..registered.ledger_effects import summary_row
from ..results import Effects
from ..show.exhibits import Sentence
from ..show.front import say
from .ledger_attrition import selection_bounds

MAIN = "log_income_per_patient"
ALIKE = "log income per weighted patient, against practices paid alike at first"
THIRDS = tuple(f"contracts that paid {word} at first" for word in ("least", "in between", "most"))
LEVEL = 0.05


def opening() -> Sentence:
    """Say what was found, how sure it is, what speaks against it."""
    found = load_pay_effects().set_index("outcome")
    main = found.loc[LABELS[MAIN]]
    adjusted = float(main["p_adjusted"])
    verdict = (
        "This is a null result: a change of nothing cannot be told from what was found."
        if adjusted >= LEVEL
        else "The change can be told from nothing."
    )
    parts = {words: found.loc[words, "estimate"] for words in PART_WORDS.values()}
    gained, lost = (
        parts[PART_WORDS["national_core"]],
        parts[PART_WORDS["pms_balance"]],
    )
    return say(
        "When practices left their negotiated contract for the national one, what they were paid "
        "a weighted patient changed by {change:+.1f} % (95 % interval {low:+.1f} to {high:+.1f}). "
        "{verdict} Practices had been paid very differently before. Compared with practices that "
        "had been paid alike, it is {alike:+.1f} % ({alike_low:+.1f} to {alike_high:+.1f}), "
        "and among those whose contract had paid most {most:+.1f} % ({most_low:+.1f} to "
        "{most_high:+.1f}). What changed for all is what income is made of: {gained:+.0f} pounds a "
        "patient from the national price list, {lost:+.0f} from the negotiated contract. {moved:,} "
        "practices moved in time to be counted. The years before the move are few, so that a slow "
        "drift would stay unseen; and the income of a practice is not the pay of a doctor.",
        about=facts().about("I40"),
        change=100 * main["estimate"],
        low=100 * main["conf_low"],
        high=100 * main["conf_high"],
        verdict=verdict,
        **{
            f"{name}{end}": 100 * found.loc[row, column]
            for name, row in (("alike", ALIKE), ("most", THIRDS[2]))
            for end, column in (("", "estimate"), ("_low", "conf_low"), ("_high", "conf_high"))
        },
        gained=gained,
        lost=lost,
        moved=int(main["moved"]),
    )


def load_pay_effects() -> pd.DataFrame:
    """Load the kept registered headlines and effects on the parts of income."""
    return facts().england_effects.drop(columns="grade")


def kept_pay_effects() -> pd.DataFrame:
    """Return the table that ``data/published`` keeps: headlines, parts of income, thirds."""
    panel = load_england().panel
    heads = pay_table(panel).assign(outcome=lambda f: f["outcome"].map(LABELS))
    parts = parts_table().rename(columns={"part": "outcome"}).assign(p_adjusted=np.nan)
    alike = pd.DataFrame([summary_row(ALIKE, paid_alike())]).rename(columns={"label": "outcome"})
    table = pd.concat([heads, parts, alike, thirds_table()], ignore_index=True)
    numbers = ("estimate", "std_error", "conf_low", "conf_high")
    out = pd.DataFrame(
        {
            "row_id": [f"en{number:03d}" for number in range(1, len(table) + 1)],
            "outcome": table["outcome"],
            **{name: table[name].round(5) for name in numbers},
            "p_value": table["p_value"].round(4),
            "p_adjusted": table["p_adjusted"].round(4),
            "organisations": table["n_units"],
            "moved": table["n_moved"],
        }
    )
    return out.assign(source_id="I40")


@cache
def parts_table() -> pd.DataFrame:
    """Estimate effects on the parts of income, in pounds a weighted patient.

    Returns
    -------
    DataFrame
        ``part estimate std_error conf_low conf_high p_value n_units n_moved``; the last row is
        their sum, income itself.
    """
    panel = load_england().panel
    words = PART_WORDS | {"income_per_patient": "income without drugs, the sum of these"}
    rows = [
        summary_row(
            label, pay_effects(panel, name).aggregate("event_time", balance=REGISTERED_PAY.horizon)
        )
        for name, label in words.items()
    ]
    return panel.provenance.carried_by(pd.DataFrame(rows).rename(columns={"label": "part"}))


@cache
def paid_alike() -> Effects:
    """Estimate the headline among practices that their contract paid alike in the first year."""
    panel = load_england().panel
    begun = panel.frame.groupby(panel.unit)[panel.year].transform("min") == panel.years[0]
    cells = att_gt(panel.keep(begun), MAIN, covariates=("core_first",), base_period="universal")
    return cells.aggregate("event_time", balance=REGISTERED_PAY.horizon)


@cache
def thirds_table() -> pd.DataFrame:
    """Estimate the headline within thirds of what the contract paid at first."""
    effects = pay_by_group(load_england().panel, "core_first")
    rows = effects.overall.to_frame(bands=False)
    made = rows[["estimate", "std_error", "conf_low", "conf_high", "p_value", "n_units"]]
    made = made.rename(columns={"n_units": "n_moved"}).assign(n_units=effects.design.n_units)
    made.insert(0, "outcome", THIRDS)
    return load_england().panel.provenance.carried_by(made.reset_index(drop=True))


def dose_sentence() -> Sentence:
    """Say whether those with more to lose lost more."""
    effects = pay_by_group(load_england().panel, "core_first").overall
    gap = effects.combine(np.array([-1.0, 0.0, 1.0]))
    low, high = gap.conf_int()[0]
    verdict = (
        "The dose does not tell them apart."
        if low <= 0 <= high
        else "Who was paid more under negotiation lost more."
    )
    return say(
        "The third whose contract had paid most differs from the third it had paid least by "
        "{gap:+.3f} ({low:+.3f} to {high:+.3f}). {verdict}",
        gap=gap,
        low=low,
        high=high,
        verdict=verdict,
        about=load_england().panel,
    )


def other_choices() -> dict[str, Effects]:
    """Estimate the headline under the choices that the registration did not make."""
    panel, horizon = load_england().panel, REGISTERED_PAY.horizon
    specs = {
        "registered": REGISTERED_PAY,
        "controls never moving": replace(REGISTERED_PAY, control_group="never_treated"),
        "anticipation of one year": replace(REGISTERED_PAY, anticipation=1),
        "years to 2019": replace(REGISTERED_PAY, last_year=2019),
        "first year alone": replace(REGISTERED_PAY, horizon=0),
    }
    found = {"against practices paid alike at first": paid_alike()} | {
        name: pay_effects(panel, MAIN, spec).aggregate(
            "event_time", balance=min(spec.horizon, horizon)
        )
        for name, spec in specs.items()
    }
    seen = panel.frame.groupby(panel.unit)[panel.year].nunique()
    every = panel.keep(panel.frame[panel.unit].map(seen) == len(panel.years))
    for name, one in {"seen in every year": every, "practices that do not dispense": panel.keep(
        panel.frame.groupby(panel.unit)["dispensing"].transform("max") == 0
    )}.items():  # fmt: skip
        found[name] = pay_effects(one, MAIN).aggregate("event_time", balance=horizon)
    return found


def cohort_table() -> pd.DataFrame:
    """Count practices by the year in which they move; 0 stands for never."""
    panel = load_england().panel
    counts = pd.Series(panel.cohort_by_unit).value_counts().sort_index()
    words = counts.index.map(lambda g: "never" if g == 0 else str(g))
    made = pd.DataFrame({"first_national_year": words, "practices": counts.to_numpy()})
    return panel.provenance.carried_by(made)


def parts_sentence() -> Sentence:
    """Say what replaced what in income, in pounds a weighted patient."""
    panel = load_england().panel
    found = parts_table().set_index("part")["estimate"]
    gained, lost = found[PART_WORDS["national_core"]], found[PART_WORDS["pms_balance"]]
    return say(
        "The national price list brings {gained:+.1f} pounds a weighted patient and the negotiated "
        "contract ends with {lost:+.1f}; everything else together moves by {other:+.1f}. The "
        "national price replaces {share:.0%} of what was negotiated.",
        about=panel,
        gained=gained,
        lost=lost,
        other=found.iloc[-1] - gained - lost,
        share=-gained / lost,
    )


def attrition_table() -> pd.DataFrame:
    """Bound the headlines for practices that close or merge between reference and later years."""
    panel = load_england().panel
    rows = [
        {"outcome": LABELS[name], **selection_bounds(panel, name, REGISTERED_PAY)}  # type: ignore[arg-type]
        for name in REGISTERED_PAY.outcomes
    ]
    return panel.provenance.carried_by(pd.DataFrame(rows))


def moved_back_table() -> pd.DataFrame:
    """Describe those that moved back beside those that stayed away or never moved.

    Returns
    -------
    DataFrame
        ``group practices`` and the mean income a weighted patient in the first and last years.
    """
    made = load_england()
    panel = made.panel
    never = panel.frame[panel.frame[panel.cohort] == 0]
    moved = panel.frame[panel.frame[panel.cohort] > 0]
    back = made.back[made.back["income_per_patient"].between(20, 1_000)]
    rows = []
    for name, part in (("never moved", never), ("moved and stayed", moved), ("moved back", back)):
        first, last = (part[part["year"] == year] for year in (panel.years[0], panel.years[-1]))
        rows.append(
            {
                "group": name,
                "practices": part["practice"].nunique(),
                "first": first["income_per_patient"].mean(),
                "last": last["income_per_patient"].mean(),
            }
        )
    return panel.provenance.carried_by(pd.DataFrame(rows))


@cache
def doctor_pay() -> pd.DataFrame:
    """Set doctors' mean income before tax by contract beside its published standard error.

    Returns
    -------
    DataFrame
        ``year doctor national negotiated difference conf_low conf_high`` in pounds a year;
        England, all breakdowns together. Samples of the two contracts are independent.
    """
    frame = read_england_earnings()
    breakdowns = ["practice_type", "gender", "age", "rurality", "region", "list_size", "hours"]
    whole = frame[(frame["country"] == "England") & (frame[breakdowns] == "All").all(axis=1)]
    whole = whole[whole["contract"].isin(["GMS", "PMS"]) & ~whole["ambiguous"]]
    chosen = {
        "Average Tot Income Before Tax": "mean",
        "Income Before Tax Standard Error": "error",
    }
    named = whole.assign(measure=whole["measure"].map(chosen)).dropna(subset=["measure"])
    wide = named.pivot_table(
        index=["year", "doctor"], columns=["contract", "measure"], values="value"
    )
    wide = wide.loc[wide.index.get_level_values("doctor").isin(["Contractor", "Salaried"])]
    difference = wide["PMS", "mean"] - wide["GMS", "mean"]
    half = 1.96 * np.sqrt(wide["PMS", "error"] ** 2 + wide["GMS", "error"] ** 2)
    made = pd.DataFrame(
        {
            "national": wide["GMS", "mean"],
            "negotiated": wide["PMS", "mean"],
            "difference": difference,
            "conf_low": difference - half,
            "conf_high": difference + half,
        }
    ).reset_index()
    provenance = provenance_of(frame)
    return made if provenance is None else provenance.carried_by(made)


def doctor_sentence() -> Sentence:
    """Say how far doctors' income differs by contract, which is no effect."""
    found = doctor_pay()
    partners = found[found["doctor"] == "Contractor"]
    first, last = partners.iloc[0], partners.iloc[-1]
    clear = int((partners["conf_low"] > 0).sum() + (partners["conf_high"] < 0).sum())
    return say(
        "Partners under the negotiated contract earn {a:+,.0f} pounds against those under the "
        "national one in {year_a} and {b:+,.0f} in {year_b}; zero lies outside the interval in "
        "{clear} of {n} years. This compares different doctors and is no effect of a contract.",
        about=provenance_of(found),
        a=first["difference"],
        b=last["difference"],
        year_a=int(first["year"]),
        year_b=int(last["year"]),
        clear=clear,
        n=len(partners),
    )


def network_sentence() -> Sentence:
    """Say what a roll-out without a comparison group leaves to learn."""
    found = network_table()
    first = found[found["share"] > 0].iloc[0]
    before = found[found["year"] == first["year"] - 1].iloc[0]
    left = int(first["practices"] - first["in_network"])
    return say(
        "In {before_year} {before:.0%} of practices belonged to a network, in {year} {share:.1%}. "
        "{left:,} practices were left to compare with, and they are not like the others. "
        "No estimator mends this: what the network did cannot be told from what the year did.",
        about=provenance_of(found),
        before_year=int(before["year"]),
        before=before["share"],
        year=int(first["year"]),
        share=first["share"],
        left=left,
    )


def network_table() -> pd.DataFrame:
    """Count the practices in a network by year, with what networks were paid.

    Returns
    -------
    DataFrame
        ``year practices in_network share`` (0-1) and ``money``: pounds a weighted patient.
    """
    payments = read_england_payments()
    has = payments["network"].str.fullmatch(r"[A-Z][A-Z0-9]{4,}")
    real = payments.assign(has=has)[(payments["weighted_patients"] >= 500)]
    paid = real["network_money"] + real["network_participation"].fillna(0)
    by = real.assign(paid=paid).groupby("year")
    table = by.agg(practices=("practice", "size"), in_network=("has", "sum"), paid=("paid", "sum"))
    table["share"] = table["in_network"] / table["practices"]
    table["money"] = table["paid"] / by["weighted_patients"].sum()
    made = table.drop(columns="paid").reset_index()
    provenance = provenance_of(payments)
    return made if provenance is None else provenance.carried_by(made)


def staff_table() -> pd.DataFrame:
    """Count networks by year with the mean full-time equivalents of each printed group."""
    staff = read_england_staff()
    wide = staff.pivot_table(index="year", columns="staff_group", values="fte", aggfunc="mean")
    wide.insert(0, "networks", staff.groupby("year")["network"].nunique())
    made = wide.reset_index().rename_axis(columns=None)
    provenance = provenance_of(staff)
    return made if provenance is None else provenance.carried_by(made)


def headline_effects() -> Effects:
    """Return the registered headline by years since the move."""
    return pay_headlines(load_england().panel)[MAIN]


@cache
def partner_series() -> pd.DataFrame:
    """Set partners' mean income before tax by contract, England, 2002/03 to 2021/22.

    Returns
    -------
    DataFrame
        ``year contract income`` in pounds of the year; where a year is printed twice the first
        print is kept.
    """
    series = read_england_series()
    chosen = series[
        (series["country"] == "England")
        & (series["practice_type"] == "All practices")
        & (series["measure"] == "Income Before Tax")
        & series["contract"].isin(["GMS", "PMS"])
        & ~series["revised"]
    ]
    made = chosen.rename(columns={"value": "income"})[["year", "contract", "income"]]
    provenance = provenance_of(series)
    made = made.dropna().reset_index(drop=True)
    return made if provenance is None else provenance.carried_by(made)


def series_sentence() -> Sentence:
    """Say how the distance between partners' incomes moved over the reviews of contracts."""
    found = partner_series()
    wide = found.pivot_table(index="year", columns="contract", values="income").dropna()
    gap = wide["PMS"] - wide["GMS"]
    reviewed = 2014  # the last tax year before the payers reviewed the negotiated contracts
    return say(
        "Partners under the negotiated contract earned {first:+,.0f} pounds against the others in "
        "the tax year that ended in {year_a}, {before:+,.0f} in {year_b}, the last before the "
        "reviews, and {last:+,.0f} in {year_c}. The distance was {moving} before the reviews, and "
        "those who moved took their incomes with them to the other line: this is no effect.",
        about=provenance_of(found),
        moving="falling" if gap[reviewed] < gap.iloc[0] else "rising",
        first=gap.iloc[0],
        before=gap[reviewed],
        last=gap.iloc[-1],
        year_a=int(gap.index[0]),
        year_b=reviewed,
        year_c=int(gap.index[-1]),
    )


@cache
def dose_panel() -> Panel:
    """Return the panel with what the old contract paid a weighted patient as the dose.

    The dose is in tens of pounds, of practices that move; practices that never move have none.
    Practices that were paid nothing for it, or close before a year under the new contract is
    seen, are left out.
    """
    panel = load_england().panel
    frame = panel.frame
    moved = frame[panel.cohort] > 0
    after = (moved & (frame[panel.year] >= frame[panel.cohort])).groupby(frame[panel.unit])
    kept = panel.keep(~moved | (after.transform("any") & (frame["core_first"] > 0)))
    dose = (kept.frame["core_first"] / 10).where(kept.frame[kept.cohort] > 0, 0.0)
    return kept.with_columns(premium=dose.to_numpy(float))


@cache
def never_moving_slope(years: int = 3) -> Effects:
    """Estimate how income returns to the mean among practices that never move.

    The change of log income after some years, per ten pounds that the contract paid at first:
    whatever it is, no change of contract made it.
    """
    panel = load_england().panel
    frame, first = panel.frame, panel.years[0]
    dates = frame[panel.year].isin([first, first + years])
    still = panel.keep((frame[panel.cohort] == 0) & dates & (frame["core_first"] > 0))
    later = still.frame[panel.year] == first + years
    moved = still.with_columns(later_premium=(later * still.frame["core_first"] / 10).to_numpy())
    return panel_regression(moved, MAIN, ["later_premium"], time_effects=True)


def dose_reading() -> Sentence:
    """Say what the curve by dose hides in the mean, and how much of it is no effect."""
    curve = dose_response(dose_panel(), MAIN, dose="premium")
    slope = dose_response(dose_panel(), MAIN, dose="premium", target="slope").overall
    placebo = never_moving_slope()
    low, high = placebo.conf_int()[0]
    part = float(placebo.estimate[0]) / float(slope)
    warned = (
        "Practices that never moved show a slope as well, so part of the curve is a return to the "
        "mean that no contract made"
        if not low <= 0 <= high
        else "Practices that never moved show no such slope"
    )
    return say(
        "At the lowest of the doses shown the change is {first:+.1f} %, at the highest {last:+.1f} "
        "%: each further ten pounds that the old contract paid go with {slope:+.1f} %. {warned} "
        "({placebo:+.1f} %, {low:+.1f} to {high:+.1f}; {part:.0%} of the slope). The thirds above "
        "compare within the third and are the safer reading.",
        about=load_england().panel,
        first=100 * curve.estimate[0],
        last=100 * curve.estimate[-1],
        slope=100 * float(slope),
        warned=warned,
        placebo=100 * float(placebo.estimate[0]),
        low=100 * low,
        high=100 * high,
        part=part,
    )
