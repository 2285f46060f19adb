"""What differs between the cases: the parts of each contract, side by side, blanks included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..evidence import PUBLISHED, load_sources
from ..provenance import Badge, Provenance
from ..reforms import SILENCE, Reforms, core_fields, load_reforms, load_rules, rule_fields, shown
from ..show.exhibits import Exhibit
from ..show.front import show

if TYPE_CHECKING:
    import pandas as pd

CHINA = ("case", "programme", "city_scheme", "province", "national")
FILL = {
    "documented": "rgba(1,115,178,.16)",
    "reported": "rgba(222,143,5,.20)",
    "assumed": "rgba(128,128,128,.16)",
}
INK = {
    "documented": "#0173b2",
    "reported": "#c77700",
    "bounded": "#029e73",
    "not_stated": "#d9a0a0",
    "not_applicable": "#a9afb8",
}
MARK = {
    "documented": "D", "reported": "R", "bounded": "≤", "not_stated": "0", "not_applicable": "–",
}  # fmt: skip
STATUS_LABEL = {
    "documented": "documented in the rule or a study",
    "reported": "reported by somebody else",
    "bounded": "only a bound",
    **SILENCE,
}
SILENT = (SILENCE["not_stated"], SILENCE["not_read"])
NONE = "–"  # nothing to say here
LEDGERS = "mssp"  # hundreds of terms by track and year; its ledgers have a chapter of their own
_SOURCE = Provenance(
    Badge.REAL,
    "rule files of the book, each value with its source id; listed in Sources",
)


def status_matrix(
    reforms: Reforms, fields: Sequence[str] | None = None, *, lang: str = "en"
) -> pd.DataFrame:
    """Return the best status of each field in each contract: contracts down, fields across.

    ``bounded`` stands for a value of which a source gives only a bound; a field that a file does
    not mention counts as ``not_read``.
    """
    import pandas as pd

    names = list(fields or core_fields())
    rows = {
        _name(one, lang): [_best(one.parameters.get(field, ())) for field in names]
        for one in reforms.values()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def unbroken(text: str) -> str:
    """Return a date whose hyphens do not break the line."""
    return text.replace("-", "\u2011")


def _best(values: Iterable[Any]) -> str:
    found = {
        "bounded" if value.at_most is not None or value.at_least is not None else value.status
        for value in values
    }
    order = ("documented", "reported", "assumed", "bounded", "not_applicable", "not_stated")
    return next((status for status in order if status in found), "not_read")


def documentation_map(reforms: Reforms | None = None) -> Exhibit:
    """Draw what is known of each contract: one row a contract, one column a core field."""
    from ..show import plots

    reforms = reforms or _ordered(load_reforms())
    matrix = status_matrix(reforms)
    fields = rule_fields()
    names = {name: fields[name].label.en for name in matrix.columns}
    known = matrix.isin(["documented", "reported"])
    ax = plots.tiles(matrix, colors=INK, marks=MARK, labels={**names, **STATUS_LABEL})
    counted = known.sum().rename_axis("field").reset_index(name="contracts that state it")
    counted["of"] = len(matrix)
    counted["field"] = counted["field"].map(names)
    return show(
        ax,
        "What is known of each contract. An open cell: not in what was read. 0: the text was "
        "read whole and does not say it.",
        about=_SOURCE,
        alt=f"A grid of {len(matrix)} contracts by {matrix.shape[1]} parts of a contract. "
        f"{int(known.to_numpy().sum())} of {matrix.size} cells are filled. "
        f"Emptiest: {', '.join(names[name] for name in known.sum().nsmallest(3).index)}.",
        summary=counted,
    )


def anatomy_table(
    fields: Sequence[str],
    *,
    caption: str,
    kinds: Sequence[str] = ("case", "programme"),
    names: Sequence[str] = (),
    year: int | None = None,
    fold: bool = True,
) -> Exhibit:
    """Set parts of the contracts side by side, the status of each cell behind it in colour.

    Parameters
    ----------
    fields : sequence of str
        Rule fields, one a column.
    kinds, names : sequence of str
        Kinds of contract shown; or the contracts by name, in this order.
    year : int, optional
        Show what held in that year; by default the latest that is known.
    fold : bool
        Gather contracts that say nothing about any of the fields in one last row.
    """
    frame, fill = anatomy_frame(fields, kinds=kinds, names=names, year=year, fold=fold)
    known = rule_fields()
    return show(
        frame,
        caption,
        about=_SOURCE,
        foot="Blue: documented; orange: reported",
        fill=fill,
        labels={"case": "contract", **{name: known[name].label.en for name in fields}},
    )


def anatomy_frame(
    fields: Sequence[str],
    *,
    kinds: Sequence[str] = ("case", "programme"),
    names: Sequence[str] = (),
    year: int | None = None,
    fold: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cells of ``anatomy_table`` as text, then the colour behind each."""
    import pandas as pd

    cells, fills, silent = [], [], 0
    chosen = [load_rules(name) for name in names]
    for one in chosen or _ordered(load_reforms().of_kind(*kinds)).values():
        found = [_latest(one, field, year) for field in fields]
        if fold and all(text in SILENT for text, _ in found):
            silent += 1
            continue
        cells.append([_name(one), *(text for text, _ in found)])
        fills.append(["", *(FILL.get(status, "") for _, status in found)])
    if silent:
        cells.append([f"{silent} other contracts", *["nothing stated"] * len(fields)])
        fills.append([""] * (len(fields) + 1))
    columns = ["case", *fields]
    return (
        pd.DataFrame(cells, columns=columns, dtype=object),
        pd.DataFrame(fills, columns=columns, dtype=object),
    )


