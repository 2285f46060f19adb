"""The organisations of the ledger chapter: who is in the panel, and what the means show."""

from __future__ import annotations

from ..evidence.quoting import points
from ..outcomes.composition import share_change_table
from ..registered.ledger_effects import mean_by_side
from ..registered.ledger_panel import PARTS, SHORT, gaps
from ..show import plots
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .ledger_kept import load_by_year_and_track, load_ledger, trends
from .ledger_source import FILES, ledger_units


def losses_exhibit() -> Exhibit:
    """Account for every row of the files."""
    shown = load_ledger().losses.copy()
    shown["budget"] = shown.pop("budget_cents") / 1e11
    return show(
        shown,
        "Every row of the files: kept in the panel or left out, and why. The budgets add "
        "up to those of the settlement chapter.",
        about=FILES,
        decimals={"budget": 3},
        labels={
            "step": "Step",
            "reason": "What",
            "organisations": "Organisations",
            "rows": "Rows",
            "budget": "Budget as settled (billion US dollars)",
        },
    )


def identity_sentence() -> Sentence:
    """Say how organisations were followed across the change of ids."""
    made = load_ledger()
    known = made.matches["start_agrees"].dropna()
    must = made.unmatched["must_continue"]
    moved = int((made.panel.cohort_by_unit > 0).sum())
    return say(
        "The ids changed in 2018. {n_matches} organisations are matched by name. Where the "
        "old agreement goes on, its start date can be compared: it agrees for {known} of "
        "{n_known} pairs. {must} organisations of 2018 must have been there before under a "
        "name that we cannot match; their earlier years count as another organisation. The "
        "panel holds {n_units} organisations, of which {moved} move to two-sided risk; "
        "{gaps} have a year missing in between.",
        n_matches=len(made.matches),
        known=int(known.sum()),
        n_known=len(known),
        must=int(must.sum()),
        n_units=made.panel.n_units,
        moved=moved,
        gaps=gaps(made.panel),
        about=FILES,
    )


def unmatched_exhibit() -> Exhibit:
    """List the organisations that must have a past that was not found."""
    shown = load_ledger().unmatched.query("must_continue")[["aco_id", "name", "start_date"]]
    return show(
        shown.assign(start_date=shown["start_date"].str.split(" ").str[0]),
        "Organisations of 2018 whose agreement began before, and whose earlier id we "
        "cannot find by name.",
        labels={"aco_id": "Id", "name": "Name", "start_date": "Start of the agreement"},
    )


def sides_exhibit() -> Exhibit:
    """Describe both sides of risk by year, from the published table of this book."""
    kept = load_by_year_and_track()
    count = kept["organisations"]
    means = ["surplus_rate", "budget_per_person_usd", "spending_per_person_usd"]
    weighted = kept.assign(**{name: kept[name] * count for name in means})
    sums = weighted.groupby(["year", "side"])[[*means, "organisations"]].sum()
    shown = sums[means].div(sums["organisations"], axis=0)
    shown.insert(0, "organisations", sums["organisations"])
    return show(
        shown.reset_index(),
        "All organisations by year and side of risk: means, not effects.",
        about=FILES,
        decimals={"surplus_rate": 3, "budget_per_person_usd": 0, "spending_per_person_usd": 0},
    )


def sides_sentence() -> Sentence:
    """Say how often two-sided organisations show the larger surplus, which is no effect."""
    kept = load_by_year_and_track()
    money = kept.assign(total=kept["surplus_rate"] * kept["organisations"])
    sums = money.groupby(["year", "side"])[["total", "organisations"]].sum()
    mean = (sums["total"] / sums["organisations"]).unstack()
    larger = int((mean["two-sided"] > mean["one-sided"]).sum())
    return say(
        "In {larger} of {n_mean} years the mean surplus rate of two-sided organisations is "
        "the larger one. That is no effect. Organisations choose when to move, and those "
        "that expect a surplus have more to gain from moving.",
        larger=larger,
        n_mean=len(mean),
        about=FILES,
    )


def trap_figure() -> Exhibit:
    """Draw the primary-care share with and without nurses and clinics."""
    yearly = trends(load_ledger()).dropna()
    names = {"share_physician": "physicians alone", "share_primary": "with nurses and clinics"}
    long = yearly.melt("year", list(names), "definition", "share")
    ax = plots.as_percent(plots.lines(long, x="year", y="share", by="definition", labels=names))
    ax.set(xlabel="year", ylabel="share of office visits")
    return show(
        ax,
        "The primary-care share of office visits falls or rises with its definition.",
        about=FILES,
        alt="Two lines from 2014 to 2022. The share of primary-care physicians falls, the share "
        "that also counts nurse practitioners, physician assistants and clinics rises.",
        summary=long.assign(share=long["share"].map(lambda v: f"{v:.3f}")),
    )


def trap_sentence() -> Sentence:
    """Say by how much the two definitions part."""
    yearly = trends(load_ledger()).dropna()
    change = yearly.iloc[-1] - yearly.iloc[0]
    first, last = int(yearly["year"].iloc[0]), int(yearly["year"].iloc[-1])
    same = change["share_physician"] * change["share_primary"] > 0
    return say(
        "From {first} to {last} the share of primary-care physicians changes by {physician}; with "
        "nurse practitioners, physician assistants and clinics counted the change is {primary}. "
        + ("Both have the same sign." if same else "The sign of the trend is a definition."),
        first=first,
        last=last,
        physician=points(change["share_physician"]),
        primary=points(change["share_primary"]),
        about=FILES,
    )


def identity_exhibit() -> Exhibit:
    """Split the change of the four shares into what each volume brought."""
    frame = ledger_units().frame
    volume = frame.groupby("year")[list(PARTS)].mean().dropna()
    change = share_change_table(
        volume.iloc[0].to_numpy(float), volume.iloc[-1].to_numpy(float), list(SHORT.values())
    )
    return show(
        change,
        f"Change of each share of office visits from {volume.index[0]} to "
        f"{volume.index[-1]}, and the growth of which volume brought it (0-1).",
        about=FILES.noting("count-share identity with logarithmic means, exact"),
        decimals=3,
        labels={
            "part": "Part",
            "share_before": "Share before",
            "share_after": "Share after",
            "change": "Change",
            "log_volume_growth": "Growth of its visits (log)",
            **{f"from {name}": f"From {name}" for name in SHORT.values()},
        },
    )


def revenue_exhibit() -> Exhibit:
    """Describe low- and high-revenue organisations."""
    return show(
        mean_by_side(ledger_units()),
        "Low-revenue organisations (mostly physicians) and high-revenue ones (mostly with "
        "hospitals) since 2018, by side of risk: means, not effects.",
        about=FILES,
        decimals={
            "surplus": 3,
            "spending_per_person": 0,
            "budget_per_person": 0,
            "share_primary": 3,
            "share_physician": 3,
        },
        labels={
            "revenue": "Revenue",
            "side": "Side",
            "surplus": "Surplus rate",
            "spending_per_person": "Spending per person (US dollars)",
            "budget_per_person": "Budget per person (US dollars)",
            "share_primary": "Primary care with nurses and clinics",
            "share_physician": "Primary-care physicians",
            "rows": "Rows",
        },
    )
