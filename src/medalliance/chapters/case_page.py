"""One page a case: rules then and now, published figures, what a settlement lacks, sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..evidence.quoting import cited, facts
from ..provenance import Badge, Provenance
from ..reforms import SILENCE, Rules, core_fields, load_rules, rule_fields, shown
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .contract_anatomy import FILL, NONE, unbroken
from .embedding_chapter import case_codes_table, project_coding
from .process_tracing import project_steps, steps_table

if TYPE_CHECKING:
    import pandas as pd

# what a settlement cannot do without: one field a line of the contract
NEEDED = (
    "budget_basis",
    "budget_growth_rate",
    "out_of_county",
    "surplus_retention_share",
    "split_lead_share",
    "split_township_share",
    "split_village_share",
    "surplus_pay_share",
    "overspend_sharing_share",
)
_SHARE_UNITS = ("share", "surplus_rate")


def case_page(name: str) -> CasePage:
    """Return the page of a case by the name of its rule file.

    Parameters
    ----------
    name : str
        As in ``load_rules``.

    Returns
    -------
    CasePage
        Its methods are the exhibits of the page.

    Raises
    ------
    RuleError
        If there is no rule file of that name.
    """
    return CasePage(load_rules(name))


@dataclass(frozen=True, eq=False)
class CasePage:
    """The exhibits of one case, in the order of its page.

    Attributes
    ----------
    rules : Rules
        The case's contract as far as it was read.
    """

    rules: Rules

    @cached_property
    def _slugs(self) -> tuple[str, ...]:
        return (self.rules.id, *self.rules.figures)

    def summary(self) -> Sentence:
        """Say how much of the contract stands in what was read."""
        known = [name for name in core_fields() if self._stated(name)]
        labels = [rule_fields()[name].label.en.lower() for name in known]
        listed = f": {', '.join(labels)}" if labels else ""
        return say(
            "{case}: {n_known} of {all} main parts of the contract stand in what was read{listed}.",
            case=self.rules.name.en,
            n_known=len(known),
            all=len(core_fields()),
            listed=listed,
            about=self._about,
        )

    def contract(self) -> Exhibit:
        """Set every dated rule, oldest first within its field, blanks last."""
        import pandas as pd

        known = rule_fields()
        rows: list[tuple[str | None, ...]] = []
        fills: list[tuple[str, ...]] = []
        for name, field in known.items():
            for value in self.rules.parameters.get(name, ()):
                silent = value.status in ("not_stated", "not_read")
                if silent and not self._stated(name):
                    continue
                text = shown(value) or SILENCE[value.status]
                track = f"{value.track.replace('_', ' ')}: " if value.track else ""
                wording = value.evidence or value.remark or NONE
                dates = _dates(value.valid_from, value.valid_to)
                rows.append((field.label.en, track + text, dates, wording, value.source or NONE))
                fills.append(("", FILL.get(value.status, ""), "", "", ""))
        for name in core_fields():
            if not self._stated(name) and not self._apart(name):
                rows.append((known[name].label.en, self._silence(name), NONE, NONE, NONE))
                fills.append(("",) * 5)
        columns = ["part", "rule", "dates", "wording", "source"]
        frame = pd.DataFrame(rows, columns=columns, dtype=object)
        return show(
            frame,
            f"{self.rules.name.en}: the contract as far as it was read",
            about=self._about,
            foot="Blue: documented; orange: reported",
            fill=pd.DataFrame(fills, columns=columns, dtype=object),
            labels={},
        )

    def timeline(self) -> Exhibit | Sentence:
        """Set the dated events of the case."""
        found = self._events()
        if found.empty:
            return self._nothing("dated event")
        frame = found[["date", "event", "grade", "source_id"]].reset_index(drop=True)
        return show(
            frame,
            f"{self.rules.name.en}: dated events",
            about=cited(found["source_id"]),
            labels={"source_id": "source"},
        )

    def figures(self) -> Exhibit | Sentence:
        """Set the published figures of the case beside the source's words, with their grade."""
        found = self._published()
        if found.empty:
            return self._nothing("published figure")
        import pandas as pd

        frame = pd.DataFrame(
            {
                "what": [_label(name) for name in found["variable"]],
                "when": [_when(row) for row in found.itertuples()],
                "figure": [_amount(row) for row in found.itertuples()],
                "wording": found["definition"].fillna(NONE),
                "grade": found["grade"],
                "source": found["source_id"],
            }
        )
        return show(
            frame.reset_index(drop=True),
            f"{self.rules.name.en}: published figures",
            about=cited(found["source_id"]),
            labels={},
        )

    def picture(self) -> Exhibit | Sentence:
        """Draw the published shares: before and after where both exist, else as they stand."""
        from ..show import plots

        found = self._published()
        shares = found[found["unit"].isin(_SHARE_UNITS) & found["value"].notna()]
        if shares.empty:
            return self._nothing("published share")
        pairs = _pairs(shares)
        if not pairs.empty:
            ax = plots.dumbbell(
                pairs,
                label="what",
                start="before",
                end="after",
                unit="share",
                labels={"before": "earlier", "after": "later"},
            )
            ax.set_xlim(0, 1)
            told = "; ".join(
                f"{row.what} from {row.before:.3f} to {row.after:.3f}" for row in pairs.itertuples()
            )
            frame, caption = pairs, "published shares, earlier and later; no comparison group"
        else:
            frame = shares.assign(what=[_label(name) for name in shares["variable"]])
            frame = frame[["what", "value"]].reset_index(drop=True)
            ax = plots.bars(frame, label="what", value="value", unit="share")
            ax.set_xlim(0, 1)
            told = "; ".join(f"{row.what} {row.value:.3f}" for row in frame.itertuples())
            caption = "published shares"
        return show(
            ax,
            f"{self.rules.name.en}: {caption}",
            about=cited(shares["source_id"]),
            alt=f"{self.rules.name.en}: {told}.",
            summary=frame,
        )

    def effects(self) -> Exhibit | Sentence:
        """Set the published effects of studies of the case, never pooled."""
        effects = facts().effects
        found = effects[effects["study_slug"].isin(self.rules.studies)]
        if found.empty:
            return self._nothing("published effect")
        import pandas as pd

        frame = pd.DataFrame(
            {
                "study": found["study"],
                "design, period": found["design"] + ", " + found["period"].map(unbroken),
                "outcome": found["outcome"],
                "printed": [_effect(row) for row in found.itertuples()],
                "source": found["source_id"],
            }
        )
        return show(
            frame.reset_index(drop=True),
            f"{self.rules.name.en}: published effects, each with its own design and unit",
            about=cited(found["source_id"]),
            labels={},
        )

    def embedding(self) -> Exhibit | Sentence:
        """Set the case's row of the embedding grid, each code with its words and source."""
        return case_codes_table(self.rules.id)

    def steps(self) -> Exhibit | Sentence:
        """Set the steps that process tracing knows of the case: date, who, what."""
        return steps_table(self.rules.id)

    def missing(self) -> Sentence:
        """Say which terms a settlement needs that stand in nothing that was read."""
        known = rule_fields()
        gone = [known[name].label.en.lower() for name in NEEDED if not self._number(name)]
        template = "{have} of the {all} terms that a settlement needs stand in what was read."
        missing = {"missing": ", ".join(gone)} if gone else {}
        return say(
            template + (" Missing: {missing}." if gone else ""),
            have=len(NEEDED) - len(gone), all=len(NEEDED), **missing, about=self._about,
        )  # fmt: skip

    def sources(self) -> Exhibit:
        """Set the sources of the page with their grade and how much of each was read."""
        evidence = facts()
        used = {value.source for values in self.rules.parameters.values() for value in values}
        used |= set(self._published()["source_id"])
        used |= set(self._events()["source_id"])
        for frame in (project_coding().sheets, project_steps()):
            used |= set(frame.loc[frame["case"] == self.rules.id, "source_id"])
        studies = evidence.effects["study_slug"].isin(self.rules.studies)
        used |= set(evidence.effects.loc[studies, "source_id"])
        listed = evidence.sources[evidence.sources["source_id"].isin(used)]
        columns = ["source_id", "authors", "year", "title", "venue", "grade", "read_as"]
        return show(
            listed[columns].reset_index(drop=True),
            f"{self.rules.name.en}: sources, graded, with how much of each was read",
            about=Provenance(Badge.REAL, "the book's bibliography"),
            labels={"source_id": "id", "read_as": "read as"},
            blank="",
        )

    def _events(self) -> pd.DataFrame:
        events = facts().timeline
        return events[events["case_slug"].isin((*self._slugs, *self.rules.within))].sort_values(
            "date"
        )

    def _published(self) -> pd.DataFrame:
        cases = facts().cases
        return cases[cases["case_slug"].isin(self._slugs)]

    def _stated(self, field: str) -> bool:
        return any(shown(value) for value in self.rules.parameters.get(field, ()))

    def _silence(self, field: str) -> str:
        found = {value.status for value in self.rules.parameters.get(field, ())}
        return SILENCE["not_stated" if found == {"not_stated"} else "not_read"]

    def _apart(self, field: str) -> bool:
        values = self.rules.parameters.get(field, ())
        return any(value.status == "not_applicable" for value in values)

    def _number(self, field: str) -> bool:
        return any(value.value is not None for value in self.rules.parameters.get(field, ()))

    @property
    def _about(self) -> Provenance:
        return Provenance(Badge.REAL, f"the case's rule file, {self.rules.file}")

    def _nothing(self, what: str) -> Sentence:
        return say(
            "The book's tables hold no {what} of {case}.",
            what=what,
            case=self.rules.name.en,
            about=Provenance(Badge.REAL, "the book's tables of published facts"),
        )