def _latest(rules: Any, field: str, year: int | None) -> tuple[str | None, str]:
    values = [
        value
        for value in rules.parameters.get(field, ())
        if year is None or value.starts.year <= year <= value.ends.year
    ]
    stated = [value for value in values if shown(value)]
    if not stated:
        return SILENCE[_best(values)], ""
    last = max(value.starts for value in stated)
    newest = [value for value in stated if value.starts == last]
    text = "; ".join(
        f"{value.track.replace('_', ' ')}: {shown(value)}" if value.track else shown(value)
        for value in newest
    )
    ended = newest[0].valid_to
    return (f"{text} (to {unbroken(ended)})" if ended else text), newest[0].status


def ratio_table() -> Exhibit:
    """Set every number that a rule in hand prints, but those of the Shared Savings Program."""
    import pandas as pd

    written = load_reforms()
    frame = _ordered(Reforms({k: v for k, v in written.items() if k != LEDGERS})).to_frame()
    known = rule_fields()
    numeric = frame["field"].map(lambda name: known[name].kind not in ("text", "choice", "flag"))
    stated = frame[numeric & frame["shown"].ne("")]
    rows = pd.DataFrame(
        {
            "contract": stated["name_en"],
            "field": stated["field"].map(lambda name: known[name].label.en),
            "track": stated["track"].fillna("").str.replace("_", " "),
            "value": stated["shown"],
            "unit": stated["unit"],
            "from": stated["valid_from"].fillna("no date").map(unbroken),
            "status": stated["status"],
            "source": stated["source"],
        }
    )
    return show(
        rows.reset_index(drop=True),
        "Every number that a rule in hand prints, without the Shared Savings Program",
        about=_SOURCE,
        labels={},
        blank="",
    )


def national_table() -> Exhibit:
    """Set what the national texts say of surplus, split and overspend, date by date."""
    import pandas as pd

    known = rule_fields()
    fields = (
        "payment_model",
        "budget_unit",
        "prepayment_share",
        "reserve_share",
        "surplus_rule",
        "surplus_retention_share",
        "performance_link",
        "internal_split_rule",
        "overspend_rule",
        "overspend_sharing_share",
    )
    national = load_rules("national")
    rows = [
        (
            known[field].label.en,
            unbroken(value.valid_from or "no date"),
            shown(value) or None,
            value.evidence or value.remark or NONE,
            value.source,
        )
        for field in fields
        for value in national.parameters[field]
    ]
    columns = ["field", "from", "what the text says", "wording or remark", "source"]
    return show(
        pd.DataFrame(rows, columns=columns),
        "The national texts: much is asked for, no ratio is set",
        about=_SOURCE,
        labels={},
    )


