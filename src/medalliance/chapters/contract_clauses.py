"""The clauses of a contract: wording with blanks, range seen, evidence, model, grade."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..evidence.grade import Grade, grade, strongest
from ..evidence.quoting import cited, facts
from ..paths import data_dir, reading
from ..reforms import Rules, load_reforms, rule_fields
from . import laboratory
from .contract_anatomy import CHINA, status_matrix
from .settlements import load_mssp_table

if TYPE_CHECKING:
    import pandas as pd

    from ..reforms import DatedValue, Reforms

LANGUAGES = ("en", "zh")
FIELD = re.compile(r"\{(\w+)\}")
_ALLIANCE = ("case", "programme", "province", "national")
_STATED = ("documented", "reported")
_CJK = re.compile(r"[\u4e00-\u9fff]")
DEPTHS = {
    "whole": ("whole text read", "读过全文"),
    "article": ("single articles read", "读过有关条款"),
    "passage": ("a passage read", "读过片段"),
    "opening": ("the opening read", "读过开头"),
    "quoted": ("a quoted sentence read", "只读到引文"),
    "abstract": ("an abstract read", "只读到摘要"),
    "news": ("a news report read", "只读到报道"),
    "full data": ("full data", "读过全部数据"),
    "summary": ("a summary read", "读过概述"),
    "opening of the text": ("the opening read", "读过开头"),
    "quoted passage": ("a quoted sentence read", "只读到引文"),
}
_LINES = {
    "none": ("No text that we read states it.", "所读文本都没有写明。"),
    "elsewhere": (
        "No text of a county alliance that we read states it. Elsewhere:",
        "所读县域医共体文本都没有写明。其他文本：",
    ),
}


class Blank(NamedTuple):
    """What stands in a blank: its text, and why nothing does."""

    text: str
    status: str  # documented, reported, assumed; empty where nothing stands there
    reason: str = ""


class Piece(NamedTuple):
    """A piece of wording: plain text, or a blank by its name."""

    text: str
    name: str = ""
    blank: Blank = Blank("", "")


class Said(NamedTuple):
    """A sentence of numbers: where it holds, how sure, from which source."""

    text: str
    place: str
    grade: Grade
    source: str
    badge: str = "REAL"


class Seen(NamedTuple):
    """A value that a text states: who, what, how deep it was read, of which source."""

    text: str
    depth: str
    source_id: str
    alliance: bool


@dataclass(frozen=True)
class Clause:
    """One clause.

    Attributes
    ----------
    name : str
        As the table of official words calls it.
    number : int
        Place in the contract, from 1.
    raw : mapping
        The clause as ``data/contract/clauses.yaml`` holds it.
    """

    name: str
    number: int
    raw: Mapping[str, Any]

    def said(self, part: str, lang: str) -> str:
        """Return a part of the words in a language; empty where there is none."""
        return str((self.raw.get(part) or {}).get(lang, ""))

    @property
    def blanks(self) -> tuple[str, ...]:
        """Names of the blanks of the wording, in order."""
        return tuple(dict.fromkeys(FIELD.findall(self.said("wording", "en"))))


class Number:
    """A published row as templates read it; shares also in percent."""

    def __init__(self, row: pd.Series) -> None:
        get = row.to_dict().get
        self.value = float(get("estimate", get("value")))
        self.low, self.high = (float(get(name, "nan")) for name in ("conf_low", "conf_high"))
        self.p = float(get("p_value", "nan"))
        self.pct, self.low_pct, self.high_pct = (
            100 * one for one in (self.value, self.low, self.high)
        )
        self.size, self.size_pct = abs(self.value), abs(self.pct)
        self.low_size, self.high_size = abs(self.low), abs(self.high)


@cache
def content() -> Mapping[str, Any]:
    """Return what ``data/contract/clauses.yaml`` holds."""
    import yaml

    path = reading(data_dir() / "contract" / "clauses.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@cache
def _reforms() -> Reforms:
    return load_reforms()


def clauses() -> tuple[Clause, ...]:
    """Return the clauses in the order of a contract."""
    parts = enumerate(content()["clauses"].items(), start=1)
    return tuple(Clause(name, number, raw) for number, (name, raw) in parts)


def minus(text: str) -> str:
    """Return a text whose negative numbers have a true minus sign."""
    return re.sub(r"(?<![\w\u4e00-\u9fff.)])-(?=[\d.])|(?<=[\u4e00-\u9fff（])-(?=\d)", "−", text)


# --- wording ------------------------------------------------------------------------------------
def pieces(clause: Clause, lang: str, filled: Mapping[str, Blank] | None = None) -> list[Piece]:
    """Return the wording of a clause in pieces, its blanks filled where a value is given.

    Parameters
    ----------
    clause : Clause
    lang : {"en", "zh"}
    filled : mapping, optional
        A ``Blank`` by its name; what is not there stays open.
    """
    parts = FIELD.split(clause.said("wording", lang))
    out = []
    for place, part in enumerate(parts):
        if place % 2 == 0:
            out += [Piece(part)] if part else []
            continue
        blank = (filled or {}).get(part, Blank("", ""))
        out.append(Piece(blank.text or open_blank(part, lang), part, blank))
    return out


def open_blank(name: str, lang: str) -> str:
    """Return an open blank with the name of what to decide."""
    field = rule_fields().get(name)
    rate = field is not None and field.kind in ("share", "rate")
    percent = rate or name == "x_share"
    if lang == "zh":
        return f"＿＿{'%' if percent else '＿＿'}（{blank_name(name, lang)}）"
    return f"____{' %' if percent else ''} ({blank_name(name, lang)})"


def blank_name(name: str, lang: str) -> str:
    """Return the name of a blank: a rule field's label or a free blank's."""
    if name in content()["free"]:
        return str(content()["free"][name][lang])
    label = rule_fields()[name].label
    return label.zh if lang == "zh" else label.en.lower()


def printed(name: str, value: Any, lang: str) -> str:
    """Print the value of a rule field; words that have no translation give an empty text."""
    field = rule_fields()[name]
    if field.kind in ("share", "rate"):
        number = minus(f"{(100 * Decimal(str(value))).normalize():f}")
        return f"{number}%" if lang == "zh" else f"{number} %"
    if field.kind == "money":
        return f"{value:,}元" if lang == "zh" else f"{value:,} yuan"
    if field.kind in ("text", "choice"):
        known = content()["words"].get(str(value))
        said = str(known[lang]) if known else str(value)
        return said if lang == "en" or _CJK.search(said) else ""
    return str(value)


def filled_from(rules: Rules, lang: str) -> dict[str, Blank]:
    """Fill the blanks of all clauses from a rule file, with the reason for each that stays open."""
    known = rule_fields()
    names = {name for clause in clauses() for name in clause.blanks}
    return {
        name: _filled(rules, name, lang) if name in known else Blank("", "", why("sign", lang))
        for name in names
    }


_WHY = {
    "sign": ("to be written when the contract is signed", "签约时填写"),
    "silent": ("the rule file says nothing about it", "规则文件没有涉及"),
    "not_stated": ("the text was read whole and does not state it", "读过全文，没有写明"),
    "not_read": ("the part that would state it was not read", "可能写明的部分没有读到"),
    "elected": ("each contract states its own", "由各份协议自行选定"),
    "not_applicable": ("does not apply under this rule", "本规则不适用"),
    "bound": ("the text states only a bound: {value}", "文本只给出界限：{value}"),
    "words": ("stated in words of another language: {value}", "规则文件只有英文表述：{value}"),
    "first_dollar": (
        "the rule shares the whole amount once {value} is reached: reword the clause",
        "本规则为达到{value}后全额分享，需改写本条",
    ),
}


def why(kind: str, lang: str, value: str = "") -> str:
    """Return in words why a blank stays open."""
    return _WHY[kind][lang == "zh"].format(value=value)


def _filled(rules: Rules, name: str, lang: str) -> Blank:
    values = rules.parameters.get(name, ())
    stated = [one for one in values if one.value is not None]
    if not stated:
        bounded = [one for one in values if one.at_most is not None or one.at_least is not None]
        if bounded:
            return Blank("", "", why("bound", lang, _bounds(name, bounded[-1], lang)))
        kind = str(values[-1].status) if values else "silent"
        kind = kind if kind in _WHY else "elected"
        return Blank("", "", why(kind, lang))
    last = max(one.starts for one in stated)
    newest = [one for one in stated if one.starts == last]
    texts = [_with_track(one, printed(name, one.value, lang)) for one in newest]
    if not all(texts):
        return Blank("", "", why("words", lang, str(newest[0].value)))
    text = "、".join(texts) if lang == "zh" else "; ".join(texts)
    if name == "minimum_savings_rate" and any(
        step.op == "gate" and step.rate == name and not step.excess for step in rules.steps
    ):
        return Blank("", "", why("first_dollar", lang, text))
    return Blank(text, newest[0].status)


def _with_track(value: DatedValue, text: str) -> str:
    return f"{value.track}: {text}" if value.track and text else text


def _bounds(name: str, value: DatedValue, lang: str) -> str:
    low, high = (
        None if one is None else printed(name, one, lang) for one in (value.at_least, value.at_most)
    )
    at = ("不低于{}", "不超过{}") if lang == "zh" else ("at least {}", "at most {}")
    said = [form.format(one) for form, one in zip(at, (low, high), strict=True) if one]
    return ("，" if lang == "zh" else ", ").join(said)


# --- the range seen in texts --------------------------------------------------------------------
def seen(clause: Clause, lang: str) -> tuple[str, list[Seen]]:
    """Return what texts in hand state for the blanks of a clause.

    Returns
    -------
    str
        A sentence that stands above: that no text, or none of an alliance, states it.
    list of Seen
        Alliances first.
    """
    found = [*_from_rules(clause, lang), *_from_words(clause, lang)]
    found.sort(key=lambda one: not one.alliance)
    if any(one.alliance for one in found):
        return "", found
    return _LINES["elsewhere" if found else "none"][lang == "zh"], found


def _from_rules(clause: Clause, lang: str) -> Iterator[Seen]:
    known, sources = rule_fields(), facts().sources.set_index("source_id")["read_as"]
    for name in clause.raw["fields"]:
        field = known[name]
        for rules in _reforms().values():
            values = [one for one in rules.parameters.get(name, ()) if one.status in _STATED]
            if rules.kind == "scenario" or not values or field.kind == "schedule":
                continue
            texts = _distinct(name, values, lang)
            if not texts:
                continue
            place = rules.name.zh if lang == "zh" else rules.name.en
            label = blank_name(name, lang)
            text = f"{place}：{label}，{texts}" if lang == "zh" else f"{place}: {label}, {texts}"
            source = str(values[-1].source)
            yield Seen(text, depth(str(sources[source]), lang), source, rules.kind in _ALLIANCE)


def _distinct(name: str, values: list[DatedValue], lang: str) -> str:
    """Print the values of a field: one, or the lowest to the highest of several tracks."""
    if rule_fields()[name].kind in ("share", "rate", "count", "money"):
        numbers = sorted({one.value for one in values if one.is_number})  # type: ignore[type-var]
        if not numbers:
            return _bounds(name, values[-1], lang)
        ends = [printed(name, one, lang) for one in dict.fromkeys((numbers[0], numbers[-1]))]
        return (" 至 " if lang == "zh" else " to ").join(ends).replace(" 至 ", "至")
    words = printed(name, values[-1].value, lang) or str(values[-1].evidence or "")
    return words if lang == "en" or _CJK.search(words) else ""


def _from_words(clause: Clause, lang: str) -> Iterator[Seen]:
    rows = facts().clauses.set_index("row_id")
    for name in clause.raw.get("printed", ()):
        row = rows.loc[name]
        words = quoted(row)
        value = f"{words}" if lang == "zh" else f"{row['printed']} ({words})"
        where = f"{row['document']}{_article(row)}"
        text = f"{where}：{value}" if lang == "zh" else f"{where}: {value}"
        alliance = row["level"] in ("national", "province")
        yield Seen(text, depth(str(row["depth"]), lang), str(row["source_id"]), alliance)


def quoted(row: pd.Series) -> str:
    """Return the words of a row in quotation marks, as they stand in the source."""
    words = str(row["quotation"]).removeprefix("[EN summary] ")
    return f"“{words}”"


def _article(row: pd.Series) -> str:
    article = row["article"]
    if article is None or article != article or not str(article).strip():
        return ""
    text = re.sub(r"^arts? (\d+)$", r"第\1条", str(article))
    return f" {text}"


def depth(read_as: str, lang: str) -> str:
    """Return in words how deep a text was read."""
    return DEPTHS[read_as][lang == "zh"]


def asks(clause: Clause, lang: str) -> list[Seen]:
    """Return the official words that ask for a clause, with document and depth."""
    rows = facts().clauses.set_index("row_id")
    out = []
    for name in clause.raw["asks"]:
        row = rows.loc[name]
        number = row["document_number"]
        known = number == number and number is not None and "not" not in str(number)
        after = f"（{number}）" if known else ""
        text = (
            f"{row['document']}{after}{_article(row)}{'：' if lang == 'zh' else ': '}{quoted(row)}"
        )
        out.append(Seen(text, depth(str(row["depth"]), lang), str(row["source_id"]), True))
    return out


# --- evidence -----------------------------------------------------------------------------------
def findings(clause: Clause, lang: str) -> list[Said]:
    """Return the real evidence on a clause: sentence, place, grade, source."""
    return [finding(name, lang) for name in clause.raw["findings"]]


def finding(name: str, lang: str) -> Said:
    """Return one finding with its numbers, graded by the rule of the book."""
    raw = content()["findings"][name]
    table = getattr(facts(), raw["table"]).set_index("row_id")
    rows = {key: table.loc[row] for key, row in raw["rows"].items()}
    first = next(iter(rows.values()), None)
    units, treated = raw.get("units"), raw.get("treated")
    if first is not None and "organisations" in table:
        units, treated = int(first["organisations"]), int(first["moved"])
    interval = first is not None and "conf_low" in first and first["conf_low"] == first["conf_low"]
    sure = grade(
        raw["design"], units, treated,
        interval=bool(interval), checks=len(raw.get("checks", ())), abroad=raw.get("abroad", False),
        indirect=raw.get("indirect", False),
    )  # fmt: skip
    numbers: dict[str, Any] = {
        key: Number(row) if "estimate" not in row or row["estimate"] == row["estimate"] else None
        for key, row in rows.items()
    }
    numbers |= {"units": units, "treated": treated}
    if name == "settled":
        numbers |= _settled()
    ids = {str(row["source_id"]) for row in rows.values()} or set(table["source_id"])
    text, place = (minus(part.format(**numbers)) for part in (raw[lang], raw["place"][lang]))
    return Said(text, place, sure, cited(sorted(ids)).source)


def _settled() -> dict[str, Any]:
    total = load_mssp_table().select_dtypes("number").sum().astype(int)
    chinese = status_matrix(_reforms().of_kind(*CHINA))
    known = chinese[["surplus_retention_share", "internal_split_rule"]].isin(_STATED)
    return {
        "settlements": int(total["settlements"]),
        "failed": int(total["not_reproduced"]),
        "files": len(known),
        "both": int(known.all(axis=1).sum()),
    }


class Outcome:
    """What the laboratory makes of a setting, as templates read it."""

    def __init__(self, changes: Mapping[str, Any]) -> None:
        settings = laboratory.defaults(**changes)
        found = laboratory.solve(settings)
        point = found["equilibria"][found["chosen"]]
        steady = [
            one["mean_surplus"]
            for one in found["equilibria"]
            if one["stable"] and one["best_response"]
        ]
        self.stable = len(steady)
        ends = {"": found["surplus"], "lowest_": min(steady), "highest_": max(steady)}
        for name, value in ends.items():
            setattr(self, f"{name}million", f"{value / 10:.2f}")
            setattr(self, f"{name}wan", f"{value * 10:.0f}")
        self.keeps = 1 - found["each_yuan"]["fund"]
        self.weight = found["perceived"]
        self.primary, self.outside = sum(point["visits"][1:3]), point["visits"][3]
        each = found["whole"]
        counts = (1, settings["townships"], settings["villages"])
        parts = zip(each["pay"], each["institution"], counts, strict=True)
        _, self.township_yuan, self.village_yuan = (1e5 * (p + i) / n for p, i, n in parts)
        self.township_pay = 1e5 * each["pay"][1] / counts[1]
        self.induced_village = point["inducement"][2] / found["without"]["inducement"][2]


MODEL = ("the book's incentive model, an invented county", "本书的激励模型，虚构县")


def model(clause: Clause, lang: str) -> Said | None:
    """Return what the model says of a clause; None where it does not reach."""
    raw = clause.raw.get("model")
    if not raw:
        return None
    outcomes = _outcomes(clause.name)
    text = minus(raw[lang].format(a=outcomes[0], b=outcomes[1]))
    return Said(text, "", Grade.MODEL, MODEL[lang == "zh"], "ILLUSTRATIVE")


def _outcomes(name: str) -> tuple[Outcome, Outcome]:
    raw = content()["clauses"][name]["model"]
    before, after = (_outcome(tuple(sorted(raw[end].items()))) for end in ("from", "to"))
    return before, after


@cache
def _outcome(changes: tuple[tuple[str, Any], ...]) -> Outcome:
    return Outcome(dict(changes))


def clause_grade(clause: Clause) -> Grade:
    """Return the one grade of a clause: that of its strongest finding, else the model's or none."""
    known = [finding(name, "en").grade for name in clause.raw["findings"]]
    return strongest(known, model=bool(clause.raw.get("model")))


def laboratory_setting(clause: Clause) -> Mapping[str, Any] | None:
    """Return the laboratory's setting that shows a clause; None where it has no control for it."""
    raw = clause.raw.get("model")
    return raw["to"] if raw else clause.raw.get("laboratory")