def _dates(first: str | None, last: str | None) -> str:
    if first and last:
        text = first if first == last else f"{first} to {last}"
    else:
        text = f"from {first}" if first else f"to {last}" if last else "no date"
    return unbroken(text)


def _when(row: Any) -> str:
    import pandas as pd

    if pd.isna(row.year_start):
        return str(row.period)
    years = f"{row.year_start}"
    if pd.notna(row.year_end) and row.year_end != row.year_start:
        years += f"-{row.year_end}"
    months = "" if pd.isna(row.month_start) else f", months {row.month_start}-{row.month_end}"
    return years + months


def _amount(row: Any) -> str:
    """Return a figure: percentages as printed, amounts in full units, else the direction."""
    import pandas as pd

    from ..codebook import load_codebook

    mark = {"more_than": "> ", "at_least": ">= ", "at_most": "<= "}.get(row.bound, "")
    unit = load_codebook().units[row.unit]
    if pd.isna(row.value):
        return _joined(row.printed, row.printed_unit) or str(row.direction).replace("_", " ")
    if unit.percent:
        return mark + _joined(row.printed, row.printed_unit)
    number = f"{row.value:,.0f}" if row.value == round(row.value) else f"{row.value:,.2f}"
    return f"{mark}{number} {unit.en}"