def gradient_figure() -> Exhibit:
    """Draw Bengbu's inpatient reimbursement rate by level of the hospital."""
    import pandas as pd

    from ..show import plots

    rules = load_rules("bengbu_anhui")
    names = {
        "level_1": "level 1 and below",
        "level_2": "level 2 and county",
        "city_tertiary": "city tertiary",
        "provincial_tertiary": "provincial tertiary",
    }
    rates = {v.track: v.value for v in rules.parameters["inpatient_reimbursement_rate"]}
    starts = {v.track: v.value for v in rules.parameters["inpatient_deductible"]}
    frame = pd.DataFrame(
        {
            "level": list(names.values()),
            "insurance_pays": [float(str(rates[key])) for key in names],
            "deductible_yuan": [int(str(starts[key])) for key in names],
        }
    )
    ax = plots.bars(
        frame,
        label="level",
        value="insurance_pays",
        unit="share of covered cost above the deductible",
    )
    for row, (rate, start) in enumerate(
        zip(frame["insurance_pays"], frame["deductible_yuan"], strict=True)
    ):
        place = len(frame) - 1 - row
        ax.text(
            rate - 0.02,
            place,
            f"{rate:.2f}, after {start} yuan",
            va="center",
            ha="right",
            color="w",
        )
    low, high = frame.iloc[-1], frame.iloc[0]
    return show(
        ax,
        "Bengbu: what insurance pays for a hospital stay, by level",
        about=Provenance(
            Badge.REAL, "Bengshan district's site, source id R23; the page carries no date"
        ),
        alt=f"Four bars. Insurance pays {high['insurance_pays']:.2f} of covered cost at level 1 "
        f"after {high['deductible_yuan']} yuan, falling to {low['insurance_pays']:.2f} after "
        f"{low['deductible_yuan']} yuan in provincial tertiary hospitals.",
        summary=frame,
    )


def silence_table(
    fields: Sequence[str] = (
        "budget_growth_rate",
        "surplus_retention_share",
        "split_lead_share",
        "surplus_pay_share",
        "overspend_sharing_share",
        "inpatient_reimbursement_rate",
    ),
) -> Exhibit:
    """Count for each term how many contracts in hand print a number for it."""
    import pandas as pd

    reforms = load_reforms()
    china = Reforms({name: one for name, one in reforms.items() if one.currency == "CNY"})
    groups = {
        "county contracts": china.of_kind("case", "programme"),
        "provincial and national texts": china.of_kind("province", "national"),
        "city schemes": china.of_kind("city_scheme"),
        "contracts abroad": reforms.of_kind("analogue"),
    }
    known = rule_fields()
    rows = [
        {"term": known[field].label.en}
        | {
            label: f"{sum(_prints(one, field) for one in group.values())} of {len(group)}"
            for label, group in groups.items()
        }
        for field in fields
    ]
    return show(
        pd.DataFrame(rows),
        "How many texts in hand print a number for a term, not only words or a bound",
        about=_SOURCE,
        labels={},
    )


def reading_table(reforms: Reforms | None = None) -> pd.DataFrame:
    """Count the states of the core fields of each contract, with how deep its texts were read.

    Returns
    -------
    DataFrame
        ``contract kind sources read_as stated not_stated not_read not_applicable``; the last four
        add up to the number of core fields.
    """
    import pandas as pd

    reforms = reforms or _ordered(load_reforms())
    depth = load_sources().set_index("source_id")["read_as"]
    states = status_matrix(reforms)
    rows = []
    for (name, state), one in zip(states.iterrows(), reforms.values(), strict=True):
        used = {value.source for values in one.parameters.values() for value in values} - {None}
        stated = state.isin(["documented", "reported", "assumed", "bounded"])
        rows.append(
            {
                "contract": name,
                "kind": one.kind.replace("_", " "),
                "sources": len(used),
                "read_as": ", ".join(sorted({depth[source] for source in used})),
                "stated": int(stated.sum()),
                **{word: int((state == word).sum()) for word in SILENCE},
            }
        )
    return PUBLISHED.carried_by(pd.DataFrame(rows))


def _prints(rules: Any, field: str) -> bool:
    return any(value.value is not None for value in rules.parameters.get(field, ()))


def _ordered(reforms: Reforms) -> Reforms:
    """Order contracts: cases by how much is known, then programmes, schemes and texts."""
    rank = {kind: place for place, kind in enumerate((*CHINA, "analogue", "scenario"))}
    core = core_fields()

    def key(item: tuple[str, Any]) -> tuple[int, int, str]:
        name, one = item
        known = sum(any(shown(value) for value in one.parameters.get(field, ())) for field in core)
        return rank[one.kind], -known, name

    chosen = {name: one for name, one in reforms.items() if one.kind != "scenario"}
    return Reforms(dict(sorted(chosen.items(), key=key)))


def _name(rules: Any, lang: str = "en") -> str:
    return rules.name.zh if lang == "zh" else rules.name.en