def _effect(row: Any) -> str:
    import pandas as pd

    size = _joined(row.printed, row.printed_unit) or str(row.direction).replace("_", " ")
    sure = row.printed_uncertainty
    return size if pd.isna(sure) or not sure else f"{size} ({sure})"


def _joined(printed: Any, unit: Any) -> str:
    import pandas as pd

    parts = [str(text) for text in (printed, unit) if pd.notna(text) and str(text)]
    return " ".join(parts) if pd.notna(printed) and str(printed) else ""


def _label(name: str) -> str:
    from ..codebook import label

    try:
        return label(name)
    except DataError:
        return str(name).replace("_", " ")


def _pairs(shares: pd.DataFrame) -> pd.DataFrame:
    """Return variables with exactly one earlier and one later value, one row each."""
    import pandas as pd

    rows = []
    for name, part in shares.groupby("variable", sort=False):
        order = part["period"].map({"before": 0, "after": 1, "change": 2})
        dated = part.assign(rank=part["year_start"].fillna(0).astype(float), order=order)
        dated = dated[dated["period"] != "change"].sort_values(["rank", "order"])
        if len(dated) == 2:
            first, last = dated["value"]
            rows.append((_label(str(name)), first, last))
    return pd.DataFrame(rows, columns=["what", "before", "after"])
